/* SPDX-License-Identifier: Apache-2.0 */
/* The submission filter. Lines are looked at in runs without a line end: three searches per run find what is wrong
 * with it; only a run in which something is wrong is walked byte by byte, to find what is wrong first. */
#include "mail/submission.h"

#include <assert.h>

#include "base/clock.h"
#include "mail/utf8.h"

/* Received with all its facts stays below 2 KB; Date and Message-ID below 1 KB. */
#define TOP_MAX (MAIL_HEADER_MAX + 3072u)
#define MADE_ID_MAX 512u
static_assert(CLOCK_DATE_MAX <= sizeof(((struct mail_submission *)0)->date), "date buffer");

static void submission_enter(struct mail_submission *s, enum mail_submission_state state)
{
    if (s->state != MAIL_SUBMISSION_FAILED)
        s->state = state;
}

static bool refuse(struct mail_submission *s, enum mail_refusal refusal)
{
    s->refusal = refusal;
    submission_enter(s, MAIL_SUBMISSION_FAILED);
    return false;
}

void mail_submission_init(struct mail_submission *s, const struct mail_trace *trace)
{
    *s = (struct mail_submission){.flags = trace->smtputf8 ? MAIL_SMTPUTF8 : 0};
    buf_init_secret(&s->header, MAIL_HEADER_MAX);
    buf_init_secret(&s->top, TOP_MAX);
    buf_init(&s->made_id, MADE_ID_MAX);
    mail_trace_append(&s->top, trace);
    clock_rfc5322(trace->utc_us, s->date);
    mail_trace_put_fact(&s->made_id, trace->id);
    buf_append_byte(&s->made_id, '@');
    mail_trace_put_fact(&s->made_id, trace->host);
}

void mail_submission_free(struct mail_submission *s)
{
    if (s == NULL)
        return;
    mail_mailbox_list_free(&s->from);
    mail_mailbox_list_free(&s->sender);
    mail_mailbox_list_free(&s->resent);
    buf_free(&s->header);
    buf_free(&s->top);
    buf_free(&s->made_id);
    s->message_id = SLICE_EMPTY;
}

/* --- lines --- */

/* The definition of a good line, byte by byte. */
static enum mail_refusal look_at_byte(struct mail_submission *s, uint8_t c)
{
    if (c == '\n' && !s->last_cr)
        return MAIL_REFUSAL_BARE_LF;
    if (c != '\n' && s->last_cr)
        return MAIL_REFUSAL_BARE_CR;
    if (c == '\0')
        return MAIL_REFUSAL_NUL;
    if (c != '\r' && c != '\n' && s->line_len >= MAIL_LINE_MAX)
        return MAIL_REFUSAL_LINE_LENGTH;
    s->last_cr = c == '\r';
    s->line_len = c == '\n' ? 0 : s->line_len + 1;
    return MAIL_REFUSAL_NONE;
}

static bool look_closely(struct mail_submission *s, struct slice run)
{
    for (size_t i = 0; i < run.len; i++) {
        enum mail_refusal refusal = look_at_byte(s, run.data[i]);
        if (refusal != MAIL_REFUSAL_NONE)
            return refuse(s, refusal);
    }
    return true;
}

/* A run that ends in LF or at the end of the input and holds no LF before. */
static bool look_at_run(struct mail_submission *s, struct slice run)
{
    struct slice text = run;
    bool ends = text.data[text.len - 1] == '\n';
    if (ends)
        text.len--;
    if (ends && text.len > 0 && text.data[text.len - 1] == '\r')
        text.len--;
    bool whole = !ends || run.len - text.len == 2;
    bool clean = whole && !s->last_cr && s->line_len + text.len <= MAIL_LINE_MAX &&
                 memchr(text.data, '\r', text.len) == NULL && memchr(text.data, '\0', text.len) == NULL;
    if (!clean)
        return look_closely(s, run);
    s->line_len = ends ? 0 : s->line_len + text.len;
    return true;
}

