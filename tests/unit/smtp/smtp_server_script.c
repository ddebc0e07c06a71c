/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted client and its handler. */
#include "unit.h"

#include "base/codec.h"
#include "smtp_server_script.h"

enum owed { OWED_NOTHING, OWED_AUTH, OWED_MAIL, OWED_RCPT, OWED_BEGIN, OWED_END };

struct player {
    struct smtp_server_session *session;
    struct buf events;
    struct buf content;
    enum owed owed;
    bool yes; /* the answer owed */
    bool later;
};

static void settle(struct player *p)
{
    enum owed owed = p->owed;
    p->owed = OWED_NOTHING;
    if (owed == OWED_BEGIN && p->yes)
        smtp_server_session_go_ahead(p->session);
    else if (owed == OWED_AUTH && p->yes)
        smtp_server_session_authenticated(p->session);
    else if (owed == OWED_AUTH)
        smtp_server_session_answer(p->session, 535, "5.7.8", "no");
    else if (owed == OWED_BEGIN)
        smtp_server_session_answer(p->session, 451, "4.3.2", "not now");
    else if (p->yes)
        smtp_server_session_answer(p->session, 250, "2.0.0", owed == OWED_END ? "ID" : "OK");
    else
        smtp_server_session_answer(p->session, 550, "5.7.1", "no");
}

static void owe(struct player *p, enum owed owed, bool yes)
{
    assert_int_equal(p->owed, OWED_NOTHING);
    p->owed = owed;
    p->yes = yes;
    if (!p->later)
        settle(p);
}

static void on_auth(void *ctx, struct slice mechanism, bool has_initial, struct slice initial)
{
    struct player *p = ctx;
    buf_append_str(&p->events, "AUTH ");
    buf_append_slice(&p->events, mechanism);
    buf_append_str(&p->events, has_initial ? " +\n" : "\n");
    if (!has_initial && slice_ieq(mechanism, SLICE_LIT("LOGIN")))
        smtp_server_session_challenge(p->session, SLICE_LIT("Username:"));
    else
        owe(p, OWED_AUTH, slice_eq(initial, slice_of("\0u\0p", 4)));
}

static void on_auth_response(void *ctx, struct slice response)
{
    struct player *p = ctx;
    buf_append_str(&p->events, "RESPONSE\n");
    owe(p, OWED_AUTH, slice_eq(response, SLICE_LIT("yes")));
}

static void on_auth_forget(void *ctx)
{
    struct player *p = ctx;
    buf_append_str(&p->events, "AUTH FORGET\n");
}

static void put_address(struct player *p, const char *what, const struct mail_address *address)
{
    buf_append_str(&p->events, what);
    mail_address_canonical(&p->events, address);
    buf_append_str(&p->events, "\n");
}

static void on_mail(void *ctx, const struct smtp_mail *mail)
{
    struct player *p = ctx;
    put_address(p, "MAIL ", &mail->from);
    if (mail->require_tls) {
        p->events.len--; /* on the line of its address */
        buf_append_str(&p->events, " REQUIRETLS\n");
    }
    owe(p, OWED_MAIL, strcmp(mail->from.local, "bad") != 0);
}

static void on_rcpt(void *ctx, const struct smtp_rcpt *rcpt)
{
    struct player *p = ctx;
    put_address(p, "RCPT ", &rcpt->to);
    owe(p, OWED_RCPT, strcmp(rcpt->to.local, "bad") != 0);
}

static void on_begin(void *ctx)
{
    struct player *p = ctx;
    buf_append_str(&p->events, "BEGIN\n");
    buf_reset(&p->content);
    owe(p, OWED_BEGIN, true);
}

static void on_content(void *ctx, struct slice content)
{
    struct player *p = ctx;
    buf_append_slice(&p->content, content);
    if (slice_find(buf_slice(&p->content), 0, '!') < p->content.len)
        smtp_server_session_fail(p->session, 550, "5.7.1", "no shouting");
}

static void on_end(void *ctx)
{
    struct player *p = ctx;
    buf_append_str(&p->events, "END ");
    codec_escape(&p->events, buf_slice(&p->content));
    buf_append_str(&p->events, "\n");
    owe(p, OWED_END, true);
}

static void on_forget(void *ctx)
{
    struct player *p = ctx;
    buf_append_str(&p->events, "FORGET\n");
}

static const struct smtp_server_ops ops = {on_auth,    on_auth_response, on_auth_forget, on_mail,  on_rcpt,
                                           on_begin,   on_content,       on_end,         on_forget};

static const struct smtp_server_config config = {"mx.example", "PLAIN LOGIN", SCRIPT_MESSAGE_MAX,
                                                 SCRIPT_RECIPIENTS_MAX};

static void feed(struct player *p, struct slice bytes)
{
    smtp_server_session_feed(p->session, bytes);
    while (p->owed != OWED_NOTHING)
        settle(p);
}

void script_play(struct slice bytes, const size_t *cuts, size_t cut_count, struct script_mode mode,
                 struct script_result *ret_result)
{
    struct player p = {.later = mode.later};
    buf_init(&p.events, 1 << 20);
    buf_init(&p.content, 1 << 20);
    p.session = smtp_server_session_create(&config, &ops, &p, mode.tls);
    if (mode.known) {
        feed(&p, SLICE_LIT("EHLO c\r\nAUTH PLAIN AHUAcA==\r\n"));
        buf_reset(smtp_server_session_output(p.session));
        buf_reset(&p.events);
    }
    size_t at = 0;
    for (size_t i = 0; i <= cut_count; i++) {
        size_t to = i < cut_count ? cuts[i] : bytes.len;
        feed(&p, slice_sub(bytes, at, to - at));
        at = to;
    }
    buf_init(&ret_result->out, 1 << 20);
    buf_append_slice(&ret_result->out, buf_slice(smtp_server_session_output(p.session)));
    ret_result->events = p.events;
    ret_result->over = smtp_server_session_is_over(p.session);
    ret_result->wants_tls = smtp_server_session_wants_tls(p.session);
    smtp_server_session_free(&p.session);
    buf_free(&p.content);
}

void script_result_free(struct script_result *result)
{
    buf_free(&result->out);
    buf_free(&result->events);
}

static void expect_once(struct slice bytes, const size_t *cuts, size_t cut_count, struct script_mode mode,
                        const char *out, const char *events, bool over)
{
    struct script_result result;
    script_play(bytes, cuts, cut_count, mode, &result);
    if (strcmp(result.out.len > 0 ? buf_cstr(&result.out) : "", out) != 0)
        print_error("cut at %zu of %zu (%zu cuts), later %d\n", cut_count > 0 ? cuts[0] : 0, bytes.len, cut_count,
                    mode.later);
    assert_string_equal(result.out.len > 0 ? buf_cstr(&result.out) : "", out);
    if (events != NULL)
        assert_string_equal(result.events.len > 0 ? buf_cstr(&result.events) : "", events);
    assert_int_equal(result.over, over);
    script_result_free(&result);
}

void script_expect(struct slice bytes, struct script_mode mode, const char *out, const char *events, bool over)
{
    size_t *all = test_calloc(bytes.len + 1, sizeof(*all));
    for (size_t i = 0; i < bytes.len; i++)
        all[i] = i;
    for (int later = 0; later < 2; later++) {
        mode.later = later != 0;
        expect_once(bytes, NULL, 0, mode, out, events, over);
        for (size_t cut = 1; cut < bytes.len; cut++)
            expect_once(bytes, &cut, 1, mode, out, events, over);
        expect_once(bytes, all, bytes.len, mode, out, events, over);
    }
    test_free(all);
}
