/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an instance, told by its phases: starting (every process is started, handed what it may use, and said
 * ready), running (a process that dies is started again after a growing pause), then on a stop the draining in order:
 * first those that face the network (sessions are told 421, couriers finish what is past the final dot), then the
 * store, then keyd and the resolver. Each step has a deadline; behind it stands SIGKILL. */
#include "roles/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/file.h"

#define STEP_DEADLINE_US (3 * CLOCK_US_PER_S) /* three steps stay below the 10 s a stop may take */
#define READY_DEADLINE_US (120 * CLOCK_US_PER_S) /* replay of a large journal */
#define PAUSE_FIRST_US (50 * CLOCK_US_PER_MS)
#define PAUSE_MOST_US (10 * CLOCK_US_PER_S)
#define STEADY_US (2 * CLOCK_US_PER_S) /* a process that lived this long did its work: it starts again at once */
#define EXIT_FOR_GOOD 3

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_DRAIN_FRONT, PHASE_DRAIN_STORE, PHASE_DRAIN_REST };

enum child_state {
    CHILD_DOWN,     /* waits for its pause, or is not wanted any more */
    CHILD_STARTED,  /* told what it needs, not ready yet */
    CHILD_READY,    /* joined with its peers */
    CHILD_FINISHED, /* ended for good: only the operator starts it again */
};

struct supervisor;

struct child {
    struct supervisor *sup;
    enum role_kind kind;
    unsigned index;
    enum child_state state;
    pid_t pid; /* 0: none */
    struct chan *chan;
    struct loop_timer *pause;
    int64_t pause_us;
    int64_t started_us; /* clock_wait_us() */
};

struct supervisor {
    struct log log;
    struct loop *loop;
    char *conf_path;
    char *conf_text;
    struct conf *conf;
    struct supervisor_fds fds;
    struct child child[SUPERVISOR_CHILDREN_MAX];
    size_t child_count;
    unsigned counts[ROLE_KIND_COUNT];
    uint64_t epoch;
    enum phase phase;
    struct loop_timer *deadline;
    int status;
};

static void child_start(struct child *child);
static void step(struct supervisor *sup);
static void begin_phase(struct supervisor *sup, enum phase phase);

static void send_layout(struct chan *chan, uint16_t type, const struct layout *layout, const void *object, int fd)
{
    struct buf b;

    buf_init(&b, CHAN_PAYLOAD_MAX);
    layout_write(layout, &b, object);
    chan_send(chan, type, buf_slice(&b), fd);
    buf_free(&b);
}

/* --- joining --- */

/* Gives two ready processes a fresh pair of connected sockets. */
static void join(struct child *a, struct child *b)
{
    int pair[2];
    struct msg_peer to_a = {.kind = (uint8_t)b->kind, .index = b->index};
    struct msg_peer to_b = {.kind = (uint8_t)a->kind, .index = a->index};

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        log_alarm(&a->sup->log, "cannot join %s.%u with %s.%u: %s", role_kind_name(a->kind), a->index,
                  role_kind_name(b->kind), b->index, strerror(errno));
        return;
    }
    send_layout(a->chan, MSG_PEER, &msg_peer_layout, &to_a, pair[0]);
    send_layout(b->chan, MSG_PEER, &msg_peer_layout, &to_b, pair[1]);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void join_all(struct child *child)
{
    struct supervisor *sup = child->sup;

    for (size_t i = 0; i < sup->child_count; i++) {
        struct child *other = &sup->child[i];
        /* A ready one without a channel has died, and SIGCHLD is on its way: its successor is joined. */
        bool there = other != child && other->state == CHILD_READY && other->chan != NULL;
        if (there && supervisor_joined(child->kind, other->kind)) {
            join(child, other);
        }
    }
}

/* --- ready --- */

/* The protocol of sd_notify(3), without the library: one datagram. */
static void notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd;

    if (path == NULL || strlen(path) >= sizeof(addr.sun_path)) {
        return;
    }
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    if (addr.sun_path[0] == '@') {
        addr.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&addr,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
        (void)close(fd);
    }
}

