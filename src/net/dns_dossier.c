/* SPDX-License-Identifier: Apache-2.0 */
/* The dossiers held: found by the digest of their domain, the one unused for longest leaves first. */
#include "net/dns_dossier.h"

#include <openssl/sha.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/dns_lookup.h"

struct dns_dossiers {
    dns_ask_fn *ask;
    void *ask_ctx;
    uint16_t port;
    size_t bytes;        /* of the dossiers that are done */
    struct map *map;     /* digest of the domain > entry */
    struct list done;    /* entries with a dossier, least used first */
    struct list pending; /* entries being looked up */
    size_t busy;
};

struct dns_entry {
    struct list link; /* in done or pending */
    struct dns_dossiers *owner;
    struct digest key;
    struct dns_lookup *lookup; /* while pending */
    struct list waiters;
    bool telling; /* its waiters are being answered: it must stay */
    struct dns_dossier dossier;
    int64_t expires_wait_us;
};

struct dns_waiter {
    struct list link;
    dns_dossier_fn *fn;
    void *ctx;
    int64_t deadline_us;
};

struct dns_dossiers *dns_dossiers_create(dns_ask_fn *ask, void *ask_ctx, uint16_t port)
{
    struct dns_dossiers *dossiers = mem_new(sizeof(*dossiers));
    dossiers->ask = ask;
    dossiers->ask_ctx = ask_ctx;
    dossiers->port = port;
    dossiers->map = map_create(sizeof(struct digest), DNS_DOSSIERS_MAX);
    list_init(&dossiers->done);
    list_init(&dossiers->pending);
    return dossiers;
}

void dns_dossier_clear(struct dns_dossier *dossier)
{
    for (size_t i = 0; i < dossier->count; i++)
        mem_free(dossier->hosts[i].tlsa.records);
    mem_free(dossier->hosts);
    dossier->hosts = NULL;
    dossier->count = 0;
}

static size_t bytes_of(const struct dns_dossier *dossier)
{
    size_t bytes = dossier->count * sizeof(*dossier->hosts);
    for (size_t i = 0; i < dossier->count; i++)
        bytes += dossier->hosts[i].tlsa.length;
    return bytes;
}

static void free_entry(struct dns_entry *entry)
{
    entry->owner->bytes -= bytes_of(&entry->dossier);
    map_remove(entry->owner->map, &entry->key);
    list_remove(&entry->link);
    LIST_FOR(it, next, &entry->waiters)
    {
        list_remove(it);
        mem_free(LIST_ENTRY(it, struct dns_waiter, link));
    }
    dns_lookup_free(&entry->lookup);
    dns_dossier_clear(&entry->dossier);
    mem_free(entry);
}

static void add_waiter(struct dns_entry *entry, dns_dossier_fn *fn, void *ctx)
{
    struct dns_waiter *waiter = mem_new(sizeof(*waiter));
    waiter->fn = fn;
    waiter->ctx = ctx;
    waiter->deadline_us = clock_wait_us() + DNS_LOOKUP_US;
    list_push(&entry->waiters, &waiter->link);
}

/* Answers and frees one waiter. */
static void tell(struct dns_waiter *waiter, const struct dns_dossier *dossier)
{
    list_remove(&waiter->link);
    waiter->fn(waiter->ctx, dossier);
    mem_free(waiter);
}

static void tell_all(struct dns_entry *entry)
{
    entry->telling = true;
    while (!list_empty(&entry->waiters))
        tell(LIST_ENTRY(entry->waiters.next, struct dns_waiter, link), &entry->dossier);
    entry->telling = false;
}

/* Takes the hosts over, copied into as much memory as they need: to shrink the array for 32 in place would leave holes that
 * no other look-up fits into. */
static void take_dossier(struct dns_entry *entry, struct dns_dossier *found)
{
    struct dns_host *hosts = found->hosts;
    entry->dossier = *found;
    entry->dossier.hosts = NULL;
    *found = (struct dns_dossier){.hosts = NULL};
    if (entry->dossier.count > 0) {
        entry->dossier.hosts = mem_new_array(entry->dossier.count, sizeof(*hosts));
        memcpy(entry->dossier.hosts, hosts, entry->dossier.count * sizeof(*hosts));
    }
    mem_free(hosts);
    entry->owner->bytes += bytes_of(&entry->dossier);
    entry->expires_wait_us = clock_wait_us() + entry->dossier.expires_us - clock_utc_us();
}

static void on_done(void *ctx, struct dns_lookup *lookup)
{
    struct dns_entry *entry = ctx;
    struct dns_dossiers *dossiers = entry->owner;
    take_dossier(entry, dns_lookup_dossier(lookup));
    dns_lookup_free(&entry->lookup);
    list_remove(&entry->link);
    list_push(&dossiers->done, &entry->link);
    dossiers->busy--;
    tell_all(entry);
}

