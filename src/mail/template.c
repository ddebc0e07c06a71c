/* SPDX-License-Identifier: Apache-2.0 */
/* Filling templates. */
#include "mail/template.h"

#include "mail/limits.h"
#include "mail/utf8.h"

static const char *const NAMES[MAIL_TEMPLATE_COUNT] = {
    [MAIL_TEMPLATE_LINK] = "link",
    [MAIL_TEMPLATE_EXPIRES] = "expires",
    [MAIL_TEMPLATE_OPERATOR] = "operator",
    [MAIL_TEMPLATE_CODE] = "code",
};

static bool has_control(struct slice s, const char *allowed)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if ((c < 32 || c == 127) && (c == 0 || strchr(allowed, c) == NULL))
            return true;
    }
    return false;
}

static bool put_value(struct buf *out, struct slice name, const struct mail_template_values *values, struct err *err)
{
    size_t i = 0;
    while (i < MAIL_TEMPLATE_COUNT && !slice_eq(name, slice_str(NAMES[i])))
        i++;
    if (i == MAIL_TEMPLATE_COUNT)
        return err_set(err, "the text uses an unknown variable {%.*s}; known are {link} {expires} {operator} {code}",
                       (int)(name.len < 40 ? name.len : 40), (const char *)name.data);
    struct slice value = values->value[i];
    if (value.data == NULL)
        return err_set(err, "the text uses {%s}, which does not exist here", NAMES[i]);
    if (value.len > MAIL_VALUE_MAX || !mail_utf8_valid(value) || has_control(value, ""))
        return err_set(err, "the value of {%s} is too long or holds a control character", NAMES[i]);
    return buf_append_slice(out, value) || err_set(err, "the filled text is too long");
}

/* What stands at the brace at *at: "{{" or a variable. */
static bool fill_brace(struct buf *out, struct slice text, size_t *at, const struct mail_template_values *values,
                       struct err *err)
{
    if (*at + 1 < text.len && text.data[*at + 1] == '{') {
        *at += 2;
        return buf_append_byte(out, '{') || err_set(err, "the filled text is too long");
    }
    size_t close = slice_find(text, *at, '}');
    if (close == text.len)
        return err_set(err, "the text has an open brace; write {{ for a brace");
    struct slice name = slice_sub(text, *at + 1, close - *at - 1);
    *at = close + 1;
    return put_value(out, name, values, err);
}

bool mail_template_fill(struct buf *out, struct slice text, const struct mail_template_values *values,
                        struct err *err)
{
    if (!mail_utf8_valid(text) || has_control(text, "\t\r\n"))
        return err_set(err, "the text is not UTF-8 or holds control characters");
    size_t at = 0;
    while (at < text.len) {
        size_t brace = slice_find(text, at, '{');
        if (!buf_append_slice(out, slice_sub(text, at, brace - at)))
            return err_set(err, "the filled text is too long");
        at = brace;
        if (at < text.len && !fill_brace(out, text, &at, values, err))
            return false;
    }
    return true;
}
