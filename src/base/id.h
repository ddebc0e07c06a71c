/* SPDX-License-Identifier: Apache-2.0 */
/* Names of stored things. An id is a UUIDv7 (RFC 9562): time of allotment and random bits, never a secret. A tag is
 * a keyed hash by which the store finds a thing it cannot read. A digest is a SHA-256. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/slice.h"

#define ID_SIZE 16
#define ID_TEXT_SIZE 37 /* 36 characters and NUL */
#define TAG_SIZE 16
#define DIGEST_SIZE 32
#define KEY_SIZE 32

struct id {
    uint8_t b[ID_SIZE];
};
struct tag {
    uint8_t b[TAG_SIZE];
};
struct digest {
    uint8_t b[DIGEST_SIZE];
};
/* 256 secret bits; the holder wipes it with mem_wipe(). */
struct key {
    uint8_t b[KEY_SIZE];
};

/* A new UUIDv7 for the time utc_us. */
struct id id_make(int64_t utc_us);

/* True when every byte is zero ("no id"). */
bool id_is_zero(const struct id *id);

/* True when both are the same. */
bool id_eq(const struct id *a, const struct id *b);

/* Lower-case RFC 9562 text, NUL-terminated. */
void id_text(const struct id *id, char out[ID_TEXT_SIZE]);

/* Reads the 36-character text, either case, nothing around it. The only door from text to an id, so that an id is
 * safe to make a file name of. */
bool id_parse(struct slice text, struct id *ret_id);

#endif
