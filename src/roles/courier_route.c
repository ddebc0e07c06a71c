/* SPDX-License-Identifier: Apache-2.0 */
/* Routes. */
#include "roles/courier_route.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/sts_policy.h"
#include "os/conf_demand.h"
#include "os/inet_private.h"
#include "roles/courier_send.h"

_Static_assert((int)TRUST_DNS_OK == (int)MSG_DNS_OK && (int)TRUST_DNS_LOOP == (int)MSG_DNS_LOOP &&
                   (int)TRUST_DNS_NULL_MX == (int)MSG_DNS_NULL_MX && (int)TRUST_DNS_BOGUS == (int)MSG_DNS_BOGUS,
               "the two lists of DNS results are one");

/* Alternates families, IPv6 first, so that one broken family costs at most every other try. */
static void take_addresses(struct slice list, bool allow_private, struct courier_host *host)
{
    struct msg_address by_family[2][COURIER_ADDRESSES_MAX];
    size_t count[2] = {0, 0};
    struct wire_reader r = wire_reader_of(list);
    struct msg_address address;
    while (layout_next(&msg_address_layout, &r, &address)) {
        size_t f = address.family == 6 ? 0 : 1;
        host->offered++;
        if ((allow_private || !inet_private(address.family, address.bytes.b)) && count[f] < COURIER_ADDRESSES_MAX)
            by_family[f][count[f]++] = address;
    }
    for (size_t i = 0; i < COURIER_ADDRESSES_MAX; i++) {
        for (size_t f = 0; f < 2; f++) {
            if (i < count[f] && host->count < COURIER_ADDRESSES_MAX)
                host->address[host->count++] = by_family[f][i];
        }
    }
}

static void swap_hosts(struct courier_host *a, struct courier_host *b)
{
    struct courier_host kept = *a;
    *a = *b;
    *b = kept;
}

static void shuffle(struct courier_host *hosts, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        uint32_t dice;
        mem_random(&dice, sizeof(dice));
        swap_hosts(&hosts[i - 1], &hosts[dice % i]);
    }
}

static void order(struct courier_route *route)
{
    for (size_t i = 1; i < route->count; i++) {
        for (size_t j = i; j > 0 && route->host[j].preference < route->host[j - 1].preference; j--)
            swap_hosts(&route->host[j], &route->host[j - 1]);
    }
    for (size_t from = 0, to; from < route->count; from = to) {
        for (to = from + 1; to < route->count && route->host[to].preference == route->host[from].preference;)
            to++;
        shuffle(&route->host[from], to - from);
    }
}

static void count_host(struct courier_route *route, enum trust_dns dns)
{
    route->domain.hosts++;
    if (dns == TRUST_DNS_NXDOMAIN || dns == TRUST_DNS_NODATA)
        route->domain.dangling++;
}

/* The patterns of the policy in force; empty, with the domain's mode NONE, when there is none (any more). */
static struct slice take_policy(const struct msg_dossier *dossier, struct courier_route *route)
{
    struct trust_domain *domain = &route->domain;
    struct msg_policy policy;
    domain->sts_look = (enum trust_sts_look)dossier->sts_look;
    if (dossier->policy.len == 0 || !layout_read(&msg_policy_layout, dossier->policy, &policy) ||
        policy.mode > TRUST_STS_ENFORCE)
        return SLICE_EMPTY;
    if (clock_utc_us() >= policy.fetched_us + (int64_t)policy.max_age_s * CLOCK_US_PER_S)
        return SLICE_EMPTY;
    domain->sts = (enum trust_sts_mode)policy.mode;
    if (domain->sts == TRUST_STS_NONE)
        return SLICE_EMPTY;
    route->sts_hosts = mem_strndup(policy.hosts.data, policy.hosts.len);
    route->sts_max_age = policy.max_age_s;
    return policy.hosts;
}

static void take_host(const struct msg_dossier_host *in, struct slice patterns, struct courier_host *host)
{
    *host = (struct courier_host){.name = mem_strndup(in->name.data, in->name.len), .preference = in->preference,
                                  .dns = (enum trust_dns)in->status, .secure = in->secure,
                                  .sts_match = sts_policy_matches(patterns, in->name)};
    buf_init(&host->records, MSG_TLSA_MAX);
    buf_append_slice(&host->records, in->tlsa);
    if (in->tlsa_base.len > 0)
        host->tlsa_base = mem_strndup(in->tlsa_base.data, in->tlsa_base.len);
    host->tlsa = in->tlsa_state > TRUST_TLSA_BOGUS ? TRUST_TLSA_FAILED
                                                   : peer_tlsa_worth((enum trust_tlsa_state)in->tlsa_state, in->tlsa);
}

