/* SPDX-License-Identifier: Apache-2.0 */
/* One parser decides local part and domain (row 16); UTF-8, literals, canonical text. */
#include "unit.h"

#include "mail/address.h"
#include "mail/utf8.h"

static bool parse(const char *text, unsigned flags, struct mail_address *ret)
{
    struct err err = {0};
    bool ok = mail_address_parse(slice_str(text), flags, ret, &err);
    assert_true(ok == (err.text[0] == '\0'));
    return ok;
}

static void assert_parts(const char *text, unsigned flags, const char *local, const char *domain, const char *canonical)
{
    struct mail_address a;
    struct buf out;
    buf_init(&out, MAIL_ADDRESS_TEXT_MAX);
    assert_true(parse(text, flags, &a));
    assert_string_equal(a.local, local);
    assert_string_equal(a.domain.ascii, domain);
    assert_true(mail_address_canonical(&out, &a));
    assert_string_equal(buf_cstr(&out), canonical);
    struct mail_address again;
    assert_true(parse(canonical, flags, &again));
    assert_true(mail_address_eq(&a, &again));
    buf_free(&out);
}

static void assert_refused(const char *text, unsigned flags)
{
    struct mail_address a;
    struct mail_address zero;
    memset(&zero, 0, sizeof(zero));
    assert_false(parse(text, flags, &a));
    assert_memory_equal(&a, &zero, sizeof(a));
}

