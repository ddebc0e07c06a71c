/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: whatever is accepted has a canonical text that means the same and is its own canonical text. */
#include <stdlib.h>

#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct slice text, unsigned flags)
{
    struct mail_address first;
    struct mail_address second;
    struct buf a;
    struct buf b;
    if (!mail_address_parse(text, flags, &first, NULL))
        return;
    buf_init(&a, MAIL_ADDRESS_TEXT_MAX);
    buf_init(&b, MAIL_ADDRESS_TEXT_MAX);
    if (!mail_address_canonical(&a, &first))
        abort();
    /* Backslashes and A-labels may make the canonical text longer than an address may be; then it is not read again. */
    bool fits = a.len <= MAIL_ADDRESS_MAX && slice_find(buf_slice(&a), 0, '\\') == a.len && a.len <= text.len;
    bool again = mail_address_parse(buf_slice(&a), flags, &second, NULL);
    if (fits && !again)
        abort();
    if (again && (!mail_address_eq(&first, &second) || !mail_address_canonical(&b, &second) ||
                  !slice_eq(buf_slice(&a), buf_slice(&b))))
        abort();
    buf_free(&a);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    check(slice_of(data + 1, size - 1), data[0] & MAIL_SMTPUTF8);
    return 0;
}
