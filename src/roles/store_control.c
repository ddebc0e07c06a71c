/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator asks over the control socket. Rows go out sealed; the cli has them opened by keyd against a grant
 * made here, and each such look leaves an audit leaf. */
#include "base/clock.h"
#include "base/mem.h"
#include "ledger/leaf.h"
#include "roles/store.h"

#define CONTROL_GRANT_S 60u /* the cli opens what it was given at once */
#define CONTROL_REPORT_MAX 60000u

void store_control_note(struct store *store, uint8_t act, const struct id *id)
{
    struct buf leaves;
    struct leaf leaf = {.type = act == RECORD_ADMIN_DAMAGE ? LEAF_DAMAGE : LEAF_ADMIN, .time_us = clock_utc_us(),
                        .recipient = LEAF_NO_RECIPIENT, .outcome = act};
    if (id != NULL) {
        leaf.id = *id;
    }
    buf_init(&leaves, RECORD_LEAVES_MAX);
    leaf_put(&leaves, &leaf);
    const struct record_admin head = {act, leaf.time_us, buf_slice(&leaves)};
    store_prepare(store);
    store_append(store, RECORD_ADMIN, id, &record_admin_layout, &head, SLICE_EMPTY, false);
    buf_free(&leaves);
}

/* --- query --- */

struct query {
    struct store *store;
    struct store_peer *peer;
};

static void send_row(void *ctx, const struct msg_row *row)
{
    struct query *query = ctx;
    buf_reset(&query->store->frame);
    layout_write(&msg_row_layout, &query->store->frame, row);
    chan_send(query->peer->chan, MSG_CTL_ROW, buf_slice(&query->store->frame), -1);
}

static void send_attempt(void *ctx, const struct msg_attempt *attempt)
{
    struct query *query = ctx;
    buf_reset(&query->store->frame);
    layout_write(&msg_attempt_layout, &query->store->frame, attempt);
    chan_send(query->peer->chan, MSG_CTL_ATTEMPT, buf_slice(&query->store->frame), -1);
}

/* A question whose grant keyd is asked for. */
struct asked {
    struct store_peer *peer;
    uint16_t type;
    uint64_t request;
    struct msg_ctl_grant answer;
};

static void on_operator_grant(void *ctx, const struct chan_frame *frame)
{
    struct asked *asked = ctx;
    struct msg_status status;
    bool ok = frame != NULL && layout_read(&msg_status_layout, frame->payload, &status) && status.code == MSG_OK;
    asked->answer.code = ok ? MSG_OK : MSG_UNAVAILABLE;
    store_answer(asked->peer, asked->type, asked->request, &msg_ctl_grant_layout, &asked->answer, -1);
    store_peer_unref(asked->peer);
    mem_free(asked);
}

static void ask_grant(struct store *store, struct asked *asked)
{
    if (store->keyd == NULL) {
        on_operator_grant(asked, NULL);
        return;
    }
    const struct msg_operator_grant grant = {asked->answer.grant, CONTROL_GRANT_S};
    buf_reset(&store->frame);
    layout_write(&msg_operator_grant_layout, &store->frame, &grant);
    chan_call(store->keyd->chan, MSG_OPERATOR_GRANT, buf_slice(&store->frame), -1, MSG_DEADLINE_US, on_operator_grant,
              asked);
}

bool store_control_query(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_ctl_query ask;
    struct err err;
    struct query query = {store, peer};
    if (!layout_read(&msg_ctl_query_layout, frame->payload, &ask)) {
        return false;
    }
    struct asked *asked = mem_new(sizeof *asked);
    asked->peer = store_peer_ref(peer);
    asked->type = frame->type;
    asked->request = frame->request;
    mem_random(asked->answer.grant.b, DIGEST_SIZE);
    store_index_catch_up(store);
    if (!index_query(store->index, &ask, send_row, send_attempt, &query, &asked->answer.rows, &asked->answer.more,
                     &err)) {
        store_end(store, true, &err);
    }
    if (asked->answer.rows > 0) {
        store_control_note(store, RECORD_ADMIN_SHOWN, id_is_zero(&ask.id) ? NULL : &ask.id);
    }
    ask_grant(store, asked);
    return true;
}

