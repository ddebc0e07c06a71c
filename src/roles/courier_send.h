/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions of a lease on the session that the walk has found, and what their answers mean. */
#ifndef ROLES_COURIER_SEND_H
#define ROLES_COURIER_SEND_H

#include "roles/courier.h"

/* Goes on in state SEND as far as possible; leaves it for WALK (next host) or SETTLE. */
void courier_send_step(struct courier_lease *lease);

/* What the message needs of a host. */
struct trust_needs courier_send_needs(const struct courier_lease *lease);

#endif
