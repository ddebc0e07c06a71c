/* SPDX-License-Identifier: Apache-2.0 */
/* Characters and names. */
#include "net/sts_field.h"

bool sts_field_is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool sts_field_name_ok(struct slice name)
{
    bool ok = name.len > 0 && name.len <= STS_FIELD_NAME_MAX && sts_field_is_alnum(name.data[0]);
    for (size_t i = 1; ok && i < name.len; i++)
        ok = sts_field_is_alnum(name.data[i]) || name.data[i] == '_' || name.data[i] == '-' || name.data[i] == '.';
    return ok;
}
