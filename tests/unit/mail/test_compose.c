/* SPDX-License-Identifier: Apache-2.0 */
/* Mail that we write: exact output, and no way to add a line (rows 2, 18). */
#include "unit.h"

#include "mail/compose.h"
#include "mail/header.h"

static struct mail_address address(const char *text)
{
    struct mail_address a;
    assert_true(mail_address_parse(slice_str(text), MAIL_SMTPUTF8, &a, NULL));
    return a;
}

static struct mail_compose_head head_of(const struct mail_address *from, const struct mail_address *to)
{
    struct mail_compose_head head = {.from = from, .to = to, .from_name = SLICE_LIT("The Clinic"),
        .subject = SLICE_LIT("A message waits for you"), .utc_us = INT64_C(1790000000000000),
        .host = SLICE_LIT("relay.example")};
    head.id.b[15] = 1;
    return head;
}

static void test_notice(void **state)
{
    (void)state;
    struct mail_address from = address("post@clinic.example");
    struct mail_address to = address("\"a b\"@m\303\274nchen.example");
    struct mail_compose_head head = head_of(&from, &to);
    struct buf out;
    bool utf8 = true;
    buf_init(&out, MAIL_COMPOSED_MAX);
    assert_true(mail_compose_text(&out, &head, SLICE_LIT("Read it:\nhttps://c.example/l/T\n"), &utf8, NULL));
    assert_false(utf8);
    assert_slice(buf_slice(&out),
                 "From: \"The Clinic\"\r\n <post@clinic.example>\r\n"
                 "To: <\"a b\"@xn--mnchen-3ya.example>\r\n"
                 "Subject: A message waits for you\r\n"
                 "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n"
                 "Message-ID: <00000000-0000-0000-0000-000000000001@relay.example>\r\n"
                 "Auto-Submitted: auto-generated\r\n"
                 "MIME-Version: 1.0\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\n"
                 "Content-Transfer-Encoding: 7bit\r\n\r\n"
                 "Read it:\r\nhttps://c.example/l/T\r\n");
    buf_free(&out);
}

static void test_utf8_words(void **state)
{
    (void)state;
    struct mail_address from = address("post@clinic.example");
    struct mail_address to = address("j\303\266rg@b.example");
    struct mail_compose_head head = head_of(&from, &to);
    struct buf out;
    bool utf8 = false;
    head.from_name = SLICE_LIT("Praxis M\303\274ller");
    head.subject = SLICE_LIT("=?utf-8?q?x?=");
    buf_init(&out, MAIL_COMPOSED_MAX);
    assert_true(mail_compose_text(&out, &head, SLICE_LIT("\303\266"), &utf8, NULL));
    assert_true(utf8);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "From: =?utf-8?B?UHJheGlzIE3DvGxsZXI=?=\r\n <post@clinic.example>\r\n"));
    assert_non_null(strstr(text, "To: <j\303\266rg@b.example>\r\n"));
    assert_non_null(strstr(text, "Subject: =?utf-8?B?PT91dGYtOD9xP3g/PQ==?=\r\n"));
    assert_non_null(strstr(text, "quoted-printable\r\n\r\n=C3=B6\r\n"));
    buf_free(&out);
}

static void test_no_injection(void **state)
{
    (void)state;
    struct mail_address from = address("post@clinic.example");
    const struct slice bad[] = {SLICE_LIT("a\r\nBcc: x@y.example"), SLICE_LIT("a\nb"), SLICE_LIT("a\rb"),
        SLICE_LIT("a\0b"), SLICE_LIT("a\177"), SLICE_LIT("\377")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct mail_compose_head head = head_of(&from, &from);
        struct buf out;
        bool utf8;
        buf_init(&out, MAIL_COMPOSED_MAX);
        head.subject = bad[i];
        assert_false(mail_compose_head(&out, &head, &utf8, NULL));
        head = head_of(&from, &from);
        head.from_name = bad[i];
        assert_false(mail_compose_head(&out, &head, &utf8, NULL));
        buf_free(&out);
    }
    struct mail_compose_head head = head_of(&from, &from);
    struct buf out;
    bool utf8;
    buf_init(&out, MAIL_COMPOSED_MAX);
    head.host = SLICE_LIT("h>\r\nBcc: x");
    head.from_name = SLICE_LIT("a\"<x@y>\\");
    assert_true(mail_compose_head(&out, &head, &utf8, NULL));
    struct mail_header parsed;
    assert_true(mail_header_scan(buf_slice(&out), &parsed, NULL));
    assert_int_equal(mail_header_count(&parsed, SLICE_LIT("Bcc")), 0);
    assert_int_equal(parsed.count, 7);
    assert_non_null(strstr(buf_cstr(&out), "\"a\\\"<x@y>\\\\\""));
    mail_header_free(&parsed);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_notice), cmocka_unit_test(test_utf8_words),
                                       cmocka_unit_test(test_no_injection)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
