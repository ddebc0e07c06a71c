/* SPDX-License-Identifier: Apache-2.0 */
/* Two connections over a socket pair on one loop: in the clear, through STARTTLS, with much data, with every kind of
 * end, and what the server's profile refuses. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/tls_profile.h"
#include "net/tls_server.h"
#include "tls_pair.h"

struct side {
    struct world *world;
    struct tls_conn *conn;
    SSL *tls_on_input; /* start TLS when the first bytes come */
    struct buf got;
    unsigned secured;
    unsigned drained;
    unsigned closed;
    enum tls_conn_end end;
    char reason[512];
    bool echo;
    bool close_on_input;
    bool free_on_input;
};

struct world {
    struct loop *loop;
    struct tls_scratch *scratch;
    struct tls_library *library;
    struct tls_server *server;
    SSL_CTX *client_ctx;
    struct side a; /* server */
    struct side b; /* client */
    struct loop_timer *limit;
    size_t stop_at; /* bytes at b that end the run */
    bool stop_when_secure;
    bool overtime;
};

static void maybe_stop(struct world *w)
{
    if ((w->stop_when_secure && w->a.secured && w->b.secured) || (w->stop_at > 0 && w->b.got.len >= w->stop_at) ||
        (w->a.closed && w->b.closed) || (w->a.conn == NULL && w->b.closed))
        loop_stop(w->loop);
}

static void on_secured(void *ctx)
{
    struct side *s = ctx;
    s->secured++;
    maybe_stop(s->world);
}

static void on_input(void *ctx, struct slice bytes)
{
    struct side *s = ctx;
    buf_append_slice(&s->got, bytes);
    if (s->echo)
        tls_conn_write(s->conn, bytes);
    if (s->tls_on_input != NULL) {
        tls_conn_start_tls(s->conn, s->tls_on_input);
        s->tls_on_input = NULL;
    }
    if (s->close_on_input)
        tls_conn_close(s->conn);
    if (s->free_on_input)
        tls_conn_free(&s->conn);
    maybe_stop(s->world);
}

static void on_drained(void *ctx)
{
    struct side *s = ctx;
    s->drained++;
}

static void on_closed(void *ctx, enum tls_conn_end end, const char *reason)
{
    struct side *s = ctx;
    s->closed++;
    s->end = end;
    snprintf(s->reason, sizeof(s->reason), "%s", reason);
    tls_conn_free(&s->conn);
    maybe_stop(s->world);
}

static const struct tls_conn_ops ops = {NULL, on_secured, on_input, on_drained, on_closed};

static void on_limit(void *ctx)
{
    struct world *w = ctx;
    w->overtime = true;
    loop_stop(w->loop);
}

static void run(struct world *w)
{
    loop_timer_start(w->limit, INT64_C(8000000));
    loop_run(w->loop);
    loop_timer_stop(w->limit);
    assert_false(w->overtime);
}

static int setup(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct buf certificate;
    struct buf key;
    struct err err;
    int fds[2];
    buf_init(&certificate, 65536);
    buf_init(&key, 65536);
    tls_pair_make("mx.example", &certificate, &key);
    w->library = tls_library_create(TLS_PROFILE_STRICT, NULL, NULL);
    w->server = tls_server_create(w->library, buf_slice(&certificate), buf_slice(&key), "smtp", &err);
    assert_non_null(w->server);
    buf_free(&certificate);
    buf_free(&key);
    w->client_ctx = SSL_CTX_new(TLS_client_method());
    assert_true(tls_profile_apply(w->client_ctx, TLS_PROFILE_STRICT, &err));
    w->loop = loop_create();
    w->scratch = tls_scratch_create();
    w->limit = loop_timer_create(w->loop, on_limit, w);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    w->a.world = w->b.world = w;
    buf_init(&w->a.got, 64 << 20);
    buf_init(&w->b.got, 64 << 20);
    w->a.conn = tls_conn_create(w->loop, w->scratch, fds[0], false, &ops, &w->a);
    w->b.conn = tls_conn_create(w->loop, w->scratch, fds[1], false, &ops, &w->b);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    tls_conn_free(&w->a.conn);
    tls_conn_free(&w->b.conn);
    SSL_free(w->a.tls_on_input);
    SSL_free(w->b.tls_on_input);
    buf_free(&w->a.got);
    buf_free(&w->b.got);
    tls_server_free(&w->server);
    tls_library_free(&w->library);
    SSL_CTX_free(w->client_ctx);
    loop_timer_free(&w->limit);
    tls_scratch_free(&w->scratch);
    loop_free(&w->loop);
    test_free(w);
    return 0;
}

static SSL *client_ssl(struct world *w)
{
    SSL *ssl = SSL_new(w->client_ctx);
    SSL_set_connect_state(ssl);
    return ssl;
}

static void secure_both(struct world *w)
{
    tls_conn_start_tls(w->a.conn, tls_server_ssl(w->server));
    tls_conn_start_tls(w->b.conn, client_ssl(w));
    w->stop_when_secure = true;
    run(w);
    w->stop_when_secure = false;
    assert_int_equal(w->a.secured, 1);
    assert_int_equal(w->b.secured, 1);
}

