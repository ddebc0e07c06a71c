/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing, cutting and reading borrowed runs of bytes. */
#include "base/slice.h"

static uint8_t slice_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool slice_same_icase(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (slice_lower(a[i]) != slice_lower(b[i]))
            return false;
    return true;
}

struct slice slice_sub(struct slice s, size_t from, size_t len)
{
    if (from >= s.len)
        return SLICE_EMPTY;
    size_t left = s.len - from;
    return slice_of(s.data + from, len < left ? len : left);
}

bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_ieq(struct slice a, struct slice b)
{
    return a.len == b.len && slice_same_icase(a.data, b.data, a.len);
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

bool slice_istarts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_same_icase(s.data, prefix.data, prefix.len);
}

size_t slice_find(struct slice s, size_t from, uint8_t byte)
{
    if (from >= s.len)
        return s.len;
    const uint8_t *hit = memchr(s.data + from, byte, s.len - from);
    return hit == NULL ? s.len : (size_t)(hit - s.data);
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool slice_u64(struct slice s, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *ret_value = value;
    return true;
}
