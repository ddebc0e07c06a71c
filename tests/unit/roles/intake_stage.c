/* SPDX-License-Identifier: Apache-2.0 */
/* The stage: child, peers, clients. */
#include "intake_stage.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keys/scram.h"
#include "keys/sealed_field.h"
#include "keys/sealed_reader.h"
#include "mail/envelope.h"
#include "net/tls_profile.h"
#include "roles/roles.h"
#include "tls_pair.h"
#include "unit.h"

#define UID 61440u

/* --- waiting --- */

static void on_time(void *ctx)
{
    struct stage *s = ctx;
    s->timed_out = true;
    loop_stop(s->loop);
}

void stage_turn(struct stage *stage)
{
    loop_timer_start(stage->timer, STAGE_DEADLINE_US);
    loop_run(stage->loop);
    loop_timer_stop(stage->timer);
    assert_false(stage->timed_out);
}

void stage_pause(struct stage *stage, int64_t us)
{
    int64_t end = clock_wait_us() + us;
    for (int64_t left = us; left > 0; left = end - clock_wait_us()) {
        loop_timer_start(stage->timer, left);
        loop_run(stage->loop);
        stage->timed_out = false;
    }
    loop_timer_stop(stage->timer);
}

/* --- peers --- */

static void answer(struct chan *chan, const struct chan_frame *frame, const struct layout *layout, const void *object,
                   int fd)
{
    struct buf b;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    layout_write(layout, &b, object);
    assert_true(buf_ok(&b));
    chan_answer(chan, frame->type, frame->request, buf_slice(&b), fd);
    buf_free(&b);
}

static void give_batch(struct stage *s, const struct chan_frame *frame)
{
    struct msg_batch_ask ask;
    struct msg_batch batch = {.code = MSG_OK, .destination_day = clock_day(clock_utc_us())};
    struct buf items;
    struct buf header;
    struct err err;
    assert_true(layout_read(&msg_batch_ask_layout, frame->payload, &ask));
    assert_int_equal(ask.purpose, MSG_PURPOSE_MAIL);
    assert_slice(ask.tenant, "default");
    memset(&batch.recipient_key, 7, sizeof(batch.recipient_key));
    buf_init(&items, MSG_LIST_MAX);
    buf_init(&header, MSG_HEADER_MAX);
    for (unsigned i = 0; i < ask.count; i++) {
        struct msg_batch_item *item = &s->keys[s->key_count++ % STAGE_KEYS_MAX];
        item->id = id_make(clock_utc_us());
        buf_reset(&header);
        assert_true(sealed_maker_make(s->maker, ask.tenant, &item->id, clock_wait_us(), &header, &item->content_key,
                                      &item->field_key, &err));
        item->header = buf_slice(&header);
        layout_write(&msg_batch_item_layout, &items, item);
    }
    batch.items = buf_slice(&items);
    answer(s->keyd, frame, &msg_batch_layout, &batch, -1);
    s->batches++;
    buf_free(&items);
    buf_free(&header);
}

static void give_verdict(struct stage *s, const struct chan_frame *frame)
{
    struct msg_auth_plain ask;
    struct msg_auth_answer verdict = {.code = s->auth_code};
    struct buf senders;
    assert_true(layout_read(&msg_auth_plain_layout, frame->payload, &ask));
    assert_int_equal(ask.address.len, 4);
    buf_init(&senders, MSG_SENDERS_MAX);
    wire_put_blob16(&senders, SLICE_LIT("@x.example"));
    wire_put_blob16(&senders, SLICE_LIT("solo@y.example"));
    if (s->auth_code == MSG_OK && !slice_eq(ask.password, SLICE_LIT("secret")))
        verdict.code = MSG_REFUSED;
    if (verdict.code == MSG_OK) {
        verdict.tenant = SLICE_LIT("default");
        verdict.senders = buf_slice(&senders);
        verdict.minimum = 3;
        memset(&verdict.credential, 9, sizeof(verdict.credential));
    }
    answer(s->keyd, frame, &msg_auth_answer_layout, &verdict, -1);
    buf_free(&senders);
}

