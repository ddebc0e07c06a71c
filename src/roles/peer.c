/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to mail servers. */
#include "roles/peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/inet.h"
#include "trust/trust_cert.h"
#include "trust/trust_dane.h"

/* Output queued in the connection before the protocol side is asked for more. */
#define OUTPUT_AHEAD ((size_t)131072)

static_assert((int)TLS_PROFILE_STRICT == (int)TRUST_PROFILE_STRICT && (int)TLS_PROFILE_NIST == (int)TRUST_PROFILE_NIST &&
                  (int)TLS_PROFILE_FIPS == (int)TRUST_PROFILE_FIPS,
              "profiles have the same numbers in net and trust");
static_assert((int)TLS_CLIENT_OTHER == (int)TRUST_CIPHER_OTHER && (int)TLS_CLIENT_AES_GCM == (int)TRUST_CIPHER_AES_GCM &&
                  (int)TLS_CLIENT_AES_CCM == (int)TRUST_CIPHER_AES_CCM && (int)TLS_CLIENT_CHACHA20 == (int)TRUST_CIPHER_CHACHA20,
              "cipher families have the same numbers in net and trust");

/* What of a peer_want is for one domain only; copied. */
struct about {
    enum trust_tlsa_state tlsa;
    char *base;
    struct buf records; /* msg_tlsa */
    char *name[PEER_NAMES_MAX];
    size_t names;
};

struct peer {
    const struct peer_home *home;
    const struct peer_ops *ops;
    void *ctx;
    char *helo;
    bool clear;
    enum trust_profile profile;
    struct about about;
    struct tls_conn *conn;
    struct smtp_client_connection *smtp;
    struct trust_session facts;
    char local[INET6_ADDRSTRLEN]; /* our address; empty: not known */
    struct loop_timer *timer;
    int64_t deadline_us; /* wait clock */
    int64_t rest_us;     /* 0: in use */
    bool settled;
    bool told;
};

/* ---- what is known of the host for the domain asked about ---- */

static void about_free(struct about *about)
{
    mem_free(about->base);
    buf_free(&about->records);
    for (size_t i = 0; i < about->names; i++)
        mem_free(about->name[i]);
    memset(about, 0, sizeof(*about));
}

static void about_set(struct about *about, const struct peer_want *want)
{
    about->tlsa = want->tlsa;
    about->base = want->tlsa_base == NULL ? NULL : mem_strdup(want->tlsa_base);
    buf_init(&about->records, MSG_TLSA_MAX);
    buf_append_slice(&about->records, want->tlsa_records);
    for (size_t i = 0; i < want->name_count && about->names < PEER_NAMES_MAX; i++)
        about->name[about->names++] = mem_strdup(want->names[i]);
}

static size_t read_records(struct slice list, struct trust_tlsa ret_records[TRUST_DANE_RECORDS_MAX])
{
    struct wire_reader r = wire_reader_of(list);
    struct msg_tlsa in;
    size_t count = 0;
    while (count < TRUST_DANE_RECORDS_MAX && layout_next(&msg_tlsa_layout, &r, &in))
        ret_records[count++] = (struct trust_tlsa){in.usage, in.selector, in.matching, in.data};
    return count;
}

enum trust_tlsa_state peer_tlsa_worth(enum trust_tlsa_state state, struct slice tlsa_records)
{
    struct trust_tlsa records[TRUST_DANE_RECORDS_MAX];
    const struct trust_cert_ask ask = {.host = ""};
    struct trust_dane dane;
    trust_dane_check(&ask, state, NULL, records, read_records(tlsa_records, records), NULL, 0, &dane);
    state = dane.tlsa;
    trust_dane_free(&dane);
    return state;
}

/* RFC 7672 8.1: where there are records their base is the name that is asked for. */
static const char *server_name(const struct peer *peer)
{
    return peer->about.tlsa == TRUST_TLSA_USABLE && peer->about.base != NULL ? peer->about.base : peer->facts.host;
}

