/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers the first host that asked for patience and the first that failed for good. */
#include "trust/trust_destination.h"

void trust_destination_init(struct trust_destination *destination)
{
    memset(destination, 0, sizeof(*destination));
}

void trust_destination_add(struct trust_destination *destination, struct trust_verdict verdict)
{
    destination->tried++;
    destination->attack = destination->attack || verdict.attack;
    if (verdict.action == TRUST_LATER && destination->first_later.action == 0)
        destination->first_later = verdict;
    if (verdict.action == TRUST_NEXT_HOST && destination->first_failure.action == 0)
        destination->first_failure = verdict;
}

struct trust_verdict trust_destination_end(const struct trust_destination *destination)
{
    struct trust_verdict v = {.action = TRUST_LATER, .reason = TRUST_REASON_DNS_FAILED};
    if (destination->first_later.action != 0) {
        v = destination->first_later;
    } else if (destination->first_failure.action != 0) {
        v = destination->first_failure;
        v.action = TRUST_POST;
    }
    v.attack = destination->attack;
    return v;
}
