/* SPDX-License-Identifier: Apache-2.0 */
/* The role intake: listeners, peers, reload, drain. */
#include "roles/intake.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "roles/intake_auth.h"
#include "roles/intake_session.h"
#include "roles/roles.h"

/* Descriptors beside those of sessions: listeners, channels, certificates, the loop's own. */
#define FILES_OWN 256u

struct intake_settings *intake_settings_share(struct intake_settings *settings)
{
    settings->references++;
    return settings;
}

void intake_settings_drop(struct intake_settings **settings)
{
    if (settings == NULL || *settings == NULL)
        return;
    if (--(*settings)->references == 0) {
        mem_free((*settings)->hostname);
        mem_free(*settings);
    }
    *settings = NULL;
}

static struct intake_settings *settings_of(const struct conf *conf)
{
    struct intake_settings *settings = mem_new(sizeof(*settings));
    settings->references = 1;
    settings->hostname = mem_strdup(conf->hostname);
    settings->sessions_max = conf->sessions_max;
    settings->smtp = (struct smtp_server_config){
        .hostname = settings->hostname,
        .mechanisms = INTAKE_AUTH_MECHANISMS,
        .message_max = conf->message_max,
        .recipients_max = (unsigned)conf->recipients_max,
    };
    return settings;
}

/* --- sealing contexts --- */

struct sealed_writer *intake_writer(struct intake *intake)
{
    return intake->writer_count > 0 ? intake->writers[--intake->writer_count] : sealed_writer_create();
}

void intake_writer_back(struct intake *intake, struct sealed_writer **writer)
{
    if (*writer == NULL)
        return;
    sealed_writer_abort(*writer);
    if (intake->writer_count < INTAKE_WRITERS_MAX)
        intake->writers[intake->writer_count++] = *writer;
    else
        sealed_writer_free(writer);
    *writer = NULL;
}

/* --- back-pressure --- */

/* This process's part of what may wait in the store. */
static size_t share(const struct intake *intake, size_t whole)
{
    unsigned processes = role_count(intake->role, ROLE_INTAKE);
    return whole / (processes > 0 ? processes : 1);
}

bool intake_is_overloaded(const struct intake *intake)
{
    return intake->commits >= share(intake, INTAKE_COMMITS_MAX) ||
           intake->commit_bytes >= share(intake, INTAKE_COMMIT_BYTES_MAX);
}

void intake_commit_started(struct intake *intake, size_t bytes)
{
    intake->commits++;
    intake->commit_bytes += bytes;
}

void intake_commit_ended(struct intake *intake, size_t bytes)
{
    bool was = intake_is_overloaded(intake);
    intake->commits--;
    intake->commit_bytes -= bytes;
    if (!was || intake_is_overloaded(intake))
        return;
    LIST_FOR(it, tmp, &intake->sessions) {
        struct intake_session *session = LIST_ENTRY(it, struct intake_session, link);
        if (session->held)
            intake_session_pump(session);
    }
}

/* --- listeners --- */

static bool is_full(const struct intake *intake)
{
    return intake->session_count >= intake->settings->sessions_max + INTAKE_TURNED_AWAY_MAX;
}

static void set_full(struct intake *intake, bool full)
{
    if (intake->full == full)
        return;
    intake->full = full;
    for (size_t i = 0; i < intake->listener_count; i++) {
        if (intake->listeners[i].watch != NULL)
            loop_watch_set(intake->listeners[i].watch, full ? 0 : LOOP_READ);
    }
}

static void on_listener(void *ctx, unsigned events)
{
    struct intake_listener *listener = ctx;
    struct intake *intake = listener->intake;
    (void)events;
    for (int i = 0; i < INTAKE_ACCEPTS && !is_full(intake); i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        int fd = accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                set_full(intake, intake->session_count > 0); /* the next session that ends listens again */
            return;
        }
        intake_session_create(intake, listener, fd, (struct sockaddr *)&peer);
    }
    set_full(intake, is_full(intake));
}

