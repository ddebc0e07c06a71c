/* SPDX-License-Identifier: Apache-2.0 */
/* The live role keyd, sandbox and all, in a child process: this test plays supervisor and every peer. What each may
 * ask is answered, what it may not ask drops it, and keyd lives on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keys/escrow.h"
#include "keys/guess.h"
#include "keys/lookup_tag.h"
#include "keys/root_file.h"
#include "keys/sealed_field.h"
#include "keys/sealed_reader.h"
#include "keys/sealed_writer.h"
#include "mail/envelope.h"
#include "roles/keyd.h"
#include "roles/roles.h"

#define UID 61440u
#define DEADLINE_US (20 * CLOCK_US_PER_S)
#define TENANT SLICE_LIT("default")

enum player { SUPERVISOR, STORE, INTAKE, COURIER, WEB, CLI, PLAYERS };

struct play {
    char path[64];
    pid_t pid;
    struct loop *loop;
    struct loop_timer *timer;
    struct chan *chan[PLAYERS];
    bool closed[PLAYERS];
    bool ready;
    bool timed_out;
    struct buf answer;
    bool answered;
    uint16_t pushed;     /* type of the last frame keyd sent by itself */
    struct buf push;
};

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct play *p = ctx;
    (void)chan;
    p->pushed = frame->type;
    buf_reset(&p->push);
    buf_append_slice(&p->push, frame->payload);
    p->ready = p->ready || frame->type == MSG_READY;
    loop_stop(p->loop);
    return true;
}

static void on_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct play *p = ctx;
    (void)reason;
    for (int i = 0; i < PLAYERS; i++)
        if (p->chan[i] == chan) {
            p->closed[i] = true;
            chan_free(&p->chan[i]);
        }
    loop_stop(p->loop);
}

static void on_time(void *ctx)
{
    struct play *p = ctx;
    p->timed_out = true;
    loop_stop(p->loop);
}

static const struct chan_ops ops = {on_frame, on_closed};

static void wait_once(struct play *p)
{
    loop_timer_start(p->timer, DEADLINE_US);
    loop_run(p->loop);
    loop_timer_stop(p->timer);
    assert_false(p->timed_out);
}

static void send_layout(struct chan *chan, uint16_t type, const struct layout *layout, const void *object, int fd)
{
    struct buf b;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    layout_write(layout, &b, object);
    assert_true(buf_ok(&b));
    chan_send(chan, type, buf_slice(&b), fd);
    buf_free(&b);
}

static void on_answer(void *ctx, const struct chan_frame *answer)
{
    struct play *p = ctx;
    p->answered = answer != NULL;
    buf_reset(&p->answer);
    if (answer != NULL)
        buf_append_slice(&p->answer, answer->payload);
    loop_stop(p->loop);
}

/* Asks and waits; false when keyd dropped the player instead of answering. */
static bool ask(struct play *p, enum player who, uint16_t type, const struct layout *layout, const void *object,
                const struct layout *answer_layout, void *ret_answer)
{
    struct buf b;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    if (layout != NULL)
        layout_write(layout, &b, object);
    p->answered = false;
    chan_call(p->chan[who], type, buf_slice(&b), -1, DEADLINE_US, on_answer, p);
    buf_free(&b);
    while (!p->answered && !p->closed[who])
        wait_once(p);
    if (!p->answered)
        return false;
    assert_true(layout_read(answer_layout, buf_slice(&p->answer), ret_answer));
    return true;
}

static void pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void meet(struct play *p, enum player who, enum role_kind kind)
{
    int fds[2];
    struct msg_peer peer = {(uint8_t)kind, 0};
    pair(fds);
    chan_free(&p->chan[who]);
    p->closed[who] = false;
    p->chan[who] = chan_create(p->loop, fds[0], "keyd", &ops, p);
    send_layout(p->chan[SUPERVISOR], MSG_PEER, &msg_peer_layout, &peer, fds[1]);
    close(fds[1]);
}

static void connect_cli(struct play *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/keyd.sock", p->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    p->closed[CLI] = false;
    p->chan[CLI] = chan_create(p->loop, fd, "keyd", &ops, p);
}

