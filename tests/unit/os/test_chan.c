/* SPDX-License-Identifier: Apache-2.0 */
/* Channels between honest peers: calls, answers, descriptors, deadlines, back-pressure, freeing inside callbacks. */
#include "os/chan.h"

#include "base/buf.h"
#include "base/clock.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_US (10 * CLOCK_US_PER_S) /* a test that hangs fails by this */

/* One end of a channel and what it saw. */
struct end {
    struct loop *loop;
    struct chan *chan;
    int frames;
    int answers;
    int nones;
    int closed;
    int fd; /* last descriptor received */
    size_t bytes;
    bool silent; /* does not answer requests */
    bool pause;  /* stops reading after the first frame */
    int stop_at; /* frames, answers and ends after which the loop stops */
    char reason[200];
};

static void end_count(struct end *end)
{
    if (end->frames + end->answers + end->nones + end->closed == end->stop_at)
        loop_stop(end->loop);
}

/* Echoes requests, counts everything. */
static bool end_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct end *end = ctx;
    end->frames++;
    end->bytes += frame->payload.len;
    end->fd = frame->fd >= 0 ? frame->fd : end->fd;
    if (end->pause)
        chan_reading(chan, false);
    if (frame->request != 0 && !end->silent)
        chan_answer(chan, frame->type, frame->request, frame->payload, frame->fd);
    end_count(end);
    return frame->type != 99;
}

static void end_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct end *end = ctx;
    (void)chan;
    snprintf(end->reason, sizeof(end->reason), "%s", reason);
    end->closed++;
    end_count(end);
    chan_free(&end->chan);
}

static const struct chan_ops end_ops = {end_frame, end_closed};

static void end_answer(void *ctx, const struct chan_frame *answer)
{
    struct end *end = ctx;
    if (answer == NULL) {
        end->nones++;
    } else {
        end->answers++;
        end->bytes += answer->payload.len;
        end->fd = answer->fd >= 0 ? answer->fd : end->fd;
    }
    end_count(end);
}

static void out_of_patience(void *ctx)
{
    (void)ctx;
    fail_msg("the loop did not come to its end");
}

static void run(struct loop *loop)
{
    struct loop_timer *patience = loop_timer_create(loop, out_of_patience, NULL);
    loop_timer_start(patience, PATIENCE_US);
    loop_run(loop);
    loop_timer_free(&patience);
}

struct pair {
    struct loop *loop;
    struct end a;
    struct end b;
};

static int pair_open(void **state)
{
    struct pair *p = calloc(1, sizeof(*p));
    int fds[2];
    if (p == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        return 1;
    p->loop = p->a.loop = p->b.loop = loop_create();
    p->a.fd = p->b.fd = -1;
    p->a.stop_at = p->b.stop_at = -1;
    p->a.chan = chan_create(p->loop, fds[0], "a", &end_ops, &p->a);
    p->b.chan = chan_create(p->loop, fds[1], "b", &end_ops, &p->b);
    *state = p;
    return 0;
}

static int pair_close(void **state)
{
    struct pair *p = *state;
    chan_free(&p->a.chan);
    chan_free(&p->b.chan);
    loop_free(&p->loop);
    free(p);
    return 0;
}

static void calls_of_every_size_are_answered(void **state)
{
    struct pair *p = *state;
    static uint8_t big[CHAN_PAYLOAD_MAX];
    static const size_t sizes[] = {0, 1, 1000, 65519, 65520, 65521, 70000, 131072, CHAN_PAYLOAD_MAX};
    size_t total = 0;
    const size_t count = sizeof(sizes) / sizeof(*sizes);
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 0; i < count; i++) {
            chan_call(p->a.chan, 5, slice_of(big, sizes[i]), -1, CLOCK_US_PER_S, end_answer, &p->a);
            total += sizes[i];
        }
    }
    p->a.stop_at = (int)(5 * count);
    run(p->loop);
    assert_int_equal(p->a.answers, 5 * count);
    assert_int_equal(p->a.bytes, total);
    assert_int_equal(p->b.frames, 5 * count);
    assert_int_equal(chan_pending(p->a.chan), 0);
    assert_int_equal(chan_peer_uid(p->a.chan), getuid());
}

