/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a journal from the disk. The rule for bytes that are not a record: where a whole record follows behind them
 * in the same segment, or another segment does, they are damage: copied to the quarantine directory, counted, and
 * reading goes on behind them. Where nothing whole follows they are the torn tail of the last wave, which nobody was
 * told was kept: reading ends there. A mutated byte therefore costs at most the record it lies in, and never changes
 * one (row 23). */
#ifndef STORE_JOURNAL_SCAN_H
#define STORE_JOURNAL_SCAN_H

#include "store/segment.h"

#define JOURNAL_SCAN_GAPS_MAX 100000u /* damaged places in one scan; beyond it the disk is not to be trusted */

struct journal_scan_report {
    uint64_t records;
    uint32_t segments;
    uint32_t last_segment;    /* 0: none */
    uint32_t end_offset;      /* behind the last whole record of the last segment */
    bool ended;               /* the last record is a segment-end */
    bool torn;                /* bytes behind it that are no zeros */
    uint32_t gaps;            /* damaged places, each quarantined */
    uint64_t gap_bytes;
    uint32_t content_damaged; /* records whose head is whole and whose content is not */
    uint32_t headers_damaged; /* segment header pages */
    uint32_t missing;         /* segments that should be there */
};

/* Called for each whole record in order. content_damaged: record->content is empty, though there was one. False stops
 * the scan with err. */
typedef bool journal_visit_fn(void *ctx, const struct record *record, bool content_damaged, struct err *err);

struct journal_scan {
    int dir_fd;
    int quarantine_fd;  /* -1: copy nothing (a check) */
    uint64_t from;      /* first position wanted; 0: everything */
    uint32_t only;      /* this segment alone; 0: all */
    size_t segment_max; /* bytes of a segment at most */
    journal_visit_fn *visit;
    void *ctx;
};

/* Walks the journal. False on a record of an unknown type or version, on an unreadable file, and when visit says so;
 * damage alone is no failure but stands in the report. */
bool journal_scan(const struct journal_scan *scan, struct journal_scan_report *ret_report, struct err *err);

/* True when the report tells of damage (not of a torn tail). */
bool journal_scan_damaged(const struct journal_scan_report *report);

#endif
