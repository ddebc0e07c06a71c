/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery reports. */
#include "roles/courier_dsn.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keys/lookup_tag.h"
#include "mail/dsn.h"
#include "roles/courier_lease.h"
#include "roles/courier_settle.h"

/* With more recipients than this, replies are left out. */
#define DIAGNOSTICS_MAX 20u
#define FIELD_MAX ((size_t)4096)

/* A report must fit a record. One that does not is made anew with fewer words: without what hosts said, then with
 * nothing but each recipient's address and fate. */
enum words {
    WORDS_ALL,
    WORDS_BRIEF,
    WORDS_FEWEST,
};

/* What one recipient's line of the report is. */
struct line {
    bool owed;
    enum mail_dsn_action action;
};

/* NOTIFY (RFC 3461 4.1): without one FAILURE is meant; DELAY is told once, at its attempt. */
static struct line line_of(const struct courier_lease *lease, const struct courier_recipient *r)
{
    uint8_t notify = r->notify;
    bool never = (notify & MAIL_NOTIFY_NEVER) != 0;
    bool relayed = r->outcome == MSG_OUT_POSTED || (r->outcome == MSG_OUT_DELIVERED && r->relayed);
    if (lease->lease.kind == MSG_LEASE_RETURN || r->outcome == MSG_OUT_RETURNED)
        return (struct line){!never && (notify == 0 || (notify & MAIL_NOTIFY_FAILURE) != 0), MAIL_DSN_FAILED};
    if (r->outcome == MSG_OUT_LATER)
        return (struct line){(notify & MAIL_NOTIFY_DELAY) != 0 && lease->lease.attempt == COURIER_DELAY_ATTEMPT, MAIL_DSN_DELAYED};
    return (struct line){relayed && (notify & MAIL_NOTIFY_SUCCESS) != 0, MAIL_DSN_RELAYED};
}

static const char *status_of(const struct courier_recipient *r, enum mail_dsn_action action, struct buf *scratch)
{
    if (action == MAIL_DSN_RELAYED)
        return "2.1.9";
    if (r->answer.fault == SMTP_FAULT_REPLY && r->answer.enhanced.class_digit != 0) {
        buf_printf(scratch, "%u.%u.%u", r->answer.enhanced.class_digit, r->answer.enhanced.subject, r->answer.enhanced.detail);
        return buf_cstr(scratch);
    }
    switch (r->verdict.reason) {
    case TRUST_REASON_NULL_MX: return "5.1.10";
    case TRUST_REASON_NO_DOMAIN:
    case TRUST_REASON_NO_ADDRESS: return "5.1.2";
    case TRUST_REASON_DANGLING: return action == MAIL_DSN_FAILED ? "5.4.4" : "4.4.4";
    case TRUST_REASON_NOTICE_EXPIRED:
    case TRUST_REASON_LETTER_EXPIRED: return "5.4.7";
    default: return action == MAIL_DSN_FAILED ? "5.0.0" : "4.0.0";
    }
}

/* Texts of one report that must outlive its composing. */
struct texts {
    struct buf status[MSG_RECIPIENTS_MAX];
};

static struct mail_dsn_recipient recipient_of(const struct courier_recipient *r, enum mail_dsn_action action,
                                              enum words words, struct buf *status)
{
    buf_init(status, 32);
    struct mail_dsn_recipient out = {.address = &r->address, .action = action,
                                     .status = slice_str(status_of(r, action, status))};
    if (words <= WORDS_BRIEF) {
        out.original = r->mail.orcpt;
        out.attempt_us = clock_utc_us();
        out.reason = slice_str(trust_reason_clerk((uint16_t)r->verdict.reason));
    }
    if (words == WORDS_ALL) {
        out.remote_mta = slice_str(r->host);
        out.diagnostic = slice_str(r->reply);
    }
    return out;
}

static struct slice intro_of(const struct mail_dsn_recipient *recipients, size_t count)
{
    bool failed = false, delayed = false;
    for (size_t i = 0; i < count; i++) {
        failed = failed || recipients[i].action == MAIL_DSN_FAILED;
        delayed = delayed || recipients[i].action == MAIL_DSN_DELAYED;
    }
    if (failed)
        return SLICE_LIT("Your message could not be delivered to one or more of its recipients.");
    if (delayed)
        return SLICE_LIT("Your message has not been delivered yet. You need do nothing; delivery is tried again.");
    return SLICE_LIT("Your message was handed on. What the recipient's side does from here on is not reported.");
}

static struct slice without_brackets(struct slice s)
{
    if (s.len >= 2 && s.data[0] == '<' && s.data[s.len - 1] == '>')
        return slice_sub(s, 1, s.len - 2);
    return s;
}

/* From: of reports: the operator's mailbox. */
static bool reporter(const struct conf *conf, struct mail_address *ret_from, struct err *err)
{
    struct buf text;
    buf_init(&text, 512);
    if (conf->postmaster != NULL)
        buf_append_str(&text, conf->postmaster);
    else
        buf_printf(&text, "postmaster@%s", conf->hostname);
    bool ok = mail_address_parse(buf_slice(&text), MAIL_SMTPUTF8, ret_from, err);
    buf_free(&text);
    return ok;
}

