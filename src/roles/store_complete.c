/* SPDX-License-Identifier: Apache-2.0 */
/* Completions: what couriers report of their leases. All results of one completion become one transition record,
 * together with their letters and evidence; a DSN is journaled in front of it, so that a recipient is never returned
 * without its answer. The courier is answered when the wave is durable. */
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "roles/store.h"
#include "trust/trust_reason.h"

#define COMPLETE_WAKES (MSG_RECIPIENTS_MAX + 2u) /* a notice for each recipient, the DSN */

/* One completion at work. */
struct work {
    struct store *store;
    struct store_after *after;
    struct msg_complete msg;
    struct queue_job *job;
    struct queue_lease *lease; /* NULL: of an earlier run */
    int64_t now_us;
    uint64_t message; /* kept: the job may end on the way */
    struct id message_id;
    uint8_t message_kind;
    struct queue_tenant *tenant;
    uint64_t letters; /* posted ones that were applied; they stand in store->list */
};

void store_complete_wake(struct store_after *after, const struct queue_job *job)
{
    after->wake[after->wake_count++] = (struct store_wake){job->kind, job->id};
}

static void write_transition(struct store *store, uint64_t message, const struct id *id, uint8_t kind,
                             struct queue_tenant *tenant, struct slice letters, struct slice evidence, int64_t now_us,
                             bool lazy)
{
    const struct record_transition head = {
        .at_us = now_us,
        .message = message,
        .kind = kind,
        .tenant = slice_str(tenant->name),
        .changes = buf_slice(&store->writer.changes),
        .letters = letters,
        .evidence = evidence,
        .leaves = buf_slice(&store->writer.leaves),
    };
    tenant->counted = true;
    store_append(store, RECORD_TRANSITION, id, &record_transition_layout, &head, SLICE_EMPTY, lazy);
    buf_reset(&store->writer.changes);
    buf_reset(&store->writer.leaves);
}

void store_complete_write(struct store *store, const struct queue_job *job, struct slice letters,
                          struct slice evidence, int64_t now_us, bool lazy)
{
    write_transition(store, job->message, &job->message_id, job->message_kind, job->tenant, letters, evidence, now_us,
                     lazy);
}

void store_complete_remove(struct store *store, struct queue_item *item, struct store_after *after)
{
    const struct queue_job *job = item->job;
    bool mail = job->kind == MSG_LEASE_MAIL;
    uint64_t message = job->message;
    bool file = job->content_length > 0;
    struct id id = job->id;
    if (item->lease != NULL && item->lease->open == 1) {
        store_lease_over(store, item->lease);
    }
    if (!queue_remove(store->queue, item) || !mail) {
        return;
    }
    if (file) {
        after->remove_content = true;
        after->remove = id;
    }
    journal_release(store->journal, message);
}

/* The letter for recipient `index` in the list. */
static bool find_letter(struct slice letters, uint16_t index, struct msg_letter *ret_letter)
{
    struct wire_reader r = wire_reader_of(letters);
    while (layout_next(&msg_letter_layout, &r, ret_letter)) {
        if (ret_letter->index == index) {
            return true;
        }
    }
    return false;
}

/* Takes the letters' files over for the coming wave. False when one is not there or not whole. */
static bool take_letters(struct work *work)
{
    struct msg_letter letter;
    struct store *store = work->store;
    struct wire_reader r = wire_reader_of(work->msg.letters);
    while (layout_next(&msg_letter_layout, &r, &letter)) {
        int fd = letters_take(&store->letters, &letter.id, letter.content_length);
        if (fd < 0) {
            return false;
        }
        journal_attach(store->journal, fd, store->letters.dir_fd);
    }
    return wire_done(&r);
}

/* Every list can be read, every result is for a recipient of this job, every posted one has its letter. */
static bool is_sound(const struct work *work)
{
    struct msg_result result;
    struct msg_evidence evidence;
    struct msg_letter letter;
    size_t count = 0;
    struct wire_reader e = wire_reader_of(work->msg.evidence);
    while (layout_next(&msg_evidence_layout, &e, &evidence)) {
    }
    struct wire_reader r = wire_reader_of(work->msg.results);
    while (layout_next(&msg_result_layout, &r, &result)) {
        bool mail = work->msg.kind == MSG_LEASE_MAIL;
        if (mail && result.outcome == MSG_OUT_POSTED && !find_letter(work->msg.letters, result.index, &letter)) {
            return false;
        }
        count++;
    }
    return wire_done(&e) && wire_done(&r) && count > 0 && count <= MSG_RECIPIENTS_MAX;
}

