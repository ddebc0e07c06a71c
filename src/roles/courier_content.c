/* SPDX-License-Identifier: Apache-2.0 */
/* Reading content. */
#include "roles/courier_content.h"

#include <errno.h>
#include <unistd.h>

/* Plaintext of one step: what a step of sealed bytes can complete, and one frame more. */
#define PLAIN_MAX ((size_t)MSG_INLINE_MAX + COURIER_CONTENT_STEP + SEALED_FRAME_SIZE)

void courier_content_init(struct courier_content *content, struct slice header, const struct key *key,
                          struct slice sealed, int fd, uint64_t length)
{
    memset(content, 0, sizeof(*content));
    content->header = header;
    content->key = key;
    content->sealed = sealed;
    content->fd = fd;
    content->length = length;
    buf_init_secret(&content->plain, PLAIN_MAX);
}

bool courier_content_start(struct courier_content *content, struct err *err)
{
    if (content->reader == NULL)
        content->reader = sealed_reader_create();
    content->at = 0;
    content->ended = false;
    buf_reset(&content->plain);
    return sealed_reader_start(content->reader, content->header, content->key, err);
}

/* Inline content in one step. */
static enum smtp_read_status read_inline(struct courier_content *content)
{
    content->ended = true;
    bool good = sealed_reader_update(content->reader, content->sealed, &content->plain, NULL) &&
                sealed_reader_finish(content->reader, NULL);
    return good ? SMTP_READ_LAST : SMTP_READ_FAIL;
}

/* One step of a file; an unreadable, short or longer file fails by its tags or its length. */
static enum smtp_read_status read_file(struct courier_content *content)
{
    uint8_t step[COURIER_CONTENT_STEP];
    uint64_t left = content->length - content->at;
    size_t want = left < sizeof(step) ? (size_t)left : sizeof(step);
    ssize_t n = pread(content->fd, step, want, (off_t)content->at);
    if (n <= 0 || !sealed_reader_update(content->reader, slice_of(step, (size_t)n), &content->plain, NULL))
        return SMTP_READ_FAIL;
    content->at += (uint64_t)n;
    if (content->at < content->length)
        return SMTP_READ_PIECE;
    content->ended = true;
    return sealed_reader_finish(content->reader, NULL) ? SMTP_READ_LAST : SMTP_READ_FAIL;
}

enum smtp_read_status courier_content_read(void *context, struct slice *ret_piece)
{
    struct courier_content *content = context;
    buf_reset(&content->plain);
    if (content->ended)
        return SMTP_READ_FAIL;
    enum smtp_read_status status = content->fd < 0 ? read_inline(content) : read_file(content);
    *ret_piece = buf_slice(&content->plain);
    if (status == SMTP_READ_FAIL)
        content->ended = true;
    return status;
}

void courier_content_free(struct courier_content *content)
{
    sealed_reader_free(&content->reader);
    buf_free(&content->plain);
}
