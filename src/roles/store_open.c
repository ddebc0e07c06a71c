/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the store: the index says how far it is, the journal is replayed into it from there, the queue is loaded
 * from it, content files nobody names are removed. Damage found on the way is alarmed and stays in quarantine/. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ledger/leaf.h"
#include "os/file.h"
#include "roles/store.h"

#define STORE_REPLAY_BATCH 4096u /* records between two commits of the index */

struct replay {
    struct store *store;
    uint32_t since_commit;
};

static bool replay_record(void *ctx, const struct record *record, bool content_damaged, struct err *err)
{
    struct replay *replay = ctx;
    (void)content_damaged; /* found again, and acted upon, when the content is to be leased */
    if (!index_apply(replay->store->index, record, err)) {
        return false;
    }
    if (++replay->since_commit < STORE_REPLAY_BATCH) {
        return true;
    }
    replay->since_commit = 0;
    return index_commit(replay->store->index, err);
}

static void tell_damage(struct store *store, const struct journal_scan_report *report)
{
    if (report->torn) {
        log_info(role_log(store->role), "the journal's last wave was not finished; it was cut at the last whole record");
    }
    if (journal_scan_damaged(report)) {
        store_alarm(store, "damage in the journal: %u places (%llu bytes) moved to store/quarantine, %u records with "
                           "damaged content, %u damaged segment headers, %u segments missing; run sealpost check, then "
                           "look at the disk",
                    report->gaps, (unsigned long long)report->gap_bytes, report->content_damaged,
                    report->headers_damaged, report->missing);
        store_control_note(store, RECORD_ADMIN_DAMAGE, NULL);
    }
    if (index_mismatches(store->index) > 0) {
        store_alarm(store, "the journal's own counters differ from its records: recipients are missing; look into "
                           "store/quarantine");
    }
}

static void load_counts(void *ctx, struct slice name, const struct state_counts *counts)
{
    struct store *store = ctx;
    struct queue_tenant *tenant = queue_tenant(store->queue, name);
    if (tenant != NULL) {
        tenant->counts = *counts;
    }
}

/* Recipients of one message, gathered until the next message begins. */
struct load {
    struct store *store;
    struct queue_job job;
    struct queue_entry entry[MSG_RECIPIENTS_MAX];
    size_t count;
};

static bool load_flush(struct load *load)
{
    if (load->count == 0) {
        return true;
    }
    const struct queue_job *job = queue_add(load->store->queue, &load->job, load->entry, load->count);
    load->count = 0;
    if (job != NULL) { /* large content is a file, but what a lease takes with it is in the record */
        journal_hold(load->store->journal, job->message);
    }
    return job != NULL;
}

static struct queue_entry load_entry(const struct index_live *live, int64_t due_us)
{
    return (struct queue_entry){
        .index = live->index,
        .notify = live->notify,
        .destination = live->destination,
        .state = live->state,
        .attempts = live->attempts,
        .reason = live->reason,
        .due_us = due_us,
    };
}

static struct queue_job load_job(struct store *store, uint8_t kind, const struct index_live *live)
{
    return (struct queue_job){
        .id = live->id,
        .kind = kind,
        .message_kind = live->kind,
        .flags = live->flags,
        .tenant = queue_tenant(store->queue, live->tenant),
        .message = live->message,
        .message_id = live->id,
        .accepted_us = live->accepted_us,
        .by_us = live->by_us,
        .size = live->size,
        .content_length = live->content_length,
    };
}

struct queue_job *store_add_letter_job(struct store *store, uint8_t kind, const struct index_live *live)
{
    const struct conf *conf = role_conf(store->role);
    struct queue_job job = load_job(store, kind, live);
    struct queue_entry entry = load_entry(live, QUEUE_NEVER);
    if (live->letter != 0) {
        job.id = live->letter_id;
    } else { /* one job for each recipient */
        job.id.b[ID_SIZE - 1] ^= (uint8_t)(live->index + 1);
    }
    job.letter = live->letter;
    job.content_length = 0;
    job.by_us = kind == MSG_LEASE_NOTICE ? live->letter_at_us + conf->notice_lifetime : 0;
    struct queue_job *found = queue_find(store->queue, kind, &job.id);
    return found != NULL ? found : queue_add(store->queue, &job, &entry, 1);
}

static bool load_letter(struct load *load, const struct index_live *live)
{
    bool tell = (live->state.flags & STATE_FLAG_TELL) != 0;
    struct queue_job *job = store_add_letter_job(load->store, tell ? MSG_LEASE_RETURN : MSG_LEASE_NOTICE, live);
    if (job == NULL) {
        return false;
    }
    bool held = live->state.notice == STATE_NOTICE_HELD && !tell;
    queue_wait(load->store->queue, &job->item[0], held ? job->by_us : live->next_us);
    return true;
}

static bool load_live(void *ctx, const struct index_live *live)
{
    struct load *load = ctx;
    if (live->state.recipient != STATE_QUEUED) {
        return load_letter(load, live);
    }
    if (load->count > 0 && (load->job.message != live->message || load->count == MSG_RECIPIENTS_MAX) &&
        !load_flush(load)) {
        return false;
    }
    if (load->count == 0) {
        load->job = load_job(load->store, MSG_LEASE_MAIL, live);
    }
    load->entry[load->count++] = load_entry(live, live->next_us);
    return true;
}

