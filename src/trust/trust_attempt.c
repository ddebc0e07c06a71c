/* SPDX-License-Identifier: Apache-2.0 */
/* Domain, hosts, needs, answer, holding limit: in this order. */
#include "trust/trust_attempt.h"

#include <assert.h>

#include "base/mem.h"

void trust_attempt_init(struct trust_attempt *attempt, size_t count)
{
    assert(count <= TRUST_ATTEMPT_TRIES_MAX);
    *attempt = (struct trust_attempt){.count = count};
    attempt->domain.hosts = 1;
    attempt->domain.minimum = TRUST_LEVEL_PKIX;
    attempt->tries = mem_new_array(count > 0 ? count : 1, sizeof(*attempt->tries));
    for (size_t i = 0; i < count; i++)
        attempt->tries[i].counted = true;
}

void trust_attempt_free(struct trust_attempt *attempt)
{
    if (attempt == NULL)
        return;
    for (size_t i = 0; i < attempt->count; i++)
        trust_session_clear(&attempt->tries[i].facts);
    mem_free(attempt->tries);
    memset(attempt, 0, sizeof(*attempt));
}

/* A proved host: can it take the message, and did it? */
static struct trust_verdict judge_found(const struct trust_attempt *attempt, const struct trust_walk *walk)
{
    const struct trust_session *facts = &attempt->tries[walk->found_at].facts;
    struct trust_verdict fits = trust_verdict_needs(&facts->caps, &attempt->needs);
    if (fits.action != TRUST_SEND)
        return fits;
    return attempt->has_answer ? trust_verdict_answer(&attempt->answer, &attempt->needs) : walk->found;
}

void trust_attempt_judge(const struct trust_attempt *attempt, struct trust_attempt_end *ret_end)
{
    struct trust_domain domain = attempt->domain;
    struct trust_verdict of_domain;
    struct trust_walk walk;
    trust_walk_init(&walk);
    domain.minimum = trust_verdict_minimum(domain.minimum, &attempt->needs);
    ret_end->count = attempt->count;
    ret_end->has_channels = attempt->has_notice;
    for (size_t i = 0; i < attempt->count; i++) {
        const struct trust_try *try = &attempt->tries[i];
        ret_end->tries[i] = trust_verdict_session(&domain, &try->facts, try->now_us);
        trust_walk_add(&walk, slice_str(try->facts.host), ret_end->tries[i], try->counted);
        if (attempt->has_notice)
            ret_end->channels[i] =
                trust_notice_channel(&domain, &try->facts, attempt->clear, attempt->attack, try->now_us);
    }
    of_domain = trust_verdict_domain(&domain);
    if (of_domain.action != TRUST_NEXT_HOST)
        ret_end->verdict = of_domain;
    else if (walk.found.action == TRUST_SEND)
        ret_end->verdict = judge_found(attempt, &walk);
    else
        ret_end->verdict = trust_walk_end(&walk, &domain);
    ret_end->verdict = trust_verdict_hold(ret_end->verdict, attempt->must_end);
}
