/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders of bodies and header words. */
#include "unit.h"

#include "mail/encode.h"

static void assert_out(bool (*encode)(struct buf *, struct slice), const char *in, const char *expected)
{
    struct buf out;
    buf_init(&out, 65536);
    assert_true(encode(&out, slice_str(in)));
    if (!slice_eq(buf_slice(&out), slice_str(expected)))
        fail_msg("%s gave %s", in, buf_cstr(&out));
    buf_free(&out);
}

static void test_quoted_printable(void **state)
{
    (void)state;
    assert_out(mail_encode_quoted_printable, "a=b\303\244 \nc \r\n\td\t", "a=3Db=C3=A4=20\r\nc=20\r\n\td=09\r\n");
    assert_out(mail_encode_quoted_printable, "", "\r\n");
    assert_out(mail_encode_quoted_printable, "a\n\n", "a\r\n\r\n");
    assert_out(mail_encode_quoted_printable, "x\ry\001", "x=0Dy=01\r\n");
    char line[200];
    memset(line, 'x', 160);
    line[160] = '\0';
    struct buf out;
    buf_init(&out, 4096);
    assert_true(mail_encode_quoted_printable(&out, slice_str(line)));
    assert_int_equal(slice_find(buf_slice(&out), 0, '\r'), 76);
    assert_int_equal(out.len, 160 + 2 * 3 + 2);
    buf_free(&out);
}

static void test_base64(void **state)
{
    (void)state;
    assert_out(mail_encode_base64, "", "");
    assert_out(mail_encode_base64, "abc", "YWJj\r\n");
    struct buf out;
    char bytes[115];
    memset(bytes, 'a', sizeof(bytes));
    buf_init(&out, 4096);
    assert_true(mail_encode_base64(&out, slice_of(bytes, sizeof(bytes))));
    assert_int_equal(out.len, 78 + 78 + 6);
    buf_free(&out);
}

static void test_plain(void **state)
{
    (void)state;
    assert_out(mail_encode_plain, "a\nb\r\n\nc", "a\r\nb\r\n\r\nc\r\n");
    assert_true(mail_encode_plain_fits(SLICE_LIT("a\tb\r\nc\n")));
    assert_false(mail_encode_plain_fits(SLICE_LIT("a\rb")));
    assert_false(mail_encode_plain_fits(SLICE_LIT("a\303\244")));
    assert_false(mail_encode_plain_fits(SLICE_LIT("a\0")));
    char line[1001];
    memset(line, 'x', sizeof(line));
    assert_true(mail_encode_plain_fits(slice_of(line, 998)));
    assert_false(mail_encode_plain_fits(slice_of(line, 999)));
}

static void test_words(void **state)
{
    (void)state;
    assert_out(mail_encode_words, "J\303\266rg", "=?utf-8?B?SsO2cmc=?=");
    struct buf in;
    struct buf out;
    buf_init(&in, 4096);
    buf_init(&out, 4096);
    for (size_t i = 0; i < 50; i++)
        buf_append_str(&in, "\342\202\254");
    assert_true(mail_encode_words(&out, buf_slice(&in)));
    assert_int_equal(slice_find(buf_slice(&out), 0, '\r'), 72);
    buf_reset(&out);
    assert_false(mail_encode_words(&out, SLICE_LIT("a\303")));
    buf_free(&in);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quoted_printable), cmocka_unit_test(test_base64),
                                       cmocka_unit_test(test_plain), cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
