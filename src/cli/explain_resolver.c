/* SPDX-License-Identifier: Apache-2.0 */
/* Boots a resolver: configuration, descriptors, start, ready, then one channel as a courier has it. */
#include "cli/explain_resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "roles/supervisor.h"

#define READY_US (60 * CLOCK_US_PER_S) /* reading anchors and authorities, on a busy machine */
#define END_US (2 * CLOCK_US_PER_S)    /* it owes nothing to anybody */

struct explain_resolver {
    struct loop *loop;
    struct chan *control;
    struct chan *chan;
    struct loop_timer *timer;
    int pid_fd;
    struct loop_watch *gone; /* NULL once the process is gone */
    bool ready;
};

/* Where the program may stand: beside ours, in the build tree, installed. */
static int open_program(struct err *err)
{
    static const char *const places[] = {"sealpost-resolver", "../roles/sealpost-resolver", "../sbin/sealpost-resolver"};
    char path[4096 + 64];
    ssize_t len = readlink("/proc/self/exe", path, 4096);
    char *slash;
    int fd = -1;

    path[len < 0 ? 0 : len] = '\0';
    slash = strrchr(path, '/');
    for (size_t i = 0; slash != NULL && fd < 0 && i < sizeof(places) / sizeof(*places); i++) {
        (void)snprintf(slash + 1, 64, "%s", places[i]);
        fd = open(path, O_PATH | O_CLOEXEC);
    }
    if (fd < 0) {
        (void)err_set(err, "cannot find the program sealpost-resolver beside this one");
    }
    return fd;
}

/* In the child, between fork and exec: only async-signal-safe calls. */
static _Noreturn void become(int program, bool root, uint32_t uid, int fd)
{
    char *const argv[] = {(char *)(uintptr_t) "sealpostd", (char *)(uintptr_t) "--role", (char *)(uintptr_t) "resolver", NULL};
    sigset_t none;

    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (program == ROLE_SUPERVISOR_FD && (program = fcntl(program, F_DUPFD_CLOEXEC, ROLE_SUPERVISOR_FD + 1)) < 0) {
        _exit(127);
    }
    if (fd == ROLE_SUPERVISOR_FD) {
        (void)fcntl(fd, F_SETFD, 0);
    } else if (dup2(fd, ROLE_SUPERVISOR_FD) < 0) {
        _exit(127);
    }
    if (root && (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)) {
        _exit(126);
    }
    (void)fexecve(program, argv, environ);
    _exit(127);
}

static void on_gone(void *ctx, unsigned events)
{
    struct explain_resolver *resolver = ctx;
    (void)events;

    loop_watch_free(&resolver->gone);
    loop_stop(resolver->loop);
}

static bool spawn(struct explain_resolver *resolver, const struct conf *conf, int fd, struct err *err)
{
    int program = open_program(err);
    pid_t pid;

    if (program < 0) {
        return false;
    }
    (void)signal(SIGCHLD, SIG_IGN); /* in the sandbox nobody can wait for it: the kernel shall bury it */
    pid = fork();
    if (pid == 0) {
        become(program, geteuid() == 0, (uint32_t)conf->roles_uid + ROLE_RESOLVER, fd);
    }
    (void)close(program);
    resolver->pid_fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    resolver->gone = resolver->pid_fd < 0 ? NULL : loop_watch_create(resolver->loop, resolver->pid_fd, LOOP_READ, on_gone, resolver);
    return pid > 0 || err_errno(err, errno, "cannot start a resolver");
}

static void send_layout(struct chan *chan, uint16_t type, const struct layout *layout, const void *object, int fd)
{
    struct buf payload;

    buf_init(&payload, CHAN_PAYLOAD_MAX);
    layout_write(layout, &payload, object);
    chan_send(chan, type, buf_slice(&payload), fd);
    buf_free(&payload);
}

/* A file of the configuration, handed over when a resolver may have it. */
static void send_file(struct chan *chan, enum role_fd what, const char *path)
{
    struct msg_fd msg = {.what = (uint8_t)what};
    int fd = path == NULL || !supervisor_fd_is_for(what, 0, ROLE_RESOLVER) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd >= 0) {
        send_layout(chan, MSG_FD, &msg_fd_layout, &msg, fd);
        (void)close(fd);
    }
}

/* What the file says, and behind it what is different here: only errors are logged, and whoever is not root keeps its user
 * id, which the role must then call its own. */
