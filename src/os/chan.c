/* SPDX-License-Identifier: Apache-2.0 */
/* The channel: calls and their answers, dispatch, and what happens when a peer breaks the rules. */
#include "os/chan.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "os/chan_in.h"
#include "os/chan_out.h"

#include <assert.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHAN_READS_PER_TURN 8 /* others in the loop get their turn */

/* A channel is OPEN until the peer leaves, breaks the protocol or a limit is hit; then it is FAILED: its descriptor is
 * closed, the reason noted, and nobody was told yet, because the owner may be in the middle of a send. When the turn
 * ends every open call is answered with NULL, the owner is told once, and it is CLOSED, waiting to be freed. FREED is
 * a channel freed inside one of its own callbacks: only its memory waits for the callback's return. */
enum chan_state { CHAN_OPEN, CHAN_FAILED, CHAN_CLOSED, CHAN_FREED };

struct chan_call {
    uint64_t request;
    uint16_t type;
    chan_answer_fn *fn; /* NULL: forgotten or too late; kept so that the late answer is known */
    void *ctx;
    int64_t due_us;  /* clock_wait_us(); 0: none */
    struct list all; /* in chan.all */
    struct list due; /* in chan.due, soonest first */
};

struct chan {
    enum chan_state state;
    unsigned depth; /* callbacks of this channel that are running */
    struct loop *loop;
    int fd;
    uint32_t peer_uid;
    const char *name;
    const struct chan_ops *ops;
    void *ctx;
    struct loop_watch *watch;
    struct loop_idle *turn_end;
    struct loop_timer *timer;
    int64_t timer_due_us; /* what the timer is set to while it runs */
    struct chan_in in;
    struct chan_out out;
    bool reading;
    bool blocked;    /* the kernel takes no output at present */
    bool out_broken; /* the peer reads no more; what it wrote is still read */
    uint64_t last_request;
    struct map *calls;
    struct list all;
    struct list due;
    char reason[192];
};

static void chan_release(struct chan *chan)
{
    loop_watch_free(&chan->watch);
    if (chan->fd >= 0)
        close(chan->fd);
    chan->fd = -1;
    chan_out_free(&chan->out);
}

/* The one place that ends an open channel. */
static void chan_fail(struct chan *chan, const char *reason)
{
    if (chan->state != CHAN_OPEN)
        return;
    chan->state = CHAN_FAILED;
    snprintf(chan->reason, sizeof(chan->reason), "%s: %s", chan->name, reason);
    chan_release(chan);
    loop_idle_request(chan->turn_end);
}

static void chan_call_drop(struct chan *chan, struct chan_call *call)
{
    map_remove(chan->calls, &call->request);
    list_remove(&call->all);
    list_remove(&call->due);
    mem_free(call);
}

/* Answers every open call with NULL. */
static void chan_answer_none(struct chan *chan)
{
    while (!list_empty(&chan->all)) {
        struct chan_call *call = LIST_ENTRY(chan->all.next, struct chan_call, all);
        chan_answer_fn *fn = call->fn;
        void *ctx = call->ctx;
        chan_call_drop(chan, call);
        if (fn != NULL)
            fn(ctx, NULL);
    }
}

static void chan_enter(struct chan *chan)
{
    chan->depth++;
}

static void chan_leave(struct chan *chan)
{
    if (--chan->depth > 0 || chan->state != CHAN_FREED)
        return;
    chan_in_free(&chan->in);
    map_free(&chan->calls);
    mem_free(chan);
}

static void chan_interest(struct chan *chan)
{
    if (chan->watch != NULL)
        loop_watch_set(chan->watch, (chan->reading ? LOOP_READ : 0u) | (chan->blocked ? LOOP_WRITE : 0u));
}

void chan_flush(struct chan *chan)
{
    if (chan->state != CHAN_OPEN || chan->out_broken)
        return;
    enum chan_out_result result = chan_out_write(&chan->out, chan->fd);
    chan->blocked = result == CHAN_OUT_BLOCKED;
    if (result == CHAN_OUT_BROKEN) {
        chan->out_broken = true;
        chan_out_free(&chan->out);
    }
    chan_interest(chan);
}

/* Gives an answer to its call. False: nobody asked. */
static bool chan_take_answer(struct chan *chan, const struct chan_frame *frame)
{
    struct chan_call *call = map_get(chan->calls, &frame->request);
    if (call == NULL || call->type != frame->type)
        return false;
    chan_answer_fn *fn = call->fn;
    void *ctx = call->ctx;
    chan_call_drop(chan, call);
    if (fn != NULL)
        fn(ctx, frame);
    else if (frame->fd >= 0)
        close(frame->fd);
    return true;
}

