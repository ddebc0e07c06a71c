/* SPDX-License-Identifier: Apache-2.0 */
/* The web role: listeners, peers, and the life of the process. */
#include "roles/web.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "roles/roles.h"
#include "roles/web_conn.h"

#define ACCEPTS_PER_TURN 16u
#define FILES_MAX (WEB_CONNS_MAX * 3 + 128) /* a connection, a letter's file and a stream pair each, at worst */

struct page_site web_site(const struct web *web)
{
    const struct conf *conf = role_conf(web->role);
    return (struct page_site){slice_str(conf->operator_name), slice_str(conf->postmaster)};
}

bool web_is_full(const struct web *web)
{
    return web->conn_count + 1 >= WEB_CONNS_MAX;
}

/* Listens while there is room and work is wanted. */
static void update_listening(struct web *web)
{
    bool on = !web->draining && web->conn_count < WEB_CONNS_MAX;
    for (size_t i = 0; i < CONF_LISTEN_MAX; i++)
        if (web->listeners[i].watch != NULL)
            loop_watch_set(web->listeners[i].watch, on ? LOOP_READ : 0);
}

void web_conn_count(struct web *web, int change)
{
    web->conn_count = change > 0 ? web->conn_count + 1 : web->conn_count - 1;
    update_listening(web);
    if (web->draining && web->conn_count == 0)
        role_drained(web->role);
}

/* Ends the oldest connection that is not being answered, so that neither silent ones nor those that dribble a request
 * keep readers out: a reader's request takes no time. */
static void make_room(struct web *web)
{
    LIST_FOR(it, tmp, &web->conns)
    {
        struct web_conn *conn = LIST_ENTRY(it, struct web_conn, link);
        if (conn->state != WEB_CONN_WORKING && conn->state != WEB_CONN_SENDING) {
            web_conn_free(&conn);
            return;
        }
    }
}

static void accept_some(struct web *web, int listener)
{
    const int on = 1;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && web->conn_count < WEB_CONNS_MAX; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (web_is_full(web))
            make_room(web);
        web_conn_create(web, fd);
    }
}

static void on_listener(void *ctx, unsigned events)
{
    const struct web_listener *listener = ctx;
    if ((events & LOOP_READ) != 0)
        accept_some(listener->web, listener->fd);
}

/* --- peers --- */

/* Where the channel to a kind of peer is kept; NULL for kinds web does not talk to. */
static struct chan **place_of(struct web *web, enum role_kind kind)
{
    switch (kind) {
    case ROLE_STORE:
        return &web->store;
    case ROLE_KEYD:
        return &web->keyd;
    case ROLE_SCRUB:
        return &web->scrub;
    default:
        return NULL;
    }
}

/* Web is asked nothing by anybody. */
static bool on_peer_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    (void)ctx;
    (void)chan;
    (void)frame;
    return false;
}

static void on_peer_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct web *web = ctx;
    struct chan **places[] = {&web->store, &web->keyd, &web->scrub};
    log_debug(role_log(web->role), "peer gone: %s", reason);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        if (*places[i] == chan)
            chan_free(places[i]);
    web->code_key_known = web->code_key_known && web->keyd != NULL;
}

static void on_code_key(void *ctx, const struct chan_frame *answer)
{
    struct web *web = ctx;
    struct msg_center_keys keys;
    if (answer == NULL || !layout_read(&msg_center_keys_layout, answer->payload, &keys)) {
        log_warn(role_log(web->role), "keyd gave no key for codes; codes wait until it is back");
        return;
    }
    web->code_key = keys.code_key;
    web->code_key_known = true;
    mem_wipe(&keys, sizeof(keys));
}

