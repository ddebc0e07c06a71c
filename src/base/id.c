/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDv7 ids: making, showing, reading. */
#include "base/id.h"

#include "base/clock.h"
#include "base/mem.h"

#include <endian.h>

struct id id_make(int64_t utc_us)
{
    struct id id;
    mem_random(&id, sizeof(id));
    uint64_t ms = htobe64((uint64_t)(utc_us < 0 ? 0 : utc_us / CLOCK_US_PER_MS) << 16);
    memcpy(id.b, &ms, 6);
    id.b[6] = (uint8_t)(0x70 | (id.b[6] & 0x0f)); /* version 7 */
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f)); /* variant of RFC 9562 */
    return id;
}

bool id_is_zero(const struct id *id)
{
    static const struct id zero;
    return id_eq(id, &zero);
}

bool id_eq(const struct id *a, const struct id *b)
{
    return memcmp(a->b, b->b, ID_SIZE) == 0;
}

/* True when a hyphen stands before byte i of the text form. */
static bool id_hyphen_before(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void id_text(const struct id *id, char out[ID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (size_t i = 0; i < ID_SIZE; i++) {
        if (id_hyphen_before(i))
            *at++ = '-';
        *at++ = digits[id->b[i] >> 4];
        *at++ = digits[id->b[i] & 15];
    }
    *at = '\0';
}

/* Value of a hex digit, or -1. */
static int id_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    uint8_t lower = (uint8_t)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool id_parse(struct slice text, struct id *ret_id)
{
    struct id id;
    if (text.len != ID_TEXT_SIZE - 1)
        return false;
    const uint8_t *at = text.data;
    for (size_t i = 0; i < ID_SIZE; i++) {
        if (id_hyphen_before(i) && *at++ != '-')
            return false;
        int high = id_digit(at[0]);
        int low = id_digit(at[1]);
        if (high < 0 || low < 0)
            return false;
        id.b[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *ret_id = id;
    return true;
}
