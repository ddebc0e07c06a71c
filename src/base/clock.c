/* SPDX-License-Identifier: Apache-2.0 */
/* The only two places that ask the kernel for the time. Tests replace this file by tests/unit/fake_clock.c. */
#include "base/clock.h"

#include <time.h>

static int64_t clock_read(clockid_t which)
{
    struct timespec now = {0};
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * CLOCK_US_PER_S + now.tv_nsec / 1000;
}

int64_t clock_utc_us(void)
{
    return clock_read(CLOCK_REALTIME);
}

int64_t clock_wait_us(void)
{
    return clock_read(CLOCK_BOOTTIME);
}
