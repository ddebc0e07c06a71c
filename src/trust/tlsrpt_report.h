/* SPDX-License-Identifier: Apache-2.0 */
/* A report about TLS as it is sent: JSON (RFC 8460 section 4.4), gzip, and the mail around it (section 5.3). */
#ifndef TRUST_TLSRPT_REPORT_H
#define TRUST_TLSRPT_REPORT_H

#include "trust/tlsrpt_tally.h"

#define TLSRPT_REPORT_MAX ((size_t)1048576) /* bytes of one of ours, uncompressed: 200 rows with their policies */

/* Who reports what to whom. All ASCII; slices borrowed. */
struct tlsrpt_about {
    struct slice organization; /* name for people */
    struct slice contact;      /* mailbox of the operator */
    struct slice submitter;    /* our domain */
    struct slice domain;       /* the policy domain */
    uint32_t day;              /* clock_day() of the day reported, UTC */
    struct slice unique;       /* text that no other report of ours has: letters, digits, "-" */
};

/* Appends the report as JSON: one entry for each policy with its counts and failures. */
void tlsrpt_report_json(const struct tlsrpt_about *about, const struct tlsrpt_tally *tally, struct buf *out);

/* Appends bytes compressed (RFC 1952). False when the library fails or out is full. */
bool tlsrpt_report_gzip(struct slice bytes, struct buf *out);

/* Appends the mail, header and body with CRLF, to the mailbox `to`: multipart/report with a sentence and the compressed
 * report. date_us: now, for Date and Message-ID. Not yet signed. */
void tlsrpt_report_mail(const struct tlsrpt_about *about, struct slice to, struct slice gzip, int64_t date_us,
                        struct buf *out);

#endif
