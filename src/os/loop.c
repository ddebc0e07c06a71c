/* SPDX-License-Identifier: Apache-2.0 */
/* The loop over libuv. A libuv handle may be released only after its close callback, so each object here outlives its
 * free function by one turn; it is marked closed and its callback is never called again. */
#include "os/loop.h"

#include "base/list.h"
#include "base/mem.h"

#include <assert.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;
    uv_prepare_t before_sleep; /* gathers what timers asked for */
    uv_check_t after_events;   /* gathers what descriptors asked for */
    uv_idle_t no_sleep;        /* runs only while a request was made by a request: the next turn must not sleep */
    struct list requests;      /* struct loop_idle that are asked for */
    struct list signals;
};

struct loop_watch {
    uv_poll_t uv; /* first: the handle is the object */
    unsigned wanted;
    loop_watch_fn *fn;
    void *ctx;
};

struct loop_timer {
    uv_timer_t uv;
    loop_timer_fn *fn;
    void *ctx;
};

struct loop_idle {
    struct list link;
    struct loop *loop;
    loop_timer_fn *fn;
    void *ctx;
};

struct loop_signal {
    uv_signal_t uv;
    struct list link;
    loop_signal_fn *fn;
    void *ctx;
};

static void loop_no_sleep(uv_idle_t *handle)
{
    (void)handle;
}

/* Calls everything asked for so far. What these calls ask for waits for the next gathering, so that a turn ends. */
static void loop_gather(struct loop *loop)
{
    struct list now;
    list_init(&now);
    while (!list_empty(&loop->requests)) {
        struct list *link = loop->requests.next;
        list_remove(link);
        list_push(&now, link);
    }
    while (!list_empty(&now)) {
        struct loop_idle *idle = LIST_ENTRY(now.next, struct loop_idle, link);
        list_remove(&idle->link);
        idle->fn(idle->ctx);
    }
    if (list_empty(&loop->requests))
        uv_idle_stop(&loop->no_sleep);
    else
        uv_idle_start(&loop->no_sleep, loop_no_sleep);
}

static void loop_prepare(uv_prepare_t *handle)
{
    loop_gather(handle->data);
}

static void loop_check(uv_check_t *handle)
{
    loop_gather(handle->data);
}

struct loop *loop_create(void)
{
    struct loop *loop = mem_new(sizeof(*loop));
    int rc = uv_loop_init(&loop->uv);
    assert(rc == 0); /* no descriptors left at the start of a process: it cannot live */
    list_init(&loop->requests);
    list_init(&loop->signals);
    uv_prepare_init(&loop->uv, &loop->before_sleep);
    uv_check_init(&loop->uv, &loop->after_events);
    uv_idle_init(&loop->uv, &loop->no_sleep);
    loop->before_sleep.data = loop->after_events.data = loop;
    uv_prepare_start(&loop->before_sleep, loop_prepare);
    uv_check_start(&loop->after_events, loop_check);
    return loop;
}

/* Close callback of objects that begin with their handle. */
static void loop_closed(uv_handle_t *handle)
{
    mem_free(handle);
}

