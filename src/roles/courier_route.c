/* SPDX-License-Identifier: Apache-2.0 */
/* Routes. */
#include "roles/courier_route.h"

#include "base/mem.h"
#include "os/inet_private.h"

_Static_assert((int)TRUST_DNS_OK == (int)MSG_DNS_OK && (int)TRUST_DNS_LOOP == (int)MSG_DNS_LOOP &&
                   (int)TRUST_DNS_NULL_MX == (int)MSG_DNS_NULL_MX && (int)TRUST_DNS_BOGUS == (int)MSG_DNS_BOGUS,
               "the two lists of DNS results are one");

bool courier_route_is_private(const struct msg_address *address)
{
    return inet_private(address->family, address->bytes.b);
}

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
        if ((allow_private || !courier_route_is_private(&address)) && count[f] < COURIER_ADDRESSES_MAX)
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

void courier_route_read(const struct msg_dossier *dossier, bool allow_private, struct courier_route *ret_route)
{
    struct wire_reader r = wire_reader_of(dossier->hosts);
    struct msg_dossier_host in;
    memset(ret_route, 0, sizeof(*ret_route));
    ret_route->domain = (struct trust_domain){.mx = (enum trust_dns)dossier->status, .secure = dossier->secure,
                                              .implicit = dossier->implicit, .minimum = TRUST_LEVEL_PKIX};
    while (layout_next(&msg_dossier_host_layout, &r, &in)) {
        count_host(ret_route, (enum trust_dns)in.status);
        if (ret_route->count == COURIER_HOSTS_MAX)
            continue;
        struct courier_host *host = &ret_route->host[ret_route->count++];
        *host = (struct courier_host){.name = mem_strndup(in.name.data, in.name.len), .preference = in.preference,
                                      .dns = (enum trust_dns)in.status, .secure = in.secure};
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
    if (allow_private || !courier_route_is_private(&address))
        host->address[host->count++] = address;
}

void courier_route_free(struct courier_route *route)
{
    for (size_t i = 0; i < route->count; i++)
        mem_free(route->host[i].name);
    memset(route, 0, sizeof(*route));
}
