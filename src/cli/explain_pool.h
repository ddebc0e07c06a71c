/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at mail servers without sending mail: connect, EHLO, STARTTLS, handshake, EHLO, QUIT, through the same peer as the
 * couriers. Politely: few connections at once, at most two to one address, and what was asked for twice is looked at once. */
#ifndef CLI_EXPLAIN_POOL_H
#define CLI_EXPLAIN_POOL_H

#include "roles/peer.h"

#define EXPLAIN_PER_ADDRESS 2u        /* connections to one address at once */
#define EXPLAIN_CONNECTIONS_MAX 100u  /* to all: twice the domains of a survey under way */
#define EXPLAIN_PROBES_MAX 1000000u   /* different looks of one run: ten for each domain of the longest list */

struct explain_pool;
struct explain_probe;

/* An empty pool. homes: one for each profile that can be asked for (enum trust_profile), the array and what it points to are
 * borrowed. settled() is called from the loop whenever some probes have been answered or are over. */
struct explain_pool *explain_pool_create(struct loop *loop, const struct peer_home *homes, void (*settled)(void *ctx), void *ctx);

/* Ends what is under way and frees all probes. *pool becomes NULL; NULL is accepted. */
void explain_pool_free(struct explain_pool **pool);

/* The probe of this host at this address, made when nobody asked for the same before. Same means: name, address, profile
 * and TLSA records, and the names that a trust anchor's certificate may show. want is copied. Owned by pool. NULL when
 * there are too many. */
struct explain_probe *explain_pool_ask(struct explain_pool *pool, const struct peer_want *want);

/* What was seen, or NULL while it is not known yet. Lives as long as the pool. */
const struct trust_session *explain_probe_facts(const struct explain_probe *probe);

/* True when no connection is open or waits to be made. */
bool explain_pool_is_idle(const struct explain_pool *pool);

/* Connections made so far. */
size_t explain_pool_connections(const struct explain_pool *pool);

#endif