/* A dossier without hosts for whoever cannot be served. */
static void answer_status(enum msg_dns status, dns_dossier_fn *fn, void *ctx)
{
    const struct dns_dossier dossier = {.status = status, .expires_us = clock_utc_us() + DNS_LIFE_FAILED_US};
    fn(ctx, &dossier);
}

/* Makes room for one more entry; false when all are being looked up. */
static bool make_room(struct dns_dossiers *dossiers)
{
    if (dossiers->busy >= DNS_LOOKUPS_MAX)
        return false;
    while (map_count(dossiers->map) >= DNS_DOSSIERS_MAX || dossiers->bytes > DNS_DOSSIERS_BYTES_MAX) {
        struct dns_entry *oldest = LIST_ENTRY(dossiers->done.next, struct dns_entry, link);
        if (list_empty(&dossiers->done) || oldest->telling)
            return false;
        free_entry(oldest);
    }
    return true;
}

static void look_up(struct dns_dossiers *dossiers, const char *domain, const struct digest *key, dns_dossier_fn *fn, void *ctx)
{
    struct dns_entry *entry = mem_new(sizeof(*entry));
    entry->owner = dossiers;
    entry->key = *key;
    list_init(&entry->waiters);
    map_put(dossiers->map, key, entry);
    list_push(&dossiers->pending, &entry->link);
    dossiers->busy++;
    add_waiter(entry, fn, ctx);
    entry->lookup = dns_lookup_create(domain, dossiers->ask, dossiers->ask_ctx, dossiers->port, on_done, entry);
    dns_lookup_start(entry->lookup);
}

/* The entry when it can serve: being looked up, or still alive. An outlived one is freed. */
static struct dns_entry *find_live(struct dns_dossiers *dossiers, const struct digest *key)
{
    struct dns_entry *entry = map_get(dossiers->map, key);
    bool outlived = entry != NULL && entry->lookup == NULL && !entry->telling && entry->expires_wait_us <= clock_wait_us();
    if (!outlived)
        return entry;
    free_entry(entry);
    return NULL;
}

void dns_dossiers_ask(struct dns_dossiers *dossiers, struct slice domain, dns_dossier_fn *fn, void *ctx)
{
    struct digest key;
    char name[DNS_NAME_MAX];
    if (!dns_name_ok(domain)) {
        answer_status(MSG_DNS_MALFORMED, fn, ctx);
        return;
    }
    memcpy(name, domain.data, domain.len);
    name[domain.len] = '\0';
    SHA256(domain.data, domain.len, key.b);
    struct dns_entry *entry = find_live(dossiers, &key);
    if (entry != NULL && entry->lookup != NULL) {
        add_waiter(entry, fn, ctx);
    } else if (entry != NULL) {
        list_remove(&entry->link);
        list_push(&dossiers->done, &entry->link);
        fn(ctx, &entry->dossier);
    } else if (make_room(dossiers)) {
        look_up(dossiers, name, &key, fn, ctx);
    } else {
        answer_status(MSG_DNS_SERVFAIL, fn, ctx);
    }
}

void dns_dossiers_empty(struct dns_dossiers *dossiers)
{
    LIST_FOR(it, next, &dossiers->done)
    {
        free_entry(LIST_ENTRY(it, struct dns_entry, link));
    }
}

void dns_dossiers_forget(struct dns_dossiers *dossiers, const void *ctx)
{
    LIST_FOR(it, next, &dossiers->pending)
    {
        struct dns_entry *entry = LIST_ENTRY(it, struct dns_entry, link);
        LIST_FOR(link, after, &entry->waiters)
        {
            struct dns_waiter *waiter = LIST_ENTRY(link, struct dns_waiter, link);
            if (waiter->ctx == ctx) {
                list_remove(link);
                mem_free(waiter);
            }
        }
    }
}

void dns_dossiers_tick(struct dns_dossiers *dossiers)
{
    int64_t now = clock_wait_us();
    LIST_FOR(it, next, &dossiers->pending)
    {
        struct dns_entry *entry = LIST_ENTRY(it, struct dns_entry, link);
        LIST_FOR(link, after, &entry->waiters)
        {
            struct dns_waiter *waiter = LIST_ENTRY(link, struct dns_waiter, link);
            const struct dns_dossier late = {.status = MSG_DNS_TIMEOUT, .expires_us = clock_utc_us()};
            if (waiter->deadline_us <= now)
                tell(waiter, &late);
        }
    }
}

size_t dns_dossiers_busy(const struct dns_dossiers *dossiers)
{
    return dossiers->busy;
}

void dns_dossiers_free(struct dns_dossiers **dossiers)
{
    if (dossiers == NULL || *dossiers == NULL)
        return;
    struct list *const lists[] = {&(*dossiers)->done, &(*dossiers)->pending};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        LIST_FOR(it, next, lists[i])
        {
            free_entry(LIST_ENTRY(it, struct dns_entry, link));
        }
    }
    map_free(&(*dossiers)->map);
    mem_free(*dossiers);
    *dossiers = NULL;
}
