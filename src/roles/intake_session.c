/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a session: connection, TLS, time limits, back-pressure. */
#include "roles/intake_session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/clock.h"
#include "base/mem.h"
#include "roles/intake_auth.h"
#include "roles/intake_message.h"

static const struct smtp_server_ops smtp_ops = {
    intake_auth_start,  intake_auth_response,   intake_auth_forget, intake_message_mail,   intake_message_rcpt,
    intake_message_begin, intake_message_content, intake_message_end, intake_message_forget,
};

void intake_session_free(struct intake_session **session)
{
    if (session == NULL || *session == NULL)
        return;
    struct intake_session *s = *session;
    struct intake *intake = s->intake;
    *session = NULL;
    list_remove(&s->link);
    intake->session_count--;
    intake_message_forget(s);
    intake_auth_forget(s);
    smtp_server_session_free(&s->smtp);
    tls_conn_free(&s->conn);
    loop_timer_free(&s->timer);
    intake_settings_drop(&s->settings);
    intake_senders_free(&s->senders);
    mem_free(s->name);
    mem_free(s->tenant);
    mem_free(s);
    intake_session_gone(intake);
}

/* What a session is told that cannot be served at all. */
static void turn_away(struct intake_session *s)
{
    smtp_server_session_drain(s->smtp, "4.3.2", "too many sessions; try again in a while");
}

static void greet(struct intake_session *s)
{
    if (s->turned_away)
        turn_away(s);
    else
        smtp_server_session_greet(s->smtp);
}

static void close_session(struct intake_session *s)
{
    if (s->closing)
        return;
    s->closing = true;
    loop_timer_stop(s->timer);
    tls_conn_close(s->conn);
}

static void start_tls(struct intake_session *s)
{
    struct tls_server *server = s->intake->tls[s->section];
    SSL *ssl = server != NULL ? tls_server_ssl(server) : NULL;
    if (ssl == NULL) {
        close_session(s);
        return;
    }
    struct slice end_point = tls_server_end_point(server);
    memcpy(s->end_point, end_point.data, end_point.len);
    s->end_point_len = end_point.len;
    tls_conn_start_tls(s->conn, ssl);
}

/* Hands the replies to the connection. */
static void send_replies(struct intake_session *s)
{
    struct buf *out = smtp_server_session_output(s->smtp);
    if (out->len == 0)
        return;
    tls_conn_write(s->conn, buf_slice(out));
    if (out->cap > 4096)
        buf_free(out);
    else
        buf_reset(out);
    tls_conn_flush(s->conn);
}

void intake_session_pump(struct intake_session *session)
{
    struct intake_session *s = session;
    if (s->closing)
        return;
    send_replies(s);
    if (smtp_server_session_is_over(s->smtp)) {
        close_session(s);
        return;
    }
    if (smtp_server_session_wants_tls(s->smtp) && tls_conn_ssl(s->conn) == NULL)
        start_tls(s);
    bool content = smtp_server_session_in_content(s->smtp);
    s->held = content && intake_is_overloaded(s->intake);
    bool read = smtp_server_session_wants_input(s->smtp) && !s->waits_file && !s->held &&
                tls_conn_pending(s->conn) <= INTAKE_OUTPUT_BYTES;
    tls_conn_reading(s->conn, read);
}

void intake_session_drain(struct intake_session *session, const char *status, const char *text)
{
    if (session->closing)
        return;
    bool inside = tls_conn_is_secure(session->conn) || tls_conn_ssl(session->conn) == NULL;
    smtp_server_session_drain(session->smtp, status, text);
    if (inside)
        intake_session_pump(session);
    else
        close_session(session); /* in the handshake nothing can be said */
}

/* --- time --- */

/* When the session has waited too long, as things stand; INT64_MAX: it waits for us. */
static int64_t due_us(const struct intake_session *s)
{
    int64_t due = INT64_MAX;
    if (!smtp_server_session_is_authenticated(s->smtp))
        due = s->started_us + INTAKE_UNKNOWN_US;
    if (s->content_us != 0 && s->content_us + INTAKE_CONTENT_US < due)
        due = s->content_us + INTAKE_CONTENT_US;
    bool ours = s->held || s->waits_file || !smtp_server_session_wants_input(s->smtp);
    if (!ours && s->active_us + INTAKE_IDLE_US < due)
        due = s->active_us + INTAKE_IDLE_US;
    return due;
}

