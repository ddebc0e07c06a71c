/* SPDX-License-Identifier: Apache-2.0 */
/* A list, the last used first, and a map over it. Lifetimes run on the clock that never jumps. */
#include "roles/courier_dossier.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "trust/trust_facts.h"

#define HASH_KEY 16u

struct entry {
    struct list link;
    uint64_t hash;
    char *domain;
    uint8_t *payload;
    size_t len;
    int64_t until_us; /* clock_wait_us() */
};

struct courier_dossiers {
    struct list entries;
    struct map *by_hash; /* of the domain, under a key of this process: a second domain with the same one is not found */
    uint8_t key[HASH_KEY];
    size_t bytes;
};

struct courier_dossiers *courier_dossiers_create(void)
{
    struct courier_dossiers *d = mem_new(sizeof(*d));
    list_init(&d->entries);
    d->by_hash = map_create(sizeof(uint64_t), COURIER_DOSSIERS);
    mem_random(d->key, sizeof(d->key));
    return d;
}

static void discard(struct courier_dossiers *d, struct entry *entry)
{
    list_remove(&entry->link);
    (void)map_remove(d->by_hash, &entry->hash);
    d->bytes -= entry->len;
    mem_free(entry->domain);
    mem_free(entry->payload);
    mem_free(entry);
}

void courier_dossiers_free(struct courier_dossiers **dossiers)
{
    if (dossiers == NULL || *dossiers == NULL)
        return;
    LIST_FOR(it, tmp, &(*dossiers)->entries)
        discard(*dossiers, LIST_ENTRY(it, struct entry, link));
    map_free(&(*dossiers)->by_hash);
    mem_free(*dossiers);
    *dossiers = NULL;
}

static void to_front(struct courier_dossiers *d, struct entry *entry)
{
    list_remove(&entry->link);
    list_push(d->entries.next, &entry->link); /* before what was first */
}

/* Every host was looked up to its end, whatever that was. */
static bool is_whole(const struct msg_dossier *dossier)
{
    struct wire_reader r = wire_reader_of(dossier->hosts);
    struct msg_dossier_host host;
    while (layout_next(&msg_dossier_host_layout, &r, &host)) {
        bool asked = host.status == MSG_DNS_OK || host.status == MSG_DNS_NXDOMAIN || host.status == MSG_DNS_NODATA;
        if (!asked || host.tlsa_state >= TRUST_TLSA_FAILED)
            return false;
    }
    return dossier->status == MSG_DNS_OK && wire_done(&r);
}

/* How long an answer is kept; nothing or less: it is not. */
static int64_t life_of(const struct msg_dossier *dossier)
{
    int64_t left = dossier->expires_us - clock_utc_us();
    bool doubt = dossier->sts_look >= TRUST_STS_KEPT && dossier->sts_look != TRUST_STS_RECORD_INVALID;
    if (!is_whole(dossier))
        return 0;
    return doubt && left > COURIER_DOSSIER_DOUBT_US ? COURIER_DOSSIER_DOUBT_US : left;
}

static void make_room(struct courier_dossiers *d, size_t len)
{
    while (map_count(d->by_hash) > 0 &&
           (map_count(d->by_hash) >= COURIER_DOSSIERS || d->bytes + len > COURIER_DOSSIERS_BYTES))
        discard(d, LIST_ENTRY(d->entries.prev, struct entry, link));
}

void courier_dossiers_keep(struct courier_dossiers *d, struct slice domain, struct slice payload,
                           const struct msg_dossier *dossier)
{
    uint64_t hash = map_siphash(d->key, domain);
    int64_t life = life_of(dossier);
    struct entry *entry = map_get(d->by_hash, &hash);
    if (entry != NULL)
        discard(d, entry);
    if (life <= 0 || payload.len > COURIER_DOSSIER_BYTES)
        return;
    make_room(d, payload.len);
    entry = mem_new(sizeof(*entry));
    entry->hash = hash;
    entry->domain = mem_strndup(domain.data, domain.len);
    entry->payload = mem_new(payload.len);
    memcpy(entry->payload, payload.data, payload.len);
    entry->len = payload.len;
    entry->until_us = clock_wait_us() + life;
    list_init(&entry->link);
    d->bytes += entry->len;
    (void)map_put(d->by_hash, &hash, entry);
    to_front(d, entry);
}

bool courier_dossiers_recall(struct courier_dossiers *d, struct slice domain, struct msg_dossier *ret_dossier)
{
    uint64_t hash = map_siphash(d->key, domain);
    struct entry *entry = map_get(d->by_hash, &hash);
    if (entry == NULL || !slice_eq(slice_str(entry->domain), domain))
        return false;
    if (entry->until_us <= clock_wait_us() ||
        !layout_read(&msg_dossier_layout, slice_of(entry->payload, entry->len), ret_dossier)) {
        discard(d, entry);
        return false;
    }
    to_front(d, entry);
    return true;
}
