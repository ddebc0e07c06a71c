/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions with mail servers. */
#include "roles/courier_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/inet.h"
#include "roles/courier_lease.h"
#include "trust/trust_cert.h"

/* Output queued in the connection before the protocol side is asked for more. */
#define OUTPUT_AHEAD ((size_t)131072)

static void leave_idle(struct courier_session *session)
{
    if (!session->kept)
        return;
    session->kept = false;
    list_remove(&session->link);
    session->courier->idle_count--;
}

static void wake(struct courier_session *session)
{
    if (session->lease != NULL)
        courier_lease_step(session->lease);
}

/* How long to wait now: RFC 5321 4.5.3.2 in spirit, by configuration in numbers. */
static int64_t patience(const struct courier_session *session)
{
    const struct conf *conf = session->courier->conf;
    enum smtp_client_stage stage =
        session->smtp == NULL ? SMTP_STAGE_CONNECT : smtp_client_connection_stage(session->smtp);
    switch (stage) {
    case SMTP_STAGE_CONNECT:
    case SMTP_STAGE_HANDSHAKE: return conf->courier_connect_timeout;
    case SMTP_STAGE_FINAL: return 2 * conf->courier_command_timeout;
    case SMTP_STAGE_IDLE: return session->lease == NULL ? COURIER_IDLE_US : conf->courier_command_timeout;
    case SMTP_STAGE_QUIT: return CLOCK_US_PER_S;
    default: return conf->courier_command_timeout;
    }
}

/* The timer is moved only when it fires: a deadline that was put off costs nothing until then. */
static void put_off(struct courier_session *session)
{
    int64_t wait = patience(session);
    int64_t deadline = clock_wait_us() + wait;
    bool sooner = deadline < session->deadline_us;
    session->deadline_us = deadline;
    if (sooner || !loop_timer_running(session->timer))
        loop_timer_start(session->timer, wait);
}

/* Ends the facts: what the protocol side says of its end. Once settled, they stay as they are. */
static void note_end(struct courier_session *session)
{
    struct trust_session *facts = &session->facts;
    const struct smtp_reply *reply = smtp_client_connection_reply(session->smtp);
    struct buf text;
    if (session->settled)
        return;
    session->settled = true;
    facts->stage = smtp_client_connection_stage(session->smtp);
    facts->fault = smtp_client_connection_fault(session->smtp);
    if (facts->fault != SMTP_FAULT_REPLY)
        return;
    buf_init(&text, SMTP_REPLY_TEXT_MAX);
    smtp_reply_escape(reply, &text);
    facts->code = reply->code;
    facts->enhanced = smtp_reply_enhanced(reply->code, reply->enhanced);
    facts->reply = mem_strndup(text.data, text.len);
    buf_free(&text);
}

static void start_handshake(struct courier_session *session)
{
    SSL *ssl = tls_client_ssl(session->courier->tls, session->facts.host, session->facts.address);
    if (ssl == NULL)
        smtp_client_connection_broken(session->smtp, SMTP_FAULT_LOCAL);
    else
        tls_conn_start_tls(session->conn, ssl);
}

/* Moves what may be sent now into the connection, up to the limit; false when there was nothing. */
static bool fill_output(struct courier_session *session)
{
    bool any = false;
    while (tls_conn_pending(session->conn) < OUTPUT_AHEAD) {
        struct slice out = smtp_client_connection_output(session->smtp);
        if (out.len == 0 || !tls_conn_write(session->conn, out))
            break;
        smtp_client_connection_sent(session->smtp, out.len);
        any = true;
    }
    return any;
}

/* While the kernel takes everything, nobody will call back: so go on until it does not, or nothing is left. */
void courier_session_pump(struct courier_session *session)
{
    while (session->smtp != NULL && session->conn != NULL && fill_output(session)) {
        tls_conn_flush(session->conn);
        if (tls_conn_pending(session->conn) > 0)
            break;
    }
    put_off(session);
}