/* Compares the chain the peer showed with the records; before there is one, says only what state they are in. */
static void check_dane(struct peer *peer, int64_t now_us)
{
    struct trust_tlsa records[TRUST_DANE_RECORDS_MAX];
    const struct about *about = &peer->about;
    const char *const *names = (const char *const *)about->name;
    struct trust_dane *dane = &peer->facts.dane;
    bool secured = peer->facts.tls.established && peer->conn != NULL;
    const struct trust_cert_ask ask = {.chain = secured ? tls_client_chain(tls_conn_ssl(peer->conn)) : NULL,
        .host = peer->facts.host, .now_us = now_us, .profile = peer->profile};
    trust_dane_free(dane);
    trust_dane_check(&ask, about->tlsa, about->base, records, read_records(buf_slice(&about->records), records), names,
                     about->names, dane);
    if (!secured) { /* nothing was compared yet */
        mem_free(dane->detail);
        dane->detail = NULL;
        dane->checked = false;
        dane->fault = TRUST_CERT_FINE;
    }
}

/* How long to wait now: RFC 5321 4.5.3.2 in spirit, by configuration in numbers. */
static int64_t patience(const struct peer *peer)
{
    const struct conf *conf = peer->home->conf;
    switch (peer->smtp == NULL ? SMTP_STAGE_CONNECT : smtp_client_connection_stage(peer->smtp)) {
    case SMTP_STAGE_CONNECT:
    case SMTP_STAGE_HANDSHAKE: return conf->courier_connect_timeout;
    case SMTP_STAGE_FINAL: return 2 * conf->courier_command_timeout;
    case SMTP_STAGE_IDLE: return peer->rest_us > 0 ? peer->rest_us : conf->courier_command_timeout;
    case SMTP_STAGE_QUIT: return CLOCK_US_PER_S;
    default: return conf->courier_command_timeout;
    }
}

/* The timer is moved only when it fires: a deadline that was put off costs nothing until then. */
static void put_off(struct peer *peer)
{
    int64_t wait = patience(peer);
    int64_t deadline = clock_wait_us() + wait;
    bool sooner = deadline < peer->deadline_us;
    peer->deadline_us = deadline;
    if (sooner || !loop_timer_running(peer->timer))
        loop_timer_start(peer->timer, wait);
}

/* Tells the owner: the first time that the facts are complete, later that something moved. */
static void tell(struct peer *peer)
{
    if (!peer->settled)
        return;
    if (!peer->told) {
        peer->told = true;
        peer->ops->settled(peer->ctx);
    } else if (peer->ops->moved != NULL) {
        peer->ops->moved(peer->ctx);
    }
}

/* Ends the facts: what the protocol side says of its end. Once settled, they stay as they are. */
static void note_end(struct peer *peer)
{
    struct trust_session *facts = &peer->facts;
    const struct smtp_reply *reply = smtp_client_connection_reply(peer->smtp);
    struct buf text;
    if (peer->settled)
        return;
    peer->settled = true;
    facts->stage = smtp_client_connection_stage(peer->smtp);
    facts->fault = smtp_client_connection_fault(peer->smtp);
    if (facts->fault != SMTP_FAULT_REPLY)
        return;
    buf_init(&text, SMTP_REPLY_TEXT_MAX);
    smtp_reply_escape(reply, &text);
    facts->code = reply->code;
    facts->enhanced = smtp_reply_enhanced(reply->code, reply->enhanced);
    facts->reply = mem_strndup(text.data, text.len);
    buf_free(&text);
}

static void start_handshake(struct peer *peer)
{
    SSL *ssl = tls_client_ssl(peer->home->tls, server_name(peer), peer->facts.address);
    if (ssl == NULL)
        smtp_client_connection_broken(peer->smtp, SMTP_FAULT_LOCAL);
    else
        tls_conn_start_tls(peer->conn, ssl);
}

/* Moves what may be sent now into the connection, up to the limit; false when there was nothing. */
static bool fill_output(struct peer *peer)
{
    bool any = false;
    while (tls_conn_pending(peer->conn) < OUTPUT_AHEAD) {
        struct slice out = smtp_client_connection_output(peer->smtp);
        if (out.len == 0 || !tls_conn_write(peer->conn, out))
            break;
        smtp_client_connection_sent(peer->smtp, out.len);
        any = true;
    }
    return any;
}

/* While the kernel takes everything, nobody will call back: so go on until it does not, or nothing is left. */
void peer_pump(struct peer *peer)
{
    while (peer_is_open(peer) && fill_output(peer)) {
        tls_conn_flush(peer->conn);
        if (tls_conn_pending(peer->conn) > 0)
            break;
    }
    put_off(peer);
}