void loop_free(struct loop **loop)
{
    if (loop == NULL || *loop == NULL)
        return;
    struct loop *l = *loop;
    LIST_FOR(it, tmp, &l->signals)
        uv_close((uv_handle_t *)&LIST_ENTRY(it, struct loop_signal, link)->uv, loop_closed);
    uv_close((uv_handle_t *)&l->before_sleep, NULL);
    uv_close((uv_handle_t *)&l->after_events, NULL);
    uv_close((uv_handle_t *)&l->no_sleep, NULL);
    uv_run(&l->uv, UV_RUN_NOWAIT); /* lets close callbacks run; nothing else is left */
    uv_run(&l->uv, UV_RUN_NOWAIT); /* the first one returns at once after loop_stop() */
    int rc = uv_loop_close(&l->uv);
    assert(rc == 0); /* a watch or timer was not freed */
    mem_free(l);
    *loop = NULL;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

static int loop_uv_events(unsigned events)
{
    return ((events & LOOP_READ) != 0 ? UV_READABLE : 0) | ((events & LOOP_WRITE) != 0 ? UV_WRITABLE : 0) |
           ((events & LOOP_HANGUP) != 0 ? UV_DISCONNECT : 0);
}

static void loop_polled(uv_poll_t *handle, int status, int events);

static void loop_watch_start(struct loop_watch *watch)
{
    if (watch->wanted == 0)
        uv_poll_stop(&watch->uv);
    else
        uv_poll_start(&watch->uv, loop_uv_events(watch->wanted), loop_polled);
}

/* libuv stops a handle whose descriptor reports an error. The owner is told that everything it waits for is ready,
 * meets the error in its next call, and may go on (a UDP socket outlives an ICMP error). */
static void loop_polled(uv_poll_t *handle, int status, int events)
{
    struct loop_watch *watch = (struct loop_watch *)handle;
    unsigned seen = 0;
    if (status < 0) {
        watch->fn(watch->ctx, watch->wanted | LOOP_HANGUP);
        if (!uv_is_closing((uv_handle_t *)handle))
            loop_watch_start(watch);
        return;
    }
    if ((events & UV_READABLE) != 0)
        seen |= LOOP_READ;
    if ((events & UV_WRITABLE) != 0)
        seen |= LOOP_WRITE;
    if ((events & UV_DISCONNECT) != 0)
        seen |= LOOP_HANGUP;
    watch->fn(watch->ctx, seen);
}

struct loop_watch *loop_watch_create(struct loop *loop, int fd, unsigned events, loop_watch_fn *fn, void *ctx)
{
    struct loop_watch *watch = mem_new(sizeof(*watch));
    watch->fn = fn;
    watch->ctx = ctx;
    watch->wanted = events;
    if (uv_poll_init(&loop->uv, &watch->uv, fd) != 0) {
        mem_free(watch);
        return NULL;
    }
    loop_watch_start(watch);
    return watch;
}

void loop_watch_set(struct loop_watch *watch, unsigned events)
{
    if (watch->wanted == events)
        return;
    watch->wanted = events;
    loop_watch_start(watch);
}

void loop_watch_free(struct loop_watch **watch)
{
    if (watch == NULL || *watch == NULL)
        return;
    uv_close((uv_handle_t *)&(*watch)->uv, loop_closed);
    *watch = NULL;
}

static void loop_timer_fired(uv_timer_t *handle)
{
    struct loop_timer *timer = (struct loop_timer *)handle;
    timer->fn(timer->ctx);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_timer_fn *fn, void *ctx)
{
    struct loop_timer *timer = mem_new(sizeof(*timer));
    timer->fn = fn;
    timer->ctx = ctx;
    uv_timer_init(&loop->uv, &timer->uv);
    return timer;
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_us)
{
    uint64_t ms = delay_us <= 0 ? 0 : ((uint64_t)delay_us + 999) / 1000;
    uv_update_time(timer->uv.loop); /* a long callback must not shorten the wait */
    uv_timer_start(&timer->uv, loop_timer_fired, ms, 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

bool loop_timer_running(const struct loop_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->uv) != 0;
}

void loop_timer_free(struct loop_timer **timer)
{
    if (timer == NULL || *timer == NULL)
        return;
    uv_close((uv_handle_t *)&(*timer)->uv, loop_closed);
    *timer = NULL;
}

struct loop_idle *loop_idle_create(struct loop *loop, loop_timer_fn *fn, void *ctx)
{
    struct loop_idle *idle = mem_new(sizeof(*idle));
    list_init(&idle->link);
    idle->loop = loop;
    idle->fn = fn;
    idle->ctx = ctx;
    return idle;
}

void loop_idle_request(struct loop_idle *idle)
{
    if (list_empty(&idle->link))
        list_push(&idle->loop->requests, &idle->link);
}

void loop_idle_free(struct loop_idle **idle)
{
    if (idle == NULL || *idle == NULL)
        return;
    list_remove(&(*idle)->link);
    mem_free(*idle);
    *idle = NULL;
}

static void loop_signalled(uv_signal_t *handle, int number)
{
    struct loop_signal *s = (struct loop_signal *)handle;
    s->fn(s->ctx, number);
}

void loop_on_signal(struct loop *loop, int signal, loop_signal_fn *fn, void *ctx)
{
    struct loop_signal *s = mem_new(sizeof(*s));
    s->fn = fn;
    s->ctx = ctx;
    int rc = uv_signal_init(&loop->uv, &s->uv);
    assert(rc == 0);
    list_push(&loop->signals, &s->link);
    rc = uv_signal_start(&s->uv, loop_signalled, signal);
    assert(rc == 0);
}