static enum state_event mail_event(const struct msg_result *result)
{
    switch ((enum msg_outcome)result->outcome) {
    case MSG_OUT_DELIVERED:
        return STATE_DELIVER;
    case MSG_OUT_POSTED:
        return STATE_POST;
    case MSG_OUT_RETURNED:
        return STATE_RETURN;
    default:
        return STATE_LATER;
    }
}

/* A posted recipient's letter goes into the record, and its notice into the queue, to be woken when that is durable.
 * The letter's row is the transition's position plus its place; the position is only known once it is appended, so it
 * is added by finish_notices(). */
static void add_notice(struct work *work, const struct queue_item *item, const struct msg_letter *letter)
{
    struct index_live live = store_live_of(item);
    live.letter = ++work->letters; /* place + 1 */
    live.letter_id = letter->id;
    live.attempts = item->attempts;
    live.letter_at_us = work->now_us;
    layout_write(&msg_letter_layout, &work->store->list, letter);
    struct queue_job *notice = store_add_letter_job(work->store, MSG_LEASE_NOTICE, &live);
    if (notice != NULL) {
        store_complete_wake(work->after, notice);
    }
}

static void finish_notices(struct work *work, uint64_t position)
{
    for (uint32_t i = 0; i < work->after->wake_count; i++) {
        const struct store_wake *wake = &work->after->wake[i];
        struct queue_job *job = queue_find(work->store->queue, wake->kind, &wake->id);
        if (job != NULL && job->kind == MSG_LEASE_NOTICE) {
            job->letter += position - 1;
        }
    }
}

/* What the state machine made of one result: the item waits, or ends. */
static void settle_item(struct work *work, struct queue_item *item, const struct state_cause *cause)
{
    struct store *store = work->store;
    if (item->state.recipient != STATE_QUEUED) {
        store_complete_remove(store, item, work->after);
        return;
    }
    if (item->lease != NULL) {
        if (item->lease->open == 1) {
            store_lease_over(store, item->lease);
        }
        queue_lease_settle(store->queue, item);
    }
    queue_wait(store->queue, item, cause->next_us);
}

static void apply_mail(struct work *work, struct queue_item *item, const struct msg_result *result)
{
    struct store *store = work->store;
    struct msg_letter letter;
    uint32_t attempt = item->attempts + 1;
    struct state_cause cause = {
        .event = mail_event(result),
        .generation = result->generation,
        .index = item->index,
        .message = work->message_id,
        .at_us = work->now_us,
        .attempt = attempt,
        .reason = result->reason,
        .proof = result->proof,
        .attack = result->reason == TRUST_REASON_LEVEL_FELL || result->reason == TRUST_REASON_DNS_BOGUS,
        .evidence = result->evidence,
        .text = result->text,
    };
    if (cause.event == STATE_LATER) {
        cause.next_us = store_lease_next(store, work->job, attempt, work->now_us);
    } else if (cause.event == STATE_POST) {
        find_letter(work->msg.letters, item->index, &letter);
        cause.letter = letter.id;
        cause.next_us = work->now_us;
    }
    if (state_change(&item->state, &cause, &work->tenant->counts, &store->writer) != STATE_CHANGED) {
        return;
    }
    item->attempts = attempt;
    item->reason = cause.reason;
    if (cause.event == STATE_POST) {
        add_notice(work, item, &letter);
    }
    if (cause.event == STATE_RETURN && item->state.kind == MSG_KIND_DSN) {
        store_alarm(store, "a report to a sender could be neither delivered nor posted (%s)",
                    trust_reason_name(result->reason));
    }
    settle_item(work, item, &cause);
}

