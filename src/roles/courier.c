/* SPDX-License-Identifier: Apache-2.0 */
/* The role courier: its peers, its leases, its end. */
#include "roles/courier.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/file.h"
#include "roles/courier_dossier.h"
#include "roles/courier_lease.h"
#include "roles/courier_memory.h"
#include "roles/courier_report.h"
#include "roles/courier_session.h"
#include "roles/courier_tally.h"
#include "roles/courier_tlsrpt.h"
#include "roles/courier_watch.h"
#include "roles/roles.h"

#define FILES_MAX 16384u /* connections, content files, channels */
#define RETRY_US CLOCK_US_PER_S

/* ---- the end of things ---- */

void courier_bury_lease(struct courier_lease *lease)
{
    struct courier *courier = lease->courier;
    list_remove(&lease->link);
    list_push(&courier->dead, &lease->link);
    courier->lease_count--;
    loop_idle_request(courier->reaper);
}

void courier_bury_session(struct courier_session *session)
{
    list_remove(&session->link);
    list_push(&session->courier->dead_sessions, &session->link);
    loop_idle_request(session->courier->reaper);
}

static void reap(void *ctx)
{
    struct courier *courier = ctx;
    LIST_FOR(it, tmp, &courier->dead)
        courier_lease_free(LIST_ENTRY(it, struct courier_lease, link));
    LIST_FOR(it, tmp, &courier->dead_sessions)
        courier_session_free(LIST_ENTRY(it, struct courier_session, link));
    courier_look(courier);
}

/* Tells a new store that nothing more will come of what the earlier one leased. */
static void tell_held(struct courier *courier)
{
    struct msg_held held = {courier->held_epoch};
    struct buf payload;
    buf_init(&payload, 64);
    layout_write(&msg_held_layout, &payload, &held);
    chan_send(courier->store, MSG_HELD, buf_slice(&payload), -1);
    buf_free(&payload);
    courier->hold_told = true;
}

void courier_look(struct courier *courier)
{
    bool at_rest = courier->lease_count == 0 && list_empty(&courier->reports);
    if (at_rest && courier->store != NULL && !courier->hold_told)
        tell_held(courier);
    bool told = courier->store == NULL || courier_tallies_settled(courier->tallies);
    if (at_rest && told && courier->draining)
        role_drained(courier->role);
}

/* ---- waiting for peers ---- */

void courier_stall(struct courier_lease *lease)
{
    lease->stalled = true;
    if (!loop_timer_running(lease->courier->retry))
        loop_timer_start(lease->courier->retry, RETRY_US);
}

static void step_stalled(void *ctx)
{
    struct courier *courier = ctx;
    LIST_FOR(it, tmp, &courier->leases) {
        struct courier_lease *lease = LIST_ENTRY(it, struct courier_lease, link);
        if (lease->stalled)
            courier_lease_step(lease);
    }
}

void courier_alarm(struct courier *courier, const char *format, ...)
{
    char text[300];
    struct buf payload;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (courier->store == NULL) {
        log_alarm(role_log(courier->role), "%s", text);
        return;
    }
    const struct msg_text alarm = {slice_str(text)};
    buf_init(&payload, sizeof(text) + 64);
    layout_write(&msg_text_layout, &payload, &alarm);
    chan_send(courier->store, MSG_ALARM, buf_slice(&payload), -1);
    buf_free(&payload);
}

/* ---- the store ---- */

/* Answers of the resolver are kept by name, which is not told: all go, and the policies in them. */
static bool forget_domain(struct courier *courier, const struct chan_frame *frame)
{
    struct msg_shown_ask ask;
    if (!layout_read(&msg_shown_ask_layout, frame->payload, &ask))
        return false;
    courier_memory_forget(courier->memory, &ask.domain);
    courier_dossiers_free(&courier->dossiers);
    courier->dossiers = courier_dossiers_create();
    LIST_FOR(it, tmp, &courier->leases)
        courier_lease_look_again(LIST_ENTRY(it, struct courier_lease, link));
    return true;
}