static void chan_dispatch(struct chan *chan, const struct chan_in_frame *in)
{
    const struct chan_frame frame = {in->type, in->request, in->payload, in->fd};
    bool answer = (in->flags & CHAN_FLAG_ANSWER) != 0;
    if (answer ? chan_take_answer(chan, &frame) : chan->ops->frame(chan->ctx, chan, &frame))
        return;
    /* Twice closed may be another thread's new file. */
    bool ours = frame.fd < 0 || close(frame.fd) == 0;
    assert(ours);
    (void)ours;
    char reason[64];
    snprintf(reason, sizeof(reason), answer ? "an answer nobody asked for (type %u)" : "not in the protocol (type %u)",
             (unsigned)in->type);
    chan_fail(chan, reason);
}

/* Hands out all whole frames, unless reading is stopped meanwhile. */
static void chan_parse(struct chan *chan)
{
    enum chan_in_result result = CHAN_IN_OK;
    while (chan->state == CHAN_OPEN && chan->reading && result == CHAN_IN_OK) {
        struct chan_in_frame frame;
        result = chan_in_next(&chan->in, &frame);
        if (result == CHAN_IN_OK)
            chan_dispatch(chan, &frame);
        else if (result == CHAN_IN_BAD)
            chan_fail(chan, chan->in.reason);
    }
    chan_in_compact(&chan->in);
}

static void chan_read(struct chan *chan)
{
    bool more = true;
    for (int i = 0; more && i < CHAN_READS_PER_TURN && chan->state == CHAN_OPEN && chan->reading; i++) {
        enum chan_in_result result = chan_in_fill(&chan->in, chan->fd, &more);
        if (result == CHAN_IN_OK)
            chan_parse(chan);
        else if (result == CHAN_IN_BAD)
            chan_fail(chan, chan->in.reason);
        else if (result == CHAN_IN_END)
            chan_fail(chan, chan->in.bytes.len == 0 ? "the peer closed" : "the peer closed inside a frame");
    }
}

static void chan_ready(void *ctx, unsigned events)
{
    struct chan *chan = ctx;
    chan_enter(chan);
    if ((events & LOOP_READ) != 0 && chan->reading)
        chan_read(chan);
    if ((events & LOOP_WRITE) != 0)
        chan_flush(chan);
    chan_leave(chan);
}

static void chan_turn_end(void *ctx)
{
    struct chan *chan = ctx;
    chan_enter(chan);
    if (chan->state == CHAN_OPEN && chan->in.bytes.len > 0)
        chan_parse(chan);
    chan_flush(chan);
    if (chan->state == CHAN_FAILED) {
        chan_answer_none(chan);
        if (chan->state == CHAN_FAILED) {
            chan->state = CHAN_CLOSED;
            chan->ops->closed(chan->ctx, chan, chan->reason);
        }
    } else if (chan->state == CHAN_CLOSED) {
        chan_answer_none(chan);
    }
    chan_leave(chan);
}

static void chan_set_timer(struct chan *chan, int64_t due_us)
{
    if (loop_timer_running(chan->timer) && chan->timer_due_us <= due_us)
        return; /* it fires early, finds nothing due and is set again */
    chan->timer_due_us = due_us;
    loop_timer_start(chan->timer, due_us - clock_wait_us());
}

static void chan_deadline(void *ctx)
{
    struct chan *chan = ctx;
    int64_t now = clock_wait_us();
    chan_enter(chan);
    while (!list_empty(&chan->due)) {
        struct chan_call *call = LIST_ENTRY(chan->due.next, struct chan_call, due);
        if (call->due_us > now)
            break;
        chan_answer_fn *fn = call->fn;
        call->fn = NULL;
        list_remove(&call->due);
        if (fn != NULL)
            fn(call->ctx, NULL);
    }
    if (chan->state == CHAN_OPEN && !list_empty(&chan->due))
        chan_set_timer(chan, LIST_ENTRY(chan->due.next, struct chan_call, due)->due_us);
    chan_leave(chan);
}

