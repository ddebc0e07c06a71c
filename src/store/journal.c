/* SPDX-License-Identifier: Apache-2.0 */
/* Waves: gathering records, starting a wave when the rule says so, and telling who waited. */
#include "store/journal.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/journal_impl.h"

bool journal_healthy(const struct journal *j, struct err *err)
{
    return !j->failed || err_set(err, "%s", j->failure.text);
}

static bool journal_fail(struct journal *j, const struct err *why)
{
    if (!j->failed) {
        j->failed = true;
        j->failure = *why;
    }
    return false;
}

/* Bytes kept free at the end of a segment for the records that close a wave and the segment. */
static size_t journal_tail(const struct journal *j)
{
    size_t wave_end = j->config.wave_end == NULL ? 0 : RECORD_HEADER + RECORD_ALIGN + j->config.wave_end_max;
    return wave_end + JOURNAL_END_SIZE;
}

static bool journal_put(struct journal *j, struct record *record)
{
    record->position = record_position(j->number, j->used);
    record->size = (uint32_t)record_size(record);
    if (!record_write(&j->open->data, record)) {
        return false;
    }
    j->used += record->size;
    j->pending_bytes += record->size;
    return true;
}

static void journal_put_wave_end(struct journal *j)
{
    if (j->config.wave_end == NULL || j->open->records == 0) {
        return;
    }
    struct buf head;
    struct record record = {.type = RECORD_WAVE_END, .version = 1};
    buf_init(&head, j->config.wave_end_max);
    j->config.wave_end(j->config.wave_end_ctx, &head);
    record.head = buf_slice(&head);
    journal_put(j, &record);
    buf_free(&head);
}

/* Closes the open wave and hands it to the flush thread. */
static void journal_start(struct journal *j, bool segment_full, int64_t now_us)
{
    struct journal_wave *wave = j->open;
    journal_put_wave_end(j);
    wave->ends_segment = segment_full || (j->first_us != 0 && now_us - j->first_us > j->config.segment_age_us);
    if (wave->ends_segment) {
        struct record end = {.type = RECORD_SEGMENT_END, .version = 1};
        journal_put(j, &end);
        struct journal_segment *segment = journal_segment_find(j, j->number);
        segment->end = record_position(j->number, j->used);
    }
    wave->job.segment_fd = j->fd;
    wave->job.segment = j->number;
    wave->job.offset = record_offset(wave->start);
    wave->job.data = buf_slice(&wave->data);
    wave->job.activate = j->fresh;
    wave->job.now_us = clock_utc_us();
    wave->job.content = wave->content;
    wave->job.content_count = wave->content_count;
    wave->job.directories = wave->directory;
    j->fresh = false;
    j->open = NULL;
    j->running++;
    j->last_records = wave->records;
    j->last_began_us = now_us;
    wave->began_us = now_us;
    flush_submit(j->flush, &wave->job);
    if (wave->ends_segment) {
        j->fd = -1; /* closed when the wave has been reaped */
    }
}

static bool journal_wave_begin(struct journal *j, int64_t now_us)
{
    struct err err;
    if (j->fd < 0 && !journal_segment_begin(j, &err)) {
        return journal_fail(j, &err);
    }
    j->open = journal_wave_new(j);
    j->open->start = record_position(j->number, j->used);
    j->open->began_us = now_us;
    return true;
}

/* Makes an open wave with room for size bytes. */
static bool journal_ready(struct journal *j, size_t size, int64_t now_us)
{
    if (size + journal_tail(j) + SEGMENT_HEADER > j->config.segment_bytes) {
        return false;
    }
    if (j->open == NULL && !journal_wave_begin(j, now_us)) {
        return false;
    }
    if (j->used + size + journal_tail(j) > j->config.segment_bytes) {
        journal_start(j, true, now_us);
    } else if (j->open->data.len + size > JOURNAL_WAVE_MAX) {
        journal_start(j, false, now_us);
    }
    if (j->open == NULL && !journal_wave_begin(j, now_us)) {
        return false;
    }
    return true;
}

bool journal_prepare(struct journal *j, size_t size, int64_t now_us)
{
    return !j->failed && journal_ready(j, size, now_us);
}

uint64_t journal_append(struct journal *j, struct record *record, bool lazy, int64_t now_us)
{
    if (j->failed || !journal_ready(j, record_size(record), now_us) || !journal_put(j, record)) {
        return 0;
    }
    struct journal_wave *wave = j->open;
    wave->began_us = wave->records == 0 || (!lazy && !wave->urgent) ? now_us : wave->began_us;
    wave->urgent = wave->urgent || !lazy;
    wave->records++;
    j->first_us = j->first_us == 0 ? now_us : j->first_us;
    j->records++;
    j->bytes += record->size;
    return record->position;
}

