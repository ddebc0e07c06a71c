/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer never passes its maximum, appends whole or not at all, and stays marked once it refused. */
#include "base/buf.h"
#include "unit.h"

static void fills_to_the_maximum_exactly(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    for (int i = 0; i < 100; i++)
        assert_true(buf_append_byte(&b, 'x'));
    assert_true(buf_ok(&b));
    assert_int_equal(strlen(buf_cstr(&b)), 100);
    assert_false(buf_append_byte(&b, 'x'));
    assert_false(buf_ok(&b));
    assert_int_equal(b.len, 100);
    assert_true(b.cap <= 101);
    buf_free(&b);
    assert_int_equal(b.max, 100);
}

static void refusal_is_sticky_and_whole(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    assert_true(buf_append_str(&b, "12345"));
    assert_false(buf_append_str(&b, "6789"));
    assert_false(buf_append_byte(&b, '6'));
    assert_null(buf_reserve(&b, 0));
    assert_null(buf_cstr(&b));
    assert_slice(buf_slice(&b), "12345");
    buf_reset(&b);
    assert_true(buf_append_str(&b, "12345678"));
    assert_true(buf_ok(&b));
    assert_false(buf_append(&b, "", SIZE_MAX));
    buf_free(&b);
}

static void grows_and_consumes(void **state)
{
    (void)state;
    struct buf b;
    buf_init_secret(&b, 1 << 20);
    for (uint32_t i = 0; i < 10000; i++)
        assert_true(buf_append(&b, &i, sizeof(i)));
    buf_consume(&b, 9999 * sizeof(uint32_t));
    uint32_t last;
    assert_int_equal(b.len, sizeof(last));
    memcpy(&last, b.data, sizeof(last));
    assert_int_equal(last, 9999);
    buf_consume(&b, sizeof(last));
    assert_int_equal(b.len, 0);
    buf_free(&b);
    buf_free(NULL);
}

static void secret_bytes_are_wiped(void **state)
{
    (void)state;
    struct buf b;
    buf_init_secret(&b, 64);
    buf_append_str(&b, "0123456789");
    buf_consume(&b, 4);
    assert_slice(buf_slice(&b), "456789");
    for (size_t i = 6; i < 10; i++)
        assert_int_equal(b.data[i], 0);
    buf_reset(&b);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(b.data[i], 0);
    buf_free(&b);
}

static void prints(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 70);
    for (int i = 0; i < 7; i++)
        assert_true(buf_printf(&b, "%s-%04d.", "abcd", i));
    assert_int_equal(b.len, 70);
    assert_string_equal(buf_cstr(&b) + 60, "abcd-0006.");
    assert_false(buf_printf(&b, "%d", 1));
    assert_int_equal(b.len, 70);
    buf_free(&b);
    buf_init(&b, 0);
    assert_true(buf_printf(&b, "%s", ""));
    assert_string_equal(buf_cstr(&b), "");
    buf_free(&b);
}

static void cstr_refuses_nul(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_string_equal(buf_cstr(&b), "");
    buf_append(&b, "a\0b", 3);
    assert_null(buf_cstr(&b));
    buf_free(&b);
}

static void reserve_then_added(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    uint8_t *at = buf_reserve(&b, 1000);
    assert_non_null(at);
    memset(at, 'z', 3);
    buf_added(&b, 3);
    assert_slice(buf_slice(&b), "zzz");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_to_the_maximum_exactly), cmocka_unit_test(refusal_is_sticky_and_whole),
        cmocka_unit_test(grows_and_consumes),           cmocka_unit_test(secret_bytes_are_wiped),
        cmocka_unit_test(prints),                       cmocka_unit_test(cstr_refuses_nul),
        cmocka_unit_test(reserve_then_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