/* Takes the opening of a session on by one step; facts are complete with READY, CLEAR without a wish or offer, ENDED. */
static void advance(struct courier_session *session)
{
    struct trust_session *facts = &session->facts;
    switch (smtp_client_connection_state(session->smtp)) {
    case SMTP_CLIENT_CLEAR:
        if (session->settled)
            break;
        facts->starttls = smtp_client_connection_caps(session->smtp)->starttls;
        facts->caps = *smtp_client_connection_caps(session->smtp);
        session->settled = session->clear || !smtp_client_connection_starttls(session->smtp);
        break;
    case SMTP_CLIENT_HANDSHAKE:
        if (tls_conn_ssl(session->conn) == NULL)
            start_handshake(session);
        break;
    case SMTP_CLIENT_READY:
        if (session->settled)
            break;
        facts->caps = *smtp_client_connection_caps(session->smtp);
        facts->ready = true;
        session->settled = true;
        break;
    case SMTP_CLIENT_ENDED:
        note_end(session);
        break;
    default:
        break;
    }
}

/* After anything has happened: steps, output, and the lease when there is something for it. */
static void turn(struct courier_session *session)
{
    advance(session);
    courier_session_pump(session);
    if (smtp_client_connection_state(session->smtp) == SMTP_CLIENT_ENDED) {
        note_end(session);
        if (session->conn != NULL)
            tls_conn_close(session->conn);
        if (session->lease == NULL)
            courier_session_drop(session);
    }
    if (session->settled)
        wake(session);
}

static void on_connected(void *ctx)
{
    struct courier_session *session = ctx;
    const struct conf *conf = session->courier->conf;
    const char *helo = session->notice ? conf->notice_helo : conf->courier_helo;
    session->facts.connect = TRUST_CONNECT_OK;
    session->smtp = smtp_client_connection_create(helo != NULL ? helo : conf->hostname);
    put_off(session);
}

static void on_secured(void *ctx)
{
    struct courier_session *session = ctx;
    struct trust_tls *tls = &session->facts.tls;
    SSL *ssl = tls_conn_ssl(session->conn);
    struct tls_facts facts;
    tls_conn_facts(session->conn, &facts);
    tls->established = true;
    tls->protocol = (uint16_t)SSL_version(ssl);
    tls->protocol_name = facts.protocol;
    tls->suite = facts.suite;
    tls->group = facts.group;
    tls->bits = facts.bits;
    tls->resumed = facts.resumed;
    tls->aead = tls_client_suite(ssl, &tls->ephemeral);
    struct trust_cert_ask ask = {.store = tls_client_anchors(session->courier->tls), .chain = tls_client_chain(ssl),
                                 .host = session->facts.host, .now_us = clock_utc_us()};
    trust_cert_check(&ask, &session->facts.cert);
    smtp_client_connection_tls_started(session->smtp);
    turn(session);
}

static void on_input(void *ctx, struct slice bytes)
{
    struct courier_session *session = ctx;
    if (session->smtp == NULL)
        return;
    smtp_client_connection_feed(session->smtp, bytes);
    turn(session);
}

static void on_drained(void *ctx)
{
    struct courier_session *session = ctx;
    if (session->smtp != NULL)
        courier_session_pump(session);
}

static enum trust_connect connect_failure(const char *reason)
{
    return strstr(reason, strerror(ECONNREFUSED)) != NULL ? TRUST_CONNECT_REFUSED
           : strstr(reason, strerror(ETIMEDOUT)) != NULL  ? TRUST_CONNECT_TIMEOUT
                                                          : TRUST_CONNECT_UNREACHABLE;
}

static enum smtp_client_fault fault_of(enum tls_conn_end end)
{
    switch (end) {
    case TLS_CONN_END_CLEAN: return SMTP_FAULT_CLOSED;
    case TLS_CONN_END_TLS: return SMTP_FAULT_TLS;
    default: return SMTP_FAULT_TRUNCATED;
    }
}

