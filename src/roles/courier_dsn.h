/* SPDX-License-Identifier: Apache-2.0 */
/* The report to the sender (RFC 3464): composed, sealed as a message of its own, and handed over with the completion, so
 * that a recipient is never returned without it (P3). */
#ifndef ROLES_COURIER_DSN_H
#define ROLES_COURIER_DSN_H

#include "roles/courier.h"

/* Asks keyd for the keys of a DSN when the sender is owed one; else settling is done. */
void courier_dsn_ask(struct courier_lease *lease);

#endif