static void check_all_ready(struct supervisor *sup)
{
    if (sup->phase != PHASE_STARTING) {
        return;
    }
    for (size_t i = 0; i < sup->child_count; i++) {
        if (sup->child[i].state != CHILD_READY) {
            return;
        }
    }
    sup->phase = PHASE_RUNNING;
    loop_timer_stop(sup->deadline);
    log_info(&sup->log, "ready: %zu processes", sup->child_count);
    (void)printf("ready\n");
    (void)fflush(stdout);
    notify("READY=1");
}

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct child *child = ctx;
    struct msg_text text;
    (void)chan;

    if (frame->fd >= 0) {
        return false;
    }
    if (frame->type == MSG_READY && frame->payload.len == 0 && child->state == CHILD_STARTED) {
        child->state = CHILD_READY;
        join_all(child);
        check_all_ready(child->sup);
        return true;
    }
    if (frame->type == MSG_ALARM && layout_read(&msg_text_layout, frame->payload, &text)) {
        log_alarm(&child->sup->log, "%s.%u: %.*s", role_kind_name(child->kind), child->index, (int)text.text.len,
                  (const char *)text.text.data);
        return true;
    }
    return false;
}

/* A process that closed its channel or broke the protocol is ended; SIGCHLD does the rest. */
static void on_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct child *child = ctx;
    (void)chan;

    log_debug(&child->sup->log, "%s.%u: channel closed: %s", role_kind_name(child->kind), child->index, reason);
    chan_free(&child->chan);
    if (child->pid > 0) {
        (void)kill(child->pid, SIGKILL);
    }
}

static const struct chan_ops child_chan_ops = {.frame = on_frame, .closed = on_closed};

/* --- starting --- */

static void hand_over(struct child *child)
{
    struct supervisor *sup = child->sup;
    struct buf counts;
    struct msg_boot boot = {.kind = (uint8_t)child->kind,
                            .index = child->index,
                            .epoch = sup->epoch,
                            .name = slice_str(sup->conf_path),
                            .text = slice_str(sup->conf_text)};

    buf_init(&counts, ROLE_KIND_COUNT * sizeof(uint32_t));
    for (size_t i = 0; i < ROLE_KIND_COUNT; i++) {
        wire_put_u32(&counts, sup->counts[i]);
    }
    boot.counts = buf_slice(&counts);
    send_layout(child->chan, MSG_BOOT, &msg_boot_layout, &boot, -1);
    buf_free(&counts);
    for (size_t i = 0; i < sup->fds.count; i++) {
        const struct supervisor_fd *f = &sup->fds.item[i];
        struct msg_fd msg = {.what = (uint8_t)f->what, .index = f->index};
        if (supervisor_fd_is_for(f->what, f->index, child->kind)) {
            send_layout(child->chan, MSG_FD, &msg_fd_layout, &msg, f->fd);
        }
    }
    chan_send(child->chan, MSG_START, SLICE_EMPTY, -1);
}

static void child_pause(struct child *child)
{
    bool steady = clock_wait_us() - child->started_us > STEADY_US;

    child->pause_us = steady || child->pause_us == 0 ? PAUSE_FIRST_US : child->pause_us * 2;
    if (child->pause_us > PAUSE_MOST_US) {
        child->pause_us = PAUSE_MOST_US;
    }
    loop_timer_start(child->pause, child->pause_us);
}

static void child_start(struct child *child)
{
    struct supervisor *sup = child->sup;
    struct err err = {{0}};
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        log_alarm(&sup->log, "cannot start %s.%u: %s", role_kind_name(child->kind), child->index, strerror(errno));
        child_pause(child);
        return;
    }
    sup->epoch++;
    child->started_us = clock_wait_us();
    child->pid = supervisor_spawn(child->kind, child->index, (uint32_t)sup->conf->roles_uid + (uint32_t)child->kind,
                                  pair[1], &err);
    (void)close(pair[1]);
    if (child->pid < 0) {
        child->pid = 0;
        (void)close(pair[0]);
        log_alarm(&sup->log, "%s", err.text);
        child_pause(child);
        return;
    }
    child->state = CHILD_STARTED;
    child->chan = chan_create(sup->loop, pair[0], role_kind_name(child->kind), &child_chan_ops, child);
    hand_over(child);
}

static void on_pause_over(void *ctx)
{
    struct child *child = ctx;

    if (child->sup->phase <= PHASE_RUNNING) {
        child_start(child);
    }
}

/* --- ends --- */

