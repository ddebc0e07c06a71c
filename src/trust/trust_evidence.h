/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: what was seen and judged on the way to one outcome, as a versioned record. A record is a version byte and
 * one entry per host that was tried, in order; the last is the one that was used, if any. Kept sealed. */
#ifndef TRUST_TRUST_EVIDENCE_H
#define TRUST_TRUST_EVIDENCE_H

#include "base/layout.h"
#include "trust/trust_verdict.h"

#define TRUST_EVIDENCE_VERSION 1
#define TRUST_EVIDENCE_TRIES_MAX 12u         /* hosts kept of one attempt; more are counted, not kept */
#define TRUST_EVIDENCE_SIZE_MAX ((size_t)20480) /* bytes of a record: with its seal below MSG_EVIDENCE_MAX */

/* One host, flat. Slices are borrowed from the facts (writing) or the record (reading). Numbers are those of the enums
 * in trust_facts.h and trust_verdict.h. */
struct trust_evidence {
    int64_t at_us;
    struct slice host;
    struct slice address;
    uint16_t port;
    uint8_t domain_dns;
    bool domain_secure;
    bool implicit;
    uint8_t host_dns;
    bool host_secure;
    uint8_t connect;
    uint8_t stage;
    uint8_t fault;
    uint16_t code;
    struct slice reply;
    bool starttls;
    bool tls;
    uint8_t tls_failure;
    struct slice protocol;
    struct slice suite;
    struct slice group;
    uint16_t bits;
    bool resumed;
    bool cert_checked;
    uint8_t cert_fault;
    struct slice cert_detail;
    struct slice chain;       /* 32-byte SHA-256 fingerprints, leaf first */
    int64_t valid_from_us;
    int64_t valid_until_us;
    struct slice key;
    struct slice signature;
    struct slice names;       /* LF between */
    struct slice name_checked;
    struct slice name_matched;
    uint8_t action;
    uint16_t reason;
    uint8_t level;
    bool attack;
};

extern const struct layout trust_evidence_layout;

/* The flat form of facts and verdict; valid as long as domain and session stay. */
struct trust_evidence trust_evidence_of(const struct trust_domain *domain, const struct trust_session *session,
                                        struct trust_verdict verdict);

/* Begins a record: the version byte. out should be a buf of at most TRUST_EVIDENCE_SIZE_MAX. */
void trust_evidence_begin(struct buf *out);

/* Appends one host; false (and nothing appended) when it would pass the limit of out. */
bool trust_evidence_add(struct buf *out, const struct trust_evidence *evidence);

/* Starts reading a record; false for another version. Then call layout_next(&trust_evidence_layout, reader, &evidence)
 * until it returns false, and check reader->bad. */
bool trust_evidence_open(struct slice record, struct wire_reader *ret_reader);

/* Appends a few lines for people about one host, every line starting with indent and ending with LF. */
void trust_evidence_text(const struct trust_evidence *evidence, const char *indent, struct buf *out);

/* "refused", "timeout", ... */
const char *trust_connect_name(enum trust_connect connect);

/* "ok", "nxdomain", ... */
const char *trust_dns_name(enum trust_dns dns);

#endif
