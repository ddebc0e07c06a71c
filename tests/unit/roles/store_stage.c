/* SPDX-License-Identifier: Apache-2.0 */
/* The stage of the store. */
#include "store_stage.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define UID 61440u

static const char *const conf_text =
    "hostname = \"mail.example\"\ndirectory = \"%s\"\noperator = \"Clinic\"\n"
    "limits { disk-reserve = \"%s\" }\n"
    "submission {\n listen = {\"127.0.0.1:465\"}\n mode = \"tls\"\n certificate = \"c\"\n key = \"k\"\n}\n"
    "courier {\n retry = {\"100ms\", \"200ms\"}\n hold = \"60s\"\n}\n"
    "notice {\n from = \"secure@mail.example\"\n refusal-gap = \"100ms\"\n}\n"
    "center {\n listen = {\"127.0.0.1:443\"}\n base-url = \"https://mail.example\"\n certificate = \"c\"\n key = \"k\"\n}\n"
    "keys {\n escrow = {\"e\"}\n}\n";

static void take_lease(struct stage *p, const struct chan_frame *frame)
{
    struct msg_lease msg;
    struct stage_lease *lease = &p->lease[p->leases++];
    assert_true(p->leases < STAGE_LEASES_MAX);
    assert_true(layout_read(&msg_lease_layout, frame->payload, &msg));
    *lease = (struct stage_lease){msg.lease,     msg.epoch,          msg.kind,   msg.message_kind, msg.flags, msg.message, msg.extra_id,
                                  msg.attempt,   msg.must_end,       msg.refused_before, msg.reason};
    lease->content = msg.content.len;
    lease->content_first = msg.content.len > 0 ? msg.content.data[0] : 0;
    lease->extra = msg.extra.len;
    lease->fd = frame->fd;
    struct wire_reader r = wire_reader_of(msg.recipients);
    struct msg_lease_recipient recipient;
    while (layout_next(&msg_lease_recipient_layout, &r, &recipient)) {
        if (lease->recipients < 8) {
            lease->index[lease->recipients] = recipient.index;
            lease->generation[lease->recipients] = recipient.generation;
        }
        lease->recipients++;
    }
    assert_true(wire_done(&r));
}

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct stage *p = ctx;
    p->ready = p->ready || frame->type == MSG_READY;
    p->alarms += frame->type == MSG_ALARM ? 1 : 0;
    p->forgotten += frame->type == MSG_FORGOTTEN ? 1 : 0;
    p->credentials += frame->type == MSG_CREDENTIAL ? 1 : 0;
    p->credentials_end += frame->type == MSG_CREDENTIALS_END ? 1 : 0;
    p->attempts += frame->type == MSG_CTL_ATTEMPT ? 1 : 0;
    if (frame->type == MSG_CTL_ROW) {
        p->rows++;
        assert_true(layout_read(&msg_row_layout, frame->payload, &p->row));
    }
    if (frame->type == MSG_LEASE) {
        take_lease(p, frame);
    } else if (frame->fd >= 0) {
        close(frame->fd);
    }
    if (frame->type == MSG_GRANT || frame->type == MSG_OPERATOR_GRANT) {
        struct buf b;
        const struct msg_status ok = {.code = MSG_OK};
        buf_init(&b, 100);
        layout_write(&msg_status_layout, &b, &ok);
        chan_answer(chan, frame->type, frame->request, buf_slice(&b), -1);
        buf_free(&b);
    }
    loop_stop(p->loop);
    return true;
}

static void on_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct stage *p = ctx;
    (void)reason;
    for (int i = 0; i < PLAYERS; i++) {
        if (p->chan[i] == chan) {
            p->closed[i] = true;
            chan_free(&p->chan[i]);
        }
    }
    loop_stop(p->loop);
}

static const struct chan_ops stage_ops = {on_frame, on_closed};

static void on_time(void *ctx)
{
    struct stage *p = ctx;
    p->timed_out = true;
    loop_stop(p->loop);
}

static void wait_once(struct stage *p)
{
    p->timed_out = false;
    loop_timer_start(p->timer, STAGE_DEADLINE_US);
    loop_run(p->loop);
    loop_timer_stop(p->timer);
    assert_false(p->timed_out);
}

void stage_turn(struct stage *p, int64_t us)
{
    int64_t until = clock_wait_us() + us;
    for (int64_t now = clock_wait_us(); now < until; now = clock_wait_us()) {
        loop_timer_start(p->timer, until - now);
        loop_run(p->loop);
    }
    loop_timer_stop(p->timer);
    p->timed_out = false;
}

