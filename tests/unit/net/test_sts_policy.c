/* SPDX-License-Identifier: Apache-2.0 */
/* MTA-STS policy files: the RFC's example, every rule of the grammar, and which hosts a policy names. */
#include "unit.h"

#include "net/sts_policy.h"

#define HEAD "version: STSv1\n"
#define REST "mode: enforce\nmx: mx.a.test\nmax_age: 1\n"

static void expect(const char *text, enum sts_policy_mode mode, uint32_t max_age, const char *hosts)
{
    struct sts_policy policy;
    struct err err = {""};
    bool ok = sts_policy_parse(slice_str(text), &policy, &err);
    if (!ok)
        print_error("%s\n%s\n", text, err.text);
    assert_true(ok);
    assert_int_equal(policy.mode, mode);
    assert_int_equal(policy.max_age_s, max_age);
    assert_slice(buf_slice(&policy.hosts), hosts);
    sts_policy_clear(&policy);
}

static void refuse(const char *text, const char *why)
{
    struct sts_policy policy;
    struct err err = {""};
    bool ok = sts_policy_parse(slice_str(text), &policy, &err);
    if (ok || strstr(err.text, why) == NULL)
        print_error("%s\n%s\n", text, err.text);
    assert_false(ok);
    assert_non_null(strstr(err.text, why));
    sts_policy_clear(&policy);
}

static void test_valid(void **state)
{
    (void)state;
    /* RFC 8461 section 3.2 and appendix A */
    expect("version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\n"
           "max_age: 604800\r\n",
           STS_POLICY_ENFORCE, 604800, "mail.example.com\n*.example.net\nbackupmx.example.com");
    expect("version: STSv1\nmode: testing\nmx: mx1.example.com\nmx: mx2.example.com\nmx: mx.backup-example.com\nmax_age: 1296000",
           STS_POLICY_TESTING, 1296000, "mx1.example.com\nmx2.example.com\nmx.backup-example.com");
    expect("max_age: 0\nmode: none\nversion: STSv1", STS_POLICY_NONE, 0, "");
    expect("mode:none\nversion:STSv1\t \nmax_age:\t31557600 \nmx:A.TEST", STS_POLICY_NONE, 31557600, "a.test");
    expect(HEAD "x-y: anything at all: \xc3\xa4\n" REST, STS_POLICY_ENFORCE, 1, "mx.a.test");
    expect(HEAD REST "mode: none\nmax_age: junk\nversion: STSv9\nmx: mx.a.test", STS_POLICY_ENFORCE, 1, "mx.a.test\nmx.a.test");
    expect(HEAD REST "\r\n\n  \n", STS_POLICY_ENFORCE, 1, "mx.a.test");
    expect(HEAD REST "mx: xn--bcher-kva.test\nmx: a_b.test", STS_POLICY_ENFORCE, 1, "mx.a.test\nxn--bcher-kva.test\na_b.test");
}

