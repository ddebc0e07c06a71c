/* SPDX-License-Identifier: Apache-2.0 */
/* What each profile takes, against receivers that offer exactly one thing: the handshake of our own client, the
 * certificate check, the verdict. Every row is printed and must stand in tests/unit/trust/profile_<name>.txt as it is
 * there; a control client has first shown that the receiver does serve it. `SEALPOST_PIN=1` writes the files anew.
 * Profile fips is judged where SEALPOST_FIPS_CONFIG names the configuration of the provider. */
#include "unit.h"

#include <openssl/pem.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/tls_client.h"
#include "profile_offer.h"
#include "trust/trust_cert.h"
#include "trust/trust_verdict.h"

#define TABLE_MAX (256u * 1024u)

struct table {
    struct offer_keys keys;
    struct offer offers[OFFERS_MAX];
    size_t count;
    char ca_file[64]; /* no root of an offer: those are asked of trust_cert_check() directly */
};

static int set_up(void **state)
{
    struct table *t = calloc(1, sizeof(*t));
    struct offer any = {.kind = "version", .version = TLS1_3_VERSION};
    X509 *root = NULL;
    SSL_CTX *ctx = offer_server(&t->keys, &any, &root);
    snprintf(t->ca_file, sizeof(t->ca_file), "/tmp/test_trust_profile.XXXXXX");
    FILE *f = fdopen(mkstemp(t->ca_file), "w");
    PEM_write_X509(f, root);
    fclose(f);
    X509_free(root);
    SSL_CTX_free(ctx);
    t->count = offer_list(t->offers);
    *state = t;
    return t->count + 1 >= OFFERS_MAX;
}

static int tear_down(void **state)
{
    struct table *t = *state;
    unlink(t->ca_file);
    offer_keys_free(&t->keys);
    free(t);
    return 0;
}

static bool control(SSL_CTX *server, const struct offer *offer)
{
    SSL_CTX *ctx = offer_control(offer);
    SSL *a = ctx == NULL ? NULL : SSL_new(ctx);
    SSL *b = SSL_new(server);
    bool ok = a != NULL && offer_shake(a, b);
    SSL_free(a);
    SSL_free(b);
    SSL_CTX_free(ctx);
    return ok;
}

static enum trust_tls_failure failure_of(const SSL *ssl)
{
    switch (tls_client_failure(ssl)) {
    case TLS_CLIENT_FINE: return TRUST_TLS_FINE;
    case TLS_CLIENT_OLD: return TRUST_TLS_OLD;
    case TLS_CLIENT_SUITE: return TRUST_TLS_SUITE;
    default: return TRUST_TLS_BROKEN;
    }
}

/* The facts of a finished handshake, as roles/peer.c collects them. */
static void note_tls(SSL *ssl, struct trust_tls *tls)
{
    int group = (int)SSL_get_negotiated_group(ssl);
    tls->established = true;
    tls->protocol = (uint16_t)SSL_version(ssl);
    tls->group = group != 0 ? SSL_group_to_name(ssl, group) : "";
    tls->bits = SSL_CIPHER_get_bits(SSL_get_current_cipher(ssl), NULL);
    tls->aead = tls_client_suite(ssl, &tls->ephemeral);
    tls->cipher = (enum trust_cipher)tls_client_cipher(ssl);
    tls->extended_master = tls_client_extended_master(ssl);
}

static struct trust_verdict judge(struct tls_client *client, SSL_CTX *server, X509 *root, enum trust_profile profile)
{
    struct trust_domain domain = {.mx = TRUST_DNS_OK, .hosts = 1, .minimum = TRUST_LEVEL_PKIX, .profile = profile};
    struct trust_session session = {.dns = TRUST_DNS_OK, .connect = TRUST_CONNECT_OK, .starttls = true, .ready = true};
    SSL *a = tls_client_ssl(client, OFFER_HOST, "192.0.2.1");
    SSL *b = SSL_new(server);
    X509_STORE *anchors = X509_STORE_new();
    X509_STORE_add_cert(anchors, root);
    if (offer_shake(a, b)) {
        note_tls(a, &session.tls);
        struct trust_cert_ask ask = {.store = anchors, .chain = tls_client_chain(a), .host = OFFER_HOST,
                                     .now_us = clock_utc_us(), .profile = profile};
        trust_cert_check(&ask, &session.cert);
    } else {
        session.tls.failure = failure_of(a);
        session.fault = SMTP_FAULT_TLS;
        session.stage = SMTP_STAGE_HANDSHAKE;
    }
    struct trust_verdict v = trust_verdict_session(&domain, &session, clock_utc_us());
    trust_cert_free(&session.cert);
    X509_STORE_free(anchors);
    SSL_free(a);
    SSL_free(b);
    return v;
}