static int control_socket(const struct play *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/keyd.sock", p->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int keys_dir(const struct play *p)
{
    char path[128];
    struct err err;
    snprintf(path, sizeof(path), "%s/keys", p->path);
    if (mkdir(path, 0700) == 0) {
        int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(root_file_create(dir, ROOT_FILE_NAME, &err));
        assert_int_equal(fchown(dir, UID + ROLE_KEYD, UID + ROLE_KEYD), 0);
        assert_int_equal(fchownat(dir, ROOT_FILE_NAME, UID + ROLE_KEYD, UID + ROLE_KEYD, 0), 0);
        close(dir);
    }
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int escrow_file(const struct play *p)
{
    char path[128];
    struct buf private, public;
    struct err err;
    buf_init_secret(&private, 8192);
    buf_init(&public, 8192);
    assert_true(escrow_generate(&private, &public, &err));
    snprintf(path, sizeof(path), "%s/public.pem", p->path);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, public.data, public.len), (ssize_t)public.len);
    buf_free(&private);
    buf_free(&public);
    return fd;
}

static void give(struct play *p, enum role_fd what, int fd)
{
    struct msg_fd msg = {(uint8_t)what, 0};
    assert_true(fd >= 0);
    send_layout(p->chan[SUPERVISOR], MSG_FD, &msg_fd_layout, &msg, fd);
    close(fd);
}

static void boot(struct play *p)
{
    struct buf text, counts;
    char name[128];
    snprintf(name, sizeof(name), "%s/sealpost.conf", p->path);
    buf_init(&text, CONF_TEXT_MAX);
    buf_init(&counts, 256);
    conf_example(&text, p->path, "mail.example");
    for (int i = 0; i < ROLE_KIND_COUNT; i++)
        wire_put_u32(&counts, 1);
    struct msg_boot msg = {ROLE_KEYD, 0, 1, buf_slice(&counts), slice_str(name), buf_slice(&text)};
    send_layout(p->chan[SUPERVISOR], MSG_BOOT, &msg_boot_layout, &msg, -1);
    buf_free(&text);
    buf_free(&counts);
}

/* Starts keyd as the supervisor does and waits until it is ready. */
static void start(struct play *p)
{
    int fds[2];
    pair(fds);
    p->pid = fork();
    if (p->pid == 0) {
        if (fds[1] != ROLE_SUPERVISOR_FD && dup2(fds[1], ROLE_SUPERVISOR_FD) < 0)
            _exit(127);
        for (int fd = 4; fd < 64; fd++)
            close(fd);
        _exit(setresgid(UID + ROLE_KEYD, UID + ROLE_KEYD, UID + ROLE_KEYD) == 0 &&
              setresuid(UID + ROLE_KEYD, UID + ROLE_KEYD, UID + ROLE_KEYD) == 0 ? role_main(&keyd_role_ops) : 126);
    }
    close(fds[1]);
    p->loop = loop_create();
    p->timer = loop_timer_create(p->loop, on_time, p);
    p->closed[SUPERVISOR] = false;
    p->chan[SUPERVISOR] = chan_create(p->loop, fds[0], "keyd", &ops, p);
    boot(p);
    give(p, ROLE_FD_KEYS_DIR, keys_dir(p));
    give(p, ROLE_FD_ESCROW, escrow_file(p));
    give(p, ROLE_FD_KEYD_CONTROL, control_socket(p));
    chan_send(p->chan[SUPERVISOR], MSG_START, SLICE_EMPTY, -1);
    p->ready = false;
    while (!p->ready && !p->closed[SUPERVISOR])
        wait_once(p);
    assert_true(p->ready);
    meet(p, STORE, ROLE_STORE);
    meet(p, INTAKE, ROLE_INTAKE);
    meet(p, COURIER, ROLE_COURIER);
    meet(p, WEB, ROLE_WEB);
}

static void finish(struct play *p)
{
    char path[128];
    int status = 0;
    for (int i = 0; i < PLAYERS; i++)
        chan_free(&p->chan[i]);
    loop_timer_free(&p->timer);
    loop_free(&p->loop);
    kill(p->pid, SIGKILL);
    waitpid(p->pid, &status, 0);
    snprintf(path, sizeof(path), "%s/keyd.sock", p->path);
    unlink(path);
}

