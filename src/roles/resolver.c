/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver: asks the DNS for couriers, with validation, fetches MTA-STS policies, and keeps the answers in memory. It
 * never sees a message, and never logs a domain. */
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/dns.h"
#include "net/tls_client.h"
#include "os/file.h"
#include "roles/resolver_ask.h"
#include "roles/resolver_report.h"
#include "roles/roles.h"
#include "trust/trust_cert.h"

#include <openssl/sha.h>

/* Waiting asks are looked at this often. */
#define TICK_US INT64_C(200000)
/* One socket per open question of libunbound's (two clients of 1,024), one per fetch, channels and the rest. */
#define FILES_MAX 4096u

_Static_assert((int)TLS_PROFILE_NIST == (int)TRUST_PROFILE_NIST && (int)TLS_PROFILE_FIPS == (int)TRUST_PROFILE_FIPS,
               "the two lists of profiles are one");

struct resolver {
    struct role *role;
    const struct conf *conf; /* the one that all below was made from */
    struct digest anchors;   /* of the files as they were then */
    struct digest authorities;
    struct dns *dns;
    struct dns *fresh;
    struct sts_fetcher *fetcher;
    struct resolver_sources sources;
    struct loop_timer *tick;
    struct list peers;
    struct list reports; /* questions for reports about TLS */
};

struct resolver_peer {
    struct list link;
    struct resolver *resolver;
    struct chan *chan;
    struct list asks;
};

static void on_tick(void *ctx)
{
    struct resolver *resolver = ctx;
    const struct resolver_sources *sources = &resolver->sources;
    dns_dossiers_tick(sources->dossiers);
    dns_dossiers_tick(sources->fresh);
    sts_cache_tick(sources->policies);
    if (dns_dossiers_busy(sources->dossiers) + dns_dossiers_busy(sources->fresh) + sts_cache_busy(sources->policies) > 0)
        loop_timer_start(resolver->tick, TICK_US);
}

/* --- peers --- */

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct resolver_peer *peer = ctx;
    struct resolver *resolver = peer->resolver;
    if (frame->request == 0 || frame->fd >= 0)
        return false;
    if (frame->type == MSG_TXT)
        return resolver_report_txt(resolver->dns, &resolver->reports, chan, frame->request, frame->payload);
    if (frame->type == MSG_POST)
        return resolver_report_post(resolver->fetcher, &resolver->reports, chan, frame->request, frame->payload);
    if (frame->type != MSG_DOSSIER)
        return false;
    if (!resolver_ask_start(&resolver->sources, &peer->asks, chan, frame->request, frame->payload))
        return false;
    if (!loop_timer_running(resolver->tick))
        loop_timer_start(resolver->tick, TICK_US);
    return true;
}

