/* SPDX-License-Identifier: Apache-2.0 */
/* The role keyd: opens root key, hierarchy and escrow keys, then answers its peers. Each kind of peer has a list of
 * requests of its own; anything else drops that peer. */
#include "roles/keyd.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "keys/root_file.h"
#include "os/file.h"
#include "roles/roles.h"

#define ESCROW_FILE_MAX 65536u
#define ANSWER_MAX CHAN_PAYLOAD_MAX

#define FROM(kind) (1u << (kind))

struct request {
    uint16_t type;
    unsigned from;  /* FROM() of the kinds that may send it */
    bool answered;  /* wants a request id */
    keyd_handler *handler;
};

static const struct request requests[] = {
    {MSG_KEY_BATCH, FROM(ROLE_INTAKE) | FROM(ROLE_COURIER) | FROM(ROLE_WEB), true, keyd_batch_ask},
    {MSG_AUTH_PLAIN, FROM(ROLE_INTAKE), true, keyd_auth_plain},
    {MSG_SCRAM_START, FROM(ROLE_INTAKE), true, keyd_auth_scram_start},
    {MSG_SCRAM_FINISH, FROM(ROLE_INTAKE), true, keyd_auth_scram_finish},
    {MSG_KEY_OPEN, FROM(ROLE_COURIER), true, keyd_open_lease},
    {MSG_LETTER_OPEN, FROM(ROLE_WEB), true, keyd_open_letter},
    {MSG_CENTER_KEYS, FROM(ROLE_WEB), true, keyd_batch_center_keys},
    {MSG_DOMAIN_KEY, FROM(ROLE_COURIER), true, keyd_batch_domain_key},
    {MSG_DKIM_SIGN, FROM(ROLE_COURIER), true, keyd_dkim_sign},
    {MSG_CLI_DKIM, FROM(ROLE_CLI), true, keyd_dkim_show},
    {MSG_GRANT, FROM(ROLE_STORE), true, keyd_grant_add},
    {MSG_UNGRANT, FROM(ROLE_STORE), false, keyd_grant_remove},
    {MSG_CREDENTIAL, FROM(ROLE_STORE), false, keyd_auth_credential},
    {MSG_CREDENTIALS_END, FROM(ROLE_STORE), false, keyd_auth_credentials_end},
    {MSG_OPERATOR_GRANT, FROM(ROLE_STORE), true, keyd_grant_add_operator},
    {MSG_LOCK, FROM(ROLE_STORE), false, keyd_auth_lock},
    {MSG_CLI_TAG, FROM(ROLE_CLI), true, keyd_open_tag},
    {MSG_CLI_OPEN, FROM(ROLE_CLI), true, keyd_open_operator},
    {MSG_CLI_CREDENTIAL, FROM(ROLE_CLI), true, keyd_auth_make},
    {MSG_CLI_POLICY, FROM(ROLE_CLI), true, keyd_policy_open},
    {MSG_CLI_USER, FROM(ROLE_CLI), true, keyd_auth_describe},
};

void keyd_answer(struct keyd_peer *peer, const struct chan_frame *frame, const struct layout *layout,
                 const void *object)
{
    struct buf payload;
    buf_init_secret(&payload, ANSWER_MAX);
    layout_write(layout, &payload, object);
    chan_answer(peer->chan, frame->type, frame->request, buf_slice(&payload), -1);
    buf_free(&payload);
}

void keyd_answer_code(struct keyd_peer *peer, const struct chan_frame *frame, enum msg_code code)
{
    const struct msg_status status = {(uint8_t)code, SLICE_EMPTY};
    keyd_answer(peer, frame, &msg_status_layout, &status);
}

/* No request of keyd's carries a descriptor. */
static bool peer_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct keyd_peer *peer = ctx;
    (void)chan;
    if (frame->fd >= 0)
        return false;
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
        if (requests[i].type == frame->type)
            return (requests[i].from & FROM(peer->kind)) != 0 && requests[i].answered == (frame->request != 0) &&
                   requests[i].handler(peer->keyd, peer, frame);
    return false;
}

static void peer_free(struct keyd_peer *peer)
{
    struct keyd *keyd = peer->keyd;
    if (keyd->store == peer) {
        keyd->store = NULL;
        credentials_free(&keyd->incoming);
    }
    if (peer->kind == ROLE_CLI)
        keyd->cli_count--;
    list_remove(&peer->link);
    chan_free(&peer->chan);
    mem_free(peer);
}

static void peer_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct keyd_peer *peer = ctx;
    (void)chan;
    log_debug(role_log(peer->keyd->role), "%s: %s", role_kind_name(peer->kind), reason);
    peer_free(peer);
}

static void add_peer(struct keyd *keyd, enum role_kind kind, int fd)
{
    static const struct chan_ops ops = {peer_frame, peer_closed};
    struct keyd_peer *peer = mem_new(sizeof(*peer));
    peer->keyd = keyd;
    peer->kind = kind;
    list_init(&peer->link);
    list_push(&keyd->peers, &peer->link);
    peer->chan = chan_create(role_loop(keyd->role), fd, role_kind_name(kind), &ops, peer);
    if (kind == ROLE_CLI)
        keyd->cli_count++;
    if (kind == ROLE_STORE)
        keyd->store = peer;
}