static void on_timer(void *ctx)
{
    struct intake_session *s = ctx;
    int64_t now = clock_wait_us();
    int64_t due = due_us(s);
    if (due <= now && !smtp_server_session_is_committing(s->smtp)) {
        intake_session_drain(s, "4.4.2", "you took too long");
        return;
    }
    int64_t wait = due - now < CLOCK_US_PER_S ? CLOCK_US_PER_S : due - now;
    loop_timer_start(s->timer, wait < INTAKE_IDLE_US / 5 ? wait : INTAKE_IDLE_US / 5);
}

/* --- the connection --- */

static void on_secured(void *ctx)
{
    struct intake_session *s = ctx;
    s->active_us = clock_wait_us();
    if (smtp_server_session_wants_tls(s->smtp))
        smtp_server_session_tls(s->smtp);
    else
        greet(s);
    intake_session_pump(s);
}

static void on_input(void *ctx, struct slice bytes)
{
    struct intake_session *s = ctx;
    if (s->closing)
        return;
    s->active_us = clock_wait_us();
    smtp_server_session_feed(s->smtp, bytes);
    intake_session_pump(s);
}

static void on_drained(void *ctx)
{
    intake_session_pump(ctx);
}

static void on_closed(void *ctx, enum tls_conn_end end, const char *reason)
{
    struct intake_session *s = ctx;
    log_debug(role_log(s->intake->role), "session ended (%d): %s", (int)end, reason);
    intake_session_free(&s);
}

static const struct tls_conn_ops conn_ops = {NULL, on_secured, on_input, on_drained, on_closed};

/* The client's address: bytes for keyd, text for Received. An IPv4 address mapped into IPv6 is an IPv4 address. */
static void keep_address(struct intake_session *s, const struct sockaddr *peer)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)peer;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)peer;
    const uint8_t *bytes = (const uint8_t *)&v4->sin_addr;
    s->address_len = 4;
    if (peer->sa_family == AF_INET6) {
        bytes = v6->sin6_addr.s6_addr;
        if (memcmp(bytes, mapped, sizeof(mapped)) == 0)
            bytes += sizeof(mapped);
        else
            s->address_len = 16;
    }
    memcpy(s->address, bytes, s->address_len);
    if (inet_ntop(s->address_len == 4 ? AF_INET : AF_INET6, s->address, s->address_text, sizeof(s->address_text)) == NULL)
        s->address_text[0] = '\0';
}

/* When there are as many sessions as there may be: ends the oldest one of a stranger, who had the most time to say who he
 * is. So those who say nothing never keep out those who have a name. False when all sessions are of known clients. */
static bool make_room(struct intake *intake)
{
    LIST_FOR(it, tmp, &intake->sessions) {
        struct intake_session *s = LIST_ENTRY(it, struct intake_session, link);
        if (smtp_server_session_is_authenticated(s->smtp))
            continue;
        intake_session_drain(s, "4.3.2", "too many sessions and yours has no name yet; try again in a while");
        intake_session_free(&s); /* without waiting for him to take it */
        return true;
    }
    return false;
}

void intake_session_create(struct intake *intake, const struct intake_listener *listener, int fd,
                           const struct sockaddr *peer)
{
    struct intake_session *s = mem_new(sizeof(*s));
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    s->intake = intake;
    s->settings = intake_settings_share(intake->settings);
    s->section = listener->section;
    s->turned_away = intake->session_count >= s->settings->sessions_max && !make_room(intake);
    s->started_us = s->active_us = clock_wait_us();
    keep_address(s, peer);
    list_init(&s->link);
    list_push(&intake->sessions, &s->link);
    intake->session_count++;
    s->timer = loop_timer_create(intake->loop, on_timer, s);
    loop_timer_start(s->timer, INTAKE_UNKNOWN_US);
    s->smtp = smtp_server_session_create(&s->settings->smtp, &smtp_ops, s, !listener->starttls);
    s->conn = tls_conn_create(intake->loop, intake->scratch, fd, false, &conn_ops, s);
    if (listener->starttls) {
        greet(s);
        intake_session_pump(s);
    } else {
        start_tls(s);
    }
}
