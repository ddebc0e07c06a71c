/* SPDX-License-Identifier: Apache-2.0 */
/* Reads replies line by line; everything that could confuse a later reader ends here. */
#include "smtp/smtp_reply.h"

#include "base/codec.h"

void smtp_reply_init(struct smtp_reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    buf_init(&reply->text, SMTP_REPLY_MAX);
    buf_init(&reply->line, SMTP_REPLY_LINE_MAX);
}

void smtp_reply_free(struct smtp_reply *reply)
{
    if (reply == NULL)
        return;
    buf_free(&reply->text);
    buf_free(&reply->line);
}

void smtp_reply_reset(struct smtp_reply *reply)
{
    reply->code = 0;
    reply->lines = 0;
    reply->enhanced = (struct smtp_enhanced){0, 0, 0};
    reply->status = SMTP_REPLY_MORE;
    buf_reset(&reply->text);
    buf_reset(&reply->line);
}

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The three digits at the head of a line, or 0. */
static uint16_t line_code(struct slice line)
{
    if (line.len < 3 || line.data[0] < '2' || line.data[0] > '5' || !digit(line.data[1]) || !digit(line.data[2]))
        return 0;
    return (uint16_t)((line.data[0] - '0') * 100 + (line.data[1] - '0') * 10 + (line.data[2] - '0'));
}

/* One number of an enhanced status, at most three digits; moves *at behind it. */
static bool status_number(struct slice s, size_t *at, uint16_t *ret)
{
    size_t from = *at;
    uint16_t n = 0;
    while (*at < s.len && digit(s.data[*at]) && *at - from < 3)
        n = (uint16_t)(n * 10 + (s.data[(*at)++] - '0'));
    *ret = n;
    return *at > from;
}

static struct smtp_enhanced line_enhanced(struct slice text, uint16_t code)
{
    const struct smtp_enhanced none = {0, 0, 0};
    struct smtp_enhanced e = none;
    size_t at = 0;
    if (!status_number(text, &at, &e.class_digit) || at >= text.len || text.data[at++] != '.')
        return none;
    if (!status_number(text, &at, &e.subject) || at >= text.len || text.data[at++] != '.')
        return none;
    if (!status_number(text, &at, &e.detail) || (at < text.len && text.data[at] != ' '))
        return none;
    return e.class_digit == code / 100 && e.class_digit != 3 ? e : none;
}

static enum smtp_reply_status take_line(struct smtp_reply *reply, struct slice line)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    uint16_t code = line_code(line);
    uint8_t behind = line.len > 3 ? line.data[3] : ' ';
    if (code == 0 || (behind != ' ' && behind != '-') || (reply->lines > 0 && code != reply->code))
        return SMTP_REPLY_BAD;
    if (reply->lines >= SMTP_REPLY_LINES_MAX)
        return SMTP_REPLY_BAD;
    struct slice text = slice_sub(line, 4, line.len);
    if (reply->lines == 0) {
        reply->code = code;
        reply->enhanced = line_enhanced(text, code);
    } else {
        buf_append_byte(&reply->text, '\n');
    }
    buf_append_slice(&reply->text, text);
    reply->lines++;
    if (!buf_ok(&reply->text))
        return SMTP_REPLY_BAD;
    return behind == '-' ? SMTP_REPLY_MORE : SMTP_REPLY_DONE;
}

size_t smtp_reply_feed(struct smtp_reply *reply, struct slice in)
{
    size_t at = 0;
    while (at < in.len && reply->status == SMTP_REPLY_MORE) {
        size_t lf = slice_find(in, at, '\n');
        struct slice piece = slice_sub(in, at, lf - at);
        at = lf < in.len ? lf + 1 : in.len;
        if (lf < in.len && reply->line.len == 0 && piece.len <= SMTP_REPLY_LINE_MAX) {
            reply->status = take_line(reply, piece);
            continue;
        }
        if (!buf_append_slice(&reply->line, piece)) {
            reply->status = SMTP_REPLY_BAD;
        } else if (lf < in.len) {
            reply->status = take_line(reply, buf_slice(&reply->line));
            buf_reset(&reply->line);
        }
    }
    return at;
}

enum smtp_reply_kind smtp_reply_kind(uint16_t code)
{
    switch (code / 100) {
    case 2: return SMTP_REPLY_POSITIVE;
    case 3: return SMTP_REPLY_INTERMEDIATE;
    case 4: return SMTP_REPLY_TRANSIENT;
    default: return SMTP_REPLY_PERMANENT;
    }
}

struct slice smtp_reply_line(const struct smtp_reply *reply, size_t i)
{
    struct slice text = buf_slice(&reply->text);
    if (i >= reply->lines)
        return SLICE_EMPTY;
    size_t from = 0;
    for (; i > 0; i--)
        from = slice_find(text, from, '\n') + 1;
    return slice_sub(text, from, slice_find(text, from, '\n') - from);
}

void smtp_reply_escape(const struct smtp_reply *reply, struct buf *out)
{
    struct buf all;
    buf_init(&all, SMTP_REPLY_MAX * 5);
    buf_printf(&all, "%03u", reply->code);
    for (size_t i = 0; i < reply->lines; i++) {
        buf_append_str(&all, i == 0 ? " " : " / ");
        codec_escape(&all, smtp_reply_line(reply, i));
    }
    if (all.len <= SMTP_REPLY_TEXT_MAX) {
        buf_append_slice(out, buf_slice(&all));
    } else {
        buf_append_slice(out, slice_sub(buf_slice(&all), 0, SMTP_REPLY_TEXT_MAX - 3));
        buf_append_str(out, "...");
    }
    buf_free(&all);
}

struct smtp_enhanced smtp_reply_enhanced(uint16_t code, struct smtp_enhanced given)
{
    if (given.class_digit != 0)
        return given;
    return (struct smtp_enhanced){(uint16_t)(code / 100), 0, 0};
}
