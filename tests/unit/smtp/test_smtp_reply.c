/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: what is read, what is refused, what is shown (rows 4, 5, 15). Every case is also fed byte by byte. */
#include "unit.h"

#include "smtp/smtp_reply.h"

struct reply_case {
    const char *input;
    enum smtp_reply_status status;
    uint16_t code;
    uint16_t lines;
    const char *shown;
};

static const struct reply_case cases[] = {
    {"220 mx.example ESMTP\r\n", SMTP_REPLY_DONE, 220, 1, "220 mx.example ESMTP"},
    {"250\r\n", SMTP_REPLY_DONE, 250, 1, "250 "},
    {"250 \r\n", SMTP_REPLY_DONE, 250, 1, "250 "},
    {"250 ok\n", SMTP_REPLY_DONE, 250, 1, "250 ok"},
    {"250-a\r\n250-b\r\n250 c\r\n", SMTP_REPLY_DONE, 250, 3, "250 a / b / c"},
    {"550 5.1.1 no \\ such\x01user\r\n", SMTP_REPLY_DONE, 550, 1, "550 5.1.1 no \\x5c such\\x01user"},
    {"550 a\rb\r\n", SMTP_REPLY_DONE, 550, 1, "550 a\\x0db"},
    {"250-a\r\n550 b\r\n", SMTP_REPLY_BAD, 0, 0, NULL},
    {"25 a\r\n", SMTP_REPLY_BAD, 0, 0, NULL},
    {"2500 a\r\n", SMTP_REPLY_BAD, 0, 0, NULL},
    {"250_a\r\n", SMTP_REPLY_BAD, 0, 0, NULL},
    {"190 a\r\n", SMTP_REPLY_BAD, 0, 0, NULL},
    {"600 a\r\n", SMTP_REPLY_BAD, 0, 0, NULL},
    {"\r\n", SMTP_REPLY_BAD, 0, 0, NULL},
    {"HTTP/1.1 200 OK\r\n", SMTP_REPLY_BAD, 0, 0, NULL},
    {"250-a\r\n", SMTP_REPLY_MORE, 250, 1, NULL},
    {"250 never ends", SMTP_REPLY_MORE, 0, 0, NULL},
};

static void check_case(const struct reply_case *c, size_t step)
{
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    struct slice in = slice_str(c->input);
    for (size_t at = 0; at < in.len && reply.status == SMTP_REPLY_MORE; at += step)
        smtp_reply_feed(&reply, slice_sub(in, at, step));
    assert_int_equal(reply.status, c->status);
    if (c->shown != NULL) {
        struct buf shown;
        buf_init(&shown, 4096);
        assert_int_equal(reply.code, c->code);
        assert_int_equal(reply.lines, c->lines);
        smtp_reply_escape(&reply, &shown);
        assert_slice(buf_slice(&shown), c->shown);
        buf_free(&shown);
    }
    smtp_reply_free(&reply);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        check_case(&cases[i], 1);
        check_case(&cases[i], 3);
        check_case(&cases[i], 4096);
    }
}

static struct smtp_enhanced enhanced_of(const char *line)
{
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    smtp_reply_feed(&reply, slice_str(line));
    struct smtp_enhanced e = reply.enhanced;
    smtp_reply_free(&reply);
    return e;
}

static void test_enhanced_status_must_agree_with_its_code(void **state)
{
    (void)state;
    struct smtp_enhanced e = enhanced_of("550 5.7.26 policy\r\n");
    assert_true(e.class_digit == 5 && e.subject == 7 && e.detail == 26);
    assert_int_equal(enhanced_of("550 2.0.0 liar\r\n").class_digit, 0);
    assert_int_equal(enhanced_of("451 4.7.1234 long\r\n").class_digit, 0);
    assert_int_equal(enhanced_of("451 4.7\r\n").class_digit, 0);
    assert_int_equal(enhanced_of("451 4.7.1x\r\n").class_digit, 0);
    assert_int_equal(enhanced_of("354 3.0.0 go\r\n").class_digit, 0);
    assert_int_equal(enhanced_of("451 4.7.1\r\n").class_digit, 4);
    e = smtp_reply_enhanced(452, (struct smtp_enhanced){0, 0, 0});
    assert_true(e.class_digit == 4 && e.subject == 0 && e.detail == 0);
}

static void test_row15_megabyte_reply_is_bounded(void **state)
{
    (void)state;
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    char line[1024];
    memset(line, 'x', sizeof(line));
    memcpy(line, "250-", 4);
    memcpy(line + sizeof(line) - 2, "\r\n", 2);
    size_t fed = 0;
    while (fed < 1024 * 1024 && reply.status == SMTP_REPLY_MORE)
        fed += smtp_reply_feed(&reply, slice_of(line, sizeof(line)));
    assert_int_equal(reply.status, SMTP_REPLY_BAD);
    assert_true(reply.text.cap <= SMTP_REPLY_MAX && reply.line.cap <= SMTP_REPLY_LINE_MAX);
    assert_true(fed <= SMTP_REPLY_MAX + 2 * sizeof(line));
    smtp_reply_free(&reply);
}

static void test_row15_endless_line_is_bounded(void **state)
{
    (void)state;
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    size_t fed = 0;
    while (fed < 1024 * 1024 && reply.status == SMTP_REPLY_MORE)
        fed += smtp_reply_feed(&reply, SLICE_LIT("250 aaaaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_int_equal(reply.status, SMTP_REPLY_BAD);
    assert_true(fed <= SMTP_REPLY_LINE_MAX + 64);
    smtp_reply_free(&reply);
}

static void test_row15_nul_and_controls_cannot_forge_a_line(void **state)
{
    (void)state;
    struct smtp_reply reply;
    struct buf shown;
    smtp_reply_init(&reply);
    buf_init(&shown, 4096);
    smtp_reply_feed(&reply, SLICE_LIT("550 a\0b\x1b[2Jc\r\r\n"));
    assert_int_equal(reply.status, SMTP_REPLY_DONE);
    smtp_reply_escape(&reply, &shown);
    assert_slice(buf_slice(&shown), "550 a\\x00b\\x1b[2Jc\\x0d");
    buf_free(&shown);
    smtp_reply_free(&reply);
}

static void test_reset_forgets_everything(void **state)
{
    (void)state;
    struct smtp_reply reply;
    smtp_reply_init(&reply);
    smtp_reply_feed(&reply, SLICE_LIT("250-a\r\n250-b\r\n250-c"));
    smtp_reply_reset(&reply);
    assert_int_equal(smtp_reply_feed(&reply, SLICE_LIT("550 5.0.0 x\r\nmore")), 13);
    assert_int_equal(reply.code, 550);
    assert_int_equal(reply.lines, 1);
    assert_slice(smtp_reply_line(&reply, 0), "5.0.0 x");
    assert_slice(smtp_reply_line(&reply, 1), "");
    smtp_reply_free(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_enhanced_status_must_agree_with_its_code),
        cmocka_unit_test(test_row15_megabyte_reply_is_bounded),
        cmocka_unit_test(test_row15_endless_line_is_bounded),
        cmocka_unit_test(test_row15_nul_and_controls_cannot_forge_a_line),
        cmocka_unit_test(test_reset_forgets_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
