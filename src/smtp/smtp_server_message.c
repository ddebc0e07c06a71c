/* SPDX-License-Identifier: Apache-2.0 */
/* DATA and BDAT. After BDAT come its bytes, whatever we think of the command; so a refused one is still read to its end,
 * and one whose length we cannot trust ends the session (RFC 3030 section 2, rows 1, 6, 7, 8). */
#include "smtp/smtp_server_internal.h"

static void ask_end(struct smtp_server_session *s)
{
    smtp_server_set_state(s, SMTP_SERVER_WAITING, SMTP_SERVER_ASKED_END);
    s->ops->end(s->ctx);
}

/* Tells the client why the message is refused, and clears it. */
static void refuse_now(struct smtp_server_session *s)
{
    struct smtp_refusal failure = s->transaction.failure;
    bool hang_up = s->transaction.hang_up;
    if (hang_up) { /* what follows cannot be told from a forgery */
        smtp_server_last_word(s, failure.code, failure.status, failure.text.text);
        return;
    }
    smtp_server_reset(s, true);
    smtp_server_set_state(s, SMTP_SERVER_COMMAND, SMTP_SERVER_ASKED_NOTHING);
    smtp_server_reply(s, failure.code, failure.status, failure.text.text);
}

/* A fault of our own finding: the handler may forget the message at once. */
static void fault(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    struct smtp_server_transaction *t = &s->transaction;
    smtp_server_refuse_message(s, code, status, text);
    if (t->forgotten || !t->open)
        return;
    t->forgotten = true;
    s->ops->forget(s->ctx);
}

static void check_fault(struct smtp_server_session *s)
{
    struct smtp_server_transaction *t = &s->transaction;
    if (t->content.fault == SMTP_SERVER_FAULT_NONE || t->forgotten)
        return;
    struct err text;
    t->hang_up = t->content.fault != SMTP_SERVER_FAULT_LINE;
    err_set(&text, "message refused: it holds %s%s", smtp_server_fault_text(t->content.fault), t->hang_up ? "; closing" : "");
    fault(s, 554, "5.6.0", text.text);
}

static void take_content(void *ctx, struct slice content)
{
    struct smtp_server_session *s = ctx;
    struct smtp_server_transaction *t = &s->transaction;
    t->size += content.len;
    if (t->failure.code != 0)
        return;
    if (t->size > s->config->message_max)
        fault(s, 552, "5.3.4", "the message is larger than SIZE allows");
    else
        s->ops->content(s->ctx, content);
}

static void chunk_done(struct smtp_server_session *s)
{
    struct smtp_server_transaction *t = &s->transaction;
    if (t->last && !t->discard) {
        smtp_server_content_finish(&t->content, take_content, s);
        check_fault(s);
    }
    if (t->failure.code != 0) {
        refuse_now(s);
    } else if (t->last) {
        ask_end(s);
    } else {
        smtp_server_set_state(s, SMTP_SERVER_COMMAND, SMTP_SERVER_ASKED_NOTHING);
        smtp_server_reply(s, 250, "2.0.0", "chunk taken");
    }
}

static size_t chunk_bytes(struct smtp_server_session *s, struct slice bytes)
{
    struct smtp_server_transaction *t = &s->transaction;
    struct slice part = slice_sub(bytes, 0, t->left < bytes.len ? (size_t)t->left : bytes.len);
    t->left -= part.len;
    if (!t->discard) {
        smtp_server_content_feed(&t->content, part, take_content, s);
        check_fault(s);
    }
    if (t->left == 0)
        chunk_done(s);
    return part.len;
}

static size_t data_bytes(struct smtp_server_session *s, struct slice bytes)
{
    struct smtp_server_transaction *t = &s->transaction;
    size_t used = smtp_server_content_feed(&t->content, bytes, take_content, s);
    check_fault(s);
    if (t->content.state != SMTP_SERVER_CONTENT_END)
        return used;
    if (t->failure.code != 0)
        refuse_now(s);
    else
        ask_end(s);
    return used;
}

size_t smtp_server_content_bytes(struct smtp_server_session *s, struct slice bytes)
{
    struct smtp_server_transaction *t = &s->transaction;
    t->received += bytes.len;
    if (t->received / 2 > s->config->message_max + SMTP_SERVER_FEED_MAX) {
        smtp_server_hang_up(s, "4.3.2", "the message has no end");
        return bytes.len;
    }
    return s->state == SMTP_SERVER_DATA ? data_bytes(s, bytes) : chunk_bytes(s, bytes);
}