static enum trust_tls_failure tls_failure_of(enum tls_client_failure failure)
{
    switch (failure) {
    case TLS_CLIENT_FINE: return TRUST_TLS_FINE;
    case TLS_CLIENT_OLD: return TRUST_TLS_OLD;
    case TLS_CLIENT_SUITE: return TRUST_TLS_SUITE;
    default: return TRUST_TLS_BROKEN;
    }
}

static void on_closed(void *ctx, enum tls_conn_end end, const char *reason)
{
    struct courier_session *session = ctx;
    SSL *ssl = tls_conn_ssl(session->conn);
    if (session->smtp == NULL) {
        if (session->facts.connect == TRUST_CONNECT_NONE)
            session->facts.connect = connect_failure(reason);
        session->settled = true;
    } else {
        if (ssl != NULL && !session->facts.tls.established)
            session->facts.tls.failure = tls_failure_of(tls_client_failure(ssl));
        smtp_client_connection_broken(session->smtp, fault_of(end));
        note_end(session);
    }
    tls_conn_free(&session->conn);
    if (session->lease == NULL)
        courier_session_drop(session);
    else
        wake(session);
}

void courier_session_goodbye(struct courier_session *session)
{
    leave_idle(session);
    smtp_client_connection_quit(session->smtp);
    courier_session_pump(session);
}

static void on_timer(void *ctx)
{
    struct courier_session *session = ctx;
    int64_t left = session->deadline_us - clock_wait_us();
    if (left > 0) {
        loop_timer_start(session->timer, left);
        return;
    }
    if (session->smtp == NULL) {
        /* Not even a socket, or no connection in time. */
        if (session->facts.connect == TRUST_CONNECT_NONE)
            session->facts.connect = session->conn == NULL ? TRUST_CONNECT_UNREACHABLE : TRUST_CONNECT_TIMEOUT;
        tls_conn_free(&session->conn);
        session->settled = true;
        wake(session);
        return;
    }
    if (session->lease == NULL && smtp_client_connection_stage(session->smtp) == SMTP_STAGE_IDLE) {
        courier_session_goodbye(session);
        return;
    }
    smtp_client_connection_broken(session->smtp, SMTP_FAULT_TIMEOUT);
    turn(session);
}

/* ---- opening ---- */

static socklen_t socket_address(const struct msg_address *address, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, address->bytes.b, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, address->bytes.b, 16);
    return sizeof(*in6);
}

/* The configured source address of the family, if there is one. */
static bool bind_source(const struct conf *conf, int fd, int family)
{
    for (size_t i = 0; i < conf->courier_source.count; i++) {
        struct sockaddr_storage source;
        socklen_t len;
        if (inet_parse(conf->courier_source.item[i], 0, &source, &len, NULL) && source.ss_family == family)
            return bind(fd, (struct sockaddr *)&source, len) == 0;
    }
    return true;
}

/* A socket on its way, or -1 with errno. */
static int dial(const struct conf *conf, const struct sockaddr_storage *to, socklen_t len)
{
    int one = 1;
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (bind_source(conf, fd, to->ss_family) &&
        (connect(fd, (const struct sockaddr *)to, len) == 0 || errno == EINPROGRESS))
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static char *address_text(const struct msg_address *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes.b, text, sizeof(text));
    return mem_strdup(text);
}

