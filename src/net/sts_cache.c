/* SPDX-License-Identifier: Apache-2.0 */
/* The domains held, found by the digest of their name, and who waits for them; the one unused for longest leaves first. */
#include "net/sts_cache.h"

#include <openssl/sha.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/sts_domain.h"

struct sts_cache {
    struct sts_cache_ops ops;
    struct map *map;     /* digest > domain */
    struct list resting; /* least used first */
    struct list working; /* being looked at */
    size_t busy;
    size_t bytes;
};

struct sts_waiter {
    struct list link;
    sts_answer_fn *fn;
    void *ctx;
    int64_t deadline_us;
    uint8_t *kept;
    size_t kept_length;
};

struct sts_cache *sts_cache_create(const struct sts_cache_ops *ops)
{
    struct sts_cache *cache = mem_new(sizeof(*cache));
    cache->ops = *ops;
    cache->map = map_create(sizeof(struct digest), STS_DOMAINS_MAX);
    list_init(&cache->resting);
    list_init(&cache->working);
    return cache;
}

static void free_waiter(struct sts_waiter *waiter)
{
    list_remove(&waiter->link);
    mem_free(waiter->kept);
    mem_free(waiter);
}

/* Puts a domain at the end of one list or the other. */
static void place(struct sts_cache *cache, struct sts_domain *domain, bool working)
{
    cache->busy -= domain->working ? 1u : 0u;
    cache->busy += working ? 1u : 0u;
    domain->working = working;
    list_remove(&domain->link);
    list_push(working ? &cache->working : &cache->resting, &domain->link);
}

static void free_domain(struct sts_cache *cache, struct sts_domain *domain)
{
    LIST_FOR(it, next, &domain->waiters)
    {
        free_waiter(LIST_ENTRY(it, struct sts_waiter, link));
    }
    cache->bytes -= domain->counted;
    cache->busy -= domain->working ? 1u : 0u;
    map_remove(cache->map, &domain->key);
    sts_domain_free(&domain);
}

static void tell(struct sts_domain *domain, struct sts_waiter *waiter)
{
    struct sts_answer answer;
    sts_domain_answer(domain, &answer);
    answer.changed = !slice_eq(answer.policy, slice_of(waiter->kept, waiter->kept_length));
    list_remove(&waiter->link);
    waiter->fn(waiter->ctx, &answer);
    free_waiter(waiter);
}

/* Puts the domain into the list of its state, counts it, and tells those who need not wait any longer. */
static void on_moved(struct sts_domain *domain)
{
    struct sts_cache *cache = domain->cache;
    place(cache, domain, domain->state != STS_DOMAIN_IDLE);
    cache->bytes += domain->policy_length - domain->counted;
    domain->counted = domain->policy_length;
    bool outer = !domain->telling;
    domain->telling = true;
    while (outer && sts_domain_is_settled(domain) && !list_empty(&domain->waiters))
        tell(domain, LIST_ENTRY(domain->waiters.next, struct sts_waiter, link));
    if (outer)
        domain->telling = false;
}

/* Makes room for one more; false when too many are being looked at. */
static bool make_room(struct sts_cache *cache)
{
    if (cache->busy >= STS_BUSY_MAX)
        return false;
    while (map_count(cache->map) >= STS_DOMAINS_MAX || cache->bytes > STS_BYTES_MAX) {
        struct sts_domain *oldest = LIST_ENTRY(cache->resting.next, struct sts_domain, link);
        if (list_empty(&cache->resting) || oldest->telling)
            return false;
        free_domain(cache, oldest);
    }
    return true;
}

/* The domain, made when it is new; NULL when there is no room. */
static struct sts_domain *find(struct sts_cache *cache, struct slice name)
{
    struct digest key;
    char text[DNS_NAME_MAX];
    SHA256(name.data, name.len, key.b);
    struct sts_domain *domain = map_get(cache->map, &key);
    if (domain != NULL || !make_room(cache))
        return domain;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    domain = sts_domain_create(text, &cache->ops, on_moved);
    domain->cache = cache;
    domain->key = key;
    map_put(cache->map, &key, domain);
    return domain;
}