static void descriptors_travel_with_their_frames(void **state)
{
    struct pair *p = *state;
    struct stat sent;
    struct stat got;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(null, &sent), 0);
    p->b.stop_at = 7;
    chan_send(p->a.chan, 1, SLICE_LIT("before"), -1);
    chan_send(p->a.chan, 2, SLICE_LIT("with"), null);
    chan_send(p->a.chan, 3, SLICE_LIT("after"), -1);
    for (int i = 0; i < 3; i++)
        chan_send(p->a.chan, 2, SLICE_EMPTY, null);
    chan_call(p->a.chan, 4, SLICE_EMPTY, -1, 0, end_answer, &p->a);
    close(null);
    p->b.fd = -1;
    run(p->loop);
    assert_int_equal(p->b.frames, 7);
    assert_true(p->b.fd >= 0);
    assert_int_equal(fstat(p->b.fd, &got), 0);
    assert_true(sent.st_rdev == got.st_rdev);
    assert_int_equal(fcntl(p->b.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    for (int fd = p->b.fd; fd > p->b.fd - 4; fd--)
        close(fd); /* opened one behind another */
}

static void deadline_passes_and_the_late_answer_is_no_offence(void **state)
{
    struct pair *p = *state;
    p->a.stop_at = 2;
    chan_call(p->a.chan, 1, SLICE_EMPTY, -1, 30000, end_answer, &p->a);
    chan_call(p->a.chan, 1, SLICE_EMPTY, -1, 1000, end_answer, &p->a);
    p->b.silent = true;
    run(p->loop);
    assert_int_equal(p->a.nones, 2);
    assert_int_equal(p->b.frames, 2);
    chan_answer(p->b.chan, 1, 1, SLICE_EMPTY, 2); /* late, with a descriptor nobody wants */
    chan_call(p->a.chan, 1, SLICE_EMPTY, -1, 0, end_answer, &p->a);
    p->b.silent = false;
    p->a.stop_at = 3;
    run(p->loop);
    assert_int_equal(p->a.answers, 1);
    assert_int_equal(p->a.closed, 0);
}

static void forgotten_calls_stay_quiet(void **state)
{
    struct pair *p = *state;
    uint64_t first = chan_call(p->a.chan, 1, SLICE_EMPTY, -1, 0, end_answer, &p->a);
    chan_call(p->a.chan, 1, SLICE_EMPTY, -1, 0, end_answer, &p->a);
    chan_call_forget(p->a.chan, first);
    chan_call_forget(p->a.chan, 12345);
    p->a.stop_at = 1;
    run(p->loop);
    assert_int_equal(p->b.frames, 2);
    assert_int_equal(p->a.answers, 1);
    assert_int_equal(p->a.nones, 0);
}

static void closing_answers_open_calls_first(void **state)
{
    struct pair *p = *state;
    p->b.silent = true;
    for (int i = 0; i < 3; i++)
        chan_call(p->a.chan, 1, SLICE_EMPTY, -1, 0, end_answer, &p->a);
    p->b.stop_at = 3;
    run(p->loop);
    chan_free(&p->b.chan);
    assert_null(p->b.chan);
    p->a.stop_at = 4;
    run(p->loop);
    assert_int_equal(p->a.nones, 3);
    assert_int_equal(p->a.closed, 1);
    assert_string_equal(p->a.reason, "a: the peer closed");
}

static void free_answers_open_calls(void **state)
{
    struct pair *p = *state;
    chan_call(p->a.chan, 1, SLICE_EMPTY, -1, CLOCK_US_PER_S, end_answer, &p->a);
    chan_free(&p->a.chan);
    assert_int_equal(p->a.nones, 1);
    assert_int_equal(p->a.closed, 0);
    chan_free(&p->a.chan);
    chan_free(NULL);
}

static void last_words_of_a_dying_peer_arrive(void **state)
{
    struct pair *p = *state;
    chan_send(p->a.chan, 1, SLICE_LIT("last"), -1);
    chan_flush(p->a.chan);
    chan_free(&p->a.chan);
    chan_send(p->b.chan, 1, SLICE_LIT("nobody reads this"), -1); /* EPIPE must not lose what waits to be read */
    chan_flush(p->b.chan);
    p->b.stop_at = 2;
    run(p->loop);
    assert_int_equal(p->b.frames, 1);
    assert_int_equal(p->b.closed, 1);
}

static void reading_stops_and_resumes_without_loss(void **state)
{
    struct pair *p = *state;
    p->b.pause = true;
    for (int i = 0; i < 100; i++)
        chan_send(p->a.chan, 1, SLICE_LIT("0123456789"), -1);
    p->b.stop_at = 1;
    run(p->loop);
    assert_int_equal(p->b.frames, 1);
    p->b.pause = false;
    p->b.stop_at = 100;
    chan_reading(p->b.chan, true);
    run(p->loop);
    assert_int_equal(p->b.frames, 100);
}

static void a_peer_that_reads_nothing_is_dropped_at_the_limit(void **state)
{
    struct pair *p = *state;
    static uint8_t big[CHAN_PAYLOAD_MAX];
    chan_reading(p->b.chan, false);
    for (size_t sent = 0; sent < CHAN_PENDING_MAX + 4 * sizeof(big); sent += sizeof(big))
        chan_send(p->a.chan, 1, slice_of(big, sizeof(big)), -1);
    assert_true(chan_pending(p->a.chan) <= CHAN_PENDING_MAX);
    p->a.stop_at = 1;
    run(p->loop);
    assert_string_equal(p->a.reason, "a: too much output waits for it");
}

static void our_own_oversize_payload_closes(void **state)
{
    struct pair *p = *state;
    static uint8_t big[CHAN_PAYLOAD_MAX + 1];
    chan_call(p->a.chan, 1, slice_of(big, sizeof(big)), -1, 0, end_answer, &p->a);
    assert_int_equal(p->a.nones, 0);
    p->a.stop_at = 2;
    run(p->loop);
    assert_int_equal(p->a.nones, 1);
    assert_int_equal(p->a.closed, 1);
}

static void unknown_type_closes(void **state)
{
    struct pair *p = *state;
    chan_send(p->a.chan, 99, SLICE_EMPTY, 0);
    p->b.stop_at = 2;
    run(p->loop);
    assert_string_equal(p->b.reason, "b: not in the protocol (type 99)");
    assert_int_equal(fcntl(p->b.fd, F_GETFD), -1); /* the channel closed the descriptor of the refused frame */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_of_every_size_are_answered, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(descriptors_travel_with_their_frames, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(deadline_passes_and_the_late_answer_is_no_offence, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(forgotten_calls_stay_quiet, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(closing_answers_open_calls_first, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(free_answers_open_calls, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(last_words_of_a_dying_peer_arrive, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(reading_stops_and_resumes_without_loss, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(a_peer_that_reads_nothing_is_dropped_at_the_limit, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(our_own_oversize_payload_closes, pair_open, pair_close),
        cmocka_unit_test_setup_teardown(unknown_type_closes, pair_open, pair_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
