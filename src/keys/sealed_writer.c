/* SPDX-License-Identifier: Apache-2.0 */
/* The frame writer. */
#include "keys/sealed_writer.h"

#include <assert.h>

#include "base/mem.h"
#include "base/wire.h"
#include "keys/sealed_frame.h"

static_assert(GCM_TAG_SIZE == TAG_SIZE, "the tail is a tag");

struct sealed_writer {
    struct gcm *gcm;
    struct buf held; /* plaintext of the frame that is not yet full */
    uint8_t message_id[SEALED_MESSAGE_ID_SIZE];
    uint32_t next; /* sequence number of the next frame; 0: no message */
};

struct sealed_writer *sealed_writer_create(void)
{
    struct sealed_writer *writer = mem_new(sizeof(*writer));
    writer->gcm = gcm_create(GCM_SEAL);
    buf_init_secret(&writer->held, SEALED_FRAME_SIZE);
    return writer;
}

void sealed_writer_free(struct sealed_writer **writer)
{
    if (writer == NULL || *writer == NULL)
        return;
    gcm_free(&(*writer)->gcm);
    buf_free(&(*writer)->held);
    mem_free(*writer);
    *writer = NULL;
}

bool sealed_writer_start(struct sealed_writer *writer, struct slice header, const struct key *content_key,
                         struct err *err)
{
    struct sealed_header parsed;
    sealed_writer_abort(writer);
    if (!sealed_header_parse(header, &parsed, err))
        return false;
    memcpy(writer->message_id, parsed.message_id.data, SEALED_MESSAGE_ID_SIZE);
    gcm_key(writer->gcm, content_key);
    writer->next = 1;
    return true;
}

/* Appends a frame of either kind. */
static bool emit(struct sealed_writer *writer, bool final, struct slice plain, struct buf *out, uint8_t *ret_tag)
{
    struct sealed_frame frame = {writer->message_id, writer->next, final};
    size_t head = final ? SEALED_FRAME_FINAL_HEAD : SEALED_FRAME_HEAD;
    uint8_t iv[GCM_IV_SIZE];
    if (writer->next > SEALED_FRAMES_MAX || buf_reserve(out, head + plain.len + GCM_TAG_SIZE) == NULL)
        return false;
    if (final)
        wire_put_u32(out, SEALED_FRAME_FINAL_MARK);
    wire_put_u32(out, frame.sequence);
    sealed_frame_iv(&frame, iv);
    buf_append(out, iv, sizeof(iv));
    if (final)
        wire_put_u32(out, (uint32_t)plain.len);
    uint8_t *at = buf_reserve(out, plain.len + GCM_TAG_SIZE);
    sealed_frame_seal(writer->gcm, &frame, plain, at, ret_tag);
    memcpy(at + plain.len, ret_tag, GCM_TAG_SIZE);
    buf_added(out, plain.len + GCM_TAG_SIZE);
    writer->next++;
    return true;
}

bool sealed_writer_update(struct sealed_writer *writer, struct slice plain, struct buf *out)
{
    assert(writer->next > 0);
    uint8_t tag[GCM_TAG_SIZE];
    while (plain.len > 0) {
        if (writer->held.len == SEALED_FRAME_SIZE) {
            if (!emit(writer, false, buf_slice(&writer->held), out, tag))
                return false;
            buf_reset(&writer->held);
        }
        if (writer->held.len == 0 && plain.len > SEALED_FRAME_SIZE) {
            if (!emit(writer, false, slice_sub(plain, 0, SEALED_FRAME_SIZE), out, tag))
                return false;
            plain = slice_sub(plain, SEALED_FRAME_SIZE, plain.len);
            continue;
        }
        struct slice take = slice_sub(plain, 0, SEALED_FRAME_SIZE - writer->held.len);
        if (!buf_append_slice(&writer->held, take))
            return false;
        plain = slice_sub(plain, take.len, plain.len);
    }
    return true;
}

bool sealed_writer_finish(struct sealed_writer *writer, struct buf *out, struct tag *ret_tail)
{
    assert(writer->next > 0);
    bool ok = emit(writer, true, buf_slice(&writer->held), out, ret_tail->b);
    sealed_writer_abort(writer);
    return ok;
}

void sealed_writer_abort(struct sealed_writer *writer)
{
    buf_reset(&writer->held);
    writer->next = 0;
}

uint64_t sealed_writer_length(uint64_t plain)
{
    uint64_t regular = plain == 0 ? 0 : (plain - 1) / SEALED_FRAME_SIZE;
    return plain + regular * (SEALED_FRAME_HEAD + GCM_TAG_SIZE) + SEALED_FRAME_FINAL_HEAD + GCM_TAG_SIZE;
}