/* The server's half of SCRAM: one salt, password "secret". */
static void give_salt(struct stage *s, const struct chan_frame *frame)
{
    static const uint8_t salt[SCRAM_SALT_SIZE] = "0123456789abcde";
    struct msg_scram_challenge challenge = {MSG_OK, {salt, sizeof(salt)}, SCRAM_ITERATIONS};
    answer(s->keyd, frame, &msg_scram_challenge_layout, &challenge, -1);
}

static void give_signature(struct stage *s, const struct chan_frame *frame)
{
    struct msg_scram_finish ask;
    struct msg_auth_answer verdict = {.code = MSG_REFUSED};
    struct scram_keys keys;
    struct buf senders;
    uint8_t signature[SCRAM_HASH_SIZE];
    struct hmac *sha256 = hmac_create(HMAC_SHA256);
    assert_true(layout_read(&msg_scram_finish_layout, frame->payload, &ask));
    scram_keys_make(SLICE_LIT("secret"), (const uint8_t *)"0123456789abcde", SCRAM_ITERATIONS, &keys);
    buf_init(&senders, MSG_SENDERS_MAX);
    wire_put_blob16(&senders, SLICE_LIT("@x.example"));
    if (scram_verify(sha256, &keys, ask.auth_message, ask.proof.data, signature))
        verdict = (struct msg_auth_answer){.code = MSG_OK, .tenant = SLICE_LIT("default"), .senders = buf_slice(&senders),
                                           .server_signature = slice_of(signature, sizeof(signature))};
    answer(s->keyd, frame, &msg_auth_answer_layout, &verdict, -1);
    buf_free(&senders);
    hmac_free(&sha256);
}

static void give_status(struct stage *s, uint16_t type, uint64_t request, uint8_t code, int fd)
{
    struct msg_status status = {code, SLICE_EMPTY};
    struct chan_frame frame = {type, request, SLICE_EMPTY, -1};
    answer(s->store, &frame, &msg_status_layout, &status, fd);
}

static void give_file(struct stage *s, uint64_t request)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/content-%u", s->path, s->opens);
    if (s->file >= 0)
        close(s->file);
    s->file = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    assert_true(s->file >= 0);
    give_status(s, MSG_OPEN, request, s->open_code, s->open_code == MSG_OK ? s->file : -1);
}

static void hold(struct stage *s, const struct chan_frame *frame)
{
    assert_true(s->held_count < STAGE_HELD_MAX);
    s->held[s->held_count].type = frame->type;
    s->held[s->held_count++].request = frame->request;
}

void stage_release(struct stage *stage)
{
    assert_true(stage->held_count > 0);
    uint64_t request = stage->held[0].request;
    uint16_t type = stage->held[0].type;
    memmove(stage->held, stage->held + 1, --stage->held_count * sizeof(*stage->held));
    if (type == MSG_OPEN)
        give_file(stage, request);
    else
        give_status(stage, MSG_COMMIT, request, stage->commit_code, -1);
}

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct stage *s = ctx;
    (void)chan;
    loop_stop(s->loop);
    switch (frame->type) {
    case MSG_READY:
        s->ready = true;
        return true;
    case MSG_KEY_BATCH:
        if (!s->keyd_silent)
            give_batch(s, frame);
        return true;
    case MSG_AUTH_PLAIN:
        give_verdict(s, frame);
        return true;
    case MSG_SCRAM_START:
        give_salt(s, frame);
        return true;
    case MSG_SCRAM_FINISH:
        give_signature(s, frame);
        return true;
    case MSG_OPEN:
        s->opens++;
        if (s->hold_opens)
            hold(s, frame);
        else
            give_file(s, frame->request);
        return true;
    case MSG_DROP:
        s->drops++;
        return true;
    case MSG_COMMIT:
        s->commits++;
        buf_reset(&s->commit);
        buf_append_slice(&s->commit, frame->payload);
        if (s->hold_commits)
            hold(s, frame);
        else
            give_status(s, MSG_COMMIT, frame->request, s->commit_code, -1);
        return true;
    default:
        fail_msg("unexpected frame %u", frame->type);
        return false;
    }
}