/* One line a row, in the order of the list; receivers that this library cannot play are left out and counted. */
static size_t fill(struct table *t, struct tls_client *client, enum trust_profile profile, struct buf *out)
{
    size_t left_out = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct offer *offer = &t->offers[i];
        X509 *root = NULL;
        SSL_CTX *server = offer_server(&t->keys, offer, &root);
        if (server == NULL || !control(server, offer)) {
            printf("left out: %s %s\n", offer->kind, offer->name);
            left_out++;
        } else {
            struct trust_verdict v = judge(client, server, root, profile);
            const char *speaks = offer->version == TLS1_3_VERSION ? "1.3" : offer->version == TLS1_2_VERSION ? "1.2" : "old";
            buf_printf(out, "%-9s %-3s  %-38s %s\n", offer->kind, speaks, offer->name,
                       v.action == TRUST_SEND ? "accepted" : trust_reason_name((uint16_t)v.reason));
        }
        X509_free(root);
        SSL_CTX_free(server);
    }
    return left_out;
}

static void golden_path(enum tls_profile profile, char *path, size_t size)
{
    const char *source = getenv("SEALPOST_SOURCE");
    snprintf(path, size, "%s/tests/unit/trust/profile_%s.txt", source != NULL ? source : ".", tls_profile_name(profile));
}

static void read_golden(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return;
    uint8_t *room = buf_reserve(out, TABLE_MAX / 2);
    buf_added(out, fread(room, 1, TABLE_MAX / 2, f));
    fclose(f);
}

static void pin(const char *path, struct slice table)
{
    FILE *f = fopen(path, "w");
    fwrite(table.data, 1, table.len, f);
    fclose(f);
}

/* Counts the lines of a that are not in b, and says which. */
static int missing(struct slice a, struct slice b, const char *say)
{
    int count = 0;
    for (size_t at = 0; at < a.len;) {
        size_t end = slice_find(a, at, '\n');
        struct slice line = slice_sub(a, at, end - at + 1);
        if (memmem(b.data, b.len, line.data, line.len) == NULL) {
            print_message("%s: %.*s", say, (int)line.len, (const char *)line.data);
            count++;
        }
        at = end + 1;
    }
    return count;
}

static void check(struct table *t, enum tls_profile profile, const char *fips_config)
{
    struct err err = {""};
    struct buf now;
    struct buf golden;
    char path[512];
    struct tls_library *library = tls_library_create(profile, fips_config, &err);
    assert_non_null(library);
    struct tls_client *client = tls_client_open(library, t->ca_file, &err);
    assert_non_null(client);
    buf_init(&now, TABLE_MAX);
    buf_init(&golden, TABLE_MAX);
    size_t left_out = fill(t, client, (enum trust_profile)profile, &now);
    printf("profile %s\n%s%zu offers that this library cannot serve are left out\n", tls_profile_name(profile),
           buf_cstr(&now), left_out);
    golden_path(profile, path, sizeof(path));
    if (getenv("SEALPOST_PIN") != NULL)
        pin(path, buf_slice(&now));
    read_golden(path, &golden);
    assert_true(golden.len > 0);
    assert_int_equal(missing(buf_slice(&now), buf_slice(&golden), "not as pinned"), 0);
    if (OPENSSL_version_major() == 3 && OPENSSL_version_minor() == 0) /* later ones serve less of the old */
        assert_int_equal(missing(buf_slice(&golden), buf_slice(&now), "pinned, and not seen"), 0);
    buf_free(&now);
    buf_free(&golden);
    tls_client_free(&client);
    tls_library_free(&library);
}

static void test_strict(void **state)
{
    check(*state, TLS_PROFILE_STRICT, NULL);
}

static void test_nist(void **state)
{
    check(*state, TLS_PROFILE_NIST, NULL);
}

static void test_fips(void **state)
{
    check(*state, TLS_PROFILE_FIPS, getenv("SEALPOST_FIPS_CONFIG"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_nist),
    };
    const struct CMUnitTest with_provider[] = {cmocka_unit_test(test_fips)};
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    if (getenv("SEALPOST_FIPS_CONFIG") != NULL) /* ./dev test --long builds the provider */
        failed += cmocka_run_group_tests(with_provider, set_up, tear_down);
    return failed;
}
