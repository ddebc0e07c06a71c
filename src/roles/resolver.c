/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver: asks the DNS for couriers, with validation, and keeps the answers in memory. It never sees a
 * message, and never logs a domain. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "net/dns.h"
#include "net/dns_dossier.h"
#include "os/file.h"
#include "roles/roles.h"
#include "trust/trust_facts.h"

/* Waiting asks are looked at this often. */
#define TICK_US INT64_C(200000)
/* One socket per open question of libunbound's (1,024), channels and the rest. */
#define FILES_MAX 4096u

_Static_assert((int)DNS_TLSA_UNASKED == (int)TRUST_TLSA_UNASKED && (int)DNS_TLSA_NONE == (int)TRUST_TLSA_NONE &&
                   (int)DNS_TLSA_FOUND == (int)TRUST_TLSA_USABLE && (int)DNS_TLSA_FAILED == (int)TRUST_TLSA_FAILED &&
                   (int)DNS_TLSA_BOGUS == (int)TRUST_TLSA_BOGUS,
               "the two lists of TLSA results are one");

struct resolver {
    struct role *role;
    const struct conf *conf; /* the one that dns was made from */
    struct dns *dns;
    struct dns_dossiers *dossiers;
    struct loop_timer *tick;
    struct list peers;
};

struct resolver_peer {
    struct list link;
    struct resolver *resolver;
    struct chan *chan;
    struct list asks;
};

/* A request that waits for its dossier. */
struct resolver_ask {
    struct list link;
    struct resolver_peer *peer;
    uint64_t request;
};

/* --- answering --- */

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
    struct buf hosts;
    struct buf payload;
    buf_init(&hosts, MSG_LIST_MAX);
    buf_init(&payload, CHAN_PAYLOAD_MAX);
    for (size_t i = 0; i < dossier->count; i++)
        put_host(&hosts, &dossier->hosts[i]);
    const struct msg_dossier message = {.status = (uint8_t)dossier->status, .secure = dossier->secure,
        .implicit = dossier->implicit, .expires_us = dossier->expires_us, .hosts = buf_slice(&hosts)};
    layout_write(&msg_dossier_layout, &payload, &message);
    chan_answer(ask->peer->chan, MSG_DOSSIER, ask->request, buf_slice(&payload), -1);
    buf_free(&hosts);
    buf_free(&payload);
    list_remove(&ask->link);
    mem_free(ask);
}

static void on_tick(void *ctx)
{
    struct resolver *resolver = ctx;
    dns_dossiers_tick(resolver->dossiers);
    if (dns_dossiers_busy(resolver->dossiers) > 0)
        loop_timer_start(resolver->tick, TICK_US);
}

/* --- peers --- */

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct resolver_peer *peer = ctx;
    struct resolver *resolver = peer->resolver;
    struct msg_dossier_ask message;
    (void)chan;
    if (frame->type != MSG_DOSSIER || frame->request == 0 || frame->fd >= 0)
        return false;
    if (!layout_read(&msg_dossier_ask_layout, frame->payload, &message))
        return false;
    struct resolver_ask *ask = mem_new(sizeof(*ask));
    ask->peer = peer;
    ask->request = frame->request;
    list_push(&peer->asks, &ask->link);
    dns_dossiers_ask(resolver->dossiers, message.domain, on_dossier, ask);
    if (!loop_timer_running(resolver->tick))
        loop_timer_start(resolver->tick, TICK_US);
    return true;
}

static void free_peer(struct resolver_peer *peer)
{
    LIST_FOR(it, next, &peer->asks)
    {
        struct resolver_ask *ask = LIST_ENTRY(it, struct resolver_ask, link);
        dns_dossiers_forget(peer->resolver->dossiers, ask);
        list_remove(it);
        mem_free(ask);
    }
    list_remove(&peer->link);
    chan_free(&peer->chan);
    mem_free(peer);
}

static void on_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct resolver_peer *peer = ctx;
    (void)chan;
    log_info(role_log(peer->resolver->role), "a courier's channel closed: %s", reason);
    free_peer(peer);
}

static const struct chan_ops PEER_OPS = {.frame = on_frame, .closed = on_closed};