/* One DSN being made. */
struct making {
    struct courier_lease *lease;
    const struct msg_batch *batch;
    const struct msg_batch_item *item;
    struct mail_address from;
    struct mail_address to;
    int64_t now_us;
    bool utf8;
    struct buf text;
};

static bool compose(struct making *m, enum words words, struct err *err)
{
    struct courier_lease *lease = m->lease;
    struct mail_dsn_recipient *recipients = mem_new_array(lease->count, sizeof(*recipients));
    struct texts *texts = mem_new(sizeof(*texts));
    size_t count = 0;
    for (size_t i = 0; i < lease->count; i++) {
        struct line line = line_of(lease, &lease->recipient[i]);
        if (line.owed) {
            recipients[count] = recipient_of(&lease->recipient[i], line.action, words, &texts->status[count]);
            count++;
        }
    }
    const struct mail_dsn dsn = {
        .head = {.from = &m->from, .from_name = slice_str(lease->courier->conf->operator_name), .to = &m->to,
                 .subject = count > 0 && recipients[0].action == MAIL_DSN_FAILED ? SLICE_LIT("Undelivered mail")
                                                                                 : SLICE_LIT("Delivery report"),
                 .utc_us = m->now_us, .id = m->item->id, .host = slice_str(lease->courier->conf->hostname),
                 .automatic = MAIL_COMPOSE_REPLIED},
        .intro = intro_of(recipients, count), .smtputf8 = lease->envelope.smtputf8, .envelope_id = lease->envelope.envid,
        .arrival_us = lease->lease.accepted_us, .message_id = without_brackets(lease->envelope.message_id),
        .date = lease->envelope.date, .recipients = recipients, .count = count};
    bool ok = mail_dsn_compose(&m->text, &dsn, &m->utf8, err);
    for (size_t i = 0; i < count; i++)
        buf_free(&texts->status[i]);
    mem_free(texts);
    mem_free(recipients);
    return ok;
}

static bool compose_to_fit(struct making *m, struct err *err)
{
    bool fits = false;
    enum words words = m->lease->count > DIAGNOSTICS_MAX ? WORDS_BRIEF : WORDS_ALL;
    for (; !fits && words <= WORDS_FEWEST; words++) {
        buf_reset(&m->text);
        fits = compose(m, words, err) && sealed_writer_length(m->text.len) <= MSG_INLINE_MAX;
    }
    return fits || err_set(err, "the report does not fit a record");
}

static bool seal_recipient(const struct making *m, struct buf *out)
{
    struct courier *courier = m->lease->courier;
    struct mail_recipient recipient = {.version = MAIL_RECIPIENT_VERSION};
    struct msg_recipient in = {.notify = MAIL_NOTIFY_NEVER};
    struct buf canonical, plain, sealed;
    buf_init_secret(&canonical, MAIL_ADDRESS_TEXT_MAX);
    buf_init_secret(&plain, FIELD_MAX);
    buf_init(&sealed, MSG_RECIPIENT_MAX);
    mem_random(&recipient.salt, sizeof(recipient.salt));
    bool ok = mail_address_canonical(&canonical, &m->to);
    recipient.address = recipient.canonical = buf_slice(&canonical);
    layout_write(&mail_recipient_layout, &plain, &recipient);
    mail_recipient_name(&recipient, &in.name);
    lookup_tag(courier->sha256, &m->batch->recipient_key, recipient.canonical, &in.recipient);
    lookup_tag(courier->sha256, &m->batch->destination_key, slice_str(m->to.domain.ascii), &in.destination);
    ok = ok && sealed_field_seal(courier->field, &m->item->field_key, &m->item->id, MAIL_FIELD_RECIPIENT, 0,
                                 buf_slice(&plain), &sealed);
    in.sealed = buf_slice(&sealed);
    layout_write(&msg_recipient_layout, out, &in);
    mem_wipe(&recipient, sizeof(recipient));
    buf_free(&canonical);
    buf_free(&plain);
    buf_free(&sealed);
    return ok && buf_ok(out);
}

static bool seal_envelope(const struct making *m, struct slice message_id, struct buf *out)
{
    struct buf plain, from;
    buf_init_secret(&plain, FIELD_MAX);
    buf_init(&from, MAIL_ADDRESS_TEXT_MAX);
    mail_address_canonical(&from, &m->from);
    const struct mail_envelope envelope = {.version = MAIL_ENVELOPE_VERSION, .message_id = message_id,
                                           .mail_from = buf_slice(&from), .smtputf8 = m->utf8, .eight_bit = m->utf8,
                                           .require_tls = m->lease->envelope.require_tls /* RFC 8689 5 */};
    layout_write(&mail_envelope_layout, &plain, &envelope);
    bool ok = buf_ok(&plain) && sealed_field_seal(m->lease->courier->field, &m->item->field_key, &m->item->id,
                                                  MAIL_FIELD_ENVELOPE, 0, buf_slice(&plain), out);
    buf_free(&plain);
    buf_free(&from);
    return ok;
}

