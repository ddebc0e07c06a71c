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

/* The domain of the address. */
struct trust_domain {
    enum trust_dns mx;  /* of the MX question, or of the address question when implicit */
    bool secure;        /* validated */
    bool implicit;      /* no MX: the domain is its own host */
    size_t hosts;       /* named by the MX answer (1 when implicit) */
    size_t dangling;    /* of them, with NXDOMAIN or NODATA for their addresses */
    enum trust_level minimum; /* demanded by policy; at least PKIX is always demanded */
    enum trust_level shown;   /* the best level this domain has shown; NONE: not known */
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
    char *names;          /* DNS names of subjectAltName, one a line, escaped, cut at TRUST_NAMES_MAX */
    char *checked_name;   /* the host name that had to match */
    char *matched_name;   /* the pattern that did; NULL when none */
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
    struct smtp_client_caps caps; /* of the EHLO inside TLS */
    bool ready;           /* EHLO inside TLS was answered */
    int64_t at_us;        /* when it was tried */
};

/* What a message needs of a host. */
struct trust_needs {
    bool utf8;
    bool eight_bit;
    uint64_t size;
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
