/* SPDX-License-Identifier: Apache-2.0 */
/* Stuffing works on dots at line starts, so that a message without them leaves as whole pieces. */
#include "smtp/smtp_client_content.h"

void smtp_client_content_init(struct smtp_client_content *content, smtp_client_read read, void *context)
{
    memset(content, 0, sizeof(*content));
    content->read = read;
    content->context = context;
    content->line_start = true;
}

/* True when every CR is followed by LF, every LF preceded by CR, and there is no NUL. *cr goes from piece to piece. */
static bool piece_fit(struct slice s, bool *cr)
{
    const uint8_t *at = s.data;
    const uint8_t *end = s.data + s.len;
    if (s.len == 0)
        return true;
    if (memchr(at, 0, s.len) != NULL || (*cr && *at != '\n') || (!*cr && *at == '\n'))
        return false;
    if (*cr)
        at++;
    *cr = false;
    while (at < end) {
        const uint8_t *found = memchr(at, '\r', (size_t)(end - at));
        const uint8_t *stop = found == NULL ? end : found;
        if (memchr(at, '\n', (size_t)(stop - at)) != NULL)
            return false;
        if (found == NULL)
            return true;
        if (found + 1 == end) {
            *cr = true;
            return true;
        }
        if (found[1] != '\n')
            return false;
        at = found + 2;
    }
    return true;
}

/* Gets a piece when there is none; SMTP_CONTENT_RUN says that rest is there or the last piece is used up. */
static enum smtp_content_status load(struct smtp_client_content *content)
{
    while (content->rest.len == 0 && !content->last) {
        struct slice piece = SLICE_EMPTY;
        enum smtp_read_status status = content->read(content->context, &piece);
        if (status == SMTP_READ_WAIT)
            return SMTP_CONTENT_WAIT;
        if (status == SMTP_READ_FAIL || !piece_fit(piece, &content->cr))
            return SMTP_CONTENT_BAD;
        content->last = status == SMTP_READ_LAST;
        content->rest = piece;
    }
    return content->last && content->rest.len == 0 && content->cr ? SMTP_CONTENT_BAD : SMTP_CONTENT_RUN;
}

/* Where the next dot at a line start begins its line, len when there is none. The first byte is not asked about. Looking
 * for dots is four times as fast as looking for "\n." with memmem: lines are more than dots. */
static size_t dot_line(struct slice s)
{
    size_t at = 1;
    while (at < s.len) {
        const uint8_t *dot = memchr(s.data + at, '.', s.len - at);
        if (dot == NULL)
            return s.len;
        if (dot[-1] == '\n')
            return (size_t)(dot - s.data);
        at = (size_t)(dot - s.data) + 1;
    }
    return s.len;
}

/* Takes rest up to and including the LF before the next dot at a line start, or all of it. */
static struct slice take_run(struct smtp_client_content *content)
{
    struct slice rest = content->rest;
    size_t len = dot_line(rest);
    content->rest = slice_sub(rest, len, rest.len);
    content->line_start = rest.data[len - 1] == '\n';
    content->stuffed = false;
    return slice_of(rest.data, len);
}

enum smtp_content_status smtp_client_content_data(struct smtp_client_content *content, struct slice *ret_run)
{
    if (content->ended)
        return SMTP_CONTENT_END;
    enum smtp_content_status status = load(content);
    if (status != SMTP_CONTENT_RUN)
        return status;
    if (content->rest.len == 0) {
        content->ended = true;
        *ret_run = content->line_start ? SLICE_LIT(".\r\n") : SLICE_LIT("\r\n.\r\n");
    } else if (content->line_start && content->rest.data[0] == '.' && !content->stuffed) {
        content->stuffed = true;
        *ret_run = SLICE_LIT(".");
    } else {
        *ret_run = take_run(content);
    }
    return SMTP_CONTENT_RUN;
}

enum smtp_content_status smtp_client_content_chunk(struct smtp_client_content *content, struct slice *ret_chunk,
                                                   bool *ret_last)
{
    if (content->ended)
        return SMTP_CONTENT_END;
    enum smtp_content_status status = load(content);
    if (status != SMTP_CONTENT_RUN)
        return status;
    if (content->last && content->cr)
        return SMTP_CONTENT_BAD;
    *ret_chunk = content->rest;
    *ret_last = content->last;
    content->rest = SLICE_EMPTY;
    content->ended = content->last;
    return SMTP_CONTENT_RUN;
}
