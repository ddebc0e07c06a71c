/* SPDX-License-Identifier: Apache-2.0 */
/* SCRAM-SHA-256: the example of RFC 7677 on both halves, channel binding, and malformed messages (row 9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/mem.h"
#include "keys/scram_server.h"

#define CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define FIRST "n,,n=user,r=" CLIENT_NONCE
#define CHALLENGE "r=" CLIENT_NONCE SERVER_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define FINAL "c=biws,r=" CLIENT_NONCE SERVER_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define END "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void salt_of(uint8_t out[SCRAM_SALT_SIZE])
{
    struct buf b;
    buf_init(&b, 64);
    assert_true(codec_unbase64(&b, SLICE_LIT("W22ZaJ0SNY7soEsUEjb6gQ==")));
    assert_int_equal(b.len, SCRAM_SALT_SIZE);
    memcpy(out, b.data, SCRAM_SALT_SIZE);
    buf_free(&b);
}

static void test_example_of_rfc_7677(void **state)
{
    struct err err;
    uint8_t salt[SCRAM_SALT_SIZE], proof[SCRAM_HASH_SIZE], signature[SCRAM_HASH_SIZE];
    struct buf out, auth;
    struct scram_keys keys;
    (void)state;
    buf_init(&out, 4096);
    buf_init(&auth, SCRAM_AUTH_MESSAGE_MAX);
    salt_of(salt);
    scram_keys_make(SLICE_LIT("pencil"), salt, 4096, &keys);
    struct scram_server *server = scram_server_create(false, false, SLICE_LIT(SERVER_NONCE));
    assert_true(scram_server_first(server, SLICE_LIT(FIRST), &err));
    assert_true(slice_eq(scram_server_user(server), SLICE_LIT("user")));
    assert_int_equal(scram_server_binding(server), SCRAM_BINDING_NONE);
    assert_true(scram_server_challenge(server, slice_of(salt, sizeof(salt)), 4096, &out));
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT(CHALLENGE)));
    assert_true(scram_server_final(server, SLICE_LIT(FINAL), SLICE_EMPTY, &auth, proof, &err));
    struct hmac *hmac = hmac_create(HMAC_SHA256);
    assert_true(scram_verify(hmac, &keys, buf_slice(&auth), proof, signature));
    buf_reset(&out);
    assert_true(scram_server_end(slice_of(signature, sizeof(signature)), &out));
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT(END)));
    proof[0] ^= 1;
    assert_false(scram_verify(hmac, &keys, buf_slice(&auth), proof, signature));
    hmac_free(&hmac);
    scram_server_free(&server);
    buf_free(&out);
    buf_free(&auth);
}

static bool first(bool plus, bool offered, const char *message)
{
    struct err err;
    struct scram_server *server = scram_server_create(plus, offered, SLICE_EMPTY);
    bool ok = scram_server_first(server, slice_str(message), &err);
    scram_server_free(&server);
    return ok;
}

static void test_first_messages(void **state)
{
    static const char *const bad[] = {"", "n", "n,", "n,,", "n,,n=", "n,,n=user", "n,,n=user,", "n,,n=user,r=", "n,,n=,r=abc",
        "n,,r=abc,n=user", "n,,n=us=er,r=abc", "n,,n=us=2Der,r=abc", "n,,n=user=,r=abc", "n,,n=user=2,r=abc", "x,,n=user,r=abc",
        "n,,m=1,n=user,r=abc", "n,a=other,n=user,r=abc", "n,user,n=user,r=abc", "n,,n=user,r=a b",
        "n,,n=us\001er,r=abc", "n,,n=user,r=\xc3\xa4", "p=tls-exporter,,n=user,r=abc", "nn,,n=user,r=abc"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(first(false, false, bad[i]));
    assert_true(first(false, false, "n,,n=user,r=abc"));
    assert_true(first(false, false, "n,a=user,n=user,r=abc,x=later"));
    assert_true(first(false, false, "n,a=,n=user,r=abc")); /* gsasl writes nothing so */
    assert_true(first(false, false, "n,a=u=2Cs=3D,n=u=2Cs=3D,r=abc"));
    assert_true(first(false, false, "y,,n=user,r=abc"));
    assert_false(first(false, true, "y,,n=user,r=abc"));
    assert_true(first(false, true, "n,,n=user,r=abc"));
    assert_false(first(true, true, "n,,n=user,r=abc"));
    assert_false(first(true, true, "y,,n=user,r=abc"));
    assert_false(first(true, true, "p=tls-unique,,n=user,r=abc"));
    assert_false(first(true, true, "p=,,n=user,r=abc"));
    assert_true(first(true, true, "p=tls-exporter,,n=user,r=abc"));
    assert_true(first(true, true, "p=tls-server-end-point,,n=user,r=abc"));
}