void journal_on_durable(struct journal *j, journal_durable_fn *fn, void *ctx)
{
    if (j->failed || (j->open == NULL && !journal_wave_begin(j, 0))) {
        return; /* nothing is ever durable again */
    }
    struct journal_wave *wave = j->open;
    wave->urgent = wave->urgent || wave->records == 0;
    if (wave->callback_count == wave->callback_cap) {
        wave->callback_cap = wave->callback_cap == 0 ? 64 : wave->callback_cap * 2;
        wave->callback = mem_resize_array(wave->callback, wave->callback_cap, sizeof *wave->callback);
    }
    wave->callback[wave->callback_count++] = (struct journal_callback){fn, ctx};
}

void journal_attach(struct journal *j, int fd, int directory_fd)
{
    if (j->failed || (j->open == NULL && !journal_wave_begin(j, 0))) {
        close(fd);
        return;
    }
    struct journal_wave *wave = j->open;
    if (wave->content_count == wave->content_cap) {
        wave->content_cap = wave->content_cap == 0 ? 8 : wave->content_cap * 2;
        wave->content = mem_resize_array(wave->content, wave->content_cap, sizeof *wave->content);
    }
    wave->content[wave->content_count++] = fd;
    for (size_t i = 0; i < wave->job.directory_count; i++) {
        if (wave->directory[i] == directory_fd) {
            return;
        }
    }
    if (wave->job.directory_count < JOURNAL_DIRECTORIES) {
        wave->directory[wave->job.directory_count++] = directory_fd;
    }
}

/* When the open wave is to start; in the past: now. */
static int64_t journal_due(const struct journal *j, int64_t now_us)
{
    const struct journal_wave *wave = j->open;
    if (wave->records >= JOURNAL_WAVE_RECORDS || wave->data.len >= JOURNAL_WAVE_BYTES) {
        return now_us;
    }
    if (!wave->urgent) {
        return wave->began_us + JOURNAL_WAVE_LAZY_US;
    }
    return j->last_records <= 1 ? now_us : j->last_began_us + JOURNAL_WAVE_GAP_US;
}

int64_t journal_turn(struct journal *j, int64_t now_us)
{
    if (j->failed || j->open == NULL || j->running > 0) {
        return 0; /* with a wave at the disk, the next one gathers until journal_reap() */
    }
    int64_t due = journal_due(j, now_us);
    if (due > now_us) {
        return due;
    }
    journal_start(j, false, now_us);
    return 0;
}

/* The wave can be read, and used again, before those who waited for it are called: they read it and append. */
static void journal_wave_done(struct journal *j, struct journal_wave *wave)
{
    struct journal_callback *callback = wave->callback;
    size_t callback_count = wave->callback_count;
    j->durable = journal_wave_end(wave);
    j->waves++;
    if (wave->ends_segment) {
        close(wave->job.segment_fd);
    }
    for (size_t i = 0; i < wave->content_count; i++) {
        close(wave->content[i]);
    }
    wave->content_count = 0;
    wave->callback = NULL;
    wave->callback_count = wave->callback_cap = 0;
    journal_cache_put(j, wave);
    for (size_t i = 0; i < callback_count; i++) {
        callback[i].fn(callback[i].ctx);
    }
    mem_free(callback);
}

bool journal_reap(struct journal *j, struct err *err)
{
    struct err why;
    for (struct flush_job *job = flush_take(j->flush); job != NULL; job = flush_take(j->flush)) {
        struct journal_wave *wave = LIST_ENTRY(job, struct journal_wave, job);
        j->running--;
        j->pending_bytes -= wave->data.len;
        if (job->error != 0 || j->failed) {
            err_errno(&why, job->error, "%s failed, nothing more is accepted; check the disk before starting again",
                      job->failed == NULL ? "an earlier step" : job->failed);
            journal_fail(j, &why);
            journal_wave_free(wave);
            continue;
        }
        journal_wave_done(j, wave);
    }
    return journal_healthy(j, err);
}

bool journal_settle(struct journal *j, struct err *err)
{
    if (!j->failed && j->open != NULL) {
        journal_start(j, false, clock_wait_us());
    }
    bool ok = journal_healthy(j, err);
    while (j->running > 0) {
        flush_wait(j->flush);
        ok = journal_reap(j, err);
    }
    return ok;
}

int journal_event_fd(const struct journal *j)
{
    return flush_event_fd(j->flush);
}

uint64_t journal_durable(const struct journal *j)
{
    return j->durable;
}

bool journal_busy(const struct journal *j)
{
    return j->pending_bytes > JOURNAL_PENDING_BYTES;
}

bool journal_has_room(struct journal *j)
{
    bool failed = false;
    uint32_t spares = flush_spares(j->flush, &failed);
    return !j->failed && j->segment_count < SEGMENTS_MAX && (!failed || spares >= FLUSH_SPARES);
}
