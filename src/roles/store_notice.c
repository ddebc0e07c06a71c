/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a letter's notice, and of letters whose notice cannot arrive (P3): withdrawn, returned, and the
 * sender told. The story is in store/state.h. */
#include "base/clock.h"
#include "base/mem.h"
#include "roles/store.h"
#include "trust/trust_reason.h"

/* A change of one item by the store's own doing or a notice's result. False: not possible from here. */
static bool change(struct store *store, struct queue_item *item, struct state_cause *cause)
{
    const struct queue_job *job = item->job;
    cause->index = item->index;
    cause->message = job->message_id;
    cause->letter = job->letter != 0 ? job->id : (struct id){{0}};
    return state_change(&item->state, cause, &job->tenant->counts, &store->writer) == STATE_CHANGED;
}

static void settle_lease(struct store *store, struct queue_item *item)
{
    if (item->lease != NULL) {
        if (item->lease->open == 1) {
            store_lease_over(store, item->lease);
        }
        queue_lease_settle(store->queue, item);
    }
}

struct index_live store_live_of(const struct queue_item *item)
{
    const struct queue_job *job = item->job;

    return (struct index_live){
        .message = job->message,
        .id = job->message_id,
        .kind = job->message_kind,
        .flags = job->flags,
        .tenant = slice_str(job->tenant->name),
        .accepted_us = job->accepted_us,
        .size = job->size,
        .index = item->index,
        .notify = item->notify,
        .destination = item->dest->tag,
        .state = item->state,
        .reason = item->reason,
    };
}

/* The return that a letter's or message's recipient now owes its sender: written by a courier. Reports about reports
 * are not sent: they end here, with an alarm. */
static void queue_return(struct store *store, const struct queue_item *item, int64_t now_us, struct store_after *after)
{
    struct index_live live = store_live_of(item);
    live.letter = item->job->letter;
    live.letter_id = item->job->id;
    live.next_us = now_us;
    struct queue_job *back = store_add_letter_job(store, MSG_LEASE_RETURN, &live);
    if (back != NULL) {
        store_complete_wake(after, back);
    }
}

static void tell_nobody(struct store *store, struct queue_item *item, int64_t now_us)
{
    struct state_cause cause = {.event = STATE_TELL, .generation = item->state.generation, .at_us = now_us,
                                .reason = TRUST_REASON_UNDELIVERABLE_REPORT};
    change(store, item, &cause);
    store_alarm(store, "a report to a sender could be neither delivered nor posted (%s)",
                trust_reason_name(item->reason));
}

/* The recipient was returned untold: what follows. The item is still in the queue. */
static void follow_return(struct store *store, struct queue_item *item, int64_t now_us, struct store_after *after)
{
    if (item->state.kind == MSG_KIND_DSN) {
        after->remove_letter = item->job->letter != 0;
        after->remove = item->job->id;
        tell_nobody(store, item, now_us);
    } else {
        queue_return(store, item, now_us, after);
    }
}

/* --- results of notices --- */

static void notice_cause(const struct store *store, const struct queue_item *item, const struct msg_result *result,
                         struct state_cause *cause)
{
    bool before = (item->state.flags & STATE_FLAG_REFUSED_ONCE) != 0;
    cause->next_us = store_lease_next(store, item->job, ++item->job->retry, cause->at_us);
    switch ((enum msg_outcome)result->outcome) {
    case MSG_OUT_DELIVERED:
        cause->event = STATE_NOTICE_DELIVER;
        cause->next_us = 0;
        break;
    case MSG_OUT_REFUSED:
        cause->event = before ? STATE_NOTICE_REFUSE : STATE_NOTICE_REFUSE_ONCE;
        cause->reason = before ? TRUST_REASON_NOTICE_REFUSED : cause->reason;
        cause->next_us = before ? 0 : cause->at_us + role_conf(store->role)->notice_refusal_gap;
        break;
    case MSG_OUT_HELD:
        cause->event = STATE_NOTICE_HOLD;
        cause->next_us = item->job->by_us;
        break;
    default:
        cause->event = STATE_NOTICE_LATER;
        break;
    }
}

static void notice_result(struct store *store, struct queue_item *item, const struct msg_result *result,
                          struct store_after *after)
{
    struct state_cause cause = {
        .generation = result->generation,
        .at_us = clock_utc_us(),
        .attempt = item->attempts + 1,
        .reason = result->reason,
        .proof = result->proof,
        .evidence = result->evidence, /* the text is sealed under the letter's key: the row's would not open it */
    };
    notice_cause(store, item, result, &cause);
    uint64_t letter = item->job->letter;
    struct id letter_id = item->job->id;
    if (!change(store, item, &cause)) {
        return;
    }
    item->attempts = cause.attempt;
    item->reason = cause.reason;
    if (cause.event == STATE_NOTICE_REFUSE) {
        follow_return(store, item, cause.at_us, after);
    }
    if (cause.next_us == 0) {
        store_complete_remove(store, item, after);
    } else {
        settle_lease(store, item);
        queue_wait(store->queue, item, cause.next_us);
    }
    if (cause.event == STATE_NOTICE_REFUSE) {
        store_center_close_letter(store, letter, &letter_id);
    }
}

