/* SPDX-License-Identifier: Apache-2.0 */
/* Reads application/x-www-form-urlencoded. */
#include "net/http_form.h"

#include "net/http_request.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* Appends s decoded; false on a broken percent sign or a forbidden byte. */
static bool decode(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i] == '+' ? ' ' : s.data[i];
        if (c == '%') {
            bool whole = s.len - i > 2;
            int high = whole ? hex_digit(s.data[i + 1]) : -1;
            int low = whole ? hex_digit(s.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high * 16 + low);
            i += 2;
        }
        if (c < ' ' || c == 0x7f || !buf_append_byte(out, c))
            return false;
    }
    return true;
}

static bool parse_pair(struct http_form *form, struct slice pair)
{
    size_t equals = slice_find(pair, 0, '=');
    struct http_form_field *field = &form->fields[form->count];
    size_t start = form->bytes.len;
    if (!decode(&form->bytes, slice_sub(pair, 0, equals)))
        return false;
    size_t middle = form->bytes.len;
    if (!decode(&form->bytes, slice_sub(pair, equals + 1, pair.len)))
        return false;
    /* bytes never moves: its room was taken whole before the first pair */
    field->name = slice_sub(buf_slice(&form->bytes), start, middle - start);
    field->value = slice_sub(buf_slice(&form->bytes), middle, form->bytes.len - middle);
    form->count++;
    return true;
}

static bool parse_all(struct http_form *form, struct slice body)
{
    for (size_t at = 0; at < body.len;) {
        size_t end = slice_find(body, at, '&');
        if (end > at && (form->count == HTTP_FORM_FIELDS_MAX || !parse_pair(form, slice_sub(body, at, end - at))))
            return false;
        at = end + 1;
    }
    return true;
}

bool http_form_parse(struct slice body, struct http_form *ret_form)
{
    struct http_form *form = ret_form;
    *form = (struct http_form){.count = 0};
    buf_init_secret(&form->bytes, HTTP_FORM_BODY_MAX);
    if (body.len == 0)
        return true;
    if (buf_reserve(&form->bytes, body.len) != NULL && parse_all(form, body))
        return true;
    http_form_free(form);
    return false;
}

void http_form_free(struct http_form *form)
{
    if (form == NULL)
        return;
    buf_free(&form->bytes);
    form->count = 0;
}

bool http_form_get(const struct http_form *form, struct slice name, struct slice *ret_value)
{
    const struct http_form_field *found = NULL;
    for (size_t i = 0; i < form->count; i++)
        if (slice_eq(form->fields[i].name, name)) {
            if (found != NULL)
                return false;
            found = &form->fields[i];
        }
    if (found != NULL)
        *ret_value = found->value;
    return found != NULL;
}

bool http_form_type(struct slice content_type)
{
    struct slice bare = slice_trim(slice_sub(content_type, 0, slice_find(content_type, 0, ';')));
    return slice_ieq(bare, SLICE_LIT("application/x-www-form-urlencoded"));
}