/* A store that has just (re)started sends all credentials anew. */
static void on_peer(void *ctx, enum role_kind kind, unsigned index, int fd)
{
    struct keyd *keyd = ctx;
    struct err err = {""};
    (void)index;
    if (kind == ROLE_STORE) {
        credentials_free(&keyd->incoming);
        if (!keyd_auth_table(keyd, &keyd->incoming, &err))
            role_fail(keyd->role, false, &err);
    }
    add_peer(keyd, kind, fd);
}

/* The control socket: root, or the user the daemon itself runs as, may ask. */
static void on_control(void *ctx, unsigned events)
{
    struct keyd *keyd = ctx;
    struct ucred peer = {.uid = UINT32_MAX};
    socklen_t len = sizeof(peer);
    (void)events;
    int fd = accept4(role_fd(keyd->role, ROLE_FD_KEYD_CONTROL, 0), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == 0 || peer.uid == geteuid());
    if (known && keyd->cli_count < KEYD_CLI_MAX) {
        add_peer(keyd, ROLE_CLI, fd);
        return;
    }
    log_warn(role_log(keyd->role), "a control connection was refused: %s", known ? "too many" : "not root");
    close(fd);
}

static bool load_escrow(struct keyd *keyd, struct err *err)
{
    const struct conf *conf = role_conf(keyd->role);
    bool ok = true;
    for (size_t i = 0; ok && i < conf->keys_escrow.count; i++) {
        struct buf pem;
        const char *name = conf->keys_escrow.item[i];
        buf_init(&pem, ESCROW_FILE_MAX);
        ok = file_read_fd(role_fd(keyd->role, ROLE_FD_ESCROW, (unsigned)i), name, &pem, err) &&
             escrow_add_pem(keyd->escrow, buf_slice(&pem), name, err);
        buf_free(&pem);
    }
    if (ok && escrow_count(keyd->escrow) == 0)
        ok = err_set(err, "keys.escrow names no public key: without one nobody could open the archive");
    return ok;
}

static void stop(void *ctx)
{
    struct keyd *keyd = ctx;
    LIST_FOR(it, tmp, &keyd->peers)
        peer_free(LIST_ENTRY(it, struct keyd_peer, link));
    loop_watch_free(&keyd->control);
    credentials_free(&keyd->credentials);
    credentials_free(&keyd->incoming);
    guess_free(&keyd->guess);
    keyd_grant_free(&keyd->grants);
    keyd_batch_free(&keyd->batch);
    sealed_opener_free(&keyd->opener);
    hmac_free(&keyd->sha256);
    hierarchy_free(&keyd->hierarchy);
    escrow_free(&keyd->escrow);
    mem_free_secret(keyd, sizeof(*keyd));
}

/* Everything below the keys directory goes through its descriptor: the path to it may be closed to this user. */
static bool start(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err)
{
    struct keyd *keyd = mem_new(sizeof(*keyd));
    struct root *root = NULL;
    int dir = role_fd(role, ROLE_FD_KEYS_DIR, 0);
    keyd->role = role;
    list_init(&keyd->peers);
    keyd->escrow = escrow_create();
    keyd->opener = sealed_opener_create();
    keyd->sha256 = hmac_create(HMAC_SHA256);
    keyd->batch = keyd_batch_create();
    keyd->grants = keyd_grant_create();
    bool ok = load_escrow(keyd, err) && root_file_open(dir, ROOT_FILE_NAME, &root, err);
    if (!ok) {
        stop(keyd);
        return false;
    }
    keyd->hierarchy = hierarchy_create(dir, root);
    snprintf(keyd->keys_path, sizeof(keyd->keys_path), "/proc/self/fd/%d", dir);
    keyd->path = (struct sandbox_path){keyd->keys_path, SANDBOX_PATH_READ | SANDBOX_PATH_WRITE};
    sandbox->groups = SANDBOX_FILES | SANDBOX_LOCAL;
    sandbox->paths = &keyd->path;
    sandbox->path_count = 1;
    *ret_ctx = keyd;
    return true;
}

static bool sandboxed(void *ctx, struct err *err)
{
    struct keyd *keyd = ctx;
    struct credentials *none = NULL;
    if (!keyd_auth_table(keyd, &none, err))
        return false;
    credentials_free(&none);
    keyd->control = loop_watch_create(role_loop(keyd->role), role_fd(keyd->role, ROLE_FD_KEYD_CONTROL, 0), LOOP_READ,
                                      on_control, keyd);
    return true;
}

/* Others may still ask while they finish; the supervisor drains keyd last. */
static void drain(void *ctx)
{
    struct keyd *keyd = ctx;
    role_drained(keyd->role);
}

const struct role_ops keyd_role_ops = {
    .kind = ROLE_KEYD,
    .name = "keyd",
    .start = start,
    .sandboxed = sandboxed,
    .peer = on_peer,
    .drain = drain,
    .stop = stop,
};
