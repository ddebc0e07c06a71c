/* SPDX-License-Identifier: Apache-2.0 */
/* Guessing is slowed and locked; a stranger neither locks out nor slows a user at his own place; tables are bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "keys/guess.h"

#define USER SLICE_LIT("ehr")
#define HOME SLICE_LIT("\xc0\x00\x02\x01")
#define STRANGE SLICE_LIT("\xcb\x00\x71\x07")
#define NOW INT64_C(1790000000000000)

static struct guess *make(void)
{
    struct key key;
    mem_random(&key, sizeof(key));
    return guess_create(&key);
}

/* Fails `count` times; returns whether the next try would be allowed, and its delay. */
static bool guess_wrong(struct guess *guess, struct slice name, struct slice address, unsigned count, int64_t now, int64_t *delay,
                 struct guess_lock locks[2])
{
    for (unsigned i = 0; i < count; i++)
        guess_result(guess, name, address, false, now, locks);
    return guess_allowed(guess, name, address, now, delay);
}

static void test_pair_slows_then_locks(void **state)
{
    struct guess *guess = make();
    struct guess_lock locks[2];
    int64_t delay = -1;
    (void)state;
    assert_true(guess_allowed(guess, USER, HOME, NOW, &delay));
    assert_int_equal(delay, 0);
    assert_true(guess_wrong(guess, USER, HOME, GUESS_SLOW - 1, NOW, &delay, locks));
    assert_int_equal(delay, 0);
    assert_true(guess_wrong(guess, USER, HOME, 1, NOW, &delay, locks));
    assert_int_equal(delay, 1000000);
    assert_true(guess_wrong(guess, USER, HOME, GUESS_PAIR_LOCK - GUESS_SLOW - 1, NOW, &delay, locks));
    assert_int_equal(delay, GUESS_DELAY_MAX_US);
    assert_int_equal(locks[0].until_us, 0);
    assert_false(guess_wrong(guess, USER, HOME, 1, NOW, &delay, locks));
    assert_int_equal(locks[0].until_us, NOW + GUESS_LOCK_US);
    assert_false(guess_allowed(guess, USER, HOME, NOW + GUESS_LOCK_US - 1, &delay));
    assert_true(guess_allowed(guess, USER, HOME, NOW + GUESS_LOCK_US, &delay));

    struct guess *again = make();
    guess_restore(again, &locks[0].subject, locks[0].until_us);
    assert_true(guess_allowed(again, USER, HOME, NOW, &delay)); /* another key: another subject */
    guess_free(&again);
    guess_free(&guess);
}

static void test_lock_is_restored(void **state)
{
    struct key key = {{7}};
    struct guess_lock locks[2];
    int64_t delay = 0;
    struct guess *guess = guess_create(&key);
    (void)state;
    guess_wrong(guess, USER, HOME, GUESS_PAIR_LOCK, NOW, &delay, locks);
    guess_free(&guess);
    guess = guess_create(&key);
    guess_restore(guess, &locks[0].subject, locks[0].until_us);
    assert_false(guess_allowed(guess, USER, HOME, NOW, &delay));
    assert_true(guess_allowed(guess, USER, STRANGE, NOW, &delay));
    guess_free(&guess);
}

static void test_stranger_does_not_lock_out(void **state)
{
    struct guess *guess = make();
    struct guess_lock locks[2];
    int64_t delay = -1;
    (void)state;
    guess_result(guess, USER, HOME, true, NOW, locks);
    for (unsigned host = 0; host < 250; host++) {
        uint8_t address[4] = {198, 51, 100, (uint8_t)host};
        guess_wrong(guess, USER, slice_of(address, 4), GUESS_PAIR_LOCK, NOW, &delay, locks);
    }
    assert_true(guess_allowed(guess, USER, HOME, NOW, &delay));
    assert_int_equal(delay, 0);
    assert_true(guess_allowed(guess, USER, STRANGE, NOW, &delay)); /* a new place is slowed, not locked */
    assert_int_equal(delay, GUESS_NAME_DELAY_US);
    guess_free(&guess);
}

