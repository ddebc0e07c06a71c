/* SPDX-License-Identifier: Apache-2.0 */
/* Talks to a throw-away process of scrub. */
#include "roles/web_scrub.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define PIECE 65536u        /* bytes read at once */
#define PIECES_PER_TURN 8u  /* others in the loop get their turn */

/* The question and the message are TOLD; then LENGTH and ANSWER are read; an attachment's CONTENT follows until all of
 * it has come; OVER ends it well or badly. */
enum scrub_stage { SCRUB_TOLD, SCRUB_LENGTH, SCRUB_ANSWER, SCRUB_CONTENT, SCRUB_OVER };

struct web_scrub {
    enum scrub_stage stage;
    int fd;
    struct loop *loop;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct web_source *source;
    const struct web_scrub_ops *ops;
    void *ctx;
    struct buf question; /* what is left of it to send */
    struct buf in;
    size_t answer_length;
    struct view_answer answer;
    uint64_t content_left;
};

static void scrub_fail(struct web_scrub *s, const char *reason)
{
    s->stage = SCRUB_OVER;
    loop_watch_set(s->watch, 0);
    loop_timer_stop(s->timer);
    s->ops->failed(s->ctx, reason);
}

static void on_late(void *ctx)
{
    scrub_fail(ctx, "it took too long");
}

/* Sends bytes as far as the other side takes them. False: it is gone; *ret_sent tells how many went. */
static bool scrub_send(struct web_scrub *s, struct slice bytes, size_t *ret_sent)
{
    ssize_t n = send(s->fd, bytes.data, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    *ret_sent = n > 0 ? (size_t)n : 0;
    return n >= 0 || errno == EAGAIN || errno == EINTR;
}

/* Tells the question and the message until the other side takes no more now. */
static void scrub_tell(struct web_scrub *s)
{
    struct err err = {""};
    for (unsigned i = 0; i < PIECES_PER_TURN; i++) {
        struct slice bytes = buf_slice(&s->question);
        bool question = bytes.len > 0;
        size_t sent = 0;
        if (!question && !web_source_peek(s->source, &bytes, &err)) {
            scrub_fail(s, err.text);
            return;
        }
        if (bytes.len == 0) {
            s->stage = SCRUB_LENGTH;
            loop_watch_set(s->watch, LOOP_READ);
            return;
        }
        if (!scrub_send(s, bytes, &sent)) {
            scrub_fail(s, "it ended before it had read the message");
            return;
        }
        if (question)
            buf_consume(&s->question, sent);
        else
            web_source_used(s->source, sent);
        if (sent < bytes.len)
            return;
    }
}

/* True when the answer's length has come and is within its limit. */
static bool take_length(struct web_scrub *s)
{
    struct wire_reader r = wire_reader_of(slice_sub(buf_slice(&s->in), 0, 4));
    s->answer_length = wire_u32(&r);
    buf_consume(&s->in, 4);
    s->stage = SCRUB_ANSWER;
    return s->answer_length <= VIEW_ANSWER_MAX;
}

/* Hands on bytes of the attachment that are in the buffer behind the answer. False: freed or failed. */
static bool take_content(struct web_scrub *s)
{
    struct slice more = slice_sub(buf_slice(&s->in), s->answer_length, s->in.len);
    if (more.len == 0)
        return true;
    if (more.len > s->content_left) {
        scrub_fail(s, "it sent more than it had said");
        return false;
    }
    s->content_left -= more.len;
    if (!s->ops->content(s->ctx, more))
        return false;
    /* the answer's slices point into what stays */
    mem_wipe(s->in.data + s->answer_length, s->in.len - s->answer_length);
    s->in.len = s->answer_length;
    return true;
}

static void take_answer(struct web_scrub *s)
{
    struct slice bytes = slice_sub(buf_slice(&s->in), 0, s->answer_length);
    loop_timer_stop(s->timer);
    if (!layout_read(&view_answer_layout, bytes, &s->answer)) {
        scrub_fail(s, "it answered what is no answer");
        return;
    }
    s->content_left = s->answer.content_length;
    s->stage = SCRUB_CONTENT;
    loop_watch_set(s->watch, 0);
    s->ops->answer(s->ctx, &s->answer);
}

static void scrub_take(struct web_scrub *s)
{
    if (s->stage == SCRUB_LENGTH && s->in.len >= 4 && !take_length(s)) {
        scrub_fail(s, "it announced too long an answer");
        return;
    }
    if (s->stage == SCRUB_ANSWER && s->in.len >= s->answer_length)
        take_answer(s);
    else if (s->stage == SCRUB_CONTENT)
        (void)take_content(s);
}

static void scrub_hear(struct web_scrub *s)
{
    uint8_t *room = buf_reserve(&s->in, PIECE);
    ssize_t n = room == NULL ? 0 : recv(s->fd, room, PIECE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        scrub_fail(s, "it ended before it had answered");
        return;
    }
    buf_added(&s->in, (size_t)n);
    scrub_take(s);
}

static void on_event(void *ctx, unsigned events)
{
    struct web_scrub *s = ctx;
    if (s->stage == SCRUB_TOLD)
        scrub_tell(s);
    else if (s->stage != SCRUB_OVER && (events & (LOOP_READ | LOOP_HANGUP)) != 0)
        scrub_hear(s);
}

struct web_scrub *web_scrub_create(struct loop *loop, struct web_source *source, unsigned part,
                                   const struct web_scrub_ops *ops, void *ctx, int *ret_other)
{
    int pair[2];
    const struct view_question question = {.part = (uint16_t)part, .message_length = web_source_length(source)};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return NULL;
    struct web_scrub *s = mem_new(sizeof(*s));
    s->fd = pair[0];
    s->loop = loop;
    s->source = source;
    s->ops = ops;
    s->ctx = ctx;
    s->watch = loop_watch_create(loop, s->fd, 0, on_event, s);
    s->timer = loop_timer_create(loop, on_late, s);
    buf_init(&s->question, VIEW_QUESTION_SIZE);
    buf_init_secret(&s->in, VIEW_ANSWER_MAX + 2 * PIECE);
    layout_write(&view_question_layout, &s->question, &question);
    *ret_other = pair[1];
    return s;
}

void web_scrub_go(struct web_scrub *scrub)
{
    loop_timer_start(scrub->timer, VIEW_WAIT_US);
    loop_watch_set(scrub->watch, LOOP_WRITE);
}

void web_scrub_reading(struct web_scrub *scrub, bool on)
{
    struct web_scrub *s = scrub;
    if (s->stage != SCRUB_CONTENT)
        return;
    loop_watch_set(s->watch, on ? LOOP_READ : 0);
    if (on)
        (void)take_content(s); /* what came with the answer */
}

void web_scrub_free(struct web_scrub **scrub)
{
    struct web_scrub *s = scrub == NULL ? NULL : *scrub;
    if (s == NULL)
        return;
    loop_watch_free(&s->watch);
    loop_timer_free(&s->timer);
    close(s->fd);
    buf_free(&s->question);
    buf_free(&s->in);
    mem_free(s);
    *scrub = NULL;
}
