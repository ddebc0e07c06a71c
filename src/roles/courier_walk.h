/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the hosts of a route: opens or takes up one session after the other, has trust judge each, notes the
 * evidence, and stops at the first that may be used, or when none is left. */
#ifndef ROLES_COURIER_WALK_H
#define ROLES_COURIER_WALK_H

#include "roles/courier.h"

enum courier_walk_end {
    COURIER_WALK_WAIT, /* a session is under way: the lease will be woken */
    COURIER_WALK_FOUND, /* lease->session may be used; lease->verdict is SEND for mail */
    COURIER_WALK_NONE, /* no host is left: lease->verdict for mail, lease->notice for notices */
};

/* Starts at the first host. */
void courier_walk_start(struct courier_lease *lease);

/* Goes on as far as it can without waiting. */
enum courier_walk_end courier_walk_step(struct courier_lease *lease);

/* The host of the session did not take the notice: forget it and go on with the next. refused: it said 5xx. */
void courier_walk_refused(struct courier_lease *lease, bool refused);

/* Writes down how the attempt ended without a delivery: by the domain's own verdict (DOMAIN), or that of all hosts (END). */
void courier_walk_note_end(struct courier_lease *lease, enum trust_evidence_kind kind, struct trust_verdict verdict);

/* Writes down that the proved host of the session cannot take the message. */
void courier_walk_note_needs(struct courier_lease *lease, const struct trust_needs *needs, struct trust_verdict verdict);

/* The session taken up turned out to be stale: start anew, with fresh connections only. */
void courier_walk_again(struct courier_lease *lease);

#endif
