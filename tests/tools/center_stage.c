/* SPDX-License-Identifier: Apache-2.0 */
/* A stage for the Message Center: the real roles web and scrub, in their sandboxes, with this program playing
 * supervisor, keyd and store around one letter. So browsers and hostile clients can be tried without a mail system.
 *
 *   center_stage CONFIG CERTIFICATE KEY LETTER TOKEN
 *
 * Says "ready" and then one line for each code or link that would be mailed: "code CODE known|unknown" or
 * "link TOKEN known|unknown". Ends when its standard input does. A line "expire" there makes the link expire, a line
 * "forget" ends all sessions, "deaf" makes the store answer nothing more. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "center/center_secret.h"
#include "keys/sealed_field.h"
#include "keys/sealed_maker.h"
#include "keys/sealed_writer.h"
#include "mail/envelope.h"
#include "os/file.h"
#include "os/inet.h"
#include "roles/roles.h"

#define SESSIONS_MAX 64
#define TRIES_MAX 5
#define LETTER_MAX (128u * 1024u * 1024u)

struct session {
    struct digest name;
    struct tag code;
    unsigned tries;
    bool open;
};

struct child {
    pid_t pid;
    struct chan *chan;
    bool ready;
};

struct stage {
    struct loop *loop;
    struct conf *conf;
    struct buf conf_text;
    struct child web, scrub;
    struct chan *keyd, *store; /* web's peers, played here */
    struct key code_key, wrapping, letter_key;
    struct key field_key; /* of the last batch item */
    struct sealed_maker *maker;
    struct digest link;
    struct id letter, transit;
    struct buf header;
    uint64_t sealed_length;
    int sealed; /* file of the letter */
    struct session sessions[SESSIONS_MAX];
    size_t session_count;
    bool expired;
    bool deaf;
};

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "center_stage: %s\n", why);
    exit(1);
}

static void read_path(const char *path, struct buf *out)
{
    struct err err = {""};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !file_read_fd(fd, path, out, &err))
        die(path);
    close(fd);
}

static void send_layout(struct chan *chan, uint16_t type, const struct layout *layout, const void *object, int fd)
{
    struct buf b;
    buf_init_secret(&b, CHAN_PAYLOAD_MAX);
    layout_write(layout, &b, object);
    chan_send(chan, type, buf_slice(&b), fd);
    buf_free(&b);
}

static void answer_layout(struct chan *chan, const struct chan_frame *frame, const struct layout *layout,
                          const void *object, int fd)
{
    struct buf b;
    buf_init_secret(&b, CHAN_PAYLOAD_MAX);
    layout_write(layout, &b, object);
    chan_answer(chan, frame->type, frame->request, buf_slice(&b), fd);
    buf_free(&b);
}

static void on_closed(void *ctx, struct chan *chan, const char *reason)
{
    (void)ctx;
    (void)chan;
    die(reason);
}

/* --- keyd --- */

static void keyd_batch(struct stage *s, struct chan *chan, const struct chan_frame *frame)
{
    struct buf header, items;
    struct err err = {""};
    struct msg_batch_item item = {.id = id_make(clock_utc_us())};
    struct msg_batch batch = {.code = MSG_OK};
    buf_init(&header, MSG_HEADER_MAX);
    buf_init_secret(&items, MSG_LIST_MAX);
    if (!sealed_maker_make(s->maker, SLICE_LIT("center"), &item.id, clock_wait_us(), &header, &item.content_key,
                           &item.field_key, &err))
        die(err.text);
    item.header = buf_slice(&header);
    layout_write(&msg_batch_item_layout, &items, &item);
    batch.items = buf_slice(&items);
    s->field_key = item.field_key;
    s->transit = item.id;
    answer_layout(chan, frame, &msg_batch_layout, &batch, -1);
    buf_free(&header);
    buf_free(&items);
}

static const struct session *find_open(const struct stage *s, const struct digest *name)
{
    for (size_t i = 0; i < s->session_count; i++)
        if (s->sessions[i].open && memcmp(s->sessions[i].name.b, name->b, DIGEST_SIZE) == 0)
            return &s->sessions[i];
    return NULL;
}

