/* SPDX-License-Identifier: Apache-2.0 */
/* One table says both directions: the fields of a C struct in the order in which a record or local message carries
 * them. Journal records and messages between roles are written and read by these tables alone, so that a reader
 * refuses what is short, long or over its limit, and a writer cannot forget a field. */
#ifndef BASE_LAYOUT_H
#define BASE_LAYOUT_H

#include "base/id.h"
#include "base/wire.h"

enum layout_kind {
    LAYOUT_U8,     /* uint8_t */
    LAYOUT_BOOL,   /* bool; one byte, only 0 or 1 is read */
    LAYOUT_U16,    /* uint16_t */
    LAYOUT_U32,    /* uint32_t */
    LAYOUT_U64,    /* uint64_t */
    LAYOUT_I64,    /* int64_t */
    LAYOUT_ID,     /* struct id */
    LAYOUT_TAG,    /* struct tag */
    LAYOUT_DIGEST, /* struct digest */
    LAYOUT_KEY,    /* struct key */
    LAYOUT_BLOB,   /* struct slice, 4-byte length in front; borrowed from the input when read; max is a limit in bytes */
};

struct layout_field {
    enum layout_kind kind;
    size_t offset;
    size_t max; /* LAYOUT_BLOB: bytes; otherwise 0 */
};

struct layout {
    const char *name;
    const struct layout_field *fields;
    size_t count;
    size_t size; /* sizeof the struct */
};

/* A field of a table: LAYOUT_F(U32, struct msg_x, count) or LAYOUT_B(struct msg_x, name, 64). */
#define LAYOUT_F(kind, type, member) {LAYOUT_##kind, offsetof(type, member), 0}
#define LAYOUT_B(type, member, limit) {LAYOUT_BLOB, offsetof(type, member), (limit)}
/* Defines a layout from a static table of fields, for the struct `type`, under the name `var`. */
#define LAYOUT_DEFINE(var, type, table) const struct layout var = {#type, (table), sizeof(table) / sizeof(*(table)), sizeof(type)}

/* Appends the fields of *object. A blob over its limit marks b as over (buf_ok() turns false). */
void layout_write(const struct layout *layout, struct buf *b, const void *object);

/* Reads *ret_object from the whole of s. False when s is short, long, or a field is out of range; then *ret_object is
 * zeroed. Blobs point into s. */
bool layout_read(const struct layout *layout, struct slice s, void *ret_object);

/* Reads one object from r, for lists of objects one behind another. False (and r->bad) as above, and false without
 * r->bad at the end of the input. */
bool layout_next(const struct layout *layout, struct wire_reader *r, void *ret_object);

#endif
