/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers the first host that asked for patience and the first that failed for good. */
#include "trust/trust_destination.h"

void trust_destination_init(struct trust_destination *destination)
{
    memset(destination, 0, sizeof(*destination));
}

/* A connection that did not come about says nothing of a host that answered on another address. */
static bool is_unreached(enum trust_reason reason)
{
    return reason == TRUST_REASON_REFUSED || reason == TRUST_REASON_TIMEOUT || reason == TRUST_REASON_UNREACHABLE;
}

void trust_destination_add(struct trust_destination *destination, struct trust_verdict verdict)
{
    destination->tried++;
    destination->attack = destination->attack || verdict.attack;
    destination->unproved = destination->unproved || trust_verdict_is_proof_failure(verdict.reason);
    if (verdict.action == TRUST_LATER && destination->first_later.action == 0)
        destination->first_later = verdict;
    if (verdict.action == TRUST_NEXT_HOST && destination->first_failure.action == 0)
        destination->first_failure = verdict;
}

struct trust_verdict trust_destination_add_host(struct trust_destination *destination,
                                                const struct trust_destination *of_host)
{
    struct trust_verdict v = of_host->first_failure;
    struct trust_verdict later = of_host->first_later;
    if (of_host->tried == 0)
        return v;
    if (later.action != 0 && (v.action == 0 || !is_unreached(later.reason)))
        v = later;
    v.attack = of_host->attack;
    trust_destination_add(destination, v);
    destination->unproved = destination->unproved || of_host->unproved;
    return v;
}

struct trust_verdict trust_destination_end(const struct trust_destination *destination,
                                           const struct trust_domain *domain)
{
    struct trust_verdict v = {.action = TRUST_LATER, .reason = TRUST_REASON_DNS_FAILED};
    if (destination->first_later.action != 0) {
        v = destination->first_later;
    } else if (destination->first_failure.action != 0) {
        v = destination->first_failure;
        v.action = TRUST_POST;
    }
    if (domain->shown > TRUST_LEVEL_NONE && destination->unproved)
        return (struct trust_verdict){.action = TRUST_LATER, .reason = TRUST_REASON_LEVEL_FELL, .attack = true};
    v.attack = destination->attack;
    return v;
}
