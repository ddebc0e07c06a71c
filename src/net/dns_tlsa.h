/* SPDX-License-Identifier: Apache-2.0 */
/* The TLSA records of one mail host: below which name they are looked for, and what the answers mean (RFC 7672 2.2.2 and
 * 2.2.3, RFC 7671 7). Used by dns_lookup.c, for hosts whose MX answer was secure and who have an address. */
#ifndef NET_DNS_TLSA_H
#define NET_DNS_TLSA_H

#include "net/dns.h"
#include "net/dns_rdata.h"

/* Records of one host; more are a failure, because leaving some out could change what they mean together. Large sets have
 * half a dozen. */
#define DNS_TLSA_MAX 32

/* The numbers are those of enum trust_tlsa_state. */
enum dns_tlsa_state {
    DNS_TLSA_UNASKED = 0, /* the question may not be asked: something before it is not secure */
    DNS_TLSA_NONE = 1,    /* secure denial, or the answer is insecure */
    DNS_TLSA_FOUND = 2,   /* secure records; whether one can be used is not looked at */
    DNS_TLSA_FAILED = 4,  /* no answer, or more than can be carried */
    DNS_TLSA_BOGUS = 5,
};

struct dns_tlsa {
    enum dns_tlsa_state state;
    bool expanded;    /* found below the name where aliases end, not below the host's own */
    uint8_t *records; /* msg_tlsa, one behind another; malformed ones are left out. Owned by who holds the struct */
    size_t length;
};

/* A look-up starts in CNAME when the host is an alias that leads out of the signed part of the DNS, in EXPANDED when it is
 * an alias all the way signed, and in OWN when it is none. A signed CNAME record leads to OWN, an unsigned one to the end.
 * EXPANDED leads to OWN when there are no records. A failure ends it: nothing weaker is tried after it. */
enum dns_tlsa_step {
    DNS_TLSA_STEP_CNAME,
    DNS_TLSA_STEP_EXPANDED,
    DNS_TLSA_STEP_OWN,
};

typedef void dns_tlsa_fn(void *ctx);

/* One look-up, inside the struct of whoever looks up. */
struct dns_tlsa_lookup {
    dns_ask_fn *ask;
    void *ask_ctx;
    uint16_t port;
    const char *name;      /* the host; borrowed */
    const char *canonical; /* where its aliases end, "" when it is none; borrowed */
    bool secure;           /* aliases and addresses */
    dns_tlsa_fn *fn;       /* called once, when it is over, perhaps before dns_tlsa_start() returns */
    void *ctx;
    enum dns_tlsa_step step;
    struct dns_tlsa result; /* then */
    int64_t life_us;        /* how long the answers may be kept */
};

/* Starts a look-up whose fields up to ctx are set. When it must end before it is over, nothing may answer any more. */
void dns_tlsa_start(struct dns_tlsa_lookup *lookup);

#endif