static void test_invalid(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } table[] = {
        {"", "no version"},
        {REST, "no version"},
        {"version: STSv2\n" REST, "version"},
        {"version: stsv1\n" REST, "version"},
        {"version: STSv1 x\n" REST, "version"},
        {"Version: STSv1\n" REST, "no version"},
        {HEAD "mx: mx.a.test\nmax_age: 1", "no mode"},
        {HEAD "mode: Enforce\nmx: mx.a.test\nmax_age: 1", "mode"},
        {HEAD "mode: report\nmx: mx.a.test\nmax_age: 1", "mode"},
        {HEAD "mode:\nmx: mx.a.test\nmax_age: 1", "mode"},
        {HEAD "mode: enforce\nmx: mx.a.test", "no max_age"},
        {HEAD "mode: enforce\nmx: mx.a.test\nmax_age: 31557601", "max_age"},
        {HEAD "mode: enforce\nmx: mx.a.test\nmax_age: -1", "max_age"},
        {HEAD "mode: enforce\nmx: mx.a.test\nmax_age: 1d", "max_age"},
        {HEAD "mode: enforce\nmx: mx.a.test\nmax_age: 00000000001", "max_age"},
        {HEAD "mode: enforce\nmx: mx.a.test\nmax_age:", "max_age"},
        {HEAD "mode: enforce\nmax_age: 1", "no mx"},
        {HEAD "mode: testing\nmax_age: 1", "no mx"},
        {HEAD REST "mx: ", "mx"},
        {HEAD REST "mx: *", "mx"},
        {HEAD REST "mx: *.", "mx"},
        {HEAD REST "mx: *.*.a.test", "mx"},
        {HEAD REST "mx: mx.*.a.test", "mx"},
        {HEAD REST "mx: m*.a.test", "mx"},
        {HEAD REST "mx: .a.test", "mx"},
        {HEAD REST "mx: a.test.", "mx"},
        {HEAD REST "mx: a..test", "mx"},
        {HEAD REST "mx: -a.test", "mx"},
        {HEAD REST "mx: [127.0.0.1]", "mx"},
        {HEAD REST "mx: a.test b.test", "mx"},
        {HEAD REST "mx: b\xc3\xbc" "cher.test", "mx"},
        {HEAD REST "no colon", "line"},
        {HEAD REST ": value", "line"},
        {HEAD REST " mx: a.test", "line"},
        {HEAD REST "m x: a.test", "line"},
        {HEAD REST "x: a\rb", "line"},
        {HEAD REST "x: \x01", "line"},
        {"<html><body>version: STSv1</body></html>", "line"},
        {HEAD REST "abcdefghijklmnopqrstuvwxyz0123456: x", "line"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        refuse(table[i].text, table[i].why);
}

static void test_limits(void **state)
{
    (void)state;
    static const char line[] = "mx: mx.a.test\n";
    struct buf text;
    buf_init(&text, STS_POLICY_FILE_MAX + 100);
    buf_append_str(&text, HEAD REST);
    for (unsigned i = 1; i < STS_POLICY_HOSTS; i++)
        buf_append_str(&text, line);
    struct sts_policy policy;
    struct err err = {""};
    assert_true(sts_policy_parse(buf_slice(&text), &policy, &err));
    sts_policy_clear(&policy);
    buf_append_str(&text, line);
    refuse(buf_cstr(&text), "more than");
    buf_reset(&text);
    buf_append_str(&text, HEAD REST "x: ");
    while (text.len < STS_POLICY_FILE_MAX)
        buf_append_byte(&text, 'a');
    assert_true(sts_policy_parse(buf_slice(&text), &policy, &err));
    sts_policy_clear(&policy);
    buf_append_byte(&text, 'a');
    refuse(buf_cstr(&text), "longer");
    buf_free(&text);
    char label[64];
    memset(label, 'a', sizeof(label));
    char name[400];
    snprintf(name, sizeof(name), HEAD REST "mx: %.64s.test", label);
    refuse(name, "mx");
    snprintf(name, sizeof(name), HEAD REST "mx: %.63s.%.63s.%.63s.%.62s", label, label, label, label);
    refuse(name, "mx"); /* 254 */
}

static void test_matches(void **state)
{
    (void)state;
    static const struct {
        const char *hosts;
        const char *host;
        bool matches;
    } table[] = {
        {"mx.a.test", "mx.a.test", true},
        {"mx.a.test", "MX.A.test.", true},
        {"mx.a.test", "mx.a.test..", false},
        {"mx.a.test", "x.mx.a.test", false},
        {"mx.a.test", "a.test", false},
        {"*.a.test", "mx.a.test", true},
        {"*.a.test", "MX.A.TEST", true},
        {"*.a.test", "a.test", false},
        {"*.a.test", "x.mx.a.test", false},
        {"*.a.test", ".a.test", false},
        {"*.a.test", "mxa.test", false},
        {"*.a.test", "*.a.test", true},
        {"*.a.test", "mx.b.test", false},
        {"mx.b.test\n*.a.test\nmx.c.test", "mx.a.test", true},
        {"mx.b.test\n*.a.test\nmx.c.test", "mx.c.test", true},
        {"mx.b.test\n*.a.test\nmx.c.test", "mx.d.test", false},
        {"", "mx.a.test", false},
        {"", "", false},
        {"mx.a.test", "", false},
        {"*.test", "test", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        assert_true(sts_policy_matches(slice_str(table[i].hosts), slice_str(table[i].host)) == table[i].matches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_valid), cmocka_unit_test(test_invalid), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_matches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
