/* SPDX-License-Identifier: Apache-2.0 */
/* The sticky-error reader of binary records and its writers. */
#include "base/wire.h"

#include <endian.h>

/* Any non-NULL address will do for an empty reader: pointer arithmetic on NULL is undefined. */
static const uint8_t wire_nothing[1];

struct wire_reader wire_reader_of(struct slice s)
{
    if (s.len == 0)
        return (struct wire_reader){wire_nothing, wire_nothing, false};
    return (struct wire_reader){s.data, s.data + s.len, false};
}

/* The next n bytes, or NULL and bad. */
static const uint8_t *wire_take(struct wire_reader *r, size_t n)
{
    if (r->bad || n > (size_t)(r->end - r->at)) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += n;
    return at;
}

uint8_t wire_u8(struct wire_reader *r)
{
    const uint8_t *at = wire_take(r, 1);
    return at == NULL ? 0 : *at;
}

uint16_t wire_u16(struct wire_reader *r)
{
    uint16_t v = 0;
    const uint8_t *at = wire_take(r, sizeof(v));
    if (at != NULL)
        memcpy(&v, at, sizeof(v));
    return be16toh(v);
}

uint32_t wire_u32(struct wire_reader *r)
{
    uint32_t v = 0;
    const uint8_t *at = wire_take(r, sizeof(v));
    if (at != NULL)
        memcpy(&v, at, sizeof(v));
    return be32toh(v);
}

uint64_t wire_u64(struct wire_reader *r)
{
    uint64_t v = 0;
    const uint8_t *at = wire_take(r, sizeof(v));
    if (at != NULL)
        memcpy(&v, at, sizeof(v));
    return be64toh(v);
}

struct slice wire_bytes(struct wire_reader *r, size_t n)
{
    const uint8_t *at = wire_take(r, n);
    return at == NULL ? SLICE_EMPTY : slice_of(at, n);
}

void wire_copy(struct wire_reader *r, void *out, size_t n)
{
    const uint8_t *at = wire_take(r, n);
    if (at != NULL)
        memcpy(out, at, n);
    else
        memset(out, 0, n);
}

/* n bytes, refused when the length read for them is over max. */
static struct slice wire_bounded(struct wire_reader *r, size_t n, size_t max)
{
    if (n > max)
        r->bad = true;
    return wire_bytes(r, n);
}

struct slice wire_blob16(struct wire_reader *r, size_t max)
{
    return wire_bounded(r, wire_u16(r), max);
}

struct slice wire_blob32(struct wire_reader *r, size_t max)
{
    return wire_bounded(r, wire_u32(r), max);
}

void wire_put_u8(struct buf *b, uint8_t v)
{
    buf_append_byte(b, v);
}

void wire_put_u16(struct buf *b, uint16_t v)
{
    v = htobe16(v);
    buf_append(b, &v, sizeof(v));
}

void wire_put_u32(struct buf *b, uint32_t v)
{
    v = htobe32(v);
    buf_append(b, &v, sizeof(v));
}

void wire_put_u64(struct buf *b, uint64_t v)
{
    v = htobe64(v);
    buf_append(b, &v, sizeof(v));
}

void wire_put_blob16(struct buf *b, struct slice s)
{
    if (s.len > UINT16_MAX) {
        b->over = true;
        return;
    }
    wire_put_u16(b, (uint16_t)s.len);
    buf_append_slice(b, s);
}

void wire_put_blob32(struct buf *b, struct slice s)
{
    if (s.len > UINT32_MAX) {
        b->over = true;
        return;
    }
    wire_put_u32(b, (uint32_t)s.len);
    buf_append_slice(b, s);
}

void wire_patch_u32(struct buf *b, size_t at, uint32_t v)
{
    v = htobe32(v);
    memcpy(b->data + at, &v, sizeof(v));
}
