/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, the two base64 alphabets and the escape for people and logs. A failed decode leaves out as it was. */
#include "base/codec.h"

static const char codec_hex_digits[] = "0123456789abcdef";
static const char codec_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char codec_alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool codec_hex(struct buf *out, struct slice s)
{
    if (s.len > SIZE_MAX / 2)
        return out->over = true, false;
    uint8_t *at = buf_reserve(out, s.len * 2);
    if (at == NULL)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        *at++ = (uint8_t)codec_hex_digits[s.data[i] >> 4];
        *at++ = (uint8_t)codec_hex_digits[s.data[i] & 15];
    }
    buf_added(out, s.len * 2);
    return true;
}

/* Value of a hex digit, or -1. */
static int codec_hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool codec_unhex(struct buf *out, struct slice text)
{
    if (text.len % 2 != 0)
        return false;
    uint8_t *at = buf_reserve(out, text.len / 2);
    if (at == NULL)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = codec_hex_value(text.data[i]);
        int low = codec_hex_value(text.data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *at++ = (uint8_t)(high << 4 | low);
    }
    buf_added(out, text.len / 2);
    return true;
}

/* Encodes the last 1 or 2 bytes; returns the place behind. */
static uint8_t *codec_encode_tail(uint8_t *at, const uint8_t *in, size_t left, const char *alphabet, bool padded)
{
    unsigned second = left == 2 ? in[1] : 0;
    *at++ = (uint8_t)alphabet[in[0] >> 2];
    *at++ = (uint8_t)alphabet[(in[0] & 3U) << 4 | second >> 4];
    if (left == 2)
        *at++ = (uint8_t)alphabet[(second & 15) << 2];
    for (size_t i = left; padded && i < 3; i++)
        *at++ = '=';
    return at;
}

static bool codec_encode(struct buf *out, struct slice s, const char *alphabet, bool padded)
{
    if (s.len > SIZE_MAX / 4)
        return out->over = true, false;
    size_t left = s.len % 3;
    size_t tail = left == 0 ? 0 : padded ? 4 : left + 1;
    size_t size = s.len / 3 * 4 + tail;
    uint8_t *at = buf_reserve(out, size);
    if (at == NULL)
        return false;
    size_t i = 0;
    for (; i + 3 <= s.len; i += 3) {
        uint32_t v = (uint32_t)s.data[i] << 16 | (uint32_t)s.data[i + 1] << 8 | s.data[i + 2];
        *at++ = (uint8_t)alphabet[v >> 18];
        *at++ = (uint8_t)alphabet[v >> 12 & 63];
        *at++ = (uint8_t)alphabet[v >> 6 & 63];
        *at++ = (uint8_t)alphabet[v & 63];
    }
    if (left > 0)
        codec_encode_tail(at, s.data + i, left, alphabet, padded);
    buf_added(out, size);
    return true;
}

/* Value of a character in either alphabet, or 255. */
static uint32_t codec_value(uint8_t c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return 255;
}

/* Decodes up to 4 characters (n of them) into n - 1 bytes; false on a bad character or bits set behind the end. */
static bool codec_decode_group(const uint8_t *in, size_t n, bool url, uint8_t *out)
{
    uint32_t v = 0;
    uint32_t worst = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t c = i < n ? codec_value(in[i], url) : 0;
        worst |= c;
        v = v << 6 | (c & 63);
    }
    if (worst > 63 || (n == 2 && (v & 0xffff) != 0) || (n == 3 && (v & 0xff) != 0))
        return false;
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = (uint8_t)(v >> (16 - 8 * i));
    return true;
}

/* Decodes text that has no padding any more. */
static bool codec_decode(struct buf *out, struct slice text, bool url)
{
    size_t left = text.len % 4;
    if (left == 1)
        return false;
    size_t size = text.len / 4 * 3 + (left == 0 ? 0 : left - 1);
    uint8_t *at = buf_reserve(out, size);
    if (at == NULL)
        return false;
    size_t i = 0;
    for (; i + 4 <= text.len; i += 4, at += 3)
        if (!codec_decode_group(text.data + i, 4, url, at))
            return false;
    if (left > 0 && !codec_decode_group(text.data + i, left, url, at))
        return false;
    buf_added(out, size);
    return true;
}

bool codec_base64(struct buf *out, struct slice s)
{
    return codec_encode(out, s, codec_alphabet, true);
}

bool codec_unbase64(struct buf *out, struct slice text)
{
    if (text.len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && text.len > 0 && text.data[text.len - 1] == '='; i++)
        text.len--;
    return codec_decode(out, text, false);
}

bool codec_base64url(struct buf *out, struct slice s)
{
    return codec_encode(out, s, codec_alphabet_url, false);
}

bool codec_unbase64url(struct buf *out, struct slice text)
{
    return codec_decode(out, text, true);
}

bool codec_escape(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c >= 0x20 && c < 0x7f && c != '\\') {
            buf_append_byte(out, c);
            continue;
        }
        const uint8_t shown[4] = {'\\', 'x', (uint8_t)codec_hex_digits[c >> 4], (uint8_t)codec_hex_digits[c & 15]};
        buf_append(out, shown, sizeof(shown));
    }
    return buf_ok(out);
}
