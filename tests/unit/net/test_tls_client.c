/* SPDX-License-Identifier: Apache-2.0 */
/* The client's TLS against servers made here: what is accepted, how failures are told apart, and that only proved
 * peers' sessions are resumed. Both ends speak over memory. */
#include "unit.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "net/tls_client.h"
#include "os/file.h"

struct bench {
    struct tls_library *library;
    struct tls_client *client;
    SSL_CTX *server;
    char ca_file[64];
};

static X509 *self_signed(EVP_PKEY *key, bool must_staple)
{
    X509 *x = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"mx", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    if (must_staple) {
        X509_EXTENSION *feature = X509V3_EXT_conf_nid(NULL, NULL, NID_tlsfeature, "status_request");
        X509_add_ext(x, feature, -1);
        X509_EXTENSION_free(feature);
    }
    X509_sign(x, key, EVP_sha256());
    return x;
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = self_signed(key, false);
    snprintf(b->ca_file, sizeof(b->ca_file), "/tmp/test_tls_client.XXXXXX");
    int fd = mkstemp(b->ca_file);
    FILE *f = fdopen(fd, "w");
    PEM_write_X509(f, x);
    fclose(f);
    b->library = tls_library_create(TLS_PROFILE_STRICT, NULL, NULL);
    b->client = tls_client_open(b->library, b->ca_file, NULL);
    b->server = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(b->server, x);
    SSL_CTX_use_PrivateKey(b->server, key);
    SSL_CTX_set_security_level(b->server, 0);
    SSL_CTX_set_min_proto_version(b->server, TLS1_VERSION);
    SSL_CTX_set_session_id_context(b->server, (const unsigned char *)"t", 1);
    X509_free(x);
    EVP_PKEY_free(key);
    *state = b;
    return b->client == NULL;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    unlink(b->ca_file);
    tls_client_free(&b->client);
    tls_library_free(&b->library);
    SSL_CTX_free(b->server);
    free(b);
    return 0;
}

struct pair {
    SSL *client;
    SSL *server;
};

static struct pair shake(struct bench *b, const char *address)
{
    struct pair p = {tls_client_ssl(b->client, "mx.example", address), SSL_new(b->server)};
    BIO *one = NULL, *two = NULL;
    BIO_new_bio_pair(&one, 65536, &two, 65536);
    SSL_set_bio(p.client, one, one);
    SSL_set_bio(p.server, two, two);
    SSL_set_accept_state(p.server);
    for (int i = 0; i < 8; i++) {
        SSL_do_handshake(p.client);
        SSL_do_handshake(p.server);
    }
    if (SSL_is_init_finished(p.client) && SSL_is_init_finished(p.server)) {
        char c;
        assert_int_equal(SSL_write(p.server, "x", 1), 1);
        assert_int_equal(SSL_read(p.client, &c, 1), 1); /* tickets come along */
    }
    return p;
}

static void part(struct pair *p)
{
    SSL_shutdown(p->client);
    SSL_free(p->client);
    SSL_free(p->server);
    ERR_clear_error();
}

static void test_facts_and_chain(void **state)
{
    bool ephemeral = false;
    struct pair p = shake(*state, "192.0.2.1");
    assert_int_equal(tls_client_failure(p.client), TLS_CLIENT_FINE);
    assert_true(tls_client_suite(p.client, &ephemeral));
    assert_true(ephemeral);
    assert_int_equal(sk_X509_num(tls_client_chain(p.client)), 1);
    assert_string_equal(SSL_get_servername(p.server, TLSEXT_NAMETYPE_host_name), "mx.example");
    part(&p);
}

static void test_old_protocol_is_told(void **state)
{
    struct bench *b = *state;
    SSL_CTX_set_max_proto_version(b->server, TLS1_1_VERSION);
    struct pair p = shake(b, "192.0.2.1");
    assert_int_equal(tls_client_failure(p.client), TLS_CLIENT_OLD);
    part(&p);
}

