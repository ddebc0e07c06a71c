/* SPDX-License-Identifier: Apache-2.0 */
/* The notice route: mail that Sealpost itself writes to recipients of letters. Own connections, own EHLO name, the
 * operator's envelope sender; the text is the operator's template with a closed list of variables, so that nothing of a
 * message can be in it. */
#ifndef ROLES_COURIER_NOTICE_H
#define ROLES_COURIER_NOTICE_H

#include "roles/courier.h"

/* Composes the mail of a NOTICE or CODE lease into lease->text from its link or code. False with the reason. */
bool courier_notice_compose(struct courier_lease *lease, struct err *err);

/* A permit for lease->text on the session that the walk has found: the second of the two constructors' callers. */
struct smtp_permit *courier_notice_permit(struct courier_lease *lease);

/* The notice was sent, or no host is left: decides the recipient and goes to SETTLE. */
void courier_notice_ended(struct courier_lease *lease);

#endif
