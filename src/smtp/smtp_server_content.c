/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner of message content. */
#include "smtp/smtp_server_content.h"

#include "mail/limits.h"

typedef uint8_t lane __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

/* Offset of the first CR, LF or NUL at or after `at`, or len. Sixteen bytes at a time: content is most of what a relay
 * ever reads. */
static size_t find_special(const uint8_t *p, size_t at, size_t len)
{
    for (; at + sizeof(lane) <= len; at += sizeof(lane)) {
        lane v;
        memcpy(&v, p + at, sizeof(v));
        halves hit = (halves)((v == '\r') | (v == '\n') | (v == 0));
        if ((hit[0] | hit[1]) != 0)
            break;
    }
    while (at < len && p[at] != '\r' && p[at] != '\n' && p[at] != 0)
        at++;
    return at;
}

void smtp_server_content_start(struct smtp_server_content *content, bool dots)
{
    *content = (struct smtp_server_content){SMTP_SERVER_CONTENT_LINE, SMTP_SERVER_FAULT_NONE, dots, 0};
}

static void set_fault(struct smtp_server_content *content, enum smtp_server_fault fault)
{
    if (content->fault == SMTP_SERVER_FAULT_NONE)
        content->fault = fault;
}

/* Inside a line: runs to the next byte that matters. Returns the offset behind what was understood. */
static size_t step_text(struct smtp_server_content *content, struct slice bytes, size_t at)
{
    size_t end = find_special(bytes.data, at, bytes.len);
    content->line += end - at;
    if (content->line > MAIL_LINE_MAX)
        set_fault(content, SMTP_SERVER_FAULT_LINE);
    if (end == bytes.len)
        return end;
    if (bytes.data[end] == '\r')
        content->state = SMTP_SERVER_CONTENT_CR;
    else
        set_fault(content, bytes.data[end] == '\n' ? SMTP_SERVER_FAULT_LF : SMTP_SERVER_FAULT_NUL);
    return end + 1;
}

/* Behind a CR, with or without a dot in front: LF or a fault. */
static size_t step_cr(struct smtp_server_content *content, uint8_t byte, size_t at)
{
    if (byte != '\n') {
        set_fault(content, SMTP_SERVER_FAULT_CR);
        content->state = SMTP_SERVER_CONTENT_TEXT;
        return at;
    }
    content->state = content->state == SMTP_SERVER_CONTENT_DOT_CR ? SMTP_SERVER_CONTENT_END : SMTP_SERVER_CONTENT_LINE;
    content->line = 0;
    return at + 1;
}

static void give(struct smtp_server_content *content, struct slice bytes, size_t from, size_t to,
                 smtp_server_content_fn *fn, void *ctx)
{
    if (from < to && content->fault == SMTP_SERVER_FAULT_NONE)
        fn(ctx, slice_sub(bytes, from, to - from));
}

size_t smtp_server_content_feed(struct smtp_server_content *content, struct slice bytes, smtp_server_content_fn *fn,
                                void *ctx)
{
    size_t from = 0; /* content from here on has not been given out */
    size_t at = 0;
    while (at < bytes.len && content->state != SMTP_SERVER_CONTENT_END) {
        uint8_t byte = bytes.data[at];
        switch (content->state) {
        case SMTP_SERVER_CONTENT_LINE:
            if (content->dots && byte == '.') {
                give(content, bytes, from, at, fn, ctx);
                from = ++at;
                content->state = SMTP_SERVER_CONTENT_DOT;
            } else {
                content->state = SMTP_SERVER_CONTENT_TEXT;
            }
            break;
        case SMTP_SERVER_CONTENT_DOT:
            content->state = byte == '\r' ? SMTP_SERVER_CONTENT_DOT_CR : SMTP_SERVER_CONTENT_TEXT;
            if (byte == '\r')
                from = ++at;
            break;
        case SMTP_SERVER_CONTENT_CR:
        case SMTP_SERVER_CONTENT_DOT_CR:
            at = step_cr(content, byte, at);
            if (content->state == SMTP_SERVER_CONTENT_END)
                from = at;
            break;
        case SMTP_SERVER_CONTENT_TEXT:
            at = step_text(content, bytes, at);
            break;
        case SMTP_SERVER_CONTENT_END:
            break;
        }
    }
    give(content, bytes, from, at, fn, ctx);
    return at;
}

void smtp_server_content_finish(struct smtp_server_content *content, smtp_server_content_fn *fn, void *ctx)
{
    if (content->state == SMTP_SERVER_CONTENT_CR)
        set_fault(content, SMTP_SERVER_FAULT_CR);
    else if (content->state == SMTP_SERVER_CONTENT_TEXT && content->fault == SMTP_SERVER_FAULT_NONE)
        fn(ctx, SLICE_LIT("\r\n"));
    content->state = SMTP_SERVER_CONTENT_END;
}

const char *smtp_server_fault_text(enum smtp_server_fault fault)
{
    switch (fault) {
    case SMTP_SERVER_FAULT_LF:
        return "a line feed without carriage return";
    case SMTP_SERVER_FAULT_CR:
        return "a carriage return without line feed";
    case SMTP_SERVER_FAULT_NUL:
        return "a NUL byte";
    case SMTP_SERVER_FAULT_LINE:
        return "a line of more than 998 bytes";
    case SMTP_SERVER_FAULT_NONE:
        break;
    }
    return "no fault";
}