static void keyd_open(struct stage *s, struct chan *chan, const struct chan_frame *frame)
{
    struct msg_letter_open ask;
    struct msg_keys keys = {.code = MSG_REFUSED};
    if (!layout_read(&msg_letter_open_layout, frame->payload, &ask))
        die("bad letter question");
    if (find_open(s, &ask.session) != NULL && id_eq(&ask.letter, &s->letter) &&
        slice_eq(ask.header, buf_slice(&s->header)))
        keys = (struct msg_keys){.code = MSG_OK, .id = s->letter, .content_key = s->letter_key};
    answer_layout(chan, frame, &msg_keys_layout, &keys, -1);
}

static bool on_keyd(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct stage *s = ctx;
    const struct msg_center_keys keys = {.code_key = s->code_key};
    if (frame->type == MSG_CENTER_KEYS) {
        answer_layout(chan, frame, &msg_center_keys_layout, &keys, -1);
        printf("ready\n");
        fflush(stdout);
    } else if (frame->type == MSG_KEY_BATCH)
        keyd_batch(s, chan, frame);
    else if (frame->type == MSG_LETTER_OPEN)
        keyd_open(s, chan, frame);
    else
        return false;
    return true;
}

/* --- store --- */

static void store_send(struct stage *s, struct chan *chan, const struct chan_frame *frame)
{
    struct msg_center_send send;
    struct msg_status status = {.code = MSG_OK};
    struct err err = {""};
    struct buf plain;
    buf_init_secret(&plain, 256);
    if (!layout_read(&msg_center_send_layout, frame->payload, &send) || !id_eq(&send.id, &s->transit))
        die("bad wish for a code");
    struct sealed_field *field = sealed_field_create();
    bool link = send.kind == MSG_CENTER_LINK;
    if (!sealed_field_open(field, &s->field_key, &send.id, link ? MAIL_FIELD_TOKEN : MAIL_FIELD_CODE, 0, send.sealed,
                           &plain, &err))
        die(err.text);
    sealed_field_free(&field);
    bool known = memcmp(send.link.b, s->link.b, DIGEST_SIZE) == 0;
    printf("%s %.*s %s\n", link ? "link" : "code", (int)plain.len, (const char *)plain.data, known ? "known" : "unknown");
    if (known && link && s->expired) { /* a link that still works stays, for the sake of the tests */
        s->link = send.new_link;
        s->expired = false;
    } else if (known && !link && !s->expired && s->session_count < SESSIONS_MAX) {
        s->sessions[s->session_count++] = (struct session){.name = send.session, .code = send.code};
    }
    answer_layout(chan, frame, &msg_status_layout, &status, -1);
    buf_free(&plain);
}

static void store_verify(struct stage *s, struct chan *chan, const struct chan_frame *frame)
{
    struct msg_center_verify verify;
    struct msg_center_access access = {.code = MSG_REFUSED};
    if (!layout_read(&msg_center_verify_layout, frame->payload, &verify))
        die("bad code question");
    for (size_t i = 0; i < s->session_count; i++) {
        struct session *one = &s->sessions[i];
        if (memcmp(one->name.b, verify.session.b, DIGEST_SIZE) != 0 || memcmp(verify.link.b, s->link.b, DIGEST_SIZE) != 0)
            continue;
        bool good = one->tries++ < TRIES_MAX && mem_equal_secret(one->code.b, verify.code.b, TAG_SIZE) && !s->expired;
        if (good) {
            one->open = true;
            one->tries = TRIES_MAX;
            access = (struct msg_center_access){MSG_OK, s->letter, clock_utc_us() + CLOCK_US_PER_DAY};
        }
    }
    answer_layout(chan, frame, &msg_center_access_layout, &access, -1);
}

static void store_letter(struct stage *s, struct chan *chan, const struct chan_frame *frame)
{
    struct msg_center_ask ask;
    struct msg_center_letter letter = {.code = MSG_REFUSED};
    if (!layout_read(&msg_center_ask_layout, frame->payload, &ask))
        die("bad letter question");
    bool good = find_open(s, &ask.session) != NULL && id_eq(&ask.letter, &s->letter);
    if (good)
        letter = (struct msg_center_letter){.code = MSG_OK, .expires_us = clock_utc_us() + CLOCK_US_PER_DAY,
                                            .header = buf_slice(&s->header), .content_length = s->sealed_length};
    answer_layout(chan, frame, &msg_center_letter_layout, &letter, good ? s->sealed : -1);
}

