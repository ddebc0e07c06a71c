/* SPDX-License-Identifier: Apache-2.0 */
/* Walk over the segments of a journal, with quarantine of damage. */
#include "store/journal_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

/* One segment in memory. */
struct journal_scan_segment {
    uint32_t number;
    struct slice bytes;
    bool last;
};

bool journal_scan_damaged(const struct journal_scan_report *report)
{
    return report->gaps > 0 || report->content_damaged > 0 || report->headers_damaged > 0 || report->missing > 0;
}

static bool journal_scan_zeros(struct slice s)
{
    return s.len == 0 || (s.data[0] == 0 && memcmp(s.data, s.data + 1, s.len - 1) == 0);
}

static bool journal_scan_quarantine(const struct journal_scan *scan, uint32_t segment, uint32_t offset,
                                    struct slice bytes, struct err *err)
{
    if (scan->quarantine_fd < 0) {
        return true;
    }
    char name[64];
    snprintf(name, sizeof name, "%08x-%08x.bad", (unsigned)segment, (unsigned)offset);
    int fd = openat(scan->quarantine_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno == EEXIST || err_errno(err, errno, "cannot create quarantine file %s", name);
    }
    int errnum = store_io_system.write(NULL, fd, bytes, 0);
    errnum = errnum == 0 ? store_io_system.sync(NULL, fd) : errnum;
    close(fd);
    return errnum == 0 || err_errno(err, errnum, "cannot write quarantine file %s", name);
}

/* Offset of the next whole record at or behind `from`, or the segment's length. */
static size_t journal_scan_find(const struct journal_scan_segment *segment, size_t from)
{
    struct record record;
    for (size_t at = from; at + RECORD_HEADER <= segment->bytes.len; at += RECORD_ALIGN) {
        if (segment->bytes.data[at] != 'S') {
            continue;
        }
        enum record_result result = record_read(slice_sub(segment->bytes, at, RECORD_MAX),
                                                record_position(segment->number, (uint32_t)at), true, &record);
        if (result == RECORD_OK || result == RECORD_CONTENT_DAMAGED) {
            return at;
        }
    }
    return segment->bytes.len;
}

/* What to do at an offset where no whole record begins: *at moves behind the damage, or to the end. */
static bool journal_scan_gap(const struct journal_scan *scan, const struct journal_scan_segment *segment, size_t *at,
                             struct journal_scan_report *report, struct err *err)
{
    size_t next = journal_scan_find(segment, *at + RECORD_ALIGN);
    struct slice bad = slice_sub(segment->bytes, *at, next - *at);
    if (next == segment->bytes.len && segment->last) {
        report->torn = !journal_scan_zeros(bad);
        *at = next;
        return true;
    }
    if (next == segment->bytes.len && journal_scan_zeros(bad)) { /* the segment-end is lost */
        bad = SLICE_EMPTY;
    }
    report->gaps++;
    report->gap_bytes += bad.len;
    if (report->gaps > JOURNAL_SCAN_GAPS_MAX) {
        return err_set(err, "more than %u damaged places in the journal; the disk is not to be trusted: restore from a "
                            "backup on another disk", JOURNAL_SCAN_GAPS_MAX);
    }
    bool ok = journal_scan_quarantine(scan, segment->number, (uint32_t)*at, bad, err);
    *at = next;
    return ok;
}

static bool journal_scan_record(const struct journal_scan *scan, const struct record *record, bool content_damaged,
                                struct journal_scan_report *report, struct err *err)
{
    report->records++;
    report->content_damaged += content_damaged ? 1 : 0;
    if (!record_known(record, err)) {
        return false;
    }
    return scan->visit == NULL || scan->visit(scan->ctx, record, content_damaged, err);
}

static bool journal_scan_records(const struct journal_scan *scan, const struct journal_scan_segment *segment,
                                 struct journal_scan_report *report, struct err *err)
{
    size_t at = SEGMENT_HEADER;
    if (record_segment(scan->from) == segment->number && record_offset(scan->from) > at) {
        at = record_offset(scan->from);
    }
    report->end_offset = (uint32_t)at;
    report->ended = false;
    while (at < segment->bytes.len && !report->ended) {
        struct record record;
        enum record_result result = record_read(slice_sub(segment->bytes, at, RECORD_MAX),
                                                record_position(segment->number, (uint32_t)at), true, &record);
        if (result == RECORD_NONE || result == RECORD_DAMAGED) {
            if (!journal_scan_gap(scan, segment, &at, report, err)) {
                return false;
            }
            continue;
        }
        if (!journal_scan_record(scan, &record, result == RECORD_CONTENT_DAMAGED, report, err)) {
            return false;
        }
        at += record.size;
        report->end_offset = (uint32_t)at;
        report->ended = record.type == RECORD_SEGMENT_END;
    }
    if (!segment->last && !report->ended && at <= segment->bytes.len && report->end_offset == at) {
        report->gaps++; /* cut exactly behind a record: the segment-end is missing */
    }
    return true;
}

static bool journal_scan_segment(const struct journal_scan *scan, uint32_t number, bool last,
                                 struct journal_scan_report *report, struct err *err)
{
    uint8_t *data = NULL;
    struct journal_scan_segment segment = {number, SLICE_EMPTY, last};
    if (!segment_load(scan->dir_fd, number, scan->segment_max, &data, &segment.bytes.len, err)) {
        return false;
    }
    segment.bytes.data = data;
    bool ok = true;
    switch (segment_header_read(slice_sub(segment.bytes, 0, SEGMENT_HEADER), number)) {
    case SEGMENT_HEADER_OK:
        break;
    case SEGMENT_HEADER_DAMAGED: /* zeros: named, but never written to */
        report->headers_damaged += journal_scan_zeros(segment.bytes) ? 0 : 1;
        break;
    case SEGMENT_HEADER_NEWER:
        ok = err_set(err, "journal segment %08x has a newer format than this program knows (version above %u); start "
                          "the newer Sealpost again", (unsigned)number, SEGMENT_VERSION);
        break;
    }
    ok = ok && journal_scan_records(scan, &segment, report, err);
    report->segments++;
    report->last_segment = number;
    mem_free(data);
    return ok;
}

bool journal_scan(const struct journal_scan *scan, struct journal_scan_report *ret_report, struct err *err)
{
    struct segment_listing listing;
    *ret_report = (struct journal_scan_report){0};
    if (!segment_list(scan->dir_fd, false, &listing, err)) {
        return false;
    }
    bool ok = true;
    uint32_t expected = record_segment(scan->from);
    for (size_t i = 0; ok && i < listing.count; i++) {
        uint32_t number = listing.number[i];
        if (number < record_segment(scan->from) || (scan->only != 0 && number != scan->only)) {
            continue;
        }
        if (scan->from != 0 && number > expected && !(expected == record_segment(scan->from) && number == expected + 1)) {
            ret_report->missing += number - expected;
        }
        expected = number + 1;
        ok = journal_scan_segment(scan, number, i + 1 == listing.count, ret_report, err);
    }
    segment_listing_free(&listing);
    return ok;
}
