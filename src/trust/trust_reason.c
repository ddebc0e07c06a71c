/* SPDX-License-Identifier: Apache-2.0 */
/* The table of reasons, looked up by number. */
#include "trust/trust_reason.h"

#include <string.h>

struct reason_row {
    uint16_t code;
    const char *name;
    const char *rfc8460;
    const char *clerk;
    const char *engineer;
    const char *mend;
    const char *anchor;
};

static const struct reason_row rows[] = {
#define TRUST_REASON_ROW(code, name, text, rfc8460, clerk, engineer, mend) \
    {code, text, rfc8460, clerk, engineer, mend, "docs/reasons.md#" text},
    TRUST_REASONS(TRUST_REASON_ROW)
#undef TRUST_REASON_ROW
};

static const struct reason_row unknown = {0, "unknown", "", "The reason is not known here.", "Unknown reason number.", "", "docs/reasons.md"};

static const struct reason_row *row_of(uint16_t reason)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].code == reason)
            return &rows[i];
    }
    return &unknown;
}

const char *trust_reason_name(uint16_t reason)
{
    return row_of(reason)->name;
}

const char *trust_reason_rfc8460(uint16_t reason)
{
    return row_of(reason)->rfc8460;
}

const char *trust_reason_clerk(uint16_t reason)
{
    return row_of(reason)->clerk;
}

const char *trust_reason_engineer(uint16_t reason)
{
    return row_of(reason)->engineer;
}

const char *trust_reason_mend(uint16_t reason)
{
    return row_of(reason)->mend;
}

const char *trust_reason_anchor(uint16_t reason)
{
    return row_of(reason)->anchor;
}

bool trust_reason_find(const char *name, uint16_t *ret_reason)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *ret_reason = rows[i].code;
            return true;
        }
    }
    return false;
}

bool trust_reason_at(size_t index, uint16_t *ret_reason)
{
    if (index >= sizeof(rows) / sizeof(*rows))
        return false;
    *ret_reason = rows[index].code;
    return true;
}
