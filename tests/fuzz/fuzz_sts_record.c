/* SPDX-License-Identifier: Apache-2.0 */
/* MTA-STS records: a valid one has an id of letters and digits inside the text; an invalid one says why. */
#include <stdlib.h>

#include "net/sts_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice id;
    struct err err = {""};
    enum sts_record_kind kind = sts_record_parse(slice_of(data, size), &id, &err);
    if ((kind == STS_RECORD_VALID) != (id.len > 0) || id.len > STS_RECORD_ID_MAX)
        abort();
    if ((kind == STS_RECORD_INVALID) != (err.text[0] != '\0'))
        abort();
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.data[i] | 0x20;
        if (!(c >= 'a' && c <= 'z') && !(id.data[i] >= '0' && id.data[i] <= '9'))
            abort();
    }
    return 0;
}