/* --- results of returns --- */

static void return_result(struct store *store, struct queue_item *item, const struct msg_result *result,
                          struct store_after *after)
{
    bool told = result->outcome == MSG_OUT_RETURNED || result->outcome == MSG_OUT_DELIVERED;
    struct state_cause cause = {
        .event = told ? STATE_TELL : STATE_TELL_LATER,
        .generation = result->generation,
        .at_us = clock_utc_us(),
        .reason = item->reason, /* why it was returned stays what the row says */
    };
    cause.next_us = told ? 0 : store_lease_next(store, item->job, ++item->job->retry, cause.at_us);
    bool letter = item->job->letter != 0;
    struct id id = item->job->id;
    if (!change(store, item, &cause)) {
        return;
    }
    if (!told) {
        settle_lease(store, item);
        queue_wait(store->queue, item, cause.next_us);
        return;
    }
    store_complete_remove(store, item, after);
    if (letter) {
        after->remove_letter = true;
        after->remove = id;
    }
}

void store_notice_result(struct store *store, struct queue_item *item, const struct msg_result *result,
                         const struct msg_complete *complete, struct store_after *after)
{
    (void)complete;
    if (item->job->kind == MSG_LEASE_NOTICE) {
        notice_result(store, item, result, after);
    } else {
        return_result(store, item, result, after);
    }
}

/* --- the store's own doing --- */

void store_notice_withdraw(struct store *store, struct queue_item *item)
{
    store_prepare(store);
    struct store_after *after = store_after_new(store, NULL, NULL, MSG_OK, 2);
    struct state_cause cause = {
        .event = STATE_NOTICE_WITHDRAW,
        .generation = item->state.generation,
        .at_us = clock_utc_us(),
        .reason = TRUST_REASON_NOTICE_EXPIRED,
    };
    struct queue_job job = *item->job; /* it ends with its only item */
    if (change(store, item, &cause)) {
        item->reason = cause.reason;
        follow_return(store, item, cause.at_us, after);
        store_complete_remove(store, item, after);
        store_complete_write(store, &job, SLICE_EMPTY, SLICE_EMPTY, cause.at_us, true);
        store_center_close_letter(store, job.letter, &job.id);
    }
    store_after(after);
}

void store_notice_damaged(struct store *store, struct queue_job *job)
{
    store_prepare(store);
    struct store_after *after = store_after_new(store, NULL, NULL, MSG_OK, MSG_RECIPIENTS_MAX);
    struct queue_job copy = *job;
    int64_t now = clock_utc_us();
    uint16_t count = job->count;
    store_alarm(store, "the stored content of a message is damaged; its recipients are returned to the sender");
    for (uint16_t i = 0; i < count; i++) {
        struct queue_item *item = &job->item[i];
        struct state_cause cause = {.event = STATE_RETURN_UNTOLD, .at_us = now, .reason = TRUST_REASON_LOCAL};
        if (item->removed || item->lease != NULL) {
            continue;
        }
        cause.generation = item->state.generation;
        bool last = job->live == 1;
        if (change(store, item, &cause)) {
            item->reason = cause.reason;
            follow_return(store, item, now, after);
            store_complete_remove(store, item, after);
        }
        if (last) {
            break;
        }
    }
    store_complete_write(store, &copy, SLICE_EMPTY, SLICE_EMPTY, now, true);
    store_after(after);
}

/* One held notice becomes pending again. */
static bool release_one(struct store *store, struct queue_job *job, struct store_after *after)
{
    struct queue_item *item = &job->item[0];
    struct state_cause cause = {
        .event = STATE_NOTICE_RELEASE,
        .generation = item->state.generation,
        .at_us = clock_utc_us(),
        .reason = item->reason,
        .next_us = clock_utc_us(),
    };
    if (item->state.notice != STATE_NOTICE_HELD) {
        return false;
    }
    store_prepare(store);
    if (!change(store, item, &cause)) {
        return false;
    }
    queue_wait(store->queue, item, QUEUE_NEVER);
    store_complete_wake(after, job);
    store_complete_write(store, job, SLICE_EMPTY, SLICE_EMPTY, cause.at_us, false);
    return true;
}

uint32_t store_notice_release(struct store *store, const struct id *id, struct store_after *after)
{
    size_t cursor = 0;
    uint32_t count = 0;
    struct queue_job *job = queue_next(store->queue, &cursor);
    for (; job != NULL && count < MSG_RECIPIENTS_MAX; job = queue_next(store->queue, &cursor)) {
        bool meant = id_eq(&job->id, id) || id_eq(&job->message_id, id);
        if (job->kind == MSG_LEASE_NOTICE && meant && release_one(store, job, after)) {
            count++;
        }
    }
    return count;
}
