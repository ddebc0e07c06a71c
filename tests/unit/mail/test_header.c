/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting header blocks into fields. */
#include "unit.h"

#include "base/buf.h"
#include "mail/header.h"

static void test_fields_and_folds(void **state)
{
    (void)state;
    struct mail_header h;
    struct slice block = SLICE_LIT("From: a\r\nSubject:  b\r\n\tc\r\n \r\nTo : d\r\nfrom:e\r\nX:");
    assert_true(mail_header_scan(block, &h, NULL));
    assert_int_equal(h.count, 5);
    assert_true(slice_eq(h.fields[1].whole, SLICE_LIT("Subject:  b\r\n\tc\r\n \r\n")));
    assert_true(slice_eq(h.fields[1].value, SLICE_LIT("  b\r\n\tc\r\n ")));
    assert_true(slice_eq(h.fields[2].name, SLICE_LIT("To")));
    assert_true(slice_eq(h.fields[4].value, SLICE_EMPTY));
    assert_int_equal(mail_header_count(&h, SLICE_LIT("FROM")), 2);
    assert_int_equal(mail_header_find(&h, SLICE_LIT("from"), 1), 3);
    assert_int_equal(mail_header_find(&h, SLICE_LIT("from"), 4), 5);
    assert_int_equal(mail_header_find(&h, SLICE_LIT("fro"), 0), 5);
    mail_header_free(&h);
    mail_header_free(NULL);
}

static void test_malformed_lines(void **state)
{
    (void)state;
    const char *const bad[] = {" starts folded: x\r\n", "no colon\r\n", ": no name\r\n", "A: b\r\nno colon\r\n",
        "na me: x\r\n", "n\303\244me: x\r\n", "\ta\r\n", "A\r\n : b\r\n", " : b\r\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct mail_header h;
        struct err err = {0};
        assert_false(mail_header_scan(slice_str(bad[i]), &h, &err));
        assert_int_equal(h.count, 0);
        assert_true(err.text[0] != '\0');
    }
    struct mail_header empty;
    assert_true(mail_header_scan(SLICE_EMPTY, &empty, NULL));
    assert_int_equal(empty.count, 0);
}

static void test_field_limit(void **state)
{
    (void)state;
    struct buf b;
    struct mail_header h;
    buf_init(&b, MAIL_HEADER_MAX);
    for (size_t i = 0; i < MAIL_FIELDS_MAX; i++)
        buf_append_str(&b, "X: y\r\n");
    assert_true(mail_header_scan(buf_slice(&b), &h, NULL));
    assert_int_equal(h.count, MAIL_FIELDS_MAX);
    mail_header_free(&h);
    buf_append_str(&b, "X: y\r\n");
    assert_false(mail_header_scan(buf_slice(&b), &h, NULL));
    buf_free(&b);
}

static void test_tls_required(void **state)
{
    (void)state;
    const struct {
        const char *block;
        enum mail_tls_required expected;
    } cases[] = {
        {"Subject: TLS-Required: No\r\n", MAIL_TLS_REQUIRED_ABSENT},
        {"TLS-Required: No\r\n", MAIL_TLS_REQUIRED_NO},
        {"tls-required:\r\n\t(because) nO (!)\r\n", MAIL_TLS_REQUIRED_NO},
        {"TLS-Required: Yes\r\nTLS-Required: No\r\n", MAIL_TLS_REQUIRED_NO},
        {"TLS-Required: Nope\r\n", MAIL_TLS_REQUIRED_OTHER},
        {"TLS-Required: No No\r\n", MAIL_TLS_REQUIRED_OTHER},
        {"TLS-Required: \r\n", MAIL_TLS_REQUIRED_OTHER},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct mail_header h;
        assert_true(mail_header_scan(slice_str(cases[i].block), &h, NULL));
        assert_int_equal(mail_header_tls_required(&h), cases[i].expected);
        mail_header_free(&h);
    }
}

static void test_minimum_proof(void **state)
{
    static const struct {
        const char *block;
        bool ok;
        uint8_t minimum;
    } cases[] = {
        {"Subject: dane\r\n", true, 0},
        {"Sealpost-Minimum-Proof: pkix\r\n", true, 1},
        {"sealpost-minimum-proof: PKIX+dnssec\r\n", true, 2},
        {"Sealpost-Minimum-Proof:\r\n (as agreed) sts\r\n\t(!)\r\n", true, 3},
        {"Sealpost-Minimum-Proof : dane\r\n", true, 4},
        {"Sealpost-Minimum-Proof: dane\r\nSealpost-Minimum-Proof: pkix\r\n", true, 4},
        {"Sealpost-Minimum-Proof: pkix\r\nSealpost-Minimum-Proof: sts\r\n", true, 3},
        {"Sealpost-Minimum-Proof: \r\n", false, 0},
        {"Sealpost-Minimum-Proof: none\r\n", false, 0},
        {"Sealpost-Minimum-Proof: 4\r\n", false, 0},
        {"Sealpost-Minimum-Proof: dane sts\r\n", false, 0},
        {"Sealpost-Minimum-Proof: danes\r\n", false, 0},
        {"Sealpost-Minimum-Proof: pkix+\r\n", false, 0},
        {"Sealpost-Minimum-Proof: dane\r\nSealpost-Minimum-Proof: high\r\n", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct mail_header header;
        uint8_t minimum = 9;
        assert_true(mail_header_scan(slice_str(cases[i].block), &header, NULL));
        if (mail_header_minimum(&header, &minimum) != cases[i].ok)
            fail_msg("%s", cases[i].block);
        if (cases[i].ok)
            assert_int_equal(minimum, cases[i].minimum);
        mail_header_free(&header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimum_proof),cmocka_unit_test(test_fields_and_folds), cmocka_unit_test(test_malformed_lines),
                                       cmocka_unit_test(test_field_limit), cmocka_unit_test(test_tls_required)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