static void starttls_moves_from_the_clear_into_tls(void **state)
{
    struct world *w = *state;
    w->b.tls_on_input = client_ssl(w);
    tls_conn_write(w->a.conn, SLICE_LIT("220 ready"));
    tls_conn_start_tls(w->a.conn, tls_server_ssl(w->server));
    w->stop_when_secure = true;
    run(w);
    assert_slice(buf_slice(&w->b.got), "220 ready");
    struct tls_facts facts;
    tls_conn_facts(w->a.conn, &facts);
    assert_string_equal(facts.protocol, "TLSv1.3");
    assert_string_equal(facts.suite, "TLS_AES_256_GCM_SHA384");
    assert_string_equal(facts.group, "x25519");
    assert_int_equal(facts.bits, 256);
    uint8_t a[TLS_EXPORTER_SIZE];
    uint8_t b[TLS_EXPORTER_SIZE];
    assert_true(tls_conn_exporter(w->a.conn, a));
    assert_true(tls_conn_exporter(w->b.conn, b));
    assert_memory_equal(a, b, sizeof(a));
    assert_int_equal(tls_server_end_point(w->server).len, 32);
}

static void much_data_comes_back_whole(void **state)
{
    struct world *w = *state;
    secure_both(w);
    w->a.echo = true;
    struct buf data;
    buf_init(&data, 1 << 20);
    for (uint32_t i = 0; i < 200000; i++)
        buf_append_byte(&data, (uint8_t)(i * 7 + (i >> 8)));
    for (int i = 0; i < 4; i++)
        assert_true(tls_conn_write(w->b.conn, buf_slice(&data)));
    tls_conn_flush(w->b.conn);
    w->stop_at = 4 * data.len;
    run(w);
    assert_true(w->b.drained > 0);
    for (size_t i = 0; i < 4; i++)
        assert_memory_equal(w->b.got.data + i * data.len, data.data, data.len);
    buf_free(&data);
}

static void on_resume(void *ctx)
{
    struct world *w = ctx;
    assert_int_equal(w->b.got.len, 0);
    tls_conn_reading(w->b.conn, true);
}

static void reading_can_be_stopped_and_resumed(void **state)
{
    struct world *w = *state;
    secure_both(w);
    tls_conn_reading(w->b.conn, false);
    tls_conn_write(w->a.conn, SLICE_LIT("hello"));
    tls_conn_flush(w->a.conn);
    struct loop_timer *timer = loop_timer_create(w->loop, on_resume, w);
    loop_timer_start(timer, 50000);
    w->stop_at = 5;
    run(w);
    assert_slice(buf_slice(&w->b.got), "hello");
    loop_timer_free(&timer);
}

static void a_close_delivers_its_last_words(void **state)
{
    struct world *w = *state;
    secure_both(w);
    tls_conn_write(w->a.conn, SLICE_LIT("421 bye\r\n"));
    tls_conn_close(w->a.conn);
    assert_false(tls_conn_write(w->a.conn, SLICE_LIT("more")));
    run(w);
    assert_slice(buf_slice(&w->b.got), "421 bye\r\n");
    assert_int_equal(w->b.end, TLS_CONN_END_CLEAN);
    assert_int_equal(w->a.end, TLS_CONN_END_CLEAN);
    assert_int_equal(w->a.closed, 1);
}

static void row_6_a_cut_inside_tls_is_told_from_a_close(void **state)
{
    struct world *w = *state;
    secure_both(w);
    tls_conn_free(&w->a.conn);
    run(w);
    assert_int_equal(w->b.end, TLS_CONN_END_TRUNCATED);
}

static void a_connection_may_be_freed_in_its_callback(void **state)
{
    struct world *w = *state;
    secure_both(w);
    w->a.free_on_input = true;
    tls_conn_write(w->b.conn, SLICE_LIT("x"));
    tls_conn_flush(w->b.conn);
    run(w);
    assert_null(w->a.conn);
    assert_int_equal(w->b.closed, 1);
}

static void plain_bytes_into_a_handshake_end_it(void **state)
{
    struct world *w = *state;
    tls_conn_start_tls(w->a.conn, tls_server_ssl(w->server));
    tls_conn_write(w->b.conn, SLICE_LIT("EHLO evil\r\n"));
    tls_conn_flush(w->b.conn);
    run(w);
    assert_int_equal(w->a.end, TLS_CONN_END_TLS);
    assert_int_equal(w->a.secured, 0);
}

static void nothing_is_queued_in_a_handshake(void **state)
{
    struct world *w = *state;
    tls_conn_start_tls(w->b.conn, client_ssl(w));
    assert_false(tls_conn_write(w->b.conn, SLICE_LIT("secret")));
    assert_int_equal(tls_conn_pending(w->b.conn), 0);
}

static void expect_refused(struct world *w)
{
    tls_conn_start_tls(w->a.conn, tls_server_ssl(w->server));
    tls_conn_start_tls(w->b.conn, client_ssl(w));
    run(w);
    assert_int_equal(w->a.secured + w->b.secured, 0);
    assert_int_equal(w->a.end, TLS_CONN_END_TLS);
}

