/* SPDX-License-Identifier: Apache-2.0 */
/* Several hosts of one destination, one verdict: one SEND wins, else any LATER, else POST (design section 7). */
#ifndef TRUST_TRUST_DESTINATION_H
#define TRUST_TRUST_DESTINATION_H

#include "trust/trust_verdict.h"

struct trust_destination {
    size_t tried;
    struct trust_verdict first_later;   /* action 0: none */
    struct trust_verdict first_failure; /* action 0: none */
    bool attack;
    bool unproved; /* a host failed to prove itself: trust_verdict_is_proof_failure() */
};

/* Starts with no host tried. */
void trust_destination_init(struct trust_destination *destination);

/* Adds the verdict on one host. SEND, POST and RETURN end the walk and are not added. */
void trust_destination_add(struct trust_destination *destination, struct trust_verdict verdict);

/* Adds a host by what its addresses gave, each added to of_host before: its best word counts, and connections that failed
 * count only when no address answered, for they say nothing about a host that answered on another one. Nothing is added
 * when no address was tried. Returns the host's verdict (action 0: none). */
struct trust_verdict trust_destination_add_host(struct trust_destination *destination,
                                                const struct trust_destination *of_host);

/* The verdict when no host is left. A domain that has proved itself before, and of whose hosts one now fails to prove
 * itself, has fallen: LATER with a sign of attack, whatever the other hosts said. Who can show a false host can
 * silence the others, and LATER without the sign would end as a letter with an open notice. */
struct trust_verdict trust_destination_end(const struct trust_destination *destination,
                                           const struct trust_domain *domain);

#endif
