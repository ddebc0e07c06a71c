/* SPDX-License-Identifier: Apache-2.0 */
/* Looking one domain up. */
#include "net/dns_lookup.h"

#include "base/clock.h"
#include "base/mem.h"

/* One open question about a host. */
struct dns_host_question {
    struct dns_lookup *lookup;
    size_t host;
    uint8_t family;
};

struct dns_lookup {
    enum dns_lookup_state state;
    char domain[DNS_NAME_MAX];
    dns_ask_fn *ask;
    void *ask_ctx;
    uint16_t port;
    dns_lookup_fn *fn;
    void *ctx;
    struct dns_dossier dossier;
    int64_t life_us; /* shortest so far */
    size_t open;     /* questions without an answer, and one while questions are being put */
    enum msg_dns families[DNS_HOSTS_MAX][2];
    struct dns_host_question questions[DNS_HOSTS_MAX][2];
    struct dns_tlsa_lookup tlsa[DNS_HOSTS_MAX];
    char aliases[DNS_ALIASES_MAX + 1][DNS_NAME_MAX]; /* followed so far, the domain first */
    size_t alias_count;
};

static void lookup_enter(struct dns_lookup *lookup, enum dns_lookup_state state)
{
    lookup->state = state;
    if (state != DNS_LOOKUP_DONE)
        return;
    lookup->dossier.expires_us = clock_utc_us() + lookup->life_us;
    lookup->fn(lookup->ctx, lookup);
}

static void limit_life(struct dns_lookup *lookup, int64_t life_us)
{
    if (life_us < lookup->life_us)
        lookup->life_us = life_us;
}

static void finish(struct dns_lookup *lookup, enum msg_dns status)
{
    limit_life(lookup, dns_life_us(status, UINT32_MAX));
    lookup->dossier.status = status;
    lookup_enter(lookup, DNS_LOOKUP_DONE);
}

static void one_less_open(struct dns_lookup *lookup);

/* --- TLSA --- */

/* Takes the records over, except when they do not fit beside those of the hosts before. */
static void take_tlsa(struct dns_lookup *lookup, size_t host, size_t *bytes)
{
    struct dns_tlsa *tlsa = &lookup->dossier.hosts[host].tlsa;
    *tlsa = lookup->tlsa[host].result;
    lookup->tlsa[host].result.records = NULL;
    *bytes += tlsa->length;
    if (*bytes <= DNS_TLSA_BYTES_MAX)
        return;
    *bytes -= tlsa->length;
    mem_free(tlsa->records);
    *tlsa = (struct dns_tlsa){.state = DNS_TLSA_FAILED};
}

static void finish_tlsa(struct dns_lookup *lookup)
{
    size_t bytes = 0;
    for (size_t i = 0; i < lookup->dossier.count; i++) {
        if (lookup->tlsa[i].fn == NULL)
            continue;
        limit_life(lookup, lookup->tlsa[i].life_us);
        take_tlsa(lookup, i, &bytes);
    }
    finish(lookup, MSG_DNS_OK);
}

static void on_tlsa(void *ctx)
{
    one_less_open(ctx);
}

static void ask_tlsa(struct dns_lookup *lookup)
{
    lookup_enter(lookup, DNS_LOOKUP_TLSA);
    lookup->open = 1;
    for (size_t i = 0; i < lookup->dossier.count; i++) {
        const struct dns_host *host = &lookup->dossier.hosts[i];
        if (host->status != MSG_DNS_OK)
            continue;
        lookup->open++;
        lookup->tlsa[i] = (struct dns_tlsa_lookup){.ask = lookup->ask, .ask_ctx = lookup->ask_ctx, .port = lookup->port,
            .name = host->name, .canonical = host->canonical, .secure = host->secure, .fn = on_tlsa, .ctx = lookup};
        dns_tlsa_start(&lookup->tlsa[i]);
    }
    one_less_open(lookup);
}

/* --- addresses --- */

/* How bad a status is for a host that has no address: a sign of attack first, then what may pass, then what is so. */
static unsigned badness(enum msg_dns status)
{
    static const unsigned order[] = {
        [MSG_DNS_OK] = 0,        [MSG_DNS_NODATA] = 1,  [MSG_DNS_NXDOMAIN] = 2, [MSG_DNS_NULL_MX] = 2, [MSG_DNS_MALFORMED] = 3,
        [MSG_DNS_LOOP] = 4, [MSG_DNS_SERVFAIL] = 5, [MSG_DNS_TIMEOUT] = 6, [MSG_DNS_BOGUS] = 7,
    };
    return order[status];
}

