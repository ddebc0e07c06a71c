/* SPDX-License-Identifier: Apache-2.0 */
/* A connection on the loop. The user's callbacks run only from the loop's own calls (event, timer), never from inside a
 * function the user has called; so a failed write is told by closed() a little later, and may be met anywhere. */
#include "net/tls_conn.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

/* A record's worth of output: more in one call gains nothing. */
#define RECORD_MAX 16384u
/* An idle connection keeps no larger output buffer. */
#define IDLE_BUFFER 512u
/* Rounds of reading before other connections have their turn. */
#define READ_ROUNDS 4

struct tls_scratch {
    uint8_t bytes[TLS_CONN_READ_MAX];
};

/* A connection begins CONNECTING (client) or CLEAR. tls_conn_start_tls() leads to HANDSHAKE, success of it to SECURE.
 * tls_conn_close() leads to CLOSING from anywhere: the rest of the output leaves, then LINGER waits for the peer with our
 * side shut. OVER is entered once, by whatever ended it, and closed() is told from there. */
enum tls_conn_state {
    TLS_CONN_CONNECTING,
    TLS_CONN_CLEAR,
    TLS_CONN_HANDSHAKE,
    TLS_CONN_SECURE,
    TLS_CONN_CLOSING,
    TLS_CONN_LINGER,
    TLS_CONN_OVER,
};

struct tls_conn {
    struct loop *loop;
    struct tls_scratch *scratch;
    const struct tls_conn_ops *ops;
    void *ctx;
    struct loop_watch *watch;
    struct loop_timer *timer; /* made when first needed: linger, a late closed(), reading again */
    SSL *ssl;
    struct buf out;
    size_t sent; /* of out */
    int fd;
    unsigned depth; /* calls from the loop under way */
    enum tls_conn_state state;
    enum tls_conn_end end;
    struct err reason;
    bool secure;        /* the handshake has succeeded; CLOSING encrypts its rest */
    bool reading;
    bool watched; /* input is watched: from reading on until input comes while it is off */
    bool in_read;
    bool read_wants_write; /* the TLS library must write before it can read */
    bool stuck;         /* output had to wait: drained() is owed */
    bool told;          /* closed() was called */
    bool doomed;        /* freed inside a callback */
};

struct tls_scratch *tls_scratch_create(void)
{
    return mem_new(sizeof(struct tls_scratch));
}

void tls_scratch_free(struct tls_scratch **scratch)
{
    if (scratch == NULL || *scratch == NULL)
        return;
    mem_free_secret(*scratch, sizeof(**scratch));
    *scratch = NULL;
}

static void set_state(struct tls_conn *conn, enum tls_conn_state state)
{
    if (conn->state != TLS_CONN_OVER)
        conn->state = state;
}

static void on_timer(void *ctx);

static void start_timer(struct tls_conn *conn, int64_t delay_us)
{
    if (conn->timer == NULL)
        conn->timer = loop_timer_create(conn->loop, on_timer, conn);
    loop_timer_start(conn->timer, delay_us);
}

/* The end; closed() is told when the loop's call is over, or by the timer. */
static void end(struct tls_conn *conn, enum tls_conn_end how, const char *reason)
{
    if (conn->state == TLS_CONN_OVER)
        return;
    conn->end = how;
    err_set(&conn->reason, "%s", reason);
    set_state(conn, TLS_CONN_OVER);
    if (conn->depth == 0)
        start_timer(conn, 0);
}

static void end_errno(struct tls_conn *conn, const char *what)
{
    struct err text;
    err_errno(&text, errno, "%s", what);
    end(conn, TLS_CONN_END_SYSTEM, text.text);
}

/* Sorts an error of the TLS library. saved_errno is of the call itself. */
static void end_tls(struct tls_conn *conn, int ssl_error, int saved_errno)
{
    unsigned long code = ERR_peek_last_error();
    bool eof = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (ssl_error == SSL_ERROR_ZERO_RETURN) {
        end(conn, TLS_CONN_END_CLEAN, "closed by the peer");
    } else if (eof || (ssl_error == SSL_ERROR_SYSCALL && saved_errno == 0)) {
        end(conn, TLS_CONN_END_TRUNCATED, conn->secure ? "cut off inside TLS" : "cut off during the TLS handshake");
    } else if (ssl_error == SSL_ERROR_SYSCALL) {
        errno = saved_errno;
        end_errno(conn, "connection lost");
    } else {
        const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;
        end(conn, TLS_CONN_END_TLS, text != NULL ? text : "TLS failure");
    }
    ERR_clear_error();
}

static bool encrypts(const struct tls_conn *conn)
{
    return conn->secure;
}

