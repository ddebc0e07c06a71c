/* SPDX-License-Identifier: Apache-2.0 */
/* Walking. The addresses of one host are folded before hosts are: an address that cannot be reached says nothing about
 * a host that answered on another one. */
#include "roles/courier_walk.h"

#include "base/clock.h"
#include "roles/courier_route.h"
#include "roles/courier_session.h"
#include "roles/courier_tally.h"

void courier_walk_start(struct courier_lease *lease)
{
    lease->host = lease->address = lease->tries = 0;
    lease->clear = false;
    lease->proved = TRUST_LEVEL_NONE;
    trust_destination_init(&lease->destination);
    trust_destination_init(&lease->of_host);
    memset(&lease->notice, 0, sizeof(lease->notice));
    lease->record_tries = 0;
    lease->record_left_out = 0;
    buf_reset(&lease->record);
    trust_evidence_begin(&lease->record);
}

void courier_walk_again(struct courier_lease *lease)
{
    courier_session_release(&lease->session);
    courier_walk_start(lease);
    lease->fresh = true;
}

static bool for_notice(const struct courier_lease *lease)
{
    return lease->lease.kind != MSG_LEASE_MAIL;
}

static bool attack(const struct courier_lease *lease)
{
    return (lease->lease.flags & MSG_FLAG_ATTACK) != 0;
}

/* The operator's word: what attack and memory say of notices does not count any more. */
static bool released(const struct courier_lease *lease)
{
    return (lease->lease.flags & MSG_FLAG_RELEASED) != 0;
}

static void note(struct courier_lease *lease, const struct trust_session *facts, int64_t now_us,
                 struct trust_verdict verdict)
{
    struct trust_evidence evidence = trust_evidence_of(&lease->route.domain, facts, now_us, verdict);
    lease->record_tries++;
    if (lease->record_tries > TRUST_EVIDENCE_TRIES_MAX || !trust_evidence_add(&lease->record, &evidence))
        lease->record_left_out++;
}

void courier_walk_note_end(struct courier_lease *lease, enum trust_evidence_kind kind, struct trust_verdict verdict)
{
    struct trust_evidence evidence = trust_evidence_of_domain(kind, &lease->route.domain, clock_utc_us(), verdict);
    evidence.left_out = lease->record_left_out;
    (void)trust_evidence_add(&lease->record, &evidence);
    lease->record_tries += kind == TRUST_EVIDENCE_DOMAIN;
}

void courier_walk_note_needs(struct courier_lease *lease, const struct trust_needs *needs, struct trust_verdict verdict)
{
    struct trust_evidence evidence =
        trust_evidence_of_needs(&lease->route.domain, lease->session->facts, needs, clock_utc_us(), verdict);
    lease->record_tries++;
    (void)trust_evidence_add(&lease->record, &evidence);
}

/* What a session shows of the domain counts, whether or not it will do for this message. */
static void note_shown(struct courier_lease *lease, const struct trust_session *facts, int64_t now)
{
    enum trust_level shown = trust_verdict_shown(&lease->route.domain, facts, now);
    lease->proved = shown > lease->proved ? shown : lease->proved;
}

/* A host is done with: its best word counts. */
static void close_host(struct courier_lease *lease)
{
    (void)trust_destination_add_host(&lease->destination, &lease->of_host);
    trust_destination_init(&lease->of_host);
}

/* The notice is held when proof is needed of this host and it failed to give it; a host that says "later", or nothing, is
 * tried again until the notice's lifetime ends. */
static bool holds_notice(const struct courier_lease *lease, const struct trust_session *facts, struct trust_verdict v)
{
    bool failed = trust_verdict_is_proof_failure(v.reason) || v.reason == TRUST_REASON_LEVEL_FELL || v.attack;
    return failed && !released(lease) && trust_notice_needs_proof(&lease->route.domain, facts, attack(lease) || v.attack);
}

/* DNS and policy say that a host is not to be spoken to, or there is no address to speak to. A notice that was released goes
 * where the policy would not. */
static bool judge_without_trying(struct courier_lease *lease, const struct courier_host *host)
{
    struct trust_session facts = courier_route_facts(host);
    struct trust_verdict v = trust_verdict_host(&lease->route.domain, &facts);
    bool skip = v.reason != TRUST_REASON_NONE && !(released(lease) && v.reason == TRUST_REASON_STS_HOST);
    if (!skip && host->count > 0)
        return false;
    if (host->dns == TRUST_DNS_OK)
        facts.connect = host->offered > 0 ? TRUST_CONNECT_PRIVATE : TRUST_CONNECT_UNREACHABLE;
    if (skip)
        facts.connect = TRUST_CONNECT_NONE;
    v = trust_verdict_session(&lease->route.domain, &facts, facts.at_us);
    note(lease, &facts, facts.at_us, v);
    trust_destination_add(&lease->of_host, v);
    trust_notice_add(&lease->notice, false, holds_notice(lease, &facts, v));
    return true;
}