static void tell_gone(struct child *gone)
{
    struct supervisor *sup = gone->sup;
    struct msg_peer msg = {.kind = (uint8_t)gone->kind, .index = gone->index};

    for (size_t i = 0; i < sup->child_count; i++) {
        if (sup->child[i].chan != NULL && supervisor_joined(gone->kind, sup->child[i].kind)) {
            send_layout(sup->child[i].chan, MSG_GONE, &msg_peer_layout, &msg, -1);
        }
    }
}

static void describe_end(const struct child *child, int status, char *out, size_t size)
{
    if (WIFSIGNALED(status)) {
        (void)snprintf(out, size, "%s.%u was ended by signal %d", role_kind_name(child->kind), child->index, WTERMSIG(status));
    } else {
        (void)snprintf(out, size, "%s.%u ended with status %d", role_kind_name(child->kind), child->index, WEXITSTATUS(status));
    }
}

/* Nobody will answer on the control socket of a process that stays away: who asks is told so instead of waiting. */
static void close_control(struct supervisor *sup, enum role_kind kind)
{
    for (size_t i = 0; i < sup->fds.count; i++) {
        struct supervisor_fd *f = &sup->fds.item[i];
        if ((f->what == ROLE_FD_STORE_CONTROL || f->what == ROLE_FD_KEYD_CONTROL) && f->fd >= 0 &&
            supervisor_fd_is_for(f->what, f->index, kind)) {
            (void)close(f->fd);
            f->fd = -1;
        }
    }
}

static void child_ended(struct child *child, int status)
{
    struct supervisor *sup = child->sup;
    bool never_ready = child->state == CHILD_STARTED;
    bool for_good = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FOR_GOOD;
    char text[128];

    describe_end(child, status, text, sizeof(text));
    child->pid = 0;
    child->state = CHILD_DOWN;
    chan_free(&child->chan);
    tell_gone(child);
    if (sup->phase > PHASE_RUNNING) {
        step(sup);
        return;
    }
    if (for_good && sup->phase == PHASE_STARTING) {
        child->state = CHILD_FINISHED;
        log_error(&sup->log, "%s", text);
    } else if (for_good) {
        child->state = CHILD_FINISHED;
        close_control(sup, child->kind);
        log_alarm(&sup->log, "%s and is not started again: read its last line, mend the cause, then restart sealpostd", text);
    } else if (sup->phase == PHASE_STARTING && never_ready) {
        log_error(&sup->log, "%s before it was ready", text);
    } else {
        log_warn(&sup->log, "%s and is started again", text);
    }
    if (sup->phase == PHASE_STARTING && (never_ready || for_good)) {
        sup->status = 1;
        log_error(&sup->log, "sealpostd cannot start and stops: the lines above tell why");
        begin_phase(sup, PHASE_DRAIN_FRONT);
        step(sup);
    } else if (!for_good) {
        child_pause(child);
    }
}

static void on_child_signal(void *ctx, int signal)
{
    struct supervisor *sup = ctx;
    int status;
    pid_t pid;
    (void)signal;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < sup->child_count; i++) {
            if (sup->child[i].pid == pid) {
                child_ended(&sup->child[i], status);
                break;
            }
        }
    }
}

/* --- draining --- */

static enum phase phase_of(enum role_kind kind)
{
    switch (kind) {
    case ROLE_INTAKE:
    case ROLE_WEB:
    case ROLE_COURIER: return PHASE_DRAIN_FRONT;
    case ROLE_STORE: return PHASE_DRAIN_STORE;
    default: return PHASE_DRAIN_REST;
    }
}

static size_t alive(const struct supervisor *sup, enum phase phase)
{
    size_t n = 0;

    for (size_t i = 0; i < sup->child_count; i++) {
        n += sup->child[i].pid > 0 && phase_of(sup->child[i].kind) == phase;
    }
    return n;
}

static void begin_phase(struct supervisor *sup, enum phase phase)
{
    sup->phase = phase;
    loop_timer_start(sup->deadline, STEP_DEADLINE_US);
    for (size_t i = 0; i < sup->child_count; i++) {
        if (sup->child[i].chan != NULL && phase_of(sup->child[i].kind) == phase) {
            chan_send(sup->child[i].chan, MSG_DRAIN, SLICE_EMPTY, -1);
        }
    }
}

