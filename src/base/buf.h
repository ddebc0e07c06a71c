/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte buffer with a mandatory maximum (P7). Failure is sticky: append freely, ask buf_ok() once. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

/* The caller may read data[0..len); everything else is private to buf.c. */
struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max;  /* bytes; never exceeded */
    bool over;   /* an append was refused because of max; stays set until buf_reset() */
    bool secret; /* wiped before memory is given back or moved */
};

/* Makes an empty buffer that may grow to max bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* As buf_init(), for keys and message content: every byte is wiped before its memory is released. */
void buf_init_secret(struct buf *b, size_t max);

/* Releases the memory; b is empty again and may be reused with the same maximum. NULL is accepted. */
void buf_free(struct buf *b);

/* Forgets the content and the over mark, keeps the memory (wiped when secret). */
void buf_reset(struct buf *b);

/* False once an append was refused. */
static inline bool buf_ok(const struct buf *b)
{
    return !b->over;
}

/* The content as a slice; valid until the next call that changes b. */
static inline struct slice buf_slice(const struct buf *b)
{
    return slice_of(b->data, b->len);
}

/* Appends len bytes whole, or nothing (sets over, returns false) when max would be passed. */
bool buf_append(struct buf *b, const void *data, size_t len);

/* Appends a slice; as buf_append(). */
bool buf_append_slice(struct buf *b, struct slice s);

/* Appends a NUL-terminated string without its NUL; as buf_append(). */
bool buf_append_str(struct buf *b, const char *s);

/* Appends one byte; as buf_append(). */
bool buf_append_byte(struct buf *b, uint8_t byte);

/* Appends formatted text without its NUL; as buf_append(). */
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for len more bytes at the end, or NULL (over set). After writing n <= len bytes there call buf_added(b, n). */
uint8_t *buf_reserve(struct buf *b, size_t len);

/* Counts n bytes written into what buf_reserve() returned. */
void buf_added(struct buf *b, size_t n);

/* Removes the first n bytes (n <= len); cost is a move of the rest. */
void buf_consume(struct buf *b, size_t n);

/* The content as a NUL-terminated string owned by b and valid until b changes; NULL when it cannot grow by the
 * NUL or holds a NUL itself. */
const char *buf_cstr(struct buf *b);

#endif