static void test_address_is_locked_for_strangers_only(void **state)
{
    struct guess *guess = make();
    struct guess_lock locks[2];
    int64_t delay = -1;
    (void)state;
    guess_result(guess, USER, HOME, true, NOW, locks);
    for (unsigned i = 0; i < GUESS_ADDRESS_LOCK; i++) {
        char name[2] = {(char)('a' + i % 26), (char)('a' + i / 26)};
        guess_result(guess, slice_of(name, 2), HOME, false, NOW, locks);
    }
    assert_int_equal(locks[1].until_us, NOW + GUESS_LOCK_US);
    assert_false(guess_allowed(guess, SLICE_LIT("zz"), HOME, NOW, &delay));
    assert_true(guess_allowed(guess, USER, HOME, NOW, &delay));
    assert_true(guess_allowed(guess, SLICE_LIT("zz"), STRANGE, NOW, &delay));
    guess_free(&guess);
}

static void test_networks_and_window(void **state)
{
    struct guess *guess = make();
    struct guess_lock locks[2];
    int64_t delay = -1;
    struct slice one = SLICE_LIT("\x20\x01\x0d\xb8\0\0\0\1\0\0\0\0\0\0\0\1");
    struct slice same_net = SLICE_LIT("\x20\x01\x0d\xb8\0\0\0\1\1\2\3\4\5\6\7\1");
    struct slice other_net = SLICE_LIT("\x20\x01\x0d\xb8\0\0\0\2\0\0\0\0\0\0\0\1");
    struct slice mapped = SLICE_LIT("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01");
    (void)state;
    assert_false(guess_wrong(guess, USER, one, GUESS_PAIR_LOCK, NOW, &delay, locks));
    assert_false(guess_allowed(guess, USER, same_net, NOW, &delay));
    assert_true(guess_allowed(guess, USER, other_net, NOW, &delay));
    assert_true(guess_wrong(guess, USER, HOME, GUESS_SLOW, NOW, &delay, locks));
    assert_true(guess_allowed(guess, USER, mapped, NOW, &delay));
    assert_int_equal(delay, 1000000);
    assert_true(guess_allowed(guess, USER, HOME, NOW + GUESS_WINDOW_US + 1, &delay));
    assert_int_equal(delay, 0);
    guess_result(guess, USER, HOME, true, NOW, locks);
    assert_true(guess_allowed(guess, USER, HOME, NOW, &delay));
    assert_int_equal(delay, 0);
    guess_free(&guess);
}

static void test_tables_are_bounded(void **state)
{
    struct guess *guess = make();
    struct guess_lock locks[2];
    int64_t delay = -1;
    (void)state;
    guess_result(guess, USER, HOME, true, NOW, locks);
    guess_wrong(guess, USER, HOME, GUESS_SLOW, NOW, &delay, locks);
    for (uint32_t i = 0; i < GUESS_TABLE_MAX + 100; i++)
        guess_result(guess, slice_of(&i, sizeof(i)), STRANGE, false, NOW, locks);
    assert_false(guess_allowed(guess, SLICE_LIT("any"), STRANGE, NOW, &delay)); /* the address itself stays locked */
    assert_true(guess_allowed(guess, USER, HOME, NOW, &delay));
    guess_free(&guess);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair_slows_then_locks),   cmocka_unit_test(test_lock_is_restored),
        cmocka_unit_test(test_stranger_does_not_lock_out), cmocka_unit_test(test_address_is_locked_for_strangers_only),
        cmocka_unit_test(test_networks_and_window),     cmocka_unit_test(test_tables_are_bounded),
    };
    return cmocka_run_group_tests_name("keys/guess", tests, NULL, NULL);
}
