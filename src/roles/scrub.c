/* SPDX-License-Identifier: Apache-2.0 */
/* The scrub role: a sandboxed parent that has loaded what decoding mail needs and forks one throw-away process for each
 * message. The parent itself reads no byte of a message. */
#include "roles/scrub.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "center/charset.h"
#include "center/mime_view.h"
#include "roles/roles.h"
#include "roles/scrub_child.h"

#define WEBS_MAX ROLE_INDEX_MAX

struct scrub {
    struct role *role;
    struct charset_set *charsets;
    struct chan *webs[WEBS_MAX];
    unsigned children;
    bool draining;
};

static void answer(struct chan *chan, uint64_t request, enum msg_code code)
{
    struct buf out;
    const struct msg_status status = {.code = (uint8_t)code};
    buf_init(&out, 64);
    layout_write(&msg_status_layout, &out, &status);
    chan_answer(chan, MSG_SCRUB, request, buf_slice(&out), -1);
    buf_free(&out);
}

static enum msg_code start_child(struct scrub *scrub, int fd)
{
    if (scrub->draining || scrub->children >= SCRUB_CHILDREN_MAX)
        return MSG_BUSY;
    pid_t pid = fork();
    if (pid == 0)
        scrub_child_main(fd);
    if (pid < 0) {
        log_warn(role_log(scrub->role), "no process for a message: %s", strerror(errno));
        return MSG_BUSY;
    }
    scrub->children++;
    return MSG_OK;
}

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct scrub *scrub = ctx;
    if (frame->type != MSG_SCRUB || frame->request == 0 || frame->payload.len != 0 || frame->fd < 0)
        return false;
    answer(chan, frame->request, start_child(scrub, frame->fd));
    close(frame->fd);
    return true;
}

static void on_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct scrub *scrub = ctx;
    log_debug(role_log(scrub->role), "peer gone: %s", reason);
    for (size_t i = 0; i < WEBS_MAX; i++)
        if (scrub->webs[i] == chan)
            chan_free(&scrub->webs[i]);
}

static void scrub_peer(void *ctx, enum role_kind kind, unsigned index, int fd)
{
    static const struct chan_ops ops = {on_frame, on_closed};
    struct scrub *scrub = ctx;
    if (kind != ROLE_WEB || index >= WEBS_MAX) {
        close(fd);
        return;
    }
    chan_free(&scrub->webs[index]);
    scrub->webs[index] = chan_create(role_loop(scrub->role), fd, "web", &ops, scrub);
}

static void drained_when_idle(struct scrub *scrub)
{
    if (scrub->draining && scrub->children == 0)
        role_drained(scrub->role);
}

/* A child that did not end well tells web by hanging up; here it is only counted and named. */
static void on_child(void *ctx, int number)
{
    struct scrub *scrub = ctx;
    int status;
    (void)number;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        scrub->children--;
        if (WIFSIGNALED(status))
            log_warn(role_log(scrub->role), "a message could not be taken apart: its process ended by signal %d",
                     WTERMSIG(status));
        else if (WEXITSTATUS(status) == 1)
            log_error(role_log(scrub->role), "a process for a message found no sandbox and ended");
    }
    drained_when_idle(scrub);
}

static bool scrub_start(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err)
{
    struct scrub *scrub = mem_new(sizeof(*scrub));
    (void)err;
    scrub->role = role;
    scrub->charsets = charset_load();
    mime_view_setup();
    sandbox->groups = SANDBOX_FORK;
    sandbox->files_max = SCRUB_FILES_MAX;
    *ret_ctx = scrub;
    return true;
}

static bool scrub_sandboxed(void *ctx, struct err *err)
{
    struct scrub *scrub = ctx;
    (void)err;
    loop_on_signal(role_loop(scrub->role), SIGCHLD, on_child, scrub);
    return true;
}

static void scrub_drain(void *ctx)
{
    struct scrub *scrub = ctx;
    scrub->draining = true;
    drained_when_idle(scrub);
}

static void scrub_stop(void *ctx)
{
    struct scrub *scrub = ctx;
    for (size_t i = 0; i < WEBS_MAX; i++)
        chan_free(&scrub->webs[i]);
    charset_unload(&scrub->charsets);
    mem_free(scrub);
}

const struct role_ops scrub_role_ops = {
    .kind = ROLE_SCRUB,
    .name = "scrub",
    .start = scrub_start,
    .sandboxed = scrub_sandboxed,
    .peer = scrub_peer,
    .drain = scrub_drain,
    .stop = scrub_stop,
};
