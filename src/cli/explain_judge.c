/* SPDX-License-Identifier: Apache-2.0 */
/* From what was seen to verdicts. Which facts belong together and which a courier would have met stands here; what they mean
 * is trust_attempt's alone. */
#include "base/mem.h"
#include "cli/explain.h"
#include "net/sts_policy.h"
#include "trust/trust_pin.h"

_Static_assert(COURIER_HOSTS_MAX * COURIER_ADDRESSES_MAX <= TRUST_ATTEMPT_TRIES_MAX, "every look fits an attempt");

static enum trust_pin pin_of(const struct explain *explain, const struct trust_session *facts)
{
    struct trust_pin_set set = {.count = 0};

    for (size_t i = 0; i < explain->pins.count; i++) {
        (void)trust_pin_add(&set, slice_str(explain->pins.item[i]), NULL);
    }
    return trust_pin_session(&set, facts);
}

/* The facts of a probe, seen from this domain; without one those of a host that is not tried. */
static void see(const struct explain *explain, const struct explain_host *host, struct explain_try *try, int64_t now_us)
{
    const struct trust_session *seen = try->probe == NULL ? NULL : explain_probe_facts(try->probe);

    if (seen != NULL) {
        try->facts = *seen;
    } else {
        memset(&try->facts, 0, sizeof(try->facts));
        try->facts.host = host->name;
        try->facts.at_us = now_us;
        if (host->dns == TRUST_DNS_OK) {
            try->facts.connect = host->offered > 0 ? TRUST_CONNECT_PRIVATE : TRUST_CONNECT_UNREACHABLE;
        }
        try->facts.dane.tlsa = peer_tlsa_worth(host->tlsa, host->tlsa_records);
    }
    try->facts.dns = host->dns;
    try->facts.dns_secure = host->secure;
    try->facts.sts_match = explain->has_policy && sts_policy_matches(explain->policy.hosts, slice_str(host->name));
    try->facts.pin = pin_of(explain, &try->facts);
}

/* A host without an address is looked at once, by its DNS state. */
static size_t places(const struct explain_host *host)
{
    return host->count == 0 ? 1 : host->count;
}

/* Fills in the facts of every address, and says which a courier would have met: it makes so many connections and no more. */
static void see_all(struct explain *explain, enum trust_profile profile, int64_t now_us)
{
    size_t connections = 0;

    for (size_t h = 0; h < explain->count; h++) {
        struct explain_host *host = &explain->host[h];
        for (size_t a = 0; a < places(host); a++) {
            struct explain_try *try = &host->tries[profile][a];
            see(explain, host, try, now_us);
            try->reached = connections < COURIER_TRIES_MAX;
            connections += host->count > 0 ? 1 : 0;
        }
    }
}

void explain_attempt(const struct explain *explain, enum trust_profile profile, struct trust_attempt *ret_attempt)
{
    size_t count = 0;

    trust_attempt_init(ret_attempt, TRUST_ATTEMPT_TRIES_MAX);
    ret_attempt->now_us = explain->at_us;
    ret_attempt->domain = explain->facts;
    ret_attempt->domain.profile = profile;
    ret_attempt->needs.utf8 = explain->has_address && explain->address.utf8_local;
    for (size_t h = 0; h < explain->count; h++) {
        const struct explain_host *host = &explain->host[h];
        for (size_t a = 0; a < places(host); a++) {
            if (host->tries[profile][a].reached) {
                ret_attempt->tries[count].facts = host->tries[profile][a].facts;
                ret_attempt->tries[count++].now_us = explain->at_us;
            }
        }
    }
    ret_attempt->count = count;
}

void explain_attempt_free(struct trust_attempt *attempt)
{
    attempt->count = 0; /* the facts belong to probes */
    trust_attempt_free(attempt);
}

/* One host on its own: its addresses folded, and every address judged. */
static void judge_host(const struct trust_domain *domain, struct explain_host *host, int64_t now_us)
{
    struct trust_destination of_host;
    struct trust_destination all;
    struct trust_verdict sent = {.action = 0};

    trust_destination_init(&of_host);
    trust_destination_init(&all);
    for (size_t a = 0; a < places(host); a++) {
        struct explain_try *try = &host->tries[domain->profile][a];
        try->verdict = trust_verdict_session(domain, &try->facts, now_us);
        try->judged = true;
        if (try->verdict.action != TRUST_SEND) {
            trust_destination_add(&of_host, try->verdict);
        } else if (sent.action == 0) {
            sent = try->verdict;
        }
    }
    host->verdict[domain->profile] = sent.action != 0 ? sent : trust_destination_add_host(&all, &of_host);
}

/* The host that would take the mail, or that gave the reason. */
static const struct explain_host *find_host(const struct explain *explain, enum trust_profile profile)
{
    const struct trust_verdict *end = &explain->fate[profile].verdict;
    const struct explain_host *found = NULL;

    for (size_t h = explain->count; h > 0; h--) {
        const struct explain_host *host = &explain->host[h - 1];
        bool sends = host->verdict[profile].action == TRUST_SEND && host->tries[profile][0].reached;
        if (sends || host->verdict[profile].reason == end->reason) {
            found = host;
        }
    }
    return found;
}

void explain_judge(struct explain *explain, enum trust_profile profile, int64_t now_us)
{
    struct explain_fate *fate = &explain->fate[profile];
    struct trust_attempt attempt;
    struct trust_attempt_end end;

    explain->at_us = now_us;
    see_all(explain, profile, now_us);
    explain_attempt(explain, profile, &attempt);
    trust_attempt_judge(&attempt, &end);
    *fate = (struct explain_fate){.judged = true, .verdict = end.verdict};
    for (size_t h = 0; h < explain->count; h++) {
        judge_host(&attempt.domain, &explain->host[h], now_us);
    }
    fate->host = find_host(explain, profile);
    explain_attempt_free(&attempt);
}

const struct explain_fate *explain_end(const struct explain *explain)
{
    return &explain->fate[explain->demanded];
}
