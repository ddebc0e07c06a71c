/* SPDX-License-Identifier: Apache-2.0 */
/* One domain's MTA-STS record and policy: looking for them, and what is in force meanwhile. Used by sts_cache.c alone. */
#ifndef NET_STS_DOMAIN_H
#define NET_STS_DOMAIN_H

#include "base/list.h"
#include "net/dns_rdata.h"
#include "net/sts_cache.h"
#include "net/sts_record.h"

/* A domain is IDLE until somebody asks. When its record must be asked for (it has outlived its TTL, or the asker wants it
 * fresh) it is in RECORD, when the record makes a fetch necessary in FETCH, and then IDLE again. A policy whose id the
 * record confirms is fetched again before it ends, also in FETCH, while whoever asks is answered from it at once. One
 * function changes the state: enter(). */
enum sts_domain_state {
    STS_DOMAIN_IDLE,
    STS_DOMAIN_RECORD,
    STS_DOMAIN_FETCH,
};

struct sts_domain;

/* The state, or what is in force, may have changed. */
typedef void sts_domain_fn(struct sts_domain *domain);

struct sts_domain {
    struct list link; /* the cache's */
    struct sts_cache *cache;
    const struct sts_cache_ops *ops;
    sts_domain_fn *moved;
    struct digest key;
    char *name;
    struct list waiters; /* the cache's */
    bool telling;        /* the cache's: it must stay */
    bool working;        /* the cache's: in which of its lists it is */
    size_t counted;      /* the cache's: bytes of the policy in its sum */

    enum sts_domain_state state;
    bool want_record;     /* ask for the record before anything else */
    bool want_fresh;      /* past every cache */
    bool want_fetch;      /* whatever the id and the pause say */
    bool urgent;          /* FETCH: who asks must wait for it */

    enum sts_look record; /* UNASKED, ABSENT, FOUND, DNS_FAILED or BAD_RECORD */
    char id[STS_RECORD_ID_MAX + 1];
    char *record_detail;
    int64_t record_until_us; /* clock_wait_us() */

    enum sts_look fetch;  /* FOUND: the last fetch did not fail; else how it did */
    char fetch_id[STS_RECORD_ID_MAX + 1]; /* the record's id when it began */
    char *fetch_detail;
    int64_t fetch_after_us; /* clock_wait_us(): not before */

    uint8_t *policy;      /* msg_policy; NULL: none */
    size_t policy_length;
};

/* A domain nothing is known of. name is copied. */
struct sts_domain *sts_domain_create(const char *name, const struct sts_cache_ops *ops, sts_domain_fn *moved);

/* Frees it; nobody may wait for it and nothing may answer it any more. Takes it out of its list. *domain becomes NULL; NULL is accepted. */
void sts_domain_free(struct sts_domain **domain);

/* Takes the asker's policy over when it is the newest and has not ended. */
void sts_domain_adopt(struct sts_domain *domain, struct slice kept);

/* Drops the policy; the next look asks for record and policy whatever was found before. */
void sts_domain_drop(struct sts_domain *domain);

/* Looks where needed. moved() is called at least once, perhaps before this returns. */
void sts_domain_look(struct sts_domain *domain, bool fresh);

/* True when an asker should be told now: nothing is under way, or a refresh that nobody need wait for. */
bool sts_domain_is_settled(const struct sts_domain *domain);

/* What is in force now; changed is not set. */
void sts_domain_answer(const struct sts_domain *domain, struct sts_answer *ret_answer);

#endif
