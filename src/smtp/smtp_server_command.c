/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of a server session, except AUTH and those that carry content. */
#include "base/mem.h"
#include "smtp/smtp_server_internal.h"

static void put_ehlo(struct smtp_server_session *s)
{
    struct buf *out = &s->out;
    buf_printf(out, "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n", s->config->hostname,
               (unsigned long long)s->config->message_max);
    buf_append_str(out, "250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n250-DELIVERBY\r\n");
    buf_printf(out, "250-LIMITS RCPTMAX=%u\r\n", s->config->recipients_max);
    if (s->tls)
        buf_printf(out, "250-REQUIRETLS\r\n250-AUTH %s\r\n", s->config->mechanisms); /* RFC 8689 2: inside TLS only */
    else
        buf_append_str(out, "250-STARTTLS\r\n");
    buf_append_str(out, "250 ENHANCEDSTATUSCODES\r\n");
}

static void do_helo(struct smtp_server_session *s, struct slice name, bool esmtp)
{
    if (!smtp_syntax_is_helo(name)) {
        smtp_server_reply(s, 501, "5.5.4", "EHLO and HELO need a host name or an address in brackets");
        return;
    }
    smtp_server_reset(s, true);
    memcpy(s->helo, name.data, name.len);
    s->helo[name.len] = '\0';
    s->esmtp = esmtp;
    if (esmtp)
        put_ehlo(s);
    else
        buf_printf(&s->out, "250 %s\r\n", s->config->hostname); /* HELO knows no enhanced codes */
}

static void do_starttls(struct smtp_server_session *s, struct slice argument)
{
    if (s->tls) {
        smtp_server_reply(s, 503, "5.5.1", "TLS is on already");
    } else if (argument.len > 0) {
        smtp_server_reply(s, 501, "5.5.4", "STARTTLS takes no argument");
    } else {
        smtp_server_reply(s, 220, "2.0.0", "start TLS now");
        smtp_server_set_state(s, SMTP_SERVER_HANDSHAKE, SMTP_SERVER_ASKED_NOTHING);
    }
}

static void do_mail(struct smtp_server_session *s, struct slice argument)
{
    struct smtp_refusal refusal;
    if (s->helo[0] == '\0') {
        smtp_server_reply(s, 503, "5.5.1", "EHLO comes first");
    } else if (!s->authenticated) {
        smtp_server_reply(s, 530, "5.7.0", "AUTH comes first");
    } else if (s->transaction.open) {
        smtp_server_reply(s, 503, "5.5.1", "a message is under way already");
    } else if (!smtp_param_mail(argument, &s->transaction.mail, &refusal)) {
        smtp_server_reset(s, false);
        smtp_server_reply(s, refusal.code, refusal.status, refusal.text.text);
    } else if (s->transaction.mail.size > s->config->message_max) {
        smtp_server_reset(s, false);
        smtp_server_reply(s, 552, "5.3.4", "the message is larger than SIZE allows");
    } else {
        smtp_server_set_state(s, SMTP_SERVER_WAITING, SMTP_SERVER_ASKED_MAIL);
        s->ops->mail(s->ctx, &s->transaction.mail);
    }
}

static void do_rcpt(struct smtp_server_session *s, struct slice argument)
{
    struct smtp_server_transaction *t = &s->transaction;
    struct smtp_refusal refusal;
    struct smtp_rcpt rcpt;
    if (!t->open || t->begun) {
        smtp_server_reply(s, 503, "5.5.1", t->open ? "the message has begun already" : "MAIL comes first");
    } else if (!smtp_param_rcpt(argument, t->mail.smtputf8, &rcpt, &refusal)) {
        smtp_server_reply(s, refusal.code, refusal.status, refusal.text.text);
    } else if (t->recipients >= s->config->recipients_max) {
        smtp_server_reply(s, 452, "4.5.3", "too many recipients; send the message again for the rest");
    } else {
        smtp_server_set_state(s, SMTP_SERVER_WAITING, SMTP_SERVER_ASKED_RCPT);
        s->ops->rcpt(s->ctx, &rcpt);
    }
    mem_wipe(&rcpt, sizeof(rcpt));
}

