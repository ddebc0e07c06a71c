/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: what goes to couriers, and what becomes of leases whose courier is gone. Nothing is leased before every
 * courier of an earlier run has reported or is confirmed dead: what it still had under way may have been taken by a
 * receiver. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "roles/store.h"

#define LEASE_CODE_FIRST_US INT64_C(30000000) /* first retry of a code mail; doubled from then on */

void store_lease_over(struct store *store, struct queue_lease *lease)
{
    struct store_courier *courier = &store->courier[lease->courier];
    list_remove(&lease->link);
    courier->lease_count--;
}

/* Gives back all leases of a courier. */
static void give_back(struct store *store, unsigned index)
{
    struct store_courier *courier = &store->courier[index];
    int64_t now = clock_utc_us();
    LIST_FOR(it, tmp, &courier->leases)
    {
        struct queue_lease *lease = LIST_ENTRY(it, struct queue_lease, link);
        store_lease_over(store, lease);
        queue_lease_end(store->queue, lease, now);
    }
    queue_forget_courier(store->queue, index);
}

static void cleared(struct store *store, unsigned index)
{
    store->courier[index].clear = true;
    for (unsigned i = 0; i < role_count(store->role, ROLE_COURIER) && i < ROLE_INDEX_MAX; i++) {
        if (!store->courier[i].clear) {
            return;
        }
    }
    if (!store->leasing) {
        log_info(role_log(store->role), "every courier of an earlier run has reported or is gone: leasing begins");
    }
    store->leasing = true;
}

bool store_lease_held(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_held held;
    if (!layout_read(&msg_held_layout, frame->payload, &held)) {
        return false;
    }
    if (!peer->cleared) {
        give_back(store, peer->index);
    }
    peer->cleared = true;
    cleared(store, peer->index);
    return true;
}

void store_lease_gone(struct store *store, unsigned index)
{
    give_back(store, index);
    cleared(store, index);
}

int64_t store_lease_next(const struct store *store, const struct queue_job *job, uint32_t attempt, int64_t now_us)
{
    const struct conf *conf = role_conf(store->role);
    if (job->kind == MSG_LEASE_CODE) {
        return now_us + (LEASE_CODE_FIRST_US << (attempt < 8 ? attempt - (attempt > 0 ? 1 : 0) : 7));
    }
    size_t step = attempt == 0 ? 0 : attempt - 1;
    step = step < conf->courier_retry_count ? step : conf->courier_retry_count - 1;
    int64_t next = now_us + (conf->courier_retry_count == 0 ? CLOCK_US_PER_S * 300 : conf->courier_retry[step]);
    int64_t limit = job->kind == MSG_LEASE_MAIL ? job->accepted_us + conf->courier_hold : job->by_us;
    if (job->kind == MSG_LEASE_MAIL && job->by_us != 0 && job->by_us < limit) {
        limit = job->by_us;
    }
    return limit > now_us && next > limit ? limit : next;
}

/* The holding limit, or the sender's time: "later" is not an answer any more. */
static bool must_end(const struct store *store, const struct queue_job *job, int64_t now_us)
{
    return now_us >= job->accepted_us + role_conf(store->role)->courier_hold ||
           (job->by_us != 0 && now_us >= job->by_us);
}

/* Recipients of the lease out of the message's list, into store->list. */
static bool fill_recipients(struct store *store, const struct queue_lease *lease, struct slice recipients)
{
    struct msg_recipient recipient;
    struct wire_reader r = wire_reader_of(recipients);
    uint16_t found = 0;
    buf_reset(&store->list);
    while (found < lease->count && layout_next(&msg_recipient_layout, &r, &recipient)) {
        for (uint16_t i = 0; i < lease->count; i++) {
            const struct queue_item *item = lease->item[i];
            if (item->index == recipient.index) {
                const struct msg_lease_recipient out = {item->index, item->state.generation, item->notify,
                                                        recipient.sealed};
                layout_write(&msg_lease_recipient_layout, &store->list, &out);
                found++;
            }
        }
    }
    return found == lease->count && buf_ok(&store->list);
}

enum sent {
    SENT,
    SENT_LATER,   /* could not be read for the moment */
    SENT_DAMAGED, /* what is stored is not what was kept */
};

