/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a letter's file as a stream. */
#include "roles/web_source.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "keys/sealed_reader.h"
#include "keys/sealed_writer.h"

#define PIECE 65536u /* sealed bytes read at once */

struct web_source {
    int fd;
    uint64_t sealed_length;
    uint64_t sealed_at;
    uint64_t plain_length;
    struct sealed_reader *reader;
    struct buf sealed;
    struct buf plain;
    size_t used; /* of plain */
    bool ended;  /* the final frame was verified */
};

/* The one length of plaintext that gives frames of this length; false when there is none. */
static bool plain_length_of(uint64_t sealed, uint64_t *ret_plain)
{
    const uint64_t final = sealed_writer_length(0);
    const uint64_t frame = sealed_writer_length(2 * SEALED_FRAME_SIZE) - sealed_writer_length(SEALED_FRAME_SIZE);
    if (sealed < final)
        return false;
    uint64_t regular = sealed == final ? 0 : (sealed - final - 1) / frame;
    *ret_plain = sealed - final - regular * (frame - SEALED_FRAME_SIZE);
    return sealed_writer_length(*ret_plain) == sealed;
}

struct web_source *web_source_create(int fd, uint64_t sealed_length, struct slice header, const struct key *content_key,
                                     struct err *err)
{
    struct web_source *s = mem_new(sizeof(*s));
    s->fd = fd;
    s->sealed_length = sealed_length;
    s->reader = sealed_reader_create();
    buf_init(&s->sealed, PIECE);
    buf_init_secret(&s->plain, PIECE + 2 * SEALED_FRAME_SIZE);
    bool good = plain_length_of(sealed_length, &s->plain_length) || err_set(err, "a letter's file has an impossible length");
    if (!good || !sealed_reader_start(s->reader, header, content_key, err))
        web_source_free(&s);
    return s;
}

void web_source_free(struct web_source **source)
{
    struct web_source *s = source == NULL ? NULL : *source;
    if (s == NULL)
        return;
    close(s->fd);
    sealed_reader_free(&s->reader);
    buf_free(&s->sealed);
    buf_free(&s->plain);
    mem_free(s);
    *source = NULL;
}

uint64_t web_source_length(const struct web_source *source)
{
    return source->plain_length;
}

/* Reads one more piece of the file and opens what it completes. */
static bool read_piece(struct web_source *s, struct err *err)
{
    uint64_t left = s->sealed_length - s->sealed_at;
    buf_reset(&s->sealed);
    uint8_t *room = buf_reserve(&s->sealed, PIECE);
    ssize_t n = pread(s->fd, room, left < PIECE ? (size_t)left : PIECE, (off_t)s->sealed_at);
    if (n < 0)
        return err_errno(err, errno, "a letter's file cannot be read");
    if (n == 0)
        return err_set(err, "a letter's file is shorter than its record says");
    buf_added(&s->sealed, (size_t)n);
    s->sealed_at += (uint64_t)n;
    return sealed_reader_update(s->reader, buf_slice(&s->sealed), &s->plain, err);
}

bool web_source_peek(struct web_source *source, struct slice *ret_bytes, struct err *err)
{
    struct web_source *s = source;
    *ret_bytes = SLICE_EMPTY;
    if (s->used == s->plain.len) {
        buf_reset(&s->plain);
        s->used = 0;
    }
    while (s->plain.len == 0 && s->sealed_at < s->sealed_length)
        if (!read_piece(s, err))
            return false;
    if (s->sealed_at == s->sealed_length && !s->ended) {
        if (!sealed_reader_finish(s->reader, err))
            return false;
        s->ended = true;
    }
    *ret_bytes = slice_sub(buf_slice(&s->plain), s->used, s->plain.len);
    return true;
}

void web_source_used(struct web_source *source, size_t n)
{
    source->used += n;
}