static void send_to(struct chan *chan, uint16_t type, const struct layout *layout, const void *object, int fd)
{
    struct buf b;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    layout_write(layout, &b, object);
    assert_true(buf_ok(&b));
    chan_send(chan, type, buf_slice(&b), fd);
    buf_free(&b);
}

void stage_send(struct stage *p, enum player who, uint16_t type, const struct layout *layout, const void *object)
{
    send_to(p->chan[who], type, layout, object, -1);
}

static void on_answer(void *ctx, const struct chan_frame *answer)
{
    struct stage *p = ctx;
    p->answered = answer != NULL;
    buf_reset(&p->answer);
    if (answer != NULL) {
        buf_append_slice(&p->answer, answer->payload);
        p->answer_fd = answer->fd;
    }
    loop_stop(p->loop);
}

bool stage_ask(struct stage *p, enum player who, uint16_t type, const struct layout *layout, const void *object,
               const struct layout *answer_layout, void *ret_answer)
{
    struct buf b;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    if (layout != NULL) {
        layout_write(layout, &b, object);
    }
    p->answered = false;
    p->answer_fd = -1;
    chan_call(p->chan[who], type, buf_slice(&b), -1, STAGE_DEADLINE_US, on_answer, p);
    buf_free(&b);
    while (!p->answered && !p->closed[who]) {
        wait_once(p);
    }
    return p->answered && layout_read(answer_layout, buf_slice(&p->answer), ret_answer);
}

static void pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

void stage_meet(struct stage *p, enum player who)
{
    static const enum role_kind kinds[PLAYERS] = {ROLE_SUPERVISOR, ROLE_INTAKE, ROLE_COURIER, ROLE_KEYD, ROLE_WEB, ROLE_CLI};
    int fds[2];
    struct msg_peer peer = {(uint8_t)kinds[who], 0};
    pair(fds);
    chan_free(&p->chan[who]);
    p->closed[who] = false;
    p->chan[who] = chan_create(p->loop, fds[0], "store", &stage_ops, p);
    send_to(p->chan[SUPERVISOR], MSG_PEER, &msg_peer_layout, &peer, fds[1]);
    close(fds[1]);
}

void stage_cli(struct stage *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/store.sock", p->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    chan_free(&p->chan[CLI]);
    p->closed[CLI] = false;
    p->chan[CLI] = chan_create(p->loop, fd, "store", &stage_ops, p);
}

void stage_held(struct stage *p)
{
    const struct msg_held held = {p->epoch - 1};
    stage_send(p, COURIER, MSG_HELD, &msg_held_layout, &held);
}

void stage_meet_all(struct stage *p)
{
    stage_meet(p, INTAKE);
    stage_meet(p, COURIER);
    stage_meet(p, KEYD);
    stage_meet(p, WEB);
    stage_cli(p);
    stage_held(p);
}