static void find_listeners(struct intake *intake, const struct conf *conf)
{
    for (unsigned section = 0; section < conf->submission_count; section++) {
        for (unsigned address = 0; address < CONF_LISTEN_MAX; address++) {
            int fd = role_fd(intake->role, ROLE_FD_SUBMISSION, section * CONF_LISTEN_MAX + address);
            if (fd < 0)
                continue;
            intake->listeners[intake->listener_count++] =
                (struct intake_listener){intake, NULL, fd, section, conf->submission[section].starttls};
        }
    }
}

static void stop_listening(struct intake *intake)
{
    for (size_t i = 0; i < intake->listener_count; i++)
        loop_watch_free(&intake->listeners[i].watch);
}

/* Reads certificate and key of a section; keeps what is there when they cannot be used. */
static bool load_certificate(struct intake *intake, unsigned section, struct err *err)
{
    int certificate = role_fd(intake->role, ROLE_FD_CERTIFICATE, section);
    int key = role_fd(intake->role, ROLE_FD_PRIVATE_KEY, section);
    if (certificate < 0 || key < 0)
        return err_set(err, "submission section %u has no certificate or key", section + 1);
    struct tls_server *server = tls_server_create_fd(intake->library, certificate, key, "smtp", err);
    if (server == NULL)
        return err_prefix(err, "submission section %u: ", section + 1);
    tls_server_free(&intake->tls[section]);
    intake->tls[section] = server;
    return true;
}

static bool load_certificates(struct intake *intake, const struct conf *conf, struct err *err)
{
    bool ok = true;
    for (unsigned i = 0; ok && i < conf->submission_count; i++)
        ok = load_certificate(intake, i, err);
    return ok;
}

/* --- peers --- */

/* A credential was removed: whoever uses it is not known any more. A message that is being stored is stored. */
static void end_sessions_of(struct intake *intake, const struct id *credential)
{
    LIST_FOR(it, tmp, &intake->sessions) {
        struct intake_session *session = LIST_ENTRY(it, struct intake_session, link);
        if (id_eq(&session->credential, credential))
            intake_session_drain(session, "4.7.0", "your credential was removed");
    }
}

/* Neither keyd nor the store asks intake anything; keyd tells it of removed credentials. */
static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct intake *intake = ctx;
    struct msg_credential gone;
    bool good = chan == intake->keyd && frame->type == MSG_CREDENTIAL_GONE && frame->request == 0 && frame->fd < 0 &&
                layout_read(&msg_credential_layout, frame->payload, &gone) && !id_is_zero(&gone.id);
    if (good)
        end_sessions_of(intake, &gone.id);
    return good;
}

static void lose(struct intake *intake, struct chan *chan)
{
    /* Out of sight first: what its open calls are told must not make anybody use it again. */
    if (chan == intake->keyd) {
        intake->keyd = NULL;
        intake_keys_channel(intake->keys, NULL);
    } else if (chan == intake->store) {
        intake->store = NULL;
    }
    chan_free(&chan);
}

static void on_chan_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct intake *intake = ctx;
    if (!intake->draining)
        log_warn(role_log(intake->role), "%s", reason);
    lose(intake, chan);
}

static const struct chan_ops peer_ops = {on_frame, on_chan_closed};

static void intake_peer(void *ctx, enum role_kind kind, unsigned index, int fd)
{
    struct intake *intake = ctx;
    (void)index;
    if (kind == ROLE_KEYD) {
        lose(intake, intake->keyd);
        intake->keyd = chan_create(intake->loop, fd, "keyd", &peer_ops, intake);
        intake_keys_channel(intake->keys, intake->keyd);
    } else if (kind == ROLE_STORE) {
        lose(intake, intake->store);
        intake->store = chan_create(intake->loop, fd, "store", &peer_ops, intake);
    } else {
        close(fd);
    }
}

