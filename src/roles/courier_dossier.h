/* SPDX-License-Identifier: Apache-2.0 */
/* What the resolver said of the last domains, for as long as it said it holds: a run of messages to one domain asks once.
 * Answers are kept whole and with their DNSSEC state, in memory only; failures are never kept. */
#ifndef ROLES_COURIER_DOSSIER_H
#define ROLES_COURIER_DOSSIER_H

#include "os/msg.h"

#define COURIER_DOSSIERS 64u             /* domains: a run of messages goes to few */
#define COURIER_DOSSIER_BYTES ((size_t)4096) /* larger answers are asked for each time */

struct courier_dossiers;

/* Remembers nothing yet. */
struct courier_dossiers *courier_dossiers_create(void);

/* Forgets all. *dossiers becomes NULL; NULL is accepted. */
void courier_dossiers_free(struct courier_dossiers **dossiers);

/* Remembers an answer of the resolver (a msg_dossier, read from payload) about a domain in A-label form, unless it is a
 * failure or holds no longer. */
void courier_dossiers_keep(struct courier_dossiers *dossiers, struct slice domain, struct slice payload,
                           const struct msg_dossier *dossier);

/* True when the answer about a domain is known and still holds; *ret_dossier lives until the next call. */
bool courier_dossiers_recall(struct courier_dossiers *dossiers, struct slice domain, struct msg_dossier *ret_dossier);

#endif