static void hand_over(struct explain_resolver *resolver, const struct conf *conf, const char *name, const char *text)
{
    struct msg_boot boot = {.kind = ROLE_RESOLVER, .epoch = 1, .name = slice_str(name)};
    struct buf counts;
    struct buf all;

    buf_init(&counts, MSG_COUNTS_MAX);
    buf_init(&all, MSG_CONF_MAX);
    for (size_t i = 0; i < ROLE_KIND_COUNT; i++) {
        wire_put_u32(&counts, i == ROLE_RESOLVER ? 1 : 0);
    }
    (void)buf_printf(&all, "%s\nlog-level = \"error\"\n", text);
    if (geteuid() != 0 && geteuid() > ROLE_RESOLVER) {
        (void)buf_printf(&all, "roles {\n uid = %u\n}\n", (unsigned)geteuid() - ROLE_RESOLVER);
    }
    boot.counts = buf_slice(&counts);
    boot.text = buf_slice(&all);
    send_layout(resolver->control, MSG_BOOT, &msg_boot_layout, &boot, -1);
    send_file(resolver->control, ROLE_FD_TRUST_ANCHOR, conf->resolver_trust_anchor);
    send_file(resolver->control, ROLE_FD_CA_FILE, conf->trust_ca_file);
    chan_send(resolver->control, MSG_START, SLICE_EMPTY, -1);
    buf_free(&counts);
    buf_free(&all);
}

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct explain_resolver *resolver = ctx;

    if (chan != resolver->control || frame->fd >= 0) {
        return false;
    }
    if (frame->type == MSG_READY) {
        resolver->ready = true;
        loop_stop(resolver->loop);
    }
    return frame->type == MSG_READY || frame->type == MSG_ALARM;
}

static void on_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct explain_resolver *resolver = ctx;
    (void)reason;

    chan_free(chan == resolver->control ? &resolver->control : &resolver->chan);
    loop_stop(resolver->loop);
}

static const struct chan_ops control_ops = {.frame = on_frame, .closed = on_closed};

static void on_timer(void *ctx)
{
    struct explain_resolver *resolver = ctx;
    loop_stop(resolver->loop);
}

static bool pair_of(int pair[2], struct err *err)
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0 ||
           err_errno(err, errno, "cannot start a resolver");
}

/* Introduces us as a courier. */
static bool join(struct explain_resolver *resolver, struct err *err)
{
    const struct msg_peer peer = {.kind = ROLE_COURIER};
    int pair[2];

    if (!pair_of(pair, err)) {
        return false;
    }
    send_layout(resolver->control, MSG_PEER, &msg_peer_layout, &peer, pair[1]);
    (void)close(pair[1]);
    resolver->chan = chan_create(resolver->loop, pair[0], "resolver", &control_ops, resolver);
    return true;
}

/* Starts the process and waits for its word. */
static bool boot(struct explain_resolver *resolver, const struct conf *conf, const char *name, const char *text, struct err *err)
{
    int pair[2];
    bool started;

    if (!pair_of(pair, err)) {
        return false;
    }
    started = spawn(resolver, conf, pair[1], err);
    (void)close(pair[1]);
    if (!started) {
        (void)close(pair[0]);
        return false;
    }
    resolver->control = chan_create(resolver->loop, pair[0], "resolver", &control_ops, resolver);
    hand_over(resolver, conf, name, text);
    loop_timer_start(resolver->timer, READY_US);
    loop_run(resolver->loop);
    loop_timer_stop(resolver->timer);
    return resolver->ready || err_set(err, "the resolver did not start; it says above why");
}

struct explain_resolver *explain_resolver_start(struct loop *loop, const struct conf *conf, const char *conf_path,
                                                struct err *err)
{
    struct explain_resolver *resolver = mem_new(sizeof(*resolver));
    struct conf *again = NULL;
    char *name = realpath(conf_path, NULL);
    char *text = NULL;
    bool ok = supervisor_load(name == NULL ? conf_path : name, &text, &again, err);

    resolver->loop = loop;
    resolver->pid_fd = -1;
    resolver->timer = loop_timer_create(loop, on_timer, resolver);
    ok = ok && boot(resolver, conf, name == NULL ? conf_path : name, text, err) && join(resolver, err);
    conf_free(&again);
    mem_free(text);
    free(name);
    if (!ok) {
        explain_resolver_free(&resolver);
    }
    return resolver;
}

struct chan *explain_resolver_chan(struct explain_resolver *resolver)
{
    return resolver->control == NULL ? NULL : resolver->chan;
}

void explain_resolver_end(struct explain_resolver *resolver)
{
    if (resolver->control != NULL) {
        chan_send(resolver->control, MSG_DRAIN, SLICE_EMPTY, -1);
        loop_timer_start(resolver->timer, END_US);
    }
    while ((resolver->control != NULL || resolver->gone != NULL) && loop_timer_running(resolver->timer)) {
        loop_run(resolver->loop);
    }
}

void explain_resolver_free(struct explain_resolver **resolver)
{
    if (resolver == NULL || *resolver == NULL) {
        return;
    }
    chan_free(&(*resolver)->chan);
    chan_free(&(*resolver)->control);
    loop_watch_free(&(*resolver)->gone);
    if ((*resolver)->pid_fd >= 0) {
        (void)close((*resolver)->pid_fd);
    }
    loop_timer_free(&(*resolver)->timer);
    mem_free(*resolver);
    *resolver = NULL;
}
