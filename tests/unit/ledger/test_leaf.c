/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves: canonical bytes never change, runs are read back whole, anything else is refused. */
#include "unit.h"

#include "base/codec.h"
#include "ledger/leaf.h"

static struct leaf leaf_sample(void)
{
    struct leaf leaf = {.type = LEAF_TRANSITION, .time_us = 0x0102030405060708, .recipient = 7, .outcome = 3,
                        .generation = 9, .reason = 513};
    memset(leaf.id.b, 0xaa, ID_SIZE);
    memset(leaf.name.b, 0xbb, DIGEST_SIZE);
    return leaf;
}

static void canonical_bytes_are_fixed(void **state)
{
    (void)state;
    struct buf b;
    struct buf hex;
    struct leaf leaf = leaf_sample();
    buf_init(&b, 1000);
    buf_init(&hex, 1000);
    leaf_put(&b, &leaf);
    codec_hex(&hex, buf_slice(&b));
    assert_string_equal(buf_cstr(&hex), "0043"
                                        "01020102030405060708"
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                        "00070300000009"
                                        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                                        "0201");
    buf_free(&b);
    buf_free(&hex);
}

static void runs_are_read_back(void **state)
{
    (void)state;
    struct buf b;
    struct leaf leaf = leaf_sample();
    buf_init(&b, 1000);
    leaf_put(&b, &leaf);
    leaf.type = LEAF_ADMIN;
    leaf.recipient = LEAF_NO_RECIPIENT;
    leaf_put(&b, &leaf);
    struct slice run = buf_slice(&b);
    struct slice bytes;
    struct leaf read;
    assert_true(leaf_next(&run, &bytes, &read));
    assert_int_equal(read.type, LEAF_TRANSITION);
    assert_int_equal(read.time_us, leaf.time_us);
    assert_int_equal(bytes.len, LEAF_SIZE);
    assert_true(leaf_next(&run, &bytes, &read));
    assert_int_equal(read.type, LEAF_ADMIN);
    assert_int_equal(read.recipient, LEAF_NO_RECIPIENT);
    assert_int_equal(read.reason, 513);
    assert_int_equal(run.len, 0);
    assert_false(leaf_next(&run, &bytes, &read));
    buf_free(&b);
}

static void short_and_unknown_are_refused(void **state)
{
    (void)state;
    struct buf b;
    struct leaf leaf = leaf_sample();
    struct slice bytes;
    struct leaf read;
    buf_init(&b, 1000);
    leaf_put(&b, &leaf);
    for (size_t n = 0; n < b.len; n++) {
        struct slice run = slice_of(b.data, n);
        assert_false(leaf_next(&run, &bytes, &read));
        assert_int_equal(run.len, n);
    }
    b.data[3] = 99;
    struct slice run = buf_slice(&b);
    assert_false(leaf_next(&run, &bytes, &read));
    buf_free(&b);
}

/* RFC 6962 2.1: the hash of an empty leaf is SHA-256(0x00). */
static void hash_has_the_leaf_prefix(void **state)
{
    (void)state;
    struct buf hex;
    struct digest hash = leaf_hash(SLICE_EMPTY);
    buf_init(&hex, 100);
    codec_hex(&hex, slice_of(hash.b, DIGEST_SIZE));
    assert_string_equal(buf_cstr(&hex), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    buf_free(&hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_bytes_are_fixed),
        cmocka_unit_test(runs_are_read_back),
        cmocka_unit_test(short_and_unknown_are_refused),
        cmocka_unit_test(hash_has_the_leaf_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
