/* SPDX-License-Identifier: Apache-2.0 */
/* The reading half of a channel against any bytes in any pieces, with descriptors anywhere: each piece is one length
 * byte (high bit: a descriptor comes along) and that many bytes. No frame passes its limits; no descriptor leaks. */
#include "os/chan.h"
#include "os/chan_in.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition)
{
    if (!condition)
        abort();
}

static void send_piece(int socket, struct slice piece, bool with_fd)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {(void *)(uintptr_t)piece.data, piece.len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (with_fd) {
        m.msg_control = &control;
        m.msg_controllen = sizeof(control);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &socket, sizeof(socket));
    }
    expect(sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)piece.len);
}

/* Takes all whole frames; false when the peer is to be dropped. */
static bool take_frames(struct chan_in *in)
{
    struct chan_in_frame frame;
    enum chan_in_result result = CHAN_IN_OK;
    while (result == CHAN_IN_OK) {
        result = chan_in_next(in, &frame);
        if (result != CHAN_IN_OK)
            break;
        expect(frame.payload.len <= CHAN_PAYLOAD_MAX);
        expect((frame.fd >= 0) == ((frame.flags & CHAN_FLAG_FD) != 0));
        if (frame.fd >= 0)
            close(frame.fd);
    }
    chan_in_compact(in);
    expect(in->fd_count <= 1 || result == CHAN_IN_BAD);
    expect(result != CHAN_IN_BAD || in->reason != NULL);
    return result == CHAN_IN_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];
    struct chan_in in;
    bool good = true;
    expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    chan_in_init(&in);
    struct slice left = slice_of(data, size);
    while (good && left.len > 1) {
        struct slice piece = slice_sub(left, 1, left.data[0] & 0x7f);
        bool full;
        bool with_fd = (left.data[0] & 0x80) != 0;
        left = slice_sub(left, 1 + piece.len, left.len);
        if (piece.len == 0)
            continue;
        send_piece(pair[0], piece, with_fd);
        enum chan_in_result result = chan_in_fill(&in, pair[1], &full);
        good = result == CHAN_IN_OK && take_frames(&in);
    }
    chan_in_free(&in);
    close(pair[0]);
    close(pair[1]);
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    expect(next >= 0 && next <= pair[0]); /* the lowest free number again: nothing leaked */
    close(next);
    return 0;
}
