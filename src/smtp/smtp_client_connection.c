/* SPDX-License-Identifier: Apache-2.0 */
/* The connection: greeting, EHLO, STARTTLS, EHLO again; then it lends itself to transactions. */
#include "smtp/smtp_client_connection.h"

#include "base/mem.h"
#include "smtp/smtp_client_caps.h"
#include "smtp/smtp_client_internal.h"

static const char *const stage_names[] = {
    [SMTP_STAGE_NONE] = "none",         [SMTP_STAGE_CONNECT] = "connect",     [SMTP_STAGE_GREETING] = "greeting",
    [SMTP_STAGE_EHLO] = "EHLO",         [SMTP_STAGE_STARTTLS] = "STARTTLS",   [SMTP_STAGE_HANDSHAKE] = "TLS handshake",
    [SMTP_STAGE_EHLO_TLS] = "EHLO in TLS", [SMTP_STAGE_MAIL] = "MAIL FROM",   [SMTP_STAGE_RCPT] = "RCPT TO",
    [SMTP_STAGE_DATA] = "DATA",         [SMTP_STAGE_CONTENT] = "content",     [SMTP_STAGE_FINAL] = "end of content",
    [SMTP_STAGE_RSET] = "RSET",         [SMTP_STAGE_QUIT] = "QUIT",           [SMTP_STAGE_IDLE] = "idle",
};

static const char *const fault_names[] = {
    [SMTP_FAULT_NONE] = "none",
    [SMTP_FAULT_REPLY] = "refused",
    [SMTP_FAULT_MALFORMED] = "malformed reply",
    [SMTP_FAULT_INJECTED] = "spoke before it was asked",
    [SMTP_FAULT_CLOSED] = "connection closed",
    [SMTP_FAULT_TRUNCATED] = "connection cut off",
    [SMTP_FAULT_TIMEOUT] = "no answer in time",
    [SMTP_FAULT_TLS] = "TLS failed",
    [SMTP_FAULT_LOCAL] = "content unfit for the wire",
};

const char *smtp_client_stage_name(enum smtp_client_stage stage)
{
    return (size_t)stage < sizeof(stage_names) / sizeof(*stage_names) ? stage_names[stage] : "?";
}

const char *smtp_client_fault_name(enum smtp_client_fault fault)
{
    return (size_t)fault < sizeof(fault_names) / sizeof(*fault_names) ? fault_names[fault] : "?";
}

void smtp_client_connection_go(struct smtp_client_connection *conn, enum smtp_client_state state,
                               enum smtp_client_stage stage)
{
    conn->state = state;
    conn->stage = stage;
}

void smtp_client_connection_end(struct smtp_client_connection *conn, enum smtp_client_fault fault)
{
    if (conn->state == SMTP_CLIENT_ENDED)
        return;
    conn->fault = fault;
    smtp_client_connection_go(conn, SMTP_CLIENT_ENDED, conn->stage);
    buf_reset(&conn->out);
    conn->out_sent = 0;
    conn->direct = SLICE_EMPTY;
    if (conn->transaction != NULL)
        smtp_client_transaction_broken(conn->transaction);
}

struct smtp_client_connection *smtp_client_connection_create(const char *helo)
{
    struct smtp_client_connection *conn = mem_new(sizeof(*conn));
    conn->helo = mem_strdup(helo);
    smtp_reply_init(&conn->reply);
    smtp_reply_init(&conn->refusal);
    buf_init_secret(&conn->out, SMTP_CLIENT_OUT_MAX);
    mem_random(&conn->serial, sizeof(conn->serial));
    smtp_client_connection_go(conn, SMTP_CLIENT_GREETING, SMTP_STAGE_GREETING);
    return conn;
}

void smtp_client_connection_free(struct smtp_client_connection **conn)
{
    if (conn == NULL || *conn == NULL)
        return;
    struct smtp_client_connection *c = *conn;
    smtp_reply_free(&c->reply);
    smtp_reply_free(&c->refusal);
    buf_free(&c->out);
    mem_free(c->helo);
    mem_free(c);
    *conn = NULL;
}

