/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks. Unit and scenario tests link a fake in place of clock.c (tests/unit/fake_clock.c). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_US_PER_MS INT64_C(1000)
#define CLOCK_US_PER_S INT64_C(1000000)
#define CLOCK_US_PER_DAY (INT64_C(86400) * CLOCK_US_PER_S)

/* Microseconds since 1970-01-01 UTC: for times that are stored or shown. May jump. */
int64_t clock_utc_us(void);

/* Microseconds of CLOCK_BOOTTIME: for waits and deadlines inside one process. Never jumps back. */
int64_t clock_wait_us(void);

/* Days since 1970-01-01 of a utc time. */
uint32_t clock_day(int64_t utc_us);

#define CLOCK_DATE_MAX 48
/* RFC 5322 date-time in UTC, e.g. "Tue, 24 Nov 2026 05:30:00 +0000", NUL-terminated. */
void clock_rfc5322(int64_t utc_us, char out[CLOCK_DATE_MAX]);

/* RFC 3339 in UTC with milliseconds, e.g. "2026-11-24T05:30:00.123Z", NUL-terminated. */
void clock_rfc3339(int64_t utc_us, char out[CLOCK_DATE_MAX]);

/* Reads "100ms", "90s", "5m", "4h", "5d" (a whole number and one unit) as microseconds. False on anything else,
 * on a negative number and above 10 years. */
bool clock_parse_duration(const char *text, int64_t *ret_us);

#endif