void courier_route_read(const struct msg_dossier *dossier, bool allow_private, struct courier_route *ret_route)
{
    struct wire_reader r = wire_reader_of(dossier->hosts);
    struct msg_dossier_host in;
    memset(ret_route, 0, sizeof(*ret_route));
    ret_route->domain = (struct trust_domain){.mx = (enum trust_dns)dossier->status, .secure = dossier->secure,
                                              .implicit = dossier->implicit, .minimum = TRUST_LEVEL_PKIX};
    struct slice patterns = take_policy(dossier, ret_route);
    while (layout_next(&msg_dossier_host_layout, &r, &in)) {
        count_host(ret_route, (enum trust_dns)in.status);
        if (ret_route->count == COURIER_HOSTS_MAX)
            continue;
        struct courier_host *host = &ret_route->host[ret_route->count++];
        take_host(&in, patterns, host);
        take_addresses(in.addresses, allow_private, host);
    }
    if (r.bad)
        ret_route->domain.mx = TRUST_DNS_MALFORMED;
    order(ret_route);
}

void courier_route_literal(const struct mail_domain *domain, bool allow_private, struct courier_route *ret_route)
{
    struct msg_address address = {.family = domain->kind == MAIL_DOMAIN_IPV4 ? 4 : 6};
    struct courier_host *host = &ret_route->host[0];
    memset(ret_route, 0, sizeof(*ret_route));
    memcpy(address.bytes.b, domain->ip, sizeof(address.bytes.b));
    ret_route->domain = (struct trust_domain){.implicit = true, .hosts = 1, .minimum = TRUST_LEVEL_PKIX};
    ret_route->count = 1;
    *host = (struct courier_host){.name = mem_strdup(domain->ascii), .offered = 1};
    buf_init(&host->records, MSG_TLSA_MAX);
    if (allow_private || !inet_private(address.family, address.bytes.b))
        host->address[host->count++] = address;
}

static enum trust_level higher(enum trust_level a, uint64_t b)
{
    return (uint64_t)a < b && b <= TRUST_LEVEL_DANE ? (enum trust_level)b : a;
}

static void take_pins(const struct conf_list *pins, struct courier_route *route)
{
    struct err err = {""}; /* the configuration was checked by the same rule */
    for (size_t i = 0; pins != NULL && i < pins->count; i++)
        (void)trust_pin_add(&route->pins, slice_str(pins->item[i]), &err);
    route->domain.pinned = pins != NULL && pins->count > 0;
}

void courier_route_demand(struct courier_lease *lease)
{
    const struct conf *conf = lease->courier->conf;
    struct trust_domain *domain = &lease->route.domain;
    struct conf_demanded demanded =
        conf_demand_domain(conf, slice_str(lease->recipient[0].address.domain.ascii), clock_utc_us());
    domain->shown = lease->shown;
    domain->profile = (enum trust_profile)conf->trust_profile;
    take_pins(demanded.pins, &lease->route);
    if (lease->lease.kind != MSG_LEASE_MAIL)
        return;
    struct trust_needs needs = courier_send_needs(lease);
    enum trust_level minimum = higher(TRUST_LEVEL_PKIX, conf->trust_minimum);
    minimum = higher(minimum, conf_demand_tenant(conf, lease->lease.tenant));
    minimum = higher(minimum, demanded.minimum);
    minimum = higher(minimum, lease->envelope.minimum);
    domain->minimum = trust_verdict_minimum(minimum, &needs);
}

struct trust_session courier_route_facts(const struct courier_host *host)
{
    return (struct trust_session){.host = host->name, .dns = host->dns, .dns_secure = host->secure,
                                  .dane.tlsa = host->tlsa, .dane.base = host->tlsa_base, .sts_match = host->sts_match,
                                  .at_us = clock_utc_us()};
}

void courier_route_free(struct courier_route *route)
{
    mem_free(route->sts_hosts);
    for (size_t i = 0; i < route->count; i++) {
        mem_free(route->host[i].name);
        mem_free(route->host[i].tlsa_base);
        buf_free(&route->host[i].records);
    }
    memset(route, 0, sizeof(*route));
}
