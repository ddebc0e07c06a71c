/* SPDX-License-Identifier: Apache-2.0 */
/* A lease from its arrival to its last completion; the story stands in courier.h. */
#ifndef ROLES_COURIER_LEASE_H
#define ROLES_COURIER_LEASE_H

#include "roles/courier.h"

/* Takes a lease from a frame of the store; frame->fd is the lease's then. False when the frame is malformed. */
bool courier_lease_create(struct courier *courier, const struct chan_frame *frame);

/* A lease of the courier's own: text, a whole mail, to one mailbox, over the notice route as one that was released; its end
 * is told by courier_tlsrpt_mailed(). NULL with the reason when that is no mailbox; NULL without when there is no room. */
struct courier_lease *courier_lease_report(struct courier *courier, struct slice mailbox, struct slice text, struct err *err);

/* Goes on as far as possible without waiting. Called by whatever it waited for. */
void courier_lease_step(struct courier_lease *lease);

/* The store that leased it is gone: drops it unless the end of a content may have been sent. */
void courier_lease_orphan(struct courier_lease *lease);

/* The open question was answered. */
void courier_lease_answered(struct courier_lease *lease);

/* Decides every recipient that is not decided yet. answer may be NULL: no reply came. */
void courier_lease_decide_all(struct courier_lease *lease, struct trust_verdict verdict,
                              const struct trust_session *session);

/* The one function that changes the state. */
void courier_lease_go(struct courier_lease *lease, enum courier_state state);

/* Frees everything. For the reaper and the end of the role. */
void courier_lease_free(struct courier_lease *lease);

/* What a lease was told of its domain counts no more: one that asks the resolver with it begins anew with MEMORY. */
void courier_lease_look_again(struct courier_lease *lease);

#endif
