/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a role process: boot, start, sandbox, ready, work, drain. */
#include "os/role.h"

#include "base/clock.h"
#include "base/mem.h"
#ifdef SEALPOST_PROBE
#include "os/role_probe.h"
#endif

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define ROLE_FILES_MAX 4096u                /* descriptors of a role that names no number of its own */
#define ROLE_ORPHAN_US (5 * CLOCK_US_PER_S) /* time to finish when the supervisor is gone: nobody else ends us */

/* A role WAITS for boot and descriptors; START makes it read its keys and enter the sandbox in one go, it says ready
 * and is WORKING; MSG_DRAIN, or the supervisor's death, makes it DRAINING; role_drained(), the orphan's deadline or
 * (in WAITING) the supervisor's death make it DONE. There is no way back. */
enum role_state { ROLE_WAITING, ROLE_WORKING, ROLE_DRAINING, ROLE_DONE };

struct role {
    enum role_state state;
    const struct role_ops *ops;
    void *ctx;
    struct loop *loop;
    struct chan *supervisor;
    struct log log;
    char name[32];
    struct conf *conf;
    bool booted;
    unsigned index;
    uint64_t epoch;
    uint32_t counts[ROLE_KIND_COUNT];
    int fds[ROLE_FD_COUNT][ROLE_INDEX_MAX];
    struct loop_timer *orphan;
    int status;
};

const char *role_kind_name(enum role_kind kind)
{
    static const char *const names[ROLE_KIND_COUNT] = {
        [ROLE_SUPERVISOR] = "supervisor", [ROLE_KEYD] = "keyd",         [ROLE_STORE] = "store",
        [ROLE_INTAKE] = "intake",         [ROLE_COURIER] = "courier",   [ROLE_RESOLVER] = "resolver",
        [ROLE_WEB] = "web",               [ROLE_SCRUB] = "scrub",       [ROLE_CLI] = "cli",
    };
    return (unsigned)kind < ROLE_KIND_COUNT ? names[kind] : "?";
}

/* The one place that changes the state. */
static void role_become(struct role *role, enum role_state state)
{
    assert(state > role->state);
    role->state = state;
    if (state == ROLE_DONE)
        loop_stop(role->loop);
}

_Noreturn void role_fail(struct role *role, bool for_good, const struct err *err)
{
    log_error(&role->log, "%s", err->text);
    _exit(for_good ? 3 : 1); /* no handlers: they may try what the sandbox forbids */
}

static enum log_level role_log_level(const char *text)
{
    static const char *const names[] = {"debug", "info", "warn", "error", "alarm"};
    for (unsigned i = 0; text != NULL && i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(text, names[i]) == 0)
            return (enum log_level)i;
    return LOG_LEVEL_INFO;
}

/* The folder of the configuration file, for relative paths. */
static void role_conf_base(const char *name, char *out, size_t size)
{
    const char *slash = strrchr(name, '/');
    snprintf(out, size, "%.*s", slash == NULL ? 1 : slash == name ? 1 : (int)(slash - name), slash == NULL ? "." : name);
}

/* Parses a configuration handed over; NULL with the reason. */
static struct conf *role_parse_conf(struct slice name, struct slice text, struct err *err)
{
    char base[MSG_PATH_MAX];
    struct conf *conf = NULL;
    char *name_text = mem_strndup(name.data, name.len);
    char *conf_text = mem_strndup(text.data, text.len);
    role_conf_base(name_text, base, sizeof(base));
    if (!conf_parse(conf_text, name_text, base, &conf, err))
        conf = NULL;
    mem_free(conf_text);
    mem_free(name_text);
    return conf;
}

static bool role_boot(struct role *role, const struct msg_boot *boot)
{
    struct err err = {""};
    struct wire_reader r = wire_reader_of(boot->counts);
    if (role->booted || boot->kind != (uint8_t)role->ops->kind || boot->index >= ROLE_INDEX_MAX)
        return false;
    for (size_t i = 0; i < ROLE_KIND_COUNT; i++)
        role->counts[i] = wire_u32(&r);
    if (!wire_done(&r))
        return false;
    role->index = boot->index;
    role->epoch = boot->epoch;
    snprintf(role->name, sizeof(role->name), "%s.%u", role->ops->name, role->index);
    role->conf = role_parse_conf(boot->name, boot->text, &err);
    if (role->conf == NULL)
        role_fail(role, true, &err);
    role->log.least = role_log_level(role->conf->log_level);
    role->booted = true;
    return true;
}

