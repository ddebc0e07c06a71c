/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed-message headers: whatever parses is written again byte for byte from what was parsed, so that no two headers
 * mean the same and nothing in one goes unread. */
#include <stdlib.h>

#include "keys/sealed_header.h"
#include "keys/sealed_opener.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct sealed_header *header, struct buf *out)
{
    struct buf context;
    buf_init(&context, SEALED_HEADER_MAX);
    sealed_header_put_context(&context, header->tenant, &header->id);
    sealed_header_put_begin(out, header->message_id.data, buf_slice(&context), header->wrapped_count);
    for (size_t i = 0; i < header->wrapped_count; i++)
        sealed_header_put_wrapped(out, header->wrapped[i].provider, header->wrapped[i].info, header->wrapped[i].wrapped);
    sealed_header_put_end(out, header->commitment.data);
    buf_append_slice(out, header->tag);
    buf_free(&context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sealed_header header;
    struct buf again;
    if (!sealed_header_parse(slice_of(data, size), &header, NULL))
        return 0;
    if (sealed_opener_key_name(&header).len > size)
        abort();
    buf_init(&again, SEALED_HEADER_MAX);
    write_again(&header, &again);
    /* The id may have been given in upper case, which is the one thing written differently. */
    if (again.len != size || !slice_ieq(buf_slice(&again), slice_of(data, size)))
        abort();
    buf_free(&again);
    return 0;
}
