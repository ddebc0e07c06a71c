/* SPDX-License-Identifier: Apache-2.0 */
/* A validating DNS client: libunbound with its worker thread, forwarders and trust anchors from the configuration
 * only (no resolv.conf, no hosts file, none of libunbound's built-in zones), no query log, query minimisation. */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "base/err.h"
#include "base/slice.h"
#include "os/loop.h"
#include "os/msg.h"

#define DNS_TYPE_A 1
#define DNS_TYPE_CNAME 5
#define DNS_TYPE_MX 15
#define DNS_TYPE_TXT 16
#define DNS_TYPE_AAAA 28
#define DNS_TYPE_TLSA 52

/* Records of one answer that are looked at; more are dropped. Large sets have a dozen. */
#define DNS_RECORDS_MAX 64
/* Bytes of a trust anchor file: the root has two keys, an operator may add islands. */
#define DNS_ANCHOR_MAX 65536u
/* Records that say they live longer are asked for again after an hour. */
#define DNS_LIFE_MAX_US INT64_C(3600000000)
/* A failed look-up is not repeated at once, so that a queue full of mail for one broken domain asks once. */
#define DNS_LIFE_FAILED_US INT64_C(500000)
/* Questions without an answer within this time count as timed out rather than refused by a server: libunbound says
 * SERVFAIL for both, and a server that answers at all has done so by then. */
#define DNS_SLOW_US INT64_C(2000000)

struct dns_config {
    const char *const *forward; /* "127.0.0.1:5300", "[::1]:53" */
    size_t forward_count;       /* 0: ask from the root servers down */
    struct slice anchors;       /* lines of DS or DNSKEY records, ";" comments; empty: nothing is secure */
};

/* What one question gave. Slices live until the callback returns. */
struct dns_answer {
    enum msg_dns status;  /* OK, NXDOMAIN, NODATA, SERVFAIL, TIMEOUT or BOGUS */
    bool secure;          /* the answer, or the denial, was validated */
    uint32_t ttl_s;
    struct slice canonical; /* where aliases ended, as text, perhaps with a last dot; empty when unknown */
    size_t count;           /* records of the type asked for, when OK */
    struct slice rdata[DNS_RECORDS_MAX];
};

typedef void dns_answer_fn(void *ctx, const struct dns_answer *answer);

struct dns;

/* Puts one question, as dns_ask() with a client as ctx: what looks things up asks through one of these. */
typedef bool dns_ask_fn(void *ctx, const char *name, int type, dns_answer_fn *fn, void *fn_ctx);

/* True when a status says nothing about what is in the DNS: SERVFAIL, TIMEOUT, BOGUS, MALFORMED, LOOP. */
bool dns_is_failure(enum msg_dns status);

/* How long an answer may be kept, in microseconds. */
int64_t dns_life_us(enum msg_dns status, uint32_t ttl_s);

/* Makes the client and reads everything it will need; to be called before the sandbox. NULL with the reason. */
struct dns *dns_create(const struct dns_config *config, struct err *err);

/* Starts listening for answers; to be called inside the sandbox (the worker thread starts with the first question). */
bool dns_start(struct dns *dns, struct loop *loop, struct err *err);

/* Forgets every answer it has kept, when no question is open; otherwise nothing happens. False with the reason when it has
 * become useless: every question then fails. Takes some milliseconds. Not from inside an answer. */
bool dns_renew(struct dns *dns, struct err *err);

/* Asks for one type of one name (text, no last dot needed). fn is called exactly once, never before dns_ask() returns,
 * unless dns is freed first. False when the question could not be put. */
bool dns_ask(struct dns *dns, const char *name, int type, dns_answer_fn *fn, void *ctx);

/* Forgets all open questions and frees. *dns becomes NULL; NULL is accepted. */
void dns_free(struct dns **dns);

#endif