static bool role_take_fd(struct role *role, const struct msg_fd *msg, int fd)
{
    if (!role->booted || fd < 0 || msg->what >= ROLE_FD_COUNT || msg->index >= ROLE_INDEX_MAX)
        return false;
    int *place = &role->fds[msg->what][msg->index];
    if (*place >= 0 && role->state == ROLE_WAITING)
        return false;
    if (*place >= 0)
        close(*place); /* a reload: a renewed certificate takes the place of the old one */
    *place = fd;
    return true;
}

/* A test build can cap the sandbox, or leave it out to show what would be possible without. */
static bool role_enter_sandbox(struct sandbox *sandbox, struct err *err)
{
#ifdef SEALPOST_PROBE
    if (role_probe_without())
        return true;
    sandbox->landlock_abi_max = role_probe_abi();
#endif
    return sandbox_enter(sandbox, err) || err_prefix(err, "no sandbox, no start: ");
}

/* start, sandbox, sandboxed, ready; any failure ends the process. */
static bool role_start(struct role *role)
{
    struct err err = {""};
    if (!role->booted || role->state != ROLE_WAITING)
        return false;
    uint32_t own = (uint32_t)(role->conf->roles_uid + (uint64_t)role->ops->kind);
    struct sandbox sandbox = {.uid = own, .gid = own, .files_max = ROLE_FILES_MAX};
    if (!role->ops->start(role, &sandbox, &role->ctx, &err))
        role_fail(role, true, &err);
    if (!role_enter_sandbox(&sandbox, &err))
        role_fail(role, true, &err);
    if (role->ops->sandboxed != NULL && !role->ops->sandboxed(role->ctx, &err))
        role_fail(role, true, &err);
#ifdef SEALPOST_PROBE
    role_probe_run(&role->log);
#endif
    role_become(role, ROLE_WORKING);
    chan_send(role->supervisor, MSG_READY, SLICE_EMPTY, -1);
    log_debug(&role->log, "ready");
    return true;
}

static bool role_meet(struct role *role, const struct msg_peer *msg, int fd)
{
    if (role->state < ROLE_WORKING || fd < 0 || msg->kind >= ROLE_KIND_COUNT || msg->index >= ROLE_INDEX_MAX)
        return false;
    if (role->state == ROLE_WORKING && role->ops->peer != NULL)
        role->ops->peer(role->ctx, (enum role_kind)msg->kind, msg->index, fd);
    else
        close(fd);
    return true;
}

static bool role_gone(struct role *role, const struct msg_peer *msg)
{
    if (role->state < ROLE_WORKING || msg->kind >= ROLE_KIND_COUNT || msg->index >= ROLE_INDEX_MAX)
        return false;
    if (role->ops->gone != NULL && role->state != ROLE_DONE)
        role->ops->gone(role->ctx, (enum role_kind)msg->kind, msg->index);
    return true;
}

static bool role_reload(struct role *role, const struct msg_conf *msg)
{
    struct err err = {""};
    if (role->state < ROLE_WORKING)
        return false;
    struct conf *conf = role_parse_conf(msg->name, msg->text, &err);
    if (conf == NULL) {
        log_error(&role->log, "the old configuration stays: %s", err.text);
        return true;
    }
    struct conf *old = role->conf;
    role->conf = conf;
    role->log.least = role_log_level(conf->log_level);
    if (role->ops->reload != NULL)
        role->ops->reload(role->ctx, conf);
    conf_free(&old);
    return true;
}

static bool role_drain(struct role *role)
{
    if (role->state < ROLE_WORKING)
        return false;
    if (role->state == ROLE_WORKING) {
        role_become(role, ROLE_DRAINING);
        role->ops->drain(role->ctx);
    }
    return true;
}

void role_drained(struct role *role)
{
    if (role->state != ROLE_DONE)
        role_become(role, ROLE_DONE);
}