/* Forged addresses of one family condemn the host: the other family may be the forger's wish. */
static void judge_host(struct dns_host *host, const enum msg_dns families[2])
{
    enum msg_dns worse = badness(families[0]) > badness(families[1]) ? families[0] : families[1];
    if (worse == MSG_DNS_BOGUS)
        host->address_count = 0;
    host->status = host->address_count > 0 ? MSG_DNS_OK : worse;
    bool answered = !dns_is_failure(families[0]) || !dns_is_failure(families[1]);
    host->secure = host->secure && answered && worse != MSG_DNS_BOGUS;
}

/* The last answer about hosts has come. */
static void finish_hosts(struct dns_lookup *lookup)
{
    struct dns_dossier *dossier = &lookup->dossier;
    for (size_t i = 0; i < dossier->count; i++)
        judge_host(&dossier->hosts[i], lookup->families[i]);
    if (dossier->implicit && dossier->hosts[0].status != MSG_DNS_OK)
        finish(lookup, dossier->hosts[0].status);
    else if (dossier->secure)
        ask_tlsa(lookup);
    else
        finish(lookup, MSG_DNS_OK);
}

static void one_less_open(struct dns_lookup *lookup)
{
    if (--lookup->open > 0)
        return;
    if (lookup->state == DNS_LOOKUP_TLSA)
        finish_tlsa(lookup);
    else
        finish_hosts(lookup);
}

static enum msg_dns take_addresses(struct dns_host *host, uint8_t family, const struct dns_answer *answer)
{
    size_t size = family == 4 ? 4 : 16;
    for (size_t i = 0; i < answer->count && i < DNS_ADDRESSES_MAX; i++) {
        if (answer->rdata[i].len != size)
            return MSG_DNS_MALFORMED;
        struct dns_address *address = &host->addresses[host->address_count++];
        address->family = family;
        memcpy(address->bytes, answer->rdata[i].data, size);
    }
    return answer->count > 0 ? MSG_DNS_OK : MSG_DNS_NODATA;
}

/* Kept only when aliases led somewhere else. */
static void take_canonical(struct dns_host *host, struct slice canonical)
{
    if (canonical.len > 0 && canonical.data[canonical.len - 1] == '.')
        canonical.len--;
    if (!dns_name_ok(canonical) || slice_ieq(canonical, slice_str(host->name)))
        return;
    memcpy(host->canonical, canonical.data, canonical.len);
    host->canonical[canonical.len] = '\0';
}

static void on_address(void *ctx, const struct dns_answer *answer)
{
    struct dns_host_question *question = ctx;
    struct dns_lookup *lookup = question->lookup;
    struct dns_host *host = &lookup->dossier.hosts[question->host];
    enum msg_dns status = answer->status;
    if (status == MSG_DNS_OK)
        status = take_addresses(host, question->family, answer);
    if (!dns_is_failure(status)) {
        host->secure = host->secure && answer->secure;
        take_canonical(host, answer->canonical);
    }
    lookup->families[question->host][question->family == 4 ? 0 : 1] = status;
    limit_life(lookup, dns_life_us(status, answer->ttl_s));
    one_less_open(lookup);
}

static void ask_family(struct dns_lookup *lookup, size_t host, uint8_t family)
{
    struct dns_host_question *question = &lookup->questions[host][family == 4 ? 0 : 1];
    *question = (struct dns_host_question){lookup, host, family};
    int type = family == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA;
    lookup->open++;
    if (!lookup->ask(lookup->ask_ctx, lookup->dossier.hosts[host].name, type, on_address, question))
        on_address(question, &(struct dns_answer){.status = MSG_DNS_SERVFAIL});
}

static void ask_hosts(struct dns_lookup *lookup)
{
    lookup_enter(lookup, DNS_LOOKUP_HOSTS);
    lookup->open = 1;
    for (size_t i = 0; i < lookup->dossier.count; i++) {
        lookup->dossier.hosts[i].secure = true;
        ask_family(lookup, i, 4);
        ask_family(lookup, i, 6);
    }
    one_less_open(lookup);
}

/* --- aliases, after a failure --- */

static void ask_alias(struct dns_lookup *lookup);

static bool alias_seen(const struct dns_lookup *lookup, const char *name)
{
    bool seen = false;
    for (size_t i = 0; i < lookup->alias_count; i++)
        seen = seen || strcmp(lookup->aliases[i], name) == 0;
    return seen;
}

static void on_alias(void *ctx, const struct dns_answer *answer)
{
    struct dns_lookup *lookup = ctx;
    char name[DNS_NAME_MAX];
    size_t used = 0;
    bool alias = answer->status == MSG_DNS_OK && answer->count == 1 && dns_name_text(answer->rdata[0], name, &used);
    if (!alias) {
        finish(lookup, answer->status == MSG_DNS_BOGUS ? MSG_DNS_BOGUS : MSG_DNS_SERVFAIL);
    } else if (alias_seen(lookup, name) || lookup->alias_count > DNS_ALIASES_MAX) {
        finish(lookup, MSG_DNS_LOOP);
    } else {
        memcpy(lookup->aliases[lookup->alias_count++], name, sizeof(name));
        ask_alias(lookup);
    }
}

