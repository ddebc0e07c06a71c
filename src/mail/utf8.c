/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 well-formedness by the table of RFC 3629 section 4. */
#include "mail/utf8.h"

static size_t sequence_length(uint8_t lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    if (lead >= 0xF0 && lead <= 0xF4)
        return 4;
    return 0;
}

/* The second byte is what rules out overlong forms, surrogates and values above U+10FFFF. */
static bool second_ok(uint8_t lead, uint8_t second)
{
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

size_t mail_utf8_next(struct slice s)
{
    if (s.len == 0)
        return 0;
    size_t length = sequence_length(s.data[0]);
    if (length > s.len)
        return 0;
    if (length > 1 && !second_ok(s.data[0], s.data[1]))
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((s.data[i] & 0xC0) != 0x80)
            return 0;
    }
    return length;
}

bool mail_utf8_valid(struct slice s)
{
    size_t at = 0;
    while (at < s.len) {
        size_t length = mail_utf8_next(slice_of(s.data + at, s.len - at));
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

bool mail_utf8_ascii(struct slice s)
{
    size_t at = 0;
    uint64_t high = 0;
    for (; at + sizeof(high) <= s.len; at += sizeof(high)) {
        uint64_t word;
        memcpy(&word, s.data + at, sizeof(word));
        high |= word;
    }
    for (; at < s.len; at++)
        high |= s.data[at];
    return (high & UINT64_C(0x8080808080808080)) == 0;
}