void store_control_grant(struct store *store, struct store_peer *peer, const struct chan_frame *frame, uint32_t rows)
{
    struct asked *asked = mem_new(sizeof *asked);
    asked->peer = store_peer_ref(peer);
    asked->type = frame->type;
    asked->request = frame->request;
    asked->answer.rows = rows;
    mem_random(asked->answer.grant.b, DIGEST_SIZE);
    ask_grant(store, asked);
}

/* --- wait --- */

/* Nothing of the message is queued any more; *ret_known false: there is no such message. */
static bool is_final(struct store *store, const struct id *id, bool *ret_known)
{
    *ret_known = true;
    if (queue_find(store->queue, MSG_LEASE_MAIL, id) != NULL) {
        return false;
    }
    store_index_catch_up(store);
    return index_message_final(store->index, id, ret_known);
}

static void wait_end(struct store *store, struct store_wait *wait, enum msg_code code)
{
    store_answer_code(wait->peer, MSG_CTL_WAIT, wait->request, code);
    list_remove(&wait->link);
    store->wait_count--;
    store_peer_unref(wait->peer);
    mem_free(wait);
}

bool store_control_wait(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_ctl_wait ask;
    bool known = false;
    if (!layout_read(&msg_ctl_wait_layout, frame->payload, &ask)) {
        return false;
    }
    bool final = is_final(store, &ask.id, &known);
    if (final || !known || store->wait_count >= STORE_WAITS_MAX) {
        store_answer_code(peer, frame->type, frame->request, final ? MSG_OK : known ? MSG_BUSY : MSG_UNKNOWN);
        return true;
    }
    struct store_wait *wait = mem_new(sizeof *wait);
    wait->peer = store_peer_ref(peer);
    wait->request = frame->request;
    wait->id = ask.id;
    wait->until_us = clock_wait_us() + (ask.timeout_us < 0 ? 0 : ask.timeout_us);
    list_init(&wait->link);
    list_push(&store->waits, &wait->link);
    store->wait_count++;
    return true;
}

void store_control_waits(struct store *store)
{
    int64_t now = clock_wait_us();
    LIST_FOR(it, tmp, &store->waits)
    {
        struct store_wait *wait = LIST_ENTRY(it, struct store_wait, link);
        bool known = false;
        if (is_final(store, &wait->id, &known)) {
            wait_end(store, wait, MSG_OK);
        } else if (now >= wait->until_us) {
            wait_end(store, wait, MSG_EXPIRED);
        }
    }
}

void store_control_forget(struct store *store, const struct store_peer *peer)
{
    LIST_FOR(it, tmp, &store->waits)
    {
        struct store_wait *wait = LIST_ENTRY(it, struct store_wait, link);
        if (wait->peer == peer) {
            list_remove(&wait->link);
            store->wait_count--;
            store_peer_unref(wait->peer);
            mem_free(wait);
        }
    }
}

/* --- retry, release --- */

/* Due now, unless it is leased, held, or not durable yet. */
static uint32_t retry_job(struct store *store, struct queue_job *job, int64_t now_us)
{
    uint32_t count = 0;
    for (uint16_t i = 0; i < job->count; i++) {
        struct queue_item *item = &job->item[i];
        bool held = item->state.notice == STATE_NOTICE_HELD;
        if (!item->removed && item->lease == NULL && item->due_us != QUEUE_NEVER && !held && item->heap != 0) {
            queue_wait(store->queue, item, now_us);
            count++;
        }
    }
    return count;
}

bool store_control_retry(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_ctl_target target;
    size_t cursor = 0;
    uint32_t count = 0;
    int64_t now = clock_utc_us();
    if (!layout_read(&msg_ctl_target_layout, frame->payload, &target)) {
        return false;
    }
    bool all = id_is_zero(&target.id);
    for (struct queue_job *job = queue_next(store->queue, &cursor); job != NULL;
         job = queue_next(store->queue, &cursor)) {
        if (all || id_eq(&job->message_id, &target.id) || id_eq(&job->id, &target.id)) {
            count += retry_job(store, job, now);
        }
    }
    store_control_note(store, RECORD_ADMIN_RETRY, all ? NULL : &target.id);
    store_answer_code(peer, frame->type, frame->request, count > 0 || all ? MSG_OK : MSG_UNKNOWN);
    return true;
}

