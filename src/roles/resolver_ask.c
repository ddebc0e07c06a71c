/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the two halves of an answer together. */
#include "roles/resolver_ask.h"

#include "base/mem.h"
#include "trust/trust_facts.h"

_Static_assert((int)DNS_TLSA_UNASKED == (int)TRUST_TLSA_UNASKED && (int)DNS_TLSA_NONE == (int)TRUST_TLSA_NONE &&
                   (int)DNS_TLSA_FOUND == (int)TRUST_TLSA_USABLE && (int)DNS_TLSA_FAILED == (int)TRUST_TLSA_FAILED &&
                   (int)DNS_TLSA_BOGUS == (int)TRUST_TLSA_BOGUS,
               "the two lists of TLSA results are one");
_Static_assert((int)STS_ABSENT == (int)TRUST_STS_ABSENT && (int)STS_FOUND == (int)TRUST_STS_FOUND &&
                   (int)STS_KEPT == (int)TRUST_STS_KEPT && (int)STS_DNS_FAILED == (int)TRUST_STS_DNS_FAILED &&
                   (int)STS_BAD_RECORD == (int)TRUST_STS_RECORD_INVALID && (int)STS_NO_FETCH == (int)TRUST_STS_FETCH_FAILED &&
                   (int)STS_BAD_CERT == (int)TRUST_STS_CERT_FAILED && (int)STS_BAD_POLICY == (int)TRUST_STS_POLICY_INVALID,
               "the two lists of policy looks are one");

/* An ask is open until both halves are in. */
struct resolver_ask {
    struct list link;
    struct chan *chan;
    uint64_t request;
    bool has_dossier;
    bool has_policy;
    struct msg_dossier message; /* its slices are set when it is written */
    struct buf hosts;
    struct buf policy;
    struct buf detail;
};

static void free_ask(struct resolver_ask *ask)
{
    list_remove(&ask->link);
    buf_free(&ask->hosts);
    buf_free(&ask->policy);
    buf_free(&ask->detail);
    mem_free(ask);
}

static void answer_when_whole(struct resolver_ask *ask)
{
    struct buf payload;
    if (!ask->has_dossier || !ask->has_policy)
        return;
    buf_init(&payload, CHAN_PAYLOAD_MAX);
    ask->message.hosts = buf_slice(&ask->hosts);
    ask->message.policy = buf_slice(&ask->policy);
    ask->message.sts_detail = buf_slice(&ask->detail);
    layout_write(&msg_dossier_layout, &payload, &ask->message);
    chan_answer(ask->chan, MSG_DOSSIER, ask->request, buf_slice(&payload), -1);
    buf_free(&payload);
    free_ask(ask);
}

/* The answer may be kept as long as both halves. */
static void limit_life(struct resolver_ask *ask, int64_t expires_us)
{
    if (expires_us < ask->message.expires_us)
        ask->message.expires_us = expires_us;
}

static void put_host(struct buf *hosts, const struct dns_host *host)
{
    struct buf addresses;
    buf_init(&addresses, MSG_ADDRESSES_MAX);
    for (size_t i = 0; i < host->address_count; i++) {
        struct msg_address address = {.family = host->addresses[i].family};
        memcpy(address.bytes.b, host->addresses[i].bytes, sizeof(address.bytes.b));
        layout_write(&msg_address_layout, &addresses, &address);
    }
    struct slice canonical = slice_str(host->secure ? host->canonical : "");
    struct slice base = slice_str(host->tlsa.expanded ? host->canonical : host->name);
    const struct msg_dossier_host message = {.preference = host->preference, .status = (uint8_t)host->status,
        .secure = host->secure, .name = slice_str(host->name), .addresses = buf_slice(&addresses), .canonical = canonical,
        .tlsa_state = (uint8_t)host->tlsa.state, .tlsa_base = host->tlsa.state == DNS_TLSA_FOUND ? base : SLICE_EMPTY,
        .tlsa = slice_of(host->tlsa.records, host->tlsa.length)};
    layout_write(&msg_dossier_host_layout, hosts, &message);
    buf_free(&addresses);
}

static void on_dossier(void *ctx, const struct dns_dossier *dossier)
{
    struct resolver_ask *ask = ctx;
    ask->message.status = (uint8_t)dossier->status;
    ask->message.secure = dossier->secure;
    ask->message.implicit = dossier->implicit;
    limit_life(ask, dossier->expires_us);
    for (size_t i = 0; i < dossier->count; i++)
        put_host(&ask->hosts, &dossier->hosts[i]);
    ask->has_dossier = true;
    answer_when_whole(ask);
}

static void on_policy(void *ctx, const struct sts_answer *answer)
{
    struct resolver_ask *ask = ctx;
    ask->message.sts_look = (uint8_t)answer->look;
    ask->message.policy_changed = answer->changed;
    limit_life(ask, answer->expires_us);
    buf_append_slice(&ask->policy, answer->policy);
    buf_append_str(&ask->detail, answer->detail);
    ask->has_policy = true;
    answer_when_whole(ask);
}

/* The policy comes first: the last of the two to arrive frees the ask, and with it this function's right to touch it. */
bool resolver_ask_start(const struct resolver_sources *sources, struct list *list, struct chan *chan, uint64_t request,
                        struct slice payload)
{
    struct msg_dossier_ask message;
    if (!layout_read(&msg_dossier_ask_layout, payload, &message))
        return false;
    struct resolver_ask *ask = mem_new(sizeof(*ask));
    ask->chan = chan;
    ask->request = request;
    ask->message.expires_us = INT64_MAX;
    buf_init(&ask->hosts, MSG_LIST_MAX);
    buf_init(&ask->policy, MSG_POLICY_MAX);
    buf_init(&ask->detail, MSG_TEXT_MAX);
    list_push(list, &ask->link);
    if (message.fresh)
        sources->empty(sources->empty_ctx);
    if (message.forget)
        sts_cache_drop(sources->policies, message.domain);
    sts_cache_ask(sources->policies, message.domain, message.policy, message.fresh, on_policy, ask);
    dns_dossiers_ask(message.fresh ? sources->fresh : sources->dossiers, message.domain, on_dossier, ask);
    return true;
}

void resolver_ask_drop(const struct resolver_sources *sources, struct list *list)
{
    LIST_FOR(it, next, list)
    {
        struct resolver_ask *ask = LIST_ENTRY(it, struct resolver_ask, link);
        dns_dossiers_forget(sources->dossiers, ask);
        dns_dossiers_forget(sources->fresh, ask);
        sts_cache_forget(sources->policies, ask);
        free_ask(ask);
    }
}
