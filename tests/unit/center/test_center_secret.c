/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, sessions, codes: shape, randomness of the obvious kind, binding. */
#include "center/center_secret.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_secret(void **state)
{
    (void)state;
    struct center_secret a, b, c;
    struct digest d, e;
    center_secret_make(&a);
    center_secret_make(&b);
    assert_string_not_equal(a.text, b.text);
    assert_int_equal(strlen(a.text), CENTER_SECRET_TEXT);
    assert_true(center_secret_parse(slice_str(a.text), &c));
    center_secret_digest(&a, &d);
    center_secret_digest(&c, &e);
    assert_memory_equal(d.b, e.b, DIGEST_SIZE);
    assert_false(center_secret_parse(SLICE_LIT("short"), &c));
    assert_false(center_secret_parse(SLICE_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), &c));
    assert_false(center_secret_parse(SLICE_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/"), &c));
}

/* The digest is plain SHA-256 of the text, so that every role computes the same. */
static void test_digest_vector(void **state)
{
    (void)state;
    static const uint8_t wanted[] = {0x0f, 0x00, 0x73, 0x85};
    struct center_secret zero;
    struct digest d;
    assert_true(center_secret_parse(SLICE_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &zero));
    center_secret_digest(&zero, &d);
    assert_memory_equal(d.b, wanted, sizeof(wanted));
}

static void test_code(void **state)
{
    (void)state;
    struct center_code code, other;
    unsigned digits[10] = {0};
    for (int i = 0; i < 2000; i++) {
        center_code_make(&code);
        assert_true(center_code_parse(slice_str(code.digits), &other));
        for (size_t k = 0; k < CENTER_CODE_DIGITS; k++)
            digits[code.digits[k] - '0']++;
    }
    for (int i = 0; i < 10; i++) /* 1600 expected; 8 sigma is about 300 */
        assert_in_range(digits[i], 1300, 1900);
    assert_true(center_code_parse(SLICE_LIT(" 1234-56 78"), &code));
    assert_string_equal(code.digits, "12345678");
    static const char *const bad[] = {"", "1234567", "123456789", "1234567a", "１２３４５６７８", "12345678\t"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(center_code_parse(slice_str(bad[i]), &code));
}

static void test_binding(void **state)
{
    (void)state;
    struct key key = {{1}}, key2 = {{2}};
    struct digest link = {{3}}, session = {{4}};
    struct center_code code = {"12345678"}, code2 = {"12345679"};
    struct tag a, b;
    center_code_tag(&key, &link, &session, &code, &a);
    center_code_tag(&key, &link, &session, &code, &b);
    assert_memory_equal(a.b, b.b, TAG_SIZE);
    center_code_tag(&key2, &link, &session, &code, &b);
    assert_memory_not_equal(a.b, b.b, TAG_SIZE);
    center_code_tag(&key, &session, &link, &code, &b);
    assert_memory_not_equal(a.b, b.b, TAG_SIZE);
    center_code_tag(&key, &link, &session, &code2, &b);
    assert_memory_not_equal(a.b, b.b, TAG_SIZE);
}

static void test_form_token(void **state)
{
    (void)state;
    struct center_secret a, b;
    char token[CENTER_FORM_TEXT];
    center_secret_make(&a);
    center_secret_make(&b);
    center_form_token(&a, token);
    assert_true(center_form_check(&a, slice_str(token)));
    assert_false(center_form_check(&b, slice_str(token)));
    assert_false(center_form_check(&a, SLICE_EMPTY));
    assert_false(center_form_check(&a, slice_of(token, 31)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret), cmocka_unit_test(test_digest_vector), cmocka_unit_test(test_code),
        cmocka_unit_test(test_binding), cmocka_unit_test(test_form_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