static void web_peer(void *ctx, enum role_kind kind, unsigned index, int fd)
{
    static const struct chan_ops ops = {on_peer_frame, on_peer_closed};
    struct web *web = ctx;
    struct chan **place = place_of(web, kind);
    if (place == NULL || index != 0) {
        close(fd);
        return;
    }
    chan_free(place);
    *place = chan_create(role_loop(web->role), fd, role_kind_name(kind), &ops, web);
    if (kind == ROLE_KEYD)
        chan_call(web->keyd, MSG_CENTER_KEYS, SLICE_EMPTY, -1, MSG_DEADLINE_US, on_code_key, web);
}

/* --- life --- */

static struct tls_server *make_tls(const struct web *web, struct err *err)
{
    struct role *role = web->role;
    return tls_server_create_fd(web->library, role_fd(role, ROLE_FD_CERTIFICATE, ROLE_CENTER_CERTIFICATE),
                                role_fd(role, ROLE_FD_PRIVATE_KEY, ROLE_CENTER_CERTIFICATE), "http/1.1", err);
}

static bool web_start(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err)
{
    const struct conf *conf = role_conf(role);
    struct web *web = mem_new(sizeof(*web));
    web->role = role;
    list_init(&web->conns);
    for (size_t i = 0; i < CONF_LISTEN_MAX; i++)
        web->listeners[i] = (struct web_listener){.web = web, .fd = role_fd(role, ROLE_FD_CENTER, (unsigned)i)};
    sandbox->groups = SANDBOX_NET_SERVER;
    sandbox->files_max = FILES_MAX;
    web->library = tls_library_create((enum tls_profile)conf->trust_profile, conf->trust_fips_config, err);
    if (web->library != NULL)
        web->tls = make_tls(web, err);
    if (web->tls == NULL) {
        tls_library_free(&web->library);
        mem_free(web);
        return err_prefix(err, "Message Center: ");
    }
    *ret_ctx = web;
    return true;
}

static bool web_sandboxed(void *ctx, struct err *err)
{
    struct web *web = ctx;
    (void)err;
    web->scratch = tls_scratch_create();
    for (size_t i = 0; i < CONF_LISTEN_MAX; i++) {
        struct web_listener *l = &web->listeners[i];
        if (l->fd >= 0)
            l->watch = loop_watch_create(role_loop(web->role), l->fd, LOOP_READ, on_listener, l);
    }
    return true;
}

/* A renewed certificate; open connections keep the old one. */
static void web_reload(void *ctx, const struct conf *conf)
{
    struct web *web = ctx;
    struct err err = {""};
    struct tls_server *tls = make_tls(web, &err);
    (void)conf;
    if (tls == NULL) {
        log_error(role_log(web->role), "the old certificate stays: %s", err.text);
        return;
    }
    tls_server_free(&web->tls);
    web->tls = tls;
}

static void web_drain(void *ctx)
{
    struct web *web = ctx;
    web->draining = true;
    update_listening(web);
    if (web->conn_count == 0)
        role_drained(web->role);
    LIST_FOR(it, tmp, &web->conns)
        web_conn_drain(LIST_ENTRY(it, struct web_conn, link));
}

static void web_stop(void *ctx)
{
    struct web *web = ctx;
    LIST_FOR(it, tmp, &web->conns) {
        struct web_conn *conn = LIST_ENTRY(it, struct web_conn, link);
        web_conn_free(&conn);
    }
    for (size_t i = 0; i < CONF_LISTEN_MAX; i++)
        loop_watch_free(&web->listeners[i].watch);
    chan_free(&web->store);
    chan_free(&web->keyd);
    chan_free(&web->scrub);
    tls_server_free(&web->tls);
    tls_library_free(&web->library);
    tls_scratch_free(&web->scratch);
    mem_free_secret(web, sizeof(*web));
}

const struct role_ops web_role_ops = {
    .kind = ROLE_WEB,
    .name = "web",
    .start = web_start,
    .sandboxed = web_sandboxed,
    .peer = web_peer,
    .reload = web_reload,
    .drain = web_drain,
    .stop = web_stop,
};
