/* SPDX-License-Identifier: Apache-2.0 */
/* Makes hostile text well-formed and harmless to look at. */
#include "center/text_clean.h"

#include "mail/utf8.h"

#define REPLACEMENT 0xfffdu

uint32_t text_next(struct slice s, size_t *at)
{
    size_t len = mail_utf8_next(slice_sub(s, *at, 4));
    const uint8_t *p = s.data + *at;
    *at += len == 0 ? 1 : len;
    switch (len) {
    case 1:
        return p[0];
    case 2:
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3:
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    case 4:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 |
               (p[3] & 0x3f);
    default:
        return REPLACEMENT;
    }
}

bool text_put(struct buf *out, uint32_t c)
{
    uint8_t b[4];
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = REPLACEMENT;
    if (c < 0x80)
        return buf_append_byte(out, (uint8_t)c);
    if (c < 0x800) {
        b[0] = (uint8_t)(0xc0 | c >> 6);
        b[1] = (uint8_t)(0x80 | (c & 0x3f));
        return buf_append(out, b, 2);
    }
    if (c < 0x10000) {
        b[0] = (uint8_t)(0xe0 | c >> 12);
        b[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        b[2] = (uint8_t)(0x80 | (c & 0x3f));
        return buf_append(out, b, 3);
    }
    b[0] = (uint8_t)(0xf0 | c >> 18);
    b[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    b[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    b[3] = (uint8_t)(0x80 | (c & 0x3f));
    return buf_append(out, b, 4);
}

bool text_is_trick(uint32_t c)
{
    return (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0x061c ||
           c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

bool text_clean_line(struct buf *out, struct slice s)
{
    for (size_t at = 0; at < s.len;) {
        uint32_t c = text_next(s, &at);
        if (text_is_trick(c))
            continue;
        if (!text_put(out, is_control(c) ? ' ' : c))
            return false;
    }
    return true;
}

bool text_clean_block(struct buf *out, struct slice s)
{
    uint32_t before = 0;
    for (size_t at = 0; at < s.len;) {
        uint32_t c = text_next(s, &at);
        bool second = c == '\n' && before == '\r';
        before = c;
        if (c == '\r' || c == 0x2028 || c == 0x2029)
            c = '\n';
        if (second || (is_control(c) && c != '\n' && c != '\t'))
            continue;
        if (!text_put(out, c))
            return false;
    }
    return true;
}
