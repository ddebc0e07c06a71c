/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain has shown before (design section 7), and the MTA-STS policy that is kept of it: the store keeps both by a
 * tag whose key it does not hold, the policy sealed. A courier asks and keeps the level for a minute, for another courier
 * may have seen more since; policies are asked for when the resolver is. A proof is written down when it is better than
 * what is known, and once a day; what was not shown for trust.memory no longer counts, so that a domain that has given up
 * TLS for good is not held for ever. Docs: docs/decisions/0009. */
#ifndef ROLES_COURIER_MEMORY_H
#define ROLES_COURIER_MEMORY_H

#include "base/clock.h"
#include "roles/courier.h"

#define COURIER_FORGOTTEN_MAX 1024u /* domains forgotten and not asked about since: an operator's day */
#define COURIER_MEMORY_FRESH_US (60 * CLOCK_US_PER_S)

/* An empty memory. */
struct courier_memory *courier_memory_create(void);

/* Wipes and frees. *memory becomes NULL; NULL is accepted. */
void courier_memory_free(struct courier_memory **memory);

/* State MEMORY: fills lease->shown, and lease->policy when the store was asked, and goes on to DOSSIER, now or when keyd and
 * store have answered. */
void courier_memory_look(struct courier_lease *lease);

/* The resolver has answered: has its policy kept when that has changed, and raises the alarms that are due. */
void courier_memory_dossier(struct courier_lease *lease, const struct msg_dossier *dossier);

/* The resolver has not answered in time, or died. */
void courier_memory_unanswered(struct courier_lease *lease);

/* The tag of the lease's domain; keys must be there (after MEMORY they are). */
void courier_memory_tag(const struct courier_lease *lease, struct tag *ret_tag);

/* The key that seals what is kept of domains; NULL until keyd has given it. */
const struct key *courier_memory_seal(const struct courier_memory *memory);

/* The operator ended what was remembered of a domain: here, and at the resolver when it is asked next. */
void courier_memory_forget(struct courier_memory *memory, const struct tag *domain);

/* True once after that, for the next question about the lease's domain: the resolver is to drop the policy it keeps. */
bool courier_memory_is_forgotten(struct courier_lease *lease);

/* A lease's recipients are decided: writes down the best that the domain has shown in this attempt, whether or not anything
 * was delivered, mail or notice, and raises an alarm when it has fallen. */
void courier_memory_note(struct courier_lease *lease);

#endif