bool store_control_release(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_ctl_target target;
    if (!layout_read(&msg_ctl_target_layout, frame->payload, &target) || id_is_zero(&target.id)) {
        return false;
    }
    struct store_after *after = store_after_new(store, peer, frame, MSG_OK, MSG_RECIPIENTS_MAX);
    if (store_notice_release(store, &target.id, after) == 0) {
        after->code = MSG_UNKNOWN;
    }
    store_after(after);
    return true;
}

/* --- status, check --- */

static struct state_counts sum_counts(struct store *store)
{
    struct state_counts sum = {0};
    struct queue_tenant *tenant = queue_tenant_at(store->queue, 0);
    for (size_t n = 0; tenant != NULL; tenant = queue_tenant_at(store->queue, ++n)) {
        sum.accepted += tenant->counts.accepted;
        sum.delivered += tenant->counts.delivered;
        sum.posted += tenant->counts.posted;
        sum.returned += tenant->counts.returned;
        sum.dsn_accepted += tenant->counts.dsn_accepted;
        sum.dsn_final += tenant->counts.dsn_final;
        sum.notices_sent += tenant->counts.notices_sent;
        sum.expansions += tenant->counts.expansions;
    }
    return sum;
}

/* What stands in the queue, item by item. */
struct standing {
    uint64_t mail;
    uint64_t dsn;
    uint64_t notices_pending;
    uint64_t notices_held;
    uint64_t messages;
};

static struct standing count_queue(struct store *store)
{
    struct standing standing = {0};
    size_t cursor = 0;
    for (struct queue_job *job = queue_next(store->queue, &cursor); job != NULL;
         job = queue_next(store->queue, &cursor)) {
        bool dsn = job->message_kind == MSG_KIND_DSN;
        if (job->kind == MSG_LEASE_MAIL) {
            standing.messages++;
            standing.dsn += dsn ? job->live : 0;
            standing.mail += dsn ? 0 : job->live;
        } else if (job->kind == MSG_LEASE_NOTICE) {
            bool held = job->item[0].state.notice == STATE_NOTICE_HELD;
            standing.notices_held += held ? 1 : 0;
            standing.notices_pending += held ? 0 : 1;
        }
    }
    return standing;
}

bool store_control_status(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct journal_stats stats;
    if (frame->payload.len != 0) {
        return false;
    }
    const struct state_counts sum = sum_counts(store);
    const struct standing standing = count_queue(store);
    journal_stats(store->journal, &stats);
    buf_reset(&store->list);
    for (uint32_t i = 0; i < store->alarm_count; i++) {
        buf_printf(&store->list, "%s\n", store->alarm[i]);
    }
    const struct msg_ctl_counts counts = {
        .accepted = sum.accepted,
        .delivered = sum.delivered,
        .posted = sum.posted,
        .returned = sum.returned,
        .queued = standing.mail,
        .dsn_accepted = sum.dsn_accepted,
        .dsn_final = sum.dsn_final,
        .notices_sent = sum.notices_sent,
        .notices_pending = standing.notices_pending,
        .notices_held = standing.notices_held,
        .messages_held = standing.messages,
        .journal_bytes = stats.bytes,
        .waves = stats.waves,
        .flushes = stats.flushes,
        .free_bytes = store->free_bytes,
        .alarms = buf_slice(&store->list),
    };
    store_answer(peer, frame->type, frame->request, &msg_ctl_counts_layout, &counts, -1);
    return true;
}

static bool check_line(struct buf *out, const char *what, uint64_t counters, uint64_t found)
{
    bool same = counters == found;
    buf_printf(out, "%s %s: counters say %llu, found %llu\n", same ? "ok  " : "BAD ", what, (unsigned long long)counters,
               (unsigned long long)found);
    return same;
}

