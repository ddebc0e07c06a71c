/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text and durations from text. Shown times are clipped to the years 1970 to 9999. */
#include "base/clock.h"
#include "base/slice.h"

#include <stdio.h>
#include <time.h>

#define CLOCK_SHOWN_MAX_S INT64_C(253402300799)                  /* 9999-12-31T23:59:59Z, the last RFC 3339 second */
#define CLOCK_DURATION_MAX_US (INT64_C(3650) * CLOCK_US_PER_DAY) /* 10 years: longer than any hold or retention asks */

/* The calendar fields of utc_us, clipped. */
static struct tm clock_fields(int64_t utc_us)
{
    int64_t s = utc_us < 0 ? 0 : utc_us / CLOCK_US_PER_S;
    time_t at = (time_t)(s > CLOCK_SHOWN_MAX_S ? CLOCK_SHOWN_MAX_S : s);
    struct tm tm = {0};
    gmtime_r(&at, &tm);
    return tm;
}

uint32_t clock_day(int64_t utc_us)
{
    int64_t day = utc_us < 0 ? 0 : utc_us / CLOCK_US_PER_DAY;
    return day > UINT32_MAX ? UINT32_MAX : (uint32_t)day;
}

void clock_rfc5322(int64_t utc_us, char out[CLOCK_DATE_MAX])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm = clock_fields(utc_us);
    snprintf(out, CLOCK_DATE_MAX, "%s, %02u %s %04u %02u:%02u:%02u +0000", days[tm.tm_wday % 7],
             (unsigned)tm.tm_mday % 100, months[tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

void clock_rfc3339(int64_t utc_us, char out[CLOCK_DATE_MAX])
{
    struct tm tm = clock_fields(utc_us);
    unsigned ms = utc_us < 0 ? 0 : (unsigned)(utc_us / CLOCK_US_PER_MS % 1000);
    snprintf(out, CLOCK_DATE_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000,
             (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
             (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, ms);
}

bool clock_parse_duration(const char *text, int64_t *ret_us)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {{"ms", CLOCK_US_PER_MS},       {"s", CLOCK_US_PER_S},   {"m", 60 * CLOCK_US_PER_S},
                 {"h", 3600 * CLOCK_US_PER_S}, {"d", CLOCK_US_PER_DAY}};
    struct slice s = slice_str(text);
    size_t digits = 0;
    while (digits < s.len && s.data[digits] >= '0' && s.data[digits] <= '9')
        digits++;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        uint64_t count;
        if (!slice_eq(slice_sub(s, digits, s.len), slice_str(units[i].unit)))
            continue;
        if (!slice_u64(slice_sub(s, 0, digits), (uint64_t)(CLOCK_DURATION_MAX_US / units[i].us), &count))
            return false;
        *ret_us = (int64_t)count * units[i].us;
        return true;
    }
    return false;
}
