/* SPDX-License-Identifier: Apache-2.0 */
/* The real clocks: in microseconds, and the wait clock never goes back. */
#include "base/clock.h"

#include "unit.h"

#include <time.h>

static void agrees_with_time(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL);
    int64_t utc = clock_utc_us() / CLOCK_US_PER_S;
    assert_true(utc >= before - 1 && utc <= before + 5);
    int64_t wait = clock_wait_us();
    for (int i = 0; i < 1000; i++) {
        int64_t next = clock_wait_us();
        assert_true(next >= wait);
        wait = next;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
