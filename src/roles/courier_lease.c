/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: opening what is sealed, and going from state to state. */
#include "roles/courier_lease.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "roles/courier_content.h"
#include "roles/courier_dossier.h"
#include "roles/courier_memory.h"
#include "roles/courier_notice.h"
#include "roles/courier_report.h"
#include "roles/courier_route.h"
#include "roles/courier_send.h"
#include "roles/courier_session.h"
#include "roles/courier_settle.h"
#include "roles/courier_tlsrpt.h"
#include "roles/courier_walk.h"

#define FIELD_PLAIN_MAX ((size_t)4096)
#define XTEXT_MAX ((size_t)MAIL_ORCPT_MAX * 3)

void courier_lease_answered(struct courier_lease *lease)
{
    lease->call = 0;
    lease->call_chan = NULL;
}

void courier_lease_go(struct courier_lease *lease, enum courier_state state)
{
    lease->state = state;
    if (state != COURIER_OVER)
        return;
    if (lease->call != 0)
        chan_call_forget(lease->call_chan, lease->call);
    courier_lease_answered(lease);
    courier_bury_lease(lease);
    if (lease->lease.kind == MSG_LEASE_REPORT)
        courier_tlsrpt_mailed(lease);
}

static bool for_mail(const struct courier_lease *lease)
{
    return lease->lease.kind == MSG_LEASE_MAIL;
}

bool courier_ask(struct courier_lease *lease, struct chan *chan, uint16_t type, const struct layout *layout,
                 const void *object, chan_answer_fn *fn)
{
    struct buf payload;
    if (chan == NULL) {
        courier_stall(lease);
        return false;
    }
    buf_init_secret(&payload, CHAN_PAYLOAD_MAX);
    layout_write(layout, &payload, object);
    lease->call_chan = chan;
    lease->call = chan_call(chan, type, buf_slice(&payload), -1, type == MSG_OPEN ? 0 : MSG_DEADLINE_US, fn, lease);
    buf_free(&payload);
    return true;
}

/* ---- opening ---- */

/* xtext (RFC 3461 4). */
static char *xtext(struct slice s)
{
    struct buf out;
    buf_init(&out, XTEXT_MAX);
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] > 0x20 && s.data[i] < 0x7f && s.data[i] != '+' && s.data[i] != '=')
            buf_append_byte(&out, s.data[i]);
        else
            buf_printf(&out, "+%02X", s.data[i]);
    }
    char *text = buf_ok(&out) && out.len > 0 ? mem_strndup(out.data, out.len) : NULL;
    buf_free(&out);
    return text;
}

static bool open_sealed(struct courier_lease *lease, uint32_t index, struct slice sealed, struct buf *out, struct err *err)
{
    return sealed_field_open(lease->courier->field, &lease->keys.field_key, &lease->lease.message, MAIL_FIELD_RECIPIENT, index,
                             sealed, out, err);
}

/* A letter has one recipient, under index 0; a message, also one that is returned for damage, has them by index. */
static bool open_recipient(struct courier_lease *lease, const struct msg_lease_recipient *in,
                           struct courier_recipient *r, struct err *err)
{
    bool letter = lease->lease.kind == MSG_LEASE_NOTICE || lease->lease.kind == MSG_LEASE_CODE;
    buf_init_secret(&r->plain, FIELD_PLAIN_MAX);
    bool opened = !letter && open_sealed(lease, in->index, in->sealed, &r->plain, err);
    if (!opened && !for_mail(lease))
        opened = open_sealed(lease, 0, in->sealed, &r->plain, err);
    if (!opened || !layout_read(&mail_recipient_layout, buf_slice(&r->plain), &r->mail) ||
        !mail_address_parse(r->mail.address, MAIL_SMTPUTF8, &r->address, err))
        return false;
    r->orcpt = r->mail.orcpt.len > 0 ? xtext(r->mail.orcpt) : NULL;
    return true;
}

