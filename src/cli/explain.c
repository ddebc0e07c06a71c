/* SPDX-License-Identifier: Apache-2.0 */
/* From an answer of the resolver to probes and a fate. Every rule is trust's or the courier's own function; what stands
 * here is only the walk. */
#include "cli/explain.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "os/conf_demand.h"
#include "roles/courier_route.h"

const char *explain_profile_name(enum trust_profile profile)
{
    static const char *const names[EXPLAIN_PROFILES] = {"strict", "nist", "fips"};

    return (unsigned)profile < EXPLAIN_PROFILES ? names[profile] : "?";
}

bool explain_init(struct explain *explain, const char *domain, const char *address, struct err *err)
{
    memset(explain, 0, sizeof(*explain));
    buf_init(&explain->payload, CHAN_PAYLOAD_MAX);
    explain->facts.minimum = TRUST_LEVEL_PKIX;
    if (address == NULL && strrchr(domain, '@') != NULL) {
        address = domain;
    }
    if (address != NULL) {
        if (!mail_address_parse(slice_str(address), MAIL_SMTPUTF8, &explain->address, err)) {
            return false;
        }
        explain->has_address = true;
        explain->domain = explain->address.domain;
    }
    if (domain == address) {
        return true;
    }
    if (!mail_domain_parse(slice_str(domain), MAIL_SMTPUTF8, &explain->domain, err)) {
        return false;
    }
    return address == NULL || mail_domain_eq(&explain->domain, &explain->address.domain) ||
           err_set(err, "the address is of another domain");
}

static void free_hosts(struct explain *explain)
{
    for (size_t i = 0; i < explain->count; i++) {
        mem_free(explain->host[i].name);
        mem_free(explain->host[i].canonical);
        mem_free(explain->host[i].tlsa_base);
    }
    mem_free(explain->host);
    explain->host = NULL;
    explain->count = explain->left_out = 0;
}

void explain_free(struct explain *explain)
{
    free_hosts(explain);
    buf_free(&explain->payload);
    memset(explain, 0, sizeof(*explain));
}

void explain_demand(struct explain *explain, const struct conf *conf, int64_t now_us)
{
    struct conf_demanded demand = conf_demand_domain(conf, slice_str(explain->domain.ascii), now_us);
    uint64_t minimum = demand.minimum > conf->trust_minimum ? demand.minimum : conf->trust_minimum;
    uint64_t of_tenant = conf_demand_tenant(conf, SLICE_LIT(CLI_TENANT));

    minimum = of_tenant > minimum ? of_tenant : minimum;
    explain->facts.minimum = minimum > TRUST_LEVEL_PKIX ? (enum trust_level)minimum : TRUST_LEVEL_PKIX;
    explain->demanded = (enum trust_profile)conf->trust_profile;
    explain->profiles[explain->demanded] = true;
    explain->hold_us = conf->courier_hold;
    explain->port = (unsigned)conf->courier_port;
    if (demand.pins != NULL && demand.pins->count > 0) {
        explain->pins = *demand.pins;
        explain->pins_until = demand.pins_until;
        explain->facts.pinned = true;
    }
}

/* --- where mail goes --- */

/* The dossier's own words about a host of the route. */
static bool find_in_dossier(const struct msg_dossier *dossier, const struct courier_host *host, struct msg_dossier_host *ret)
{
    struct wire_reader r = wire_reader_of(dossier->hosts);

    while (layout_next(&msg_dossier_host_layout, &r, ret)) {
        if (ret->preference == host->preference && slice_eq(ret->name, slice_str(host->name))) {
            return true;
        }
    }
    return false;
}

static void take_host(struct explain *explain, const struct courier_host *from)
{
    struct explain_host *host = &explain->host[explain->count++];
    struct msg_dossier_host in;

    host->name = mem_strdup(from->name);
    host->preference = from->preference;
    host->dns = from->dns;
    host->secure = from->secure;
    host->offered = from->offered;
    host->count = from->count;
    memcpy(host->address, from->address, sizeof(host->address));
    if (!find_in_dossier(&explain->dossier, from, &in)) {
        return;
    }
    host->canonical = in.canonical.len > 0 ? mem_strndup(in.canonical.data, in.canonical.len) : NULL;
    host->tlsa = (enum trust_tlsa_state)in.tlsa_state;
    host->tlsa_base = in.tlsa_base.len > 0 ? mem_strndup(in.tlsa_base.data, in.tlsa_base.len) : NULL;
    host->tlsa_records = in.tlsa;
}