static void next_address(struct courier_lease *lease)
{
    lease->clear = false;
    lease->address++;
    if (lease->address < lease->route.host[lease->host].count)
        return;
    close_host(lease);
    lease->address = 0;
    lease->host++;
}

/* A kept session with any host of the best preference is better than a new one. */
static struct courier_session *take_kept(struct courier_lease *lease)
{
    struct courier_route *route = &lease->route;
    if (for_notice(lease) || lease->fresh || lease->host != 0 || lease->address != 0)
        return NULL;
    for (size_t i = 0; i < route->count && route->host[i].preference == route->host[0].preference; i++) {
        struct courier_session *session = courier_session_take(lease, &route->host[i]);
        if (session != NULL)
            return session;
    }
    return NULL;
}

static void open_next(struct courier_lease *lease)
{
    struct courier_host *host = &lease->route.host[lease->host];
    lease->session = take_kept(lease);
    if (lease->session != NULL)
        return;
    if (lease->address == 0 && judge_without_trying(lease, host)) {
        close_host(lease);
        lease->host++;
        return;
    }
    lease->tries++;
    lease->session = courier_session_open(lease, host, &host->address[lease->address]);
}

/* The facts of the session, whole: pins are this domain's. */
static const struct trust_session *facts_of(struct courier_lease *lease)
{
    struct trust_session *facts = lease->session->facts;
    facts->pin = trust_pin_session(&lease->route.pins, facts);
    return facts;
}

static enum courier_walk_end judge_mail(struct courier_lease *lease)
{
    const struct trust_session *facts = facts_of(lease);
    int64_t now = clock_utc_us();
    struct trust_verdict v = trust_verdict_session(&lease->route.domain, facts, now);
    lease->verdict = v;
    if (v.action != TRUST_SEND && lease->session->reused) { /* proves nothing (to this domain): no host was tried yet */
        lease->fresh = true;
        courier_session_release(&lease->session);
        return COURIER_WALK_WAIT;
    }
    note(lease, facts, now, v);
    note_shown(lease, facts, now);
    courier_tally_count(lease, facts, now);
    if (v.action == TRUST_SEND)
        return COURIER_WALK_FOUND;
    trust_destination_add(&lease->of_host, v);
    courier_session_release(&lease->session);
    next_address(lease);
    return COURIER_WALK_WAIT;
}

static enum courier_walk_end judge_notice(struct courier_lease *lease)
{
    const struct trust_session *facts = facts_of(lease);
    int64_t now = clock_utc_us();
    bool clear = lease->session->clear;
    enum trust_channel channel = released(lease)
        ? trust_notice_channel_released(&lease->route.domain, facts, clear, now)
        : trust_notice_channel(&lease->route.domain, facts, clear, attack(lease), now);
    lease->verdict = trust_verdict_session(&lease->route.domain, facts, now);
    note(lease, facts, now, lease->verdict);
    note_shown(lease, facts, now);
    courier_tally_count(lease, facts, now);
    if (channel != TRUST_CHANNEL_NONE && channel != TRUST_CHANNEL_RETRY)
        return COURIER_WALK_FOUND;
    if (channel == TRUST_CHANNEL_RETRY) {
        courier_session_release(&lease->session);
        lease->clear = true;
        return COURIER_WALK_WAIT;
    }
    trust_notice_add(&lease->notice, trust_notice_refusal(facts), holds_notice(lease, facts, lease->verdict));
    courier_session_release(&lease->session);
    next_address(lease);
    return COURIER_WALK_WAIT;
}

void courier_walk_refused(struct courier_lease *lease, bool refused)
{
    trust_notice_add(&lease->notice, refused, false);
    courier_session_release(&lease->session);
    next_address(lease);
}

enum courier_walk_end courier_walk_step(struct courier_lease *lease)
{
    for (;;) {
        if (lease->session != NULL) {
            if (!peer_is_settled(lease->session->peer))
                return COURIER_WALK_WAIT;
            if ((for_notice(lease) ? judge_notice(lease) : judge_mail(lease)) == COURIER_WALK_FOUND)
                return COURIER_WALK_FOUND;
            continue;
        }
        if (lease->host >= lease->route.count || lease->tries >= COURIER_TRIES_MAX) {
            if (lease->host < lease->route.count)
                close_host(lease);
            lease->verdict = trust_destination_end(&lease->destination, &lease->route.domain);
            if (!for_notice(lease))
                courier_walk_note_end(lease, TRUST_EVIDENCE_END, lease->verdict);
            return COURIER_WALK_NONE;
        }
        open_next(lease);
    }
}
