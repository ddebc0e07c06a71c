/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: timers, descriptors, signals, work gathered once per turn, freeing inside callbacks. */
#include "os/loop.h"

#include "unit.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct seen {
    struct loop *loop;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct loop_idle *idle;
    unsigned events;
    int count;
    int fd;
};

static void stop_after_timer(void *ctx)
{
    struct seen *seen = ctx;
    seen->count++;
    loop_timer_free(&seen->timer);
    loop_stop(seen->loop);
}

static void timer_fires_once_and_may_free_itself(void **state)
{
    (void)state;
    struct seen seen = {.loop = loop_create()};
    seen.timer = loop_timer_create(seen.loop, stop_after_timer, &seen);
    assert_false(loop_timer_running(seen.timer));
    loop_timer_start(seen.timer, 1500);
    assert_true(loop_timer_running(seen.timer));
    loop_timer_stop(seen.timer);
    assert_false(loop_timer_running(seen.timer));
    loop_timer_start(seen.timer, -5);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 1);
    assert_null(seen.timer);
    loop_free(&seen.loop);
    assert_null(seen.loop);
    loop_free(&seen.loop);
    loop_timer_free(NULL);
}

static void read_one(void *ctx, unsigned events)
{
    struct seen *seen = ctx;
    char byte;
    seen->events |= events;
    ssize_t n = read(seen->fd, &byte, 1);
    if (n == 1 && ++seen->count == 1)
        return;
    loop_watch_free(&seen->watch);
    loop_stop(seen->loop);
}

static void watch_sees_bytes_and_the_end(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct seen seen = {.loop = loop_create(), .fd = pair[0]};
    seen.watch = loop_watch_create(seen.loop, pair[0], 0, read_one, &seen);
    loop_watch_set(seen.watch, LOOP_READ);
    loop_watch_set(seen.watch, LOOP_READ);
    assert_int_equal(write(pair[1], "x", 1), 1);
    close(pair[1]);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.events & LOOP_READ, LOOP_READ);
    close(pair[0]);
    loop_free(&seen.loop);
}

static void watch_of_a_bad_descriptor_is_null(void **state)
{
    (void)state;
    struct loop *loop = loop_create();
    assert_null(loop_watch_create(loop, -1, LOOP_READ, read_one, NULL));
    loop_free(&loop);
}

/* Asks again from inside: each request is served in a turn of its own, and the loop does not sleep on it. */
static void again_three_times(void *ctx)
{
    struct seen *seen = ctx;
    if (++seen->count < 3) {
        loop_idle_request(seen->idle);
        return;
    }
    loop_idle_free(&seen->idle);
    loop_stop(seen->loop);
}

static void idle_gathers_and_never_starves(void **state)
{
    (void)state;
    struct seen seen = {.loop = loop_create()};
    struct loop_idle *unused = loop_idle_create(seen.loop, again_three_times, &seen);
    seen.idle = loop_idle_create(seen.loop, again_three_times, &seen);
    loop_idle_request(seen.idle);
    loop_idle_request(seen.idle);
    loop_idle_request(unused);
    loop_idle_free(&unused);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 3);
    loop_free(&seen.loop);
}

static void on_usr1(void *ctx, int number)
{
    struct seen *seen = ctx;
    seen->count = number;
    loop_stop(seen->loop);
}

static void signals_arrive(void **state)
{
    (void)state;
    struct seen seen = {.loop = loop_create()};
    loop_on_signal(seen.loop, SIGUSR1, on_usr1, &seen);
    kill(getpid(), SIGUSR1);
    loop_run(seen.loop);
    assert_int_equal(seen.count, SIGUSR1);
    loop_free(&seen.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timer_fires_once_and_may_free_itself), cmocka_unit_test(watch_sees_bytes_and_the_end),
        cmocka_unit_test(watch_of_a_bad_descriptor_is_null), cmocka_unit_test(idle_gathers_and_never_starves),
        cmocka_unit_test(signals_arrive)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