static void test_weak_suites_are_told(void **state)
{
    struct bench *b = *state;
    SSL_CTX_set_max_proto_version(b->server, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(b->server, "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0");
    struct pair p = shake(b, "192.0.2.1");
    assert_int_equal(tls_client_failure(p.client), TLS_CLIENT_SUITE);
    part(&p);
}

static void test_only_proved_peers_are_resumed(void **state)
{
    for (uint16_t version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct bench *b = *state;
        SSL_CTX_set_max_proto_version(b->server, version);
        struct pair p = shake(b, "192.0.2.1");
        part(&p);
        p = shake(b, "192.0.2.1");
        assert_int_equal(SSL_session_reused(p.client), 0);
        tls_client_proved(p.client);
        part(&p);
        p = shake(b, "192.0.2.2");
        assert_int_equal(SSL_session_reused(p.client), 0);
        part(&p);
        p = shake(b, "192.0.2.1");
        assert_int_equal(SSL_session_reused(p.client), 1);
        assert_int_equal(sk_X509_num(tls_client_chain(p.client)), 1);
        part(&p);
    }
}

/* Allowed by RFC 7627, but whom a resumed session speaks to is then not sure. */
static void test_no_resumption_without_extended_master(void **state)
{
    struct bench *b = *state;
    SSL_CTX_set_max_proto_version(b->server, TLS1_2_VERSION);
    SSL_CTX_set_options(b->server, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    for (int i = 0; i < 2; i++) {
        struct pair p = shake(b, "192.0.2.1");
        assert_int_equal(tls_client_failure(p.client), TLS_CLIENT_FINE);
        assert_false(tls_client_extended_master(p.client));
        assert_int_equal(SSL_session_reused(p.client), 0);
        tls_client_proved(p.client);
        part(&p);
    }
}

static int staple(SSL *ssl, void *arg)
{
    uint8_t *copy = OPENSSL_memdup(arg, strlen(arg));
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)strlen(arg));
    return SSL_TLSEXT_ERR_OK;
}

static void test_staple_is_asked_for_and_goes_with_the_session(void **state)
{
    struct bench *b = *state;
    for (uint16_t version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(b->server, version);
        struct pair p = shake(b, "192.0.2.3");
        assert_int_equal(tls_client_staple(p.client).len, 0);
        part(&p);
        SSL_CTX_set_tlsext_status_cb(b->server, staple);
        SSL_CTX_set_tlsext_status_arg(b->server, (void *)(uintptr_t)"stapled");
        for (int i = 0; i < 2; i++) {
            p = shake(b, version == TLS1_2_VERSION ? "192.0.2.4" : "192.0.2.5");
            assert_int_equal(SSL_session_reused(p.client), i);
            assert_true(slice_eq(tls_client_staple(p.client), SLICE_LIT("stapled")));
            tls_client_proved(p.client);
            part(&p);
        }
        SSL_CTX_set_tlsext_status_cb(b->server, NULL);
    }
}

static void test_must_staple_is_not_resumed(void **state)
{
    struct bench *b = *state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = self_signed(key, true);
    SSL_CTX_use_certificate(b->server, x);
    SSL_CTX_use_PrivateKey(b->server, key);
    for (int i = 0; i < 2; i++) {
        struct pair p = shake(b, "192.0.2.1");
        assert_int_equal(SSL_session_reused(p.client), 0);
        tls_client_proved(p.client);
        part(&p);
    }
    X509_free(x);
    EVP_PKEY_free(key);
}

static void test_cipher_families_are_told(void **state)
{
    static const struct {
        const char *suite;
        enum tls_client_cipher family;
    } rows[] = {{"TLS_AES_128_GCM_SHA256", TLS_CLIENT_AES_GCM},
                {"TLS_AES_256_GCM_SHA384", TLS_CLIENT_AES_GCM},
                {"TLS_CHACHA20_POLY1305_SHA256", TLS_CLIENT_CHACHA20}};
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        SSL_CTX_set_ciphersuites(b->server, rows[i].suite);
        struct pair p = shake(b, "192.0.2.1");
        assert_int_equal(tls_client_cipher(p.client), rows[i].family);
        assert_true(tls_client_extended_master(p.client));
        part(&p);
    }
}

