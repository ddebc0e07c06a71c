/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: what exists, what does not, and the rules each entry must keep (rows 24, 26, 29). */
#include "center/routes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TOKEN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define LETTER "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"

static void expect(enum http_method method, const char *path, int name)
{
    struct route_match match = route_find(method, slice_str(path));
    int got = match.route == NULL ? -1 : (int)match.route->name;
    if (got != name)
        print_error("%s %s: %d, not %d\n", http_method_name(method), path, got, name);
    assert_int_equal(got, name);
}

static void test_good(void **state)
{
    (void)state;
    expect(METHOD_GET, "/", ROUTE_FRONT);
    expect(METHOD_HEAD, "/l/" TOKEN, ROUTE_LINK);
    expect(METHOD_GET, "/l/" TOKEN, ROUTE_LINK);
    expect(METHOD_POST, "/l/" TOKEN, ROUTE_SEND);
    expect(METHOD_POST, "/l/" TOKEN "/code", ROUTE_CODE);
    expect(METHOD_GET, "/l/" TOKEN "/code", ROUTE_LINK);
    expect(METHOD_POST, "/l/" TOKEN "/new", ROUTE_NEW);
    expect(METHOD_GET, "/m/" LETTER, ROUTE_LETTER);
    expect(METHOD_GET, "/m/" LETTER "/a/0", ROUTE_ATTACHMENT);
    expect(METHOD_GET, "/m/" LETTER "/a/100", ROUTE_ATTACHMENT);
    expect(METHOD_POST, "/m/" LETTER "/logout", ROUTE_LOGOUT);
    struct route_match match = route_find(METHOD_GET, SLICE_LIT("/m/" LETTER "/a/7"));
    char text[ID_TEXT_SIZE];
    id_text(&match.letter, text);
    assert_string_equal(text, LETTER);
    assert_int_equal(match.number, 7);
}

static void test_none(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "", "//", "/l", "/l/", "/l/" TOKEN "/", "/l/" TOKEN "A", "/l/short", "/l//" TOKEN, "/L/" TOKEN,
        "/l/" TOKEN "/code/", "/l/" TOKEN "/../x", "/m/" LETTER "/", "/m/../m/" LETTER, "/m/" LETTER "/a/", "/m/" LETTER "/a/101",
        "/m/" LETTER "/a/-1", "/m/" LETTER "/a/01", "/m/" LETTER "/a/1/2", "/m/x", "/%6c/" TOKEN, "/style.css/", "/debug",
        "/.git/config", "/etc/passwd", "/l/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%41"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        for (int method = 0; method < METHOD_COUNT; method++)
            expect((enum http_method)method, paths[i], -1);
    struct route_match match = route_find(METHOD_DELETE, SLICE_LIT("/m/" LETTER));
    assert_null(match.route);
    assert_true(match.other_method);
    match = route_find(METHOD_POST, SLICE_LIT("/nothing"));
    assert_false(match.other_method);
}

/* What shows or changes a letter needs a session; what changes anything is a POST; GET is inert. */
static void test_rules(void **state)
{
    (void)state;
    size_t count;
    const struct route *table = route_table(&count);
    for (size_t i = 0; i < count; i++) {
        bool stranger = table[i].name == ROUTE_REPORT; /* opens nothing and shows nothing */
        assert_int_equal(table[i].changes, table[i].method == METHOD_POST && !stranger);
        bool letter = strstr(table[i].pattern, "{letter}") != NULL;
        if (letter)
            assert_true(table[i].session);
        assert_true(table[i].method == METHOD_GET || table[i].method == METHOD_POST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_none), cmocka_unit_test(test_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
