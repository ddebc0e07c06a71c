/* SPDX-License-Identifier: Apache-2.0 */
/* A short list, the last used first. Lifetimes run on the clock that never jumps. */
#include "roles/courier_dossier.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

struct entry {
    struct list link;
    char *domain;
    struct buf payload;
    int64_t until_us; /* clock_wait_us() */
};

struct courier_dossiers {
    struct list entries;
    size_t count;
};

struct courier_dossiers *courier_dossiers_create(void)
{
    struct courier_dossiers *d = mem_new(sizeof(*d));
    list_init(&d->entries);
    return d;
}

static void discard(struct courier_dossiers *d, struct entry *entry)
{
    list_remove(&entry->link);
    d->count--;
    mem_free(entry->domain);
    buf_free(&entry->payload);
    mem_free(entry);
}

void courier_dossiers_free(struct courier_dossiers **dossiers)
{
    if (dossiers == NULL || *dossiers == NULL)
        return;
    LIST_FOR(it, tmp, &(*dossiers)->entries)
        discard(*dossiers, LIST_ENTRY(it, struct entry, link));
    mem_free(*dossiers);
    *dossiers = NULL;
}

static struct entry *find(struct courier_dossiers *d, struct slice domain)
{
    LIST_FOR(it, tmp, &d->entries) {
        struct entry *entry = LIST_ENTRY(it, struct entry, link);
        if (slice_eq(slice_str(entry->domain), domain))
            return entry;
    }
    return NULL;
}

static void to_front(struct courier_dossiers *d, struct entry *entry)
{
    list_remove(&entry->link);
    list_push(d->entries.next, &entry->link); /* before what was first */
}

void courier_dossiers_keep(struct courier_dossiers *d, struct slice domain, struct slice payload,
                           const struct msg_dossier *dossier)
{
    int64_t left = dossier->expires_us - clock_utc_us();
    struct entry *entry = find(d, domain);
    if (entry != NULL)
        discard(d, entry);
    if (dossier->status != MSG_DNS_OK || left <= 0 || payload.len > COURIER_DOSSIER_BYTES)
        return;
    if (d->count == COURIER_DOSSIERS)
        discard(d, LIST_ENTRY(d->entries.prev, struct entry, link));
    entry = mem_new(sizeof(*entry));
    entry->domain = mem_strndup(domain.data, domain.len);
    entry->until_us = clock_wait_us() + left;
    buf_init(&entry->payload, COURIER_DOSSIER_BYTES);
    buf_append(&entry->payload, payload.data, payload.len);
    list_init(&entry->link);
    d->count++;
    to_front(d, entry);
}

bool courier_dossiers_recall(struct courier_dossiers *d, struct slice domain, struct msg_dossier *ret_dossier)
{
    struct entry *entry = find(d, domain);
    if (entry == NULL)
        return false;
    if (entry->until_us <= clock_wait_us() ||
        !layout_read(&msg_dossier_layout, buf_slice(&entry->payload), ret_dossier)) {
        discard(d, entry);
        return false;
    }
    to_front(d, entry);
    return true;
}