static void test_quotes_decide_the_domain(void **state)
{
    (void)state;
    assert_parts("\"a@evil x\"@internal.example", 0, "a@evil x", "internal.example", "\"a@evil x\"@internal.example");
    assert_parts("\"a\\@b\"@Example.ORG", 0, "a@b", "example.org", "\"a@b\"@example.org");
    assert_parts("\"plain\"@example.org", 0, "plain", "example.org", "plain@example.org");
    assert_parts("\"q\\\"\\\\\"@example.org", 0, "q\"\\", "example.org", "\"q\\\"\\\\\"@example.org");
    assert_parts("\"\"@example.org", 0, "", "example.org", "\"\"@example.org");
    assert_parts("\".a\"@example.org", 0, ".a", "example.org", "\".a\"@example.org");
    assert_parts("MiXed@example.org", 0, "MiXed", "example.org", "MiXed@example.org");
    const char *const refused[] = {"a@evil@internal.example", "@a,@b:user@example.org", "<a@b.example>", "a@b.example>",
        "a b@example.org", "a@", "@example.org", "", "a", "\"a\"b@example.org", "a@b c", "a@b_c.example", "a@b..c",
        "a@-b.example", "a@b-.example", "a@.b", "a@b.", "\"a\tb\"@example.org", "\"a\r\nb\"@example.org",
        "a@exa\nmple.org", "a(c)@example.org", "a@example.org ", " a@example.org"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_refused(refused[i], MAIL_SMTPUTF8);
}

static void test_nul_is_refused(void **state)
{
    (void)state;
    struct mail_address a;
    assert_false(mail_address_parse(SLICE_LIT("a\0b@example.org"), MAIL_SMTPUTF8, &a, NULL));
    assert_false(mail_address_parse(SLICE_LIT("\"a\0b\"@example.org"), MAIL_SMTPUTF8, &a, NULL));
    assert_false(mail_address_parse(SLICE_LIT("a@example.org\0"), MAIL_SMTPUTF8, &a, NULL));
    assert_false(mail_address_parse(SLICE_LIT("a@\303\244\0.org"), MAIL_SMTPUTF8, &a, NULL));
}

static void test_utf8(void **state)
{
    (void)state;
    struct mail_address a;
    assert_refused("j\303\266rg@example.org", 0);
    assert_refused("a@m\303\274nchen.example", 0);
    assert_parts("j\303\266rg@example.org", MAIL_SMTPUTF8, "j\303\266rg", "example.org", "j\303\266rg@example.org");
    assert_parts("a@M\303\234NCHEN.example", MAIL_SMTPUTF8, "a", "xn--mnchen-3ya.example",
                 "a@xn--mnchen-3ya.example");
    assert_true(parse("a@m\303\274nchen.example", MAIL_SMTPUTF8, &a));
    assert_false(a.utf8_local);
    assert_string_equal(a.domain.text, "m\303\274nchen.example");
    assert_true(parse("\"\303\266 x\"@example.org", MAIL_SMTPUTF8, &a));
    assert_true(a.utf8_local);
    const char *const refused[] = {"\303(@example.org", "\300\257@example.org", "\355\240\200@example.org",
        "\364\220\200\200@example.org", "\302\205@example.org", "\"\\\303\266\"@example.org", "a@\303(.example",
        "a@\342\200\213.example", "a@\357\274\240.example"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_refused(refused[i], MAIL_SMTPUTF8);
}

static void test_look_alikes_stay_apart(void **state)
{
    (void)state;
    struct mail_address latin;
    struct mail_address cyrillic;
    assert_true(parse("a@paypal.example", MAIL_SMTPUTF8, &latin));
    assert_true(parse("a@p\320\260ypal.example", MAIL_SMTPUTF8, &cyrillic));
    assert_false(mail_address_eq(&latin, &cyrillic));
    assert_true(strncmp(cyrillic.domain.ascii, "xn--", 4) == 0);
}

static void test_literals(void **state)
{
    (void)state;
    struct mail_address a;
    assert_parts("a@[192.0.2.1]", 0, "a", "[192.0.2.1]", "a@[192.0.2.1]");
    assert_parts("a@[ipv6:2001:DB8::1]", 0, "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]");
    assert_parts("a@[IPv6:2001:db8:0:0:0:0:0:1]", 0, "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]");
    assert_parts("a@[IPv6:::ffff:192.0.2.1]", 0, "a", "[IPv6:::ffff:192.0.2.1]", "a@[IPv6:::ffff:192.0.2.1]");
    assert_true(parse("a@[IPv6:2001:db8::ff00:1]", 0, &a));
    const uint8_t ip[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 1};
    assert_memory_equal(a.domain.ip, ip, 16);
    assert_int_equal(a.domain.kind, MAIL_DOMAIN_IPV6);
    const char *const refused[] = {"a@[192.0.2.01]", "a@[192.0.2]", "a@[192.0.2.1", "a@[192.0.2.1]x", "a@[]", "a@[IPv6:]",
        "a@[IPv6:fe80::1%eth0]", "a@[IPv6:12345::]", "a@[x:y]", "a@[192.0.2.1 ]", "a@[", "a@[IPv6:1:2:3:4:5:6:7:8:]"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_refused(refused[i], 0);
}

static void test_limits(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4096);
    for (size_t local = 63; local <= 65; local++) {
        buf_reset(&text);
        for (size_t i = 0; i < local; i++)
            buf_append_byte(&text, 'x');
        buf_append_str(&text, "@example.org");
        struct mail_address a;
        assert_true(parse(buf_cstr(&text), 0, &a) == (local <= 64));
    }
    buf_reset(&text);
    for (size_t i = 0; i < 3000; i++)
        buf_append_str(&text, "\\");
    assert_refused(buf_cstr(&text), 0);
    buf_free(&text);
}

static void test_injection_stays_data(void **state)
{
    (void)state;
    assert_parts("`x`${IFS}%s@example.org", 0, "`x`${IFS}%s", "example.org", "`x`${IFS}%s@example.org");
    assert_parts("\"';drop table--\"@example.org", 0, "';drop table--", "example.org",
                 "\"';drop table--\"@example.org");
}

static void test_utf8_table(void **state)
{
    (void)state;
    assert_true(mail_utf8_valid(SLICE_LIT("a\303\266\342\202\254\360\237\230\200")));
    assert_false(mail_utf8_valid(SLICE_LIT("\342\202")));
    assert_false(mail_utf8_valid(SLICE_LIT("\340\200\200")));
    assert_true(mail_utf8_ascii(SLICE_LIT("0123456789abcdef!")));
    assert_false(mail_utf8_ascii(SLICE_LIT("0123456789abcde\200f")));
    assert_false(mail_utf8_ascii(SLICE_LIT("\200")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quotes_decide_the_domain), cmocka_unit_test(test_nul_is_refused), cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_look_alikes_stay_apart),   cmocka_unit_test(test_literals),       cmocka_unit_test(test_limits),
        cmocka_unit_test(test_injection_stays_data),     cmocka_unit_test(test_utf8_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
