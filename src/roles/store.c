/* SPDX-License-Identifier: Apache-2.0 */
/* The role store: its life and its peers. Each kind of peer has a list of requests of its own; anything else drops
 * that peer. */
#include "roles/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "roles/roles.h"

#define FROM(kind) (1u << (kind))

struct request {
    uint16_t type;
    unsigned from; /* FROM() of the kinds that may send it */
    bool answered; /* wants a request id */
    bool (*handler)(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
};

static const struct request requests[] = {
    {MSG_COMMIT, FROM(ROLE_INTAKE), true, store_commit},
    {MSG_COMPLETE, FROM(ROLE_COURIER), true, store_complete},
    {MSG_OPEN, FROM(ROLE_INTAKE) | FROM(ROLE_COURIER), true, store_commit_open},
    {MSG_DROP, FROM(ROLE_INTAKE) | FROM(ROLE_COURIER), false, store_commit_drop},
    {MSG_HELD, FROM(ROLE_COURIER), false, store_lease_held},
    {MSG_SHOWN, FROM(ROLE_COURIER), true, store_memory_shown},
    {MSG_REMEMBER, FROM(ROLE_COURIER), false, store_memory_remember},
    {MSG_ALARM, FROM(ROLE_COURIER), false, store_memory_alarm},
    {MSG_TALLY, FROM(ROLE_COURIER), true, store_report_tally},
    {MSG_TALLY_TAKE, FROM(ROLE_COURIER), true, store_report_take},
    {MSG_CENTER_REPORT, FROM(ROLE_WEB), true, store_received_take},
    {MSG_CTL_REPORTS, FROM(ROLE_CLI), true, store_received_show},
    {MSG_TALLY_DONE, FROM(ROLE_COURIER), true, store_report_done},
    {MSG_CTL_REPORT, FROM(ROLE_CLI), true, store_report_order},
    {MSG_CENTER_SEND, FROM(ROLE_WEB), true, store_center_send},
    {MSG_CENTER_VERIFY, FROM(ROLE_WEB), true, store_center_verify},
    {MSG_CENTER_LETTER, FROM(ROLE_WEB), true, store_center_letter},
    {MSG_CENTER_LOGOUT, FROM(ROLE_WEB), true, store_center_logout},
    {MSG_LOCK, FROM(ROLE_KEYD), false, store_keyd_lock},
    {MSG_CTL_QUERY, FROM(ROLE_CLI), true, store_control_query},
    {MSG_CTL_WAIT, FROM(ROLE_CLI), true, store_control_wait},
    {MSG_CTL_RETRY, FROM(ROLE_CLI), true, store_control_retry},
    {MSG_CTL_RELEASE, FROM(ROLE_CLI), true, store_control_release},
    {MSG_CTL_STATUS, FROM(ROLE_CLI), true, store_control_status},
    {MSG_CTL_CHECK, FROM(ROLE_CLI), true, store_control_check},
    {MSG_CTL_DOMAIN, FROM(ROLE_CLI), true, store_memory_control},
    {MSG_CTL_CREDENTIAL, FROM(ROLE_CLI), true, store_keyd_credential},
    {MSG_CTL_CREDENTIALS, FROM(ROLE_CLI), true, store_keyd_credentials},
};

/* The same words once, the oldest give way. */
static void keep_alarm(struct store *store, const char *text)
{
    for (uint32_t i = 0; i < store->alarm_count; i++) {
        if (strcmp(store->alarm[i], text) == 0) {
            return;
        }
    }
    if (store->alarm_count == STORE_ALARMS_MAX) {
        mem_free(store->alarm[0]);
        memmove(&store->alarm[0], &store->alarm[1], (STORE_ALARMS_MAX - 1) * sizeof(*store->alarm));
        store->alarm_count--;
    }
    store->alarm[store->alarm_count++] = mem_strdup(text);
}

void store_alarm(struct store *store, const char *format, ...)
{
    char text[400];
    struct buf payload;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_alarm(role_log(store->role), "%s", text);
    keep_alarm(store, text);
    struct msg_text msg = {slice_str(text)};
    buf_init(&payload, sizeof text + 64);
    layout_write(&msg_text_layout, &payload, &msg);
    if (role_supervisor(store->role) != NULL) {
        chan_send(role_supervisor(store->role), MSG_ALARM, buf_slice(&payload), -1);
    }
    buf_free(&payload);
}

_Noreturn void store_end(struct store *store, bool for_good, const struct err *err)
{
    store_alarm(store, "the store ends: %s", err->text);
    if (role_supervisor(store->role) != NULL) {
        chan_flush(role_supervisor(store->role));
    }
    role_fail(store->role, for_good, err);
}

void store_answer(struct store_peer *peer, uint16_t type, uint64_t request, const struct layout *layout,
                  const void *object, int fd)
{
    struct buf *frame = &peer->store->frame;
    if (peer->chan == NULL) {
        return;
    }
    buf_reset(frame);
    layout_write(layout, frame, object);
    chan_answer(peer->chan, type, request, buf_slice(frame), fd);
}

void store_answer_code(struct store_peer *peer, uint16_t type, uint64_t request, enum msg_code code)
{
    store_answer_text(peer, type, request, code, NULL);
}

void store_answer_text(struct store_peer *peer, uint16_t type, uint64_t request, enum msg_code code, const char *text)
{
    const struct msg_status status = {(uint8_t)code, slice_str(text)};
    store_answer(peer, type, request, &msg_status_layout, &status, -1);
}

struct store_peer *store_peer_ref(struct store_peer *peer)
{
    if (peer != NULL) {
        peer->refs++;
    }
    return peer;
}

void store_peer_unref(struct store_peer *peer)
{
    if (peer != NULL && --peer->refs == 0) {
        mem_free(peer);
    }
}

void store_touch(struct store *store)
{
    loop_idle_request(store->idle);
}

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct store_peer *peer = ctx;
    (void)chan;
    if (frame->fd >= 0) { /* nobody hands the store a descriptor */
        return false;
    }
    store_touch(peer->store);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (requests[i].type == frame->type) {
            return (requests[i].from & FROM(peer->kind)) != 0 && requests[i].answered == (frame->request != 0) &&
                   requests[i].handler(peer->store, peer, frame);
        }
    }
    return false;
}