static int control_socket(const struct stage *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/store.sock", p->path);
    unlink(address.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* The folder above it is closed to the store's user, as it may be in life. */
static int store_dir(const struct stage *p)
{
    char path[128];
    snprintf(path, sizeof path, "%s/store", p->path);
    if (mkdir(path, 0700) == 0) {
        assert_int_equal(chown(path, UID + ROLE_STORE, UID + ROLE_STORE), 0);
    }
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void give(struct stage *p, enum role_fd what, int fd)
{
    struct msg_fd msg = {(uint8_t)what, 0};
    assert_true(fd >= 0);
    send_to(p->chan[SUPERVISOR], MSG_FD, &msg_fd_layout, &msg, fd);
    close(fd);
}

static void boot(struct stage *p)
{
    struct buf text, counts;
    char name[128];
    snprintf(name, sizeof name, "%s/sealpost.conf", p->path);
    buf_init(&text, CONF_TEXT_MAX);
    buf_init(&counts, 256);
    char *filled = mem_new(4096);
    snprintf(filled, 4096, conf_text, p->path, p->reserve);
    for (int i = 0; i < ROLE_KIND_COUNT; i++) {
        wire_put_u32(&counts, 1);
    }
    struct msg_boot msg = {ROLE_STORE, 0, ++p->epoch, buf_slice(&counts), slice_str(name), slice_str(filled)};
    send_to(p->chan[SUPERVISOR], MSG_BOOT, &msg_boot_layout, &msg, -1);
    mem_free(filled);
    buf_free(&text);
    buf_free(&counts);
}

void stage_start(struct stage *p)
{
    int fds[2];
    pair(fds);
    p->pid = fork();
    if (p->pid == 0) {
        if (fds[1] != ROLE_SUPERVISOR_FD && dup2(fds[1], ROLE_SUPERVISOR_FD) < 0) {
            _exit(127);
        }
        for (int fd = 4; fd < 64; fd++) {
            close(fd);
        }
        _exit(setresgid(UID + ROLE_STORE, UID + ROLE_STORE, UID + ROLE_STORE) == 0 &&
                      setresuid(UID + ROLE_STORE, UID + ROLE_STORE, UID + ROLE_STORE) == 0
                  ? role_main(&store_role_ops)
                  : 126);
    }
    close(fds[1]);
    p->closed[SUPERVISOR] = false;
    p->chan[SUPERVISOR] = chan_create(p->loop, fds[0], "store", &stage_ops, p);
    boot(p);
    give(p, ROLE_FD_STORE_DIR, store_dir(p));
    give(p, ROLE_FD_STORE_CONTROL, control_socket(p));
    chan_send(p->chan[SUPERVISOR], MSG_START, SLICE_EMPTY, -1);
    p->ready = false;
    while (!p->ready && !p->closed[SUPERVISOR]) {
        wait_once(p);
    }
    assert_true(p->ready);
}

void stage_kill(struct stage *p)
{
    int status = 0;
    kill(p->pid, SIGKILL);
    waitpid(p->pid, &status, 0);
    for (int i = 0; i < PLAYERS; i++) {
        chan_free(&p->chan[i]);
    }
}

int stage_drain(struct stage *p)
{
    int status = 0;
    chan_send(p->chan[SUPERVISOR], MSG_DRAIN, SLICE_EMPTY, -1);
    while (!p->closed[SUPERVISOR]) {
        wait_once(p);
    }
    waitpid(p->pid, &status, 0);
    for (int i = 0; i < PLAYERS; i++) {
        chan_free(&p->chan[i]);
    }
    return status;
}

struct stage *stage_open(void)
{
    if (geteuid() != 0) {
        print_message("SKIPPED LOUDLY: the live store needs root to take its own user id\n");
        return NULL;
    }
    struct stage *p = mem_new(sizeof *p);
    buf_init(&p->answer, CHAN_PAYLOAD_MAX);
    p->reserve = "1MiB";
    snprintf(p->path, sizeof p->path, "/tmp/test-store-XXXXXX");
    assert_non_null(mkdtemp(p->path));
    p->loop = loop_create();
    p->timer = loop_timer_create(p->loop, on_time, p);
    stage_start(p);
    return p;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void stage_close(struct stage *p)
{
    stage_kill(p);
    for (size_t i = 0; i < p->leases; i++) {
        if (p->lease[i].fd >= 0) {
            close(p->lease[i].fd);
        }
    }
    loop_timer_free(&p->timer);
    loop_free(&p->loop);
    nftw(p->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    buf_free(&p->answer);
    mem_free(p);
}

void stage_await_leases(struct stage *p, size_t count)
{
    while (p->leases < count) {
        wait_once(p);
    }
}

struct id stage_id(uint32_t n)
{
    struct id id = {{0x01, 0x90}};
    memcpy(id.b + 8, &n, sizeof n);
    id.b[7] = 1;
    return id;
}

static void write_message(struct buf *out, uint32_t n, uint16_t recipients)
{
    static const uint8_t content[10000] = {42};
    struct buf list;
    struct msg_message m = {.id = stage_id(n), .kind = MSG_KIND_MAIL, .tenant = SLICE_LIT("default"),
                            .accepted_us = clock_utc_us(), .size = 9000, .header = SLICE_LIT("sealed header"),
                            .envelope = SLICE_LIT("sealed envelope"), .content = slice_of(content, sizeof content)};
    buf_init(&list, MSG_LIST_MAX);
    for (uint16_t i = 0; i < recipients; i++) {
        struct msg_recipient r = {.index = i, .notify = 4, .sealed = SLICE_LIT("sealed recipient")};
        r.destination.b[0] = (uint8_t)(n % 8 + 1);
        memcpy(r.recipient.b, &n, sizeof n);
        r.recipient.b[4] = (uint8_t)(i + 1);
        layout_write(&msg_recipient_layout, &list, &r);
    }
    memcpy(m.message_id.b, &n, sizeof n);
    m.recipients = buf_slice(&list);
    layout_write(&msg_message_layout, out, &m);
    assert_true(buf_ok(out));
    buf_free(&list);
}

static void on_commit(void *ctx, const struct chan_frame *answer)
{
    struct stage *p = ctx;
    struct msg_status status;
    bool ok = answer != NULL && layout_read(&msg_status_layout, answer->payload, &status) && status.code == MSG_OK;
    p->commits_done += ok ? 1 : 0;
    p->commits_refused += answer != NULL && !ok ? 1 : 0;
    loop_stop(p->loop);
}

void stage_commit_start(struct stage *p, uint32_t n)
{
    struct buf b;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    write_message(&b, n, 1);
    chan_call(p->chan[INTAKE], MSG_COMMIT, buf_slice(&b), -1, 0, on_commit, p);
    buf_free(&b);
}

uint8_t stage_commit(struct stage *p, uint32_t n, uint16_t recipients)
{
    struct buf b;
    struct msg_status status;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    write_message(&b, n, recipients);
    p->answered = false;
    chan_call(p->chan[INTAKE], MSG_COMMIT, buf_slice(&b), -1, 0, on_answer, p);
    buf_free(&b);
    while (!p->answered && !p->closed[INTAKE]) {
        wait_once(p);
    }
    assert_true(layout_read(&msg_status_layout, buf_slice(&p->answer), &status));
    return status.code;
}

static void write_complete(struct buf *out, const struct stage_lease *lease, uint8_t outcome)
{
    struct buf results;
    buf_init(&results, MSG_LIST_MAX);
    for (size_t i = 0; i < lease->recipients; i++) {
        const struct msg_result r = {.index = lease->index[i], .generation = lease->generation[i], .outcome = outcome,
                                     .reason = 1, .text = SLICE_LIT("sealed reply")};
        layout_write(&msg_result_layout, &results, &r);
    }
    const struct msg_complete c = {.lease = lease->lease, .epoch = lease->epoch, .kind = lease->kind,
                                   .message = lease->message, .results = buf_slice(&results)};
    layout_write(&msg_complete_layout, out, &c);
    buf_free(&results);
}

static void on_complete(void *ctx, const struct chan_frame *answer)
{
    struct stage *p = ctx;
    p->completes_done += answer != NULL ? 1 : 0;
    loop_stop(p->loop);
}

void stage_complete_start(struct stage *p, struct stage_lease *lease, uint8_t outcome)
{
    struct buf b;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    write_complete(&b, lease, outcome);
    chan_call(p->chan[COURIER], MSG_COMPLETE, buf_slice(&b), -1, 0, on_complete, p);
    buf_free(&b);
}

uint8_t stage_complete(struct stage *p, struct stage_lease *lease, uint8_t outcome)
{
    struct buf b;
    struct msg_status status;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    write_complete(&b, lease, outcome);
    p->answered = false;
    chan_call(p->chan[COURIER], MSG_COMPLETE, buf_slice(&b), -1, 0, on_answer, p);
    buf_free(&b);
    while (!p->answered && !p->closed[COURIER]) {
        wait_once(p);
    }
    assert_true(layout_read(&msg_status_layout, buf_slice(&p->answer), &status));
    return status.code;
}

void stage_check(struct stage *p)
{
    const struct msg_ctl_check deep = {true};
    struct msg_ctl_report report;
    assert_true(stage_ask(p, CLI, MSG_CTL_CHECK, &msg_ctl_check_layout, &deep, &msg_ctl_report_layout, &report));
    if (report.code != MSG_OK) {
        fail_msg("%.*s", (int)report.text.len, (const char *)report.text.data);
    }
}

struct msg_ctl_counts stage_status(struct stage *p)
{
    struct msg_ctl_counts counts;
    assert_true(stage_ask(p, CLI, MSG_CTL_STATUS, NULL, NULL, &msg_ctl_counts_layout, &counts));
    return counts;
}

uint32_t stage_query(struct stage *p, const struct msg_ctl_query *query)
{
    struct msg_ctl_grant grant;
    p->rows = 0;
    p->attempts = 0;
    assert_true(stage_ask(p, CLI, MSG_CTL_QUERY, &msg_ctl_query_layout, query, &msg_ctl_grant_layout, &grant));
    assert_int_equal(grant.code, MSG_OK);
    assert_int_equal(grant.rows, p->rows);
    return grant.rows;
}
