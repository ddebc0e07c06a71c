/* SPDX-License-Identifier: Apache-2.0 */
/* Error text is bounded, escaped, and may be built from itself. */
#include "base/err.h"

#include "unit.h"

#include <errno.h>

static void sets_and_prefixes(void **state)
{
    (void)state;
    struct err e;
    assert_false(err_set(&e, "open %s", "x"));
    assert_string_equal(e.text, "open x");
    assert_false(err_prefix(&e, "%s: ", "boot"));
    assert_string_equal(e.text, "boot: open x");
    assert_false(err_set(&e, "again (%s)", e.text));
    assert_string_equal(e.text, "again (boot: open x)");
    assert_false(err_errno(&e, ENOENT, "read %d", 5));
    assert_string_equal(e.text, "read 5: No such file or directory");
    assert_false(err_set(NULL, "x"));
    assert_false(err_errno(NULL, 1, "x"));
    assert_false(err_prefix(NULL, "x"));
}

static void control_bytes_are_shown(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, "a%sb", "\r\n\x7f\t");
    assert_string_equal(e.text, "a\\x0d\\x0a\\x7f\\x09b");
}

static void long_text_is_cut_with_dots(void **state)
{
    (void)state;
    struct err e;
    char big[3000];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    err_set(&e, "%s", big);
    assert_true(strlen(e.text) < sizeof(e.text));
    assert_string_equal(e.text + strlen(e.text) - 4, "x...");
    err_errno(&e, EIO, "%s", big);
    assert_string_equal(e.text + strlen(e.text) - 4, "x...");
    err_prefix(&e, "%s", big);
    assert_string_equal(e.text + strlen(e.text) - 4, "x...");
    memset(big, '\n', 600);
    err_set(&e, "%s", big);
    assert_string_equal(e.text + strlen(e.text) - 7, "\\x0a...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sets_and_prefixes), cmocka_unit_test(control_bytes_are_shown),
                                       cmocka_unit_test(long_text_is_cut_with_dots)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
