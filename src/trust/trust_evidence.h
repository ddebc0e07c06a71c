/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: what was seen and judged on the way to one outcome, as a versioned record. A record is a version byte and
 * entries in their order: the domain's own verdict when that ended it, else one entry per try, and the end when no host
 * was found, or the one that was found cannot take the message. Version 2 holds every fact that a verdict reads, so that each can be computed again (trust_replay); version
 * 1, of the first release, is still read and shown. Kept sealed. */
#ifndef TRUST_TRUST_EVIDENCE_H
#define TRUST_TRUST_EVIDENCE_H

#include "base/layout.h"
#include "trust/trust_attempt.h"

#define TRUST_EVIDENCE_VERSION 2
#define TRUST_EVIDENCE_TRIES_MAX 14u         /* tries kept of one attempt: a courier makes 12, and may judge a kept session */
#define TRUST_EVIDENCE_SIZE_MAX ((size_t)20480) /* bytes of a record: with its seal below MSG_EVIDENCE_MAX */
#define TRUST_EVIDENCE_BARE_MAX ((size_t)720)   /* an entry without what is only told */

enum trust_evidence_kind {
    TRUST_EVIDENCE_TRY = 0,    /* one address of one host */
    TRUST_EVIDENCE_DOMAIN = 1, /* the domain's verdict; no host was tried */
    TRUST_EVIDENCE_END = 2,    /* the verdict of all tries before it */
    TRUST_EVIDENCE_NEEDS = 3,  /* the proved host of the try before it cannot take the message as it is */
};

/* One entry, flat. Slices are borrowed from the facts (writing) or the record (reading). Numbers are those of the enums
 * in trust_facts.h and trust_verdict.h. */
struct trust_evidence {
    uint8_t version;  /* of the record it was read from; not written */
    uint8_t kind;     /* enum trust_evidence_kind */
    bool counted;     /* false: a kept session that proved nothing any more; the walk went on as if it had not been */
    uint16_t left_out; /* END: tries that found no room in the record */
    int64_t judged_us;
    int64_t at_us;
    struct slice host;
    struct slice address;
    uint16_t port;
    uint8_t domain_dns;
    bool domain_secure;
    bool implicit;
    uint16_t hosts;
    uint16_t dangling;
    uint8_t minimum;
    uint8_t shown;
    uint8_t profile;
    uint8_t sts;
    uint8_t sts_look;
    bool pinned;
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
    uint16_t protocol_number;
    bool aead;
    bool ephemeral;
    uint8_t cipher;
    bool extended_master;
    bool cert_checked;
    uint8_t cert_fault;
    struct slice cert_detail;
    struct slice chain;       /* 32-byte SHA-256 fingerprints, leaf first */
    int64_t valid_from_us;
    int64_t valid_until_us;
    struct slice key;
    struct slice signature;
    struct slice issuer;
    struct slice names;       /* LF between */
    struct slice name_checked;
    struct slice name_matched;
    uint8_t ocsp;
    bool must_staple;
    struct slice spki;        /* 32-byte SHA-256 of the public keys of the verified path, leaf first */
    uint8_t tlsa;
    uint16_t tlsa_records;
    uint16_t tlsa_usable;
    bool dane_checked;
    bool dane_matched;
    uint8_t dane_fault;
    struct slice dane_detail;
    struct slice dane_record;
    struct slice dane_base;
    struct slice dane_spki;   /* as spki, of the path that the records vouch for */
    int64_t dane_from_us;
    int64_t dane_until_us;
    bool sts_match;
    uint8_t pin;
    bool ready;
    bool cap_eight_bit;
    bool cap_utf8;
    bool cap_size;
    uint64_t cap_size_max;
    bool cap_require_tls;
    bool need_eight_bit;
    bool need_utf8;
    uint64_t need_size;
    bool need_require_tls;
    uint8_t action;
    uint16_t reason;
    uint8_t level;
    bool attack;
};

extern const struct layout trust_evidence_layout;

/* The flat form of a try and its verdict, judged at now_us; valid as long as domain and session stay. */
struct trust_evidence trust_evidence_of(const struct trust_domain *domain, const struct trust_session *session,
                                        int64_t now_us, struct trust_verdict verdict);

/* The same of a verdict on the domain alone (kind DOMAIN), or of all tries together (kind END). */
struct trust_evidence trust_evidence_of_domain(enum trust_evidence_kind kind, const struct trust_domain *domain,
                                               int64_t now_us, struct trust_verdict verdict);

/* The same of a proved host that was compared with the needs of a message (kind NEEDS). */
struct trust_evidence trust_evidence_of_needs(const struct trust_domain *domain, const struct trust_session *session,
                                              const struct trust_needs *needs, int64_t now_us, struct trust_verdict verdict);

/* Begins a record: the version byte. out should be a buf of at most TRUST_EVIDENCE_SIZE_MAX. */
void trust_evidence_begin(struct buf *out);

/* Appends one entry. What is only told (reply, names, fingerprints, details) is left out where it would take the room of
 * entries to come; false (and nothing appended) when even the rest would pass the limit of out. */
bool trust_evidence_add(struct buf *out, const struct trust_evidence *evidence);

struct trust_evidence_reader {
    struct wire_reader wire;
    uint8_t version;
};

/* Starts reading a record; false for an unknown version. */
bool trust_evidence_open(struct slice record, struct trust_evidence_reader *ret_reader);

/* The next entry; false at the end, and with reader->wire.bad for what is no record. */
bool trust_evidence_next(struct trust_evidence_reader *reader, struct trust_evidence *ret_evidence);

/* The facts of an entry: the domain's in *ret_domain, and in *try (all zero before; NULL: not wanted) those of the try, to
 * be freed with trust_session_clear(). False when the entry is of version 1 or holds a number that no fact can have; then
 * nothing has to be freed. */
bool trust_evidence_facts(const struct trust_evidence *evidence, struct trust_domain *ret_domain, struct trust_try *try);

/* A digest of everything in a record but the times of judging: two records with the same one say the same. */
struct digest trust_evidence_digest(struct slice record);

/* Appends a few lines for people about one entry, every line starting with indent and ending with LF. */
void trust_evidence_text(const struct trust_evidence *evidence, const char *indent, struct buf *out);

/* "refused", "timeout", ... */
const char *trust_connect_name(enum trust_connect connect);

/* "ok", "nxdomain", ... */
const char *trust_dns_name(enum trust_dns dns);

#endif