static bool open_recipients(struct courier_lease *lease, struct err *err)
{
    struct wire_reader r = wire_reader_of(lease->lease.recipients);
    struct msg_lease_recipient in;
    for (size_t i = 0; layout_next(&msg_lease_recipient_layout, &r, &in); i++) {
        if (!open_recipient(lease, &in, &lease->recipient[i], err))
            return false;
    }
    return true;
}

static bool open_fields(struct courier_lease *lease, struct err *err)
{
    if (!id_eq(&lease->keys.id, &lease->lease.message))
        return err_set(err, "the header belongs to another message");
    buf_init_secret(&lease->envelope_plain, FIELD_PLAIN_MAX);
    return (sealed_field_open(lease->courier->field, &lease->keys.field_key, &lease->lease.message, MAIL_FIELD_ENVELOPE, 0,
                              lease->lease.envelope, &lease->envelope_plain, err) &&
            mail_envelope_read(buf_slice(&lease->envelope_plain), &lease->envelope) &&
            open_recipients(lease, err)) ||
           err_prefix(err, "a lease's fields do not open");
}

/* Makes room for the recipients and names them; false when their list is malformed. */
static bool name_recipients(struct courier_lease *lease)
{
    struct wire_reader r = wire_reader_of(lease->lease.recipients);
    struct msg_lease_recipient in;
    while (lease->count <= MSG_RECIPIENTS_MAX && layout_next(&msg_lease_recipient_layout, &r, &in))
        lease->count++;
    if (!wire_done(&r) || lease->count == 0 || lease->count > MSG_RECIPIENTS_MAX)
        return false;
    lease->recipient = mem_new_array(lease->count, sizeof(*lease->recipient));
    r = wire_reader_of(lease->lease.recipients);
    for (size_t i = 0; layout_next(&msg_lease_recipient_layout, &r, &in); i++) {
        lease->recipient[i].index = in.index;
        lease->recipient[i].generation = in.generation;
        lease->recipient[i].notify = in.notify;
    }
    return true;
}

/* Nothing can be done with it here: the store is told "later", and the operator by the log. */
static void give_up(struct courier_lease *lease, const char *why)
{
    char id[ID_TEXT_SIZE];
    id_text(&lease->lease.message, id);
    log_line(role_log(lease->courier->role), lease->lease.must_end ? LOG_LEVEL_ALARM : LOG_LEVEL_ERROR, "%s: %s", id, why);
    for (size_t i = 0; i < lease->count; i++) {
        lease->recipient[i].decided = true;
        lease->recipient[i].verdict = (struct trust_verdict){.action = TRUST_LATER, .reason = TRUST_REASON_LOCAL};
        lease->recipient[i].outcome = MSG_OUT_LATER;
    }
    lease->settle = COURIER_SETTLE_DONE;
    courier_lease_go(lease, COURIER_SETTLE);
}

static void opened(struct courier_lease *lease)
{
    struct err err = {""};
    if (!open_fields(lease, &err)) {
        give_up(lease, err.text);
        return;
    }
    courier_content_init(&lease->content, lease->lease.header, &lease->keys.content_key, lease->lease.content, lease->fd,
                         lease->lease.content_length);
    if (lease->lease.kind == MSG_LEASE_RETURN) {
        courier_lease_decide_all(
            lease, (struct trust_verdict){.action = TRUST_RETURN, .reason = (enum trust_reason)lease->lease.reason}, NULL);
        courier_lease_go(lease, COURIER_SETTLE);
        return;
    }
    if (!for_mail(lease) && !courier_notice_compose(lease, &err)) {
        give_up(lease, err.text);
        return;
    }
    courier_lease_go(lease, COURIER_MEMORY);
}

static void ask_keys(struct courier_lease *lease);

