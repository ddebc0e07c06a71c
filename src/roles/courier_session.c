/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions with mail servers: whose they are, and how long they are kept. */
#include "roles/courier_session.h"

#include <arpa/inet.h>

#include "base/mem.h"
#include "roles/courier_lease.h"

static void leave_idle(struct courier_session *session)
{
    if (!session->kept)
        return;
    session->kept = false;
    list_remove(&session->link);
    session->courier->idle_count--;
}

static void on_peer(void *ctx)
{
    struct courier_session *session = ctx;
    if (session->lease != NULL)
        courier_lease_step(session->lease);
    else if (!peer_is_open(session->peer) ||
             smtp_client_connection_state(peer_smtp(session->peer)) == SMTP_CLIENT_ENDED)
        courier_session_drop(session);
    else if (smtp_client_connection_state(peer_smtp(session->peer)) == SMTP_CLIENT_QUITTING)
        leave_idle(session);
}

#define NAMES 3u

/* What is asked of the host for the lease's domain. A certificate of an issuer that TLSA records name may show the records'
 * base, the host, or the domain of the address (RFC 7672 3.2.3). */
static struct peer_want want_of(const struct courier_lease *lease, const struct courier_host *host, const char *names[NAMES])
{
    size_t count = 0;
    if (host->tlsa_base != NULL)
        names[count++] = host->tlsa_base;
    names[count++] = host->name;
    names[count++] = lease->recipient[0].address.domain.ascii;
    return (struct peer_want){.host = host->name, .clear = lease->clear, .dns = host->dns, .dns_secure = host->secure,
                              .tlsa = host->tlsa, .tlsa_base = host->tlsa_base,
                              .tlsa_records = buf_slice(&host->records), .names = names, .name_count = count,
                              .profile = lease->route.domain.profile};
}

struct courier_session *courier_session_open(struct courier_lease *lease, const struct courier_host *host,
                                             const struct msg_address *address)
{
    static const struct peer_ops ops = {on_peer, on_peer};
    struct courier *courier = lease->courier;
    struct courier_session *session = mem_new(sizeof(*session));
    const char *names[NAMES];
    struct peer_want want = want_of(lease, host, names);
    bool notice = lease->lease.kind != MSG_LEASE_MAIL;
    const char *helo = notice ? courier->conf->notice_helo : courier->conf->courier_helo;
    want.address = *address;
    want.helo = helo != NULL ? helo : courier->conf->hostname;
    session->courier = courier;
    session->lease = lease;
    session->notice = notice;
    session->clear = lease->clear;
    list_init(&session->link);
    list_init(&session->all);
    list_push(&courier->sessions, &session->all);
    session->peer = peer_open(&courier->home, &want, &ops, session);
    session->facts = peer_facts(session->peer);
    session->facts->sts_match = host->sts_match;
    return session;
}

/* ---- keeping ---- */

static bool may_keep(const struct courier_session *session)
{
    const struct courier *courier = session->courier;
    uint32_t mail_max = session->facts->caps.mail_max;
    const struct trust_dane *dane = &session->facts->dane;
    bool proved = session->facts->cert.fault == TRUST_CERT_FINE || (dane->matched && dane->fault == TRUST_CERT_FINE);
    /* How long a staple holds is not kept: who must show one shows it anew each time, as in net/tls_client.h. */
    bool ends = session->notice || session->outdated || session->facts->cert.must_staple;
    if (!peer_is_open(session->peer) || ends || courier->draining || !session->facts->tls.established || !proved)
        return false;
    enum smtp_client_state state = smtp_client_connection_state(peer_smtp(session->peer));
    return courier->idle_count < COURIER_IDLE_MAX && session->messages < COURIER_SESSION_MESSAGES &&
           (mail_max == 0 || session->messages < mail_max) &&
           (state == SMTP_CLIENT_READY || state == SMTP_CLIENT_RESETTING);
}

void courier_session_release(struct courier_session **session)
{
    struct courier_session *s = *session;
    *session = NULL;
    if (s == NULL)
        return;
    s->lease = NULL;
    if (may_keep(s)) {
        list_push(&s->courier->idle, &s->link);
        s->courier->idle_count++;
        s->kept = true;
        peer_rest(s->peer, COURIER_IDLE_US);
    } else if (peer_is_open(s->peer)) {
        peer_goodbye(s->peer);
    } else {
        courier_session_drop(s);
    }
}

void courier_session_goodbye(struct courier_session *session)
{
    leave_idle(session);
    peer_goodbye(session->peer);
}

static bool at_address(const struct courier_session *session, const struct courier_host *host)
{
    for (size_t i = 0; i < host->count; i++) {
        char text[INET6_ADDRSTRLEN] = "";
        inet_ntop(host->address[i].family == 4 ? AF_INET : AF_INET6, host->address[i].bytes.b, text, sizeof(text));
        if (strcmp(text, session->facts->address) == 0)
            return true;
    }
    return false;
}

struct courier_session *courier_session_take(struct courier_lease *lease, const struct courier_host *host)
{
    struct courier *courier = lease->courier;
    const char *names[NAMES];
    LIST_FOR(it, tmp, &courier->idle) {
        struct courier_session *s = LIST_ENTRY(it, struct courier_session, link);
        if (smtp_client_connection_state(peer_smtp(s->peer)) != SMTP_CLIENT_READY ||
            strcmp(s->facts->host, host->name) != 0 || !at_address(s, host))
            continue;
        const struct peer_want want = want_of(lease, host, names);
        leave_idle(s);
        s->lease = lease;
        s->reused = true;
        peer_rest(s->peer, 0);
        peer_ask_again(s->peer, &want); /* what proved it for another domain may be nothing to this one */
        s->facts->sts_match = host->sts_match;
        return s;
    }
    return NULL;
}

void courier_session_drop(struct courier_session *session)
{
    session->lease = NULL;
    leave_idle(session);
    courier_bury_session(session);
}

void courier_session_free(struct courier_session *session)
{
    list_remove(&session->link);
    list_remove(&session->all);
    peer_free(&session->peer);
    mem_free(session);
}
