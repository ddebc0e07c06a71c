/* SPDX-License-Identifier: Apache-2.0 */
/* A whole server session. The first byte chooses the state and how the input is cut; cut and uncut, the replies must be
 * the same, questions must be in order, and no content may hold a bare CR, a bare LF or a NUL. */
#include <stdlib.h>

#include "base/mem.h"
#include "smtp/smtp_server_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct player {
    struct smtp_server_session *session;
    bool open;
    bool begun;
    uint8_t last; /* of the content */
};

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void on_auth(void *ctx, struct slice mechanism, bool has_initial, struct slice initial)
{
    struct player *p = ctx;
    (void)initial;
    if (has_initial)
        smtp_server_session_authenticated(p->session);
    else if (mechanism.len > 3)
        smtp_server_session_challenge(p->session, mechanism);
    else
        smtp_server_session_answer(p->session, 535, "5.7.8", "no");
}

static void on_auth_response(void *ctx, struct slice response)
{
    struct player *p = ctx;
    if (response.len > 2)
        smtp_server_session_authenticated(p->session);
    else
        smtp_server_session_answer(p->session, 535, "5.7.8", "no");
}

static void on_auth_forget(void *ctx)
{
    (void)ctx;
}

static void on_mail(void *ctx, const struct smtp_mail *mail)
{
    struct player *p = ctx;
    require(!p->open && smtp_server_session_is_authenticated(p->session));
    p->open = mail->envid_len != 3;
    smtp_server_session_answer(p->session, p->open ? 250 : 550, "2.1.0", "x");
}

static void on_rcpt(void *ctx, const struct smtp_rcpt *rcpt)
{
    struct player *p = ctx;
    require(p->open && !p->begun);
    smtp_server_session_answer(p->session, rcpt->notify != SMTP_NOTIFY_NEVER ? 250 : 450, "2.1.5", "x");
}

static void on_begin(void *ctx)
{
    struct player *p = ctx;
    require(p->open && !p->begun);
    p->begun = true;
    p->last = 0;
    smtp_server_session_go_ahead(p->session);
}

static void on_content(void *ctx, struct slice content)
{
    struct player *p = ctx;
    require(p->begun && content.len > 0);
    for (size_t i = 0; i < content.len; i++) {
        uint8_t byte = content.data[i];
        require(byte != 0 && (byte == '\n') == (p->last == '\r'));
        p->last = byte;
    }
}

static void on_end(void *ctx)
{
    struct player *p = ctx;
    require(p->begun && (p->last == '\n' || p->last == 0));
    p->open = p->begun = false;
    smtp_server_session_answer(p->session, 250, "2.0.0", "ID");
}

static void on_forget(void *ctx)
{
    struct player *p = ctx;
    require(p->open);
    p->open = p->begun = false;
}

static const struct smtp_server_ops ops = {on_auth,  on_auth_response, on_auth_forget, on_mail,  on_rcpt,
                                           on_begin, on_content,       on_end,         on_forget};
static const struct smtp_server_config config = {"mx.example", "PLAIN LOGIN", 4000, 5};

static void play(struct slice bytes, size_t cut, bool tls, struct buf *out)
{
    struct player p = {0};
    p.session = smtp_server_session_create(&config, &ops, &p, tls);
    if (tls)
        smtp_server_session_feed(p.session, SLICE_LIT("EHLO c\r\nAUTH X YWJj\r\n"));
    for (size_t at = 0; at < bytes.len; at += cut)
        smtp_server_session_feed(p.session, slice_sub(bytes, at, cut));
    buf_append_slice(out, buf_slice(smtp_server_session_output(p.session)));
    smtp_server_session_free(&p.session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > SMTP_SERVER_FEED_MAX)
        return 0;
    struct slice bytes = slice_of(data + 1, size - 1);
    struct buf whole;
    struct buf cut;
    buf_init(&whole, 1 << 22);
    buf_init(&cut, 1 << 22);
    play(bytes, bytes.len + 1, (data[0] & 1) != 0, &whole);
    play(bytes, (size_t)(data[0] >> 1) + 1, (data[0] & 1) != 0, &cut);
    require(slice_eq(buf_slice(&whole), buf_slice(&cut)));
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
