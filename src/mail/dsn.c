/* SPDX-License-Identifier: Apache-2.0 */
/* Writing DSNs. Whatever came from outside passes put_outside(), which leaves printable characters only. */
#include "mail/dsn.h"

#include "base/clock.h"
#include "base/codec.h"
#include "mail/trace.h"
#include "mail/utf8.h"

#define OUTSIDE_MAX (4 * MAIL_DIAGNOSTIC_MAX) /* every octet may become \xNN */
#define FOLD_AT 400 /* octets after which a long value is folded, below the 998 of a line */

static const char *const ACTIONS[] = {
    [MAIL_DSN_FAILED] = "failed",       [MAIL_DSN_DELAYED] = "delayed",   [MAIL_DSN_DELIVERED] = "delivered",
    [MAIL_DSN_RELAYED] = "relayed", [MAIL_DSN_EXPANDED] = "expanded",
};

/* The writer's view of one DSN. */
struct dsn_writer {
    struct buf *out;
    const struct mail_dsn *dsn;
    bool global; /* RFC 6533 types, addresses as they are */
    char boundary[ID_TEXT_SIZE];
};

/* Text from outside, cut at MAIL_DIAGNOSTIC_MAX, escaped, folded. */
static void put_outside(struct buf *out, struct slice text)
{
    struct buf escaped;
    buf_init(&escaped, OUTSIDE_MAX);
    codec_escape(&escaped, slice_sub(text, 0, MAIL_DIAGNOSTIC_MAX));
    struct slice rest = buf_slice(&escaped);
    for (size_t at = 0; at < rest.len; at += FOLD_AT) {
        if (at > 0)
            buf_append_str(out, "\r\n ");
        buf_append_slice(out, slice_sub(rest, at, FOLD_AT));
    }
    if (text.len > MAIL_DIAGNOSTIC_MAX)
        buf_append_str(out, "...");
    buf_free(&escaped);
}

/* A reply for one line: line ends become spaces before the rest is escaped. */
static void put_reply(struct buf *out, struct slice reply)
{
    char flat[MAIL_DIAGNOSTIC_MAX + 1];
    size_t len = reply.len < sizeof(flat) ? reply.len : sizeof(flat);
    for (size_t i = 0; i < len; i++)
        flat[i] = (char)(reply.data[i] == '\r' || reply.data[i] == '\n' ? ' ' : reply.data[i]);
    put_outside(out, slice_trim(slice_of(flat, len)));
}

static void put_date(struct buf *out, const char *field, int64_t utc_us)
{
    char date[CLOCK_DATE_MAX];
    if (utc_us == 0)
        return;
    clock_rfc5322(utc_us, date);
    buf_printf(out, "%s: %s\r\n", field, date);
}

/* The code point of the well-formed UTF-8 character of n bytes at p. */
static uint32_t code_point(const uint8_t *p, size_t n)
{
    uint32_t value = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++)
        value = value << 6 | (p[i] & 0x3Fu);
    return value;
}

/* utf-8-addr-xtext of RFC 6533 3: ASCII that survives any road. */
static void put_xtext(struct buf *out, struct slice text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t n = mail_utf8_next(slice_sub(text, at, text.len));
        uint8_t c = text.data[at];
        if (n == 1 && c > 32 && c < 127 && strchr("+=\\", c) == NULL)
            buf_append_byte(out, c);
        else
            buf_printf(out, "\\x{%X}", code_point(text.data + at, n));
        at += n;
    }
}

static void put_final_recipient(struct dsn_writer *w, const struct mail_address *address)
{
    struct buf text;
    buf_init(&text, MAIL_ADDRESS_TEXT_MAX);
    mail_address_canonical(&text, address);
    buf_append_str(w->out, address->utf8_local ? "Final-Recipient: utf-8;" : "Final-Recipient: rfc822;");
    if (address->utf8_local && !w->global)
        put_xtext(w->out, buf_slice(&text));
    else
        buf_append_slice(w->out, buf_slice(&text));
    buf_append_str(w->out, "\r\n");
    buf_free(&text);
}

static void put_recipient_fields(struct dsn_writer *w, const struct mail_dsn_recipient *r)
{
    buf_append_str(w->out, "\r\n");
    if (r->original.len > 0) {
        buf_append_str(w->out, "Original-Recipient: ");
        put_outside(w->out, r->original);
        buf_append_str(w->out, "\r\n");
    }
    put_final_recipient(w, r->address);
    buf_printf(w->out, "Action: %s\r\nStatus: ", ACTIONS[r->action]);
    mail_trace_put_fact(w->out, r->status);
    buf_append_str(w->out, "\r\n");
    if (r->remote_mta.len > 0) {
        buf_append_str(w->out, "Remote-MTA: dns; ");
        mail_trace_put_fact(w->out, r->remote_mta);
        buf_append_str(w->out, "\r\n");
    }
    if (r->diagnostic.len > 0) {
        buf_append_str(w->out, "Diagnostic-Code: smtp; ");
        put_reply(w->out, r->diagnostic);
        buf_append_str(w->out, "\r\n");
    }
    put_date(w->out, "Last-Attempt-Date", r->attempt_us);
    if (r->action == MAIL_DSN_DELAYED)
        put_date(w->out, "Will-Retry-Until", r->retry_until_us);
}

