/* SPDX-License-Identifier: Apache-2.0 */
/* One request of a courier: what the DNS says of a domain and which policy is in force for it are looked up side by side,
 * and answered together. */
#ifndef ROLES_RESOLVER_ASK_H
#define ROLES_RESOLVER_ASK_H

#include "base/list.h"
#include "net/dns_dossier.h"
#include "net/sts_cache.h"
#include "os/chan.h"

/* Where answers come from. Borrowed. */
struct resolver_sources {
    struct dns_dossiers *dossiers;
    struct dns_dossiers *fresh; /* for who wants everything looked up again: through a client of its own, emptied before */
    void (*empty)(void *ctx);
    void *empty_ctx;
    struct sts_cache *policies;
};

/* Starts a request that came over chan; it joins list until it is answered, perhaps before this returns. False when the
 * payload is not a msg_dossier_ask. */
bool resolver_ask_start(const struct resolver_sources *sources, struct list *list, struct chan *chan, uint64_t request,
                        struct slice payload);

/* Drops all requests of a list without an answer. */
void resolver_ask_drop(const struct resolver_sources *sources, struct list *list);

#endif