static void resolver_peer(void *ctx, enum role_kind kind, unsigned index, int fd)
{
    struct resolver *resolver = ctx;
    struct resolver_peer *peer = mem_new(sizeof(*peer));
    (void)index;
    peer->resolver = resolver;
    list_init(&peer->asks);
    list_push(&resolver->peers, &peer->link);
    peer->chan = chan_create(role_loop(resolver->role), fd, role_kind_name(kind), &PEER_OPS, peer);
}

/* --- the role --- */

/* Reads the anchor file, if there is one. */
static bool read_anchors(const char *path, struct buf *out, struct err *err)
{
    if (path == NULL)
        return true;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_errno(err, errno, "resolver { trust-anchor } %s", path);
    bool ok = file_read_fd(fd, path, out, err);
    close(fd);
    return ok;
}

static bool make_dns(struct resolver *resolver, const struct conf *conf, struct err *err)
{
    struct buf anchors;
    buf_init(&anchors, DNS_ANCHOR_MAX);
    if (read_anchors(conf->resolver_trust_anchor, &anchors, err)) {
        const struct dns_config config = {.forward = (const char *const *)conf->resolver_forward.item,
            .forward_count = conf->resolver_forward.count, .anchors = buf_slice(&anchors)};
        resolver->dns = dns_create(&config, err);
    }
    buf_free(&anchors);
    return resolver->dns != NULL;
}

static bool ask_dns(void *ctx, const char *name, int type, dns_answer_fn *fn, void *fn_ctx)
{
    struct resolver *resolver = ctx;
    return dns_ask(resolver->dns, name, type, fn, fn_ctx);
}

static void resolver_stop(void *ctx)
{
    struct resolver *resolver = ctx;
    dns_free(&resolver->dns);
    LIST_FOR(it, next, &resolver->peers)
    {
        free_peer(LIST_ENTRY(it, struct resolver_peer, link));
    }
    dns_dossiers_free(&resolver->dossiers);
    loop_timer_free(&resolver->tick);
    mem_free(resolver);
}

static bool resolver_start(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err)
{
    struct resolver *resolver = mem_new(sizeof(*resolver));
    resolver->role = role;
    resolver->conf = role_conf(role);
    list_init(&resolver->peers);
    resolver->dossiers = dns_dossiers_create(ask_dns, resolver, (uint16_t)resolver->conf->courier_port);
    if (!make_dns(resolver, resolver->conf, err)) {
        resolver_stop(resolver);
        return false;
    }
    sandbox->groups = SANDBOX_NET_CLIENT | SANDBOX_THREAD;
    sandbox->files_max = FILES_MAX;
    *ret_ctx = resolver;
    return true;
}

static bool resolver_sandboxed(void *ctx, struct err *err)
{
    struct resolver *resolver = ctx;
    resolver->tick = loop_timer_create(role_loop(resolver->role), on_tick, resolver);
    return dns_start(resolver->dns, role_loop(resolver->role), err);
}

/* The servers and anchors are read before the sandbox and cannot be changed within it: a resolver that needs others
 * ends and is started again. Without an anchor file only the list of servers can differ. */
static void resolver_reload(void *ctx, const struct conf *conf)
{
    struct resolver *resolver = ctx;
    const struct conf *old = resolver->conf;
    bool same = conf->resolver_trust_anchor == NULL && old->resolver_trust_anchor == NULL &&
                conf->resolver_forward.count == old->resolver_forward.count && conf->courier_port == old->courier_port;
    for (size_t i = 0; same && i < conf->resolver_forward.count; i++)
        same = strcmp(conf->resolver_forward.item[i], old->resolver_forward.item[i]) == 0;
    resolver->conf = conf;
    if (!same)
        role_drained(resolver->role);
}

/* Nothing is owed to anybody: who asked asks again. */
static void resolver_drain(void *ctx)
{
    struct resolver *resolver = ctx;
    role_drained(resolver->role);
}

const struct role_ops resolver_role_ops = {
    .kind = ROLE_RESOLVER,
    .name = "resolver",
    .start = resolver_start,
    .sandboxed = resolver_sandboxed,
    .peer = resolver_peer,
    .reload = resolver_reload,
    .drain = resolver_drain,
    .stop = resolver_stop,
};