static void put_status_part(struct dsn_writer *w)
{
    buf_append_str(w->out, w->global ? "Content-Type: message/global-delivery-status\r\n"
                                       "Content-Transfer-Encoding: 8bit\r\n\r\n"
                                     : "Content-Type: message/delivery-status\r\n\r\n");
    buf_append_str(w->out, "Reporting-MTA: dns; ");
    mail_trace_put_fact(w->out, w->dsn->head.host);
    buf_append_str(w->out, "\r\n");
    if (w->dsn->envelope_id.len > 0) {
        buf_append_str(w->out, "Original-Envelope-Id: ");
        put_outside(w->out, w->dsn->envelope_id);
        buf_append_str(w->out, "\r\n");
    }
    put_date(w->out, "Arrival-Date", w->dsn->arrival_us);
    for (size_t i = 0; i < w->dsn->count; i++)
        put_recipient_fields(w, &w->dsn->recipients[i]);
}

static void put_headers_part(struct dsn_writer *w)
{
    buf_append_str(w->out, w->global ? "Content-Type: message/global-headers\r\n\r\n"
                                     : "Content-Type: text/rfc822-headers\r\n\r\n");
    if (w->dsn->message_id.len > 0) {
        buf_append_str(w->out, "Message-ID: <");
        put_outside(w->out, w->dsn->message_id);
        buf_append_str(w->out, ">\r\n");
    }
    if (w->dsn->date.len > 0) {
        buf_append_str(w->out, "Date: ");
        put_reply(w->out, w->dsn->date);
        buf_append_str(w->out, "\r\n");
    }
}

/* The words for people: the paragraph of the caller, then each recipient with its reason and what the host said. */
static bool put_people_part(struct dsn_writer *w, struct err *err)
{
    struct buf text;
    buf_init(&text, MAIL_TEXT_MAX);
    buf_append_slice(&text, w->dsn->intro);
    buf_append_str(&text, "\r\n");
    for (size_t i = 0; i < w->dsn->count; i++) {
        const struct mail_dsn_recipient *r = &w->dsn->recipients[i];
        buf_append_str(&text, "\r\n<");
        mail_address_text(&text, r->address);
        buf_append_str(&text, ">\r\n    ");
        buf_append_slice(&text, r->reason);
        if (r->diagnostic.len > 0) {
            buf_append_str(&text, "\r\n    The receiving server said: ");
            put_reply(&text, r->diagnostic);
        }
        buf_append_str(&text, "\r\n");
    }
    bool ok = buf_ok(&text) || err_set(err, "the text of the report is too long");
    ok = ok && mail_compose_text_part(w->out, buf_slice(&text), err);
    buf_free(&text);
    return ok;
}

static bool has_utf8_recipient(const struct mail_dsn *dsn)
{
    bool found = false;
    for (size_t i = 0; i < dsn->count; i++)
        found = found || dsn->recipients[i].address->utf8_local;
    return found;
}

static void put_boundary(struct dsn_writer *w, const char *end)
{
    buf_printf(w->out, "\r\n--%s%s\r\n", w->boundary, end);
}

bool mail_dsn_compose(struct buf *out, const struct mail_dsn *dsn, bool *ret_utf8, struct err *err)
{
    struct dsn_writer w = {.out = out, .dsn = dsn};
    *ret_utf8 = false;
    if (dsn->count == 0 || dsn->count > MAIL_DSN_RECIPIENTS_MAX)
        return err_set(err, "a report needs 1 to %d recipients", MAIL_DSN_RECIPIENTS_MAX);
    w.global = dsn->smtputf8 && has_utf8_recipient(dsn);
    id_text(&dsn->head.id, w.boundary);
    if (!mail_compose_head(out, &dsn->head, ret_utf8, err))
        return false;
    *ret_utf8 = *ret_utf8 || w.global;
    buf_printf(out, "Content-Type: multipart/report; report-type=%s;\r\n boundary=\"%s\"\r\n",
               w.global ? "global-delivery-status" : "delivery-status", w.boundary);
    put_boundary(&w, "");
    if (!put_people_part(&w, err))
        return false;
    put_boundary(&w, "");
    put_status_part(&w);
    put_boundary(&w, "");
    put_headers_part(&w);
    put_boundary(&w, "--");
    return buf_ok(out) || err_set(err, "the report is too long");
}
