/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and reading structs by their tables. A write measures first and reserves once: it is on the path of every
 * message. */
#include "base/layout.h"

#include <assert.h>
#include <endian.h>

/* Bytes of a field on the wire; for a blob, of its length alone. */
static const uint8_t layout_width[] = {
    [LAYOUT_U8] = 1,          [LAYOUT_BOOL] = 1,           [LAYOUT_U16] = 2,        [LAYOUT_U32] = 4,
    [LAYOUT_U64] = 8,         [LAYOUT_I64] = 8,            [LAYOUT_ID] = ID_SIZE,   [LAYOUT_TAG] = TAG_SIZE,
    [LAYOUT_DIGEST] = DIGEST_SIZE, [LAYOUT_KEY] = KEY_SIZE, [LAYOUT_BLOB] = 4,
};

static struct slice layout_blob(const struct layout_field *f, const void *object)
{
    struct slice s;
    memcpy(&s, (const uint8_t *)object + f->offset, sizeof(s));
    return s;
}

/* Sets *ret_size to the bytes *object takes; false when a blob is over its limit. */
static bool layout_measure(const struct layout *layout, const void *object, size_t *ret_size)
{
    size_t size = 0;
    for (size_t i = 0; i < layout->count; i++) {
        const struct layout_field *f = &layout->fields[i];
        size += layout_width[f->kind];
        if (f->kind != LAYOUT_BLOB)
            continue;
        size_t len = layout_blob(f, object).len;
        if (len > f->max || len > UINT32_MAX || len > SIZE_MAX / 2 - size)
            return false;
        size += len;
    }
    *ret_size = size;
    return true;
}

static uint8_t *layout_put_blob(uint8_t *at, struct slice s)
{
    uint32_t len = htobe32((uint32_t)s.len);
    memcpy(at, &len, sizeof(len));
    if (s.len > 0)
        memcpy(at + sizeof(len), s.data, s.len);
    return at + sizeof(len) + s.len;
}

/* Writes one field at `at`, which has room for it; returns the place behind it. */
static uint8_t *layout_put(const struct layout_field *f, uint8_t *at, const void *object)
{
    const uint8_t *from = (const uint8_t *)object + f->offset;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;
    switch (f->kind) {
    case LAYOUT_U16:
        memcpy(&v16, from, sizeof(v16));
        v16 = htobe16(v16);
        memcpy(at, &v16, sizeof(v16));
        break;
    case LAYOUT_U32:
        memcpy(&v32, from, sizeof(v32));
        v32 = htobe32(v32);
        memcpy(at, &v32, sizeof(v32));
        break;
    case LAYOUT_U64:
    case LAYOUT_I64:
        memcpy(&v64, from, sizeof(v64));
        v64 = htobe64(v64);
        memcpy(at, &v64, sizeof(v64));
        break;
    case LAYOUT_BLOB:
        return layout_put_blob(at, layout_blob(f, object));
    case LAYOUT_U8:
    case LAYOUT_BOOL:
    case LAYOUT_ID:
    case LAYOUT_TAG:
    case LAYOUT_DIGEST:
    case LAYOUT_KEY:
        memcpy(at, from, layout_width[f->kind]);
        break;
    }
    return at + layout_width[f->kind];
}

void layout_write(const struct layout *layout, struct buf *b, const void *object)
{
    size_t size = 0;
    if (!layout_measure(layout, object, &size)) {
        b->over = true;
        return;
    }
    uint8_t *at = buf_reserve(b, size);
    if (at == NULL)
        return;
    const uint8_t *start = at;
    for (size_t i = 0; i < layout->count; i++)
        at = layout_put(&layout->fields[i], at, object);
    assert((size_t)(at - start) == size);
    buf_added(b, size);
}

/* Reads one field to its place in the object. */
static void layout_get(const struct layout_field *f, struct wire_reader *r, void *object)
{
    uint8_t *to = (uint8_t *)object + f->offset;
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;
    struct slice s;
    switch (f->kind) {
    case LAYOUT_BOOL:
        wire_copy(r, to, 1);
        if (*to > 1)
            r->bad = true;
        break;
    case LAYOUT_U16:
        v16 = wire_u16(r);
        memcpy(to, &v16, sizeof(v16));
        break;
    case LAYOUT_U32:
        v32 = wire_u32(r);
        memcpy(to, &v32, sizeof(v32));
        break;
    case LAYOUT_U64:
    case LAYOUT_I64:
        v64 = wire_u64(r);
        memcpy(to, &v64, sizeof(v64));
        break;
    case LAYOUT_BLOB:
        s = wire_blob32(r, f->max);
        memcpy(to, &s, sizeof(s));
        break;
    case LAYOUT_U8:
    case LAYOUT_ID:
    case LAYOUT_TAG:
    case LAYOUT_DIGEST:
    case LAYOUT_KEY:
        wire_copy(r, to, layout_width[f->kind]);
        break;
    }
}

/* Reads all fields from r; a bad reader leaves zeroes. */
static bool layout_take(const struct layout *layout, struct wire_reader *r, void *ret_object)
{
    memset(ret_object, 0, layout->size);
    for (size_t i = 0; i < layout->count && !r->bad; i++)
        layout_get(&layout->fields[i], r, ret_object);
    if (r->bad)
        memset(ret_object, 0, layout->size);
    return !r->bad;
}

bool layout_read(const struct layout *layout, struct slice s, void *ret_object)
{
    struct wire_reader r = wire_reader_of(s);
    if (layout_take(layout, &r, ret_object) && wire_done(&r))
        return true;
    memset(ret_object, 0, layout->size);
    return false;
}

bool layout_next(const struct layout *layout, struct wire_reader *r, void *ret_object)
{
    if (!r->bad && r->at == r->end) {
        memset(ret_object, 0, layout->size);
        return false;
    }
    return layout_take(layout, r, ret_object);
}