struct chan *chan_create(struct loop *loop, int fd, const char *name, const struct chan_ops *ops, void *ctx)
{
    struct chan *chan = mem_new(sizeof(*chan));
    struct ucred peer = {.uid = UINT32_MAX};
    socklen_t len = sizeof(peer);
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
    *chan = (struct chan){.loop = loop, .fd = fd, .name = name, .ops = ops, .ctx = ctx, .reading = true,
                          .peer_uid = peer.uid};
    chan_in_init(&chan->in);
    chan_out_init(&chan->out, CHAN_PENDING_MAX);
    chan->calls = map_create(sizeof(uint64_t), CHAN_CALLS_MAX);
    list_init(&chan->all);
    list_init(&chan->due);
    chan->turn_end = loop_idle_create(loop, chan_turn_end, chan);
    chan->timer = loop_timer_create(loop, chan_deadline, chan);
    chan->watch = loop_watch_create(loop, fd, LOOP_READ, chan_ready, chan);
    if (chan->watch == NULL)
        chan_fail(chan, "its descriptor cannot be watched");
    return chan;
}

void chan_free(struct chan **chan)
{
    if (chan == NULL || *chan == NULL)
        return;
    struct chan *c = *chan;
    *chan = NULL;
    if (c->state == CHAN_FREED)
        return;
    chan_enter(c);
    c->state = CHAN_FREED;
    chan_release(c);
    loop_idle_free(&c->turn_end);
    loop_timer_free(&c->timer);
    chan_answer_none(c);
    chan_leave(c);
}

/* Gathers a frame for the end of the turn. */
static void chan_put(struct chan *chan, uint16_t type, uint8_t flags, uint64_t request, struct slice payload, int fd)
{
    if (chan->state != CHAN_OPEN || chan->out_broken)
        return;
    if (payload.len > CHAN_PAYLOAD_MAX)
        chan_fail(chan, "a payload of ours is longer than the limit");
    else if (!chan_out_frame(&chan->out, type, flags, request, payload, fd))
        chan_fail(chan, "too much output waits for it");
    else
        loop_idle_request(chan->turn_end);
}

void chan_send(struct chan *chan, uint16_t type, struct slice payload, int fd)
{
    chan_put(chan, type, 0, 0, payload, fd);
}

void chan_answer(struct chan *chan, uint16_t type, uint64_t request, struct slice payload, int fd)
{
    chan_put(chan, type, CHAN_FLAG_ANSWER, request, payload, fd);
}

/* Puts a call with a deadline in its place; nearly always that is the end. */
static void chan_call_due(struct chan *chan, struct chan_call *call, int64_t deadline_us)
{
    call->due_us = clock_wait_us() + deadline_us;
    struct list *before = chan->due.prev;
    while (before != &chan->due && LIST_ENTRY(before, struct chan_call, due)->due_us > call->due_us)
        before = before->prev;
    list_push(before->next, &call->due);
    chan_set_timer(chan, call->due_us);
}

uint64_t chan_call(struct chan *chan, uint16_t type, struct slice payload, int fd, int64_t deadline_us,
                   chan_answer_fn *fn, void *ctx)
{
    if (chan->state == CHAN_FREED) {
        fn(ctx, NULL);
        return 0;
    }
    struct chan_call *call = mem_new(sizeof(*call));
    *call = (struct chan_call){.request = ++chan->last_request, .type = type, .fn = fn, .ctx = ctx};
    list_init(&call->due);
    list_push(&chan->all, &call->all);
    if (!map_put(chan->calls, &call->request, call))
        chan_fail(chan, "too many calls without an answer");
    if (chan->state != CHAN_OPEN) {
        loop_idle_request(chan->turn_end);
        return call->request;
    }
    if (deadline_us > 0)
        chan_call_due(chan, call, deadline_us);
    chan_put(chan, type, 0, call->request, payload, fd);
    return call->request;
}

void chan_call_forget(struct chan *chan, uint64_t request)
{
    struct chan_call *call = map_get(chan->calls, &request);
    if (call != NULL)
        call->fn = NULL;
    if (call != NULL || chan->state == CHAN_OPEN)
        return;
    LIST_FOR(it, tmp, &chan->all)
    {
        /* the one call that the full map refused */
        struct chan_call *refused = LIST_ENTRY(it, struct chan_call, all);
        if (refused->request == request)
            refused->fn = NULL;
    }
}

void chan_reading(struct chan *chan, bool on)
{
    if (chan->state != CHAN_OPEN || chan->reading == on)
        return;
    chan->reading = on;
    chan_interest(chan);
    if (on)
        loop_idle_request(chan->turn_end); /* frames that were read before the stop */
}

size_t chan_pending(const struct chan *chan)
{
    return chan_out_pending(&chan->out);
}

uint32_t chan_peer_uid(const struct chan *chan)
{
    return chan->peer_uid;
}