static void on_chan_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct stage *s = ctx;
    (void)reason;
    if (chan == s->supervisor) {
        s->gone = true;
        chan_free(&s->supervisor);
    } else if (chan == s->keyd) {
        chan_free(&s->keyd);
    } else {
        chan_free(&s->store);
    }
    loop_stop(s->loop);
}

static const struct chan_ops chan_ops = {on_frame, on_chan_closed};

static void pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void command(struct stage *s, uint16_t type, const struct layout *layout, const void *object, int fd)
{
    struct buf b;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    layout_write(layout, &b, object);
    chan_send(s->supervisor, type, buf_slice(&b), fd);
    buf_free(&b);
}

void stage_meet(struct stage *stage, enum role_kind kind)
{
    int fds[2];
    struct msg_peer peer = {(uint8_t)kind, 0};
    struct chan **chan = kind == ROLE_KEYD ? &stage->keyd : &stage->store;
    pair(fds);
    chan_free(chan);
    *chan = chan_create(stage->loop, fds[0], "intake", &chan_ops, stage);
    command(stage, MSG_PEER, &msg_peer_layout, &peer, fds[1]);
    close(fds[1]);
}

/* --- the child --- */

static void give(struct stage *s, enum role_fd what, uint32_t index, int fd)
{
    struct msg_fd msg = {(uint8_t)what, index};
    assert_true(fd >= 0);
    command(s, MSG_FD, &msg_fd_layout, &msg, fd);
    close(fd);
}

static int file_with(const struct stage *s, const char *name, struct slice bytes)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", s->path, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
    return fd;
}

