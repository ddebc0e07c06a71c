/* SPDX-License-Identifier: Apache-2.0 */
/* Tries in their order, addresses folded into hosts, hosts into the end: the walk of a delivery once more, from what was
 * written down of it. */
#ifndef TRUST_TRUST_WALK_H
#define TRUST_TRUST_WALK_H

#include "trust/trust_destination.h"

struct trust_walk {
    struct trust_destination destination;
    struct trust_destination of_host;
    struct slice host;             /* of the last try; borrowed */
    struct trust_verdict found;    /* the first SEND; action 0: none */
    size_t found_at;               /* which try it was */
    size_t tries;
};

/* Starts with nothing tried. */
void trust_walk_init(struct trust_walk *walk);

/* Adds the verdict on the next try: an address of host. Neighbours with the same name, not empty, are one host. What comes
 * behind a SEND changes nothing, nor does what does not count (a kept session that proved nothing any more). host must
 * live until the next call. */
void trust_walk_add(struct trust_walk *walk, struct slice host, struct trust_verdict verdict, bool counted);

/* The verdict now: the first SEND, else that of all hosts together. */
struct trust_verdict trust_walk_end(const struct trust_walk *walk, const struct trust_domain *domain);

#endif