/* Counts are handed over; with a day the first courier's reports of it begin. */
static bool report_now(struct courier *courier, struct chan *chan, const struct chan_frame *frame)
{
    struct msg_report_now now;
    struct msg_status status = {.code = MSG_UNAVAILABLE};
    struct buf payload;
    if (!layout_read(&msg_report_now_layout, frame->payload, &now))
        return false;
    if (now.day == 0) {
        courier_tallies_flush(courier->tallies, chan, frame->request);
        return true;
    }
    if (courier->tlsrpt != NULL)
        status.code = courier_tlsrpt_start(courier->tlsrpt, now.day) ? MSG_OK : MSG_BUSY;
    buf_init(&payload, 64);
    layout_write(&msg_status_layout, &payload, &status);
    chan_answer(chan, frame->type, frame->request, buf_slice(&payload), -1);
    buf_free(&payload);
    return true;
}

static bool store_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct courier *courier = ctx;
    if (frame->type == MSG_REPORT_NOW && frame->fd < 0 && frame->request != 0)
        return report_now(courier, chan, frame);
    if (frame->type == MSG_FORGOTTEN && frame->fd < 0)
        return forget_domain(courier, frame);
    if (frame->type != MSG_LEASE)
        return false;
    if (!courier->draining)
        return courier_lease_create(courier, frame);
    if (frame->fd >= 0) /* a draining courier leaves it to its successor */
        close(frame->fd);
    return true;
}

static void orphan_all(struct courier *courier)
{
    LIST_FOR(it, tmp, &courier->leases)
        courier_lease_orphan(LIST_ENTRY(it, struct courier_lease, link));
}

static void store_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct courier *courier = ctx;
    (void)chan;
    log_warn(role_log(courier->role), "the store is gone: %s", reason);
    chan_free(&courier->store);
    courier->held_epoch = courier->epoch;
    courier->hold_told = false;
    orphan_all(courier);
    step_stalled(courier);
}

static void meet_store(struct courier *courier, int fd)
{
    static const struct chan_ops ops = {store_frame, store_closed};
    if (courier->store != NULL) {
        chan_free(&courier->store);
        courier->held_epoch = courier->epoch;
        orphan_all(courier);
    }
    courier->store = chan_create(courier->loop, fd, "store", &ops, courier);
    courier->hold_told = false;
    courier_report_again(courier);
    courier_tallies_again(courier->tallies);
    courier_look(courier);
}

/* ---- keyd and resolver: they answer, and never ask ---- */

static bool no_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    (void)ctx;
    (void)chan;
    (void)frame;
    return false;
}

static void peer_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct courier *courier = ctx;
    bool keyd = chan == courier->keyd;
    log_warn(role_log(courier->role), "%s is gone: %s", keyd ? "keyd" : "the resolver", reason);
    chan_free(keyd ? &courier->keyd : &courier->resolver);
}

static void on_peer(void *ctx, enum role_kind kind, unsigned index, int fd)
{
    static const struct chan_ops ops = {no_frame, peer_closed};
    struct courier *courier = ctx;
    (void)index;
    if (kind == ROLE_STORE) {
        meet_store(courier, fd);
    } else if (kind == ROLE_KEYD || kind == ROLE_RESOLVER) {
        struct chan **place = kind == ROLE_KEYD ? &courier->keyd : &courier->resolver;
        chan_free(place);
        *place = chan_create(courier->loop, fd, role_kind_name(kind), &ops, courier);
    } else {
        close(fd);
    }
    step_stalled(courier);
}

/* ---- the role ---- */

static void stop(void *ctx)
{
    struct courier *courier = ctx;
    chan_free(&courier->store);
    chan_free(&courier->keyd);
    chan_free(&courier->resolver);
    courier_report_free_all(courier);
    LIST_FOR(it, tmp, &courier->leases)
        courier_lease_free(LIST_ENTRY(it, struct courier_lease, link));
    LIST_FOR(it, tmp, &courier->dead)
        courier_lease_free(LIST_ENTRY(it, struct courier_lease, link));
    LIST_FOR(it, tmp, &courier->sessions)
        courier_session_free(LIST_ENTRY(it, struct courier_session, all));
    courier_tlsrpt_free(&courier->tlsrpt);
    courier_tallies_free(&courier->tallies);
    loop_idle_free(&courier->reaper);
    loop_timer_free(&courier->retry);
    courier_memory_free(&courier->memory);
    courier_watch_free(&courier->watch);
    sealed_field_free(&courier->field);
    sealed_writer_free(&courier->writer);
    hmac_free(&courier->sha256);
    courier_dossiers_free(&courier->dossiers);
    tls_scratch_free(&courier->scratch);
    tls_client_free(&courier->tls);
    tls_library_free(&courier->library);
    mem_free(courier);
}