static void ask_begin(struct smtp_server_session *s, bool dots)
{
    smtp_server_content_start(&s->transaction.content, dots);
    smtp_server_set_state(s, SMTP_SERVER_WAITING, SMTP_SERVER_ASKED_BEGIN);
    s->ops->begin(s->ctx);
}

void smtp_server_data(struct smtp_server_session *s)
{
    struct smtp_server_transaction *t = &s->transaction;
    if (!t->open) {
        smtp_server_reply(s, 503, "5.5.1", "MAIL comes first");
    } else if (t->chunked) {
        smtp_server_reset(s, true);
        smtp_server_reply(s, 503, "5.5.1", "DATA and BDAT cannot be mixed; the message is forgotten");
    } else if (t->recipients == 0) {
        smtp_server_reply(s, 503, "5.5.1", "there is no valid recipient");
    } else {
        ask_begin(s, true);
    }
}

void smtp_server_begin(struct smtp_server_session *s)
{
    struct smtp_server_transaction *t = &s->transaction;
    t->begun = true;
    if (!t->chunked) {
        buf_append_str(&s->out, "354 send it, end with a dot on a line of its own\r\n");
        smtp_server_set_state(s, SMTP_SERVER_DATA, SMTP_SERVER_ASKED_NOTHING);
        return;
    }
    smtp_server_set_state(s, SMTP_SERVER_CHUNK, SMTP_SERVER_ASKED_NOTHING);
    if (t->left == 0)
        chunk_done(s);
}

/* Reads the bytes of a BDAT that is refused, then says so. */
static void discard_chunk(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    smtp_server_refuse_message(s, code, status, text);
    s->transaction.discard = true;
    smtp_server_set_state(s, SMTP_SERVER_CHUNK, SMTP_SERVER_ASKED_NOTHING);
    if (s->transaction.left == 0)
        chunk_done(s);
}

void smtp_server_begin_refused(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    if (s->transaction.chunked && code != 421) {
        discard_chunk(s, code, status, text);
        return;
    }
    smtp_server_reset(s, true);
    smtp_server_set_state(s, SMTP_SERVER_COMMAND, SMTP_SERVER_ASKED_NOTHING);
    smtp_server_reply(s, code, status, text);
}

static bool read_chunk(struct slice argument, uint64_t *ret_size, bool *ret_last)
{
    struct slice size;
    struct slice last;
    struct slice more;
    if (!smtp_syntax_word(&argument, &size) || !slice_u64(size, UINT64_MAX, ret_size))
        return false;
    *ret_last = smtp_syntax_word(&argument, &last);
    return !*ret_last || (slice_ieq(last, SLICE_LIT("LAST")) && !smtp_syntax_word(&argument, &more));
}

void smtp_server_bdat(struct smtp_server_session *s, struct slice argument)
{
    struct smtp_server_transaction *t = &s->transaction;
    if (!read_chunk(argument, &t->left, &t->last)) {
        /* whether content follows, and how much, nobody can tell */
        smtp_server_last_word(s, 501, "5.5.4", "BDAT needs a size, and nothing but LAST behind it; closing");
        return;
    }
    if (t->left > s->config->message_max) {
        smtp_server_last_word(s, 552, "5.3.4", "the message is larger than SIZE allows, its chunk is not read; closing");
        return;
    }
    if (!s->tls) {
        discard_chunk(s, 530, "5.7.0", "STARTTLS comes first");
    } else if (!s->authenticated) {
        discard_chunk(s, 530, "5.7.0", "AUTH comes first");
    } else if (!t->open) {
        discard_chunk(s, 503, "5.5.1", "MAIL comes first");
    } else if (t->recipients == 0) {
        discard_chunk(s, 503, "5.5.1", "there is no valid recipient");
    } else if (++t->chunks > SMTP_SERVER_CHUNKS_MAX) {
        smtp_server_hang_up(s, "4.7.0", "too many chunks");
    } else if (t->begun) {
        smtp_server_set_state(s, SMTP_SERVER_CHUNK, SMTP_SERVER_ASKED_NOTHING);
        if (t->left == 0)
            chunk_done(s);
    } else {
        t->chunked = true;
        ask_begin(s, false);
    }
}
