/* SPDX-License-Identifier: Apache-2.0 */
/* The store's clockwork: at the end of a turn leases go out and the wave starts when it is due; when a wave is durable
 * its answers go out; the index follows at leisure, some milliseconds behind, in transactions of many waves. */
#include <errno.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/mem.h"
#include "roles/store.h"

bool store_has_room(struct store *store)
{
    return !store->full && !store->draining && journal_has_room(store->journal);
}

void store_prepare(struct store *store)
{
    struct err err;
    if (!journal_prepare(store->journal, 2 * RECORD_MAX, clock_wait_us())) {
        journal_healthy(store->journal, &err);
        store_end(store, true, &err);
    }
}

uint64_t store_append(struct store *store, enum record_type type, const struct id *id, const struct layout *layout,
                      const void *head, struct slice content, bool lazy)
{
    struct err err = {"a record is larger than the journal takes"};
    struct record record = {.type = type, .version = record_version(type), .content = content};
    if (id != NULL) {
        record.id = *id;
    }
    buf_reset(&store->head);
    layout_write(layout, &store->head, head);
    record.head = buf_slice(&store->head);
    uint64_t position = buf_ok(&store->head) ? journal_append(store->journal, &record, lazy, clock_wait_us()) : 0;
    if (position == 0) {
        journal_healthy(store->journal, &err);
        store_end(store, true, &err);
    }
    store->last_position = position;
    store_touch(store);
    return position;
}

struct store_after *store_after_new(struct store *store, struct store_peer *peer, const struct chan_frame *frame,
                                    enum msg_code code, uint32_t wakes)
{
    struct store_after *after = mem_new(sizeof *after + wakes * sizeof(struct store_wake));
    after->store = store;
    after->peer = store_peer_ref(peer);
    after->type = frame == NULL ? 0 : frame->type;
    after->request = frame == NULL ? 0 : frame->request;
    after->code = code;
    return after;
}

/* Jobs that waited for their record: due now. */
static void wake(struct store *store, const struct store_wake *wake)
{
    struct queue_job *job = queue_find(store->queue, wake->kind, &wake->id);
    int64_t now = clock_utc_us();
    for (uint16_t i = 0; job != NULL && i < job->count; i++) {
        struct queue_item *item = &job->item[i];
        if (!item->removed && item->lease == NULL && item->due_us == QUEUE_NEVER) {
            queue_wait(store->queue, item, now);
        }
    }
}

static void after_durable(void *ctx)
{
    struct store_after *after = ctx;
    struct store *store = after->store;
    if (after->then != NULL) {
        after->then(after);
    } else if (after->peer != NULL) {
        store_answer_code(after->peer, after->type, after->request, after->code);
    }
    for (uint32_t i = 0; i < after->wake_count; i++) {
        wake(store, &after->wake[i]);
    }
    if (after->remove_content) {
        letters_remove(&store->content, &after->remove);
    }
    if (after->remove_letter) {
        letters_remove(&store->letters, &after->remove);
    }
    store_peer_unref(after->peer);
    mem_free(after);
}

void store_after(struct store_after *after)
{
    journal_on_durable(after->store->journal, after_durable, after);
    store_touch(after->store);
}

/* Back-pressure: while too much waits for the disk, intake is not read. */
static void pause_intake(struct store *store)
{
    bool busy = journal_busy(store->journal);
    if (busy == store->paused) {
        return;
    }
    store->paused = busy;
    LIST_FOR(it, tmp, &store->peers)
    {
        struct store_peer *peer = LIST_ENTRY(it, struct store_peer, link);
        if (peer->kind == ROLE_INTAKE) {
            chan_reading(peer->chan, !busy);
        }
    }
}

static void start_timer(struct loop_timer *timer, int64_t delay_us)
{
    loop_timer_start(timer, delay_us > 0 ? delay_us : 0);
}

void store_turn(void *ctx)
{
    struct store *store = ctx;
    int64_t utc = clock_utc_us();
    int64_t due = queue_tick(store->queue, utc);
    store_lease_pump(store);
    if (due != QUEUE_NEVER) {
        start_timer(store->due_timer, due - utc);
    }
    int64_t now = clock_wait_us();
    int64_t wave = journal_turn(store->journal, now);
    if (wave != 0) {
        start_timer(store->wave_timer, wave - now);
    }
    pause_intake(store);
}

