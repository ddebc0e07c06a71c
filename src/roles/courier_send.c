/* SPDX-License-Identifier: Apache-2.0 */
/* Sending: recipients in batches that the host allows, one transaction each, all on one session. */
#include "roles/courier_send.h"

#include "base/clock.h"
#include "base/mem.h"
#include "roles/courier_content.h"
#include "roles/courier_lease.h"
#include "roles/courier_notice.h"
#include "roles/courier_session.h"
#include "roles/courier_walk.h"
#include "trust/trust_proved.h"

static bool for_mail(const struct courier_lease *lease)
{
    return lease->lease.kind == MSG_LEASE_MAIL;
}

static bool has_8bit(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] >= 0x80)
            return true;
    }
    return false;
}

struct trust_needs courier_send_needs(const struct courier_lease *lease)
{
    struct trust_needs needs = {
        .utf8 = (lease->lease.flags & MSG_FLAG_UTF8) != 0 || has_8bit(lease->envelope.reverse_path),
        .eight_bit = (lease->lease.flags & MSG_FLAG_8BIT) != 0,
        .size = lease->lease.size,
        .require_tls = lease->envelope.require_tls,
    };
    if (!for_mail(lease))
        needs = (struct trust_needs){.utf8 = lease->text_utf8, .size = lease->text.len};
    for (size_t i = 0; i < lease->count; i++)
        needs.utf8 = needs.utf8 || lease->recipient[i].address.utf8_local;
    return needs;
}

static enum smtp_read_status read_text(void *context, struct slice *ret_piece)
{
    struct courier_lease *lease = context;
    *ret_piece = buf_slice(&lease->text);
    if (lease->text_given)
        return SMTP_READ_FAIL;
    lease->text_given = true;
    return SMTP_READ_LAST;
}

/* The next batch: undecided recipients, as many as one transaction may have there. */
static void choose_batch(struct courier_lease *lease)
{
    uint32_t rcpt_max = lease->session->facts->caps.rcpt_max;
    size_t room = rcpt_max > 0 && rcpt_max < SMTP_CLIENT_RECIPIENTS_MAX ? rcpt_max : SMTP_CLIENT_RECIPIENTS_MAX;
    lease->batch_count = 0;
    for (size_t i = 0; i < lease->count && lease->batch_count < room; i++) {
        if (!lease->recipient[i].decided)
            lease->batch[lease->batch_count++] = i;
    }
}

static uint32_t seconds_left(int64_t by_us)
{
    int64_t left = (by_us - clock_utc_us()) / CLOCK_US_PER_S;
    return by_us == 0 || left <= 0 ? 0 : (uint32_t)left;
}

static bool start_content(struct courier_lease *lease, struct smtp_client_message *message)
{
    struct err err = {""};
    if (!for_mail(lease)) {
        lease->text_given = false;
        message->read = read_text;
        message->read_context = lease;
        return true;
    }
    message->read = courier_content_read;
    message->read_context = &lease->content;
    if (courier_content_start(&lease->content, &err))
        return true;
    log_error(role_log(lease->courier->role), "content of a lease does not open: %s", err.text);
    return false;
}

static void begin(struct courier_lease *lease, struct smtp_permit *permit)
{
    struct trust_needs needs = courier_send_needs(lease);
    struct smtp_client_recipient to[SMTP_CLIENT_RECIPIENTS_MAX];
    id_text(&lease->lease.message, lease->envid);
    struct smtp_client_message message = {
        .sender = for_mail(lease) ? lease->envelope.reverse_path : slice_str(lease->courier->conf->notice_reverse_path),
        .envid = slice_str(lease->envid), .size = needs.size, .eight_bit = needs.eight_bit, .utf8 = needs.utf8,
        .require_tls = needs.require_tls,
        .deliver_by = for_mail(lease) ? seconds_left(lease->lease.by_us) : 0,
    };
    for (size_t i = 0; i < lease->batch_count; i++) {
        const struct courier_recipient *r = &lease->recipient[lease->batch[i]];
        to[i] = (struct smtp_client_recipient){r->mail.canonical, SLICE_EMPTY, 0};
        if (for_mail(lease))
            to[i] = (struct smtp_client_recipient){r->mail.canonical, slice_str(r->orcpt), r->notify};
        else if (lease->lease.kind == MSG_LEASE_CODE)
            to[i].notify = SMTP_NOTIFY_NEVER;
    }
    if (start_content(lease, &message))
        lease->transaction =
            smtp_client_transaction_start(peer_smtp(lease->session->peer), &permit, &message, to, lease->batch_count);
    smtp_permit_free(&permit);
}