/* Goes on to the next phase when nobody of this one is alive. */
static void step(struct supervisor *sup)
{
    while (alive(sup, sup->phase) == 0) {
        if (sup->phase == PHASE_DRAIN_REST) {
            loop_timer_stop(sup->deadline);
            loop_stop(sup->loop);
            return;
        }
        begin_phase(sup, sup->phase + 1);
    }
}

static void on_deadline(void *ctx)
{
    struct supervisor *sup = ctx;

    if (sup->phase == PHASE_STARTING) {
        log_error(&sup->log, "not every process became ready in %d s", (int)(READY_DEADLINE_US / CLOCK_US_PER_S));
        sup->status = 1;
        begin_phase(sup, PHASE_DRAIN_FRONT);
        step(sup);
        return;
    }
    for (size_t i = 0; i < sup->child_count; i++) {
        struct child *child = &sup->child[i];
        if (child->pid > 0 && phase_of(child->kind) == sup->phase) {
            log_warn(&sup->log, "%s.%u did not finish in time and is ended", role_kind_name(child->kind), child->index);
            (void)kill(child->pid, SIGKILL);
        }
    }
}

static void on_stop_signal(void *ctx, int signal)
{
    struct supervisor *sup = ctx;
    (void)signal;

    if (sup->phase <= PHASE_RUNNING) {
        log_info(&sup->log, "stopping");
        notify("STOPPING=1");
        begin_phase(sup, PHASE_DRAIN_FRONT);
        step(sup);
    }
}

/* --- reload --- */

/* Reads the configuration and looks at what it names; warnings go to the log. */
static bool load_checked(struct supervisor *sup, char **ret_text, struct conf **ret_conf, struct err *err)
{
    struct buf warnings;
    bool ok;

    buf_init(&warnings, CONF_TEXT_MAX);
    ok = supervisor_load(sup->conf_path, ret_text, ret_conf, err) && supervisor_check(*ret_conf, &warnings, err);
    for (size_t at = 0; ok && at < warnings.len;) {
        size_t end = slice_find(buf_slice(&warnings), at, '\n');
        log_warn(&sup->log, "%.*s", (int)(end - at), (const char *)warnings.data + at);
        at = end + 1;
    }
    buf_free(&warnings);
    return ok;
}

/* The processes were made with the old profile's code and cannot load another's inside their sandbox. */
static bool same_profile(const struct conf *old, const struct conf *new, struct err *err)
{
    return (old->trust_profile == new->trust_profile && strcmp(old->trust_fips_config, new->trust_fips_config) == 0) ||
           err_set(err, "trust.profile and trust.fips-config change with a restart only");
}

static void on_reload_signal(void *ctx, int signal)
{
    struct supervisor *sup = ctx;
    struct err err = {{0}};
    char *text = NULL;
    struct conf *conf = NULL;
    (void)signal;

    if (!load_checked(sup, &text, &conf, &err) || !same_profile(sup->conf, conf, &err) || !supervisor_fds_renew(&sup->fds, conf, &err)) {
        log_error(&sup->log, "reload refused, the old configuration stays: %s", err.text);
        mem_free(text);
        conf_free(&conf);
        return;
    }
    mem_free(sup->conf_text);
    conf_free(&sup->conf);
    sup->conf_text = text;
    sup->conf = conf;
    for (size_t i = 0; i < sup->child_count; i++) {
        struct msg_conf msg = {.name = slice_str(sup->conf_path), .text = slice_str(text)};
        for (size_t f = 0; sup->child[i].chan != NULL && f < sup->fds.count; f++) {
            const struct supervisor_fd *item = &sup->fds.item[f];
            struct msg_fd fd = {.what = (uint8_t)item->what, .index = item->index};
            bool file = item->what == ROLE_FD_CERTIFICATE || item->what == ROLE_FD_PRIVATE_KEY || item->what == ROLE_FD_CA_FILE ||
                        item->what == ROLE_FD_TRUST_ANCHOR;
            if (file && supervisor_fd_is_for(item->what, item->index, sup->child[i].kind)) {
                send_layout(sup->child[i].chan, MSG_FD, &msg_fd_layout, &fd, item->fd);
            }
        }
        if (sup->child[i].chan != NULL) {
            send_layout(sup->child[i].chan, MSG_RELOAD, &msg_conf_layout, &msg, -1);
        }
    }
    log_info(&sup->log, "configuration read again; listeners, folders and process counts change with a restart only");
}

