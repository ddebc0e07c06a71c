/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen, before anybody judges: of a domain (DNS), of one host that was tried (connection, replies, TLS,
 * certificate), of one reply, and what a message needs. Plain data; the courier fills it, trust_verdict judges it. */
#ifndef TRUST_TRUST_FACTS_H
#define TRUST_TRUST_FACTS_H

#include "base/id.h"
#include "smtp/smtp_client_connection.h"

/* Proof levels, weakest first. */
enum trust_level {
    TRUST_LEVEL_NONE = 0,
    TRUST_LEVEL_PKIX = 1,        /* certificate and host name; the MX answer was not signed */
    TRUST_LEVEL_PKIX_DNSSEC = 2, /* the same, and the MX and address answers were validated */
    TRUST_LEVEL_STS = 3,         /* the same as PKIX, and an enforced MTA-STS policy names the host */
    TRUST_LEVEL_DANE = 4,        /* secure TLSA records match */
};

/* How a DNS question ended. */
enum trust_dns {
    TRUST_DNS_OK = 0,
    TRUST_DNS_NXDOMAIN = 1,
    TRUST_DNS_NODATA = 2,
    TRUST_DNS_SERVFAIL = 3,
    TRUST_DNS_TIMEOUT = 4,
    TRUST_DNS_BOGUS = 5,
    TRUST_DNS_MALFORMED = 6,
    TRUST_DNS_NULL_MX = 7,
    TRUST_DNS_LOOP = 8,
};

/* What is asked of protocol, suite, group and keys (docs/trust.md). Both of the latter two are SP 800-52r2. */
enum trust_profile { TRUST_PROFILE_STRICT = 0, TRUST_PROFILE_NIST = 1, TRUST_PROFILE_FIPS = 2 };

/* The MTA-STS policy in force; mode none counts as no policy. */
enum trust_sts_mode { TRUST_STS_NONE = 0, TRUST_STS_TESTING = 1, TRUST_STS_ENFORCE = 2 };

/* How the last look for a policy went. Only told, never judged: a broken record or policy is no reason for less. */
enum trust_sts_look {
    TRUST_STS_UNASKED = 0,
    TRUST_STS_ABSENT = 1,         /* no TXT record, or none that says STSv1 */
    TRUST_STS_FOUND = 2,          /* fetched now, or the id says that the kept one still holds */
    TRUST_STS_KEPT = 3,           /* the look failed, a kept policy is in force */
    TRUST_STS_DNS_FAILED = 4,     /* these four: no policy is in force */
    TRUST_STS_RECORD_INVALID = 5, /* several records, no id, bad syntax */
    TRUST_STS_FETCH_FAILED = 6,   /* connection, status, redirect, size, time, content type */
    TRUST_STS_CERT_FAILED = 7,    /* the policy host did not prove itself */
    TRUST_STS_POLICY_INVALID = 8,
};

/* The domain of the address. */
struct trust_domain {
    enum trust_dns mx;  /* of the MX question, or of the address question when implicit */
    bool secure;        /* validated */
    bool implicit;      /* no MX: the domain is its own host */
    size_t hosts;       /* named by the MX answer (1 when implicit) */
    size_t dangling;    /* of them, with NXDOMAIN or NODATA for their addresses */
    enum trust_level minimum; /* demanded by policy; at least PKIX is always demanded */
    enum trust_level shown;   /* the best level this domain has shown; NONE: not known */
    enum trust_profile profile; /* demanded */
    enum trust_sts_mode sts;    /* of the policy in force */
    enum trust_sts_look sts_look;
    bool pinned;                /* pins are configured that have not ended */
};

enum trust_connect {
    TRUST_CONNECT_NONE, /* not tried */
    TRUST_CONNECT_OK,
    TRUST_CONNECT_REFUSED,
    TRUST_CONNECT_TIMEOUT,
    TRUST_CONNECT_UNREACHABLE,
    TRUST_CONNECT_PRIVATE, /* every address is private or reserved and that is not allowed */
};

enum trust_tls_failure {
    TRUST_TLS_FINE,
    TRUST_TLS_OLD,    /* protocol_version, either side */
    TRUST_TLS_SUITE,  /* handshake_failure, insufficient_security, no shared anything */
    TRUST_TLS_BROKEN, /* anything else */
};

enum trust_cert_fault {
    TRUST_CERT_FINE,
    TRUST_CERT_NONE,
    TRUST_CERT_EXPIRED,
    TRUST_CERT_NOT_YET,
    TRUST_CERT_SELF_SIGNED,
    TRUST_CERT_UNTRUSTED,
    TRUST_CERT_CHAIN,
    TRUST_CERT_NAME,
    TRUST_CERT_KEY,
    TRUST_CERT_SIGNATURE,
    TRUST_CERT_USAGE,
    TRUST_CERT_REVOKED,
    TRUST_CERT_STAPLE, /* it must be stapled (RFC 7633) and no staple says good */
};

/* What the stapled OCSP response said of the leaf (RFC 6960). */
enum trust_ocsp {
    TRUST_OCSP_NONE = 0,    /* no staple */
    TRUST_OCSP_GOOD = 1,
    TRUST_OCSP_REVOKED = 2,
    TRUST_OCSP_UNKNOWN = 3, /* the responder does not know the certificate */
    TRUST_OCSP_INVALID = 4, /* unreadable, of another certificate, or not signed by its issuer or its delegate */
    TRUST_OCSP_STALE = 5,   /* outside thisUpdate to nextUpdate */
};

