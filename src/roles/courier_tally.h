/* SPDX-License-Identifier: Apache-2.0 */
/* Counting for reports about TLS (RFC 8460): each connection to a receiving server that was settled, by domain and day, in
 * memory; now and then handed over to the store, sealed, in parts that the store keeps once however often they are told.
 * Nothing is counted while no contact is configured. A courier that dies loses what it has counted since. */
#ifndef ROLES_COURIER_TALLY_H
#define ROLES_COURIER_TALLY_H

#include "roles/courier.h"

#define COURIER_TALLIES_MAX 1024u /* domains counted at once: then all are handed over */
#define COURIER_TALLY_PARTS_MAX 4096u /* handed over and not yet durable; beyond it counts are lost, which is said */

struct courier_tallies;
struct tlsrpt_tally;

/* Counts nothing yet. To be made inside the sandbox. */
struct courier_tallies *courier_tallies_create(struct courier *courier);

/* Frees; what was not handed over is lost. *tallies becomes NULL; NULL is accepted. */
void courier_tallies_free(struct courier_tallies **tallies);

/* Counts the lease's session, whose facts are whole. */
void courier_tally_count(struct courier_lease *lease, const struct trust_session *facts, int64_t now_us);

/* Hands over what is there. */
void courier_tallies_hand_over(struct courier_tallies *tallies);

/* Another store is there: what the earlier one did not confirm is told again. */
void courier_tallies_again(struct courier_tallies *tallies);

/* True when nothing waits for the store's word. */
bool courier_tallies_settled(const struct courier_tallies *tallies);

/* MSG_REPORT_NOW without a day: hands over, and answers when all is durable. */
void courier_tallies_flush(struct courier_tallies *tallies, struct chan *chan, uint64_t request);

/* Reads a part back: the domain's name, and its counts into tally. False when it does not open. */
bool courier_tally_open(struct sealed_field *field, const struct key *seal, const struct msg_tally *part, char **ret_domain,
                        struct tlsrpt_tally *tally);

#endif