/* True when the answer holds keys; otherwise it is handled: keyd gone (waits), or the header does not open. */
static bool take_keys(struct courier_lease *lease, const struct chan_frame *answer, struct msg_keys *keys)
{
    courier_lease_answered(lease);
    if (answer == NULL) {
        courier_stall(lease);
        return false;
    }
    if (layout_read(&msg_keys_layout, answer->payload, keys) && keys->code == MSG_OK)
        return true;
    give_up(lease, keys->code == MSG_EXPIRED ? "its key is gone: it can no longer be read here" : "keyd does not open it");
    courier_lease_step(lease);
    return false;
}

static void on_extra_keys(void *ctx, const struct chan_frame *answer)
{
    struct courier_lease *lease = ctx;
    if (!take_keys(lease, answer, &lease->extra_keys))
        return;
    opened(lease);
    courier_lease_step(lease);
}

static void on_keys(void *ctx, const struct chan_frame *answer)
{
    struct courier_lease *lease = ctx;
    if (!take_keys(lease, answer, &lease->keys))
        return;
    if (lease->lease.kind == MSG_LEASE_CODE) {
        ask_keys(lease);
        return;
    }
    opened(lease);
    courier_lease_step(lease);
}

/* The header of the lease; for a code then that of the object that carries it. */
static void ask_keys(struct courier_lease *lease)
{
    bool second = lease->keys.code == MSG_OK && !id_is_zero(&lease->keys.id);
    struct msg_key_open open = {second ? lease->lease.extra_header : lease->lease.header};
    lease->stalled = false;
    (void)courier_ask(lease, lease->courier->keyd, MSG_KEY_OPEN, &msg_key_open_layout, &open,
                      second ? on_extra_keys : on_keys);
}

/* ---- the route ---- */

static void routed(struct courier_lease *lease)
{
    courier_route_demand(lease);
    struct trust_verdict v = trust_verdict_domain(&lease->route.domain);
    courier_walk_start(lease);
    if (v.action == TRUST_NEXT_HOST) {
        courier_lease_go(lease, COURIER_WALK);
    } else if (for_mail(lease)) {
        courier_walk_note_end(lease, TRUST_EVIDENCE_DOMAIN, v);
        courier_lease_decide_all(lease, v, NULL);
        courier_lease_go(lease, COURIER_SETTLE);
    } else {
        trust_notice_add(&lease->notice, v.action == TRUST_RETURN, false);
        lease->verdict = v;
        courier_notice_ended(lease);
    }
}

/* All recipients of a lease have one destination, so the first one's domain is everybody's. */
static struct slice domain_of(const struct courier_lease *lease)
{
    return slice_str(lease->recipient[0].address.domain.ascii);
}

static void take_dossier(struct courier_lease *lease, const struct msg_dossier *dossier)
{
    courier_route_read(dossier, lease->courier->conf->courier_allow_private, &lease->route);
    routed(lease);
}

static void on_dossier(void *ctx, const struct chan_frame *answer)
{
    struct courier_lease *lease = ctx;
    struct msg_dossier dossier = {.status = MSG_DNS_SERVFAIL};
    courier_lease_answered(lease);
    if (answer == NULL) {
        courier_memory_unanswered(lease);
        courier_stall(lease); /* the resolver died: that says nothing about the domain */
        return;
    }
    if (!layout_read(&msg_dossier_layout, answer->payload, &dossier))
        dossier.status = MSG_DNS_MALFORMED;
    else
        courier_dossiers_keep(lease->courier->dossiers, domain_of(lease), answer->payload, &dossier);
    courier_memory_dossier(lease, &dossier);
    take_dossier(lease, &dossier);
    courier_lease_step(lease);
}