static bool seal_content(const struct making *m, struct buf *out, struct tag *ret_tail)
{
    struct sealed_writer *writer = m->lease->courier->writer;
    return sealed_writer_start(writer, m->item->header, &m->item->content_key, NULL) &&
           sealed_writer_update(writer, buf_slice(&m->text), out) && sealed_writer_finish(writer, out, ret_tail);
}

static bool build(struct making *m, struct err *err)
{
    struct courier_lease *lease = m->lease;
    struct buf envelope, recipients, content, message_id;
    char id[ID_TEXT_SIZE];
    char bracketed[MAIL_DOMAIN_MAX + ID_TEXT_SIZE + 4];
    id_text(&m->item->id, id);
    snprintf(bracketed, sizeof(bracketed), "<%s@%.*s>", id, MAIL_DOMAIN_MAX, lease->courier->conf->hostname);
    buf_init(&envelope, MSG_ENVELOPE_MAX);
    buf_init(&recipients, FIELD_MAX);
    buf_init(&content, MSG_INLINE_MAX);
    buf_init(&message_id, 512);
    buf_printf(&message_id, "%s@%s", id, lease->courier->conf->hostname);
    struct msg_message message = {
        .id = m->item->id, .kind = MSG_KIND_DSN, .flags = m->utf8 ? MSG_FLAG_8BIT | MSG_FLAG_UTF8 : 0,
        .tenant = lease->lease.tenant, .accepted_us = m->now_us, .size = m->text.len, .header = m->item->header};
    lookup_tag(lease->courier->sha256, &m->batch->message_id_key, buf_slice(&message_id), &message.message_id);
    bool ok = seal_envelope(m, slice_of(bracketed, strlen(bracketed)), &envelope) && seal_recipient(m, &recipients) &&
              seal_content(m, &content, &message.content_tail);
    message.envelope = buf_slice(&envelope);
    message.recipients = buf_slice(&recipients);
    message.content = buf_slice(&content);
    if (ok)
        layout_write(&msg_message_layout, &lease->dsn, &message);
    buf_free(&envelope);
    buf_free(&recipients);
    buf_free(&content);
    buf_free(&message_id);
    return ok || err_set(err, "the report does not fit a record");
}

static void make(struct courier_lease *lease, const struct msg_batch *batch, const struct msg_batch_item *item)
{
    struct making m = {.lease = lease, .batch = batch, .item = item, .now_us = clock_utc_us()};
    struct err err = {""};
    buf_init_secret(&m.text, MAIL_COMPOSED_MAX);
    bool ok = mail_address_parse(lease->envelope.reverse_path, MAIL_SMTPUTF8, &m.to, &err) &&
              reporter(lease->courier->conf, &m.from, &err) && compose_to_fit(&m, &err) && build(&m, &err);
    if (!ok)
        log_alarm(role_log(lease->courier->role), "a sender cannot be told what became of a message: %s", err.text);
    buf_free(&m.text);
}

static void on_batch(void *ctx, const struct chan_frame *answer)
{
    struct courier_lease *lease = ctx;
    struct msg_batch batch = {.code = 0};
    struct msg_batch_item item;
    bool refused;
    bool good = courier_settle_take_batch(lease, answer, &batch, &refused) &&
                layout_next(&msg_batch_item_layout, &lease->batch_at, &item);
    if (good)
        make(lease, &batch, &item);
    else if (refused)
        log_alarm(role_log(lease->courier->role), "a sender cannot be told what became of a message: no keys");
    mem_wipe(&item, sizeof(item));
    mem_wipe(&batch, sizeof(batch));
    buf_reset(&lease->batch_frame);
    if (lease->stalled)
        return;
    lease->settle = COURIER_SETTLE_DONE;
    courier_lease_step(lease);
}

void courier_dsn_ask(struct courier_lease *lease)
{
    bool owed = false, returned = false;
    for (size_t i = 0; i < lease->count; i++) {
        owed = owed || line_of(lease, &lease->recipient[i]).owed;
        returned = returned || lease->recipient[i].outcome == MSG_OUT_RETURNED;
    }
    bool about_mail = (lease->lease.kind == MSG_LEASE_MAIL || lease->lease.kind == MSG_LEASE_RETURN) &&
                      lease->lease.message_kind == MSG_KIND_MAIL && lease->envelope.reverse_path.len > 0;
    if (returned && lease->lease.message_kind == MSG_KIND_DSN)
        log_alarm(role_log(lease->courier->role), "a report to a sender could not be delivered");
    if (owed && about_mail)
        (void)courier_settle_ask_batch(lease, MSG_PURPOSE_MAIL, 1, 0, on_batch);
    else
        lease->settle = COURIER_SETTLE_DONE;
}
