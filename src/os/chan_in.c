/* SPDX-License-Identifier: Apache-2.0 */
/* Reading frames. The kernel hands a descriptor over together with the first byte of the frame it was sent with, so
 * descriptors wait in a short queue, in order, for the frames that say they carry one. */
#include "os/chan_in.h"

#include "base/wire.h"
#include "os/chan.h"
#include "os/msg.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHAN_IN_CHUNK 65536u /* bytes asked for at once */

void chan_in_init(struct chan_in *in)
{
    *in = (struct chan_in){0};
    buf_init_secret(&in->bytes, CHAN_HEADER_SIZE + CHAN_PAYLOAD_MAX + CHAN_IN_CHUNK);
}

void chan_in_free(struct chan_in *in)
{
    for (size_t i = 0; i < in->fd_count; i++)
        close(in->fds[i]);
    in->fd_count = 0;
    in->at = 0;
    buf_free(&in->bytes);
}

static enum chan_in_result chan_in_bad(struct chan_in *in, const char *reason)
{
    in->reason = reason;
    return CHAN_IN_BAD;
}

/* Takes the descriptors of one control message; false when there were more than there may be. */
static bool chan_in_take_fds(struct chan_in *in, struct cmsghdr *c)
{
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    bool fits = count <= 1;
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
        if (in->fd_count < CHAN_IN_FDS_MAX) {
            in->fds[in->fd_count++] = fd;
        } else {
            close(fd);
            fits = false;
        }
    }
    return fits;
}

static bool chan_in_control(struct chan_in *in, struct msghdr *m)
{
    bool good = true;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            good = chan_in_take_fds(in, c) && good;
    if (!good)
        in->reason = "more than one descriptor with a frame";
    if ((m->msg_flags & MSG_CTRUNC) != 0) {
        in->reason = "descriptors were lost: too many sent, or our own limit is reached";
        good = false;
    }
    return good;
}

enum chan_in_result chan_in_fill(struct chan_in *in, int socket, bool *ret_full)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control;
    size_t room = in->bytes.max - in->bytes.len;
    room = room > CHAN_IN_CHUNK ? CHAN_IN_CHUNK : room;
    uint8_t *to = buf_reserve(&in->bytes, room);
    if (to == NULL || room == 0)
        return chan_in_bad(in, "input is full");
    struct iovec iov = {to, room};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    *ret_full = n == (ssize_t)room;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return CHAN_IN_MORE;
    if (n < 0)
        return errno == ECONNRESET ? CHAN_IN_END : chan_in_bad(in, "reading failed");
    if (!chan_in_control(in, &m))
        return CHAN_IN_BAD;
    if (n == 0)
        return CHAN_IN_END;
    buf_added(&in->bytes, (size_t)n);
    return CHAN_IN_OK;
}

/* The oldest waiting descriptor; there is one. */
static int chan_in_pop_fd(struct chan_in *in)
{
    int fd = in->fds[0];
    in->fd_count--;
    memmove(in->fds, in->fds + 1, in->fd_count * sizeof(*in->fds));
    return fd;
}

enum chan_in_result chan_in_next(struct chan_in *in, struct chan_in_frame *ret_frame)
{
    struct slice left = slice_sub(buf_slice(&in->bytes), in->at, SIZE_MAX);
    if (left.len < CHAN_HEADER_SIZE) {
        if (in->fd_count > (left.len > 0 ? 1 : 0))
            return chan_in_bad(in, "a descriptor without its frame");
        return CHAN_IN_MORE;
    }
    struct wire_reader r = wire_reader_of(left);
    uint32_t len = wire_u32(&r);
    *ret_frame = (struct chan_in_frame){.type = wire_u16(&r), .fd = -1};
    uint8_t version = wire_u8(&r);
    ret_frame->flags = wire_u8(&r);
    ret_frame->request = wire_u64(&r);
    if (len > CHAN_PAYLOAD_MAX)
        return chan_in_bad(in, "a frame longer than the limit");
    if (version != MSG_VERSION)
        return chan_in_bad(in, "another version of the protocol");
    if ((ret_frame->flags & ~(CHAN_FLAG_ANSWER | CHAN_FLAG_FD)) != 0)
        return chan_in_bad(in, "unknown flags");
    bool wants_fd = (ret_frame->flags & CHAN_FLAG_FD) != 0;
    if (wants_fd && in->fd_count == 0)
        return chan_in_bad(in, "a frame without its descriptor");
    if (wire_left(&r) < len) {
        if (in->fd_count > (wants_fd ? 1 : 0))
            return chan_in_bad(in, "a descriptor without its frame");
        return CHAN_IN_MORE;
    }
    ret_frame->payload = wire_bytes(&r, len);
    in->at += CHAN_HEADER_SIZE + len;
    if (wants_fd)
        ret_frame->fd = chan_in_pop_fd(in);
    return CHAN_IN_OK;
}

void chan_in_compact(struct chan_in *in)
{
    buf_consume(&in->bytes, in->at);
    in->at = 0;
}
