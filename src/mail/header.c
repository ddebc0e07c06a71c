/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting a header block into fields. */
#include "mail/header.h"

#include "base/mem.h"
#include "mail/cfws.h"

/* Offset behind the line that starts at `at`. */
static size_t line_end(struct slice block, size_t at)
{
    size_t lf = slice_find(block, at, '\n');
    return lf < block.len ? lf + 1 : block.len;
}

static bool is_wsp(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Offset behind a field that starts at `at`: its line and all lines that begin with white space. */
static size_t field_end(struct slice block, size_t at)
{
    size_t end = line_end(block, at);
    while (end < block.len && is_wsp(block.data[end]))
        end = line_end(block, end);
    return end;
}

static struct slice without_line_end(struct slice s)
{
    if (s.len > 0 && s.data[s.len - 1] == '\n')
        s.len--;
    if (s.len > 0 && s.data[s.len - 1] == '\r')
        s.len--;
    return s;
}

/* Reads name, white space, colon. False when the text at the start of `whole` is no field. */
static bool cut_field(struct slice whole, struct mail_header_field *field)
{
    size_t colon = slice_find(whole, 0, ':');
    if (colon == whole.len)
        return false;
    struct slice name = slice_of(whole.data, colon);
    while (name.len > 0 && is_wsp(name.data[name.len - 1]))
        name.len--;
    if (name.len == 0)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < 33 || name.data[i] > 126)
            return false;
    }
    field->whole = whole;
    field->name = name;
    field->value = without_line_end(slice_sub(whole, colon + 1, whole.len));
    return true;
}

static bool add_field(struct mail_header *header, struct slice whole, struct err *err)
{
    struct mail_header_field field;
    if (!cut_field(whole, &field))
        return err_set(err, "a line of the header is neither a field nor the continuation of one");
    if (header->count == MAIL_FIELDS_MAX)
        return err_set(err, "the header has more than %d fields", MAIL_FIELDS_MAX);
    if (header->count == header->capacity) {
        header->capacity = header->capacity == 0 ? 16 : header->capacity * 2;
        header->fields = mem_resize_array(header->fields, header->capacity, sizeof(*header->fields));
    }
    header->fields[header->count++] = field;
    return true;
}

bool mail_header_scan(struct slice block, struct mail_header *ret_header, struct err *err)
{
    *ret_header = (struct mail_header){0};
    size_t at = 0;
    while (at < block.len) {
        size_t end = field_end(block, at);
        if (!add_field(ret_header, slice_sub(block, at, end - at), err)) {
            mail_header_free(ret_header);
            return false;
        }
        at = end;
    }
    return true;
}

void mail_header_free(struct mail_header *header)
{
    if (header == NULL)
        return;
    mem_free(header->fields);
    *header = (struct mail_header){0};
}

size_t mail_header_find(const struct mail_header *header, struct slice name, size_t from)
{
    size_t i = from;
    while (i < header->count && !slice_ieq(header->fields[i].name, name))
        i++;
    return i < header->count ? i : header->count;
}

size_t mail_header_count(const struct mail_header *header, struct slice name)
{
    size_t count = 0;
    for (size_t i = 0; i < header->count; i++)
        count += slice_ieq(header->fields[i].name, name) ? 1 : 0;
    return count;
}

/* The value is this one word, comments and folds aside. */
static bool says(struct slice value, struct slice word)
{
    size_t at = 0;
    if (!mail_cfws_skip(value, &at) || !slice_ieq(slice_sub(value, at, word.len), word))
        return false;
    at += word.len;
    return mail_cfws_skip(value, &at) && at >= value.len;
}

enum mail_tls_required mail_header_tls_required(const struct mail_header *header)
{
    const struct slice name = SLICE_LIT("TLS-Required");
    enum mail_tls_required found = MAIL_TLS_REQUIRED_ABSENT;
    for (size_t i = mail_header_find(header, name, 0); i < header->count; i = mail_header_find(header, name, i + 1)) {
        if (says(header->fields[i].value, SLICE_LIT("No")))
            return MAIL_TLS_REQUIRED_NO;
        found = MAIL_TLS_REQUIRED_OTHER;
    }
    return found;
}

static uint8_t level_of(struct slice value)
{
    static const char *const words[] = {"pkix", "pkix+dnssec", "sts", "dane"};
    for (uint8_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (says(value, slice_str(words[i])))
            return (uint8_t)(i + 1);
    }
    return 0;
}

bool mail_header_minimum(const struct mail_header *header, uint8_t *ret_minimum)
{
    const struct slice name = SLICE_LIT(MAIL_MINIMUM_FIELD);
    *ret_minimum = 0;
    for (size_t i = mail_header_find(header, name, 0); i < header->count; i = mail_header_find(header, name, i + 1)) {
        uint8_t level = level_of(header->fields[i].value);
        if (level == 0)
            return false;
        *ret_minimum = level > *ret_minimum ? level : *ret_minimum;
    }
    return true;
}