void smtp_client_connection_refuse(struct smtp_client_connection *conn)
{
    struct smtp_reply taken = conn->refusal;
    conn->refusal = conn->reply;
    conn->reply = taken;
    smtp_client_connection_end(conn, SMTP_FAULT_REPLY);
}

/* Goes on with a positive reply, ends with a negative one and with one that is no answer to this command. */
static bool want(struct smtp_client_connection *conn, uint16_t code)
{
    if (conn->reply.code == code)
        return true;
    if (conn->reply.code >= 400)
        smtp_client_connection_refuse(conn);
    else
        smtp_client_connection_end(conn, SMTP_FAULT_MALFORMED);
    return false;
}

static void say_ehlo(struct smtp_client_connection *conn, enum smtp_client_state state, enum smtp_client_stage stage)
{
    buf_printf(&conn->out, "EHLO %s\r\n", conn->helo);
    smtp_client_connection_go(conn, state, stage);
}

static void idle(struct smtp_client_connection *conn)
{
    smtp_client_connection_go(conn, conn->tls ? SMTP_CLIENT_READY : SMTP_CLIENT_CLEAR, SMTP_STAGE_IDLE);
}

/* A reply that nobody asked for: 421 announces the end, anything else is a peer out of step. */
static void unasked(struct smtp_client_connection *conn)
{
    if (conn->reply.code == 421)
        smtp_client_connection_refuse(conn);
    else
        smtp_client_connection_end(conn, SMTP_FAULT_INJECTED);
}

static void take_reply(struct smtp_client_connection *conn)
{
    switch (conn->state) {
    case SMTP_CLIENT_GREETING:
        if (want(conn, 220))
            say_ehlo(conn, SMTP_CLIENT_EHLO, SMTP_STAGE_EHLO);
        break;
    case SMTP_CLIENT_EHLO:
    case SMTP_CLIENT_EHLO_TLS:
        if (want(conn, 250)) {
            smtp_client_caps_read(&conn->reply, &conn->caps);
            idle(conn);
        }
        break;
    case SMTP_CLIENT_STARTTLS:
        if (want(conn, 220))
            smtp_client_connection_go(conn, SMTP_CLIENT_HANDSHAKE, SMTP_STAGE_HANDSHAKE);
        break;
    case SMTP_CLIENT_BUSY:
        smtp_client_transaction_reply(conn->transaction, &conn->reply);
        break;
    case SMTP_CLIENT_RESETTING:
        if (want(conn, 250))
            idle(conn);
        break;
    case SMTP_CLIENT_QUITTING:
        smtp_client_connection_end(conn, SMTP_FAULT_NONE);
        break;
    default:
        unasked(conn);
        break;
    }
}

/* Outside a transaction a reply may come only when its command has left completely, and nothing may follow it: what
 * does was said before the question, by somebody in between or by a confused peer (row 4). */
static bool early(const struct smtp_client_connection *conn)
{
    return conn->state != SMTP_CLIENT_BUSY && conn->state != SMTP_CLIENT_QUITTING && conn->out_sent < conn->out.len;
}

void smtp_client_connection_feed(struct smtp_client_connection *conn, struct slice in)
{
    while (in.len > 0 && conn->state != SMTP_CLIENT_ENDED) {
        if (conn->state == SMTP_CLIENT_HANDSHAKE || early(conn)) {
            smtp_client_connection_end(conn, SMTP_FAULT_INJECTED);
            return;
        }
        size_t used = smtp_reply_feed(&conn->reply, in);
        in = slice_sub(in, used, in.len);
        if (conn->reply.status == SMTP_REPLY_BAD)
            smtp_client_connection_end(conn, SMTP_FAULT_MALFORMED);
        else if (conn->reply.status == SMTP_REPLY_DONE)
            take_reply(conn);
        if (conn->reply.status != SMTP_REPLY_MORE)
            smtp_reply_reset(&conn->reply);
    }
}

