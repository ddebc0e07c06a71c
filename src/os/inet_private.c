/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of addresses that are private or reserved (RFC 6890 and its successors). */
#include "os/inet_private.h"

#include <stddef.h>
#include <string.h>

struct block {
    uint8_t bytes[16];
    unsigned bits;
};

static const struct block blocks4[] = {
    {{0}, 8},              {{10}, 8},            {{100, 64}, 10},   {{127}, 8},        {{169, 254}, 16}, {{172, 16}, 12},
    {{192, 0, 0}, 24},     {{192, 0, 2}, 24},    {{192, 168}, 16},  {{198, 18}, 15},   {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},   {{224}, 3},
};

static const struct block blocks6[] = {
    {{0}, 127},      /* :: and ::1 */
    {{0xfc}, 7},     {{0xfe, 0x80}, 10}, {{0xfe, 0xc0}, 10}, {{0xff}, 8},
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0x01}, 64}, /* discard */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48},             /* translation inside a network, RFC 8215 */
};

static bool within(const uint8_t *address, const struct block *block)
{
    unsigned whole = block->bits / 8;
    unsigned rest = block->bits % 8;
    if (memcmp(address, block->bytes, whole) != 0)
        return false;
    return rest == 0 || (address[whole] >> (8 - rest)) == (block->bytes[whole] >> (8 - rest));
}

static bool is_private4(const uint8_t *address)
{
    for (size_t i = 0; i < sizeof(blocks4) / sizeof(*blocks4); i++) {
        if (within(address, &blocks4[i]))
            return true;
    }
    return false;
}

static bool is_private6(const uint8_t *address)
{
    static const struct block mapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
    static const struct block compatible = {{0}, 96};
    static const struct block translated = {{0, 0x64, 0xff, 0x9b}, 96};
    static const struct block six_to_four = {{0x20, 0x02}, 16};
    for (size_t i = 0; i < sizeof(blocks6) / sizeof(*blocks6); i++) {
        if (within(address, &blocks6[i]))
            return true;
    }
    if (within(address, &mapped) || within(address, &compatible) || within(address, &translated))
        return is_private4(address + 12);
    return within(address, &six_to_four) && is_private4(address + 2);
}

bool inet_private(uint8_t family, const uint8_t *bytes)
{
    return family == 4 ? is_private4(bytes) : is_private6(bytes);
}