/* One write to the kernel. Returns bytes taken, 0 when it must wait or has ended. */
static size_t write_some(struct tls_conn *conn, const uint8_t *data, size_t len)
{
    if (!encrypts(conn)) {
        ssize_t n = send(conn->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            end_errno(conn, "connection lost");
        return n > 0 ? (size_t)n : 0;
    }
    size_t done = 0;
    ERR_clear_error();
    errno = 0;
    if (SSL_write_ex(conn->ssl, data, len < RECORD_MAX ? len : RECORD_MAX, &done) == 1)
        return done;
    int saved_errno = errno;
    int error = SSL_get_error(conn->ssl, 0);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        end_tls(conn, error, saved_errno);
    return 0;
}

size_t tls_conn_pending(const struct tls_conn *conn)
{
    return conn->out.len - conn->sent;
}

/* Says goodbye once all output has gone, and waits for the peer. */
static void begin_linger(struct tls_conn *conn)
{
    if (conn->secure) {
        ERR_clear_error();
        (void)SSL_shutdown(conn->ssl);
        ERR_clear_error();
    }
    (void)shutdown(conn->fd, SHUT_WR);
    set_state(conn, TLS_CONN_LINGER);
}

static void flush_out(struct tls_conn *conn)
{
    if (conn->state == TLS_CONN_CONNECTING || conn->state == TLS_CONN_OVER || conn->state == TLS_CONN_LINGER)
        return;
    while (tls_conn_pending(conn) > 0 && conn->state != TLS_CONN_OVER) {
        size_t n = write_some(conn, conn->out.data + conn->sent, tls_conn_pending(conn));
        conn->sent += n;
        if (n == 0)
            break;
    }
    if (tls_conn_pending(conn) > 0) {
        conn->stuck = true;
        return;
    }
    conn->sent = 0;
    if (conn->out.cap > IDLE_BUFFER)
        buf_free(&conn->out);
    else
        buf_reset(&conn->out);
    if (conn->state == TLS_CONN_CLOSING)
        begin_linger(conn);
}

static void update_watch(struct tls_conn *conn)
{
    unsigned events = 0;
    if (conn->watch == NULL)
        return;
    if (conn->state == TLS_CONN_CONNECTING || conn->read_wants_write || tls_conn_pending(conn) > 0)
        events |= LOOP_WRITE;
    if (conn->state == TLS_CONN_HANDSHAKE)
        events |= SSL_want_write(conn->ssl) ? LOOP_WRITE : LOOP_READ;
    else if (conn->state == TLS_CONN_LINGER || (conn->watched && conn->state != TLS_CONN_CONNECTING))
        events |= LOOP_READ;
    loop_watch_set(conn->watch, events);
}

/* Input came while reading is off. Only now is the watch taken off: most pauses (an answer of another process) are over
 * before the client says more, and cost no system call. */
static void mute(struct tls_conn *conn, unsigned events)
{
    if (!conn->reading && (events & LOOP_READ) != 0)
        conn->watched = false;
}

static void step_handshake(struct tls_conn *conn)
{
    if (tls_conn_pending(conn) > 0)
        return; /* what was said in the clear goes first */
    ERR_clear_error();
    errno = 0;
    int rc = SSL_do_handshake(conn->ssl);
    int saved_errno = errno;
    if (rc == 1) {
        conn->secure = true;
        set_state(conn, TLS_CONN_SECURE);
        conn->ops->secured(conn->ctx);
        return;
    }
    int error = SSL_get_error(conn->ssl, rc);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        end_tls(conn, error, saved_errno);
}

/* Fills the scratch buffer from the socket. Returns the bytes; *ret_more: there may be more at hand. */
static size_t fill_clear(struct tls_conn *conn, bool *ret_more)
{
    ssize_t n = recv(conn->fd, conn->scratch->bytes, TLS_CONN_READ_MAX, 0);
    *ret_more = n == (ssize_t)TLS_CONN_READ_MAX;
    if (n == 0)
        end(conn, TLS_CONN_END_CLEAN, "closed by the peer");
    else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        end_errno(conn, "connection lost");
    return n > 0 ? (size_t)n : 0;
}

/* As fill_clear(), from TLS: several records while the library has some at hand. What was read before an end is
 * still given out. */
static size_t fill_tls(struct tls_conn *conn, bool *ret_more)
{
    size_t len = 0;
    conn->read_wants_write = false;
    *ret_more = true;
    while (len < TLS_CONN_READ_MAX) {
        size_t got = 0;
        ERR_clear_error();
        errno = 0;
        if (SSL_read_ex(conn->ssl, conn->scratch->bytes + len, TLS_CONN_READ_MAX - len, &got) != 1) {
            int saved_errno = errno;
            int error = SSL_get_error(conn->ssl, 0);
            conn->read_wants_write = error == SSL_ERROR_WANT_WRITE;
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
                end_tls(conn, error, saved_errno);
            *ret_more = false;
            break;
        }
        len += got;
        *ret_more = SSL_has_pending(conn->ssl) == 1;
        if (!*ret_more)
            break;
    }
    return len;
}

static bool may_read(const struct tls_conn *conn)
{
    return conn->reading && !conn->doomed && (conn->state == TLS_CONN_CLEAR || conn->state == TLS_CONN_SECURE);
}

static void read_input(struct tls_conn *conn)
{
    bool more = true;
    conn->in_read = true;
    for (int round = 0; round < READ_ROUNDS && more && may_read(conn); round++) {
        size_t len = conn->secure ? fill_tls(conn, &more) : fill_clear(conn, &more);
        if (len == 0)
            break;
        conn->ops->input(conn->ctx, slice_of(conn->scratch->bytes, len));
        mem_wipe(conn->scratch->bytes, len);
        if (!conn->doomed)
            flush_out(conn);
    }
    conn->in_read = false;
    if (more && may_read(conn) && conn->secure && SSL_has_pending(conn->ssl) == 1)
        start_timer(conn, 0); /* the kernel will not wake us for what the library holds */
}

/* LINGER: what still comes is of no interest; the end of it is. */
static void read_linger(struct tls_conn *conn)
{
    for (int round = 0; round < READ_ROUNDS; round++) {
        ssize_t n = recv(conn->fd, conn->scratch->bytes, TLS_CONN_READ_MAX, 0);
        if (n > 0)
            continue;
        if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            end(conn, TLS_CONN_END_CLEAN, "closed");
        return;
    }
}

static void step_connect(struct tls_conn *conn)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error != 0) {
        errno = error;
        end_errno(conn, "no connection");
        return;
    }
    set_state(conn, TLS_CONN_CLEAR);
    if (conn->ops->connected != NULL)
        conn->ops->connected(conn->ctx);
}