void store_on_wave(void *ctx)
{
    store_touch(ctx);
}

void store_on_due(void *ctx)
{
    store_touch(ctx);
}

void store_on_durable(void *ctx, unsigned events)
{
    struct store *store = ctx;
    struct err err;
    (void)events;
    if (!journal_reap(store->journal, &err)) {
        store_end(store, true, &err);
    }
    if (store->wait_count > 0) {
        store_control_waits(store);
    }
    if (!loop_timer_running(store->index_timer)) {
        loop_timer_start(store->index_timer, STORE_INDEX_GAP_US);
    }
    store_touch(store);
}

/* Applies up to max records; true while there are more. */
static bool index_step(struct store *store, uint32_t max)
{
    struct record record;
    struct err err;
    uint32_t count = 0;
    while (count < max && journal_next(store->journal, &store->index_at, &record)) {
        if (!index_apply(store->index, &record, &err)) {
            store_end(store, true, &err);
        }
        count++;
    }
    if (count > 0) {
        store->index_tx_us = store->index_tx_us == 0 ? clock_wait_us() : store->index_tx_us;
        journal_taken(store->journal, store->index_at);
    }
    return count == max;
}

static void index_commit_now(struct store *store)
{
    struct err err;
    if (!index_commit(store->index, &err)) {
        store_end(store, true, &err);
    }
    store->index_tx_us = 0;
}

void store_on_index(void *ctx)
{
    struct store *store = ctx;
    bool behind = journal_cached(store->journal) > STORE_INDEX_BEHIND;
    uint64_t before = store->index_at;
    bool more = index_step(store, behind ? UINT32_MAX : STORE_INDEX_BATCH);
    bool idle = before == store->index_at;
    if (store->index_tx_us != 0 && (idle || clock_wait_us() - store->index_tx_us > STORE_INDEX_TX_US)) {
        index_commit_now(store);
    }
    if (more || store->index_tx_us != 0) {
        loop_timer_start(store->index_timer, more ? CLOCK_US_PER_MS : STORE_INDEX_GAP_US * 4);
    }
}

void store_index_catch_up(struct store *store)
{
    index_step(store, UINT32_MAX);
    if (store->index_tx_us != 0) {
        index_commit_now(store);
    }
}

static void look_at_space(struct store *store)
{
    struct statvfs fs;
    const struct conf *conf = role_conf(store->role);
    if (fstatvfs(store->dir_fd, &fs) != 0) {
        return;
    }
    store->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    bool full = store->free_bytes < conf->store_reserve;
    if (full && !store->full) {
        store_alarm(store, "free space is below limits.disk-reserve: new mail is answered 452 until there is more; "
                           "delivery goes on");
    } else if (!full && store->full) {
        log_info(role_log(store->role), "there is enough free space again: new mail is taken");
    }
    store->full = full;
}

/* Checkpoints the index when it is worth it, and drops the segments that are then no longer needed. */
static void tidy_journal(struct store *store)
{
    struct journal_stats stats;
    struct err err;
    journal_stats(store->journal, &stats);
    bool quiet = stats.segments > 1 && store->index_tx_us == 0;
    if (index_wal_pages(store->index) >= STORE_WAL_PAGES || quiet) {
        if (!index_checkpoint(store->index, &store->index_durable, &err)) {
            store_end(store, true, &err);
        }
        store->index_tx_us = 0;
    }
    journal_drop(store->journal, store->index_durable);
}

static void expire_letters(struct store *store)
{
    struct id ids[STORE_EXPIRE_BATCH];
    size_t count = index_letters_expired(store->index, clock_utc_us(), ids, STORE_EXPIRE_BATCH);
    for (size_t i = 0; i < count; i++) {
        letters_remove(&store->letters, &ids[i]);
    }
    if (count > 0 && store->index_tx_us == 0) {
        store->index_tx_us = clock_wait_us();
        loop_timer_start(store->index_timer, STORE_INDEX_GAP_US);
    }
}

void store_on_house(void *ctx)
{
    struct store *store = ctx;
    look_at_space(store);
    store_control_waits(store);
    tidy_journal(store);
    expire_letters(store);
    store_received_forget(store);
    store_demand_look(store, false);
    loop_timer_start(store->house_timer, STORE_HOUSE_US);
    store_touch(store);
}