/* A whole exchange up to the final message with the given header, channel field and actual channel data. */
static bool final(bool plus, const char *header, struct slice claimed, struct slice actual, const char *tail)
{
    struct err err;
    uint8_t proof[SCRAM_HASH_SIZE];
    struct buf text, raw, auth, out;
    buf_init(&text, 8192);
    buf_init(&raw, 8192);
    buf_init(&auth, SCRAM_AUTH_MESSAGE_MAX);
    buf_init(&out, 4096);
    struct scram_server *server = scram_server_create(plus, plus, SLICE_LIT("server"));
    buf_printf(&text, "%sn=user,r=client", header);
    assert_true(scram_server_first(server, buf_slice(&text), &err));
    assert_true(scram_server_challenge(server, SLICE_LIT("0123456789abcdef"), 4096, &out));
    buf_append_str(&raw, header);
    buf_append_slice(&raw, claimed);
    buf_reset(&text);
    buf_append_str(&text, "c=");
    codec_base64(&text, buf_slice(&raw));
    buf_append_str(&text, tail);
    bool ok = scram_server_final(server, buf_slice(&text), actual, &auth, proof, &err);
    assert_false(scram_server_final(server, buf_slice(&text), actual, &auth, proof, &err));
    scram_server_free(&server);
    buf_free(&text);
    buf_free(&raw);
    buf_free(&auth);
    buf_free(&out);
    return ok;
}

static void test_channel_binding(void **state)
{
    static const char tail[] = ",r=clientserver,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    struct slice data = SLICE_LIT("0123456789abcdef0123456789abcdef");
    struct slice other = SLICE_LIT("0123456789abcdef0123456789abcdeF");
    (void)state;
    assert_true(final(true, "p=tls-exporter,,", data, data, tail));
    assert_false(final(true, "p=tls-exporter,,", other, data, tail));
    assert_false(final(true, "p=tls-exporter,,", SLICE_EMPTY, data, tail));
    assert_false(final(true, "p=tls-exporter,,", SLICE_EMPTY, SLICE_EMPTY, tail));
    assert_true(final(false, "n,,", SLICE_EMPTY, SLICE_EMPTY, tail));
    assert_false(final(false, "n,,", data, SLICE_EMPTY, tail));
    assert_false(final(false, "n,,", data, data, tail));
}

static void test_final_messages(void **state)
{
    static const char *const bad[] = {"", ",r=clientserver", ",r=clientserve,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        ",r=clientserver,p=", ",r=clientserver,p=AAAA", ",r=clientserver,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ",
        ",r=clientserver,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=,x=1", ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "\001,r=clientserver,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(final(false, "n,,", SLICE_EMPTY, SLICE_EMPTY, bad[i]));
    assert_true(final(false, "n,,", SLICE_EMPTY, SLICE_EMPTY,
                      ",r=clientserver,x=1,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_of_rfc_7677),
        cmocka_unit_test(test_first_messages),
        cmocka_unit_test(test_channel_binding),
        cmocka_unit_test(test_final_messages),
    };
    return cmocka_run_group_tests_name("keys/scram", tests, NULL, NULL);
}