/* Length of the run at the start of in. */
static size_t run_length(struct slice in)
{
    const uint8_t *lf = memchr(in.data, '\n', in.len);
    return lf == NULL ? in.len : (size_t)(lf - in.data) + 1;
}

/* --- the header as a whole --- */

/* Reads the one field called name, or none. */
static bool read_mailboxes(const struct mail_header *header, struct slice name, unsigned flags,
                           struct mail_mailbox_list *list)
{
    size_t i = mail_header_find(header, name, 0);
    if (i == header->count)
        return true;
    if (mail_header_find(header, name, i + 1) < header->count)
        return false;
    return mail_mailbox_list_parse(header->fields[i].value, flags, list, NULL);
}

/* Reads all fields called name: a message may have been sent again more than once (RFC 5322 3.6.6). */
static bool read_all_mailboxes(const struct mail_header *header, struct slice name, unsigned flags,
                               struct mail_mailbox_list *list)
{
    for (size_t i = mail_header_find(header, name, 0); i < header->count; i = mail_header_find(header, name, i + 1)) {
        if (!mail_mailbox_list_add(header->fields[i].value, flags, list, NULL))
            return false;
    }
    return true;
}

static bool judge_header(struct mail_submission *s, const struct mail_header *header)
{
    struct slice block = buf_slice(&s->header);
    s->header_8bit = !mail_utf8_ascii(block);
    if ((s->flags & MAIL_SMTPUTF8) != 0 && !mail_utf8_valid(block))
        return refuse(s, MAIL_REFUSAL_HEADER_UTF8);
    if (!read_mailboxes(header, SLICE_LIT("From"), s->flags, &s->from))
        return refuse(s, MAIL_REFUSAL_FROM);
    if (!read_mailboxes(header, SLICE_LIT("Sender"), s->flags, &s->sender) || s->sender.count > 1)
        return refuse(s, MAIL_REFUSAL_FROM);
    if (!read_all_mailboxes(header, SLICE_LIT("Resent-From"), s->flags, &s->resent) ||
        !read_all_mailboxes(header, SLICE_LIT("Resent-Sender"), s->flags, &s->resent))
        return refuse(s, MAIL_REFUSAL_FROM);
    if (mail_header_tls_required(header) == MAIL_TLS_REQUIRED_NO)
        return refuse(s, MAIL_REFUSAL_TLS_OPTIONAL);
    if (!mail_header_minimum(header, &s->minimum))
        return refuse(s, MAIL_REFUSAL_MINIMUM);
    return true;
}

/* Fields for us alone: they are not sent on. */
static bool is_blind(struct slice name)
{
    return slice_ieq(name, SLICE_LIT("Bcc")) || slice_ieq(name, SLICE_LIT("Resent-Bcc")) ||
           slice_ieq(name, SLICE_LIT(MAIL_MINIMUM_FIELD));
}

/* The Message-ID that the message has, or the one it gets. */
static struct slice find_message_id(const struct mail_submission *s, const struct mail_header *header)
{
    size_t i = mail_header_find(header, SLICE_LIT("Message-ID"), 0);
    if (i == header->count)
        return buf_slice(&s->made_id);
    struct slice value = header->fields[i].value;
    size_t open = slice_find(value, 0, '<');
    size_t close = slice_find(value, open, '>');
    return close < value.len ? slice_sub(value, open + 1, close - open - 1) : slice_trim(value);
}