/* Takes the opening on by one step; facts are complete with READY, CLEAR without a wish or offer, ENDED. */
static void advance(struct peer *peer)
{
    struct trust_session *facts = &peer->facts;
    switch (smtp_client_connection_state(peer->smtp)) {
    case SMTP_CLIENT_CLEAR:
        if (peer->settled)
            break;
        facts->starttls = smtp_client_connection_caps(peer->smtp)->starttls;
        facts->caps = *smtp_client_connection_caps(peer->smtp);
        peer->settled = peer->clear || !smtp_client_connection_starttls(peer->smtp);
        break;
    case SMTP_CLIENT_HANDSHAKE:
        if (tls_conn_ssl(peer->conn) == NULL)
            start_handshake(peer);
        break;
    case SMTP_CLIENT_READY:
        if (peer->settled)
            break;
        facts->caps = *smtp_client_connection_caps(peer->smtp);
        facts->ready = true;
        peer->settled = true;
        break;
    case SMTP_CLIENT_ENDED:
        note_end(peer);
        break;
    default:
        break;
    }
}

/* After anything has happened: steps, output, and the owner when there is something for it. */
static void turn(struct peer *peer)
{
    advance(peer);
    peer_pump(peer);
    if (smtp_client_connection_state(peer->smtp) == SMTP_CLIENT_ENDED) {
        note_end(peer);
        if (peer->conn != NULL)
            tls_conn_close(peer->conn);
    }
    tell(peer);
}

static void on_connected(void *ctx)
{
    struct peer *peer = ctx;
    peer->facts.connect = TRUST_CONNECT_OK;
    peer->smtp = smtp_client_connection_create(peer->helo);
    put_off(peer);
}

static void on_secured(void *ctx)
{
    struct peer *peer = ctx;
    struct trust_tls *tls = &peer->facts.tls;
    SSL *ssl = tls_conn_ssl(peer->conn);
    struct tls_facts facts;
    tls_conn_facts(peer->conn, &facts);
    tls->established = true;
    tls->protocol = (uint16_t)SSL_version(ssl);
    tls->protocol_name = facts.protocol;
    tls->suite = facts.suite;
    tls->group = facts.group;
    tls->bits = facts.bits;
    tls->resumed = facts.resumed;
    tls->aead = tls_client_suite(ssl, &tls->ephemeral);
    tls->cipher = (enum trust_cipher)tls_client_cipher(ssl);
    tls->extended_master = tls_client_extended_master(ssl);
    const struct trust_cert_ask ask = {.store = tls_client_anchors(peer->home->tls), .chain = tls_client_chain(ssl),
        .host = peer->facts.host, .now_us = clock_utc_us(), .profile = peer->profile,
        .staple = tls_client_staple(ssl)};
    trust_cert_check(&ask, &peer->facts.cert);
    check_dane(peer, ask.now_us);
    smtp_client_connection_tls_started(peer->smtp);
    turn(peer);
}

static void on_input(void *ctx, struct slice bytes)
{
    struct peer *peer = ctx;
    if (peer->smtp == NULL)
        return;
    smtp_client_connection_feed(peer->smtp, bytes);
    turn(peer);
}

