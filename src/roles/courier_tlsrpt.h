/* SPDX-License-Identifier: Apache-2.0 */
/* Sending reports about TLS (RFC 8460), by the first courier. The story of a run over one day. KEY: keyd is asked for the
 * key that opens counts. TAKE: the store gives the day's parts, domain after domain; they are added up until the next
 * domain's come. ASK: the resolver looks for _smtp._tls.DOMAIN; a domain that does not ask is done with. Then each address
 * that the domain names in turn: SIGN and MAIL for a mailbox, POST for https. DONE: the store notes that the domain's day
 * is at its end. What fails for a while is left and taken up by the next run, an hour later, until the day after has ended;
 * addresses that have had the report do not get it again. A courier that dies begins anew: a report can then be sent twice,
 * under the same report-id. */
#ifndef ROLES_COURIER_TLSRPT_H
#define ROLES_COURIER_TLSRPT_H

#include "base/clock.h"
#include "roles/courier.h"

#define COURIER_TLSRPT_AGAIN_US (3600 * CLOCK_US_PER_S) /* the pause before what failed is tried again */
#define COURIER_TLSRPT_MAIL_MAX ((size_t)262144) /* a mail around the largest compressed report */
#define COURIER_TLSRPT_SENT_MAX 65536u /* domains of which one address has had the report and another has not */

/* Waits for the next midnight, or for what is left of yesterday. To be made inside the sandbox. */
struct courier_tlsrpt *courier_tlsrpt_create(struct courier *courier);

/* *tlsrpt becomes NULL; NULL is accepted. */
void courier_tlsrpt_free(struct courier_tlsrpt **tlsrpt);

/* Begins a run over that day now. False when one is under way. */
bool courier_tlsrpt_start(struct courier_tlsrpt *tlsrpt, uint32_t day);

/* The configuration is another one, or the role leaves. */
void courier_tlsrpt_reset(struct courier_tlsrpt *tlsrpt);

/* The lease of a report's mail is over. */
void courier_tlsrpt_mailed(struct courier_lease *lease);

#endif
