/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of RFC 8461 section 3.1, field by field. */
#include "net/sts_record.h"

#include "net/sts_field.h"

static bool value_ok(struct slice value)
{
    bool ok = value.len > 0;
    for (size_t i = 0; ok && i < value.len; i++)
        ok = value.data[i] > ' ' && value.data[i] < 0x7f && value.data[i] != '=' && value.data[i] != ';';
    return ok;
}

static bool id_ok(struct slice id)
{
    bool ok = id.len > 0 && id.len <= STS_RECORD_ID_MAX;
    for (size_t i = 0; ok && i < id.len; i++)
        ok = sts_field_is_alnum(id.data[i]);
    return ok;
}

/* One field, without the delimiters around it. */
static bool take_field(struct slice field, struct slice *id, struct err *err)
{
    size_t equals = slice_find(field, 0, '=');
    struct slice name = slice_sub(field, 0, equals);
    struct slice value = slice_sub(field, equals + 1, field.len);
    if (!sts_field_name_ok(name) || equals == field.len || !value_ok(value))
        return err_set(err, "the record has a field that is not name=value");
    if (!slice_eq(name, SLICE_LIT("id")) || id->len > 0)
        return true;
    *id = value;
    return id_ok(value) || err_set(err, "the record's id is not 1 to %u letters and digits", STS_RECORD_ID_MAX);
}

/* White space belongs to a delimiter: before a semicolon and behind it, not at the end. */
static bool take_fields(struct slice rest, struct slice *id, struct err *err)
{
    bool ok = true;
    bool whole = false;
    while (ok && !whole) {
        size_t end = slice_find(rest, 0, ';');
        struct slice raw = slice_sub(rest, 0, end);
        struct slice field = slice_trim(raw);
        bool last = end == rest.len;
        if (last && field.len == 0)
            return true;
        bool tail = last && raw.data[raw.len - 1] != field.data[field.len - 1];
        ok = !tail && take_field(field, id, err);
        if (tail)
            err_set(err, "the record ends with white space");
        whole = last;
        rest = slice_sub(rest, end + 1, rest.len);
    }
    return ok;
}

enum sts_record_kind sts_record_parse(struct slice text, struct slice *ret_id, struct err *err)
{
    const struct slice version = SLICE_LIT("v=STSv1;");
    *ret_id = SLICE_EMPTY;
    if (!slice_starts(text, version))
        return STS_RECORD_OTHER;
    bool ok = take_fields(slice_sub(text, version.len, text.len), ret_id, err);
    if (ok && ret_id->len == 0)
        ok = err_set(err, "the record has no id");
    if (!ok)
        *ret_id = SLICE_EMPTY;
    return ok ? STS_RECORD_VALID : STS_RECORD_INVALID;
}