/* What became of the TLSA question (RFC 7672 section 2.2). */
enum trust_tlsa_state {
    TRUST_TLSA_UNASKED = 0,  /* MX or address answers are not secure */
    TRUST_TLSA_NONE = 1,     /* secure denial, or the answer is insecure */
    TRUST_TLSA_USABLE = 2,   /* at least one record of usage 2 or 3 that can be used */
    TRUST_TLSA_UNUSABLE = 3, /* records, none of which can be used */
    TRUST_TLSA_FAILED = 4,   /* SERVFAIL, timeout, malformed */
    TRUST_TLSA_BOGUS = 5,
};

#define TRUST_CHAIN_MAX 10u   /* certificates of one chain: the depth OpenSSL follows is limited to the same */
#define TRUST_NAMES_MAX 2048u /* bytes kept of the DNS names of one certificate */

/* Certificate facts; freed with trust_cert_free(). */
struct trust_cert {
    bool checked;
    enum trust_cert_fault fault;
    char *detail;         /* what the verifier said, for the engineer; NULL when fine */
    size_t chain_count;
    struct digest chain[TRUST_CHAIN_MAX]; /* SHA-256 of each certificate, leaf first */
    int64_t from_us;      /* latest notBefore and earliest notAfter of the verified chain (of the leaf when */
    int64_t until_us;     /* there is none): the session proves nothing outside of them */
    char *key;            /* "RSA 2048", "EC P-256" */
    char *signature;      /* "sha256WithRSAEncryption" */
    char *issuer;         /* who signed the leaf, by its own word: RFC 2253, escaped; NULL when there is no leaf */
    char *names;          /* DNS names of subjectAltName, one a line, escaped, cut at TRUST_NAMES_MAX */
    char *checked_name;   /* the host name that had to match */
    char *matched_name;   /* the pattern that did; NULL when none */
    enum trust_ocsp ocsp;
    bool must_staple;     /* the leaf says so */
    size_t path_count;
    struct digest spki[TRUST_CHAIN_MAX]; /* SHA-256 of the public keys of the verified path, leaf first: for pins */
};

/* One TLSA record. */
struct trust_tlsa {
    uint8_t usage;
    uint8_t selector;
    uint8_t matching;
    struct slice data; /* borrowed */
};

/* DANE facts; freed with trust_dane_free(). Meaningful only with TRUST_TLSA_USABLE. */
struct trust_dane {
    enum trust_tlsa_state tlsa;
    size_t records;
    size_t usable;
    bool checked;                /* a chain was compared with them */
    bool matched;                /* a record matches a certificate of the chain */
    enum trust_cert_fault fault; /* FINE: proved. NONE: no certificate. UNTRUSTED: nothing matches. Else what is wrong */
                                 /* with the path (usage 2) or the key (both) that did match */
    char *detail;                /* for the engineer; NULL when fine */
    char *record;                /* the one that matched: "3 1 1 0123...", NULL when none */
    char *base;                  /* name without _25._tcp where the records are; NULL when none */
    int64_t from_us;             /* as in trust_cert; with usage 3 INT64_MIN and INT64_MAX */
    int64_t until_us;
    size_t path_count;           /* as in trust_cert: the path to the matching anchor, with usage 3 the leaf alone */
    struct digest spki[TRUST_CHAIN_MAX];
};

enum trust_pin { TRUST_PIN_NONE = 0, TRUST_PIN_MATCH = 1, TRUST_PIN_MISMATCH = 2 };

enum trust_cipher {
    TRUST_CIPHER_OTHER = 0,
    TRUST_CIPHER_AES_GCM = 1,
    TRUST_CIPHER_AES_CCM = 2,
    TRUST_CIPHER_CHACHA20 = 3,
};

/* TLS facts. Strings are OpenSSL's own, static. */
struct trust_tls {
    bool established;
    enum trust_tls_failure failure;
    uint16_t protocol;    /* 0x0303, 0x0304 */
    const char *protocol_name;
    const char *suite;
    const char *group;
    int bits;
    bool aead;
    bool ephemeral;       /* (EC)DHE, or TLS 1.3 */
    enum trust_cipher cipher;
    bool extended_master; /* extended master secret, or TLS 1.3 */
    bool resumed;
};

/* One host that was tried. */
struct trust_session {
    char *host;           /* A-label, lower case, without a dot at the end */
    char *address;        /* text of the address; NULL when none was tried */
    uint16_t port;
    enum trust_dns dns;   /* of its address questions */
    bool dns_secure;
    enum trust_connect connect;
    bool starttls;        /* offered */
    enum smtp_client_stage stage; /* where it ended; NONE while it has not */
    enum smtp_client_fault fault;
    uint16_t code;        /* of the refusing reply, 0 without */
    struct smtp_enhanced enhanced;
    char *reply;          /* escaped; NULL without */
    struct trust_tls tls;
    struct trust_cert cert;
    struct trust_dane dane;
    bool sts_match;       /* the policy in force names this host */
    enum trust_pin pin;   /* of the configured pins in the verified path (DANE's or PKIX') */
    struct smtp_client_caps caps; /* of the EHLO inside TLS */
    bool ready;           /* EHLO inside TLS was answered */
    int64_t at_us;        /* when it was tried */
};

/* What a message needs of a host. */
struct trust_needs {
    bool utf8;
    bool eight_bit;
    uint64_t size;
    bool require_tls; /* RFC 8689 */
};

/* The answer that decides about one recipient, or its absence; see struct smtp_client_outcome. */
struct trust_answer {
    enum smtp_client_stage stage;
    enum smtp_client_fault fault;
    uint16_t code;
    struct smtp_enhanced enhanced;
};

/* Frees what the session's pointers own and zeroes it. */
void trust_session_clear(struct trust_session *session);

#endif
