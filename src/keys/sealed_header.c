/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and reading the header's bytes. */
#include "keys/sealed_header.h"

#include "base/wire.h"

/* Keys of the encryption context in the order in which the format wants them: by their bytes. */
#define CONTEXT_ID SLICE_LIT("sealpost-id")
#define CONTEXT_SCHEMA SLICE_LIT("sealpost-schema")
#define CONTEXT_TENANT SLICE_LIT("sealpost-tenant")
#define CONTEXT_PAIRS 3
#define SCHEMA_TEXT SLICE_LIT("1")

/* Longest field of a wrapped key: an RSA-4096 block is 512 bytes, names are shorter. */
#define WRAPPED_FIELD_MAX 1024

static const uint8_t zero_iv[GCM_IV_SIZE];

void sealed_header_put_context(struct buf *b, struct slice tenant, const struct id *id)
{
    char text[ID_TEXT_SIZE];
    id_text(id, text);
    wire_put_u16(b, CONTEXT_PAIRS);
    wire_put_blob16(b, CONTEXT_ID);
    wire_put_blob16(b, slice_of(text, ID_TEXT_SIZE - 1));
    wire_put_blob16(b, CONTEXT_SCHEMA);
    wire_put_blob16(b, SCHEMA_TEXT);
    wire_put_blob16(b, CONTEXT_TENANT);
    wire_put_blob16(b, tenant);
}

void sealed_header_put_begin(struct buf *b, const uint8_t message_id[SEALED_MESSAGE_ID_SIZE], struct slice context,
                             size_t wrapped_count)
{
    wire_put_u8(b, SEALED_VERSION);
    wire_put_u16(b, SEALED_ALGORITHM);
    buf_append(b, message_id, SEALED_MESSAGE_ID_SIZE);
    wire_put_blob16(b, context);
    wire_put_u16(b, (uint16_t)wrapped_count);
}

void sealed_header_put_wrapped(struct buf *b, struct slice provider, struct slice info, struct slice wrapped)
{
    wire_put_blob16(b, provider);
    wire_put_blob16(b, info);
    wire_put_blob16(b, wrapped);
}

void sealed_header_put_end(struct buf *b, const uint8_t commitment[SEALED_COMMITMENT_SIZE])
{
    wire_put_u8(b, SEALED_CONTENT_FRAMED);
    wire_put_u32(b, SEALED_FRAME_SIZE);
    buf_append(b, commitment, SEALED_COMMITMENT_SIZE);
}

void sealed_header_tag(struct gcm *gcm, struct slice body, uint8_t ret_tag[GCM_TAG_SIZE])
{
    uint8_t none;
    gcm_seal(gcm, zero_iv, body, SLICE_EMPTY, &none, ret_tag);
}

bool sealed_header_check(struct gcm *gcm, const struct sealed_header *header)
{
    uint8_t none;
    return gcm_open(gcm, zero_iv, header->body, SLICE_EMPTY, header->tag.data, &none);
}

/* The pairs in exactly our order with exactly our keys. */
static bool parse_context(struct slice context, struct sealed_header *header)
{
    struct wire_reader r = wire_reader_of(context);
    bool ok = wire_u16(&r) == CONTEXT_PAIRS;
    ok = slice_eq(wire_blob16(&r, 64), CONTEXT_ID) && ok;
    struct slice id = wire_blob16(&r, ID_TEXT_SIZE - 1);
    ok = slice_eq(wire_blob16(&r, 64), CONTEXT_SCHEMA) && ok;
    ok = slice_eq(wire_blob16(&r, 8), SCHEMA_TEXT) && ok;
    ok = slice_eq(wire_blob16(&r, 64), CONTEXT_TENANT) && ok;
    header->tenant = wire_blob16(&r, SEALED_TENANT_MAX);
    header->schema = SEALED_SCHEMA;
    header->context = context;
    return ok && wire_done(&r) && header->tenant.len > 0 && id_parse(id, &header->id);
}

static bool parse_wrapped(struct wire_reader *r, struct sealed_header *header)
{
    size_t count = wire_u16(r);
    if (r->bad || count == 0 || count > SEALED_WRAPPED_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        header->wrapped[i].provider = wire_blob16(r, WRAPPED_FIELD_MAX);
        header->wrapped[i].info = wire_blob16(r, WRAPPED_FIELD_MAX);
        header->wrapped[i].wrapped = wire_blob16(r, WRAPPED_FIELD_MAX);
    }
    header->wrapped_count = count;
    return !r->bad;
}

bool sealed_header_parse(struct slice s, struct sealed_header *ret_header, struct err *err)
{
    struct sealed_header *header = ret_header;
    memset(header, 0, sizeof(*header));
    if (s.len > SEALED_HEADER_MAX)
        return err_set(err, "sealed header of %zu bytes is too long", s.len);
    struct wire_reader r = wire_reader_of(s);
    uint8_t version = wire_u8(&r);
    uint16_t algorithm = wire_u16(&r);
    if (version != SEALED_VERSION || algorithm != SEALED_ALGORITHM)
        return err_set(err, "sealed header is of version %u, suite %04x: not ours", version, algorithm);
    header->message_id = wire_bytes(&r, SEALED_MESSAGE_ID_SIZE);
    if (!parse_context(wire_blob16(&r, SEALED_HEADER_MAX), header))
        return err_set(err, "sealed header has a foreign or damaged context");
    if (!parse_wrapped(&r, header))
        return err_set(err, "sealed header has damaged wrapped keys");
    uint8_t content = wire_u8(&r);
    uint32_t frame = wire_u32(&r);
    header->commitment = wire_bytes(&r, SEALED_COMMITMENT_SIZE);
    header->tag = wire_bytes(&r, GCM_TAG_SIZE);
    if (!wire_done(&r) || content != SEALED_CONTENT_FRAMED || frame != SEALED_FRAME_SIZE)
        return err_set(err, "sealed header is damaged or cut");
    header->body = slice_sub(s, 0, s.len - GCM_TAG_SIZE);
    return true;
}
