/* SPDX-License-Identifier: Apache-2.0 */
/* Header blocks and mailbox lists: the fields put together again are the block. */
#include <stdlib.h>

#include "mail/header.h"
#include "mail/mailbox_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice block = slice_of(data, size);
    struct mail_header header;
    if (size == 0 || !mail_header_scan(block, &header, NULL))
        return 0;
    size_t at = 0;
    for (size_t i = 0; i < header.count; i++) {
        struct mail_mailbox_list list;
        if (header.fields[i].whole.data != data + at)
            abort();
        at += header.fields[i].whole.len;
        mail_mailbox_list_parse(header.fields[i].value, (unsigned)(i & 1), &list, NULL);
        mail_mailbox_list_free(&list);
    }
    if (at != size)
        abort();
    mail_header_tls_required(&header);
    mail_header_free(&header);
    return 0;
}
