/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of domains as people have them: CSV columns, addresses, comments, titles, bad lines. */
#include "unit.h"

#include "base/buf.h"
#include "cli/explain_list.h"

struct told {
    size_t count;
    size_t line[8];
    bool reasons;
};

static void on_told(void *ctx, size_t line, const char *reason)
{
    struct told *told = ctx;
    told->reasons = *reason != '\0' && (told->count == 0 || told->reasons);
    if (told->count < 8)
        told->line[told->count] = line;
    told->count++;
}

static bool read_text(struct explain_list *list, const char *text, struct told *told)
{
    struct err err = {{0}};
    memset(told, 0, sizeof(*told));
    return explain_list_read(list, slice_str(text), on_told, told, &err);
}

static void columns_addresses_comments(void **state)
{
    struct explain_list list;
    struct told told;
    (void)state;
    assert_true(read_text(&list, "\xef\xbb\xbf" "Domain,Name\r\n# a comment\r\n\r\none.example,First\r\n\"two.example\";x\r\n"
                                 "doctor@Three.Example\t1\r\n  four.example.  \r\nb\xc3\xbc" "cher.example", &told));
    assert_int_equal(list.count, 5);
    assert_string_equal(list.domain[0].ascii, "one.example");
    assert_string_equal(list.domain[1].ascii, "two.example");
    assert_string_equal(list.domain[2].ascii, "three.example");
    assert_string_equal(list.domain[3].ascii, "four.example");
    assert_string_equal(list.domain[4].ascii, "xn--bcher-kva.example");
    assert_int_equal(list.line[0], 4);
    assert_int_equal(list.line[4], 8);
    assert_int_equal(told.count, 0);
    explain_list_free(&list);
}

static void bad_lines_are_told_and_passed_over(void **state)
{
    struct explain_list list;
    struct told told;
    (void)state;
    assert_true(read_text(&list, "one.example\n-bad-.example\n=cmd()\na@b@\n\x1b[2J.example\ntwo.example\n", &told));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.bad, 4);
    assert_int_equal(told.count, 4);
    assert_int_equal(told.line[0], 2);
    assert_int_equal(told.line[3], 5);
    assert_true(told.reasons);
    explain_list_free(&list);
}

static void a_domain_stands_once(void **state)
{
    struct explain_list list;
    struct told told;
    (void)state;
    assert_true(read_text(&list, "one.example\nONE.example\na@one.example\ntwo.example\n", &told));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.twice, 2);
    explain_list_free(&list);
}

static void too_many_are_refused(void **state)
{
    struct explain_list list;
    struct told told = {0};
    struct err err = {{0}};
    struct buf text;
    (void)state;
    buf_init(&text, EXPLAIN_LIST_BYTES);
    for (unsigned i = 0; i <= EXPLAIN_LIST_MAX; i++)
        buf_printf(&text, "d%u.example\n", i);
    assert_true(buf_ok(&text));
    assert_false(explain_list_read(&list, buf_slice(&text), on_told, &told, &err));
    assert_non_null(strstr(err.text, "100001"));
    explain_list_free(&list);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_addresses_comments),
        cmocka_unit_test(bad_lines_are_told_and_passed_over),
        cmocka_unit_test(a_domain_stands_once),
        cmocka_unit_test(too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