static enum sent send(struct store *store, struct queue_lease *lease, const struct msg_lease *msg, int fd)
{
    struct store_courier *courier = &store->courier[lease->courier];
    buf_reset(&store->frame);
    layout_write(&msg_lease_layout, &store->frame, msg);
    if (!buf_ok(&store->frame)) {
        return SENT_LATER;
    }
    chan_send(courier->peer->chan, MSG_LEASE, buf_slice(&store->frame), fd);
    list_push(&courier->leases, &lease->link);
    courier->lease_count++;
    return SENT;
}

static struct msg_lease lease_base(const struct store *store, const struct queue_lease *lease)
{
    const struct queue_job *job = lease->job;
    return (struct msg_lease){
        .lease = lease->number,
        .epoch = role_epoch(store->role),
        .kind = job->kind,
        .message_kind = job->message_kind,
        .flags = job->flags,
        .tenant = slice_str(job->tenant->name),
        .message = job->id,
        .attempt = lease->item[0]->attempts + 1,
        .accepted_us = job->accepted_us,
        .by_us = job->by_us,
        .size = job->size,
    };
}

/* Mail: from the journal's memory or the disk. */
static enum sent send_mail(struct store *store, struct queue_lease *lease, int64_t now_us)
{
    struct record record;
    struct record_message head;
    const struct queue_job *job = lease->job;
    enum record_result result = journal_read(store->journal, job->message, &record);
    if (result != RECORD_OK) {
        return result == RECORD_NONE ? SENT_LATER : SENT_DAMAGED;
    }
    if (!layout_read(&record_message_layout, record.head, &head) || !fill_recipients(store, lease, head.recipients)) {
        return SENT_DAMAGED;
    }
    int fd = head.content_length > 0 ? letters_read(&store->content, &job->id) : -1;
    if (head.content_length > 0 && fd < 0) {
        return errno == ENOENT ? SENT_DAMAGED : SENT_LATER;
    }
    struct msg_lease msg = lease_base(store, lease);
    msg.must_end = must_end(store, job, now_us);
    for (uint16_t i = 0; i < lease->count; i++) {
        msg.flags |= (lease->item[i]->state.flags & STATE_FLAG_ATTACK) != 0 ? MSG_FLAG_ATTACK : 0;
    }
    msg.header = head.header;
    msg.envelope = head.envelope;
    msg.recipients = buf_slice(&store->list);
    msg.content = record.content;
    msg.content_length = head.content_length;
    enum sent sent = send(store, lease, &msg, fd);
    if (fd >= 0) {
        close(fd);
    }
    return sent;
}

static void one_recipient(struct store *store, const struct queue_lease *lease, struct slice sealed)
{
    const struct queue_item *item = lease->item[0];
    const struct msg_lease_recipient out = {item->index, item->state.generation, item->notify, sealed};
    buf_reset(&store->list);
    layout_write(&msg_lease_recipient_layout, &store->list, &out);
}

/* A notice, a code or the return of a letter: from the index. */
static enum sent send_letter(struct store *store, struct queue_lease *lease, int64_t now_us)
{
    struct index_letter letter;
    struct index_transit transit;
    struct queue_job *job = lease->job;
    const struct conf *conf = role_conf(store->role);
    if (!index_letter_by_row(store->index, job->letter, &letter)) {
        return SENT_LATER;
    }
    one_recipient(store, lease, letter.recipient);
    struct msg_lease msg = lease_base(store, lease);
    msg.message = letter.id;
    msg.flags = letter.flags | (letter.held ? MSG_FLAG_ATTACK : 0);
    msg.flags |= (letter.recipient_state.flags & STATE_FLAG_RELEASED) != 0 ? MSG_FLAG_RELEASED : 0;
    msg.refused_before = (lease->item[0]->state.flags & STATE_FLAG_REFUSED_ONCE) != 0;
    msg.reason = lease->item[0]->reason;
    msg.header = letter.header;
    msg.envelope = letter.envelope;
    msg.recipients = buf_slice(&store->list);
    if (job->kind == MSG_LEASE_NOTICE) {
        int64_t until = now_us + conf->center_link_lifetime;
        msg.expires_us = until < letter.expires_us ? until : letter.expires_us;
        msg.extra = letter.token;
    } else if (job->kind == MSG_LEASE_CODE) {
        if (!index_transit(store->index, &job->id, &transit)) {
            return SENT_LATER;
        }
        msg.expires_us = job->by_us;
        msg.extra_id = job->id;
        msg.extra_header = transit.header;
        msg.extra = transit.sealed;
    }
    return send(store, lease, &msg, -1);
}

