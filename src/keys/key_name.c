/* SPDX-License-Identifier: Apache-2.0 */
/* Names of keys, both ways from one table. */
#include "keys/key_name.h"

#include <stdio.h>
#include <time.h>

struct kind {
    const char *text;
    bool tenant;
    bool day;
};

static const struct kind kinds[KEY_KIND_COUNT] = {
    [KEY_WORK] = {"work", true, true},
    [KEY_LETTER] = {"letter", false, true},
    [KEY_TRANSIT] = {"transit", true, true},
    [KEY_EVIDENCE] = {"evidence", true, true},
    [KEY_TAG_MESSAGE] = {"tag-message", true, false},
    [KEY_TAG_PERSON] = {"tag-person", true, false},
    [KEY_TAG_TARGET] = {"tag-target", false, true},
    [KEY_CREDENTIAL] = {"credential", false, false},
    [KEY_RECORD] = {"record", false, false},
    [KEY_CODE] = {"code", false, false},
    [KEY_TAG_DOMAIN] = {"tag-domain", false, false},
    [KEY_POLICY] = {"policy", false, false},
    [KEY_DKIM] = {"dkim", false, false},
};

bool key_name_tenant(struct slice tenant)
{
    if (tenant.len == 0 || tenant.len > KEY_TENANT_MAX)
        return false;
    for (size_t i = 0; i < tenant.len; i++) {
        uint8_t c = tenant.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

bool key_name_text(const struct key_name *name, char out[KEY_NAME_MAX])
{
    const struct kind *kind = &kinds[name->kind];
    if (kind->tenant ? !key_name_tenant(name->tenant) : name->tenant.len > 0)
        return false;
    char date[24] = "";
    if (kind->day) {
        struct tm tm;
        time_t at = (time_t)name->day * 86400;
        if (gmtime_r(&at, &tm) == NULL || strftime(date, sizeof(date), "%Y-%m-%d", &tm) != 10)
            return false;
    }
    int len = snprintf(out, KEY_NAME_MAX, "%s%s%.*s%s%s", kind->text, kind->tenant ? "." : "", (int)name->tenant.len,
                       kind->tenant ? (const char *)name->tenant.data : "", kind->day ? "." : "", date);
    return len > 0 && len < KEY_NAME_MAX;
}

/* Reads "2026-11-24" as days since 1970; the caller writes it back and compares, which catches what is no date. */
static bool parse_date(struct slice text, uint32_t *ret_day)
{
    uint64_t year = 0;
    uint64_t month = 0;
    uint64_t day = 0;
    if (text.len != 10 || text.data[4] != '-' || text.data[7] != '-')
        return false;
    if (!slice_u64(slice_sub(text, 0, 4), 9999, &year) || !slice_u64(slice_sub(text, 5, 2), 12, &month) ||
        !slice_u64(slice_sub(text, 8, 2), 31, &day) || year < 1970)
        return false;
    struct tm tm = {.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day};
    *ret_day = (uint32_t)(timegm(&tm) / 86400);
    return true;
}

/* Cuts the part up to the next dot off rest. */
static struct slice cut(struct slice *rest)
{
    size_t dot = slice_find(*rest, 0, '.');
    struct slice part = slice_sub(*rest, 0, dot);
    *rest = slice_sub(*rest, dot + 1, rest->len);
    return part;
}

static bool parse_as(struct slice text, enum key_kind kind, struct key_name *ret_name)
{
    struct slice rest = text;
    char again[KEY_NAME_MAX];
    cut(&rest);
    *ret_name = (struct key_name){.kind = kind};
    if (kinds[kind].tenant)
        ret_name->tenant = cut(&rest);
    if (kinds[kind].day && !parse_date(rest, &ret_name->day))
        return false;
    return key_name_text(ret_name, again) && slice_eq(slice_str(again), text);
}

enum key_kind key_name_kind(struct slice text)
{
    struct slice first = slice_sub(text, 0, slice_find(text, 0, '.'));
    int kind = 0;
    while (kind < KEY_KIND_COUNT && !slice_eq(first, slice_str(kinds[kind].text)))
        kind++;
    return (enum key_kind)kind;
}

bool key_name_parse(struct slice text, struct key_name *ret_name)
{
    enum key_kind kind = key_name_kind(text);
    return kind != KEY_KIND_COUNT && parse_as(text, kind, ret_name);
}