/* From the descriptor: a courier's user need not be able to walk to the file. */
static bool read_authorities(const struct courier *courier, struct buf *pem, struct err *err)
{
    int fd = role_fd(courier->role, ROLE_FD_CA_FILE, 0);
    return fd < 0 ? err_set(err, "trust { ca-file } was not handed over") : file_read_fd(fd, courier->conf->trust_ca_file, pem, err);
}

static bool start_tls(struct courier *courier, struct err *err)
{
    const struct conf *conf = courier->conf;
    struct buf pem;
    buf_init(&pem, TLS_CLIENT_AUTHORITIES_MAX);
    courier->library = tls_library_create((enum tls_profile)conf->trust_profile, conf->trust_fips_config, err);
    if (courier->library != NULL && read_authorities(courier, &pem, err))
        courier->tls = tls_client_create(courier->library, buf_slice(&pem), err);
    buf_free(&pem);
    return courier->tls != NULL;
}

static bool start(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err)
{
    struct courier *courier = mem_new(sizeof(*courier));
    courier->role = role;
    courier->conf = role_conf(role);
    courier->loop = role_loop(role);
    list_init(&courier->leases);
    list_init(&courier->reports);
    list_init(&courier->idle);
    list_init(&courier->sessions);
    list_init(&courier->dead);
    list_init(&courier->dead_sessions);
    if (!start_tls(courier, err)) {
        tls_library_free(&courier->library);
        mem_free(courier);
        return false;
    }
    courier->scratch = tls_scratch_create();
    courier->home = (struct peer_home){courier->loop, courier->scratch, courier->tls, courier->conf};
    courier->memory = courier_memory_create();
    courier->watch = courier_watch_create();
    courier->field = sealed_field_create();
    courier->writer = sealed_writer_create();
    courier->sha256 = hmac_create(HMAC_SHA256);
    courier->dossiers = courier_dossiers_create();
    sandbox->groups = SANDBOX_NET_CLIENT;
    sandbox->files_max = FILES_MAX;
    *ret_ctx = courier;
    return true;
}

static bool sandboxed(void *ctx, struct err *err)
{
    struct courier *courier = ctx;
    (void)err;
    courier->reaper = loop_idle_create(courier->loop, reap, courier);
    courier->retry = loop_timer_create(courier->loop, step_stalled, courier);
    courier->tallies = courier_tallies_create(courier);
    if (role_index(courier->role) == 0)
        courier->tlsrpt = courier_tlsrpt_create(courier);
    return true;
}

/* Whoever is not in the file any more vouches for nobody: what was proved before proves nothing to the next message. */
static void renew_authorities(struct courier *courier)
{
    struct err err = {""};
    struct buf pem;
    buf_init(&pem, TLS_CLIENT_AUTHORITIES_MAX);
    if (!read_authorities(courier, &pem, &err) || !tls_client_renew(courier->tls, buf_slice(&pem), &err))
        log_error(role_log(courier->role), "the authorities of before the reload stay: %s", err.text);
    buf_free(&pem);
    LIST_FOR(it, tmp, &courier->sessions)
        LIST_ENTRY(it, struct courier_session, all)->outdated = true;
    LIST_FOR(it, tmp, &courier->idle)
        courier_session_goodbye(LIST_ENTRY(it, struct courier_session, link));
}

static void reload(void *ctx, const struct conf *conf)
{
    struct courier *courier = ctx;
    courier->conf = courier->home.conf = conf;
    if (courier->tlsrpt != NULL)
        courier_tlsrpt_reset(courier->tlsrpt);
    renew_authorities(courier);
    courier_dossiers_free(&courier->dossiers); /* another resolver, another trust anchor */
    courier->dossiers = courier_dossiers_create();
}

/* What is not past the end of a content is left to the next courier. */
static void drain(void *ctx)
{
    struct courier *courier = ctx;
    courier->draining = true;
    courier_tallies_hand_over(courier->tallies);
    if (courier->tlsrpt != NULL)
        courier_tlsrpt_reset(courier->tlsrpt);
    orphan_all(courier);
    LIST_FOR(it, tmp, &courier->idle)
        courier_session_goodbye(LIST_ENTRY(it, struct courier_session, link));
    courier_look(courier);
}

const struct role_ops courier_role_ops = {
    .kind = ROLE_COURIER,
    .name = "courier",
    .start = start,
    .sandboxed = sandboxed,
    .peer = on_peer,
    .reload = reload,
    .drain = drain,
    .stop = stop,
};