/* The return of a message whose content was damaged. */
static enum sent send_return(struct store *store, struct queue_lease *lease)
{
    struct slice sealed;
    struct msg_lease msg = lease_base(store, lease);
    if (!index_recipient(store->index, lease->job->message, lease->item[0]->index, &msg.header, &msg.envelope, &sealed)) {
        return SENT_LATER;
    }
    one_recipient(store, lease, sealed);
    msg.message = lease->job->message_id;
    msg.reason = lease->item[0]->reason;
    msg.recipients = buf_slice(&store->list);
    return send(store, lease, &msg, -1);
}

static enum sent send_lease(struct store *store, struct queue_lease *lease, int64_t now_us)
{
    switch (lease->job->kind) {
    case MSG_LEASE_MAIL:
        return send_mail(store, lease, now_us);
    case MSG_LEASE_RETURN:
        store_index_catch_up(store);
        return lease->job->letter == 0 ? send_return(store, lease) : send_letter(store, lease, now_us);
    default:
        store_index_catch_up(store);
        return send_letter(store, lease, now_us);
    }
}

/* The first mail of a notice counts against the day's limits; true when it must wait for tomorrow. */
static bool waits_for_tomorrow(struct store *store, const struct queue_lease *lease)
{
    struct index_letter letter;
    if (lease->job->kind != MSG_LEASE_NOTICE || lease->job->retry > 0) {
        return false;
    }
    store_index_catch_up(store);
    return index_letter_by_row(store->index, lease->job->letter, &letter) &&
           !store_center_mail_allowed(store, &letter.recipient_tag, &letter.destination);
}

/* What a lease that was taken cannot be handed out for; true when it was dealt with. */
static bool dealt_with(struct store *store, struct queue_lease *lease, int64_t now_us)
{
    struct queue_job *job = lease->job;
    struct queue_item *item = lease->item[0];
    bool over = job->by_us != 0 && now_us >= job->by_us;
    if (job->kind == MSG_LEASE_NOTICE && (over || item->state.notice == STATE_NOTICE_HELD)) {
        queue_lease_end(store->queue, lease, QUEUE_NEVER);
        if (over) {
            store_notice_withdraw(store, item);
        } else {
            queue_wait(store->queue, item, job->by_us);
        }
        return true;
    }
    if (job->kind == MSG_LEASE_CODE && over) {
        queue_lease_end(store->queue, lease, QUEUE_NEVER);
        store_center_transit_end(store, item, MSG_OUT_LATER, 0);
        return true;
    }
    if (waits_for_tomorrow(store, lease)) {
        int64_t tomorrow = ((int64_t)clock_day(now_us) + 1) * CLOCK_US_PER_DAY;
        queue_lease_end(store->queue, lease, tomorrow < job->by_us ? tomorrow : job->by_us);
        return true;
    }
    return false;
}

static void hand_out(struct store *store, struct queue_lease *lease, int64_t now_us)
{
    struct queue_job *job = lease->job;
    enum sent sent = dealt_with(store, lease, now_us) ? SENT : send_lease(store, lease, now_us);
    if (sent == SENT) {
        return;
    }
    queue_lease_end(store->queue, lease, now_us + STORE_DAMAGE_RETRY_US);
    if (sent == SENT_DAMAGED) {
        store_notice_damaged(store, job);
    } else {
        store_alarm(store, "stored mail cannot be read for the moment; it is tried again every minute");
    }
}

static bool courier_ready(const struct store_courier *courier)
{
    return courier->peer != NULL && courier->peer->cleared && courier->lease_count < STORE_LEASES_PER_COURIER &&
           chan_pending(courier->peer->chan) < STORE_COURIER_PENDING;
}

void store_lease_pump(struct store *store)
{
    int64_t now = clock_utc_us();
    bool any = store->leasing && !store->draining;
    while (any) {
        any = false;
        for (unsigned i = 0; i < role_count(store->role, ROLE_COURIER) && i < ROLE_INDEX_MAX; i++) {
            struct queue_lease *lease =
                courier_ready(&store->courier[i]) ? queue_lease_take(store->queue, i, now) : NULL;
            if (lease != NULL) {
                hand_out(store, lease, now);
                any = true;
            }
        }
    }
}
