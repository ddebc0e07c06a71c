/* SPDX-License-Identifier: Apache-2.0 */
/* Body and header encodings. */
#include "mail/encode.h"

#include "base/codec.h"
#include "mail/limits.h"
#include "mail/utf8.h"

#define BASE64_LINE_BYTES 57 /* 76 characters */
#define QUOTED_LINE_MAX 75   /* and the "=" of a soft break */
#define WORD_BYTES 45        /* 60 characters, and 12 around them */

bool mail_encode_base64(struct buf *out, struct slice data)
{
    for (size_t at = 0; at < data.len; at += BASE64_LINE_BYTES) {
        codec_base64(out, slice_sub(data, at, BASE64_LINE_BYTES));
        buf_append_str(out, "\r\n");
    }
    return buf_ok(out);
}

/* Length of the line end at `at`: 2, 1, or 0 when there is none. */
static size_t line_end_at(struct slice text, size_t at)
{
    if (text.data[at] == '\n')
        return 1;
    return text.data[at] == '\r' && at + 1 < text.len && text.data[at + 1] == '\n' ? 2 : 0;
}

static void put_quoted_byte(struct buf *out, uint8_t c, bool last_of_line, size_t *column)
{
    bool blank = c == ' ' || c == '\t';
    bool plain = (c > 32 && c < 127 && c != '=') || (blank && !last_of_line);
    size_t width = plain ? 1 : 3;
    if (*column + width > QUOTED_LINE_MAX) {
        buf_append_str(out, "=\r\n");
        *column = 0;
    }
    if (plain)
        buf_append_byte(out, c);
    else
        buf_printf(out, "=%02X", c);
    *column += width;
}

bool mail_encode_quoted_printable(struct buf *out, struct slice text)
{
    size_t column = 0;
    size_t at = 0;
    size_t end = 0;
    while (at < text.len) {
        end = line_end_at(text, at);
        if (end > 0) {
            buf_append_str(out, "\r\n");
            column = 0;
            at += end;
        } else {
            bool last = at + 1 == text.len || line_end_at(text, at + 1) > 0;
            put_quoted_byte(out, text.data[at], last, &column);
            at++;
        }
    }
    if (end == 0)
        buf_append_str(out, "\r\n");
    return buf_ok(out);
}

bool mail_encode_plain(struct buf *out, struct slice text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t lf = slice_find(text, at, '\n');
        struct slice line = slice_sub(text, at, lf - at);
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        buf_append_slice(out, line);
        buf_append_str(out, "\r\n");
        at = lf + 1;
    }
    return buf_ok(out);
}

bool mail_encode_plain_fits(struct slice text)
{
    size_t line = 0;
    size_t at = 0;
    while (at < text.len) {
        size_t end = line_end_at(text, at);
        uint8_t c = text.data[at];
        if (end == 0 && ((c < 32 && c != '\t') || c > 126 || ++line > MAIL_LINE_MAX))
            return false;
        if (end > 0)
            line = 0;
        at += end > 0 ? end : 1;
    }
    return true;
}

/* Length of the longest run of whole characters at the start of text that fits one word; 0 when it is not UTF-8. */
static size_t word_length(struct slice text)
{
    size_t len = 0;
    while (len < text.len) {
        size_t next = mail_utf8_next(slice_sub(text, len, text.len));
        if (next == 0)
            return 0;
        if (len + next > WORD_BYTES)
            return len;
        len += next;
    }
    return len;
}

bool mail_encode_words(struct buf *out, struct slice text)
{
    size_t at = 0;
    while (at < text.len) {
        struct slice rest = slice_sub(text, at, text.len);
        size_t len = word_length(rest);
        if (len == 0)
            return false;
        buf_append_str(out, at > 0 ? "\r\n =?utf-8?B?" : "=?utf-8?B?");
        codec_base64(out, slice_sub(rest, 0, len));
        buf_append_str(out, "?=");
        at += len;
    }
    return buf_ok(out);
}