static bool check_counts(struct store *store, struct buf *out)
{
    struct err err;
    struct index_sums rows;
    uint64_t mail = 0;
    uint64_t dsn = 0;
    const struct state_counts sum = sum_counts(store);
    const struct standing standing = count_queue(store);
    bool ok = state_queued(&sum, &mail, &dsn);
    if (!index_sums(store->index, &rows, &err)) {
        store_end(store, true, &err);
    }
    buf_printf(out, "%s accepted %llu = delivered %llu + posted %llu + returned %llu + queued %llu\n", ok ? "ok  " : "BAD ",
               (unsigned long long)sum.accepted, (unsigned long long)sum.delivered, (unsigned long long)sum.posted,
               (unsigned long long)sum.returned, (unsigned long long)mail);
    ok = check_line(out, "recipients queued, in memory", mail, standing.mail) && ok;
    ok = check_line(out, "reports queued, in memory", dsn, standing.dsn) && ok;
    ok = check_line(out, "recipients accepted, in the index", sum.accepted, rows.mail[0]) && ok;
    ok = check_line(out, "recipients queued, in the index", mail, rows.mail[STATE_QUEUED]) && ok;
    ok = check_line(out, "recipients delivered, in the index", sum.delivered, rows.mail[STATE_DELIVERED]) && ok;
    ok = check_line(out, "recipients posted, in the index", sum.posted, rows.mail[STATE_POSTED]) && ok;
    return check_line(out, "recipients returned, in the index", sum.returned, rows.mail[STATE_RETURNED]) && ok;
}

/* A deep check at work: one segment between two waves. */
struct store_deep {
    struct store_peer *peer;
    uint64_t request;
    struct buf out;
    bool ok;
    uint32_t segment;
    uint32_t segments;
    uint64_t records;
    uint64_t damaged;
};

static void deep_end(struct store *store)
{
    struct store_deep *deep = store->deep;
    const struct msg_ctl_report report = {deep->ok ? MSG_OK : MSG_BROKEN, buf_slice(&deep->out)};
    store->deep = NULL;
    store_answer(deep->peer, MSG_CTL_CHECK, deep->request, &msg_ctl_report_layout, &report, -1);
    store_peer_unref(deep->peer);
    buf_free(&deep->out);
    mem_free(deep);
}

void store_control_deep(struct store *store)
{
    struct store_deep *deep = store->deep;
    struct journal_scan_report report;
    struct err err;
    if (deep == NULL) {
        return;
    }
    if (journal_verify(store->journal, &deep->segment, &report, &err)) {
        deep->segments++;
        deep->records += report.records;
        deep->damaged += report.gaps + report.headers_damaged + report.content_damaged;
        loop_idle_request(store->deep_idle);
        return;
    }
    if (err.text[0] != '\0') {
        buf_printf(&deep->out, "BAD  journal: %s\n", err.text);
        deep->ok = false;
    }
    buf_printf(&deep->out, "%s journal: %llu records in %u segments, %llu damaged\n", deep->damaged == 0 ? "ok  " : "BAD ",
               (unsigned long long)deep->records, deep->segments, (unsigned long long)deep->damaged);
    deep->ok = deep->ok && deep->damaged == 0;
    deep_end(store);
}

bool store_control_check(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_ctl_check ask;
    struct err err;
    if (!layout_read(&msg_ctl_check_layout, frame->payload, &ask)) {
        return false;
    }
    if (store->deep != NULL) {
        const struct msg_ctl_report busy = {MSG_BUSY, SLICE_LIT("another check is running; try again")};
        store_answer(peer, frame->type, frame->request, &msg_ctl_report_layout, &busy, -1);
        return true;
    }
    if (!journal_settle(store->journal, &err)) { /* rows and counters of one moment */
        store_end(store, true, &err);
    }
    store_index_catch_up(store);
    struct store_deep *deep = mem_new(sizeof *deep);
    buf_init(&deep->out, CONTROL_REPORT_MAX);
    deep->peer = store_peer_ref(peer);
    deep->request = frame->request;
    deep->ok = check_counts(store, &deep->out);
    deep->ok = check_line(&deep->out, "wave-ends that differ from the rows", 0, index_mismatches(store->index)) && deep->ok;
    store->deep = deep;
    if (ask.deep) {
        loop_idle_request(store->deep_idle);
    } else {
        deep_end(store);
    }
    return true;
}

void store_control_stop(struct store *store)
{
    if (store->deep != NULL) {
        store_peer_unref(store->deep->peer);
        buf_free(&store->deep->out);
        mem_free(store->deep);
        store->deep = NULL;
    }
}
