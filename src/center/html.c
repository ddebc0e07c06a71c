/* SPDX-License-Identifier: Apache-2.0 */
/* The escaping writer of pages. */
#include "center/html.h"

#include "center/text_clean.h"

void html_put_literal(struct buf *out, struct slice markup)
{
    buf_append_slice(out, markup);
}

static void put_char(struct buf *out, uint32_t c)
{
    switch (c) {
    case '&':
        buf_append_str(out, "&amp;");
        return;
    case '<':
        buf_append_str(out, "&lt;");
        return;
    case '>':
        buf_append_str(out, "&gt;");
        return;
    case '"':
        buf_append_str(out, "&quot;");
        return;
    case '\'':
        buf_append_str(out, "&#39;");
        return;
    default:
        break;
    }
    bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0);
    text_put(out, control ? 0xfffd : c);
}

void html_text(struct buf *out, struct slice data)
{
    for (size_t at = 0; at < data.len;)
        put_char(out, text_next(data, &at));
}

void html_attribute(struct buf *out, const char *name, struct slice data)
{
    buf_printf(out, " %s=\"", name);
    html_text(out, data);
    buf_append_byte(out, '"');
}

void html_number(struct buf *out, uint64_t number)
{
    buf_printf(out, "%llu", (unsigned long long)number);
}
