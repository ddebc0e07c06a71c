/* SPDX-License-Identifier: Apache-2.0 */
/* Posting: one letter for each recipient, its content sealed anew under a new id and the key of its day of expiry, with a
 * fresh random link (design section 5: never re-wrapped). */
#ifndef ROLES_COURIER_LETTER_H
#define ROLES_COURIER_LETTER_H

#include "roles/courier.h"

/* Asks keyd for letter keys when a recipient from lease->next on is posted; else settles what is next. */
void courier_letter_ask(struct courier_lease *lease);

/* Asks the store for the file of the next letter. */
void courier_letter_next(struct courier_lease *lease);

#endif
