/* SPDX-License-Identifier: Apache-2.0 */
/* Skipping what carries no meaning. Comments are counted, not recursed into: depth costs no stack (row 16). */
#include "mail/cfws.h"

#include "mail/limits.h"

static bool skip_comment(struct slice s, size_t *at)
{
    unsigned depth = 0;
    do {
        uint8_t c = s.data[*at];
        if (c == '(' && ++depth > MAIL_COMMENT_DEPTH_MAX)
            return false;
        if (c == ')')
            depth--;
        *at += c == '\\' ? 2 : 1;
    } while (depth > 0 && *at < s.len);
    return depth == 0;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool mail_cfws_skip(struct slice s, size_t *at)
{
    while (*at < s.len && (is_space(s.data[*at]) || s.data[*at] == '(')) {
        if (s.data[*at] != '(')
            (*at)++;
        else if (!skip_comment(s, at))
            return false;
    }
    return true;
}

bool mail_cfws_skip_quoted(struct slice s, size_t *at)
{
    (*at)++;
    while (*at < s.len && s.data[*at] != '"')
        *at += s.data[*at] == '\\' ? 2 : 1;
    if (*at >= s.len)
        return false;
    (*at)++;
    return true;
}
