/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH (RFC 4954): the exchange of base64 lines. What they mean is the handler's affair. */
#include "base/codec.h"
#include "smtp/smtp_server_internal.h"

/* Decoded size of the longest line. */
#define DECODED_MAX (SMTP_SYNTAX_AUTH_MAX * 3 / 4)

void smtp_server_auth_drop(struct smtp_server_session *s)
{
    if (!s->auth_open)
        return;
    s->auth_open = false;
    s->ops->auth_forget(s->ctx);
}

static void refuse(struct smtp_server_session *s, unsigned code, const char *status, const char *text)
{
    smtp_server_auth_drop(s);
    smtp_server_set_state(s, SMTP_SERVER_COMMAND, SMTP_SERVER_ASKED_NOTHING);
    smtp_server_reply(s, code, status, text);
}

static void start(struct smtp_server_session *s, struct slice mechanism, bool has_initial, struct slice text)
{
    struct buf initial;
    buf_init_secret(&initial, DECODED_MAX);
    bool empty = slice_eq(text, SLICE_LIT("=")); /* RFC 4954 section 4: a response of no bytes */
    if (!empty && !codec_unbase64(&initial, text)) {
        smtp_server_reply(s, 501, "5.5.2", "the initial response is not base64");
    } else {
        s->auth_open = true;
        smtp_server_set_state(s, SMTP_SERVER_WAITING, SMTP_SERVER_ASKED_AUTH);
        s->ops->auth(s->ctx, mechanism, has_initial, buf_slice(&initial));
    }
    buf_free(&initial);
}

void smtp_server_auth(struct smtp_server_session *s, struct slice argument)
{
    struct slice mechanism;
    struct slice initial;
    bool named = smtp_syntax_word(&argument, &mechanism);
    bool has_initial = smtp_syntax_word(&argument, &initial);
    struct slice more;
    if (!s->esmtp || s->helo[0] == '\0')
        smtp_server_reply(s, 503, "5.5.1", "EHLO comes first");
    else if (s->authenticated || s->transaction.open)
        smtp_server_reply(s, 503, "5.5.1", s->authenticated ? "you are known already" : "a message is under way");
    else if (!named || smtp_syntax_word(&argument, &more))
        smtp_server_reply(s, 501, "5.5.4", "AUTH takes a mechanism and at most one response");
    else
        start(s, mechanism, has_initial, initial);
}

void smtp_server_auth_line(struct smtp_server_session *s, struct slice line)
{
    struct buf response;
    buf_init_secret(&response, DECODED_MAX);
    if (slice_eq(line, SLICE_LIT("*"))) {
        refuse(s, 501, "5.7.0", "AUTH is cancelled");
    } else if (!codec_unbase64(&response, line)) {
        refuse(s, 501, "5.5.2", "the response is not base64");
    } else {
        smtp_server_set_state(s, SMTP_SERVER_WAITING, SMTP_SERVER_ASKED_AUTH);
        s->ops->auth_response(s->ctx, buf_slice(&response));
    }
    buf_free(&response);
}
