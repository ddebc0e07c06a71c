/* SPDX-License-Identifier: Apache-2.0 */
/* What the resolver said of the last domains, for as long as it said it holds: a run of messages to one domain asks once.
 * Answers are kept whole, with their DNSSEC state, TLSA records and policy, in memory only. Failures are never kept, of the
 * domain or of one of its hosts; and an answer whose look for a policy failed only for a short while. */
#ifndef ROLES_COURIER_DOSSIER_H
#define ROLES_COURIER_DOSSIER_H

#include "os/msg.h"

#define COURIER_DOSSIERS 10000u /* domains: a day's correspondents of a large sender */
#define COURIER_DOSSIER_BYTES ((size_t)65536) /* of one answer: sixteen hosts with keys and a long policy; larger ones are */
                                              /* asked for each time */
#define COURIER_DOSSIERS_BYTES ((size_t)32 * 1024 * 1024) /* of all: 3 KB a domain when there are as many as may be */
#define COURIER_DOSSIER_DOUBT_US INT64_C(60000000) /* when the look for a policy failed */

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
