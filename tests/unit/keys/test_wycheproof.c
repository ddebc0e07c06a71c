/* SPDX-License-Identifier: Apache-2.0 */
/* The Wycheproof vectors through our own AES-GCM, HKDF and HMAC. Cases of other key, nonce or tag sizes than the ones
 * our functions have are counted, not run. */
#include "../unit.h"

#include <jansson.h>

#include "base/codec.h"
#include "base/mem.h"
#include "keys/gcm.h"
#include "keys/hkdf.h"

#define TEXT_MAX 65536u

struct tally {
    size_t run;
    size_t other;
};

static json_t *load(const char *name)
{
    const char *root = getenv("SEALPOST_VECTORS");
    char path[4096];
    snprintf(path, sizeof(path), "%s/wycheproof/%s", root != NULL ? root : VECTORS_DEFAULT, name);
    json_t *all = json_load_file(path, 0, NULL);
    if (all == NULL)
        print_message("SKIPPED LOUDLY: %s is not there (SEALPOST_VECTORS names the folder of test vectors)\n", path);
    return all;
}

static struct buf hex(const json_t *test, const char *member)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    assert_true(codec_unhex(&b, slice_str(json_string_value(json_object_get(test, member)))));
    return b;
}

static bool valid(const json_t *test)
{
    return strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;
}

static size_t number(const json_t *object, const char *member)
{
    return (size_t)json_integer_value(json_object_get(object, member));
}

typedef void case_fn(const json_t *group, const json_t *test, struct tally *tally);

static void run_file(const char *name, case_fn *fn)
{
    size_t i = 0;
    size_t k = 0;
    const json_t *group = NULL;
    const json_t *test = NULL;
    struct tally tally = {0, 0};
    json_t *all = load(name);
    if (all == NULL)
        skip();
    json_array_foreach(json_object_get(all, "testGroups"), i, group)
        json_array_foreach(json_object_get(group, "tests"), k, test)
            fn(group, test, &tally);
    print_message("%s: %zu cases run, %zu of sizes we do not have\n", name, tally.run, tally.other);
    assert_true(tally.run > 0);
    json_decref(all);
}

static void gcm_case(const json_t *group, const json_t *test, struct tally *tally)
{
    uint8_t out[TEXT_MAX];
    uint8_t tag_out[GCM_TAG_SIZE];
    struct key key;
    if (number(group, "keySize") != 256 || number(group, "ivSize") != 96 || number(group, "tagSize") != 128) {
        tally->other++;
        return;
    }
    struct buf k = hex(test, "key"), iv = hex(test, "iv"), aad = hex(test, "aad"), msg = hex(test, "msg"),
               ct = hex(test, "ct"), tag = hex(test, "tag");
    memcpy(key.b, k.data, KEY_SIZE);
    struct gcm *open = gcm_create(GCM_OPEN);
    struct gcm *seal = gcm_create(GCM_SEAL);
    gcm_key(open, &key);
    gcm_key(seal, &key);
    assert_int_equal(gcm_open(open, iv.data, buf_slice(&aad), buf_slice(&ct), tag.data, out), valid(test));
    if (valid(test)) {
        assert_true(slice_eq(slice_of(out, ct.len), buf_slice(&msg)));
        gcm_seal(seal, iv.data, buf_slice(&aad), buf_slice(&msg), out, tag_out);
        assert_true(slice_eq(slice_of(out, msg.len), buf_slice(&ct)));
        assert_memory_equal(tag_out, tag.data, GCM_TAG_SIZE);
    }
    gcm_free(&open);
    gcm_free(&seal);
    struct buf *const all[] = {&k, &iv, &aad, &msg, &ct, &tag};
    for (size_t i = 0; i < 6; i++)
        buf_free(all[i]);
    tally->run++;
}

static void hkdf_case(const json_t *group, const json_t *test, struct tally *tally)
{
    uint8_t prk[HMAC_SIZE_MAX];
    size_t size = number(test, "size");
    uint8_t *out = mem_new(size);
    struct buf ikm = hex(test, "ikm"), salt = hex(test, "salt"), info = hex(test, "info"), okm = hex(test, "okm");
    struct hmac *hmac = hmac_create(HMAC_SHA512);
    (void)group;
    hkdf_extract(hmac, buf_slice(&salt), buf_slice(&ikm), prk);
    hkdf_key(hmac, slice_of(prk, sizeof(prk)));
    assert_int_equal(hkdf_expand(hmac, buf_slice(&info), out, size), valid(test));
    if (valid(test))
        assert_true(slice_eq(slice_of(out, size), buf_slice(&okm)));
    hmac_free(&hmac);
    mem_free(out);
    struct buf *const all[] = {&ikm, &salt, &info, &okm};
    for (size_t i = 0; i < 4; i++)
        buf_free(all[i]);
    tally->run++;
}

static void hmac_case(const json_t *group, const json_t *test, struct tally *tally)
{
    uint8_t out[HMAC_SIZE_MAX];
    struct buf key = hex(test, "key"), msg = hex(test, "msg"), tag = hex(test, "tag");
    struct hmac *hmac = hmac_create(HMAC_SHA256);
    hmac_once(hmac, buf_slice(&key), buf_slice(&msg), out);
    assert_int_equal(slice_eq(slice_of(out, number(group, "tagSize") / 8), buf_slice(&tag)), valid(test));
    hmac_free(&hmac);
    buf_free(&key);
    buf_free(&msg);
    buf_free(&tag);
    tally->run++;
}

static void test_aes_gcm(void **state)
{
    (void)state;
    run_file("aes_gcm_test.json", gcm_case);
}

static void test_hkdf_sha512(void **state)
{
    (void)state;
    run_file("hkdf_sha512_test.json", hkdf_case);
}

static void test_hmac_sha256(void **state)
{
    (void)state;
    run_file("hmac_sha256_test.json", hmac_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aes_gcm),
        cmocka_unit_test(test_hkdf_sha512),
        cmocka_unit_test(test_hmac_sha256),
    };
    return cmocka_run_group_tests_name("keys/wycheproof", tests, NULL, NULL);
}
