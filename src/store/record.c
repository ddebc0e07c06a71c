/* SPDX-License-Identifier: Apache-2.0 */
/* Framing of journal records. */
#include "store/record.h"

#include "base/wire.h"
#include "store/crc32c.h"

#define RECORD_MAGIC 0x53505231u /* "SPR1" */
#define RECORD_CONTENT_CRC 44u
#define RECORD_HEAD_CRC 48u

struct record_kind {
    enum record_type type;
    uint16_t version; /* the newest this program writes and reads; 1 up to this are read */
    const char *name;
};

static const struct record_kind record_kinds[] = {
    {RECORD_MESSAGE, 1, "message"},       {RECORD_TRANSITION, 1, "transition"}, {RECORD_CENTER, 1, "center"},
    {RECORD_CREDENTIAL, 1, "credential"}, {RECORD_LOCK, 1, "lock"},             {RECORD_ADMIN, 1, "admin"},
    {RECORD_WAVE_END, 1, "wave-end"},     {RECORD_SEGMENT_END, 1, "segment-end"}, {RECORD_DOMAIN, 2, "domain"},
    {RECORD_TALLY, 1, "tally"},           {RECORD_RECEIVED, 1, "received"},
};

static const struct record_kind *record_kind_find(enum record_type type)
{
    for (size_t i = 0; i < sizeof record_kinds / sizeof *record_kinds; i++) {
        if (record_kinds[i].type == type) {
            return &record_kinds[i];
        }
    }
    return NULL;
}

const char *record_type_name(enum record_type type)
{
    const struct record_kind *kind = record_kind_find(type);
    return kind == NULL ? "unknown" : kind->name;
}

uint16_t record_version(enum record_type type)
{
    const struct record_kind *kind = record_kind_find(type);
    return kind == NULL ? 0 : kind->version;
}

bool record_known(const struct record *record, struct err *err)
{
    const struct record_kind *kind = record_kind_find(record->type);
    if (kind != NULL && record->version >= 1 && record->version <= kind->version) {
        return true;
    }
    return err_set(err,
                   "journal segment %08x, offset %u: record of type %u (%s) version %u is not known to this program; "
                   "a newer Sealpost wrote it. Start that version again, or let it drain the queue and close the "
                   "journal before going back",
                   (unsigned)record_segment(record->position), (unsigned)record_offset(record->position),
                   (unsigned)record->type, record_type_name(record->type), (unsigned)record->version);
}

static size_t record_padded(size_t len)
{
    return (len + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

size_t record_size(const struct record *record)
{
    return record_padded(RECORD_HEADER + record->head.len + record->content.len);
}

static void record_put_u32(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 24);
    at[1] = (uint8_t)(v >> 16);
    at[2] = (uint8_t)(v >> 8);
    at[3] = (uint8_t)v;
}

bool record_write(struct buf *out, const struct record *record)
{
    static const uint8_t zeros[RECORD_ALIGN];
    if (record->head.len > RECORD_HEAD_MAX || record->content.len > RECORD_CONTENT_MAX) {
        return false;
    }
    size_t size = record_size(record);
    size_t begin = out->len;
    if (buf_reserve(out, size) == NULL) {
        return false;
    }
    wire_put_u32(out, RECORD_MAGIC);
    wire_put_u32(out, (uint32_t)size);
    wire_put_u64(out, record->position);
    wire_put_u16(out, (uint16_t)record->type);
    wire_put_u16(out, record->version);
    wire_put_u32(out, (uint32_t)record->head.len);
    wire_put_u32(out, (uint32_t)record->content.len);
    buf_append(out, record->id.b, ID_SIZE);
    wire_put_u64(out, 0); /* both checksums, below */
    buf_append_slice(out, record->head);
    buf_append_slice(out, record->content);
    buf_append(out, zeros, begin + size - out->len);
    if (!buf_ok(out)) {
        return false;
    }
    uint8_t *at = out->data + begin;
    record_put_u32(at + RECORD_CONTENT_CRC, crc32c(0, record->content));
    uint32_t crc = crc32c(0, slice_of(at, RECORD_HEAD_CRC));
    record_put_u32(at + RECORD_HEAD_CRC, crc32c(crc, record->head));
    return true;
}

/* True for zeros after the content: together with the two checksums every byte of a record is covered. */
static bool record_padding_is_zero(struct slice padding)
{
    for (size_t i = 0; i < padding.len; i++) {
        if (padding.data[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Both checksums of a record at its place, against those in its header. */
static enum record_result record_verify(struct slice bytes, uint32_t content_crc, uint32_t head_crc,
                                        struct record *record)
{
    uint32_t crc = crc32c(0, slice_of(bytes.data, RECORD_HEAD_CRC));
    if (crc32c(crc, record->head) != head_crc) {
        return RECORD_DAMAGED;
    }
    size_t used = RECORD_HEADER + record->head.len + record->content.len;
    if (crc32c(0, record->content) != content_crc ||
        !record_padding_is_zero(slice_of(bytes.data + used, record->size - used))) {
        record->content = SLICE_EMPTY;
        return RECORD_CONTENT_DAMAGED;
    }
    return RECORD_OK;
}

enum record_result record_read(struct slice bytes, uint64_t position, bool verify, struct record *ret_record)
{
    struct wire_reader r = wire_reader_of(bytes);
    uint32_t magic = wire_u32(&r);
    ret_record->size = wire_u32(&r);
    ret_record->position = wire_u64(&r);
    ret_record->type = (enum record_type)wire_u16(&r);
    ret_record->version = wire_u16(&r);
    uint32_t head = wire_u32(&r);
    uint32_t content = wire_u32(&r);
    wire_copy(&r, ret_record->id.b, ID_SIZE);
    uint32_t content_crc = wire_u32(&r);
    uint32_t head_crc = wire_u32(&r);
    if (r.bad || magic != RECORD_MAGIC || ret_record->position != position) {
        return RECORD_NONE;
    }
    if (head > RECORD_HEAD_MAX || content > RECORD_CONTENT_MAX || ret_record->size > bytes.len ||
        ret_record->size != record_padded((size_t)RECORD_HEADER + head + content)) {
        return RECORD_DAMAGED;
    }
    ret_record->head = slice_of(bytes.data + RECORD_HEADER, head);
    ret_record->content = slice_of(bytes.data + RECORD_HEADER + head, content);
    return verify ? record_verify(bytes, content_crc, head_crc, ret_record) : RECORD_OK;
}
