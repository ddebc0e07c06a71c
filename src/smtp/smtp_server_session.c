/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of a server session: input, lines, states, answers. */
#include "smtp/smtp_server_session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/mem.h"
#include "smtp/smtp_server_internal.h"

/* A feed, behind the rest of an unfinished line. */
#define PENDING_MAX (SMTP_SERVER_FEED_MAX + SMTP_SYNTAX_AUTH_MAX)
/* An idle session keeps no more than this of its buffers. */
#define IDLE_BUFFER 1024u

struct smtp_server_session *smtp_server_session_create(const struct smtp_server_config *config,
                                                       const struct smtp_server_ops *ops, void *ctx, bool tls)
{
    struct smtp_server_session *s = mem_new(sizeof(*s));
    s->config = config;
    s->ops = ops;
    s->ctx = ctx;
    s->tls = tls;
    buf_init_secret(&s->pending, PENDING_MAX);
    buf_init(&s->out, SMTP_SERVER_OUTPUT_MAX);
    return s;
}

void smtp_server_session_free(struct smtp_server_session **session)
{
    if (session == NULL || *session == NULL)
        return;
    buf_free(&(*session)->pending);
    buf_free(&(*session)->out);
    mem_free_secret(*session, sizeof(**session));
    *session = NULL;
}

void smtp_server_set_state(struct smtp_server_session *s, enum smtp_server_state state,
                           enum smtp_server_question question)
{
    if (s->state == SMTP_SERVER_OVER)
        return; /* the end is the end, whatever an answer under way still wants */
    assert((state == SMTP_SERVER_WAITING) == (question != SMTP_SERVER_ASKED_NOTHING));
    s->state = state;
    s->question = question;
    if (state == SMTP_SERVER_SKIP) {
        s->skipped = 0;
        s->skipped_last = 0;
    }
}

void smtp_server_reset(struct smtp_server_session *s, bool forget)
{
    bool tell = forget && s->transaction.open && !s->transaction.forgotten;
    mem_wipe(&s->transaction, sizeof(s->transaction));
    if (tell)
        s->ops->forget(s->ctx);
}

static void put_line(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    uint8_t digits[4] = {(uint8_t)('0' + code / 100 % 10), (uint8_t)('0' + code / 10 % 10), (uint8_t)('0' + code % 10), ' '};
    buf_append(&s->out, digits, sizeof(digits));
    buf_append_str(&s->out, status);
    buf_append_byte(&s->out, ' ');
    if (smtp_syntax_is_printable(slice_str(text)))
        buf_append_str(&s->out, text);
    else
        codec_escape(&s->out, slice_str(text));
    buf_append_str(&s->out, "\r\n");
}

void smtp_server_last_word(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    if (s->state == SMTP_SERVER_OVER)
        return;
    put_line(s, code, status, text);
    smtp_server_auth_drop(s);
    smtp_server_reset(s, true);
    smtp_server_set_state(s, SMTP_SERVER_OVER, SMTP_SERVER_ASKED_NOTHING);
}

void smtp_server_hang_up(struct smtp_server_session *s, const char *status, const char *text)
{
    smtp_server_last_word(s, 421, status, text);
}

static bool is_one_error_too_many(struct smtp_server_session *s)
{
    s->errors++;
    return s->errors > (s->authenticated ? SMTP_SERVER_ERRORS_MAX : SMTP_SERVER_ERRORS_UNKNOWN_MAX);
}

void smtp_server_reply(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    if (s->state == SMTP_SERVER_OVER)
        return;
    if (code >= 500 && is_one_error_too_many(s))
        smtp_server_hang_up(s, "4.7.0", "too many errors");
    else if (code == 421)
        smtp_server_hang_up(s, status, text);
    else
        put_line(s, code, status, text);
}

void smtp_server_refuse_message(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    struct smtp_server_transaction *t = &s->transaction;
    if (t->failure.code != 0)
        return;
    t->failure.code = code;
    t->failure.status = status;
    err_set(&t->failure.text, "%s", text);
}

/* A command line: longer for AUTH, which carries its initial response. */
static size_t line_max(const struct smtp_server_session *s, struct slice bytes)
{
    bool auth = s->state == SMTP_SERVER_AUTH_LINE || slice_istarts(bytes, SLICE_LIT("AUTH "));
    return auth ? SMTP_SYNTAX_AUTH_MAX : SMTP_SYNTAX_COMMAND_MAX;
}

static void bare_line(struct smtp_server_session *s)
{
    smtp_server_last_word(s, 500, "5.5.2", "a line must end with carriage return and line feed; closing");
}

static void run_line(struct smtp_server_session *s, struct slice line)
{
    if (s->state == SMTP_SERVER_AUTH_LINE)
        smtp_server_auth_line(s, line);
    else
        smtp_server_command(s, line);
}

