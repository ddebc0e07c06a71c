/* SPDX-License-Identifier: Apache-2.0 */
/* Forms: no field ever holds a control character. */
#include <stdlib.h>

#include "net/http_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < ' ' || s.data[i] == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_form form;
    if (http_form_parse(slice_of(data, size), &form)) {
        for (size_t i = 0; i < form.count; i++) {
            check(form.fields[i].name);
            check(form.fields[i].value);
        }
    }
    http_form_free(&form);
    return 0;
}
