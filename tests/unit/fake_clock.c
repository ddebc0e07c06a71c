/* SPDX-License-Identifier: Apache-2.0 */
/* The test's clock: it starts at 2026-11-24T05:30:00Z, wait clock at 1000 s. Its state belongs to the test. */
#include "fake_clock.h"

#include "base/clock.h"

static struct {
    int64_t utc_us;
    int64_t wait_us;
} fake_clock = {INT64_C(1795498200000000), INT64_C(1000000000)};

void fake_clock_set(int64_t utc_us)
{
    fake_clock.utc_us = utc_us;
}

void fake_clock_advance(int64_t us)
{
    fake_clock.utc_us += us;
    fake_clock.wait_us += us;
}

int64_t clock_utc_us(void)
{
    return fake_clock.utc_us;
}

int64_t clock_wait_us(void)
{
    return fake_clock.wait_us;
}