/* The evidence of an earlier message says word for word what would be written of this one. */
static bool is_said(const struct courier_lease *lease, const struct courier_session *session)
{
    struct digest says = trust_evidence_digest(buf_slice(&lease->record));
    return memcmp(says.b, session->evidence_says.b, sizeof(says.b)) == 0;
}

/* Ends SEND. A session whose evidence is not yet written stays with the lease until it is. */
static void finish(struct courier_lease *lease)
{
    struct courier_session *session = lease->session;
    bool written = session != NULL && !id_is_zero(&session->evidence) && lease->record_tries == 1 &&
                   slice_eq(session->evidence_tenant, lease->lease.tenant) && is_said(lease, session);
    if (written) {
        lease->evidence_id = session->evidence;
        lease->record_tries = 0;
        courier_session_release(&lease->session);
    }
    courier_lease_go(lease, COURIER_SETTLE);
}

static void decide_rest(struct courier_lease *lease, enum trust_action action, enum trust_reason reason)
{
    courier_lease_decide_all(lease, (struct trust_verdict){.action = action, .reason = reason}, lease->session->facts);
    finish(lease);
}

/* Judged anew for each message and domain, on this very session (design section 7). */
static void start_mail(struct courier_lease *lease)
{
    struct courier_session *session = lease->session;
    struct smtp_permit *permit = NULL;
    struct trust_needs needs = courier_send_needs(lease);
    struct trust_verdict fits = trust_verdict_needs(&session->facts->caps, &needs);
    lease->verdict =
        trust_proved_permit(&lease->route.domain, session->facts, peer_smtp(session->peer), clock_utc_us(), &permit);
    if (permit == NULL) {
        courier_lease_decide_all(lease, trust_verdict_hold(lease->verdict, false), NULL);
        decide_rest(lease, TRUST_LATER, TRUST_REASON_LOST_BEFORE_END);
        return;
    }
    if (fits.action != TRUST_SEND) {
        smtp_permit_free(&permit);
        courier_walk_note_needs(lease, &needs, fits);
        decide_rest(lease, fits.action, fits.reason);
        return;
    }
    if (session->messages == 0)
        peer_proved(session->peer);
    const struct trust_dane *dane = &session->facts->dane;
    lease->proof_until_us = dane->matched ? dane->until_us : session->facts->cert.until_us;
    choose_batch(lease);
    begin(lease, permit);
    if (lease->transaction == NULL)
        decide_rest(lease, TRUST_LATER, TRUST_REASON_LOCAL);
    else
        peer_pump(session->peer);
}

static void start_notice(struct courier_lease *lease)
{
    struct trust_needs needs = courier_send_needs(lease);
    if (trust_verdict_needs(&lease->session->facts->caps, &needs).action != TRUST_SEND) {
        courier_walk_refused(lease, true);
        courier_lease_go(lease, COURIER_WALK);
        return;
    }
    choose_batch(lease);
    begin(lease, courier_notice_permit(lease));
    if (lease->transaction != NULL) {
        peer_pump(lease->session->peer);
        return;
    }
    courier_walk_refused(lease, false);
    courier_lease_go(lease, COURIER_WALK);
}

