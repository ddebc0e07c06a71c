/* SPDX-License-Identifier: Apache-2.0 */
/* Address lists of From and Sender: every address is found, and what could be read in two ways is refused (row 16). */
#include "unit.h"

#include "mail/mailbox_list.h"

/* Addresses joined by spaces, or "refused". */
static void assert_list(const char *value, unsigned flags, const char *expected)
{
    struct mail_mailbox_list list;
    struct err err = {0};
    struct buf out;
    buf_init(&out, 65536);
    bool ok = mail_mailbox_list_parse(slice_str(value), flags, &list, &err);
    assert_true(ok == (err.text[0] == '\0'));
    if (!ok)
        buf_append_str(&out, "refused");
    for (size_t i = 0; i < list.count; i++) {
        buf_append_str(&out, i > 0 ? " " : "");
        mail_address_canonical(&out, &list.addresses[i]);
    }
    if (!slice_eq(buf_slice(&out), slice_str(expected)))
        fail_msg("%s gave %s", value, buf_cstr(&out));
    buf_free(&out);
    mail_mailbox_list_free(&list);
}

static void test_good(void **state)
{
    (void)state;
    assert_list(" a@b.example", 0, "a@b.example");
    assert_list("Ann <a@b.example>", 0, "a@b.example");
    assert_list("<a@b.example>", 0, "a@b.example");
    assert_list("\"Ann, (x) <c@d.example>\" <a@b.example>", 0, "a@b.example");
    assert_list("Ann B. Cee <a@b.example>, d@e.example", 0, "a@b.example d@e.example");
    assert_list("a@b.example (Ann (nested) \\) c@d.example)", 0, "a@b.example");
    assert_list("Ann\r\n <a@b.example>\r\n", 0, "a@b.example");
    assert_list("< (x) a@b.example (y) >", 0, "a@b.example");
    assert_list("Team: a@b.example, C <c@d.example>; , e@f.example", 0, "a@b.example c@d.example e@f.example");
    assert_list("Team:;", 0, "");
    assert_list("\"a@evil x\"@internal.example", 0, "\"a@evil x\"@internal.example");
    assert_list("=?utf-8?q?J=C3=B6rg?= <a@b.example>", 0, "a@b.example");
    assert_list("J\303\266rg <a@b.example>", 0, "a@b.example");
    assert_list("a@[192.0.2.1]", 0, "a@[192.0.2.1]");
    assert_list(",, a@b.example,", 0, "a@b.example");
    assert_list("j\303\266rg@b.example", MAIL_SMTPUTF8, "j\303\266rg@b.example");
}

static void test_nobody(void **state)
{
    (void)state;
    assert_list("", 0, "");
    assert_list(" Whomever", 0, "");
    assert_list("Moderator-Address", 0, "");
    assert_list("<>", 0, "");
    /* Names that a program could decode or read into an address are not "nobody". */
    assert_list("=?utf-8?q?ceo=40bank.example?=", 0, "refused");
    assert_list("ceo\357\274\240bank.example", 0, "refused");
    assert_list("\"ceo@bank.example\"", 0, "refused");
    assert_list("Whomever, a@b.example", 0, "refused");
    assert_list("(ceo@bank.example)", 0, "refused");
    assert_list(" (=?utf-8?q?ceo=40bank.example?=)", 0, "refused");
    assert_list("\"ceo@bank.example\":;", 0, "refused");
}

static void test_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"a@b.example c@d.example", "a@b.example <c@d.example>", "Ann <a@b.example", "<a@b.example> x",
        "Ann <a@b.example> <c@d.example>", "<@r.example:a@b.example>", "a @b.example", "a@ b.example", "a@b .example",
        "a(x)@b.example", "a@(x)b.example", "=?utf-8?q?x?=@b.example", "\"=?utf-8?q?x?=\"@b.example",
        "Ann <=?utf-8?q?x?=@b.example>", "T: U: a@b.example;;", "T: a@b.example", "a@b.example;", "(a@b.example",
        "\"Ann <a@b.example>", "a@b@c.example", "Ann@x <a@b.example>", "j\303\266rg@b.example", "a@b..example", "<<a@b.example>>",
        "a@b.example, Ann", ": a@b.example;", "a@b.example\\", "[a@b.example]", "a@[192.0.2.1", "\"a\"x@b.example"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_list(bad[i], 0, "refused");
}

static void test_depth_and_number(void **state)
{
    (void)state;
    struct buf b;
    struct mail_mailbox_list list;
    buf_init(&b, 1u << 20);
    for (size_t i = 0; i < 100000; i++)
        buf_append_byte(&b, '(');
    for (size_t i = 0; i < 100000; i++)
        buf_append_byte(&b, ')');
    buf_append_str(&b, "a@b.example");
    assert_false(mail_mailbox_list_parse(buf_slice(&b), 0, &list, NULL));
    buf_reset(&b);
    for (size_t i = 0; i < MAIL_MAILBOXES_MAX; i++)
        buf_append_str(&b, "a@b.example,");
    assert_true(mail_mailbox_list_parse(buf_slice(&b), 0, &list, NULL));
    assert_int_equal(list.count, MAIL_MAILBOXES_MAX);
    mail_mailbox_list_free(&list);
    buf_append_str(&b, "a@b.example");
    assert_false(mail_mailbox_list_parse(buf_slice(&b), 0, &list, NULL));
    assert_null(list.addresses);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_nobody),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_depth_and_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