static void test_nist_takes_ccm_and_no_chacha(void **state)
{
    struct bench *b = *state;
    struct tls_library *library = tls_library_create(TLS_PROFILE_NIST, NULL, NULL);
    tls_client_free(&b->client);
    b->client = tls_client_open(library, b->ca_file, NULL);
    SSL_CTX_set_ciphersuites(b->server, "TLS_AES_128_CCM_SHA256");
    struct pair p = shake(b, "192.0.2.1");
    assert_int_equal(tls_client_cipher(p.client), TLS_CLIENT_AES_CCM);
    part(&p);
    SSL_CTX_set_ciphersuites(b->server, "TLS_CHACHA20_POLY1305_SHA256");
    p = shake(b, "192.0.2.1");
    assert_int_equal(tls_client_failure(p.client), TLS_CLIENT_SUITE);
    part(&p);
    tls_client_free(&b->client);
    tls_library_free(&library);
}

/* What the verdict asks of a session it must find on a resumed one, too. */
static void test_resumed_sessions_tell_their_group(void **state)
{
    struct bench *b = *state;
    struct tls_library *library = tls_library_create(TLS_PROFILE_NIST, NULL, NULL);
    tls_client_free(&b->client);
    b->client = tls_client_open(library, b->ca_file, NULL);
    for (uint16_t version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(b->server, version);
        for (int i = 0; i < 2; i++) {
            bool ephemeral = false;
            struct pair p = shake(b, version == TLS1_2_VERSION ? "192.0.2.6" : "192.0.2.7");
            assert_int_equal(SSL_session_reused(p.client), i);
            assert_string_equal(SSL_group_to_name(p.client, (int)SSL_get_negotiated_group(p.client)), "secp256r1");
            assert_true(tls_client_suite(p.client, &ephemeral) && ephemeral);
            assert_true(tls_client_extended_master(p.client));
            tls_client_proved(p.client);
            part(&p);
        }
    }
    tls_client_free(&b->client);
    tls_library_free(&library);
}

static void test_no_anchors_no_client(void **state)
{
    struct err err;
    struct bench *b = *state;
    assert_null(tls_client_open(b->library, "/nonexistent/ca.pem", &err));
    assert_non_null(strstr(err.text, "ca-file"));
    assert_null(tls_client_open(b->library, NULL, &err));
}

static void test_bad_anchors_change_nothing(void **state)
{
    static const char broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    struct err err;
    struct bench *b = *state;
    const X509_STORE *before = tls_client_anchors(b->client);
    struct buf pem;
    buf_init(&pem, 65536);
    assert_true(file_read_path(b->ca_file, &pem, &err));
    assert_true(buf_append_str(&pem, broken));
    assert_false(tls_client_renew(b->client, buf_slice(&pem), &err));
    assert_non_null(strstr(err.text, "a certificate in it cannot be read"));
    assert_false(tls_client_renew(b->client, SLICE_EMPTY, &err));
    assert_non_null(strstr(err.text, "no certificate in it"));
    assert_ptr_equal(tls_client_anchors(b->client), before);
    pem.len -= sizeof(broken) - 1;
    assert_true(tls_client_renew(b->client, buf_slice(&pem), &err));
    buf_free(&pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_facts_and_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_protocol_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_weak_suites_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_proved_peers_are_resumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_resumption_without_extended_master, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_staple_is_asked_for_and_goes_with_the_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_must_staple_is_not_resumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cipher_families_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nist_takes_ccm_and_no_chacha, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_resumed_sessions_tell_their_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_anchors_no_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_anchors_change_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
