/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text, durations from text, and the fake clock that other tests rely on. */
#include "base/clock.h"

#include "fake_clock.h"
#include "unit.h"

static void shows_times(void **state)
{
    (void)state;
    char text[CLOCK_DATE_MAX];
    clock_rfc5322(INT64_C(1795498200123456), text);
    assert_string_equal(text, "Tue, 24 Nov 2026 05:30:00 +0000");
    clock_rfc3339(INT64_C(1795498200123456), text);
    assert_string_equal(text, "2026-11-24T05:30:00.123Z");
    clock_rfc3339(INT64_C(951782400000000), text);
    assert_string_equal(text, "2000-02-29T00:00:00.000Z");
    clock_rfc3339(-1, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    clock_rfc3339(INT64_MAX, text);
    assert_memory_equal(text, "9999-12-31T23:59:59.", 20);
    clock_rfc5322(INT64_MAX, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 +0000");
    assert_int_equal(clock_day(0), 0);
    assert_int_equal(clock_day(CLOCK_US_PER_DAY * 20781 + 1), 20781);
    assert_int_equal(clock_day(-5), 0);
}

static void reads_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {{"100ms", 100000}, {"90s", 90000000}, {"5m", 300000000}, {"4h", INT64_C(14400000000)},
                {"5d", INT64_C(432000000000)}, {"0s", 0}, {"3650d", 3650 * CLOCK_US_PER_DAY}};
    static const char *const bad[] = {"", "5", "s", "-1s", "+1s", " 1s", "1 s", "1s ", "1.5s", "1S", "1w", "3651d",
                                      "99999999999999999999s", "18446744073709551616ms", "1sm", "1mss"};
    int64_t us = 0;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(clock_parse_duration(good[i].text, &us) && us == good[i].us);
    us = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(clock_parse_duration(bad[i], &us));
    assert_false(clock_parse_duration(NULL, &us));
    assert_true(us == 77);
}

static void fake_clock_moves_only_by_hand(void **state)
{
    (void)state;
    int64_t utc = clock_utc_us();
    int64_t wait = clock_wait_us();
    assert_true(clock_utc_us() == utc);
    fake_clock_advance(5);
    assert_true(clock_utc_us() == utc + 5 && clock_wait_us() == wait + 5);
    fake_clock_set(1);
    assert_true(clock_utc_us() == 1 && clock_wait_us() == wait + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shows_times), cmocka_unit_test(reads_durations),
                                       cmocka_unit_test(fake_clock_moves_only_by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
