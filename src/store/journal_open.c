/* SPDX-License-Identifier: Apache-2.0 */
/* Start and end of a journal: replay, cutting a torn tail, beginning and dropping segments. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/journal_impl.h"

#define JOURNAL_FILE_SLACK 65536u /* a cut segment may be a few records longer than configured now */

struct journal_segment *journal_segment_find(struct journal *j, uint32_t number)
{
    size_t low = 0;
    size_t high = j->segment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (j->segment[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < j->segment_count && j->segment[low].number == number ? &j->segment[low] : NULL;
}

struct journal_segment *journal_segment_add(struct journal *j, uint32_t number, uint64_t bytes, uint64_t end)
{
    if (j->segment_count == j->segment_cap) {
        j->segment_cap = j->segment_cap == 0 ? 64 : j->segment_cap * 2;
        j->segment = mem_resize_array(j->segment, j->segment_cap, sizeof *j->segment);
    }
    struct journal_segment *segment = &j->segment[j->segment_count++];
    *segment = (struct journal_segment){.number = number, .bytes = bytes, .end = end};
    return segment;
}

/* A segment file out of a ready spare; -1 when there is none. */
static int journal_segment_from_spare(struct journal *j, uint32_t number)
{
    char from[SEGMENT_NAME_MAX];
    char to[SEGMENT_NAME_MAX];
    uint32_t spare = 0;
    segment_name(number, to);
    while (flush_take_spare(j->flush, &spare)) {
        struct stat st;
        segment_spare_name(spare, true, from);
        bool fits = fstatat(j->config.dir_fd, from, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                    (uint64_t)st.st_size == j->config.segment_bytes;
        if (fits && renameat(j->config.dir_fd, from, j->config.dir_fd, to) == 0) {
            return segment_open(j->config.dir_fd, number, O_RDWR);
        }
        unlinkat(j->config.dir_fd, from, 0); /* of another size: the configuration changed */
    }
    return -1;
}

/* A segment file made on the spot: slower to flush into, and the disk may be full. */
static int journal_segment_from_nothing(struct journal *j, uint32_t number, struct err *err)
{
    int fd = segment_open(j->config.dir_fd, number, O_RDWR | O_CREAT | O_EXCL);
    int errnum = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)j->config.segment_bytes);
    if (errnum != 0) {
        if (fd >= 0) {
            char name[SEGMENT_NAME_MAX];
            segment_name(number, name);
            unlinkat(j->config.dir_fd, name, 0);
            close(fd);
        }
        err_errno(err, errnum, "cannot make journal segment %08x; free space on the disk and start again",
                  (unsigned)number);
        return -1;
    }
    return fd;
}

bool journal_segment_begin(struct journal *j, struct err *err)
{
    uint32_t number = j->number + 1;
    int fd = journal_segment_from_spare(j, number);
    if (fd < 0) {
        fd = journal_segment_from_nothing(j, number, err);
    }
    if (fd < 0) {
        return false;
    }
    j->fd = fd;
    j->number = number;
    j->used = SEGMENT_HEADER;
    j->fresh = true;
    j->first_us = 0;
    journal_segment_add(j, number, j->config.segment_bytes, 0);
    return true;
}

/* Closes the last segment of an earlier run at its last whole record. */
static bool journal_cut(struct journal *j, const struct journal_scan_report *report, struct err *err)
{
    if (report->last_segment == 0 || report->ended) {
        return true;
    }
    struct buf b;
    struct record end = {.type = RECORD_SEGMENT_END, .version = 1};
    const struct store_io *io = j->config.io;
    int fd = segment_open(j->config.dir_fd, report->last_segment, O_RDWR);
    if (fd < 0) {
        return err_errno(err, errno, "cannot open journal segment %08x", (unsigned)report->last_segment);
    }
    buf_init(&b, JOURNAL_END_SIZE);
    end.position = record_position(report->last_segment, report->end_offset);
    record_write(&b, &end);
    int errnum = io->write(io->ctx, fd, buf_slice(&b), report->end_offset);
    if (errnum == 0 && ftruncate(fd, (off_t)(report->end_offset + b.len)) != 0) {
        errnum = errno;
    }
    errnum = errnum == 0 ? io->datasync(io->ctx, fd) : errnum;
    buf_free(&b);
    close(fd);
    return errnum == 0 || err_errno(err, errnum, "cannot close journal segment %08x", (unsigned)report->last_segment);
}

static bool journal_replay(struct journal *j, uint64_t from, journal_visit_fn *visit, void *ctx,
                           struct journal_scan_report *ret_report, struct err *err)
{
    struct journal_scan scan = {
        .dir_fd = j->config.dir_fd,
        .quarantine_fd = j->config.quarantine_fd,
        .from = from,
        .segment_max = j->config.segment_bytes + JOURNAL_FILE_SLACK,
        .visit = visit,
        .ctx = ctx,
    };
    if (!journal_scan(&scan, ret_report, err)) {
        return false;
    }
    if (from != 0 && record_segment(from) > ret_report->last_segment + 1) {
        return err_set(err, "the index is ahead of the journal (segment %08x, journal ends in %08x): files of the "
                            "journal are gone. Restore them, or restore journal and index from one backup",
                       (unsigned)record_segment(from), (unsigned)ret_report->last_segment);
    }
    return journal_cut(j, ret_report, err);
}

static bool journal_register(struct journal *j, const struct segment_listing *listing,
                             const struct journal_scan_report *report)
{
    for (size_t i = 0; i < listing->count; i++) {
        struct stat st;
        char name[SEGMENT_NAME_MAX];
        segment_name(listing->number[i], name);
        bool known = fstatat(j->config.dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
        uint64_t end = listing->number[i] == report->last_segment
                           ? record_position(report->last_segment, report->end_offset)
                           : record_position(listing->number[i], UINT32_MAX);
        journal_segment_add(j, listing->number[i], known ? (uint64_t)st.st_size : 0, end);
        j->number = listing->number[i];
    }
    return true;
}

static bool journal_begin(struct journal *j, uint64_t from, const struct journal_scan_report *report, struct err *err)
{
    struct segment_listing listing;
    if (!segment_list(j->config.dir_fd, true, &listing, err)) {
        return false;
    }
    journal_register(j, &listing, report);
    if (record_segment(from) > j->number) {
        j->number = record_segment(from); /* all were dropped: numbers never come twice */
    }
    struct flush_config config = {
        .dir_fd = j->config.dir_fd,
        .segment_bytes = j->config.segment_bytes,
        .io = j->config.io,
        .spares = listing.spare,
        .spare_count = listing.spare_count,
        .prepare = j->config.prepare_spares,
    };
    bool ok = flush_start(&config, &j->flush, err) && journal_segment_begin(j, err);
    segment_listing_free(&listing);
    return ok;
}

bool journal_open(const struct journal_config *config, uint64_t from, journal_visit_fn *visit, void *ctx,
                  struct journal **ret_journal, struct journal_scan_report *ret_report, struct err *err)
{
    struct journal *j = mem_new(sizeof *j);
    j->config = *config;
    j->fd = -1;
    if (!journal_replay(j, from, visit, ctx, ret_report, err) || !journal_begin(j, from, ret_report, err)) {
        journal_close(&j);
        return false;
    }
    j->scratch = mem_resize_array(NULL, RECORD_MAX, 1);
    *ret_journal = j;
    return true;
}

static void journal_drop_waves(struct journal *j)
{
    while (j->running > 0 && j->flush != NULL) {
        flush_wait(j->flush);
        for (struct flush_job *job = flush_take(j->flush); job != NULL; job = flush_take(j->flush)) {
            journal_wave_free(LIST_ENTRY(job, struct journal_wave, job));
            j->running--;
        }
    }
    for (size_t i = 0; i < j->wave_count; i++) {
        journal_wave_free(j->wave[j->wave_first + i]);
    }
    for (size_t i = 0; i < j->spare_count; i++) {
        journal_wave_free(j->spare[i]);
    }
    if (j->open != NULL) {
        journal_wave_free(j->open);
    }
}

void journal_close(struct journal **journal)
{
    struct journal *j = journal == NULL ? NULL : *journal;
    if (j == NULL) {
        return;
    }
    journal_drop_waves(j);
    flush_stop(&j->flush);
    if (j->fd >= 0) {
        close(j->fd);
    }
    mem_free(j->wave);
    mem_free(j->segment);
    mem_free(j->scratch);
    mem_free(j);
    *journal = NULL;
}

bool journal_verify(struct journal *j, uint32_t *segment, struct journal_scan_report *ret_report, struct err *err)
{
    size_t at = 0;
    err->text[0] = '\0';
    while (at < j->segment_count && j->segment[at].number <= *segment) {
        at++;
    }
    if (at == j->segment_count) {
        return false;
    }
    *segment = j->segment[at].number;
    const struct journal_scan scan = {
        .dir_fd = j->config.dir_fd,
        .quarantine_fd = -1,
        .only = *segment,
        .segment_max = j->config.segment_bytes + JOURNAL_FILE_SLACK,
    };
    return journal_scan(&scan, ret_report, err);
}

size_t journal_drop(struct journal *j, uint64_t indexed)
{
    size_t kept = 0;
    size_t dropped = 0;
    for (size_t i = 0; i < j->segment_count; i++) {
        struct journal_segment *segment = &j->segment[i];
        bool past = segment->end != 0 && (indexed >= segment->end || record_segment(indexed) > segment->number);
        if (past && segment->held == 0 && segment->number != j->number) {
            char name[SEGMENT_NAME_MAX];
            segment_name(segment->number, name);
            if (unlinkat(j->config.dir_fd, name, 0) == 0 || errno == ENOENT) {
                dropped++;
                continue;
            }
        }
        j->segment[kept++] = *segment;
    }
    j->segment_count = kept;
    return dropped;
}

void journal_hold(struct journal *j, uint64_t position)
{
    struct journal_segment *segment = journal_segment_find(j, record_segment(position));
    if (segment != NULL) {
        segment->held++;
    }
}

void journal_release(struct journal *j, uint64_t position)
{
    struct journal_segment *segment = journal_segment_find(j, record_segment(position));
    if (segment != NULL && segment->held > 0) {
        segment->held--;
    }
}