/* Appends the new header behind Received: what is missing, then every field that is not blind, then the empty line. */
static void write_header(struct mail_submission *s, const struct mail_header *header, struct slice empty_line)
{
    if (mail_header_count(header, SLICE_LIT("Date")) == 0)
        buf_printf(&s->top, "Date: %s\r\n", s->date);
    if (mail_header_count(header, SLICE_LIT("Message-ID")) == 0) {
        buf_append_str(&s->top, "Message-ID: <");
        buf_append_slice(&s->top, buf_slice(&s->made_id));
        buf_append_str(&s->top, ">\r\n");
    }
    for (size_t i = 0; i < header->count; i++) {
        if (!is_blind(header->fields[i].name))
            buf_append_slice(&s->top, header->fields[i].whole);
    }
    buf_append_slice(&s->top, empty_line);
}

/* The block is complete, with or without an empty line at its end. */
static bool end_header(struct mail_submission *s, bool has_empty_line, struct mail_submission_output *out)
{
    struct slice block = buf_slice(&s->header);
    struct slice empty_line = has_empty_line ? SLICE_LIT("\r\n") : SLICE_EMPTY;
    block.len -= empty_line.len;
    struct mail_header header;
    if (!mail_header_scan(block, &header, NULL))
        return refuse(s, MAIL_REFUSAL_HEADER_SYNTAX);
    bool ok = judge_header(s, &header);
    if (ok) {
        s->message_id = find_message_id(s, &header);
        write_header(s, &header, empty_line);
        assert(buf_ok(&s->top));
        out->head = buf_slice(&s->top);
        submission_enter(s, MAIL_SUBMISSION_BODY);
    }
    mail_header_free(&header);
    return ok;
}

/* A run of the header. What would pass the limit is not even looked at. */
static bool take_header_run(struct mail_submission *s, struct slice run, struct mail_submission_output *out)
{
    bool fresh = s->line_len == 0 || (s->line_len == 1 && s->last_cr);
    size_t room = MAIL_HEADER_MAX - s->header.len;
    struct slice fits = slice_sub(run, 0, room);
    if (fits.len > 0 && !look_at_run(s, fits))
        return false;
    if (fits.len < run.len)
        return refuse(s, MAIL_REFUSAL_HEADER_SIZE);
    buf_append_slice(&s->header, run);
    bool line_ended = s->line_len == 0;
    bool only_line_end = run.len == 1 || (run.len == 2 && run.data[0] == '\r');
    return fresh && line_ended && only_line_end ? end_header(s, true, out) : true;
}

/* --- the caller's side --- */

static bool feed_header(struct mail_submission *s, struct slice *in, struct mail_submission_output *out)
{
    while (in->len > 0 && s->state == MAIL_SUBMISSION_HEADER) {
        struct slice run = slice_of(in->data, run_length(*in));
        if (!take_header_run(s, run, out))
            return false;
        *in = slice_sub(*in, run.len, in->len);
    }
    return true;
}

static bool feed_body(struct mail_submission *s, struct slice in)
{
    size_t at = 0;
    while (at < in.len) {
        struct slice rest = slice_of(in.data + at, in.len - at);
        struct slice run = slice_of(rest.data, run_length(rest));
        if (!look_at_run(s, run))
            return false;
        at += run.len;
    }
    if (!s->body_8bit)
        s->body_8bit = !mail_utf8_ascii(in);
    return true;
}

bool mail_submission_feed(struct mail_submission *s, struct slice in, struct mail_submission_output *ret_out)
{
    *ret_out = (struct mail_submission_output){0};
    if (s->state == MAIL_SUBMISSION_FAILED)
        return false;
    if (feed_header(s, &in, ret_out) && feed_body(s, in)) {
        ret_out->body = in;
        return true;
    }
    *ret_out = (struct mail_submission_output){0};
    return false;
}

bool mail_submission_finish(struct mail_submission *s, struct mail_submission_output *ret_out)
{
    *ret_out = (struct mail_submission_output){0};
    if (s->state == MAIL_SUBMISSION_FAILED)
        return false;
    if (s->last_cr)
        return refuse(s, MAIL_REFUSAL_BARE_CR);
    return s->state == MAIL_SUBMISSION_BODY || end_header(s, false, ret_out);
}