/* --- life --- */

static void intake_stop(void *ctx)
{
    struct intake *intake = ctx;
    stop_listening(intake);
    LIST_FOR(it, tmp, &intake->sessions) {
        struct intake_session *session = LIST_ENTRY(it, struct intake_session, link);
        intake_session_free(&session);
    }
    lose(intake, intake->keyd);
    lose(intake, intake->store);
    intake_keys_free(&intake->keys);
    for (unsigned i = 0; i < CONF_SUBMISSION_MAX; i++)
        tls_server_free(&intake->tls[i]);
    tls_library_free(&intake->library);
    while (intake->writer_count > 0)
        sealed_writer_free(&intake->writers[--intake->writer_count]);
    sealed_field_free(&intake->field);
    hmac_free(&intake->sha256);
    tls_scratch_free(&intake->scratch);
    intake_settings_drop(&intake->settings);
    mem_free(intake);
}

static bool intake_start(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err)
{
    const struct conf *conf = role_conf(role);
    struct intake *intake = mem_new(sizeof(*intake));
    intake->role = role;
    intake->loop = role_loop(role);
    list_init(&intake->sessions);
    intake->settings = settings_of(conf);
    intake->scratch = tls_scratch_create();
    intake->keys = intake_keys_create(intake->loop);
    intake->field = sealed_field_create();
    intake->sha256 = hmac_create(HMAC_SHA256);
    intake->writers[intake->writer_count++] = sealed_writer_create();
    intake->library = tls_library_create((enum tls_profile)conf->trust_profile, conf->trust_fips_config, err);
    if (intake->library == NULL || !load_certificates(intake, conf, err)) {
        intake_stop(intake);
        return false;
    }
    find_listeners(intake, conf);
    sandbox->groups = SANDBOX_NET_SERVER;
    /* A session may have a file of the store open while it reads a large message. */
    sandbox->files_max = 2 * (conf->sessions_max + INTAKE_TURNED_AWAY_MAX) + FILES_OWN;
    *ret_ctx = intake;
    return true;
}

static bool intake_sandboxed(void *ctx, struct err *err)
{
    struct intake *intake = ctx;
    for (size_t i = 0; i < intake->listener_count; i++) {
        struct intake_listener *listener = &intake->listeners[i];
        listener->watch = loop_watch_create(intake->loop, listener->fd, LOOP_READ, on_listener, listener);
        if (listener->watch == NULL)
            return err_set(err, "a listening socket cannot be watched");
    }
    return true;
}

static void intake_reload(void *ctx, const struct conf *conf)
{
    struct intake *intake = ctx;
    struct err err = {""};
    intake_settings_drop(&intake->settings);
    intake->settings = settings_of(conf);
    for (unsigned i = 0; i < conf->submission_count; i++) {
        if (!load_certificate(intake, i, &err))
            log_error(role_log(intake->role), "the old certificate stays: %s", err.text);
    }
}

void intake_check_drained(struct intake *intake)
{
    if (intake->draining && intake->session_count == 0 && intake->orphans == 0)
        role_drained(intake->role);
}

void intake_session_gone(struct intake *intake)
{
    if (!is_full(intake))
        set_full(intake, false);
    intake_check_drained(intake);
}

static void intake_drain(void *ctx)
{
    struct intake *intake = ctx;
    intake->draining = true;
    stop_listening(intake);
    LIST_FOR(it, tmp, &intake->sessions)
        intake_session_drain(LIST_ENTRY(it, struct intake_session, link), "4.3.2", "the service stops; try again in a while");
    intake_check_drained(intake);
}

const struct role_ops intake_role_ops = {
    .kind = ROLE_INTAKE,
    .name = "intake",
    .start = intake_start,
    .sandboxed = intake_sandboxed,
    .peer = intake_peer,
    .reload = intake_reload,
    .drain = intake_drain,
    .stop = intake_stop,
};
