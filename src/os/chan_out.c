/* SPDX-License-Identifier: Apache-2.0 */
/* Writing frames. A descriptor travels with the first byte of its frame; a single sendmsg() never crosses the start of
 * a second frame that carries one. */
#include "os/chan_out.h"

#include "base/mem.h"
#include "base/wire.h"
#include "os/chan_in.h"
#include "os/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHAN_OUT_KEEP 1048576u /* memory kept for the next burst; more is given back when all is sent */

struct chan_out_mark {
    size_t at; /* offset of the frame in bytes */
    int fd;
};

void chan_out_init(struct chan_out *out, size_t max)
{
    *out = (struct chan_out){0};
    buf_init_secret(&out->bytes, max);
}

void chan_out_free(struct chan_out *out)
{
    for (size_t i = 0; i < out->mark_count; i++)
        close(out->marks[i].fd);
    mem_free(out->marks);
    out->marks = NULL;
    out->mark_count = out->mark_cap = 0;
    out->sent = 0;
    buf_free(&out->bytes);
}

/* Notes a duplicate of fd for the frame about to be gathered. */
static bool chan_out_mark(struct chan_out *out, int fd)
{
    if (out->mark_count == CHAN_OUT_FDS_MAX)
        return false;
    if (out->mark_count == out->mark_cap) {
        out->mark_cap = out->mark_cap == 0 ? 4 : out->mark_cap * 2;
        out->marks = mem_resize_array(out->marks, out->mark_cap, sizeof(*out->marks));
    }
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return false;
    out->marks[out->mark_count++] = (struct chan_out_mark){out->bytes.len, copy};
    return true;
}

bool chan_out_frame(struct chan_out *out, uint16_t type, uint8_t flags, uint64_t request, struct slice payload, int fd)
{
    if (buf_reserve(&out->bytes, CHAN_HEADER_SIZE + payload.len) == NULL)
        return false;
    if (fd >= 0 && !chan_out_mark(out, fd))
        return false;
    wire_put_u32(&out->bytes, (uint32_t)payload.len);
    wire_put_u16(&out->bytes, type);
    wire_put_u8(&out->bytes, MSG_VERSION);
    wire_put_u8(&out->bytes, (uint8_t)(flags | (fd >= 0 ? CHAN_FLAG_FD : 0)));
    wire_put_u64(&out->bytes, request);
    return buf_append_slice(&out->bytes, payload);
}

/* One sendmsg() of the bytes up to the next frame with a descriptor; returns what it returned. */
static ssize_t chan_out_send(struct chan_out *out, int socket, bool *ret_fd_sent)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    size_t next = 0;
    struct iovec iov = {.iov_base = out->bytes.data + out->sent};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    *ret_fd_sent = out->mark_count > 0 && out->marks[0].at == out->sent;
    if (*ret_fd_sent) {
        m.msg_control = &control;
        m.msg_controllen = sizeof(control);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &out->marks[0].fd, sizeof(int));
        next = 1;
    }
    size_t end = next < out->mark_count ? out->marks[next].at : out->bytes.len;
    iov.iov_len = end - out->sent;
    return sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void chan_out_drop_mark(struct chan_out *out)
{
    close(out->marks[0].fd);
    out->mark_count--;
    memmove(out->marks, out->marks + 1, out->mark_count * sizeof(*out->marks));
}

/* Gives the place of sent bytes back: whole when nothing waits, otherwise when it is worth the move. */
static void chan_out_tidy(struct chan_out *out)
{
    if (out->sent == out->bytes.len) {
        if (out->bytes.cap > CHAN_OUT_KEEP)
            buf_free(&out->bytes);
        else
            buf_reset(&out->bytes);
        out->sent = 0;
    } else if (out->sent > out->bytes.len / 2) {
        for (size_t i = 0; i < out->mark_count; i++)
            out->marks[i].at -= out->sent;
        buf_consume(&out->bytes, out->sent);
        out->sent = 0;
    }
}

enum chan_out_result chan_out_write(struct chan_out *out, int socket)
{
    enum chan_out_result result = CHAN_OUT_DONE;
    while (result == CHAN_OUT_DONE && out->sent < out->bytes.len) {
        bool fd_sent;
        ssize_t n = chan_out_send(out, socket, &fd_sent);
        if (n > 0) {
            out->sent += (size_t)n;
            if (fd_sent)
                chan_out_drop_mark(out);
        } else if (n == 0 || errno == EAGAIN) {
            result = CHAN_OUT_BLOCKED;
        } else if (errno != EINTR) {
            result = CHAN_OUT_BROKEN;
        }
    }
    chan_out_tidy(out);
    return result;
}

size_t chan_out_pending(const struct chan_out *out)
{
    return out->bytes.len - out->sent;
}