static void skip_start(struct smtp_server_session *s)
{
    smtp_server_auth_drop(s);
    smtp_server_set_state(s, SMTP_SERVER_SKIP, SMTP_SERVER_ASKED_NOTHING);
}

/* State COMMAND or AUTH_LINE: one line, or nothing when it is not whole. */
static size_t step_line(struct smtp_server_session *s, struct slice bytes)
{
    size_t max = line_max(s, bytes);
    size_t lf = slice_find(bytes, 0, '\n');
    if (lf >= max) {
        skip_start(s);
        return 0;
    }
    if (lf == bytes.len) {
        if (lf + 1 >= max)
            skip_start(s);
        return 0;
    }
    if (lf == 0 || bytes.data[lf - 1] != '\r')
        bare_line(s);
    else
        run_line(s, slice_sub(bytes, 0, lf - 1));
    return lf + 1;
}

/* State SKIP: throws away up to the line's end. */
static size_t step_skip(struct smtp_server_session *s, struct slice bytes)
{
    size_t lf = slice_find(bytes, 0, '\n');
    bool cr = lf == 0 ? s->skipped_last == '\r' : bytes.data[lf - 1] == '\r';
    s->skipped += lf;
    s->skipped_last = bytes.data[lf < bytes.len ? lf : lf - 1];
    if (s->skipped > SMTP_SYNTAX_ENDLESS_MAX) {
        smtp_server_hang_up(s, "4.7.0", "a line has no end");
        return bytes.len;
    }
    if (lf == bytes.len)
        return lf;
    if (!cr) {
        bare_line(s);
    } else {
        smtp_server_set_state(s, SMTP_SERVER_COMMAND, SMTP_SERVER_ASKED_NOTHING);
        smtp_server_reply(s, 500, "5.5.6", "the line is too long");
    }
    return lf + 1;
}

static size_t step(struct smtp_server_session *s, struct slice bytes)
{
    switch (s->state) {
    case SMTP_SERVER_COMMAND:
    case SMTP_SERVER_AUTH_LINE:
        return step_line(s, bytes);
    case SMTP_SERVER_SKIP:
        return step_skip(s, bytes);
    case SMTP_SERVER_DATA:
    case SMTP_SERVER_CHUNK:
        return smtp_server_content_bytes(s, bytes);
    case SMTP_SERVER_WAITING:
        return 0;
    case SMTP_SERVER_HANDSHAKE: /* row 3: sent before TLS, thrown away unread */
        smtp_server_set_state(s, SMTP_SERVER_OVER, SMTP_SERVER_ASKED_NOTHING);
        return bytes.len;
    case SMTP_SERVER_OVER:
        break;
    }
    return bytes.len;
}

/* Goes on as long as a step uses bytes or changes the state. Returns the bytes used. */
static size_t work(struct smtp_server_session *s, struct slice bytes)
{
    s->working = true;
    size_t at = 0;
    while (at < bytes.len) {
        enum smtp_server_state before = s->state;
        size_t used = step(s, slice_sub(bytes, at, bytes.len - at));
        at += used;
        if (used == 0 && s->state == before)
            break;
    }
    s->working = false;
    if (!buf_ok(&s->out)) { /* the caller lets replies pile up: nothing sensible can be said any more */
        smtp_server_reset(s, true);
        smtp_server_set_state(s, SMTP_SERVER_OVER, SMTP_SERVER_ASKED_NOTHING);
    }
    return at;
}

/* Uses what is pending, after a feed or an answer. */
static void resume(struct smtp_server_session *s)
{
    if (s->working || s->pending.len == 0)
        return;
    size_t used = work(s, buf_slice(&s->pending));
    if (used < s->pending.len)
        buf_consume(&s->pending, used);
    else if (s->pending.cap > IDLE_BUFFER)
        buf_free(&s->pending);
    else
        buf_reset(&s->pending);
}

void smtp_server_session_feed(struct smtp_server_session *session, struct slice bytes)
{
    if (session->state == SMTP_SERVER_OVER)
        return;
    if (session->pending.len == 0) {
        size_t used = work(session, bytes);
        bytes = slice_sub(bytes, used, bytes.len - used);
        buf_append_slice(&session->pending, bytes);
    } else {
        buf_append_slice(&session->pending, bytes);
        resume(session);
    }
    if (!buf_ok(&session->pending))
        smtp_server_hang_up(session, "4.3.2", "too much input at once");
}

void smtp_server_session_greet(struct smtp_server_session *session)
{
    buf_printf(&session->out, "220 %s ESMTP Sealpost\r\n", session->config->hostname);
}