static void ask_dossier(struct courier_lease *lease)
{
    const struct mail_domain *domain = &lease->recipient[0].address.domain;
    struct msg_dossier_ask ask = {.domain = domain_of(lease), .policy = buf_slice(&lease->policy)};
    struct msg_dossier known;
    if (domain->kind != MAIL_DOMAIN_NAME) {
        courier_route_literal(domain, lease->courier->conf->courier_allow_private, &lease->route);
        routed(lease);
        return;
    }
    lease->stalled = false;
    if (courier_dossiers_recall(lease->courier->dossiers, ask.domain, &known)) {
        take_dossier(lease, &known);
        return;
    }
    if (!lease->must_ask) {
        lease->must_ask = true;
        courier_lease_go(lease, COURIER_MEMORY);
        return;
    }
    ask.forget = courier_memory_is_forgotten(lease);
    (void)courier_ask(lease, lease->courier->resolver, MSG_DOSSIER, &msg_dossier_ask_layout, &ask, on_dossier);
}

void courier_lease_look_again(struct courier_lease *lease)
{
    if (lease->state != COURIER_DOSSIER)
        return;
    if (lease->call != 0)
        chan_call_forget(lease->call_chan, lease->call);
    courier_lease_answered(lease);
    lease->must_ask = true;
    courier_lease_go(lease, COURIER_MEMORY);
    courier_lease_step(lease);
}

/* ---- from state to state ---- */

void courier_lease_decide_all(struct courier_lease *lease, struct trust_verdict verdict,
                              const struct trust_session *session)
{
    for (size_t i = 0; i < lease->count; i++) {
        struct courier_recipient *r = &lease->recipient[i];
        if (r->decided)
            continue;
        r->decided = true;
        r->verdict = verdict;
        if (session != NULL && session->reply != NULL)
            r->reply = mem_strdup(session->reply);
        if (session != NULL && session->host != NULL)
            r->host = mem_strdup(session->host);
    }
}

static void walk(struct courier_lease *lease)
{
    switch (courier_walk_step(lease)) {
    case COURIER_WALK_FOUND:
        courier_lease_go(lease, COURIER_SEND);
        break;
    case COURIER_WALK_NONE:
        if (!for_mail(lease)) {
            courier_notice_ended(lease);
            break;
        }
        courier_lease_decide_all(lease, lease->verdict, NULL);
        courier_lease_go(lease, COURIER_SETTLE);
        break;
    default:
        break;
    }
}

/* One step; false when it has to wait. */
static bool step_once(struct courier_lease *lease)
{
    enum courier_state before = lease->state;
    if (lease->call != 0)
        return false;
    switch (lease->state) {
    case COURIER_KEYS: ask_keys(lease); break;
    case COURIER_DOSSIER: ask_dossier(lease); break;
    case COURIER_MEMORY: courier_memory_look(lease); break;
    case COURIER_WALK: walk(lease); break;
    case COURIER_SEND: courier_send_step(lease); break;
    case COURIER_SETTLE: courier_settle_step(lease); break;
    default: return false;
    }
    return lease->state != before;
}

void courier_lease_step(struct courier_lease *lease)
{
    while (step_once(lease))
        continue;
}

/* What every lease has, before it is known what it is. */
static struct courier_lease *new_lease(struct courier *courier, size_t text_max)
{
    struct courier_lease *lease = mem_new(sizeof(*lease));
    buf_init(&lease->frame, CHAN_PAYLOAD_MAX);
    lease->courier = courier;
    lease->fd = -1;
    list_init(&lease->link);
    buf_init(&lease->record, TRUST_EVIDENCE_SIZE_MAX);
    buf_init(&lease->policy, MSG_POLICY_MAX);
    buf_init_secret(&lease->text, text_max);
    courier_settle_init(lease);
    return lease;
}

static void wake_report(struct courier_lease *lease)
{
    lease->stalled = true; /* stepped from the loop: not inside the caller's turn */
    loop_timer_start(lease->courier->retry, 0);
}

