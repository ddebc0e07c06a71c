/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: cutting is clipped, comparing is byte-exact, numbers are whole or refused. */
#include "base/slice.h"
#include "unit.h"

static void sub_is_clipped(void **state)
{
    (void)state;
    struct slice s = SLICE_LIT("abcdef");
    assert_slice(slice_sub(s, 2, 2), "cd");
    assert_slice(slice_sub(s, 4, SIZE_MAX), "ef");
    assert_slice(slice_sub(s, 6, 1), "");
    assert_slice(slice_sub(s, SIZE_MAX, SIZE_MAX), "");
    assert_slice(slice_sub(SLICE_EMPTY, 0, 9), "");
}

static void compares(void **state)
{
    (void)state;
    assert_true(slice_eq(SLICE_EMPTY, slice_str("")));
    assert_true(slice_eq(slice_str(NULL), SLICE_EMPTY));
    assert_false(slice_eq(SLICE_LIT("a"), SLICE_LIT("A")));
    assert_true(slice_ieq(SLICE_LIT("aZ[@"), SLICE_LIT("Az[@")));
    assert_false(slice_ieq(SLICE_LIT("["), SLICE_LIT("{")));
    assert_true(slice_starts(SLICE_LIT("MAIL FROM"), SLICE_LIT("MAIL")));
    assert_false(slice_starts(SLICE_LIT("MA"), SLICE_LIT("MAIL")));
    assert_true(slice_istarts(SLICE_LIT("mail FROM"), SLICE_LIT("MAIL")));
    assert_true(slice_istarts(SLICE_LIT("x"), SLICE_EMPTY));
}

static void finds_and_trims(void **state)
{
    (void)state;
    assert_int_equal(slice_find(SLICE_LIT("a.b.c"), 0, '.'), 1);
    assert_int_equal(slice_find(SLICE_LIT("a.b.c"), 2, '.'), 3);
    assert_int_equal(slice_find(SLICE_LIT("a.b.c"), 4, '.'), 5);
    assert_int_equal(slice_find(SLICE_EMPTY, 7, '.'), 0);
    assert_slice(slice_trim(SLICE_LIT(" \t x y\t ")), "x y");
    assert_slice(slice_trim(SLICE_LIT(" \t ")), "");
    assert_slice(slice_trim(SLICE_LIT("\nx")), "\nx");
}

static void reads_numbers(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_true(slice_u64(SLICE_LIT("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
    assert_true(slice_u64(SLICE_LIT("000"), 0, &v) && v == 0);
    v = 7;
    assert_false(slice_u64(SLICE_LIT("18446744073709551616"), UINT64_MAX, &v));
    assert_false(slice_u64(SLICE_LIT("99999999999999999999"), UINT64_MAX, &v));
    assert_false(slice_u64(SLICE_LIT("11"), 10, &v));
    assert_false(slice_u64(SLICE_LIT(""), 10, &v));
    assert_false(slice_u64(SLICE_LIT("1 "), 10, &v));
    assert_false(slice_u64(SLICE_LIT("-1"), 10, &v));
    assert_false(slice_u64(SLICE_LIT("+1"), 10, &v));
    assert_int_equal(v, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sub_is_clipped), cmocka_unit_test(compares),
                                       cmocka_unit_test(finds_and_trims), cmocka_unit_test(reads_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