/* Commands without effect on mail. */
static void do_other(struct smtp_server_session *s, enum smtp_verb verb)
{
    switch (verb) {
    case SMTP_VERB_RSET:
        smtp_server_reset(s, true);
        smtp_server_reply(s, 250, "2.0.0", "forgotten");
        break;
    case SMTP_VERB_NOOP:
        smtp_server_reply(s, 250, "2.0.0", "at your service");
        break;
    case SMTP_VERB_QUIT:
        smtp_server_reset(s, true);
        smtp_server_reply(s, 221, "2.0.0", "goodbye");
        smtp_server_set_state(s, SMTP_SERVER_OVER, SMTP_SERVER_ASKED_NOTHING);
        break;
    case SMTP_VERB_VRFY:
        smtp_server_reply(s, 252, "2.5.2", "send the message, then it will show");
        break;
    case SMTP_VERB_EXPN:
        smtp_server_reply(s, 502, "5.5.1", "EXPN is not offered");
        break;
    case SMTP_VERB_HELP:
        smtp_server_reply(s, 214, "2.0.0", "this is mail submission: EHLO AUTH MAIL RCPT DATA BDAT RSET NOOP QUIT");
        break;
    default:
        smtp_server_reply(s, 500, "5.5.2", "the command is not known");
        break;
    }
}

/* Before TLS nothing may be said that anybody could have changed or read (RFC 8314, RFC 3207 section 4). */
static bool allowed_in_clear(enum smtp_verb verb)
{
    return verb == SMTP_VERB_EHLO || verb == SMTP_VERB_HELO || verb == SMTP_VERB_STARTTLS || verb == SMTP_VERB_NOOP ||
           verb == SMTP_VERB_RSET || verb == SMTP_VERB_QUIT;
}

static void dispatch(struct smtp_server_session *s, const struct smtp_command *command)
{
    switch (command->verb) {
    case SMTP_VERB_EHLO:
    case SMTP_VERB_HELO:
        do_helo(s, command->argument, command->verb == SMTP_VERB_EHLO);
        break;
    case SMTP_VERB_STARTTLS:
        do_starttls(s, command->argument);
        break;
    case SMTP_VERB_AUTH:
        smtp_server_auth(s, command->argument);
        break;
    case SMTP_VERB_MAIL:
        do_mail(s, command->argument);
        break;
    case SMTP_VERB_RCPT:
        do_rcpt(s, command->argument);
        break;
    case SMTP_VERB_DATA:
        if (command->argument.len > 0)
            smtp_server_reply(s, 501, "5.5.4", "DATA takes no argument");
        else
            smtp_server_data(s);
        break;
    default:
        do_other(s, command->verb);
        break;
    }
}

void smtp_server_command(struct smtp_server_session *s, struct slice line)
{
    struct smtp_command command;
    if (!smtp_command_parse(line, &command)) {
        smtp_server_reply(s, 500, "5.5.2", "the line is empty or holds a control character");
        return;
    }
    if (command.verb == SMTP_VERB_HTTP) {
        smtp_server_hang_up(s, "4.7.0", "this is not a web server");
        return;
    }
    if (command.verb == SMTP_VERB_BDAT) {
        smtp_server_bdat(s, command.argument);
        return;
    }
    s->commands++;
    if (s->commands > (s->authenticated ? SMTP_SERVER_COMMANDS_MAX : SMTP_SERVER_COMMANDS_UNKNOWN_MAX))
        smtp_server_hang_up(s, "4.7.0", "too many commands without a message");
    else if (!s->tls && !allowed_in_clear(command.verb))
        smtp_server_reply(s, 530, "5.7.0", "STARTTLS comes first");
    else
        dispatch(s, &command);
}
