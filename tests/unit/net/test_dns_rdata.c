/* SPDX-License-Identifier: Apache-2.0 */
/* Names and MX records in wire form, whole, cut at every byte, hostile (row 20). */
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_long_names), cmocka_unit_test(test_mx),
                                       cmocka_unit_test(test_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