static void ask_alias(struct dns_lookup *lookup)
{
    const char *last = lookup->aliases[lookup->alias_count - 1];
    if (!lookup->ask(lookup->ask_ctx, last, DNS_TYPE_CNAME, on_alias, lookup))
        finish(lookup, MSG_DNS_SERVFAIL);
}

static void follow_aliases(struct dns_lookup *lookup)
{
    lookup_enter(lookup, DNS_LOOKUP_ALIASES);
    memcpy(lookup->aliases[0], lookup->domain, sizeof(lookup->domain));
    lookup->alias_count = 1;
    ask_alias(lookup);
}

/* --- MX --- */

/* Puts a host in its place by preference. A name that is there already keeps its better preference; of too many the
 * worst goes. */
static void add_host(struct dns_dossier *dossier, uint16_t preference, const char *name)
{
    size_t at = 0;
    for (size_t i = 0; i < dossier->count; i++) {
        if (strcmp(dossier->hosts[i].name, name) != 0)
            continue;
        if (dossier->hosts[i].preference <= preference)
            return;
        memmove(&dossier->hosts[i], &dossier->hosts[i + 1], (dossier->count - i - 1) * sizeof(*dossier->hosts));
        dossier->count--;
    }
    while (at < dossier->count && dossier->hosts[at].preference <= preference)
        at++;
    if (at == DNS_HOSTS_MAX)
        return;
    if (dossier->count == DNS_HOSTS_MAX)
        dossier->count--;
    memmove(&dossier->hosts[at + 1], &dossier->hosts[at], (dossier->count - at) * sizeof(*dossier->hosts));
    memset(&dossier->hosts[at], 0, sizeof(*dossier->hosts));
    dossier->hosts[at].preference = preference;
    memcpy(dossier->hosts[at].name, name, strlen(name));
    dossier->count++;
}

/* OK, NULL_MX (one record, the root: RFC 7505), or MALFORMED when nothing among the records can be used. */
static enum msg_dns take_mx(struct dns_dossier *dossier, const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        uint16_t preference = 0;
        char name[DNS_NAME_MAX];
        if (!dns_rdata_mx(answer->rdata[i], &preference, name))
            continue;
        if (name[0] != '\0')
            add_host(dossier, preference, name);
        else if (answer->count == 1)
            return MSG_DNS_NULL_MX;
    }
    return dossier->count > 0 ? MSG_DNS_OK : MSG_DNS_MALFORMED;
}

static void on_mx(void *ctx, const struct dns_answer *answer)
{
    struct dns_lookup *lookup = ctx;
    struct dns_dossier *dossier = &lookup->dossier;
    enum msg_dns status = answer->status;
    dossier->secure = answer->secure;
    limit_life(lookup, dns_life_us(status, answer->ttl_s));
    if (status == MSG_DNS_OK)
        status = take_mx(dossier, answer);
    if (status == MSG_DNS_NODATA) {
        dossier->implicit = true;
        add_host(dossier, 0, lookup->domain);
    }
    if (status == MSG_DNS_OK || status == MSG_DNS_NODATA)
        ask_hosts(lookup);
    else if (status == MSG_DNS_SERVFAIL)
        follow_aliases(lookup);
    else
        finish(lookup, status);
}

struct dns_lookup *dns_lookup_create(const char *domain, dns_ask_fn *ask, void *ask_ctx, uint16_t port, dns_lookup_fn *fn,
                                     void *ctx)
{
    struct dns_lookup *lookup = mem_new(sizeof(*lookup));
    lookup->ask = ask;
    lookup->ask_ctx = ask_ctx;
    lookup->port = port;
    lookup->fn = fn;
    lookup->ctx = ctx;
    lookup->life_us = DNS_LIFE_MAX_US;
    lookup->dossier.hosts = mem_new_array(DNS_HOSTS_MAX, sizeof(struct dns_host));
    memcpy(lookup->domain, domain, strlen(domain) + 1);
    return lookup;
}

void dns_lookup_start(struct dns_lookup *lookup)
{
    if (!lookup->ask(lookup->ask_ctx, lookup->domain, DNS_TYPE_MX, on_mx, lookup))
        on_mx(lookup, &(struct dns_answer){.status = MSG_DNS_SERVFAIL});
}

struct dns_dossier *dns_lookup_dossier(struct dns_lookup *lookup)
{
    return &lookup->dossier;
}

void dns_lookup_free(struct dns_lookup **lookup)
{
    if (lookup == NULL || *lookup == NULL)
        return;
    for (size_t i = 0; i < DNS_HOSTS_MAX; i++)
        mem_free((*lookup)->tlsa[i].result.records);
    dns_dossier_clear(&(*lookup)->dossier);
    mem_free(*lookup);
    *lookup = NULL;
}