static int listener(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void boot(struct stage *s, unsigned sessions, unsigned processes)
{
    struct buf text;
    struct buf counts;
    char name[128];
    snprintf(name, sizeof(name), "%s/sealpost.conf", s->path);
    buf_init(&text, CONF_TEXT_MAX);
    buf_init(&counts, 256);
    conf_example(&text, s->path, "mail.example");
    buf_printf(&text, "limits {\n sessions = %u\n message-size = \"60MiB\"\n recipients = 3\n}\n", sessions);
    for (int i = 0; i < ROLE_KIND_COUNT; i++)
        wire_put_u32(&counts, i == ROLE_INTAKE ? processes : 1);
    struct msg_boot msg = {ROLE_INTAKE, 0, 1, buf_slice(&counts), slice_str(name), buf_slice(&text)};
    command(s, MSG_BOOT, &msg_boot_layout, &msg, -1);
    buf_free(&text);
    buf_free(&counts);
}

static void hand_over(struct stage *s)
{
    struct buf certificate;
    struct buf key;
    buf_init(&certificate, 65536);
    buf_init(&key, 65536);
    tls_pair_make("mail.example", &certificate, &key);
    for (uint32_t i = 0; i < 2; i++) {
        give(s, ROLE_FD_CERTIFICATE, i, file_with(s, "cert.pem", buf_slice(&certificate)));
        give(s, ROLE_FD_PRIVATE_KEY, i, file_with(s, "key.pem", buf_slice(&key)));
        give(s, ROLE_FD_SUBMISSION, i * CONF_LISTEN_MAX, listener(&s->ports[i]));
    }
    buf_free(&certificate);
    buf_free(&key);
}

static void spawn(struct stage *s)
{
    int fds[2];
    pair(fds);
    s->pid = fork();
    if (s->pid == 0) {
        if (fds[1] != ROLE_SUPERVISOR_FD && dup2(fds[1], ROLE_SUPERVISOR_FD) < 0)
            _exit(127);
        for (int fd = 4; fd < 64; fd++)
            close(fd);
        _exit(setresgid(UID + ROLE_INTAKE, UID + ROLE_INTAKE, UID + ROLE_INTAKE) == 0 &&
                      setresuid(UID + ROLE_INTAKE, UID + ROLE_INTAKE, UID + ROLE_INTAKE) == 0
                  ? role_main(&intake_role_ops)
                  : 126);
    }
    close(fds[1]);
    s->supervisor = chan_create(s->loop, fds[0], "intake", &chan_ops, s);
}

void stage_start(struct stage *stage, unsigned sessions, unsigned processes)
{
    struct key wrapping = {{1}};
    struct err err;
    memset(stage, 0, sizeof(*stage));
    stage->file = -1;
    buf_init(&stage->commit, CHAN_PAYLOAD_MAX);
    snprintf(stage->path, sizeof(stage->path), "/tmp/test-intake-XXXXXX");
    assert_non_null(mkdtemp(stage->path));
    stage->loop = loop_create();
    stage->timer = loop_timer_create(stage->loop, on_time, stage);
    spawn(stage);
    stage->scratch = tls_scratch_create();
    stage->client_ctx = SSL_CTX_new(TLS_client_method());
    assert_true(tls_profile_apply(stage->client_ctx, TLS_PROFILE_STRICT, &err));
    stage->maker = sealed_maker_create(SLICE_LIT("work/default/1"), &wrapping, NULL);
    boot(stage, sessions, processes);
    hand_over(stage);
    chan_send(stage->supervisor, MSG_START, SLICE_EMPTY, -1);
    while (!stage->ready && !stage->gone)
        stage_turn(stage);
    assert_true(stage->ready);
    stage_meet(stage, ROLE_KEYD);
    stage_meet(stage, ROLE_STORE);
}

static void remove_files(const struct stage *s)
{
    char path[160];
    static const char *const names[] = {"cert.pem", "key.pem"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", s->path, names[i]);
        unlink(path);
    }
    for (unsigned i = 0; i <= s->opens; i++) {
        snprintf(path, sizeof(path), "%s/content-%u", s->path, i);
        unlink(path);
    }
    rmdir(s->path);
}

void stage_finish(struct stage *stage)
{
    int status = 0;
    for (size_t i = 0; i < STAGE_CLIENTS_MAX; i++) {
        tls_conn_free(&stage->clients[i].conn);
        buf_free(&stage->clients[i].got);
    }
    kill(stage->pid, SIGKILL);
    waitpid(stage->pid, &status, 0);
    chan_free(&stage->supervisor);
    chan_free(&stage->keyd);
    chan_free(&stage->store);
    sealed_maker_free(&stage->maker);
    SSL_CTX_free(stage->client_ctx);
    tls_scratch_free(&stage->scratch);
    loop_timer_free(&stage->timer);
    loop_free(&stage->loop);
    if (stage->file >= 0)
        close(stage->file);
    buf_free(&stage->commit);
    remove_files(stage);
}

/* --- clients --- */

static void on_secured(void *ctx)
{
    struct stage_client *c = ctx;
    c->secured = true;
    loop_stop(c->stage->loop);
}

static void on_input(void *ctx, struct slice bytes)
{
    struct stage_client *c = ctx;
    buf_append_slice(&c->got, bytes);
    loop_stop(c->stage->loop);
}

static void on_closed(void *ctx, enum tls_conn_end end, const char *reason)
{
    struct stage_client *c = ctx;
    (void)reason;
    c->closed = true;
    c->end = end;
    tls_conn_free(&c->conn);
    loop_stop(c->stage->loop);
}

static void on_drained(void *ctx)
{
    struct stage_client *c = ctx;
    loop_stop(c->stage->loop);
}

static const struct tls_conn_ops conn_ops = {NULL, on_secured, on_input, on_drained, on_closed};

void stage_secure(struct stage_client *client)
{
    SSL *ssl = SSL_new(client->stage->client_ctx);
    SSL_set_connect_state(ssl);
    tls_conn_start_tls(client->conn, ssl);
    while (!client->secured && !client->closed)
        stage_turn(client->stage);
    assert_true(client->secured);
}

struct stage_client *stage_connect(struct stage *stage, unsigned number, enum stage_port port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct stage_client *c = &stage->clients[number];
    tls_conn_free(&c->conn);
    buf_free(&c->got);
    *c = (struct stage_client){.stage = stage};
    buf_init(&c->got, 1 << 20);
    address.sin_port = htons((uint16_t)stage->ports[port]);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    c->conn = tls_conn_create(stage->loop, stage->scratch, fd, false, &conn_ops, c);
    if (port == STAGE_TLS)
        stage_secure(c);
    return c;
}

void stage_say(struct stage_client *client, struct slice bytes)
{
    for (size_t at = 0; at < bytes.len && client->conn != NULL; at += 65536) {
        while (client->conn != NULL && tls_conn_pending(client->conn) > 500000)
            stage_turn(client->stage);
        if (client->conn != NULL)
            tls_conn_write(client->conn, slice_sub(bytes, at, 65536));
        if (client->conn != NULL)
            tls_conn_flush(client->conn);
    }
}

void stage_line(struct stage_client *c, char out[2048])
{
    size_t lf = 0;
    while ((lf = slice_find(buf_slice(&c->got), 0, '\n')) == c->got.len) {
        if (c->closed)
            fail_msg("closed after: %.*s", (int)c->got.len, c->got.len > 0 ? (const char *)c->got.data : "");
        stage_turn(c->stage);
    }
    snprintf(out, 2048, "%.*s", (int)lf, (const char *)c->got.data);
    buf_consume(&c->got, lf + 1);
}

void stage_hear(struct stage_client *client, const char *text)
{
    char got[2048];
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        do {
            stage_line(client, got);
        } while (got[3] == '-');
        if (strncmp(got, at, len) != 0)
            fail_msg("expected \"%.*s\", got \"%s\"", (int)len, at, got);
        at += len + (at[len] == '\n' ? 1 : 0);
    }
}