/* For whom nothing can be looked up: the policy that came with the ask holds as long as it says. */
static void answer_without(struct slice kept, enum sts_look look, const char *detail, sts_answer_fn *fn, void *ctx)
{
    struct sts_answer answer = {.look = look, .detail = detail, .expires_us = clock_utc_us() + DNS_LIFE_FAILED_US};
    struct msg_policy policy;
    bool lives = kept.len > 0 && layout_read(&msg_policy_layout, kept, &policy) &&
                 clock_utc_us() < policy.fetched_us + (int64_t)policy.max_age_s * CLOCK_US_PER_S;
    if (lives) {
        answer.policy = kept;
        answer.look = STS_KEPT;
    }
    answer.changed = answer.policy.len != kept.len;
    fn(ctx, &answer);
}

static void wait_for(struct sts_domain *domain, struct slice kept, sts_answer_fn *fn, void *ctx)
{
    struct sts_waiter *waiter = mem_new(sizeof(*waiter));
    *waiter = (struct sts_waiter){.fn = fn, .ctx = ctx, .deadline_us = clock_wait_us() + STS_WAIT_US, .kept_length = kept.len};
    if (kept.len > 0) {
        waiter->kept = mem_new(kept.len);
        memcpy(waiter->kept, kept.data, kept.len);
    }
    list_push(&domain->waiters, &waiter->link);
}

void sts_cache_ask(struct sts_cache *cache, struct slice domain, struct slice kept, bool fresh, sts_answer_fn *fn, void *ctx)
{
    bool name = dns_name_ok(domain);
    struct sts_domain *found = name ? find(cache, domain) : NULL;
    if (found == NULL) {
        answer_without(kept, name ? STS_DNS_FAILED : STS_UNASKED, name ? "too many domains are being looked at at once" : "", fn, ctx);
        return;
    }
    sts_domain_adopt(found, kept);
    wait_for(found, kept, fn, ctx);
    place(cache, found, true); /* on_moved() takes it back */
    sts_domain_look(found, fresh);
}

void sts_cache_drop(struct sts_cache *cache, struct slice domain)
{
    struct digest key;
    SHA256(domain.data, domain.len, key.b);
    struct sts_domain *found = map_get(cache->map, &key);
    if (found == NULL)
        return;
    sts_domain_drop(found);
    cache->bytes += found->policy_length - found->counted;
    found->counted = found->policy_length;
}

void sts_cache_forget(struct sts_cache *cache, const void *ctx)
{
    LIST_FOR(it, next, &cache->working)
    {
        struct sts_domain *domain = LIST_ENTRY(it, struct sts_domain, link);
        LIST_FOR(link, after, &domain->waiters)
        {
            struct sts_waiter *waiter = LIST_ENTRY(link, struct sts_waiter, link);
            if (waiter->ctx == ctx)
                free_waiter(waiter);
        }
    }
}

void sts_cache_tick(struct sts_cache *cache)
{
    int64_t now = clock_wait_us();
    LIST_FOR(it, next, &cache->working)
    {
        struct sts_domain *domain = LIST_ENTRY(it, struct sts_domain, link);
        LIST_FOR(link, after, &domain->waiters)
        {
            struct sts_waiter *waiter = LIST_ENTRY(link, struct sts_waiter, link);
            if (waiter->deadline_us <= now)
                tell(domain, waiter);
        }
    }
}

size_t sts_cache_busy(const struct sts_cache *cache)
{
    return cache->busy;
}

void sts_cache_free(struct sts_cache **cache)
{
    if (cache == NULL || *cache == NULL)
        return;
    struct list *const lists[] = {&(*cache)->resting, &(*cache)->working};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        LIST_FOR(it, next, lists[i])
        {
            free_domain(*cache, LIST_ENTRY(it, struct sts_domain, link));
        }
    }
    map_free(&(*cache)->map);
    mem_free(*cache);
    *cache = NULL;
}