static void release(struct tls_conn *conn)
{
    loop_watch_free(&conn->watch);
    loop_timer_free(&conn->timer);
    SSL_free(conn->ssl);
    if (conn->fd >= 0)
        close(conn->fd);
    buf_free(&conn->out);
    mem_free(conn);
}

static void tell_drained(struct tls_conn *conn)
{
    if (!conn->stuck || tls_conn_pending(conn) > 0)
        return;
    conn->stuck = false;
    if (conn->ops->drained == NULL || (conn->state != TLS_CONN_CLEAR && conn->state != TLS_CONN_SECURE))
        return;
    conn->ops->drained(conn->ctx);
    if (!conn->doomed)
        flush_out(conn);
}

/* The end of a call from the loop: drained(), the first step of a handshake just asked for, closed(), freeing. */
static void leave(struct tls_conn *conn)
{
    if (!conn->doomed)
        tell_drained(conn);
    if (!conn->doomed && conn->state == TLS_CONN_HANDSHAKE && SSL_in_before(conn->ssl)) {
        step_handshake(conn);
        if (may_read(conn) && SSL_has_pending(conn->ssl) == 1)
            start_timer(conn, 0); /* a client that is quick: its request came with its Finished */
    }
    if (!conn->doomed && conn->state == TLS_CONN_OVER && !conn->told) {
        conn->told = true;
        loop_watch_free(&conn->watch);
        conn->ops->closed(conn->ctx, conn->end, conn->reason.text);
    }
    if (!conn->doomed)
        update_watch(conn);
    conn->depth--;
    if (conn->doomed && conn->depth == 0)
        release(conn);
}

static void on_event(void *ctx, unsigned events)
{
    struct tls_conn *conn = ctx;
    conn->depth++;
    mute(conn, events);
    if (conn->state == TLS_CONN_CONNECTING)
        step_connect(conn);
    else
        flush_out(conn);
    if (!conn->doomed && conn->state == TLS_CONN_HANDSHAKE)
        step_handshake(conn);
    if (!conn->doomed && conn->state == TLS_CONN_LINGER)
        read_linger(conn);
    else if (!conn->doomed && (events != LOOP_WRITE || conn->read_wants_write || conn->secure))
        read_input(conn);
    if (!conn->doomed)
        flush_out(conn);
    leave(conn);
}

static void on_timer(void *ctx)
{
    struct tls_conn *conn = ctx;
    conn->depth++;
    if (conn->state == TLS_CONN_LINGER || conn->state == TLS_CONN_CLOSING)
        end(conn, TLS_CONN_END_CLEAN, "closed");
    else if (conn->state != TLS_CONN_OVER)
        read_input(conn);
    leave(conn);
}