static void start(struct courier_lease *lease)
{
    enum smtp_client_state state = smtp_client_connection_state(peer_smtp(lease->session->peer));
    if (state == SMTP_CLIENT_RESETTING)
        return; /* woken when it is READY again */
    if (state == SMTP_CLIENT_ENDED || !peer_is_open(lease->session->peer)) {
        if (for_mail(lease)) {
            decide_rest(lease, TRUST_LATER, TRUST_REASON_LOST_BEFORE_END);
            return;
        }
        courier_walk_refused(lease, false);
        courier_lease_go(lease, COURIER_WALK);
        return;
    }
    if (for_mail(lease))
        start_mail(lease);
    else
        start_notice(lease);
}

/* ---- answers ---- */

/* A kept session that its host had already given up: not one answer came, or 421 to the first command. A new connection
 * will do, with no more risk of a duplicate than trying later has. */
static bool stale(const struct courier_lease *lease)
{
    if (lease->session->messages == 0)
        return false;
    if (!smtp_client_transaction_heard(lease->transaction))
        return smtp_client_transaction_outcome(lease->transaction, 0)->fault != SMTP_FAULT_LOCAL;
    for (size_t i = 0; i < lease->batch_count; i++) {
        const struct smtp_client_outcome *o = smtp_client_transaction_outcome(lease->transaction, i);
        bool gone = o->fault == SMTP_FAULT_REPLY ? o->code == 421 : o->fault != SMTP_FAULT_NONE;
        if (!gone || o->stage != SMTP_STAGE_MAIL)
            return false;
    }
    return true;
}

static void take_outcome(struct courier_lease *lease, struct courier_recipient *r, const struct smtp_client_outcome *o)
{
    struct trust_needs needs = courier_send_needs(lease);
    r->answer = (struct trust_answer){o->stage, o->fault, o->code, o->enhanced};
    r->decided = true;
    r->verdict = trust_verdict_answer(&r->answer, &needs);
    if (r->verdict.action == TRUST_SEND)
        r->verdict.level = lease->verdict.level;
    r->reply = o->text != NULL ? mem_strdup(o->text) : NULL;
    r->host = mem_strdup(lease->session->facts->host);
    r->relayed = !lease->session->facts->caps.dsn;
}

static bool anybody_left(const struct courier_lease *lease)
{
    for (size_t i = 0; i < lease->count; i++) {
        if (!lease->recipient[i].decided)
            return true;
    }
    return false;
}

/* A notice has one recipient; a host that did not take it has a neighbour that may. */
static void collect_notice(struct courier_lease *lease)
{
    struct courier_recipient *r = &lease->recipient[0];
    take_outcome(lease, r, smtp_client_transaction_outcome(lease->transaction, 0));
    smtp_client_transaction_free(&lease->transaction);
    if (r->verdict.action == TRUST_SEND) {
        courier_notice_ended(lease);
        return;
    }
    bool refused = r->answer.fault == SMTP_FAULT_REPLY && r->answer.code >= 500;
    r->decided = false;
    mem_free(r->reply);
    mem_free(r->host);
    r->reply = r->host = NULL;
    courier_walk_refused(lease, refused);
    courier_lease_go(lease, COURIER_WALK);
}

static void collect(struct courier_lease *lease)
{
    if (!for_mail(lease)) {
        collect_notice(lease);
        return;
    }
    if (stale(lease)) {
        smtp_client_transaction_free(&lease->transaction);
        courier_walk_again(lease);
        courier_lease_go(lease, COURIER_WALK);
        return;
    }
    for (size_t i = 0; i < lease->batch_count; i++)
        take_outcome(lease, &lease->recipient[lease->batch[i]], smtp_client_transaction_outcome(lease->transaction, i));
    smtp_client_transaction_free(&lease->transaction);
    lease->session->messages++;
    if (!anybody_left(lease))
        finish(lease);
    else
        start(lease);
}

void courier_send_step(struct courier_lease *lease)
{
    if (lease->transaction == NULL)
        start(lease);
    else if (smtp_client_transaction_state(lease->transaction) == SMTP_TRANSACTION_DONE)
        collect(lease);
}
