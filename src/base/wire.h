/* SPDX-License-Identifier: Apache-2.0 */
/* Binary records: a reader with a sticky error (read on, check once) and writers onto a buf. All integers are
 * big-endian. A reader never reads outside its slice; after an error every read gives zero or the empty slice. */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include "base/buf.h"

struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

/* A reader over s, which must outlive every slice taken from it. */
struct wire_reader wire_reader_of(struct slice s);

/* Next integer, 1 to 8 bytes wide; 0 and bad when too short. */
uint8_t wire_u8(struct wire_reader *r);
/* As wire_u8(), 2 bytes. */
uint16_t wire_u16(struct wire_reader *r);
/* As wire_u8(), 4 bytes. */
uint32_t wire_u32(struct wire_reader *r);
/* As wire_u8(), 8 bytes. */
uint64_t wire_u64(struct wire_reader *r);

/* Next n bytes, borrowed from the reader's slice. */
struct slice wire_bytes(struct wire_reader *r, size_t n);

/* Copies the next n bytes to out (zeroed on error). */
void wire_copy(struct wire_reader *r, void *out, size_t n);

/* A run with a 2-byte length in front, at most max bytes (longer sets bad). */
struct slice wire_blob16(struct wire_reader *r, size_t max);

/* A run with a 4-byte length in front, at most max bytes (longer sets bad). */
struct slice wire_blob32(struct wire_reader *r, size_t max);

/* Bytes not yet read. */
static inline size_t wire_left(const struct wire_reader *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->at);
}

/* True when nothing went wrong and nothing is left. Every record parser ends with this. */
static inline bool wire_done(const struct wire_reader *r)
{
    return !r->bad && r->at == r->end;
}

/* Appends an integer; the buf's own sticky mark tells when it was full. */
void wire_put_u8(struct buf *b, uint8_t v);
/* As wire_put_u8(), 2 bytes. */
void wire_put_u16(struct buf *b, uint16_t v);
/* As wire_put_u8(), 4 bytes. */
void wire_put_u32(struct buf *b, uint32_t v);
/* As wire_put_u8(), 8 bytes. */
void wire_put_u64(struct buf *b, uint64_t v);

/* Appends s with a 2-byte length; a longer s sets b->over. */
void wire_put_blob16(struct buf *b, struct slice s);

/* Appends s with a 4-byte length; a longer s sets b->over. */
void wire_put_blob32(struct buf *b, struct slice s);

/* Overwrites 4 bytes at offset `at` of b, which must exist (for lengths known later). */
void wire_patch_u32(struct buf *b, size_t at, uint32_t v);

#endif
