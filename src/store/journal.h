/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: the one commit point (P2). Records are gathered into a wave; a wave is one write and one fdatasync on
 * the flush thread; when it is on stable storage the functions left with it are called in order. The wave rule of
 * store.md: start at once when the last wave held one record or began more than 1 ms ago; else at 1 ms, 64 records or
 * 1 MB; lazy records (completions) alone wait up to 20 ms. The last waves stay in memory to lease and index from.
 *
 * A failed write or flush is final: journal_reap() says so, no function of a record in that wave or behind it is ever
 * called, and the store must end. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/err.h"
#include "store/journal_scan.h"

#define JOURNAL_SEGMENT_BYTES (64u * 1024u * 1024u)
#define JOURNAL_SEGMENT_AGE_US INT64_C(60000000)
#define JOURNAL_WAVE_GAP_US INT64_C(1000)
#define JOURNAL_WAVE_LAZY_US INT64_C(20000)
#define JOURNAL_WAVE_RECORDS 64u
#define JOURNAL_WAVE_BYTES (1024u * 1024u)
#define JOURNAL_WAVE_MAX (4u * 1024u * 1024u)     /* bytes of one wave while an earlier one is being flushed */
#define JOURNAL_CACHE_BYTES (48u * 1024u * 1024u) /* flushed waves kept in memory */
#define JOURNAL_PENDING_BYTES (64u * 1024u * 1024u) /* not yet durable; beyond it journal_busy() */

struct journal;

struct journal_config {
    int dir_fd;
    int quarantine_fd;
    size_t segment_bytes; /* JOURNAL_SEGMENT_BYTES; smaller in tests */
    int64_t segment_age_us;
    const struct store_io *io;
    bool prepare_spares;
    /* Appends the head of a wave-end record, at most wave_end_max bytes, when a wave is about to start. May be NULL. */
    void (*wave_end)(void *ctx, struct buf *head);
    void *wave_end_ctx;
    size_t wave_end_max;
};

struct journal_stats {
    uint64_t waves;
    uint64_t flushes; /* fdatasync calls made for them */
    uint64_t records;
    uint64_t bytes;    /* of records */
    uint64_t segments; /* files now */
    uint64_t disk_bytes;
    uint32_t spares;
    bool spare_failed; /* no space for another spare */
};

/* Opens the journal in dir_fd: replays every whole record at or behind `from` (0: all) through visit, cuts a torn
 * tail, closes the last segment and begins a new one. *ret_report tells of damage, for the caller to alarm. */
bool journal_open(const struct journal_config *config, uint64_t from, journal_visit_fn *visit, void *ctx,
                  struct journal **ret_journal, struct journal_scan_report *ret_report, struct err *err);

/* Stops the thread after the waves already started and frees; what was not started is gone. *journal becomes NULL;
 * NULL is accepted. */
void journal_close(struct journal **journal);

/* Appends a record to the open wave; its position is set and returned (also in record->position), 0 when it cannot be
 * (over a limit, or no segment could be made: journal_healthy() then tells). lazy: it may wait with others of its kind.
 * The parts are copied. now_us is clock_wait_us(). */
uint64_t journal_append(struct journal *journal, struct record *record, bool lazy, int64_t now_us);

/* Makes sure that records of together `size` bytes go into the open wave, so that no wave starts between a change of
 * counters and the record that says it. False as journal_append(). */
bool journal_prepare(struct journal *journal, size_t size, int64_t now_us);

/* Leaves a function with the open wave, to be called when everything appended so far is durable (an empty wave is made
 * where none is open). */
typedef void journal_durable_fn(void *ctx);
/* See above: leaves fn with the open wave. */
void journal_on_durable(struct journal *journal, journal_durable_fn *fn, void *ctx);

/* Takes over fd (a content file, complete): it is fsynced before the open wave is written, then closed. directory_fd,
 * not taken over, is fsynced behind it. Call before appending the record that names the file. */
void journal_attach(struct journal *journal, int fd, int directory_fd);

/* Starts a wave if the rule says so. Returns the wait time (clock_wait_us) at which to call again, or 0: nothing to
 * wait for but journal_event_fd(). */
int64_t journal_turn(struct journal *journal, int64_t now_us);

/* Readable when journal_reap() has something to do. */
int journal_event_fd(const struct journal *journal);

/* Takes finished waves and calls their functions. False with err: a write or flush failed, the store must end. */
bool journal_reap(struct journal *journal, struct err *err);

/* Starts and waits until everything appended is durable (start, end, tests). As journal_reap(). */
bool journal_settle(struct journal *journal, struct err *err);

/* False with err when an earlier step failed for good. */
bool journal_healthy(const struct journal *journal, struct err *err);

/* Position behind the last durable record; 0 before the first. */
uint64_t journal_durable(const struct journal *journal);

/* True while more than JOURNAL_PENDING_BYTES wait for the disk: read no more from intake. */
bool journal_busy(const struct journal *journal);

/* True when a new message may be accepted: at least one spare beyond the one kept for transitions is there or can be
 * made. */
bool journal_has_room(struct journal *journal);

/* Reads one durable record. The slices of *ret_record live until the next call of a journal function. RECORD_NONE when
 * its segment is gone. Content read from the disk is verified. */
enum record_result journal_read(struct journal *journal, uint64_t position, struct record *ret_record);

/* Walks durable records in memory from *position on (0: from the oldest in memory): true with the next one, *position
 * moves behind it; false when none is left. */
bool journal_next(struct journal *journal, uint64_t *position, struct record *ret_record);

/* Says that records before position have been taken by journal_next() and may leave the memory. Waves behind it stay,
 * whatever their size: the index must follow (journal_cached()). */
void journal_taken(struct journal *journal, uint64_t position);

/* Bytes of flushed waves in memory. */
size_t journal_cached(const struct journal *journal);

/* Says that the content of the record at position is still needed. Counted per segment. */
void journal_hold(struct journal *journal, uint64_t position);
/* Takes one journal_hold() back. */
void journal_release(struct journal *journal, uint64_t position);

/* Removes closed segments whose records all lie before `indexed` (a position the index has on stable storage) and
 * whose content nobody holds. Returns how many. */
size_t journal_drop(struct journal *journal, uint64_t indexed);

/* Reads one segment on the disk and verifies it, without quarantine: the first one behind *segment (0: the first of
 * all), which is set to it. False at the end, and with err filled when it cannot be read or holds an unknown record.
 * What the present wave has not finished counts as a torn tail, not as damage. */
bool journal_verify(struct journal *journal, uint32_t *segment, struct journal_scan_report *ret_report, struct err *err);

/* Fills *ret_stats. */
void journal_stats(struct journal *journal, struct journal_stats *ret_stats);

#endif