static void on_drained(void *ctx)
{
    struct peer *peer = ctx;
    if (peer->smtp != NULL)
        peer_pump(peer);
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

/* No connection came about. */
static void never_connected(struct peer *peer, enum trust_connect connect)
{
    if (peer->facts.connect == TRUST_CONNECT_NONE)
        peer->facts.connect = connect;
    peer->settled = true;
}

static void on_closed(void *ctx, enum tls_conn_end end, const char *reason)
{
    struct peer *peer = ctx;
    SSL *ssl = tls_conn_ssl(peer->conn);
    if (peer->smtp == NULL) {
        never_connected(peer, connect_failure(reason));
    } else {
        if (ssl != NULL && !peer->facts.tls.established)
            peer->facts.tls.failure = tls_failure_of(tls_client_failure(ssl));
        smtp_client_connection_broken(peer->smtp, fault_of(end));
        note_end(peer);
    }
    tls_conn_free(&peer->conn);
    tell(peer);
}

static void on_timer(void *ctx)
{
    struct peer *peer = ctx;
    int64_t left = peer->deadline_us - clock_wait_us();
    if (left > 0) {
        loop_timer_start(peer->timer, left);
    } else if (peer->smtp == NULL) { /* not even a socket, or no connection in time */
        never_connected(peer, peer->conn == NULL ? TRUST_CONNECT_UNREACHABLE : TRUST_CONNECT_TIMEOUT);
        tls_conn_free(&peer->conn);
        tell(peer);
    } else if (peer->rest_us > 0 && smtp_client_connection_stage(peer->smtp) == SMTP_STAGE_IDLE) {
        peer_goodbye(peer);
        tell(peer);
    } else {
        smtp_client_connection_broken(peer->smtp, SMTP_FAULT_TIMEOUT);
        turn(peer);
    }
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

/* What the system chose to connect from. */
static void note_local(struct peer *peer, int fd)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return;
    const void *bytes = at.ss_family == AF_INET ? (const void *)&((const struct sockaddr_in *)&at)->sin_addr
                                                : (const void *)&((const struct sockaddr_in6 *)&at)->sin6_addr;
    (void)inet_ntop(at.ss_family, bytes, peer->local, sizeof(peer->local));
}

const char *peer_local(const struct peer *peer)
{
    return peer->local;
}

struct peer *peer_open(const struct peer_home *home, const struct peer_want *want, const struct peer_ops *ops, void *ctx)
{
    static const struct tls_conn_ops conn_ops = {on_connected, on_secured, on_input, on_drained, on_closed};
    struct peer *peer = mem_new(sizeof(*peer));
    struct sockaddr_storage to;
    socklen_t len = socket_address(&want->address, (uint16_t)home->conf->courier_port, &to);
    peer->home = home;
    peer->ops = ops;
    peer->ctx = ctx;
    peer->helo = mem_strdup(want->helo);
    peer->clear = want->clear;
    peer->profile = want->profile;
    peer->timer = loop_timer_create(home->loop, on_timer, peer);
    peer->facts = (struct trust_session){.host = mem_strdup(want->host), .address = address_text(&want->address),
        .port = (uint16_t)home->conf->courier_port, .dns = want->dns, .dns_secure = want->dns_secure, .at_us = clock_utc_us()};
    about_set(&peer->about, want);
    check_dane(peer, peer->facts.at_us);
    int fd = dial(home->conf, &to, len);
    if (fd >= 0) {
        note_local(peer, fd);
        peer->conn = tls_conn_create(home->loop, home->scratch, fd, true, &conn_ops, peer);
        put_off(peer);
    } else {
        peer->facts.connect = errno == ECONNREFUSED ? TRUST_CONNECT_REFUSED : TRUST_CONNECT_UNREACHABLE;
        loop_timer_start(peer->timer, 0);
    }
    return peer;
}

/* ---- for the owner ---- */

struct trust_session *peer_facts(struct peer *peer)
{
    return &peer->facts;
}

bool peer_is_settled(const struct peer *peer)
{
    return peer->settled;
}

struct smtp_client_connection *peer_smtp(struct peer *peer)
{
    return peer->smtp;
}

bool peer_is_open(const struct peer *peer)
{
    return peer->smtp != NULL && peer->conn != NULL;
}

void peer_ask_again(struct peer *peer, const struct peer_want *want)
{
    peer->facts.dns = want->dns;
    peer->facts.dns_secure = want->dns_secure;
    peer->facts.sts_match = false;
    peer->facts.pin = TRUST_PIN_NONE;
    about_free(&peer->about);
    about_set(&peer->about, want);
    check_dane(peer, clock_utc_us());
}

void peer_proved(struct peer *peer)
{
    if (peer_is_open(peer) && tls_conn_is_secure(peer->conn))
        tls_client_proved(tls_conn_ssl(peer->conn));
}

void peer_rest(struct peer *peer, int64_t rest_us)
{
    peer->rest_us = rest_us;
    peer_pump(peer);
}

void peer_goodbye(struct peer *peer)
{
    if (!peer_is_open(peer))
        return;
    smtp_client_connection_quit(peer->smtp);
    peer_pump(peer);
    if (smtp_client_connection_state(peer->smtp) == SMTP_CLIENT_ENDED)
        tls_conn_close(peer->conn);
}

void peer_free(struct peer **peer)
{
    if (peer == NULL || *peer == NULL)
        return;
    struct peer *p = *peer;
    loop_timer_free(&p->timer);
    tls_conn_free(&p->conn);
    smtp_client_connection_free(&p->smtp);
    trust_session_clear(&p->facts);
    about_free(&p->about);
    mem_free(p->helo);
    mem_free(p);
    *peer = NULL;
}