static void store_logout(struct stage *s, struct chan *chan, const struct chan_frame *frame)
{
    struct msg_center_ask ask;
    const struct msg_status status = {.code = MSG_OK};
    if (!layout_read(&msg_center_ask_layout, frame->payload, &ask))
        die("bad logout");
    for (size_t i = 0; i < s->session_count; i++)
        if (memcmp(s->sessions[i].name.b, ask.session.b, DIGEST_SIZE) == 0)
            s->sessions[i].open = false;
    answer_layout(chan, frame, &msg_status_layout, &status, -1);
}

static bool on_store(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct stage *s = ctx;
    if (s->deaf)
        return true;
    if (frame->type == MSG_CENTER_SEND)
        store_send(s, chan, frame);
    else if (frame->type == MSG_CENTER_VERIFY)
        store_verify(s, chan, frame);
    else if (frame->type == MSG_CENTER_LETTER)
        store_letter(s, chan, frame);
    else if (frame->type == MSG_CENTER_LOGOUT)
        store_logout(s, chan, frame);
    else
        return false;
    fflush(stdout);
    return true;
}

/* --- supervisor --- */

static bool on_child(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct stage *s = ctx;
    if (frame->type == MSG_READY)
        *(chan == s->web.chan ? &s->web.ready : &s->scrub.ready) = true;
    if (s->web.ready && s->scrub.ready)
        loop_stop(s->loop);
    return true;
}

static void stream_pair(int fds[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        die("no stream pair");
}

/* Forks before this process has a loop: libuv's descriptors are not shared. */
static int fork_child(struct stage *s, struct child *child, const struct role_ops *ops)
{
    int fds[2];
    uint32_t uid = (uint32_t)s->conf->roles_uid + (uint32_t)ops->kind;
    stream_pair(fds);
    child->pid = fork();
    if (child->pid == 0) {
        if (dup2(fds[1], ROLE_SUPERVISOR_FD) < 0)
            _exit(127);
        for (int fd = ROLE_SUPERVISOR_FD + 1; fd < 64; fd++)
            close(fd);
        _exit(setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0 ? role_main(ops) : 126);
    }
    close(fds[1]);
    return fds[0];
}

static void boot(struct stage *s, struct child *child, enum role_kind kind, const char *conf_name)
{
    struct buf counts;
    buf_init(&counts, 256);
    for (int i = 0; i < ROLE_KIND_COUNT; i++)
        wire_put_u32(&counts, 1);
    const struct msg_boot msg = {(uint8_t)kind, 0, 1, buf_slice(&counts), slice_str(conf_name), buf_slice(&s->conf_text)};
    send_layout(child->chan, MSG_BOOT, &msg_boot_layout, &msg, -1);
    buf_free(&counts);
}

static void give(struct child *child, enum role_fd what, uint32_t index, int fd)
{
    const struct msg_fd msg = {(uint8_t)what, index};
    if (fd < 0)
        die("a file or socket cannot be opened");
    send_layout(child->chan, MSG_FD, &msg_fd_layout, &msg, fd);
    close(fd);
}

static void tell_peer(struct child *child, enum role_kind kind, int fd)
{
    const struct msg_peer msg = {(uint8_t)kind, 0};
    send_layout(child->chan, MSG_PEER, &msg_peer_layout, &msg, fd);
    close(fd);
}

static void join(struct stage *s)
{
    static const struct chan_ops keyd_ops = {on_keyd, on_closed}, store_ops = {on_store, on_closed};
    int fds[2];
    stream_pair(fds);
    s->keyd = chan_create(s->loop, fds[0], "web", &keyd_ops, s);
    tell_peer(&s->web, ROLE_KEYD, fds[1]);
    stream_pair(fds);
    s->store = chan_create(s->loop, fds[0], "web", &store_ops, s);
    tell_peer(&s->web, ROLE_STORE, fds[1]);
    stream_pair(fds);
    tell_peer(&s->web, ROLE_SCRUB, fds[0]);
    tell_peer(&s->scrub, ROLE_WEB, fds[1]);
}

static void on_command(void *ctx, unsigned events)
{
    struct stage *s = ctx;
    char line[64];
    (void)events;
    ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);
    if (n == 0) {
        loop_stop(s->loop);
        return;
    }
    line[n < 0 ? 0 : n] = '\0';
    s->expired = s->expired || strncmp(line, "expire", 6) == 0;
    s->deaf = s->deaf || strncmp(line, "deaf", 4) == 0;
    if (strncmp(line, "forget", 6) == 0)
        s->session_count = 0;
    printf("done\n");
    fflush(stdout);
}