struct tls_conn *tls_conn_create(struct loop *loop, struct tls_scratch *scratch, int fd, bool connecting,
                                 const struct tls_conn_ops *ops, void *ctx)
{
    struct tls_conn *conn = mem_new(sizeof(*conn));
    conn->loop = loop;
    conn->scratch = scratch;
    conn->fd = fd;
    conn->ops = ops;
    conn->ctx = ctx;
    conn->reading = conn->watched = true;
    conn->state = connecting ? TLS_CONN_CONNECTING : TLS_CONN_CLEAR;
    buf_init_secret(&conn->out, TLS_CONN_OUTPUT_MAX);
    conn->watch = loop_watch_create(loop, fd, connecting ? LOOP_WRITE : LOOP_READ, on_event, conn);
    if (conn->watch == NULL)
        end(conn, TLS_CONN_END_SYSTEM, "the descriptor cannot be watched");
    return conn;
}

void tls_conn_free(struct tls_conn **conn)
{
    if (conn == NULL || *conn == NULL)
        return;
    struct tls_conn *c = *conn;
    *conn = NULL;
    if (c->depth > 0)
        c->doomed = true;
    else
        release(c);
}

void tls_conn_start_tls(struct tls_conn *conn, SSL *ssl)
{
    assert(conn->ssl == NULL);
    conn->ssl = ssl;
    if (SSL_set_fd(ssl, conn->fd) != 1)
        end(conn, TLS_CONN_END_TLS, "no TLS on this descriptor");
    if (conn->state != TLS_CONN_CLEAR)
        return;
    flush_out(conn);
    set_state(conn, TLS_CONN_HANDSHAKE);
    if (conn->depth == 0) {
        conn->depth++;
        leave(conn);
    }
}

bool tls_conn_write(struct tls_conn *conn, struct slice bytes)
{
    if (conn->state != TLS_CONN_CLEAR && conn->state != TLS_CONN_SECURE)
        return false; /* never queued during a handshake: it would leave in the clear */
    if (conn->sent > 0 && bytes.len > conn->out.cap - conn->out.len) {
        buf_consume(&conn->out, conn->sent);
        conn->sent = 0;
    }
    if (buf_append_slice(&conn->out, bytes))
        return true;
    end(conn, TLS_CONN_END_SYSTEM, "the peer takes its input too slowly");
    return false;
}

void tls_conn_flush(struct tls_conn *conn)
{
    flush_out(conn);
    if (conn->depth == 0)
        update_watch(conn);
}

void tls_conn_reading(struct tls_conn *conn, bool on)
{
    if (conn->reading == on)
        return;
    conn->reading = on;
    conn->watched = conn->watched || on;
    if (on && !conn->in_read && conn->secure && conn->state == TLS_CONN_SECURE && SSL_has_pending(conn->ssl) == 1)
        start_timer(conn, 0);
    if (conn->depth == 0)
        update_watch(conn);
}

void tls_conn_close(struct tls_conn *conn)
{
    if (conn->state >= TLS_CONN_CLOSING)
        return;
    bool unborn = conn->state == TLS_CONN_CONNECTING;
    set_state(conn, TLS_CONN_CLOSING);
    start_timer(conn, unborn ? 0 : TLS_CONN_LINGER_US);
    if (!unborn)
        flush_out(conn);
    if (conn->depth == 0)
        update_watch(conn);
}

bool tls_conn_is_secure(const struct tls_conn *conn)
{
    return conn->secure;
}

SSL *tls_conn_ssl(const struct tls_conn *conn)
{
    return conn->ssl;
}

void tls_conn_facts(const struct tls_conn *conn, struct tls_facts *ret_facts)
{
    *ret_facts = (struct tls_facts){"", "", "", 0, false};
    if (!conn->secure)
        return;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(conn->ssl);
    const char *suite = cipher != NULL ? SSL_CIPHER_standard_name(cipher) : NULL;
    int group = (int)SSL_get_negotiated_group(conn->ssl);
    const char *name = group != 0 ? SSL_group_to_name(conn->ssl, group) : NULL;
    ret_facts->protocol = SSL_get_version(conn->ssl);
    ret_facts->suite = suite != NULL ? suite : "";
    ret_facts->group = name != NULL ? name : "";
    ret_facts->bits = cipher != NULL ? SSL_CIPHER_get_bits(cipher, NULL) : 0;
    ret_facts->resumed = SSL_session_reused(conn->ssl) == 1;
}

bool tls_conn_exporter(const struct tls_conn *conn, uint8_t ret_binding[TLS_EXPORTER_SIZE])
{
    static const char label[] = "EXPORTER-Channel-Binding";
    if (!conn->secure || (SSL_version(conn->ssl) < TLS1_3_VERSION && SSL_get_extms_support(conn->ssl) != 1))
        return false;
    return SSL_export_keying_material(conn->ssl, ret_binding, TLS_EXPORTER_SIZE, label, sizeof(label) - 1, NULL, 0, 1) ==
           1;
}