static bool load_transit(void *ctx, const struct index_transit *transit)
{
    return store_center_add_transit(ctx, transit);
}

static bool load_queue(struct store *store, struct err *err)
{
    struct load *load = mem_new(sizeof *load);
    load->store = store;
    index_counts(store->index, load_counts, store);
    bool ok = index_load(store->index, load_live, load, err);
    ok = ok && (load_flush(load) || err_set(err, "a message stands in the index twice"));
    mem_free(load);
    int64_t today = (int64_t)clock_day(clock_utc_us()) * CLOCK_US_PER_DAY;
    return ok && index_transits(store->index, load_transit, store, err) &&
           index_mails(store->index, today, store_center_mail_count, store, err);
}

static void collect_id(void *ctx, const struct id *id)
{
    map_put(ctx, id->b, ctx);
}

static bool sweep(struct store *store, struct letters *letters, bool are_letters, struct err *err)
{
    struct map *live = map_create(ID_SIZE, QUEUE_JOBS_MAX);
    bool ok = index_files(store->index, are_letters, clock_utc_us(), collect_id, live, err);
    size_t removed = ok ? letters_sweep(letters, live) : 0;
    map_free(&live);
    if (removed > 0) {
        log_info(role_log(store->role), "%zu files without a live record were removed from %s", removed,
                 are_letters ? "letters" : "content");
    }
    return ok;
}

static bool open_files(struct store *store, struct err *err)
{
    int content = file_open_dir_at(store->dir_fd, "content", true, err);
    int letters = content < 0 ? -1 : file_open_dir_at(store->dir_fd, "letters", true, err);
    if (content >= 0) {
        letters_init(&store->content, content);
    }
    if (letters >= 0) {
        letters_init(&store->letters, letters);
    }
    return content >= 0 && letters >= 0 && sweep(store, &store->content, false, err) &&
           sweep(store, &store->letters, true, err);
}

static bool open_journal(struct store *store, struct journal_scan_report *report, struct err *err)
{
    struct replay replay = {store, 0};
    int journal = file_open_dir_at(store->dir_fd, "journal", true, err);
    int quarantine = journal < 0 ? -1 : file_open_dir_at(store->dir_fd, "quarantine", true, err);
    if (journal < 0 || quarantine < 0) {
        return false;
    }
    const struct journal_config config = {
        .dir_fd = journal,
        .quarantine_fd = quarantine,
        .segment_bytes = JOURNAL_SEGMENT_BYTES,
        .segment_age_us = JOURNAL_SEGMENT_AGE_US,
        .io = &store_io_system,
        .prepare_spares = true,
        .wave_end = store_wave_end,
        .wave_end_ctx = store,
        .wave_end_max = RECORD_COUNTS_MAX + 64,
    };
    bool ok = journal_open(&config, index_position(store->index), replay_record, &replay, &store->journal, report, err) &&
              index_commit(store->index, err);
    close(quarantine);
    return ok;
}

bool store_open(struct store *store, struct err *err)
{
    struct journal_scan_report report;
    const struct conf *conf = role_conf(store->role);
    int64_t began = clock_wait_us();
    store->queue = queue_create((uint32_t)conf->courier_per_destination);
    store->center = map_create(sizeof(uint64_t), STORE_CENTER_CACHE * 2);
    store->mails = map_create(TAG_SIZE + 1, QUEUE_JOBS_MAX);
    store->mails_day = clock_day(clock_utc_us());
    if (!index_open("index.db", &store->index, err)) {
        return false;
    }
    index_set_memory(store->index, conf->trust_memory);
    if (!open_journal(store, &report, err)) {
        return false;
    }
    store->index_at = index_position(store->index);
    if (!load_queue(store, err) || !open_files(store, err)) {
        return false;
    }
    tell_damage(store, &report);
    store_control_note(store, RECORD_ADMIN_START, NULL);
    log_info(role_log(store->role), "%llu records replayed, %zu jobs queued, ready after %lld ms",
             (unsigned long long)report.records, queue_count(store->queue),
             (long long)((clock_wait_us() - began) / CLOCK_US_PER_MS));
    return true;
}

void store_close(struct store *store)
{
    journal_close(&store->journal);
    index_close(&store->index);
    queue_free(&store->queue);
    letters_free(&store->content);
    letters_free(&store->letters);
    store_center_free(store);
}

void store_wave_end(void *ctx, struct buf *head)
{
    struct store *store = ctx;
    struct record_wave_end end = {.at_us = clock_utc_us()};
    struct buf counts;
    buf_init(&counts, RECORD_COUNTS_MAX);
    struct queue_tenant *tenant = queue_tenant_at(store->queue, 0);
    for (size_t n = 0; tenant != NULL; tenant = queue_tenant_at(store->queue, ++n)) {
        if (!tenant->counted) {
            continue;
        }
        const struct state_counts *c = &tenant->counts;
        const struct record_counts row = {slice_str(tenant->name), c->accepted,  c->delivered,    c->posted,    c->returned,
                                          c->dsn_accepted,         c->dsn_final, c->notices_sent, c->expansions};
        layout_write(&record_counts_layout, &counts, &row);
        tenant->counted = false;
    }
    end.counts = buf_slice(&counts);
    layout_write(&record_wave_end_layout, head, &end);
    buf_free(&counts);
}
