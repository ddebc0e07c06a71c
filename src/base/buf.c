/* SPDX-License-Identifier: Apache-2.0 */
/* The growable buffer. Memory grows by doubling up to max and one byte more, which only ever holds a NUL. */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#define BUF_FIRST_CAP 64

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max < SIZE_MAX ? max : SIZE_MAX - 1};
}

void buf_init_secret(struct buf *b, size_t max)
{
    buf_init(b, max);
    b->secret = true;
}

static void buf_release(struct buf *b)
{
    if (b->secret)
        mem_free_secret(b->data, b->cap);
    else
        mem_free(b->data);
}

void buf_free(struct buf *b)
{
    if (b == NULL)
        return;
    buf_release(b);
    *b = (struct buf){.max = b->max, .secret = b->secret};
}

void buf_reset(struct buf *b)
{
    if (b->secret)
        mem_wipe(b->data, b->len);
    b->len = 0;
    b->over = false;
}

/* Capacity for `need` bytes, need <= max + 1. realloc() might leave a copy behind, so secrets move by hand. */
static void buf_grow(struct buf *b, size_t need)
{
    size_t cap = b->cap < BUF_FIRST_CAP ? BUF_FIRST_CAP : b->cap;
    while (cap < need)
        cap = cap > (b->max + 1) / 2 ? b->max + 1 : cap * 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    if (!b->secret) {
        b->data = mem_resize_array(b->data, cap, 1);
    } else {
        uint8_t *moved = mem_new(cap);
        if (b->len > 0)
            memcpy(moved, b->data, b->len);
        buf_release(b);
        b->data = moved;
    }
    b->cap = cap;
}

uint8_t *buf_reserve(struct buf *b, size_t len)
{
    if (b->over || len > b->max - b->len) {
        b->over = true;
        return NULL;
    }
    if (b->data == NULL || len > b->cap - b->len)
        buf_grow(b, b->len + len);
    return b->data + b->len;
}

void buf_added(struct buf *b, size_t n)
{
    b->len += n;
}

bool buf_append(struct buf *b, const void *data, size_t len)
{
    uint8_t *at = buf_reserve(b, len);
    if (at == NULL)
        return false;
    if (len > 0)
        memcpy(at, data, len);
    b->len += len;
    return true;
}

bool buf_append_slice(struct buf *b, struct slice s)
{
    return buf_append(b, s.data, s.len);
}

bool buf_append_str(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

bool buf_append_byte(struct buf *b, uint8_t byte)
{
    uint8_t *at = buf_reserve(b, 1);
    if (at == NULL)
        return false;
    *at = byte;
    b->len++;
    return true;
}

bool buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || buf_reserve(b, (size_t)len) == NULL) {
        b->over = true;
        return false;
    }
    if (b->cap - b->len <= (size_t)len)
        buf_grow(b, b->len + (size_t)len + 1);
    va_start(args, format);
    vsnprintf((char *)b->data + b->len, (size_t)len + 1, format, args);
    va_end(args);
    b->len += (size_t)len;
    return true;
}

void buf_consume(struct buf *b, size_t n)
{
    size_t left = b->len - n;
    if (left > 0 && n > 0)
        memmove(b->data, b->data + n, left);
    if (b->secret)
        mem_wipe(b->data + left, n);
    b->len = left;
}

const char *buf_cstr(struct buf *b)
{
    if (b->over || (b->len > 0 && memchr(b->data, 0, b->len) != NULL))
        return NULL;
    if (b->cap == b->len)
        buf_grow(b, b->len + 1);
    b->data[b->len] = 0;
    return (const char *)b->data;
}
