/* SPDX-License-Identifier: Apache-2.0 */
/* Row 22: garbage on a local socket. Whatever a peer writes, it is dropped with a reason or waits for more; the
 * process lives, no descriptor leaks, and a second, honest peer of the same loop is served on. */
#include "os/chan.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/wire.h"
#include "os/msg.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct victim {
    struct loop *loop;
    struct chan *chan;
    int frames;
    int closed;
    char reason[200];
};

static bool victim_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct victim *v = ctx;
    (void)chan;
    v->frames++;
    if (frame->fd >= 0)
        close(frame->fd);
    return true;
}

static void victim_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct victim *v = ctx;
    (void)chan;
    v->closed++;
    snprintf(v->reason, sizeof(v->reason), "%s", reason);
    chan_free(&v->chan);
    loop_stop(v->loop);
}

static const struct chan_ops victim_ops = {victim_frame, victim_closed};

static void stop_loop(void *ctx)
{
    loop_stop(ctx);
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

/* The attacker's end of a fresh channel. */
static int victim_open(struct victim *v)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    *v = (struct victim){.loop = loop_create()};
    v->chan = chan_create(v->loop, fds[0], "peer", &victim_ops, v);
    return fds[1];
}

/* Lets the victim read until it closes or 20 ms are over. */
static void victim_run(struct victim *v)
{
    struct loop_timer *timer = loop_timer_create(v->loop, stop_loop, v->loop);
    loop_timer_start(timer, 20000);
    loop_run(v->loop);
    loop_timer_free(&timer);
}

static void victim_end(struct victim *v, int fd)
{
    close(fd);
    chan_free(&v->chan);
    loop_free(&v->loop);
}

/* Writes a header and `send` bytes of payload with `fds` copies of descriptor 0. */
static void attack(int to, uint32_t len, uint8_t version, uint8_t flags, uint64_t request, size_t send, size_t fds)
{
    static uint8_t bytes[16 + 512];
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(253 * sizeof(int))];
    } control = {0};
    struct buf b;
    buf_init(&b, 64);
    wire_put_u32(&b, len);
    wire_put_u16(&b, MSG_ALARM);
    wire_put_u8(&b, version);
    wire_put_u8(&b, flags);
    wire_put_u64(&b, request);
    memcpy(bytes, b.data, 16);
    buf_free(&b);
    struct iovec iov = {bytes, 16 + send};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fds > 0) {
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fds * sizeof(int)); /* all zero: descriptor 0 */
    }
    assert_int_equal(sendmsg(to, &m, MSG_NOSIGNAL), 16 + send);
}

/* One bad frame behind a good one: the good one is served, the peer dropped for the reason. */
static void assert_dropped(uint32_t len, uint8_t version, uint8_t flags, uint64_t request, size_t send, size_t fds,
                           const char *reason)
{
    size_t before = open_descriptors();
    struct victim v;
    int fd = victim_open(&v);
    attack(fd, 3, MSG_VERSION, 0, 0, 3, 0);
    attack(fd, len, version, flags, request, send, fds);
    victim_run(&v);
    assert_int_equal(v.closed, 1);
    assert_string_equal(v.reason, reason);
    victim_end(&v, fd);
    assert_int_equal(open_descriptors(), before);
}

static void malformed_frames(void **state)
{
    (void)state;
    assert_dropped(CHAN_PAYLOAD_MAX + 1, MSG_VERSION, 0, 0, 8, 0, "peer: a frame longer than the limit");
    assert_dropped(UINT32_MAX, MSG_VERSION, 0, 0, 0, 0, "peer: a frame longer than the limit");
    assert_dropped(0, MSG_VERSION + 1, 0, 0, 0, 0, "peer: another version of the protocol");
    assert_dropped(0, 0, 0, 0, 0, 0, "peer: another version of the protocol");
    assert_dropped(0, MSG_VERSION, 4, 0, 0, 0, "peer: unknown flags");
    assert_dropped(0, MSG_VERSION, 0x80, 0, 0, 0, "peer: unknown flags");
    assert_dropped(0, MSG_VERSION, 1, 1, 0, 0, "peer: an answer nobody asked for (type 9)");
    assert_dropped(0, MSG_VERSION, 1, 0, 0, 0, "peer: an answer nobody asked for (type 9)");
}

static void descriptor_floods(void **state)
{
    (void)state;
    assert_dropped(0, MSG_VERSION, 2, 0, 0, 0, "peer: a frame without its descriptor");
    assert_dropped(0, MSG_VERSION, 0, 0, 0, 1, "peer: a descriptor without its frame");
    assert_dropped(0, MSG_VERSION, 2, 0, 0, 2, "peer: more than one descriptor with a frame");
    assert_dropped(0, MSG_VERSION, 2, 0, 0, 253, "peer: descriptors were lost: too many sent, or our own limit is reached");
    assert_dropped(500, MSG_VERSION, 0, 0, 3, 1, "peer: a descriptor without its frame");
    assert_dropped(500, MSG_VERSION, 1, 0, 500, 1, "peer: an answer nobody asked for (type 9)");
}

