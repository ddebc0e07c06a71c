/* SPDX-License-Identifier: Apache-2.0 */
/* Which MTA-STS policy is in force for a domain (RFC 8461 sections 3 and 5). Policies are kept here for as long as their
 * max_age says, over failed looks; whoever asks brings the policy it has kept over restarts and is told when to keep
 * another. A broken record or policy is never a reason for less. */
#ifndef NET_STS_CACHE_H
#define NET_STS_CACHE_H

#include "net/dns.h"
#include "net/sts_fetch.h"

/* Domains held; one takes about 600 bytes, and its policy. */
#define STS_DOMAINS_MAX 10000u
/* Bytes of policies held: an ordinary one has 100, the largest 16 KB. */
#define STS_BYTES_MAX (32u * 1024u * 1024u)
/* Domains looked at at once. */
#define STS_BUSY_MAX 768u
/* Whoever asks is answered by then, with what is known; the look goes on and serves the next who asks. As DNS_LOOKUP_US. */
#define STS_WAIT_US INT64_C(8000000)
/* A record that could not be asked for is asked for again after this, and a policy host that could not be spoken to. */
#define STS_LIFE_FAILED_US INT64_C(10000000)
/* A failed fetch is not repeated earlier (RFC 8461 3.3). */
#define STS_PAUSE_FAILED_US INT64_C(300000000)
/* Nor is a successful one whose policy lives shorter than this. */
#define STS_PAUSE_US INT64_C(10000000)
/* A policy is fetched again when it is this old, or half of its life is over (RFC 8461 3.3 suggests once a day). */
#define STS_REFRESH_US INT64_C(86400000000)

/* How the last look went. The numbers are those of enum trust_sts_look. */
enum sts_look {
    STS_UNASKED = 0,
    STS_ABSENT = 1,
    STS_FOUND = 2,
    STS_KEPT = 3,
    STS_DNS_FAILED = 4,
    STS_BAD_RECORD = 5,
    STS_NO_FETCH = 6,
    STS_BAD_CERT = 7,
    STS_BAD_POLICY = 8,
};

/* What is in force. Lives until the callback returns. */
struct sts_answer {
    enum sts_look look;
    struct slice policy; /* msg_policy; empty: none */
    bool changed;        /* another than the kept one that came with the ask */
    int64_t expires_us;  /* utc: ask again then */
    const char *detail;  /* what went wrong, for the domain's owner; "": nothing */
};

typedef void sts_answer_fn(void *ctx, const struct sts_answer *answer);
/* As sts_fetcher_get(). */
typedef void sts_get_fn(void *ctx, const char *domain, sts_fetch_fn *fn, void *fn_ctx);

/* How it finds out. Everything must outlive it. */
struct sts_cache_ops {
    dns_ask_fn *ask;
    void *ask_ctx;
    void *fresh_ctx; /* for ask: a client that was emptied just now */
    sts_get_fn *get;
    void *get_ctx;
};

struct sts_cache;

/* An empty cache. */
struct sts_cache *sts_cache_create(const struct sts_cache_ops *ops);

/* Calls fn exactly once, perhaps before returning. domain: lower-case A-labels; kept: the msg_policy that the asker has, or
 * empty; fresh: look everything up again now. */
void sts_cache_ask(struct sts_cache *cache, struct slice domain, struct slice kept, bool fresh, sts_answer_fn *fn, void *ctx);

/* Drops the policy that is kept of a domain, at the operator's word: who asks next has it looked for anew. */
void sts_cache_drop(struct sts_cache *cache, struct slice domain);

/* Drops the asks of ctx. */
void sts_cache_forget(struct sts_cache *cache, const void *ctx);

/* Answers those who have waited too long. To be called a few times a second while sts_cache_busy(). */
void sts_cache_tick(struct sts_cache *cache);

/* Domains being looked at, in the background too. */
size_t sts_cache_busy(const struct sts_cache *cache);

/* Frees everything. Whatever answers questions and fetches must be stopped before. *cache becomes NULL; NULL is accepted. */
void sts_cache_free(struct sts_cache **cache);

#endif