static void free_peer(struct resolver_peer *peer)
{
    resolver_ask_drop(&peer->resolver->sources, &peer->asks);
    resolver_report_leave(&peer->resolver->reports, peer->chan);
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

/* Reads a file that was handed over; nothing when it was not, or is not wanted any more. */
static bool read_file(const struct resolver *resolver, const char *path, enum role_fd what, struct buf *out, struct err *err)
{
    int fd = path == NULL ? -1 : role_fd(resolver->role, what, 0);
    return fd < 0 || file_read_fd(fd, path, out, err);
}

static struct digest digest_of(const struct buf *text)
{
    struct digest digest;
    SHA256(text->len > 0 ? text->data : (const uint8_t *)"", text->len, digest.b);
    return digest;
}

static bool ask_dns(void *ctx, const char *name, int type, dns_answer_fn *fn, void *fn_ctx)
{
    return dns_ask(ctx, name, type, fn, fn_ctx);
}

static bool make_dns(struct resolver *resolver, const struct conf *conf, struct err *err)
{
    struct buf anchors;
    buf_init(&anchors, DNS_ANCHOR_MAX);
    bool ok = read_file(resolver, conf->resolver_trust_anchor, ROLE_FD_TRUST_ANCHOR, &anchors, err);
    const struct dns_config config = {.forward = (const char *const *)conf->resolver_forward.item,
        .forward_count = conf->resolver_forward.count, .anchors = buf_slice(&anchors)};
    resolver->dns = ok ? dns_create(&config, err) : NULL;
    resolver->fresh = resolver->dns != NULL ? dns_create(&config, err) : NULL;
    resolver->anchors = digest_of(&anchors);
    buf_free(&anchors);
    return resolver->fresh != NULL;
}

/* A policy host is judged as a receiving server is, but for the staple, which is not asked for (RFC 7633 section 4.2.3.1):
 * the policy of a host that must staple would never be in force. */
static bool check_policy_host(void *ctx, X509_STORE *anchors, STACK_OF(X509) *chain, const char *host, struct err *err)
{
    const struct resolver *resolver = ctx;
    struct trust_cert cert = {0};
    const struct trust_cert_ask ask = {.store = anchors, .chain = chain, .host = host, .now_us = clock_utc_us(),
        .profile = (enum trust_profile)resolver->conf->trust_profile};
    trust_cert_check(&ask, &cert);
    bool fine = cert.checked && (cert.fault == TRUST_CERT_FINE || cert.fault == TRUST_CERT_STAPLE);
    if (!fine)
        err_set(err, "%s", cert.detail != NULL ? cert.detail : trust_cert_fault_name(cert.fault));
    trust_cert_free(&cert);
    return fine;
}

/* With profile fips policies come over the suites of nist: what is asked in public is no content of ours. */
static bool make_fetcher(struct resolver *resolver, const struct conf *conf, struct err *err)
{
    struct buf pem;
    buf_init(&pem, TLS_CLIENT_AUTHORITIES_MAX);
    if (read_file(resolver, conf->trust_ca_file, ROLE_FD_CA_FILE, &pem, err)) {
        const struct sts_fetch_config config = {.authorities = buf_slice(&pem),
            .profile = conf->trust_profile == TRUST_PROFILE_STRICT ? TLS_PROFILE_STRICT : TLS_PROFILE_NIST,
            .port = (uint16_t)conf->resolver_sts_port, .allow_private = conf->courier_allow_private, .ask = ask_dns,
            .ask_ctx = resolver->dns, .check = check_policy_host, .check_ctx = resolver};
        resolver->fetcher = sts_fetcher_create(&config, err);
    }
    resolver->authorities = digest_of(&pem);
    buf_free(&pem);
    return resolver->fetcher != NULL;
}

static void get_policy(void *ctx, const char *domain, sts_fetch_fn *fn, void *fn_ctx)
{
    sts_fetcher_get(ctx, domain, fn, fn_ctx);
}

/* Before a question for fresh answers. While another is open it stays as it is: what that one finds is fresh. */
static void empty_fresh(void *ctx)
{
    struct resolver *resolver = ctx;
    struct err err = {""};
    if (dns_dossiers_busy(resolver->sources.fresh) > 0)
        return;
    dns_dossiers_empty(resolver->sources.fresh);
    if (!dns_renew(resolver->fresh, &err))
        log_error(role_log(resolver->role), "fresh answers cannot be had any more: %s", err.text);
}

static void make_sources(struct resolver *resolver)
{
    uint16_t port = (uint16_t)resolver->conf->courier_port;
    const struct sts_cache_ops ops = {.ask = ask_dns, .ask_ctx = resolver->dns, .fresh_ctx = resolver->fresh,
        .get = get_policy, .get_ctx = resolver->fetcher};
    resolver->sources.dossiers = dns_dossiers_create(ask_dns, resolver->dns, port);
    resolver->sources.fresh = dns_dossiers_create(ask_dns, resolver->fresh, port);
    resolver->sources.policies = sts_cache_create(&ops);
    resolver->sources.empty = empty_fresh;
    resolver->sources.empty_ctx = resolver;
}

/* First whatever gives answers, then whoever waits for them. */
static void resolver_stop(void *ctx)
{
    struct resolver *resolver = ctx;
    dns_free(&resolver->dns);
    dns_free(&resolver->fresh);
    sts_fetcher_free(&resolver->fetcher);
    LIST_FOR(it, next, &resolver->peers)
    {
        free_peer(LIST_ENTRY(it, struct resolver_peer, link));
    }
    resolver_report_free(&resolver->reports);
    sts_cache_free(&resolver->sources.policies);
    dns_dossiers_free(&resolver->sources.dossiers);
    dns_dossiers_free(&resolver->sources.fresh);
    loop_timer_free(&resolver->tick);
    mem_free(resolver);
}

static bool resolver_start(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err)
{
    struct resolver *resolver = mem_new(sizeof(*resolver));
    resolver->role = role;
    resolver->conf = role_conf(role);
    list_init(&resolver->peers);
    list_init(&resolver->reports);
    if (!make_dns(resolver, resolver->conf, err) || !make_fetcher(resolver, resolver->conf, err)) {
        resolver_stop(resolver);
        return false;
    }
    make_sources(resolver);
    sandbox->groups = SANDBOX_NET_CLIENT | SANDBOX_THREAD;
    sandbox->files_max = FILES_MAX;
    *ret_ctx = resolver;
    return true;
}

static bool resolver_sandboxed(void *ctx, struct err *err)
{
    struct resolver *resolver = ctx;
    struct loop *loop = role_loop(resolver->role);
    resolver->tick = loop_timer_create(loop, on_tick, resolver);
    sts_fetcher_start(resolver->fetcher, loop);
    return dns_start(resolver->dns, loop, err) && dns_start(resolver->fresh, loop, err);
}

/* True when a file that was handed over still says the same. */
static bool same_file(const struct resolver *resolver, const char *path, enum role_fd what, const struct digest *before, size_t max)
{
    struct buf text;
    buf_init(&text, max);
    bool ok = read_file(resolver, path, what, &text, NULL);
    struct digest now = digest_of(&text);
    buf_free(&text);
    return ok && memcmp(now.b, before->b, sizeof(now.b)) == 0;
}

static bool same_settings(const struct conf *a, const struct conf *b)
{
    bool same = a->resolver_forward.count == b->resolver_forward.count && a->courier_port == b->courier_port &&
                a->resolver_sts_port == b->resolver_sts_port && a->courier_allow_private == b->courier_allow_private &&
                a->trust_profile == b->trust_profile;
    for (size_t i = 0; same && i < a->resolver_forward.count; i++)
        same = strcmp(a->resolver_forward.item[i], b->resolver_forward.item[i]) == 0;
    return same;
}

/* Servers, anchors and authorities are read before the sandbox and cannot be changed within it: a resolver that needs
 * others ends and is started again. */
static void resolver_reload(void *ctx, const struct conf *conf)
{
    struct resolver *resolver = ctx;
    bool same = same_settings(conf, resolver->conf) &&
                same_file(resolver, conf->resolver_trust_anchor, ROLE_FD_TRUST_ANCHOR, &resolver->anchors, DNS_ANCHOR_MAX) &&
                same_file(resolver, conf->trust_ca_file, ROLE_FD_CA_FILE, &resolver->authorities, TLS_CLIENT_AUTHORITIES_MAX);
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