struct courier_session *courier_session_open(struct courier_lease *lease, const struct courier_host *host,
                                             const struct msg_address *address)
{
    static const struct tls_conn_ops ops = {on_connected, on_secured, on_input, on_drained, on_closed};
    struct courier *courier = lease->courier;
    struct courier_session *session = mem_new(sizeof(*session));
    struct sockaddr_storage to;
    socklen_t len = socket_address(address, (uint16_t)courier->conf->courier_port, &to);
    session->courier = courier;
    session->lease = lease;
    session->notice = lease->lease.kind != MSG_LEASE_MAIL;
    session->clear = lease->clear;
    list_init(&session->link);
    list_init(&session->all);
    list_push(&courier->sessions, &session->all);
    session->timer = loop_timer_create(courier->loop, on_timer, session);
    session->facts = (struct trust_session){.host = mem_strdup(host->name), .address = address_text(address),
        .port = (uint16_t)courier->conf->courier_port, .dns = host->dns, .dns_secure = host->secure, .at_us = clock_utc_us()};
    int fd = dial(courier->conf, &to, len);
    if (fd >= 0) {
        session->conn = tls_conn_create(courier->loop, courier->scratch, fd, true, &ops, session);
        put_off(session);
    } else {
        session->facts.connect = errno == ECONNREFUSED ? TRUST_CONNECT_REFUSED : TRUST_CONNECT_UNREACHABLE;
        session->deadline_us = 0;
        loop_timer_start(session->timer, 0);
    }
    return session;
}

/* ---- keeping ---- */

static bool may_keep(const struct courier_session *session)
{
    const struct courier *courier = session->courier;
    uint32_t mail_max = session->facts.caps.mail_max;
    return session->smtp != NULL && session->conn != NULL && !session->notice && !courier->draining &&
           session->facts.tls.established && session->facts.cert.fault == TRUST_CERT_FINE &&
           courier->idle_count < COURIER_IDLE_MAX && session->messages < COURIER_SESSION_MESSAGES &&
           (mail_max == 0 || session->messages < mail_max) &&
           (smtp_client_connection_state(session->smtp) == SMTP_CLIENT_READY ||
            smtp_client_connection_state(session->smtp) == SMTP_CLIENT_RESETTING);
}

void courier_session_release(struct courier_session **session)
{
    struct courier_session *s = *session;
    *session = NULL;
    if (s == NULL)
        return;
    s->lease = NULL;
    if (may_keep(s)) {
        list_push(&s->courier->idle, &s->link);
        s->courier->idle_count++;
        s->kept = true;
        courier_session_pump(s);
        return;
    }
    if (s->smtp == NULL || s->conn == NULL) {
        courier_session_drop(s);
        return;
    }
    smtp_client_connection_quit(s->smtp);
    courier_session_pump(s);
    if (smtp_client_connection_state(s->smtp) == SMTP_CLIENT_ENDED)
        tls_conn_close(s->conn);
}

static bool at_address(const struct courier_session *session, const struct courier_host *host)
{
    for (size_t i = 0; i < host->count; i++) {
        char text[INET6_ADDRSTRLEN] = "";
        inet_ntop(host->address[i].family == 4 ? AF_INET : AF_INET6, host->address[i].bytes.b, text, sizeof(text));
        if (strcmp(text, session->facts.address) == 0)
            return true;
    }
    return false;
}

struct courier_session *courier_session_take(struct courier_lease *lease, const struct courier_host *host)
{
    struct courier *courier = lease->courier;
    LIST_FOR(it, tmp, &courier->idle) {
        struct courier_session *s = LIST_ENTRY(it, struct courier_session, link);
        if (smtp_client_connection_state(s->smtp) != SMTP_CLIENT_READY || strcmp(s->facts.host, host->name) != 0 ||
            !at_address(s, host))
            continue;
        leave_idle(s);
        s->lease = lease;
        /* The DNS state of this domain's look-up is judged, not that of the first one. */
        s->facts.dns = host->dns;
        s->facts.dns_secure = host->secure;
        return s;
    }
    return NULL;
}

void courier_session_drop(struct courier_session *session)
{
    session->lease = NULL;
    leave_idle(session);
    courier_bury_session(session);
}

void courier_session_free(struct courier_session *session)
{
    list_remove(&session->link);
    list_remove(&session->all);
    loop_timer_free(&session->timer);
    tls_conn_free(&session->conn);
    smtp_client_connection_free(&session->smtp);
    trust_session_clear(&session->facts);
    mem_free(session);
}