static void peer_drop(struct store_peer *peer)
{
    struct store *store = peer->store;
    if (peer->kind == ROLE_CLI) {
        store->cli_count--;
        store_control_forget(store, peer);
    }
    if (peer->kind == ROLE_COURIER && store->courier[peer->index].peer == peer) {
        store->courier[peer->index].peer = NULL; /* its leases wait for its word or its death */
    }
    if (store->keyd == peer) {
        store->keyd = NULL;
    }
    if (store->content.open != NULL && store->letters.open != NULL) {
        letters_forget(&store->content, peer);
        letters_forget(&store->letters, peer);
    }
    chan_free(&peer->chan);
    list_remove(&peer->link);
    store_peer_unref(peer);
}

static void on_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct store_peer *peer = ctx;
    (void)chan;
    if (peer->kind != ROLE_CLI) {
        log_info(role_log(peer->store->role), "%s.%u left: %s", role_kind_name(peer->kind), peer->index, reason);
    }
    peer_drop(peer);
}

static struct store_peer *peer_add(struct store *store, enum role_kind kind, unsigned index, int fd)
{
    static const struct chan_ops ops = {on_frame, on_closed};
    struct store_peer *peer = mem_new(sizeof *peer);
    peer->store = store;
    peer->kind = kind;
    peer->index = index;
    peer->refs = 1;
    list_init(&peer->link);
    list_push(&store->peers, &peer->link);
    peer->chan = chan_create(role_loop(store->role), fd, role_kind_name(kind), &ops, peer);
    chan_reading(peer->chan, !(kind == ROLE_INTAKE && store->paused));
    return peer;
}

static void on_peer(void *ctx, enum role_kind kind, unsigned index, int fd)
{
    struct store *store = ctx;
    if (index >= ROLE_INDEX_MAX) {
        close(fd);
        return;
    }
    struct store_peer *peer = peer_add(store, kind, index, fd);
    if (kind == ROLE_COURIER) {
        store->courier[index].peer = peer;
    } else if (kind == ROLE_KEYD) {
        store->keyd = peer;
        store_keyd_tell(store);
    }
    store_touch(store);
}

static void on_gone(void *ctx, enum role_kind kind, unsigned index)
{
    struct store *store = ctx;
    if (kind == ROLE_COURIER && index < ROLE_INDEX_MAX) {
        store_lease_gone(store, index);
        store_touch(store);
    }
}

/* The control socket: root, or the user the daemon itself runs as, may ask. */
void store_control_accept(void *ctx, unsigned events)
{
    struct store *store = ctx;
    struct ucred peer = {.uid = UINT32_MAX};
    socklen_t len = sizeof peer;
    (void)events;
    int fd = accept4(role_fd(store->role, ROLE_FD_STORE_CONTROL, 0), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == 0 || peer.uid == geteuid());
    if (!known || store->cli_count >= STORE_CLI_MAX) {
        log_warn(role_log(store->role), "a control connection was refused: %s", known ? "too many" : "not root");
        close(fd);
        return;
    }
    store->cli_count++;
    peer_add(store, ROLE_CLI, 0, fd);
}

