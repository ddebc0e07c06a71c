/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed content under one fixed header and key, cut into pieces by the first byte: no byte comes out that the writer
 * would not have sealed to exactly these frames. */
#include <stdlib.h>

#include "base/mem.h"
#include "keys/sealed_reader.h"
#include "keys/sealed_writer.h"

#define OUT_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header with nothing wrapped that opens; only its message id and tag matter to frames. */
static void fixed_header(const struct key *key, struct buf *out)
{
    static const uint8_t zero[SEALED_MESSAGE_ID_SIZE];
    const struct id id = {{1}};
    uint8_t tag[GCM_TAG_SIZE];
    struct buf context;
    struct gcm *gcm = gcm_create(GCM_SEAL);
    buf_init(&context, SEALED_HEADER_MAX);
    sealed_header_put_context(&context, SLICE_LIT("fuzz"), &id);
    sealed_header_put_begin(out, zero, buf_slice(&context), 1);
    sealed_header_put_wrapped(out, SLICE_LIT("none"), SLICE_LIT("none"), SLICE_LIT("none"));
    sealed_header_put_end(out, zero);
    gcm_key(gcm, key);
    sealed_header_tag(gcm, buf_slice(out), tag);
    buf_append(out, tag, sizeof(tag));
    buf_free(&context);
    gcm_free(&gcm);
}

/* Seals plain as the writer does. */
static void seal(struct slice header, const struct key *key, struct slice plain, struct buf *out)
{
    struct tag tail;
    struct sealed_writer *writer = sealed_writer_create();
    bool ok = sealed_writer_start(writer, header, key, NULL) && sealed_writer_update(writer, plain, out) &&
              sealed_writer_finish(writer, out, &tail);
    sealed_writer_free(&writer);
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct key key = {{7}};
    struct buf header, plain, again;
    if (size == 0)
        return 0;
    struct slice sealed = slice_of(data + 1, size - 1);
    size_t piece = data[0] == 0 ? size : data[0] * 67u;
    buf_init(&header, SEALED_HEADER_MAX);
    buf_init_secret(&plain, OUT_MAX);
    buf_init(&again, OUT_MAX);
    fixed_header(&key, &header);
    struct sealed_reader *reader = sealed_reader_create();
    bool ok = sealed_reader_start(reader, buf_slice(&header), &key, NULL);
    if (!ok)
        abort();
    for (size_t at = 0; ok && at < sealed.len; at += piece)
        ok = sealed_reader_update(reader, slice_sub(sealed, at, piece), &plain, NULL);
    bool ended = sealed_reader_finish(reader, NULL);
    seal(buf_slice(&header), &key, buf_slice(&plain), &again);
    if (ok && ended && !slice_eq(buf_slice(&again), sealed))
        abort();
    if (plain.len > sealed.len)
        abort();
    sealed_reader_free(&reader);
    buf_free(&header);
    buf_free(&plain);
    buf_free(&again);
    return 0;
}
