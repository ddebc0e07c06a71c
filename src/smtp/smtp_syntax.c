/* SPDX-License-Identifier: Apache-2.0 */
/* The small grammar of SMTP command lines. */
#include "smtp/smtp_syntax.h"

#include "mail/utf8.h"

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool smtp_syntax_is_printable(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < 0x20 || s.data[i] == 0x7f)
            return false;
    }
    return true;
}

bool smtp_syntax_is_helo(struct slice s)
{
    if (s.len == 0 || s.len > SMTP_SYNTAX_HELO_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.data[i]) && memchr(".-_:[]", s.data[i], 6) == NULL)
            return false;
    }
    return true;
}

bool smtp_syntax_is_keyword(struct slice s)
{
    if (s.len == 0 || !is_alnum(s.data[0]))
        return false;
    for (size_t i = 1; i < s.len; i++) {
        if (!is_alnum(s.data[i]) && s.data[i] != '-')
            return false;
    }
    return true;
}

bool smtp_syntax_word(struct slice *rest, struct slice *ret_word)
{
    size_t start = 0;
    while (start < rest->len && rest->data[start] == ' ')
        start++;
    size_t end = slice_find(*rest, start, ' ');
    *ret_word = slice_sub(*rest, start, end - start);
    *rest = slice_sub(*rest, end, rest->len - end);
    return ret_word->len > 0;
}

bool smtp_syntax_param(struct slice word, struct slice *ret_key, struct slice *ret_value, bool *ret_has_value)
{
    size_t equal = slice_find(word, 0, '=');
    *ret_has_value = equal < word.len;
    *ret_key = slice_sub(word, 0, equal);
    *ret_value = *ret_has_value ? slice_sub(word, equal + 1, word.len - equal - 1) : SLICE_EMPTY;
    return smtp_syntax_is_keyword(*ret_key) && (!*ret_has_value || ret_value->len > 0);
}

bool smtp_syntax_path(struct slice *rest, struct slice *ret_inside)
{
    struct slice s = *rest;
    if (s.len == 0 || s.data[0] != '<')
        return false;
    bool quoted = false;
    for (size_t i = 1; i < s.len; i++) {
        if (quoted && s.data[i] == '\\') {
            i++;
        } else if (s.data[i] == '"') {
            quoted = !quoted;
        } else if (s.data[i] == '>' && !quoted) {
            *ret_inside = slice_sub(s, 1, i - 1);
            *rest = slice_sub(s, i + 1, s.len - i - 1);
            return rest->len == 0 || rest->data[0] == ' ';
        }
    }
    return false;
}

static int hex_upper(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool smtp_syntax_xtext(struct slice s, bool utf8, size_t max, struct buf *out)
{
    size_t before = out->len;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c == '+') {
            int high = i + 2 < s.len ? hex_upper(s.data[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_upper(s.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (c == '=' || c <= ' ') {
            return false;
        }
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8) || out->len - before >= max || !buf_append_byte(out, c))
            return false;
    }
    return mail_utf8_valid(slice_sub(buf_slice(out), before, out->len - before));
}

void smtp_syntax_put_xtext(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c > ' ' && c < 0x7f && c != '+' && c != '=')
            buf_append_byte(out, c);
        else
            buf_printf(out, "+%02X", c);
    }
}
