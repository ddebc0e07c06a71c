/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of a role: descriptors, timers, signals, and work done once per turn. One loop per process, one
 * thread. Everything here is a thin, typed layer over libuv; no other room includes uv.h. */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_watch;
struct loop_timer;
struct loop_idle;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

/* Makes the loop of this process. */
struct loop *loop_create(void);
/* Frees an empty loop (all watches and timers freed before). *loop becomes NULL; NULL is accepted. */
void loop_free(struct loop **loop);
/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
/* Makes loop_run() return after the current turn. */
void loop_stop(struct loop *loop);

/* events: what happened, LOOP_READ | LOOP_WRITE | LOOP_HANGUP. */
typedef void loop_watch_fn(void *ctx, unsigned events);
/* Watches fd (not owned, made non-blocking) for events; 0 events is allowed (idle). fn may free the watch. On an error of
 * the descriptor fn is told all events it waits for and LOOP_HANGUP. NULL when the kernel cannot watch fd. */
struct loop_watch *loop_watch_create(struct loop *loop, int fd, unsigned events, loop_watch_fn *fn, void *ctx);
/* Changes what is watched. Cheap when nothing changes. */
void loop_watch_set(struct loop_watch *watch, unsigned events);
/* Stops watching. Call before close(fd). *watch becomes NULL; NULL is accepted. */
void loop_watch_free(struct loop_watch **watch);

typedef void loop_timer_fn(void *ctx);
/* A timer that is not running. */
struct loop_timer *loop_timer_create(struct loop *loop, loop_timer_fn *fn, void *ctx);
/* (Re)starts it: fires once after delay_us (rounded up to milliseconds). */
void loop_timer_start(struct loop_timer *timer, int64_t delay_us);
/* Stops it; harmless when not running. */
void loop_timer_stop(struct loop_timer *timer);
/* True while it is to fire. */
bool loop_timer_running(const struct loop_timer *timer);
/* Stops and frees. *timer becomes NULL; NULL is accepted. */
void loop_timer_free(struct loop_timer **timer);

/* Asks for fn to be called once, after all callbacks of this turn and before the loop sleeps (to gather output).
 * Nothing happens when it is already asked for. */
struct loop_idle *loop_idle_create(struct loop *loop, loop_timer_fn *fn, void *ctx);
/* Requests one call at the end of this turn. */
void loop_idle_request(struct loop_idle *idle);
/* Frees it, with an open request. *idle becomes NULL; NULL is accepted. */
void loop_idle_free(struct loop_idle **idle);

typedef void loop_signal_fn(void *ctx, int signal);
/* Calls fn for a signal, for the life of the loop. */
void loop_on_signal(struct loop *loop, int signal, loop_signal_fn *fn, void *ctx);

#endif