/* One byte and one descriptor each: they may not pile up while a frame is never finished. */
static void a_descriptor_with_every_byte(void **state)
{
    (void)state;
    size_t before = open_descriptors();
    struct victim v;
    int fd = victim_open(&v);
    for (size_t i = 0; i < 40; i++) {
        union {
            struct cmsghdr align;
            uint8_t bytes[CMSG_SPACE(sizeof(int))];
        } control = {0};
        uint8_t byte = 0;
        struct iovec iov = {&byte, 1};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        assert_int_equal(sendmsg(fd, &m, MSG_NOSIGNAL), 1);
    }
    victim_run(&v);
    assert_int_equal(v.closed, 1);
    assert_string_equal(v.reason, "peer: a descriptor without its frame");
    victim_end(&v, fd);
    assert_int_equal(open_descriptors(), before);
}

static void truncated_frames_wait_and_end(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 16; cut++) {
        struct victim v;
        uint8_t bytes[16] = {0, 0, 0, 1, 0, 9, MSG_VERSION};
        int fd = victim_open(&v);
        assert_int_equal(write(fd, bytes, cut + 1), cut + 1);
        victim_run(&v);
        assert_int_equal(v.closed, 0);
        shutdown(fd, SHUT_WR);
        victim_run(&v);
        assert_int_equal(v.closed, 1);
        assert_int_equal(v.frames, 0);
        assert_string_equal(v.reason, "peer: the peer closed inside a frame");
        victim_end(&v, fd);
    }
}

static void frames_byte_by_byte_are_frames(void **state)
{
    (void)state;
    struct victim v;
    const uint8_t bytes[17] = {0, 0, 0, 1, 0, 9, MSG_VERSION};
    int fd = victim_open(&v);
    for (size_t i = 0; i < sizeof(bytes) * 3; i++) {
        assert_int_equal(write(fd, &bytes[i % sizeof(bytes)], 1), 1);
        if (i % 5 == 0)
            victim_run(&v);
    }
    victim_run(&v);
    assert_int_equal(v.frames, 3);
    assert_int_equal(v.closed, 0);
    victim_end(&v, fd);
}

/* Random bytes, whole or as mutations of good frames, from a fixed seed. */
static void noise(void **state)
{
    (void)state;
    size_t before = open_descriptors();
    uint32_t seed = 22;
    int dropped = 0;
    for (int round = 0; round < 200; round++) {
        struct victim v;
        uint8_t bytes[600] = {0};
        int fd = victim_open(&v);
        for (size_t i = 0; i + 20 <= sizeof(bytes); i += 20) {
            const uint8_t good[20] = {0, 0, 0, 4, 0, 9, MSG_VERSION};
            memcpy(bytes + i, good, sizeof(good));
        }
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525 + 1013904223;
            if (seed >> 24 < (round < 100 ? 1 : 256))
                bytes[i] = (uint8_t)(seed >> 16);
        }
        assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
        shutdown(fd, SHUT_WR);
        victim_run(&v);
        assert_int_equal(v.closed, 1);
        dropped += strstr(v.reason, "closed") == NULL;
        victim_end(&v, fd);
    }
    assert_true(dropped > 100);
    assert_int_equal(open_descriptors(), before);
}

/* The flood of one peer neither grows without bound nor starves the other. */
static void an_honest_peer_is_served_beside_a_flood(void **state)
{
    (void)state;
    struct victim v;
    struct victim honest;
    int flood = victim_open(&v);
    int other[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
    honest = (struct victim){.loop = v.loop};
    honest.chan = chan_create(v.loop, other[0], "honest", &victim_ops, &honest);
    int flags = fcntl(flood, F_GETFL);
    fcntl(flood, F_SETFL, flags | O_NONBLOCK);
    uint8_t frame[16] = {0, 0, 0, 0, 0, 9, MSG_VERSION};
    while (write(flood, frame, sizeof(frame)) == sizeof(frame))
        continue;
    attack(other[1], 0, MSG_VERSION, 0, 0, 0, 0);
    victim_run(&v);
    assert_int_equal(honest.frames, 1);
    assert_true(v.frames > 100);
    chan_free(&honest.chan);
    close(other[1]);
    victim_end(&v, flood);
}

/* libuv opens a pipe for the life of the process with the first loop: not a leak. */
static int first_loop(void **state)
{
    struct loop *loop = loop_create();
    (void)state;
    loop_free(&loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_frames),
        cmocka_unit_test(descriptor_floods),
        cmocka_unit_test(a_descriptor_with_every_byte),
        cmocka_unit_test(truncated_frames_wait_and_end),
        cmocka_unit_test(frames_byte_by_byte_are_frames),
        cmocka_unit_test(noise),
        cmocka_unit_test(an_honest_peer_is_served_beside_a_flood),
    };
    return cmocka_run_group_tests(tests, first_loop, NULL);
}
