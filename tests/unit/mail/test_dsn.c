/* SPDX-License-Identifier: Apache-2.0 */
/* DSNs: exact output, hostile replies kept as text (row 15), UTF-8 forms. */
#include "unit.h"

#include "mail/dsn.h"

static struct mail_address address(const char *text)
{
    struct mail_address a;
    assert_true(mail_address_parse(slice_str(text), MAIL_SMTPUTF8, &a, NULL));
    return a;
}

static struct mail_dsn dsn_of(const struct mail_address *from, const struct mail_address *to,
                              const struct mail_dsn_recipient *recipients, size_t count)
{
    struct mail_dsn dsn = {.head = {.from = from, .to = to, .subject = SLICE_LIT("Mail came back"),
        .utc_us = INT64_C(1790000000000000), .host = SLICE_LIT("relay.example"), .automatic = MAIL_COMPOSE_REPLIED},
        .intro = SLICE_LIT("Your message was not delivered."), .arrival_us = INT64_C(1789999999000000),
        .envelope_id = SLICE_LIT("QQ 314"), .message_id = SLICE_LIT("m@n"), .date = SLICE_LIT("then"),
        .recipients = recipients, .count = count};
    dsn.head.id.b[15] = 2;
    return dsn;
}

static void test_failed(void **state)
{
    (void)state;
    struct mail_address from = address("postmaster@relay.example");
    struct mail_address to = address("a@b.example");
    struct mail_address gone = address("gone@c.example");
    struct mail_dsn_recipient r = {.address = &gone, .original = SLICE_LIT("rfc822;Gone@c.example"),
        .status = SLICE_LIT("5.1.1"), .remote_mta = SLICE_LIT("mx.c.example"),
        .diagnostic = SLICE_LIT("550 5.1.1 no\r\nsuch\0user"), .attempt_us = INT64_C(1790000000000000),
        .reason = SLICE_LIT("There is no such mailbox.")};
    struct mail_dsn dsn = dsn_of(&from, &to, &r, 1);
    struct buf out;
    bool utf8 = true;
    buf_init(&out, MAIL_COMPOSED_MAX);
    assert_true(mail_dsn_compose(&out, &dsn, &utf8, NULL));
    assert_false(utf8);
    assert_slice(buf_slice(&out),
        "From: <postmaster@relay.example>\r\nTo: <a@b.example>\r\nSubject: Mail came back\r\n"
        "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n"
        "Message-ID: <00000000-0000-0000-0000-000000000002@relay.example>\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status;\r\n"
        " boundary=\"00000000-0000-0000-0000-000000000002\"\r\n"
        "\r\n--00000000-0000-0000-0000-000000000002\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
        "Your message was not delivered.\r\n\r\n<gone@c.example>\r\n    There is no such mailbox.\r\n"
        "    The receiving server said: 550 5.1.1 no  such\\x00user\r\n"
        "\r\n--00000000-0000-0000-0000-000000000002\r\n"
        "Content-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; relay.example\r\nOriginal-Envelope-Id: QQ 314\r\n"
        "Arrival-Date: Mon, 21 Sep 2026 14:13:19 +0000\r\n\r\n"
        "Original-Recipient: rfc822;Gone@c.example\r\nFinal-Recipient: rfc822;gone@c.example\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.c.example\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no  such\\x00user\r\n"
        "Last-Attempt-Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n"
        "\r\n--00000000-0000-0000-0000-000000000002\r\n"
        "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <m@n>\r\nDate: then\r\n"
        "\r\n--00000000-0000-0000-0000-000000000002--\r\n");
    buf_free(&out);
}

static void test_hostile(void **state)
{
    (void)state;
    struct mail_address from = address("postmaster@relay.example");
    struct mail_address gone = address("gone@c.example");
    char big[100000];
    memset(big, 'x', sizeof(big));
    struct mail_dsn_recipient r = {.address = &gone, .original = SLICE_LIT("rfc822;x\r\nAction: delivered"),
        .status = SLICE_LIT("5.0.0\r\nX: y"), .remote_mta = SLICE_LIT("h\r\n\r\n--b"),
        .diagnostic = {(const uint8_t *)big, sizeof(big)}, .reason = SLICE_LIT("r")};
    struct mail_dsn dsn = dsn_of(&from, &from, &r, 1);
    dsn.message_id = SLICE_LIT("a>\r\nSubject: secret");
    dsn.date = SLICE_LIT("d\r\nSubject: secret");
    dsn.envelope_id = SLICE_LIT("e\r\n\r\nf");
    struct buf out;
    bool utf8;
    buf_init(&out, MAIL_COMPOSED_MAX);
    assert_true(mail_dsn_compose(&out, &dsn, &utf8, NULL));
    const char *text = buf_cstr(&out);
    assert_null(strstr(text, "\nAction: delivered"));
    assert_null(strstr(text, "\nX: y"));
    assert_null(strstr(text, "\n--b"));
    assert_null(strstr(text, "\nf"));
    assert_null(strstr(strstr(text, "rfc822-headers"), "\nSubject"));
    size_t at = 0;
    while (at < out.len) {
        size_t lf = slice_find(buf_slice(&out), at, '\n');
        assert_true(lf - at <= 999);
        at = lf + 1;
    }
    buf_free(&out);
}

static void test_utf8_forms(void **state)
{
    (void)state;
    struct mail_address from = address("postmaster@relay.example");
    struct mail_address to = address("a@b.example");
    struct mail_address gone = address("j\303\266+x@c.example");
    struct mail_dsn_recipient r = {.address = &gone, .action = MAIL_DSN_DELAYED, .status = SLICE_LIT("4.4.1"),
        .retry_until_us = INT64_C(1790000000000000), .reason = SLICE_LIT("r")};
    struct mail_dsn dsn = dsn_of(&from, &to, &r, 1);
    struct buf out;
    bool utf8;
    buf_init(&out, MAIL_COMPOSED_MAX);
    assert_true(mail_dsn_compose(&out, &dsn, &utf8, NULL));
    assert_false(utf8);
    assert_non_null(strstr(buf_cstr(&out), "Final-Recipient: utf-8;j\\x{F6}\\x{2B}x@c.example\r\nAction: delayed\r\n"));
    assert_non_null(strstr(buf_cstr(&out), "Will-Retry-Until: Mon, 21 Sep 2026 14:13:20 +0000\r\n"));
    assert_null(memchr(out.data, 0xC3, out.len));
    buf_reset(&out);
    dsn.smtputf8 = true;
    assert_true(mail_dsn_compose(&out, &dsn, &utf8, NULL));
    assert_true(utf8);
    assert_non_null(strstr(buf_cstr(&out), "Content-Type: message/global-delivery-status\r\n"));
    assert_non_null(strstr(buf_cstr(&out), "Content-Type: message/global-headers\r\n"));
    assert_non_null(strstr(buf_cstr(&out), "Final-Recipient: utf-8;j\303\266+x@c.example\r\n"));
    dsn.count = 0;
    assert_false(mail_dsn_compose(&out, &dsn, &utf8, NULL));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failed), cmocka_unit_test(test_hostile),
                                       cmocka_unit_test(test_utf8_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
