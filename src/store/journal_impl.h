/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the journal, shared by journal.c (waves), journal_open.c (start and end) and journal_cache.c (memory of
 * the last waves). No other file includes it. */
#ifndef STORE_JOURNAL_IMPL_H
#define STORE_JOURNAL_IMPL_H

#include "store/flush.h"
#include "store/journal.h"

#define JOURNAL_FREE_WAVES 4u   /* emptied waves kept for their memory */
#define JOURNAL_DIRECTORIES 4u  /* different directories of content in one wave */
#define JOURNAL_END_SIZE 56u    /* a segment-end record */

struct journal_callback {
    journal_durable_fn *fn;
    void *ctx;
};

struct journal_wave {
    struct flush_job job;
    struct journal *journal;
    struct buf data;
    uint64_t start; /* position of its first byte */
    int64_t began_us; /* when the first record came, later when it was started */
    uint32_t records;
    bool urgent;      /* somebody waits for it */
    bool ends_segment;
    struct journal_callback *callback;
    size_t callback_count;
    size_t callback_cap;
    int *content;
    size_t content_count;
    size_t content_cap;
    int directory[JOURNAL_DIRECTORIES];
};

struct journal_segment {
    uint32_t number;
    uint32_t held; /* records whose content is needed */
    uint64_t bytes;
    uint64_t end;  /* position behind its last record once closed; 0 while it is written to */
};

struct journal {
    struct journal_config config;
    struct flush *flush;
    bool failed;
    struct err failure;
    /* the segment written to */
    int fd;
    uint32_t number;
    uint32_t used;       /* next offset */
    bool fresh;          /* its header is not on disk yet */
    int64_t first_us;    /* when its first record came; 0: none yet */
    struct journal_segment *segment; /* all files, ascending */
    size_t segment_count;
    size_t segment_cap;
    /* waves */
    struct journal_wave *open; /* or NULL */
    size_t running;            /* started, not yet reaped */
    size_t pending_bytes;
    uint32_t last_records;     /* of the last wave started */
    int64_t last_began_us;
    uint64_t durable;
    /* memory of the last waves, ascending: wave[first .. first + count) */
    struct journal_wave **wave;
    size_t wave_first;
    size_t wave_count;
    size_t wave_cap;
    size_t cached_bytes;
    uint64_t taken;
    struct journal_wave *spare[JOURNAL_FREE_WAVES];
    size_t spare_count;
    uint8_t *scratch; /* RECORD_MAX bytes for reads from the disk */
    uint64_t waves;
    uint64_t records;
    uint64_t bytes;
};

/* Begins a new segment from a spare, or from nothing when there is none. False: marked failed. */
bool journal_segment_begin(struct journal *journal, struct err *err);

/* The entry of a segment, or NULL. */
struct journal_segment *journal_segment_find(struct journal *journal, uint32_t number);

/* Adds an entry behind all others. */
struct journal_segment *journal_segment_add(struct journal *journal, uint32_t number, uint64_t bytes, uint64_t end);

/* An empty wave. */
struct journal_wave *journal_wave_new(struct journal *journal);

/* Closes what it still owns and keeps or frees the memory. */
void journal_wave_release(struct journal *journal, struct journal_wave *wave);

/* Frees it. */
void journal_wave_free(struct journal_wave *wave);

/* Puts a flushed wave into the cache and drops the oldest that are over its size and taken. */
void journal_cache_put(struct journal *journal, struct journal_wave *wave);

/* Position behind the last byte of a wave. */
static inline uint64_t journal_wave_end(const struct journal_wave *wave)
{
    return wave->start + wave->data.len;
}

#endif
