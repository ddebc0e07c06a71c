/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed run of bytes. A slice never owns its memory; whoever made the memory says how long it lives. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* data may be NULL only when len is 0. */
struct slice {
    const uint8_t *data;
    size_t len;
};

#define SLICE_EMPTY ((struct slice){NULL, 0})
/* A slice over a string literal, without its NUL. */
#define SLICE_LIT(s) ((struct slice){(const uint8_t *)("" s), sizeof(s) - 1})

/* A slice over len bytes at data. Lives as long as data. */
static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){data, len};
}

/* A slice over a NUL-terminated string (NULL gives the empty slice), without the NUL. */
static inline struct slice slice_str(const char *s)
{
    return s == NULL ? SLICE_EMPTY : slice_of(s, strlen(s));
}

/* The part of s from byte `from`, at most `len` bytes; clipped to s, never outside it. */
struct slice slice_sub(struct slice s, size_t from, size_t len);

/* True when both hold the same bytes. Not constant time: for secrets use mem_equal_secret(). */
bool slice_eq(struct slice a, struct slice b);

/* As slice_eq(), ASCII letters compared without case. */
bool slice_ieq(struct slice a, struct slice b);

/* True when s begins with prefix. */
bool slice_starts(struct slice s, struct slice prefix);

/* As slice_starts(), ASCII letters compared without case. */
bool slice_istarts(struct slice s, struct slice prefix);

/* Offset of the first `byte` in s at or after `from`, or s.len when there is none. */
size_t slice_find(struct slice s, size_t from, uint8_t byte);

/* s without leading and trailing spaces and tabs. */
struct slice slice_trim(struct slice s);

/* Reads the whole of s as an unsigned decimal of at most `max`. False (and *ret_value untouched) on an
 * empty slice, any non-digit, or overflow. */
bool slice_u64(struct slice s, uint64_t max, uint64_t *ret_value);

#endif