static void apply_results(struct work *work)
{
    struct msg_result result;
    struct wire_reader r = wire_reader_of(work->msg.results);
    while (layout_next(&msg_result_layout, &r, &result)) {
        struct queue_job *job = queue_find(work->store->queue, work->msg.kind, &work->job->id);
        struct queue_item *item = job == NULL ? NULL : queue_find_item(job, result.index);
        if (item == NULL || item->lease != work->lease || item->state.generation != result.generation) {
            continue; /* stale: refused, nothing changes */
        }
        bool last = job->live == 1;
        bool last_of_lease = item->lease != NULL && item->lease->open == 1;
        if (work->msg.kind == MSG_LEASE_MAIL) {
            apply_mail(work, item, &result);
        } else if (work->msg.kind == MSG_LEASE_CODE) {
            store_center_result(work->store, item, &result);
        } else {
            store_notice_result(work->store, item, &result, &work->msg, work->after);
        }
        work->lease = last_of_lease ? NULL : work->lease;
        if (last || last_of_lease) {
            return; /* the job or the lease may be gone */
        }
    }
}

/* A DSN, in front of the change it answers. */
static bool take_dsn(struct work *work)
{
    struct msg_message dsn;
    struct queue_job *job = NULL;
    bool known = false;
    if (work->msg.dsn.len == 0) {
        return true;
    }
    if (!layout_read(&msg_message_layout, work->msg.dsn, &dsn) || dsn.kind != MSG_KIND_DSN) {
        return false;
    }
    store_index_catch_up(work->store);
    index_message_final(work->store->index, &dsn.id, &known);
    if (known) {
        return true; /* reported before, to an earlier run */
    }
    if (!store_commit_message(work->store, &dsn, true, &job)) {
        return false;
    }
    if (job != NULL) {
        store_complete_wake(work->after, job);
    }
    return true;
}

/* Finds what the completion is about. False: nothing of it is known any more. */
static bool find_job(struct work *work, const struct store_peer *peer)
{
    struct store *store = work->store;
    if (work->msg.epoch == role_epoch(store->role)) {
        work->lease = queue_lease_find(store->queue, work->msg.lease);
        if (work->lease == NULL || work->lease->courier != peer->index) {
            return false;
        }
        work->job = work->lease->job;
        work->msg.kind = work->job->kind;
    } else {
        work->job = queue_find(store->queue, work->msg.kind, &work->msg.message);
    }
    if (work->job == NULL) {
        return false;
    }
    work->message = work->job->message;
    work->message_id = work->job->message_id;
    work->message_kind = work->job->message_kind;
    work->tenant = work->job->tenant;
    return true;
}

/* A completion that cannot be believed: the lease goes on being open for nobody; it is tried again. */
static void refuse(struct work *work, struct store_peer *peer, const struct chan_frame *frame)
{
    struct store *store = work->store;
    log_warn(role_log(store->role), "courier.%u: a completion was refused; its mail is tried again", peer->index);
    if (work->lease != NULL) {
        int64_t next = store_lease_next(store, work->job, work->lease->item[0] != NULL ? 1 : 0, work->now_us);
        store_lease_over(store, work->lease);
        queue_lease_end(store->queue, work->lease, next);
    }
    store_answer_code(peer, frame->type, frame->request, MSG_REFUSED);
}

static void apply(struct work *work)
{
    struct store *store = work->store;
    buf_reset(&store->list);
    apply_results(work);
    if (store->writer.changes.len > 0) {
        write_transition(store, work->message, &work->message_id, work->message_kind, work->tenant,
                         buf_slice(&store->list), work->msg.evidence, work->now_us, true);
        finish_notices(work, store->last_position);
    }
    store_after(work->after);
}

bool store_complete(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct work work = {.store = store, .now_us = clock_utc_us()};
    if (!layout_read(&msg_complete_layout, frame->payload, &work.msg)) {
        return false;
    }
    if (!find_job(&work, peer)) { /* settled long ago: the courier may forget it */
        store_answer_code(peer, frame->type, frame->request, MSG_OK);
        return true;
    }
    store_prepare(store);
    work.after = store_after_new(store, peer, frame, MSG_OK, COMPLETE_WAKES);
    if (!is_sound(&work) || !take_letters(&work) || !take_dsn(&work)) {
        store_peer_unref(work.after->peer);
        mem_free(work.after);
        refuse(&work, peer, frame);
        return true;
    }
    apply(&work);
    return true;
}
