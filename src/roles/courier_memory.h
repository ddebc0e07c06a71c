/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain has shown before (design section 7): the store keeps it by a tag whose key it does not hold; a courier
 * asks and keeps the answer for a minute, for another courier may have seen more since. A proof is written down when it is
 * better than what is known, and once a day; what was not shown for COURIER_MEMORY_LIFE_US no longer counts, so that a domain that has given up TLS for
 * good is not held for ever. */
#ifndef ROLES_COURIER_MEMORY_H
#define ROLES_COURIER_MEMORY_H

#include "base/clock.h"
#include "roles/courier.h"

#define COURIER_MEMORY_LIFE_US (90 * CLOCK_US_PER_DAY)
#define COURIER_MEMORY_FRESH_US (60 * CLOCK_US_PER_S)

/* An empty memory. */
struct courier_memory *courier_memory_create(void);

/* Wipes and frees. *memory becomes NULL; NULL is accepted. */
void courier_memory_free(struct courier_memory **memory);

/* State MEMORY: fills lease->route.domain.shown and goes on to WALK, now or when keyd and store have answered. */
void courier_memory_look(struct courier_lease *lease);

/* A lease's recipients are decided: writes down what was proved when one of them was delivered, and raises an alarm when
 * the domain has fallen. */
void courier_memory_note(struct courier_lease *lease);

#endif