bool smtp_server_session_wants_input(const struct smtp_server_session *session)
{
    return session->state != SMTP_SERVER_WAITING && session->state != SMTP_SERVER_HANDSHAKE &&
           session->state != SMTP_SERVER_OVER;
}

struct buf *smtp_server_session_output(struct smtp_server_session *session)
{
    return &session->out;
}

bool smtp_server_session_is_over(const struct smtp_server_session *session)
{
    return session->state == SMTP_SERVER_OVER;
}

bool smtp_server_session_wants_tls(const struct smtp_server_session *session)
{
    return session->state == SMTP_SERVER_HANDSHAKE;
}

void smtp_server_session_tls(struct smtp_server_session *session)
{
    assert(session->state == SMTP_SERVER_HANDSHAKE);
    buf_reset(&session->pending);
    smtp_server_reset(session, true);
    mem_wipe(session->helo, sizeof(session->helo));
    session->esmtp = false;
    session->errors = session->commands = 0;
    session->tls = true;
    smtp_server_set_state(session, SMTP_SERVER_COMMAND, SMTP_SERVER_ASKED_NOTHING);
}

/* The answer to end(): yes or no, the transaction is over. */
static void answer_end(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    smtp_server_reset(s, false);
    if (code < 300)
        s->errors = s->commands = 0;
    smtp_server_set_state(s, SMTP_SERVER_COMMAND, SMTP_SERVER_ASKED_NOTHING);
    smtp_server_reply(s, code, status, text);
    if (s->drained)
        smtp_server_hang_up(s, s->drain_status, s->drain_text);
}

static void answer(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    enum smtp_server_question question = s->question;
    switch (question) {
    case SMTP_SERVER_ASKED_NOTHING: /* the session ended while the answer was under way */
        return;
    case SMTP_SERVER_ASKED_BEGIN:
        smtp_server_begin_refused(s, code, status, text);
        return;
    case SMTP_SERVER_ASKED_END:
        answer_end(s, code, status, text);
        return;
    case SMTP_SERVER_ASKED_MAIL:
        s->transaction.open = code < 300;
        if (!s->transaction.open)
            smtp_server_reset(s, false);
        break;
    case SMTP_SERVER_ASKED_RCPT:
        s->transaction.recipients += code < 300 ? 1 : 0;
        break;
    case SMTP_SERVER_ASKED_AUTH:
        s->auth_open = false;
        break;
    }
    smtp_server_set_state(s, SMTP_SERVER_COMMAND, SMTP_SERVER_ASKED_NOTHING);
    smtp_server_reply(s, code, status, text);
}

void smtp_server_session_answer(struct smtp_server_session *session, unsigned code, const char *status,
                                const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    answer(session, code, status, text);
    resume(session);
}

void smtp_server_session_challenge(struct smtp_server_session *session, struct slice challenge)
{
    if (session->question != SMTP_SERVER_ASKED_AUTH)
        return;
    buf_append_str(&session->out, "334 ");
    codec_base64(&session->out, challenge);
    buf_append_str(&session->out, "\r\n");
    smtp_server_set_state(session, SMTP_SERVER_AUTH_LINE, SMTP_SERVER_ASKED_NOTHING);
    resume(session);
}

void smtp_server_session_authenticated(struct smtp_server_session *session)
{
    if (session->question != SMTP_SERVER_ASKED_AUTH)
        return;
    session->authenticated = true;
    session->errors = session->commands = 0;
    smtp_server_session_answer(session, 235, "2.7.0", "you are known");
}

void smtp_server_session_go_ahead(struct smtp_server_session *session)
{
    if (session->question != SMTP_SERVER_ASKED_BEGIN)
        return;
    smtp_server_begin(session);
    resume(session);
}

void smtp_server_session_fail(struct smtp_server_session *session, unsigned code, const char *status,
                              const char *format, ...)
{
    if (!session->transaction.begun || session->question == SMTP_SERVER_ASKED_END)
        return;
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    smtp_server_refuse_message(session, code, status, text);
}

void smtp_server_session_drain(struct smtp_server_session *session, const char *status, const char *text)
{
    if (session->question != SMTP_SERVER_ASKED_END) {
        smtp_server_hang_up(session, status, text);
        return;
    }
    session->drained = true;
    session->drain_status = status;
    session->drain_text = text;
}

bool smtp_server_session_is_committing(const struct smtp_server_session *session)
{
    return session->question == SMTP_SERVER_ASKED_END;
}

bool smtp_server_session_is_authenticated(const struct smtp_server_session *session)
{
    return session->authenticated;
}

bool smtp_server_session_in_content(const struct smtp_server_session *session)
{
    return session->state == SMTP_SERVER_DATA || session->state == SMTP_SERVER_CHUNK;
}

const char *smtp_server_session_helo(const struct smtp_server_session *session)
{
    return session->helo;
}