static int setup(void **state)
{
    struct play *p = mem_new(sizeof(*p));
    if (geteuid() != 0) {
        print_message("SKIPPED LOUDLY: the live keyd needs root to take its own user id\n");
        mem_free(p);
        return 0;
    }
    buf_init(&p->answer, CHAN_PAYLOAD_MAX);
    buf_init(&p->push, CHAN_PAYLOAD_MAX);
    snprintf(p->path, sizeof(p->path), "/tmp/test-keyd-XXXXXX");
    assert_non_null(mkdtemp(p->path));
    start(p);
    *state = p;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    struct play *p = *state;
    if (p == NULL)
        return 0;
    finish(p);
    nftw(p->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    buf_free(&p->answer);
    buf_free(&p->push);
    mem_free(p);
    return 0;
}

/* Asks for one header and keeps copies of what the answer points to. */
struct got {
    struct msg_batch batch;
    struct msg_batch_item item;
    struct buf header;
};

static bool batch(struct play *p, enum player who, uint8_t purpose, uint32_t day, uint16_t count, struct got *ret)
{
    struct msg_batch_ask msg = {purpose, TENANT, count, day};
    if (!ask(p, who, MSG_KEY_BATCH, &msg_batch_ask_layout, &msg, &msg_batch_layout, &ret->batch))
        return false;
    buf_init(&ret->header, MSG_HEADER_MAX);
    if (ret->batch.code != MSG_OK)
        return true;
    struct wire_reader r = wire_reader_of(ret->batch.items);
    struct msg_batch_item item;
    size_t seen = 0;
    while (layout_next(&msg_batch_item_layout, &r, &item)) {
        ret->item = item;
        seen++;
    }
    assert_false(r.bad);
    assert_int_equal(seen, count);
    buf_append_slice(&ret->header, ret->item.header);
    return true;
}

static uint8_t open_as(struct play *p, enum player who, struct slice header, struct msg_keys *ret)
{
    struct msg_key_open msg = {header};
    assert_true(ask(p, who, MSG_KEY_OPEN, &msg_key_open_layout, &msg, &msg_keys_layout, ret));
    return ret->code;
}

static void test_batches_open_again(void **state)
{
    static const uint8_t purposes[] = {MSG_PURPOSE_MAIL, MSG_PURPOSE_LETTER, MSG_PURPOSE_EVIDENCE, MSG_PURPOSE_TRANSIT};
    static const enum player makers[] = {INTAKE, COURIER, COURIER, WEB};
    struct play *p = *state;
    struct got got;
    struct msg_keys keys;
    struct key none = {{0}};
    uint32_t today = clock_day(clock_utc_us());
    if (p == NULL)
        skip();
    for (size_t i = 0; i < 4; i++) {
        assert_true(batch(p, makers[i], purposes[i], purposes[i] == MSG_PURPOSE_LETTER ? today + 30 : 0, 64, &got));
        assert_int_equal(got.batch.code, MSG_OK);
        bool tags = memcmp(&got.batch.recipient_key, &none, KEY_SIZE) != 0;
        assert_int_equal(tags, purposes[i] == MSG_PURPOSE_MAIL);
        uint8_t code = open_as(p, COURIER, buf_slice(&got.header), &keys);
        assert_int_equal(code, purposes[i] == MSG_PURPOSE_EVIDENCE ? MSG_REFUSED : MSG_OK);
        if (code == MSG_OK) {
            assert_memory_equal(&keys.content_key, &got.item.content_key, KEY_SIZE);
            assert_memory_equal(&keys.field_key, &got.item.field_key, KEY_SIZE);
            assert_true(id_eq(&keys.id, &got.item.id));
        } else {
            assert_memory_equal(&keys.field_key, &none, KEY_SIZE);
        }
        got.header.data[10] ^= 1; /* in the random message id: byte 60 is a digit of the time, and 'f' ^ 1 is no digit */
        assert_int_equal(open_as(p, COURIER, buf_slice(&got.header), &keys), code == MSG_OK ? MSG_BROKEN : code);
        buf_free(&got.header);
    }
    assert_true(batch(p, COURIER, MSG_PURPOSE_LETTER, today + 500, 1, &got));
    assert_int_equal(got.batch.code, MSG_REFUSED);
    assert_true(batch(p, COURIER, MSG_PURPOSE_LETTER, today - 1, 1, &got));
    assert_int_equal(got.batch.code, MSG_REFUSED);
}

/* A web that has gone over asks for more tenants than there is room for: mail does not notice. */
static void test_web_cannot_use_up_the_makers(void **state)
{
    struct play *p = *state;
    struct msg_batch answer;
    struct got got;
    char tenant[16];
    if (p == NULL)
        skip();
    for (unsigned i = 0; i < KEYD_MAKERS_MAX + 8; i++) {
        snprintf(tenant, sizeof(tenant), "invented%u", i);
        struct msg_batch_ask msg = {.purpose = MSG_PURPOSE_TRANSIT, .tenant = slice_str(tenant), .count = 1};
        assert_true(ask(p, WEB, MSG_KEY_BATCH, &msg_batch_ask_layout, &msg, &msg_batch_layout, &answer));
        assert_int_equal(answer.code, MSG_OK);
    }
    assert_true(batch(p, INTAKE, MSG_PURPOSE_MAIL, 0, 1, &got));
    assert_int_equal(got.batch.code, MSG_OK);
    buf_free(&got.header);
}

/* keyd is killed and started anew: what was sealed before opens. */
static void test_keys_survive_keyd(void **state)
{
    struct play *p = *state;
    struct got got;
    struct msg_keys keys;
    if (p == NULL)
        skip();
    assert_true(batch(p, INTAKE, MSG_PURPOSE_MAIL, 0, 1, &got));
    finish(p);
    start(p);
    assert_int_equal(open_as(p, COURIER, buf_slice(&got.header), &keys), MSG_OK);
    assert_memory_equal(&keys.content_key, &got.item.content_key, KEY_SIZE);
    buf_free(&got.header);
}

static void test_letters_need_a_grant(void **state)
{
    struct play *p = *state;
    struct got got, other;
    struct msg_keys keys;
    struct msg_status status;
    struct msg_grant grant = {.session = {{5}}, .seconds = 60};
    if (p == NULL)
        skip();
    uint32_t day = clock_day(clock_utc_us()) + 3;
    assert_true(batch(p, COURIER, MSG_PURPOSE_LETTER, day, 1, &got));
    assert_true(batch(p, COURIER, MSG_PURPOSE_LETTER, day, 1, &other));
    struct msg_letter_open open = {grant.session, got.item.id, buf_slice(&got.header)};
    assert_true(ask(p, WEB, MSG_LETTER_OPEN, &msg_letter_open_layout, &open, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_REFUSED);
    grant.letter = got.item.id;
    assert_true(ask(p, STORE, MSG_GRANT, &msg_grant_layout, &grant, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    assert_true(ask(p, WEB, MSG_LETTER_OPEN, &msg_letter_open_layout, &open, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_OK);
    assert_memory_equal(&keys.content_key, &got.item.content_key, KEY_SIZE);
    open.header = buf_slice(&other.header); /* the grant names another letter */
    assert_true(ask(p, WEB, MSG_LETTER_OPEN, &msg_letter_open_layout, &open, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_REFUSED);
    open.header = buf_slice(&got.header);
    open.session.b[31] ^= 1; /* another session */
    assert_true(ask(p, WEB, MSG_LETTER_OPEN, &msg_letter_open_layout, &open, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_REFUSED);
    open.session.b[31] ^= 1;
    send_layout(p->chan[STORE], MSG_UNGRANT, &msg_grant_layout, &grant, -1);
    grant.seconds = 0; /* an answer on the same channel: the withdrawal is through */
    assert_true(ask(p, STORE, MSG_GRANT, &msg_grant_layout, &grant, &msg_status_layout, &status));
    assert_true(ask(p, WEB, MSG_LETTER_OPEN, &msg_letter_open_layout, &open, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_REFUSED);
    buf_free(&got.header);
    buf_free(&other.header);
}

/* Web seals reports of others and never has them opened again, whatever it was granted; the operator has. */
static void test_web_seals_reports_and_opens_none(void **state)
{
    struct play *p = *state;
    struct got got;
    struct msg_keys keys;
    struct msg_status status;
    struct msg_grant letter = {.session = {{5}}, .seconds = 60};
    struct msg_operator_grant grant = {{{7}}, 60};
    if (p == NULL)
        skip();
    connect_cli(p);
    assert_true(batch(p, WEB, MSG_PURPOSE_REPORT, 0, 1, &got));
    assert_int_equal(got.batch.code, MSG_OK);
    letter.letter = got.item.id;
    struct msg_letter_open open = {letter.session, got.item.id, buf_slice(&got.header)};
    assert_true(ask(p, STORE, MSG_GRANT, &msg_grant_layout, &letter, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    assert_true(ask(p, WEB, MSG_LETTER_OPEN, &msg_letter_open_layout, &open, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_REFUSED);
    assert_int_equal(open_as(p, COURIER, buf_slice(&got.header), &keys), MSG_REFUSED);
    struct msg_cli_open look = {grant.grant, buf_slice(&got.header)};
    assert_true(ask(p, CLI, MSG_CLI_OPEN, &msg_cli_open_layout, &look, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_REFUSED);
    assert_true(ask(p, STORE, MSG_OPERATOR_GRANT, &msg_operator_grant_layout, &grant, &msg_status_layout, &status));
    assert_true(ask(p, CLI, MSG_CLI_OPEN, &msg_cli_open_layout, &look, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_OK);
    assert_memory_equal(&keys.field_key, &got.item.field_key, KEY_SIZE);
    buf_free(&got.header);
}

static void test_operator_needs_a_grant(void **state)
{
    struct play *p = *state;
    struct got got;
    struct msg_keys keys;
    struct msg_status status;
    struct msg_cli_tags tags;
    struct key none = {{0}};
    struct msg_operator_grant grant = {{{9}}, 60};
    if (p == NULL)
        skip();
    connect_cli(p);
    assert_true(batch(p, COURIER, MSG_PURPOSE_MAIL, 0, 1, &got));
    struct msg_cli_open open = {grant.grant, buf_slice(&got.header)};
    assert_true(ask(p, CLI, MSG_CLI_OPEN, &msg_cli_open_layout, &open, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_REFUSED);
    assert_true(ask(p, STORE, MSG_OPERATOR_GRANT, &msg_operator_grant_layout, &grant, &msg_status_layout, &status));
    assert_true(ask(p, CLI, MSG_CLI_OPEN, &msg_cli_open_layout, &open, &msg_keys_layout, &keys));
    assert_int_equal(keys.code, MSG_OK);
    assert_memory_equal(&keys.field_key, &got.item.field_key, KEY_SIZE);
    assert_memory_equal(&keys.content_key, &none, KEY_SIZE);
    struct msg_cli_tag tag = {2, TENANT, SLICE_LIT("someone@clinic.example")};
    struct tag expected;
    struct hmac *hmac = hmac_create(HMAC_SHA256);
    lookup_tag(hmac, &got.batch.recipient_key, tag.text, &expected);
    hmac_free(&hmac);
    assert_true(ask(p, CLI, MSG_CLI_TAG, &msg_cli_tag_layout, &tag, &msg_cli_tags_layout, &tags));
    assert_int_equal(tags.code, MSG_OK);
    assert_memory_equal(&tags.tag, &expected, TAG_SIZE);
    buf_free(&got.header);
}

/* The operator's question about a domain finds what couriers remember of it, whoever asks first. */
static void test_domain_tags_are_the_couriers(void **state)
{
    struct play *p = *state;
    struct msg_domain_key key;
    struct msg_cli_tags tags;
    struct msg_cli_tag tag = {3, TENANT, SLICE_LIT("clinic.example")};
    struct tag expected;
    if (p == NULL)
        skip();
    connect_cli(p);
    assert_true(ask(p, CLI, MSG_CLI_TAG, &msg_cli_tag_layout, &tag, &msg_cli_tags_layout, &tags));
    assert_int_equal(tags.code, MSG_OK);
    assert_true(ask(p, COURIER, MSG_DOMAIN_KEY, NULL, NULL, &msg_domain_key_layout, &key));
    struct hmac *hmac = hmac_create(HMAC_SHA256);
    lookup_tag(hmac, &key.key, tag.text, &expected);
    hmac_free(&hmac);
    assert_memory_equal(&tags.tag, &expected, TAG_SIZE);
    assert_memory_not_equal(&key.key, &key.seal, KEY_SIZE);
    tag.table = 4;
    assert_true(ask(p, CLI, MSG_CLI_TAG, &msg_cli_tag_layout, &tag, &msg_cli_tags_layout, &tags));
    assert_int_equal(tags.code, MSG_UNKNOWN);
}

/* What couriers seal under the key of MSG_DOMAIN_KEY the operator can have opened, and nothing else. */
static void test_kept_policy_is_opened(void **state)
{
    struct play *p = *state;
    struct msg_domain_key keys;
    struct msg_cli_policy ask_open = {.domain = {{1, 2, 3}}};
    struct msg_cli_policy_open opened;
    struct id id;
    struct buf sealed;
    if (p == NULL)
        skip();
    connect_cli(p);
    assert_true(ask(p, COURIER, MSG_DOMAIN_KEY, NULL, NULL, &msg_domain_key_layout, &keys));
    memcpy(id.b, ask_open.domain.b, ID_SIZE);
    buf_init(&sealed, 1024);
    struct sealed_field *field = sealed_field_create();
    assert_true(sealed_field_seal(field, &keys.seal, &id, MAIL_FIELD_POLICY, 0, SLICE_LIT("a policy"), &sealed));
    sealed_field_free(&field);
    ask_open.sealed = buf_slice(&sealed);
    assert_true(ask(p, CLI, MSG_CLI_POLICY, &msg_cli_policy_layout, &ask_open, &msg_cli_policy_open_layout, &opened));
    assert_int_equal(opened.code, MSG_OK);
    assert_true(slice_eq(opened.policy, SLICE_LIT("a policy")));
    ask_open.domain.b[0] ^= 1; /* of another domain */
    assert_true(ask(p, CLI, MSG_CLI_POLICY, &msg_cli_policy_layout, &ask_open, &msg_cli_policy_open_layout, &opened));
    assert_int_equal(opened.code, MSG_BROKEN);
    assert_int_equal(opened.policy.len, 0);
    buf_free(&sealed);
}

static uint8_t plain(struct play *p, struct slice password, struct slice address, struct msg_auth_answer *ret)
{
    struct msg_auth_plain msg = {SLICE_LIT("ehr"), password, address};
    assert_true(ask(p, INTAKE, MSG_AUTH_PLAIN, &msg_auth_plain_layout, &msg, &msg_auth_answer_layout, ret));
    return ret->code;
}

/* keyd seals the record anew; it counts when the store has sent it. */
static void change_minimum(struct play *p, struct msg_credential *credential, struct buf *record)
{
    const struct msg_cli_credential wish = {.name = credential->name, .minimum = 4, .change = true};
    const struct msg_cli_credential nobody = {.name = SLICE_LIT("nobody"), .minimum = 4, .change = true};
    const struct msg_cli_user user = {credential->name}, stranger = {SLICE_LIT("nobody")};
    struct msg_cli_described described;
    struct msg_cli_password made;
    struct msg_operator_grant sync = {{{2}}, 1};
    struct msg_status status;
    assert_true(ask(p, CLI, MSG_CLI_CREDENTIAL, &msg_cli_credential_layout, &nobody, &msg_cli_password_layout, &made));
    assert_int_equal(made.code, MSG_REFUSED);
    assert_true(ask(p, CLI, MSG_CLI_CREDENTIAL, &msg_cli_credential_layout, &wish, &msg_cli_password_layout, &made));
    assert_int_equal(made.code, MSG_OK);
    assert_int_equal(made.password.len, 0);
    assert_true(id_eq(&made.id, &credential->id));
    buf_reset(record);
    buf_append_slice(record, made.record);
    credential->record = buf_slice(record);
    send_layout(p->chan[STORE], MSG_CREDENTIAL, &msg_credential_layout, credential, -1);
    assert_true(ask(p, STORE, MSG_OPERATOR_GRANT, &msg_operator_grant_layout, &sync, &msg_status_layout, &status));
    assert_true(ask(p, CLI, MSG_CLI_USER, &msg_cli_user_layout, &user, &msg_cli_described_layout, &described));
    assert_int_equal(described.code, MSG_OK);
    assert_int_equal(described.minimum, 4);
    assert_true(ask(p, CLI, MSG_CLI_USER, &msg_cli_user_layout, &stranger, &msg_cli_described_layout, &described));
    assert_int_equal(described.code, MSG_UNKNOWN);
}

static void test_credentials(void **state)
{
    struct play *p = *state;
    struct msg_auth_answer answer;
    struct msg_cli_password made;
    struct buf senders, password, record;
    struct slice home = SLICE_LIT("\xc0\x00\x02\x01");
    struct slice strange = SLICE_LIT("\xcb\x00\x71\x01");
    if (p == NULL)
        skip();
    connect_cli(p);
    buf_init(&senders, 256);
    buf_init(&password, 64);
    buf_init(&record, MSG_RECORD_MAX);
    wire_put_blob16(&senders, SLICE_LIT("@clinic.example"));
    struct msg_cli_credential wish = {SLICE_LIT("ehr"), TENANT, buf_slice(&senders), 2, false};
    assert_int_equal(plain(p, SLICE_LIT("x"), home, &answer), MSG_UNAVAILABLE);
    assert_true(ask(p, CLI, MSG_CLI_CREDENTIAL, &msg_cli_credential_layout, &wish, &msg_cli_password_layout, &made));
    assert_int_equal(made.code, MSG_UNAVAILABLE);
    chan_send(p->chan[STORE], MSG_CREDENTIALS_END, SLICE_EMPTY, -1);
    do
        assert_true(ask(p, CLI, MSG_CLI_CREDENTIAL, &msg_cli_credential_layout, &wish, &msg_cli_password_layout, &made));
    while (made.code == MSG_UNAVAILABLE);
    assert_int_equal(made.code, MSG_OK);
    buf_append_slice(&password, made.password);
    buf_append_slice(&record, made.record);
    assert_int_equal(plain(p, buf_slice(&password), home, &answer), MSG_REFUSED); /* not yet journaled */
    struct msg_credential credential = {made.id, false, wish.name, buf_slice(&record)};
    send_layout(p->chan[STORE], MSG_CREDENTIAL, &msg_credential_layout, &credential, -1);
    struct msg_operator_grant sync = {{{1}}, 1};
    struct msg_status status;
    assert_true(ask(p, STORE, MSG_OPERATOR_GRANT, &msg_operator_grant_layout, &sync, &msg_status_layout, &status));
    assert_int_equal(plain(p, buf_slice(&password), home, &answer), MSG_OK);
    assert_true(slice_eq(answer.senders, buf_slice(&senders)));
    assert_true(slice_eq(answer.tenant, TENANT));
    assert_true(id_eq(&answer.credential, &credential.id));
    assert_int_equal(answer.minimum, 2);
    p->pushed = 0;
    change_minimum(p, &credential, &record);
    assert_int_equal(plain(p, buf_slice(&password), home, &answer), MSG_OK);
    assert_int_equal(answer.minimum, 4);
    while (p->pushed == 0) /* who is logged in logs in anew */
        wait_once(p);
    assert_int_equal(p->pushed, MSG_CREDENTIAL_GONE);
    p->pushed = 0;
    for (unsigned i = 0; i < GUESS_PAIR_LOCK; i++)
        assert_int_equal(plain(p, SLICE_LIT("wrong"), strange, &answer), MSG_REFUSED);
    assert_int_equal(plain(p, buf_slice(&password), strange, &answer), MSG_LOCKED);
    assert_int_equal(plain(p, buf_slice(&password), home, &answer), MSG_OK);
    while (p->pushed == 0)
        wait_once(p);
    assert_int_equal(p->pushed, MSG_LOCK);
    buf_free(&senders);
    buf_free(&password);
    buf_free(&record);
}

/* Every request from every kind of peer that may not make it, and malformed ones: that peer is dropped, keyd answers
 * the next. */
static void test_foreign_requests_drop_the_peer(void **state)
{
    static const enum player players[] = {STORE, INTAKE, COURIER, WEB};
    static const enum role_kind kinds[] = {ROLE_STORE, ROLE_INTAKE, ROLE_COURIER, ROLE_WEB};
    static const uint16_t foreign[][8] = {
        {MSG_KEY_BATCH, MSG_AUTH_PLAIN, MSG_KEY_OPEN, MSG_CLI_TAG, 999},
        {MSG_KEY_OPEN, MSG_LETTER_OPEN, MSG_CENTER_KEYS, MSG_GRANT, MSG_CREDENTIAL, MSG_CLI_OPEN},
        {MSG_AUTH_PLAIN, MSG_LETTER_OPEN, MSG_CENTER_KEYS, MSG_GRANT, MSG_OPERATOR_GRANT},
        {MSG_AUTH_PLAIN, MSG_SCRAM_START, MSG_KEY_OPEN, MSG_GRANT, MSG_CLI_OPEN, MSG_CTL_STATUS},
    };
    struct play *p = *state;
    struct got got;
    struct msg_keys keys;
    if (p == NULL)
        skip();
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 8 && foreign[i][j] != 0; j++) {
            assert_false(ask(p, players[i], foreign[i][j], NULL, NULL, &msg_keys_layout, &keys));
            meet(p, players[i], kinds[i]);
        }
    chan_send(p->chan[INTAKE], MSG_KEY_BATCH, SLICE_EMPTY, STDERR_FILENO); /* closed once, by the channel */
    while (!p->closed[INTAKE])
        wait_once(p);
    meet(p, INTAKE, ROLE_INTAKE);
    assert_false(batch(p, WEB, MSG_PURPOSE_MAIL, 0, 1, &got));
    assert_false(batch(p, INTAKE, MSG_PURPOSE_LETTER, 20000, 1, &got));
    meet(p, INTAKE, ROLE_INTAKE);
    assert_false(batch(p, INTAKE, MSG_PURPOSE_MAIL, 0, MSG_BATCH_MAX + 1, &got));
    meet(p, INTAKE, ROLE_INTAKE);
    assert_true(batch(p, INTAKE, MSG_PURPOSE_MAIL, 0, 1, &got));
    assert_int_equal(got.batch.code, MSG_OK);
    buf_free(&got.header);
}

static void test_center_keys_are_the_same_for_all(void **state)
{
    struct play *p = *state;
    struct msg_center_keys first, second;
    if (p == NULL)
        skip();
    assert_true(ask(p, WEB, MSG_CENTER_KEYS, NULL, NULL, &msg_center_keys_layout, &first));
    meet(p, WEB, ROLE_WEB);
    assert_true(ask(p, WEB, MSG_CENTER_KEYS, NULL, NULL, &msg_center_keys_layout, &second));
    assert_memory_equal(&first, &second, sizeof(first));
}

static void test_cost_of_a_batch(void **state)
{
    enum { ROUNDS = 100 };
    struct play *p = *state;
    struct got got;
    if (p == NULL)
        skip();
    int64_t begun = clock_wait_us();
    for (int i = 0; i < ROUNDS; i++) {
        assert_true(batch(p, INTAKE, MSG_PURPOSE_MAIL, 0, MSG_BATCH_MAX, &got));
        buf_free(&got.header);
    }
    print_message("batch of 64: %.2f us per header, both processes, round trip\n",
                  (double)(clock_wait_us() - begun) / (ROUNDS * MSG_BATCH_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_batches_open_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web_cannot_use_up_the_makers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_survive_keyd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_letters_need_a_grant, setup, teardown),
        cmocka_unit_test_setup_teardown(test_web_seals_reports_and_opens_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_operator_needs_a_grant, setup, teardown),
        cmocka_unit_test_setup_teardown(test_domain_tags_are_the_couriers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_policy_is_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credentials, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_requests_drop_the_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_center_keys_are_the_same_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cost_of_a_batch, setup, teardown),
    };
    return cmocka_run_group_tests_name("roles/keyd", tests, NULL, NULL);
}