/* A frame of the supervisor. False also when it comes at the wrong time. */
static bool role_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct role *role = ctx;
    union {
        struct msg_boot boot;
        struct msg_fd fd;
        struct msg_peer peer;
        struct msg_conf conf;
    } msg;
    (void)chan;
    switch (frame->type) {
    case MSG_BOOT:
        return layout_read(&msg_boot_layout, frame->payload, &msg.boot) && role_boot(role, &msg.boot);
    case MSG_FD:
        return layout_read(&msg_fd_layout, frame->payload, &msg.fd) && role_take_fd(role, &msg.fd, frame->fd);
    case MSG_START:
        return frame->payload.len == 0 && frame->fd < 0 && role_start(role);
    case MSG_PEER:
        return layout_read(&msg_peer_layout, frame->payload, &msg.peer) && role_meet(role, &msg.peer, frame->fd);
    case MSG_GONE:
        return layout_read(&msg_peer_layout, frame->payload, &msg.peer) && frame->fd < 0 && role_gone(role, &msg.peer);
    case MSG_RELOAD:
        return layout_read(&msg_conf_layout, frame->payload, &msg.conf) && frame->fd < 0 && role_reload(role, &msg.conf);
    case MSG_DRAIN:
        return frame->payload.len == 0 && frame->fd < 0 && role_drain(role);
    default:
        return false;
    }
}

static void role_orphan_deadline(void *ctx)
{
    struct role *role = ctx;
    role->status = 1;
    role_drained(role);
}

/* The supervisor is gone: finish what is begun, within a deadline of our own. */
static void role_supervisor_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct role *role = ctx;
    (void)chan;
    if (role->state == ROLE_WAITING) {
        role->status = 1;
        role_drained(role);
        return;
    }
    log_debug(&role->log, "%s", reason);
    loop_timer_start(role->orphan, ROLE_ORPHAN_US);
    role_drain(role);
}

/* The supervisor alone decides when a role ends; a Ctrl-C in the terminal reaches all of us. */
static void role_ignore_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &ignore, NULL);
}

static void role_init(struct role *role, const struct role_ops *ops)
{
    static const struct chan_ops supervisor_ops = {role_frame, role_supervisor_closed};
    *role = (struct role){.ops = ops, .loop = loop_create(), .log = {.least = LOG_LEVEL_INFO}};
    snprintf(role->name, sizeof(role->name), "%s", ops->name);
    role->log.name = role->name;
    for (size_t what = 0; what < ROLE_FD_COUNT; what++)
        for (size_t i = 0; i < ROLE_INDEX_MAX; i++)
            role->fds[what][i] = -1;
    fcntl(ROLE_SUPERVISOR_FD, F_SETFD, FD_CLOEXEC);
    role->supervisor = chan_create(role->loop, ROLE_SUPERVISOR_FD, "supervisor", &supervisor_ops, role);
    role->orphan = loop_timer_create(role->loop, role_orphan_deadline, role);
}

int role_main(const struct role_ops *ops)
{
    struct role *role = mem_new(sizeof(*role));
    role_ignore_signals();
    role_init(role, ops);
    loop_run(role->loop);
    if (role->ctx != NULL && ops->stop != NULL)
        ops->stop(role->ctx);
    chan_flush(role->supervisor);
    int status = role->status;
    _exit(status); /* as role_fail(): whatever runs at exit would run in the sandbox */
}

struct loop *role_loop(struct role *role)
{
    return role->loop;
}

const struct log *role_log(struct role *role)
{
    return &role->log;
}

const struct conf *role_conf(struct role *role)
{
    return role->conf;
}

unsigned role_index(struct role *role)
{
    return role->index;
}

unsigned role_count(struct role *role, enum role_kind kind)
{
    return (unsigned)kind < ROLE_KIND_COUNT ? role->counts[kind] : 0;
}

uint64_t role_epoch(struct role *role)
{
    return role->epoch;
}

int role_fd(struct role *role, enum role_fd what, unsigned index)
{
    return (unsigned)what < ROLE_FD_COUNT && index < ROLE_INDEX_MAX ? role->fds[what][index] : -1;
}

struct chan *role_supervisor(struct role *role)
{
    return role->supervisor;
}