struct slice smtp_client_connection_output(struct smtp_client_connection *conn)
{
    if (conn->out_sent == conn->out.len && conn->direct.len == 0 && conn->state == SMTP_CLIENT_BUSY)
        smtp_client_transaction_pump(conn->transaction);
    if (conn->out_sent < conn->out.len)
        return slice_sub(buf_slice(&conn->out), conn->out_sent, conn->out.len);
    return conn->direct;
}

void smtp_client_connection_sent(struct smtp_client_connection *conn, size_t n)
{
    if (conn->state == SMTP_CLIENT_ENDED || n == 0)
        return;
    if (conn->out_sent < conn->out.len) {
        conn->out_sent += n;
        if (conn->out_sent == conn->out.len) {
            buf_reset(&conn->out);
            conn->out_sent = 0;
        }
    } else {
        conn->direct = slice_sub(conn->direct, n, conn->direct.len);
    }
    if (conn->out.len == 0 && conn->direct.len == 0 && conn->state == SMTP_CLIENT_BUSY)
        smtp_client_transaction_drained(conn->transaction);
}

bool smtp_client_connection_starttls(struct smtp_client_connection *conn)
{
    if (conn->state != SMTP_CLIENT_CLEAR || !conn->caps.starttls)
        return false;
    buf_append_str(&conn->out, "STARTTLS\r\n");
    smtp_client_connection_go(conn, SMTP_CLIENT_STARTTLS, SMTP_STAGE_STARTTLS);
    return true;
}

void smtp_client_connection_tls_started(struct smtp_client_connection *conn)
{
    if (conn->state != SMTP_CLIENT_HANDSHAKE)
        return;
    conn->tls = true;
    mem_random(&conn->serial, sizeof(conn->serial));
    memset(&conn->caps, 0, sizeof(conn->caps));
    smtp_reply_reset(&conn->reply);
    say_ehlo(conn, SMTP_CLIENT_EHLO_TLS, SMTP_STAGE_EHLO_TLS);
}

void smtp_client_connection_quit(struct smtp_client_connection *conn)
{
    if (conn->state == SMTP_CLIENT_CLEAR || conn->state == SMTP_CLIENT_READY) {
        buf_append_str(&conn->out, "QUIT\r\n");
        smtp_client_connection_go(conn, SMTP_CLIENT_QUITTING, SMTP_STAGE_QUIT);
    } else {
        smtp_client_connection_end(conn, SMTP_FAULT_NONE);
    }
}

void smtp_client_connection_broken(struct smtp_client_connection *conn, enum smtp_client_fault fault)
{
    smtp_client_connection_end(conn, conn->state == SMTP_CLIENT_QUITTING ? SMTP_FAULT_NONE : fault);
}

void smtp_client_connection_release(struct smtp_client_connection *conn, bool reset)
{
    conn->transaction = NULL;
    if (conn->state == SMTP_CLIENT_ENDED)
        return;
    if (!reset) {
        idle(conn);
        return;
    }
    buf_append_str(&conn->out, "RSET\r\n");
    smtp_client_connection_go(conn, SMTP_CLIENT_RESETTING, SMTP_STAGE_RSET);
}

enum smtp_client_state smtp_client_connection_state(const struct smtp_client_connection *conn)
{
    return conn->state;
}

bool smtp_client_connection_tls(const struct smtp_client_connection *conn)
{
    return conn->tls;
}

const struct smtp_client_caps *smtp_client_connection_caps(const struct smtp_client_connection *conn)
{
    return &conn->caps;
}

enum smtp_client_fault smtp_client_connection_fault(const struct smtp_client_connection *conn)
{
    return conn->fault;
}

enum smtp_client_stage smtp_client_connection_stage(const struct smtp_client_connection *conn)
{
    return conn->stage;
}

const struct smtp_reply *smtp_client_connection_reply(const struct smtp_client_connection *conn)
{
    return &conn->refusal;
}

uint64_t smtp_client_connection_serial(const struct smtp_client_connection *conn)
{
    return conn->serial;
}
