/* SPDX-License-Identifier: Apache-2.0 */
/* One question, one message, one answer, the end. */
#include "roles/scrub_child.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "center/mime_view.h"
#include "os/sandbox.h"
#include "roles/scrub.h"

/* Waits until fd can be read or written. False after VIEW_WAIT_US: web has given up long before. */
static bool wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;
    do
        n = poll(&p, 1, (int)(VIEW_WAIT_US / 1000) * 3);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static bool read_exactly(int fd, uint8_t *to, size_t length)
{
    size_t have = 0;
    while (have < length) {
        ssize_t n = recv(fd, to + have, length - have, 0);
        if (n == 0)
            return false;
        if (n > 0)
            have += (size_t)n;
        else if (errno != EINTR && !(errno == EAGAIN && wait_for(fd, POLLIN)))
            return false;
    }
    return true;
}

static bool write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (n > 0)
            bytes = slice_sub(bytes, (size_t)n, bytes.len);
        else if (errno != EINTR && !(errno == EAGAIN && wait_for(fd, POLLOUT)))
            return false;
    }
    return true;
}

static bool read_question(int fd, struct view_question *ret_question, struct buf *message)
{
    uint8_t bytes[VIEW_QUESTION_SIZE];
    if (!read_exactly(fd, bytes, sizeof(bytes)) ||
        !layout_read(&view_question_layout, slice_of(bytes, sizeof(bytes)), ret_question) ||
        ret_question->message_length > VIEW_MESSAGE_MAX)
        return false;
    size_t length = (size_t)ret_question->message_length;
    uint8_t *room = buf_reserve(message, length);
    if (room == NULL || !read_exactly(fd, room, length))
        return false;
    buf_added(message, length);
    return true;
}

static bool write_answer(int fd, const struct mime_view *view)
{
    struct buf out;
    buf_init_secret(&out, VIEW_ANSWER_MAX + 4);
    wire_put_u32(&out, 0);
    layout_write(&view_answer_layout, &out, &view->answer);
    if (!buf_ok(&out))
        return false;
    wire_patch_u32(&out, 0, (uint32_t)(out.len - 4));
    return write_all(fd, buf_slice(&out)) && write_all(fd, buf_slice(&view->content));
}

/* Leaves nothing open but the stream and standard error. */
static void keep_only(int fd)
{
    for (int other = 0; other < SCRUB_FILES_MAX; other++)
        if (other != fd && other != STDERR_FILENO)
            close(other);
}

_Noreturn void scrub_child_main(int fd)
{
    struct err err = {""};
    struct view_question question;
    struct buf message;
    struct mime_view view;
    keep_only(fd);
    if (!sandbox_enter_pipe_only(VIEW_MEMORY_MAX, VIEW_CPU_SECONDS, &err))
        _exit(1);
    buf_init_secret(&message, VIEW_MESSAGE_MAX);
    if (!read_question(fd, &question, &message))
        _exit(2);
    mime_view_read(buf_slice(&message), question.part, &view);
    bool good = write_answer(fd, &view);
    _exit(good ? 0 : 2);
}