void stage_ask(struct stage_client *client, const char *bytes, const char *text)
{
    stage_say(client, slice_str(bytes));
    stage_hear(client, text);
}

void stage_ended(struct stage_client *client)
{
    while (!client->closed)
        stage_turn(client->stage);
}

void stage_cut(struct stage_client *client)
{
    tls_conn_free(&client->conn);
}

/* --- looking into commits --- */

static const struct msg_batch_item *keys_of(const struct stage *s, const struct id *id)
{
    for (size_t i = 0; i < STAGE_KEYS_MAX; i++) {
        if (id_eq(&s->keys[i].id, id))
            return &s->keys[i];
    }
    fail_msg("an id nobody gave out");
    return NULL;
}

static void open_content(const struct stage *s, const struct msg_message *message, struct sealed_reader *reader,
                         struct buf *out)
{
    struct err err;
    uint8_t piece[65536];
    ssize_t n = 0;
    uint64_t length = 0;
    if (message->content_length == 0) {
        assert_true(sealed_reader_update(reader, message->content, out, &err));
    } else {
        assert_int_equal(message->content.len, 0);
        for (; (n = pread(s->file, piece, sizeof(piece), (off_t)length)) > 0; length += (uint64_t)n)
            assert_true(sealed_reader_update(reader, slice_of(piece, (size_t)n), out, &err));
        assert_int_equal(length, message->content_length);
    }
    assert_true(sealed_reader_finish(reader, &err));
}

static void open_field(const struct stage *s, const struct id *id, uint8_t kind, uint32_t index, struct slice sealed,
                       struct buf *out)
{
    struct err err;
    struct sealed_field *field = sealed_field_create();
    assert_true(sealed_field_open(field, &keys_of(s, id)->field_key, id, kind, index, sealed, out, &err));
    sealed_field_free(&field);
}

void stage_open_commit(struct stage *stage, struct msg_message *ret_message, struct buf *content, struct buf *envelope)
{
    struct err err;
    struct sealed_reader *reader = sealed_reader_create();
    assert_true(layout_read(&msg_message_layout, buf_slice(&stage->commit), ret_message));
    assert_true(sealed_reader_start(reader, ret_message->header, &keys_of(stage, &ret_message->id)->content_key, &err));
    open_content(stage, ret_message, reader, content);
    assert_int_equal(ret_message->size, content->len);
    sealed_reader_free(&reader);
    open_field(stage, &ret_message->id, MAIL_FIELD_ENVELOPE, 0, ret_message->envelope, envelope);
}

void stage_open_recipient(struct stage *stage, const struct msg_message *message, const struct msg_recipient *recipient,
                          struct buf *out)
{
    open_field(stage, &message->id, MAIL_FIELD_RECIPIENT, recipient->index, recipient->sealed, out);
}