/* Couriers shuffle hosts of one preference; what is shown must not change from look to look. */
static void order(struct courier_route *route)
{
    for (size_t i = 1; i < route->count; i++) {
        for (size_t j = i; j > 0 && route->host[j].preference == route->host[j - 1].preference &&
                           strcmp(route->host[j].name, route->host[j - 1].name) < 0;
             j--) {
            struct courier_host kept = route->host[j];
            route->host[j] = route->host[j - 1];
            route->host[j - 1] = kept;
        }
    }
}

static void take_route(struct explain *explain, struct courier_route *route)
{
    struct trust_domain facts = route->domain;

    facts.minimum = explain->facts.minimum;
    facts.pinned = explain->facts.pinned;
    facts.shown = explain->known.level;
    facts.sts = explain->has_policy ? (enum trust_sts_mode)explain->policy.mode : TRUST_STS_NONE;
    facts.sts_look = (enum trust_sts_look)explain->dossier.sts_look;
    explain->facts = facts;
    order(route);
    free_hosts(explain);
    explain->host = mem_new_array(route->count + 1, sizeof(*explain->host));
    for (size_t i = 0; i < route->count; i++) {
        take_host(explain, &route->host[i]);
    }
    explain->left_out = route->domain.hosts > route->count ? route->domain.hosts - route->count : 0;
}

void explain_take_dossier(struct explain *explain, struct slice payload, bool allow_private)
{
    struct courier_route *route = mem_new(sizeof(*route));
    struct slice kept;

    buf_reset(&explain->payload);
    (void)buf_append_slice(&explain->payload, payload);
    kept = buf_slice(&explain->payload);
    if (!layout_read(&msg_dossier_layout, kept, &explain->dossier)) {
        explain->dossier.status = MSG_DNS_MALFORMED;
    }
    explain->has_policy = explain->dossier.policy.len > 0 &&
                          layout_read(&msg_policy_layout, explain->dossier.policy, &explain->policy);
    courier_route_read(&explain->dossier, allow_private, route);
    take_route(explain, route);
    courier_route_free(route);
    mem_free(route);
}

void explain_take_silence(struct explain *explain)
{
    explain->facts.mx = TRUST_DNS_SERVFAIL;
    explain->dossier.status = MSG_DNS_SERVFAIL;
}

void explain_take_literal(struct explain *explain, bool allow_private)
{
    struct courier_route *route = mem_new(sizeof(*route));

    courier_route_literal(&explain->domain, allow_private, route);
    take_route(explain, route);
    courier_route_free(route);
    mem_free(route);
}

/* --- looking --- */

static struct peer_want want_of(const struct explain *explain, const struct explain_host *host, size_t address,
                                const char *helo, enum trust_profile profile, const char *names[3])
{
    struct peer_want want = {.host = host->name, .address = host->address[address], .helo = helo, .dns = host->dns,
        .dns_secure = host->secure, .tlsa = host->tlsa, .tlsa_base = host->tlsa_base, .tlsa_records = host->tlsa_records,
        .names = names, .profile = profile};

    if (host->tlsa_base != NULL) { /* as couriers do: where aliases end counts only when the records are there */
        names[want.name_count++] = host->tlsa_base;
    }
    names[want.name_count++] = host->name;
    names[want.name_count++] = explain->domain.ascii;
    return want;
}

/* Whether a handshake under the first profile says as much about another one: nothing was negotiated at all, or what was
 * negotiated proves the host there, too. */
static bool tells(const struct explain *explain, const struct explain_try *first, enum trust_profile profile, int64_t now_us)
{
    struct trust_domain facts = explain->facts;

    facts.profile = profile;
    if (!first->facts.tls.established && first->facts.tls.failure == TRUST_TLS_FINE) {
        return true;
    }
    return trust_verdict_session(&facts, &first->facts, now_us).action == TRUST_SEND;
}

void explain_probe_all(struct explain *explain, struct explain_pool *pool, const char *helo, enum trust_profile profile,
                       enum trust_profile first)
{
    for (size_t h = 0; h < explain->count; h++) {
        struct explain_host *host = &explain->host[h];
        for (size_t a = 0; a < host->count; a++) {
            const char *names[3];
            struct peer_want want = want_of(explain, host, a, helo, profile, names);
            const struct explain_try *known = &host->tries[first][a];
            bool reuse = profile != first && known->judged && tells(explain, known, profile, explain->at_us);
            host->tries[profile][a].probe = reuse ? known->probe : explain_pool_ask(pool, &want);
        }
    }
}

bool explain_probed(const struct explain *explain, enum trust_profile profile)
{
    for (size_t h = 0; h < explain->count; h++) {
        for (size_t a = 0; a < explain->host[h].count; a++) {
            const struct explain_probe *probe = explain->host[h].tries[profile][a].probe;
            if (probe != NULL && explain_probe_facts(probe) == NULL) {
                return false;
            }
        }
    }
    return true;
}
