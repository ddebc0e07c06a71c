/* SPDX-License-Identifier: Apache-2.0 */
/* Notices and codes. */
#include "roles/courier_notice.h"

#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/compose.h"
#include "mail/template.h"
#include "roles/courier_lease.h"
#include "roles/courier_session.h"

#define SECRET_MAX ((size_t)256)

static const char code_subject[] = "Your one-time code";
static const char code_text[] = "Your code for the secure message from {operator} is:\n\n{code}\n\n"
                                "It can be used until {expires}. If you did not ask for it, you need do nothing.\n";

/* The link token or code behind this lease, and which it is. */
static bool open_secret(struct courier_lease *lease, struct buf *out, bool *ret_code, struct err *err)
{
    struct sealed_field *field = lease->courier->field;
    const struct msg_lease *l = &lease->lease;
    *ret_code = false;
    if (l->kind == MSG_LEASE_NOTICE)
        return sealed_field_open(field, &lease->keys.field_key, &l->message, MAIL_FIELD_TOKEN, 0, l->extra, out, err);
    *ret_code = sealed_field_open(field, &lease->extra_keys.field_key, &l->extra_id, MAIL_FIELD_CODE, 0, l->extra, out, err);
    return *ret_code ||
           sealed_field_open(field, &lease->extra_keys.field_key, &l->extra_id, MAIL_FIELD_TOKEN, 0, l->extra, out, err);
}

static void date_text(int64_t utc_us, struct buf *out)
{
    char text[64];
    struct tm tm;
    time_t seconds = (time_t)(utc_us / CLOCK_US_PER_S);
    gmtime_r(&seconds, &tm);
    size_t n = strftime(text, sizeof(text), "%d %B %Y, %H:%M UTC", &tm);
    buf_append(out, text, n);
}

static struct slice words(const char *text)
{
    return text == NULL ? SLICE_LIT("") : slice_str(text);
}

static bool fill_text(struct courier_lease *lease, struct slice secret, bool code, struct buf *out, struct err *err)
{
    const struct conf *conf = lease->courier->conf;
    struct mail_template_values values = {{{0}}};
    struct buf link, expires;
    buf_init_secret(&link, MAIL_VALUE_MAX);
    buf_init(&expires, 64);
    date_text(lease->lease.expires_us, &expires);
    buf_printf(&link, "%s/l/", conf->center_base_url == NULL ? "" : conf->center_base_url);
    buf_append_slice(&link, secret);
    values.value[MAIL_TEMPLATE_OPERATOR] = words(conf->operator_name);
    values.value[MAIL_TEMPLATE_EXPIRES] = buf_slice(&expires);
    if (code)
        values.value[MAIL_TEMPLATE_CODE] = secret;
    else
        values.value[MAIL_TEMPLATE_LINK] = buf_slice(&link);
    bool ok = (buf_ok(&link) || err_set(err, "the link is too long")) &&
              mail_template_fill(out, code ? slice_str(code_text) : words(conf->notice_text), &values, err);
    buf_free(&link);
    buf_free(&expires);
    return ok;
}

/* From: of notices, or postmaster at our own name when none is configured. */
static bool sender(const struct conf *conf, struct mail_address *ret_from, struct err *err)
{
    struct buf text;
    buf_init(&text, 512);
    if (conf->notice_from != NULL)
        buf_append_str(&text, conf->notice_from);
    else
        buf_printf(&text, "postmaster@%s", conf->hostname);
    bool ok = mail_address_parse(buf_slice(&text), MAIL_SMTPUTF8, ret_from, err) || err_prefix(err, "notice { from }: ");
    buf_free(&text);
    return ok;
}

bool courier_notice_compose(struct courier_lease *lease, struct err *err)
{
    const struct conf *conf = lease->courier->conf;
    struct buf secret, text;
    struct mail_address from;
    bool code = false;
    buf_init_secret(&secret, SECRET_MAX);
    buf_init_secret(&text, MAIL_TEXT_MAX);
    bool ok = sender(conf, &from, err) && open_secret(lease, &secret, &code, err) &&
              fill_text(lease, buf_slice(&secret), code, &text, err);
    if (ok) {
        int64_t now = clock_utc_us();
        const struct mail_compose_head head = {
            .from = &from, .from_name = words(conf->operator_name), .to = &lease->recipient[0].address,
            .subject = code ? slice_str(code_subject) : words(conf->notice_subject), .utc_us = now, .id = id_make(now),
            .host = slice_str(conf->hostname), .automatic = MAIL_COMPOSE_GENERATED};
        ok = mail_compose_text(&lease->text, &head, buf_slice(&text), &lease->text_utf8, err);
    }
    buf_free(&secret);
    buf_free(&text);
    return ok;
}

struct smtp_permit *courier_notice_permit(struct courier_lease *lease)
{
    return smtp_permit_notice(peer_smtp(lease->session->peer));
}

static void decide(struct courier_lease *lease, enum trust_reason reason, enum msg_outcome outcome)
{
    struct courier_recipient *r = &lease->recipient[0];
    if (!r->decided)
        r->verdict = (struct trust_verdict){.action = TRUST_LATER, .reason = reason};
    r->verdict.reason = reason;
    r->decided = true;
    r->outcome = (uint8_t)outcome;
}

/* Reasons of the last host are more telling than "later". */
static enum trust_reason reason_now(const struct courier_lease *lease)
{
    return lease->verdict.reason == TRUST_REASON_NONE || lease->verdict.reason == TRUST_REASON_PROVED
               ? TRUST_REASON_PROVED_4XX
               : lease->verdict.reason;
}

void courier_notice_ended(struct courier_lease *lease)
{
    struct courier_recipient *r = &lease->recipient[0];
    if (r->decided && r->verdict.action == TRUST_SEND) {
        lease->recipient[0].verdict.level = lease->verdict.action == TRUST_SEND ? lease->verdict.level : TRUST_LEVEL_NONE;
        decide(lease, TRUST_REASON_NOTICE_SENT, MSG_OUT_DELIVERED);
    } else {
        switch (trust_notice_end(&lease->notice)) {
        case TRUST_NOTICE_REFUSED: decide(lease, TRUST_REASON_NOTICE_REFUSED, MSG_OUT_REFUSED); break;
        case TRUST_NOTICE_HELD: decide(lease, TRUST_REASON_NOTICE_HELD, MSG_OUT_HELD); break;
        default: decide(lease, reason_now(lease), MSG_OUT_LATER); break;
        }
    }
    courier_lease_go(lease, COURIER_SETTLE);
}
