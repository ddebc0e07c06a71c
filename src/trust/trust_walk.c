/* SPDX-License-Identifier: Apache-2.0 */
/* Folding. */
#include "trust/trust_walk.h"

void trust_walk_init(struct trust_walk *walk)
{
    memset(walk, 0, sizeof(*walk));
    trust_destination_init(&walk->destination);
    trust_destination_init(&walk->of_host);
}

void trust_walk_add(struct trust_walk *walk, struct slice host, struct trust_verdict verdict, bool counted)
{
    size_t at = walk->tries++;
    if (walk->found.action == TRUST_SEND)
        return;
    if (verdict.action == TRUST_SEND) {
        walk->found = verdict;
        walk->found_at = at;
        return;
    }
    if (!counted)
        return;
    if (host.len == 0 || !slice_eq(host, walk->host)) {
        (void)trust_destination_add_host(&walk->destination, &walk->of_host);
        trust_destination_init(&walk->of_host);
    }
    walk->host = host;
    trust_destination_add(&walk->of_host, verdict);
}

struct trust_verdict trust_walk_end(const struct trust_walk *walk, const struct trust_domain *domain)
{
    struct trust_destination all = walk->destination;
    if (walk->found.action == TRUST_SEND)
        return walk->found;
    (void)trust_destination_add_host(&all, &walk->of_host);
    return trust_destination_end(&all, domain);
}