/* --- whole --- */

static void add_children(struct supervisor *sup, enum role_kind kind, uint64_t count)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    count = count == 0 ? (uint64_t)(cores < 1 ? 1 : cores) : count;
    count = count > ROLE_INDEX_MAX ? ROLE_INDEX_MAX : count;
    sup->counts[kind] = (unsigned)count;
    for (unsigned i = 0; i < count && sup->child_count < SUPERVISOR_CHILDREN_MAX; i++) {
        struct child *child = &sup->child[sup->child_count++];
        child->sup = sup;
        child->kind = kind;
        child->index = i;
        child->pause = loop_timer_create(sup->loop, on_pause_over, child);
    }
}

static void run(struct supervisor *sup)
{
    sup->loop = loop_create();
    sup->deadline = loop_timer_create(sup->loop, on_deadline, sup);
    sup->epoch = (uint64_t)clock_utc_us();
    loop_on_signal(sup->loop, SIGCHLD, on_child_signal, sup);
    loop_on_signal(sup->loop, SIGTERM, on_stop_signal, sup);
    loop_on_signal(sup->loop, SIGINT, on_stop_signal, sup);
    loop_on_signal(sup->loop, SIGHUP, on_reload_signal, sup);
    add_children(sup, ROLE_KEYD, 1);
    add_children(sup, ROLE_STORE, 1);
    add_children(sup, ROLE_RESOLVER, 1);
    add_children(sup, ROLE_SCRUB, 1);
    add_children(sup, ROLE_COURIER, sup->conf->roles_courier);
    add_children(sup, ROLE_INTAKE, sup->conf->roles_intake);
    add_children(sup, ROLE_WEB, sup->conf->roles_web);
    loop_timer_start(sup->deadline, READY_DEADLINE_US);
    for (size_t i = 0; i < sup->child_count; i++) {
        child_start(&sup->child[i]);
    }
    loop_run(sup->loop);
    for (size_t i = 0; i < sup->child_count; i++) {
        loop_timer_free(&sup->child[i].pause);
        chan_free(&sup->child[i].chan);
    }
    loop_timer_free(&sup->deadline);
    loop_free(&sup->loop);
}

bool supervisor_load(const char *path, char **ret_text, struct conf **ret_conf, struct err *err)
{
    struct buf text;
    char *base = mem_strdup(path);
    char *slash = strrchr(base, '/');
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 || err_errno(err, errno, "cannot open %s", path);

    buf_init(&text, CONF_TEXT_MAX);
    if (slash != NULL) {
        *slash = '\0';
    }
    ok = ok && file_read_fd(fd, path, &text, err) &&
         conf_parse(buf_cstr(&text) == NULL ? "" : buf_cstr(&text), path, base, ret_conf, err);
    if (ok) {
        *ret_text = mem_strdup(buf_cstr(&text));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    buf_free(&text);
    mem_free(base);
    return ok;
}

int supervisor_main(const char *conf_path)
{
    struct supervisor *sup = mem_new(sizeof(*sup));
    struct err err = {{0}};
    int status;

    sup->log = (struct log){.name = "supervisor", .least = LOG_LEVEL_INFO};
    sup->conf_path = realpath(conf_path, NULL);
    if (geteuid() != 0) {
        (void)err_set(&err, "sealpostd must be started as root: it gives every process a user id of its own and keeps "
                            "none of root's rights in them");
    } else if (sup->conf_path == NULL) {
        (void)err_errno(&err, errno, "cannot read %s (make one with `sealpost init DIR`)", conf_path);
    } else if (load_checked(sup, &sup->conf_text, &sup->conf, &err) &&
               supervisor_fds_open(&sup->fds, sup->conf, &err)) {
        run(sup);
    }
    if (err.text[0] != '\0') {
        log_error(&sup->log, "%s", err.text);
        sup->status = 1;
    }
    status = sup->status;
    supervisor_fds_close(&sup->fds);
    conf_free(&sup->conf);
    mem_free(sup->conf_text);
    free(sup->conf_path);
    mem_free(sup);
    return status;
}