/* --- the letter --- */

static void seal_letter(struct stage *s, const char *path)
{
    struct buf plain, sealed;
    struct tag tail;
    struct key unused;
    struct err err = {""};
    buf_init_secret(&plain, LETTER_MAX);
    buf_init(&sealed, 2u * LETTER_MAX);
    buf_init(&s->header, MSG_HEADER_MAX);
    read_path(path, &plain);
    s->letter = id_make(clock_utc_us());
    mem_random(&s->wrapping, sizeof(s->wrapping));
    s->maker = sealed_maker_create(SLICE_LIT("stage"), &s->wrapping, NULL);
    struct sealed_writer *writer = sealed_writer_create();
    bool good = sealed_maker_make(s->maker, SLICE_LIT("default"), &s->letter, clock_wait_us(), &s->header, &s->letter_key,
                                  &unused, &err) &&
                sealed_writer_start(writer, buf_slice(&s->header), &s->letter_key, &err) &&
                sealed_writer_update(writer, buf_slice(&plain), &sealed) && sealed_writer_finish(writer, &sealed, &tail);
    s->sealed = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (!good || s->sealed < 0 || !file_write_all(s->sealed, buf_slice(&sealed), &err))
        die(err.text);
    s->sealed_length = sealed.len;
    sealed_writer_free(&writer);
    buf_free(&plain);
    buf_free(&sealed);
}

static void prepare(struct stage *s, char **argv)
{
    struct err err = {""};
    struct center_secret token;
    buf_init(&s->conf_text, CONF_TEXT_MAX);
    read_path(argv[1], &s->conf_text);
    if (!conf_parse(buf_cstr(&s->conf_text), argv[1], "/", &s->conf, &err))
        die(err.text);
    if (!center_secret_parse(slice_str(argv[5]), &token))
        die("that is no token");
    center_secret_digest(&token, &s->link);
    mem_random(&s->code_key, sizeof(s->code_key));
    seal_letter(s, argv[4]);
}

static void start(struct stage *s, char **argv)
{
    static const struct chan_ops child_ops = {on_child, on_closed};
    struct err err = {""};
    int web = fork_child(s, &s->web, &web_role_ops);
    int scrub = fork_child(s, &s->scrub, &scrub_role_ops);
    s->loop = loop_create();
    s->web.chan = chan_create(s->loop, web, "web", &child_ops, s);
    s->scrub.chan = chan_create(s->loop, scrub, "scrub", &child_ops, s);
    boot(s, &s->web, ROLE_WEB, argv[1]);
    give(&s->web, ROLE_FD_CENTER, 0, inet_listen(s->conf->center_listen.item[0], &err));
    give(&s->web, ROLE_FD_CERTIFICATE, ROLE_CENTER_CERTIFICATE, open(argv[2], O_RDONLY | O_CLOEXEC));
    give(&s->web, ROLE_FD_PRIVATE_KEY, ROLE_CENTER_CERTIFICATE, open(argv[3], O_RDONLY | O_CLOEXEC));
    chan_send(s->web.chan, MSG_START, SLICE_EMPTY, -1);
    boot(s, &s->scrub, ROLE_SCRUB, argv[1]);
    chan_send(s->scrub.chan, MSG_START, SLICE_EMPTY, -1);
    loop_run(s->loop);
    join(s);
}

static void end_child(struct child *child)
{
    int status;
    chan_free(&child->chan);
    kill(child->pid, SIGKILL);
    waitpid(child->pid, &status, 0);
}

int main(int argc, char **argv)
{
    struct stage *s = mem_new(sizeof(*s));
    if (argc != 6)
        die("usage: center_stage CONFIG CERTIFICATE KEY LETTER TOKEN");
    prepare(s, argv);
    start(s, argv);
    struct loop_watch *commands = loop_watch_create(s->loop, STDIN_FILENO, LOOP_READ, on_command, s);
    loop_run(s->loop);
    loop_watch_free(&commands);
    chan_free(&s->keyd);
    chan_free(&s->store);
    end_child(&s->web);
    end_child(&s->scrub);
    _exit(0); /* the rest lives as long as the process */
}
