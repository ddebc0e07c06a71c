/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted for reports about TLS (RFC 8460 section 4): sessions with the hosts of one domain on one day, by policy
 * and by what became of them. No message, no mailbox, no sender is in it. Couriers count, write what they have as a
 * record now and then, and whoever sends the report adds the records up. */
#ifndef TRUST_TLSRPT_TALLY_H
#define TRUST_TLSRPT_TALLY_H

#include "base/layout.h"
#include "trust/trust_verdict.h"

#define TLSRPT_TALLY_VERSION 1
#define TLSRPT_ROWS_MAX 200u              /* different outcomes of one domain and day; further ones are counted as "others" */
#define TLSRPT_TALLY_MAX ((size_t)65536)  /* bytes of a record */
#define TLSRPT_POLICY_MAX 4096u           /* bytes of a policy's lines */

/* RFC 8460 section 4.4, policy-type. */
enum tlsrpt_policy { TLSRPT_NO_POLICY = 0, TLSRPT_STS = 1, TLSRPT_TLSA = 2 };

/* One outcome and how often it came. Slices are borrowed; reason is enum trust_reason, PROVED for a success. */
struct tlsrpt_row {
    uint8_t policy;       /* enum tlsrpt_policy */
    struct slice strings; /* policy-string: lines, LF between */
    struct slice hosts;   /* mx-host of an STS policy: patterns, LF between */
    uint16_t reason;      /* failure: why; its RFC 8460 result type is the table's */
    struct slice mx;      /* failure: receiving-mx-hostname, may be empty */
    struct slice mx_ip;   /* failure: receiving-ip as text, may be empty */
    struct slice from_ip; /* failure: sending-mta-ip as text, may be empty */
    uint64_t count;
};

extern const struct layout tlsrpt_row_layout;

struct tlsrpt_tally;

/* An empty tally. */
struct tlsrpt_tally *tlsrpt_tally_create(void);

/* Frees it. *tally becomes NULL; NULL is accepted. */
void tlsrpt_tally_free(struct tlsrpt_tally **tally);

/* Counts row->count more of this outcome (copied). */
void tlsrpt_tally_add(struct tlsrpt_tally *tally, const struct tlsrpt_row *row);

/* Number of different outcomes. */
size_t tlsrpt_tally_rows(const struct tlsrpt_tally *tally);

/* Row i, in the order in which they first came; borrowed from the tally. */
struct tlsrpt_row tlsrpt_tally_row(const struct tlsrpt_tally *tally, size_t i);

/* Appends the tally as a record (version byte, rows). */
void tlsrpt_tally_write(const struct tlsrpt_tally *tally, struct buf *out);

/* Adds the rows of a record. False when it is damaged or of another version; rows before the damage are counted. */
bool tlsrpt_tally_read(struct tlsrpt_tally *tally, struct slice record);

/* What the reports call the policies of a domain; slices borrowed, empty where there is none. */
struct tlsrpt_policies {
    struct slice sts;       /* lines of the policy */
    struct slice sts_hosts; /* its patterns, LF between */
    struct slice tlsa;      /* records of the host as text, LF between */
    struct slice from_ip;   /* our address */
};

/* Counts one session that was tried, for a domain at the time now_us: for TLSA when the host has usable records (or an
 * answer about them was forged), for the policy when one is in force or should have been (mode testing too: what would
 * have failed counts as failed), for "no policy" when there is neither. Hosts that were never reached, or that asked for
 * patience, are no sessions and are not counted. */
void tlsrpt_tally_session(struct tlsrpt_tally *tally, const struct trust_domain *domain,
                          const struct trust_session *session, int64_t now_us, const struct tlsrpt_policies *policies);

#endif
