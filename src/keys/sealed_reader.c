/* SPDX-License-Identifier: Apache-2.0 */
/* The frame reader. */
#include "keys/sealed_reader.h"

#include "base/mem.h"
#include "base/wire.h"
#include "keys/sealed_frame.h"

/* A message is read frame by frame: OPEN until the final frame has been verified, then ENDED; any damage makes it
 * DEAD, and so it stays until the next start. */
enum state { READER_DEAD, READER_OPEN, READER_ENDED };

struct sealed_reader {
    struct gcm *gcm;
    struct buf held; /* the beginning of a frame that is not yet whole */
    uint8_t message_id[SEALED_MESSAGE_ID_SIZE];
    uint32_t next; /* sequence number of the frame to come */
    enum state state;
};

struct sealed_reader *sealed_reader_create(void)
{
    struct sealed_reader *reader = mem_new(sizeof(*reader));
    reader->gcm = gcm_create(GCM_OPEN);
    buf_init(&reader->held, SEALED_FRAME_BYTES + SEALED_FRAME_FINAL_HEAD);
    return reader;
}

void sealed_reader_free(struct sealed_reader **reader)
{
    if (reader == NULL || *reader == NULL)
        return;
    gcm_free(&(*reader)->gcm);
    buf_free(&(*reader)->held);
    mem_free(*reader);
    *reader = NULL;
}

bool sealed_reader_start(struct sealed_reader *reader, struct slice header, const struct key *content_key,
                         struct err *err)
{
    struct sealed_header parsed;
    reader->state = READER_DEAD;
    buf_reset(&reader->held);
    if (!sealed_header_parse(header, &parsed, err))
        return false;
    gcm_key(reader->gcm, content_key);
    if (!sealed_header_check(reader->gcm, &parsed))
        return err_set(err, "the sealed header was changed or the key is another message's");
    memcpy(reader->message_id, parsed.message_id.data, SEALED_MESSAGE_ID_SIZE);
    reader->next = 1;
    reader->state = READER_OPEN;
    return true;
}

/* Bytes of the frame that begins s, as far as s tells: either the whole frame's, or how many must be seen first. 0: no
 * frame of ours. */
static size_t frame_bytes(const struct sealed_reader *reader, struct slice s)
{
    struct wire_reader r = wire_reader_of(s);
    if (s.len < 4)
        return 4;
    uint32_t number = wire_u32(&r);
    if (number != SEALED_FRAME_FINAL_MARK)
        return number == reader->next && number <= SEALED_FRAMES_MAX ? SEALED_FRAME_BYTES : 0;
    if (s.len < SEALED_FRAME_FINAL_HEAD)
        return SEALED_FRAME_FINAL_HEAD;
    number = wire_u32(&r);
    wire_bytes(&r, GCM_IV_SIZE);
    uint32_t length = wire_u32(&r);
    if (number != reader->next || length > SEALED_FRAME_SIZE)
        return 0;
    return SEALED_FRAME_FINAL_HEAD + length + GCM_TAG_SIZE;
}

/* Verifies one whole frame and releases its plaintext. */
static bool open_frame(struct sealed_reader *reader, struct slice bytes, struct buf *out, struct err *err)
{
    struct wire_reader r = wire_reader_of(bytes);
    bool final = wire_u32(&r) == SEALED_FRAME_FINAL_MARK;
    size_t head = final ? SEALED_FRAME_FINAL_HEAD : SEALED_FRAME_HEAD;
    struct sealed_frame frame = {reader->message_id, reader->next, final};
    uint8_t iv[GCM_IV_SIZE];
    sealed_frame_iv(&frame, iv);
    if (!slice_eq(slice_of(iv, sizeof(iv)), slice_sub(bytes, final ? 8 : 4, GCM_IV_SIZE)))
        return err_set(err, "frame %u of the sealed content has a foreign nonce", reader->next);
    struct slice sealed = slice_sub(bytes, head, bytes.len - head - GCM_TAG_SIZE);
    uint8_t *plain = buf_reserve(out, sealed.len);
    if (plain == NULL && sealed.len > 0)
        return err_set(err, "no room for the opened content");
    if (!sealed_frame_open(reader->gcm, &frame, sealed, bytes.data + bytes.len - GCM_TAG_SIZE, plain))
        return err_set(err, "frame %u of the sealed content was changed or moved", reader->next);
    buf_added(out, sealed.len);
    reader->next++;
    if (final)
        reader->state = READER_ENDED;
    return true;
}

/* Moves what is missing of the frame at hand from s to held; true when it is whole. */
static bool gather(struct sealed_reader *reader, struct slice *s)
{
    size_t need = frame_bytes(reader, buf_slice(&reader->held));
    while (need > reader->held.len && s->len > 0) {
        struct slice take = slice_sub(*s, 0, need - reader->held.len);
        buf_append_slice(&reader->held, take);
        *s = slice_sub(*s, take.len, s->len);
        if (need == reader->held.len)
            need = frame_bytes(reader, buf_slice(&reader->held));
    }
    return need <= reader->held.len;
}

/* One step: a whole frame from s itself, or from what was held and s. */
static bool step(struct sealed_reader *reader, struct slice *s, struct buf *out, struct err *err)
{
    if (reader->held.len == 0) {
        size_t need = frame_bytes(reader, *s);
        if (need >= SEALED_FRAME_FINAL_HEAD + GCM_TAG_SIZE && need <= s->len) {
            struct slice frame = slice_sub(*s, 0, need);
            *s = slice_sub(*s, need, s->len);
            return open_frame(reader, frame, out, err);
        }
    }
    if (!gather(reader, s))
        return true;
    if (frame_bytes(reader, buf_slice(&reader->held)) == 0)
        return err_set(err, "frame %u of the sealed content is missing or out of order", reader->next);
    bool ok = open_frame(reader, buf_slice(&reader->held), out, err);
    buf_reset(&reader->held);
    return ok;
}

bool sealed_reader_update(struct sealed_reader *reader, struct slice sealed, struct buf *out, struct err *err)
{
    if (reader->state == READER_DEAD)
        return err_set(err, "the sealed content was found damaged before");
    while (sealed.len > 0) {
        bool ok = reader->state == READER_OPEN ? step(reader, &sealed, out, err)
                                               : err_set(err, "bytes behind the end of the sealed content");
        if (!ok) {
            reader->state = READER_DEAD;
            return false;
        }
    }
    return true;
}

bool sealed_reader_finish(struct sealed_reader *reader, struct err *err)
{
    enum state state = reader->state;
    reader->state = READER_DEAD;
    buf_reset(&reader->held);
    if (state == READER_ENDED)
        return true;
    return err_set(err, state == READER_OPEN ? "the sealed content is cut" : "the sealed content was found damaged");
}