static void stop(void *ctx)
{
    struct store *store = ctx;
    LIST_FOR(it, tmp, &store->peers)
    {
        peer_drop(LIST_ENTRY(it, struct store_peer, link));
    }
    loop_watch_free(&store->control);
    loop_watch_free(&store->durable);
    loop_timer_free(&store->wave_timer);
    loop_timer_free(&store->due_timer);
    loop_timer_free(&store->index_timer);
    loop_timer_free(&store->house_timer);
    loop_idle_free(&store->idle);
    loop_idle_free(&store->deep_idle);
    store_control_stop(store);
    store_close(store);
    for (uint32_t i = 0; i < store->alarm_count; i++) {
        mem_free(store->alarm[i]);
    }
    state_writer_free(&store->writer);
    buf_free(&store->head);
    buf_free(&store->frame);
    buf_free(&store->list);
    mem_free(store);
}

/* The database is opened by a name below the directory, which need not be reachable by path for this user. */
static bool start(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err)
{
    struct store *store = mem_new(sizeof *store);
    store->role = role;
    store->dir_fd = role_fd(role, ROLE_FD_STORE_DIR, 0);
    store->content.dir_fd = store->letters.dir_fd = -1;
    list_init(&store->peers);
    list_init(&store->waits);
    for (unsigned i = 0; i < ROLE_INDEX_MAX; i++) {
        list_init(&store->courier[i].leases);
    }
    state_writer_init(&store->writer);
    buf_init(&store->head, RECORD_HEAD_MAX);
    buf_init(&store->frame, CHAN_PAYLOAD_MAX);
    buf_init(&store->list, MSG_LIST_MAX);
    if (fchdir(store->dir_fd) != 0) {
        stop(store);
        return err_set(err, "cannot enter the store's directory");
    }
    umask(077);
    snprintf(store->path_name, sizeof store->path_name, "/proc/self/fd/%d", store->dir_fd);
    store->path = (struct sandbox_path){store->path_name, SANDBOX_PATH_READ | SANDBOX_PATH_WRITE};
    sandbox->groups = SANDBOX_FILES | SANDBOX_LOCAL | SANDBOX_THREAD;
    sandbox->paths = &store->path;
    sandbox->path_count = 1;
    *ret_ctx = store;
    return true;
}

static void on_deep(void *ctx)
{
    store_control_deep(ctx);
}

static bool sandboxed(void *ctx, struct err *err)
{
    struct store *store = ctx;
    struct loop *loop = role_loop(store->role);
    store->idle = loop_idle_create(loop, store_turn, store);
    store->deep_idle = loop_idle_create(loop, on_deep, store);
    store->wave_timer = loop_timer_create(loop, store_on_wave, store);
    store->due_timer = loop_timer_create(loop, store_on_due, store);
    store->index_timer = loop_timer_create(loop, store_on_index, store);
    store->house_timer = loop_timer_create(loop, store_on_house, store);
    if (!store_open(store, err)) {
        return false;
    }
    store->durable = loop_watch_create(loop, journal_event_fd(store->journal), LOOP_READ, store_on_durable, store);
    store->control = loop_watch_create(loop, role_fd(store->role, ROLE_FD_STORE_CONTROL, 0), LOOP_READ,
                                       store_control_accept, store);
    store_demand_look(store, true);
    store_on_house(store);
    store_touch(store);
    return true;
}

static void reload(void *ctx, const struct conf *conf)
{
    struct store *store = ctx;
    queue_set_limit(store->queue, (uint32_t)conf->courier_per_destination);
    index_set_memory(store->index, conf->trust_memory);
    store_demand_look(store, true);
    store_touch(store);
}

/* The others have left before: what is in the open wave is kept, the rest waits for the next start. */
static void drain(void *ctx)
{
    struct store *store = ctx;
    struct err err;
    store->draining = true;
    if (!journal_settle(store->journal, &err)) {
        store_end(store, true, &err);
    }
    store_index_catch_up(store);
    LIST_FOR(it, tmp, &store->peers)
    {
        chan_flush(LIST_ENTRY(it, struct store_peer, link)->chan);
    }
    role_drained(store->role);
}

const struct role_ops store_role_ops = {
    .kind = ROLE_STORE,
    .name = "store",
    .start = start,
    .sandboxed = sandboxed,
    .peer = on_peer,
    .gone = on_gone,
    .reload = reload,
    .drain = drain,
    .stop = stop,
};
