/* SPDX-License-Identifier: Apache-2.0 */
/* Names, MX, TLSA and TXT records in wire form, whole, cut at every byte, hostile (row 20). */
#include "unit.h"

#include "net/dns_rdata.h"

static void test_names(void **state)
{
    (void)state;
    char name[DNS_NAME_MAX];
    size_t used = 0;
    struct slice good = SLICE_LIT("\002Mx\001a\004test\000");
    assert_true(dns_name_text(good, name, &used));
    assert_string_equal(name, "mx.a.test");
    assert_int_equal(used, good.len);
    for (size_t cut = 0; cut < good.len; cut++)
        assert_false(dns_name_text(slice_sub(good, 0, cut), name, &used));
    assert_true(dns_name_text(SLICE_LIT("\000x"), name, &used));
    assert_string_equal(name, "");
    assert_int_equal(used, 1);
    const struct slice bad[] = {SLICE_LIT("\300\014"), SLICE_LIT("\002a\000\000"), SLICE_LIT("\002a.\000"), SLICE_LIT("\002a \000"),
        SLICE_LIT("\002a\n\000"), SLICE_LIT("\100aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\000"),
        SLICE_LIT("\002\303\266\000")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(dns_name_text(bad[i], name, &used));
}

static void test_long_names(void **state)
{
    (void)state;
    uint8_t wire[300];
    char name[DNS_NAME_MAX];
    for (size_t labels = 120; labels < 140; labels++) {
        size_t used = 0;
        for (size_t i = 0; i < labels; i++) {
            wire[2 * i] = 1;
            wire[2 * i + 1] = 'a';
        }
        wire[2 * labels] = 0;
        assert_true(dns_name_text(slice_of(wire, 2 * labels + 1), name, &used) == (labels <= 127));
    }
}

static void test_mx(void **state)
{
    (void)state;
    uint16_t preference = 0;
    char name[DNS_NAME_MAX];
    struct slice good = SLICE_LIT("\001\002\002mx\004test\000");
    assert_true(dns_rdata_mx(good, &preference, name));
    assert_int_equal(preference, 258);
    assert_string_equal(name, "mx.test");
    for (size_t cut = 0; cut < good.len; cut++)
        assert_false(dns_rdata_mx(slice_sub(good, 0, cut), &preference, name));
    assert_false(dns_rdata_mx(SLICE_LIT("\000\001\001a\000x"), &preference, name));
    assert_true(dns_rdata_mx(SLICE_LIT("\000\000\000"), &preference, name));
    assert_string_equal(name, "");
}

static void test_text(void **state)
{
    (void)state;
    assert_true(dns_name_ok(SLICE_LIT("xn--mnchen-3ya.example")));
    assert_true(dns_name_ok(SLICE_LIT("test")));
    const struct slice bad[] = {SLICE_EMPTY, SLICE_LIT("."), SLICE_LIT("a."), SLICE_LIT(".a"), SLICE_LIT("a..b"), SLICE_LIT("[192.0.2.1]"),
        SLICE_LIT("a b"), SLICE_LIT("a\0b"), SLICE_LIT("a\\.b")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(dns_name_ok(bad[i]));
}

static void test_tlsa(void **state)
{
    (void)state;
    struct msg_tlsa record;
    struct slice good = SLICE_LIT("\003\001\002data");
    assert_true(dns_rdata_tlsa(good, &record));
    assert_true(record.usage == 3 && record.selector == 1 && record.matching == 2);
    assert_slice(record.data, "data");
    for (size_t cut = 0; cut <= 3; cut++)
        assert_false(dns_rdata_tlsa(slice_sub(good, 0, cut), &record));
}

static void test_txt(void **state)
{
    (void)state;
    struct buf out;
    struct slice two = SLICE_LIT("\003v=S\000\003TSv");
    buf_init(&out, 6);
    assert_true(dns_rdata_txt(two, &out));
    assert_slice(buf_slice(&out), "v=STSv");
    for (size_t cut = 0; cut < two.len; cut++) {
        buf_reset(&out);
        assert_true(dns_rdata_txt(slice_sub(two, 0, cut), &out) == (cut == 4 || cut == 5));
    }
    buf_reset(&out);
    assert_false(dns_rdata_txt(SLICE_LIT("\007toolong"), &out));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_long_names), cmocka_unit_test(test_mx),
                                       cmocka_unit_test(test_text), cmocka_unit_test(test_tlsa), cmocka_unit_test(test_txt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