static void tls_1_1_is_refused(void **state)
{
    struct world *w = *state;
    SSL_CTX_set_security_level(w->client_ctx, 0);
    SSL_CTX_set_min_proto_version(w->client_ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(w->client_ctx, TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(w->client_ctx, "ALL:@SECLEVEL=0");
    expect_refused(w);
}

static void a_cbc_suite_is_refused(void **state)
{
    struct world *w = *state;
    SSL_CTX_set_max_proto_version(w->client_ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(w->client_ctx, "ECDHE-ECDSA-AES128-SHA256");
    expect_refused(w);
}

static void row_30_another_protocol_by_alpn_is_refused(void **state)
{
    struct world *w = *state;
    SSL_CTX_set_alpn_protos(w->client_ctx, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    tls_conn_start_tls(w->a.conn, tls_server_ssl(w->server));
    tls_conn_start_tls(w->b.conn, client_ssl(w));
    run(w);
    assert_int_equal(w->a.secured, 0);
    assert_int_equal(w->a.end, TLS_CONN_END_TLS);
}

static void our_own_protocol_by_alpn_is_served(void **state)
{
    struct world *w = *state;
    SSL_CTX_set_alpn_protos(w->client_ctx, (const unsigned char *)"\x02h2\x04smtp", 8);
    secure_both(w);
}

static void tls_1_2_has_its_exporter_too(void **state)
{
    struct world *w = *state;
    uint8_t a[TLS_EXPORTER_SIZE];
    struct tls_facts facts;
    SSL_CTX_set_max_proto_version(w->client_ctx, TLS1_2_VERSION);
    secure_both(w);
    tls_conn_facts(w->b.conn, &facts);
    assert_string_equal(facts.protocol, "TLSv1.2");
    assert_true(tls_conn_exporter(w->b.conn, a));
}

static void a_second_session_resumes(void **state)
{
    struct world *w = *state;
    struct tls_facts facts;
    int fds[2];
    secure_both(w);
    tls_conn_write(w->a.conn, SLICE_LIT("x"));
    tls_conn_flush(w->a.conn);
    w->stop_at = 1;
    run(w);
    /* A copy: the library spoils the session of a connection that ends without goodbye. */
    SSL_SESSION *session = SSL_SESSION_dup(SSL_get0_session(tls_conn_ssl(w->b.conn)));
    tls_conn_free(&w->a.conn);
    tls_conn_free(&w->b.conn);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    w->a.conn = tls_conn_create(w->loop, w->scratch, fds[0], false, &ops, &w->a);
    w->b.conn = tls_conn_create(w->loop, w->scratch, fds[1], false, &ops, &w->b);
    w->a.secured = w->b.secured = 0;
    SSL *ssl = client_ssl(w);
    assert_int_equal(SSL_set_session(ssl, session), 1);
    SSL_SESSION_free(session);
    tls_conn_start_tls(w->a.conn, tls_server_ssl(w->server));
    tls_conn_start_tls(w->b.conn, ssl);
    w->stop_at = 0;
    w->stop_when_secure = true;
    run(w);
    tls_conn_facts(w->a.conn, &facts);
    assert_true(facts.resumed);
}

static void a_key_of_another_certificate_is_refused(void **state)
{
    struct buf certificate;
    struct buf other;
    struct buf key;
    struct err err;
    struct tls_library *library = tls_library_create(TLS_PROFILE_STRICT, NULL, NULL);
    (void)state;
    buf_init(&certificate, 65536);
    buf_init(&other, 65536);
    buf_init(&key, 65536);
    tls_pair_make("a.example", &certificate, &key);
    buf_reset(&key);
    tls_pair_make("b.example", &other, &key);
    assert_null(tls_server_create(library, buf_slice(&certificate), buf_slice(&key), "smtp", &err));
    assert_null(tls_server_create(library, SLICE_LIT("nothing"), buf_slice(&key), "smtp", &err));
    assert_null(tls_server_create(library, buf_slice(&certificate), SLICE_EMPTY, "smtp", &err));
    buf_free(&certificate);
    buf_free(&other);
    buf_free(&key);
    tls_library_free(&library);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(starttls_moves_from_the_clear_into_tls),
        CASE(much_data_comes_back_whole),
        CASE(reading_can_be_stopped_and_resumed),
        CASE(a_close_delivers_its_last_words),
        CASE(row_6_a_cut_inside_tls_is_told_from_a_close),
        CASE(a_connection_may_be_freed_in_its_callback),
        CASE(plain_bytes_into_a_handshake_end_it),
        CASE(nothing_is_queued_in_a_handshake),
        CASE(tls_1_1_is_refused),
        CASE(a_cbc_suite_is_refused),
        CASE(row_30_another_protocol_by_alpn_is_refused),
        CASE(our_own_protocol_by_alpn_is_served),
        CASE(tls_1_2_has_its_exporter_too),
        CASE(a_second_session_resumes),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
    };
    signal(SIGPIPE, SIG_IGN); /* as every role does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