struct courier_lease *courier_lease_report(struct courier *courier, struct slice mailbox, struct slice text, struct err *err)
{
    struct mail_address address;
    if (!mail_address_parse(mailbox, 0, &address, err) || courier->lease_count >= COURIER_LEASES_MAX)
        return NULL;
    struct courier_lease *lease = new_lease(courier, COURIER_TLSRPT_MAIL_MAX);
    lease->lease = (struct msg_lease){.kind = MSG_LEASE_REPORT, .flags = MSG_FLAG_RELEASED, .message = id_make(clock_utc_us()),
                                      .accepted_us = clock_utc_us()};
    lease->count = 1;
    lease->recipient = mem_new_array(1, sizeof(*lease->recipient));
    struct courier_recipient *r = &lease->recipient[0];
    buf_init_secret(&r->plain, FIELD_PLAIN_MAX);
    buf_append_slice(&r->plain, mailbox);
    r->address = address;
    r->mail = (struct mail_recipient){.address = buf_slice(&r->plain), .canonical = buf_slice(&r->plain)};
    buf_append_slice(&lease->text, text);
    lease->state = COURIER_MEMORY;
    list_push(&courier->leases, &lease->link);
    courier->lease_count++;
    wake_report(lease);
    return lease;
}

bool courier_lease_create(struct courier *courier, const struct chan_frame *frame)
{
    struct courier_lease *lease = new_lease(courier, MAIL_COMPOSED_MAX);
    buf_append_slice(&lease->frame, frame->payload);
    lease->fd = frame->fd;
    if (courier->lease_count >= COURIER_LEASES_MAX ||
        !layout_read(&msg_lease_layout, buf_slice(&lease->frame), &lease->lease) || lease->lease.kind < MSG_LEASE_MAIL ||
        lease->lease.kind > MSG_LEASE_RETURN || !name_recipients(lease)) {
        lease->fd = -1; /* stays the channel's */
        courier_lease_free(lease);
        return false;
    }
    list_push(&courier->leases, &lease->link);
    courier->lease_count++;
    courier->epoch = lease->lease.epoch;
    courier_lease_step(lease);
    return true;
}

/* True when a host may have taken, or has taken, the message for somebody. */
static bool past_the_end(const struct courier_lease *lease)
{
    if (lease->transaction != NULL && smtp_client_transaction_state(lease->transaction) == SMTP_TRANSACTION_AFTER_END)
        return true;
    for (size_t i = 0; i < lease->count; i++) {
        if (lease->recipient[i].decided && lease->recipient[i].verdict.action == TRUST_SEND)
            return true;
    }
    return false;
}

void courier_lease_orphan(struct courier_lease *lease)
{
    if (past_the_end(lease)) {
        lease->orphan = true;
        return;
    }
    courier_report_forget(lease);
    if (lease->session != NULL) {
        struct courier_session *session = lease->session;
        lease->session = NULL;
        smtp_client_transaction_free(&lease->transaction);
        courier_session_drop(session);
    }
    courier_lease_go(lease, COURIER_OVER);
}

static void free_recipients(struct courier_lease *lease)
{
    for (size_t i = 0; i < lease->count && lease->recipient != NULL; i++) {
        struct courier_recipient *r = &lease->recipient[i];
        mem_free(r->orcpt);
        mem_free(r->reply);
        mem_free(r->host);
        mem_wipe(&r->address, sizeof(r->address));
        buf_free(&r->plain);
    }
    mem_free(lease->recipient);
}

void courier_lease_free(struct courier_lease *lease)
{
    if (lease->call != 0)
        chan_call_forget(lease->call_chan, lease->call);
    if (!list_empty(&lease->link))
        list_remove(&lease->link);
    smtp_client_transaction_free(&lease->transaction);
    if (lease->session != NULL)
        courier_session_drop(lease->session);
    courier_content_free(&lease->content);
    courier_route_free(&lease->route);
    free_recipients(lease);
    courier_settle_free(lease);
    buf_free(&lease->envelope_plain);
    buf_free(&lease->record);
    buf_free(&lease->policy);
    buf_free(&lease->text);
    buf_free(&lease->frame);
    if (lease->fd >= 0)
        close(lease->fd);
    mem_free_secret(lease, sizeof(*lease));
}
