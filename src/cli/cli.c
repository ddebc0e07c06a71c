/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to the control sockets, and printing. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "center/text_clean.h"

#define ANSWER_MAX CHAN_PAYLOAD_MAX
#define REQUEST_MAX CHAN_PAYLOAD_MAX

int cli_fail(int status, const char *format, ...)
{
    va_list args;

    (void)fflush(stdout);
    (void)fputs("sealpost: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return status;
}

/* --- control sockets --- */

static bool on_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct cli *cli = ctx;
    (void)chan;

    if (frame->fd >= 0) {
        return false;
    }
    wire_put_u16(&cli->rows, frame->type);
    wire_put_blob32(&cli->rows, frame->payload);
    return buf_ok(&cli->rows);
}

static void on_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct cli *cli = ctx;
    (void)reason;

    chan_free(chan == cli->store ? &cli->store : &cli->keyd);
    cli->closed = true;
    loop_stop(cli->loop);
}

static const struct chan_ops control_ops = {.frame = on_frame, .closed = on_closed};

/* Connects through the folder's descriptor, because sun_path is short. */
static struct chan *connect_to(struct cli *cli, const char *name)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char path[4096];
    int folder;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/run", cli->conf->directory);
    folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", folder, name);
    if (folder < 0 || fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        (void)cli_fail(CLI_UNREACHABLE, "cannot reach %s/%s: %s (is sealpostd running, and are you root?)", path, name,
                       strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        fd = -1;
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    if (fd < 0) {
        return NULL;
    }
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return chan_create(cli->loop, fd, name, &control_ops, cli);
}

struct chan *cli_store(struct cli *cli)
{
    if (cli->store == NULL) {
        cli->store = connect_to(cli, "store.sock");
    }
    return cli->store;
}

struct chan *cli_keyd(struct cli *cli)
{
    if (cli->keyd == NULL) {
        cli->keyd = connect_to(cli, "keyd.sock");
    }
    return cli->keyd;
}

struct call {
    struct cli *cli;
    struct buf *answer;
    bool done;
    bool answered;
};

static void on_answer(void *ctx, const struct chan_frame *frame)
{
    struct call *call = ctx;

    call->done = true;
    if (frame != NULL) {
        call->answered = buf_append_slice(call->answer, frame->payload);
        if (frame->fd >= 0) {
            (void)close(frame->fd);
        }
    }
    loop_stop(call->cli->loop);
}

int cli_call(struct cli *cli, struct chan *chan, uint16_t type, const struct layout *layout, const void *object,
             int64_t timeout_us, struct buf *answer)
{
    struct call call = {.cli = cli, .answer = answer};
    struct buf payload;

    if (chan == NULL) {
        return CLI_UNREACHABLE;
    }
    buf_init_secret(&payload, REQUEST_MAX);
    if (layout != NULL) {
        layout_write(layout, &payload, object);
    }
    buf_reset(answer);
    buf_reset(&cli->rows);
    if (!buf_ok(&payload)) {
        buf_free(&payload);
        return cli_fail(CLI_USAGE, "an argument is too long");
    }
    cli->closed = false;
    (void)chan_call(chan, type, buf_slice(&payload), -1, timeout_us, on_answer, &call);
    buf_free(&payload);
    while (!call.done) {
        loop_run(cli->loop);
    }
    if (!call.answered) {
        return cli->closed ? cli_fail(CLI_UNREACHABLE, "sealpostd ended the connection; its log tells why")
                           : cli_fail(CLI_TIMEOUT, "no answer in time");
    }
    return CLI_OK;
}

int cli_status_of(uint8_t code)
{
    switch (code) {
    case MSG_OK: return CLI_OK;
    case MSG_UNKNOWN: return CLI_NOT_FOUND;
    case MSG_EXPIRED: return CLI_TIMEOUT;
    case MSG_UNAVAILABLE: return CLI_UNREACHABLE;
    default: return CLI_FAILED;
    }
}

/* Prints why, in words of our own where sealpostd gave none. */
static int refusal(const struct msg_status *status)
{
    int result = cli_status_of(status->code);

    if (status->text.len == 0) {
        return cli_fail(result, "%s", result == CLI_NOT_FOUND ? "nothing is known of that" : "refused");
    }
    return cli_fail(result, "%.*s", (int)status->text.len, (const char *)status->text.data);
}

int cli_call_status(struct cli *cli, struct chan *chan, uint16_t type, const struct layout *layout, const void *object,
                    int64_t timeout_us)
{
    struct msg_status status;
    struct buf answer;
    int result;

    buf_init(&answer, ANSWER_MAX);
    result = cli_call(cli, chan, type, layout, object, timeout_us, &answer);
    if (result == CLI_OK) {
        if (!layout_read(&msg_status_layout, buf_slice(&answer), &status)) {
            result = cli_fail(CLI_FAILED, "sealpostd answered in another version's words: restart it");
        } else if (status.code != MSG_OK) {
            result = refusal(&status);
        }
    }
    buf_free(&answer);
    return result;
}

int cli_tag(struct cli *cli, uint8_t table, struct slice text, struct tag *ret_tag)
{
    struct msg_cli_tag ask = {.table = table, .tenant = SLICE_LIT(CLI_TENANT), .text = text};
    struct msg_cli_tags tags;
    struct buf answer;
    int result;

    buf_init(&answer, ANSWER_MAX);
    result = cli_call(cli, cli_keyd(cli), MSG_CLI_TAG, &msg_cli_tag_layout, &ask, MSG_DEADLINE_US, &answer);
    if (result == CLI_OK) {
        if (!layout_read(&msg_cli_tags_layout, buf_slice(&answer), &tags) || tags.code != MSG_OK) {
            result = cli_fail(CLI_FAILED, "keyd does not make look-up tags now; its log tells why");
        } else {
            *ret_tag = tags.tag;
        }
    }
    buf_free(&answer);
    return result;
}

/* --- printing --- */

json_t *cli_json_text(struct slice text)
{
    json_t *value = text.len == 0 ? json_string("") : json_stringn((const char *)text.data, text.len);
    struct buf b;

    if (value != NULL) {
        return value;
    }
    buf_init(&b, text.len * 3);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x80) {
            (void)buf_append_byte(&b, text.data[i]);
        } else {
            (void)buf_append_str(&b, "\xef\xbf\xbd");
        }
    }
    value = json_stringn((const char *)b.data, b.len);
    buf_free(&b);
    return value == NULL ? json_null() : value;
}

json_t *cli_json_time(int64_t utc_us)
{
    char text[CLOCK_DATE_MAX];

    if (utc_us == 0) {
        return json_null();
    }
    clock_rfc3339(utc_us, text);
    return json_string(text);
}

json_t *cli_json_lines(struct slice lines)
{
    json_t *list = json_array();

    for (size_t at = 0; at < lines.len;) {
        size_t end = slice_find(lines, at, '\n');
        (void)json_array_append_new(list, cli_json_text(slice_sub(lines, at, end - at)));
        at = end + 1;
    }
    return list;
}

int cli_print_json(json_t *value)
{
    int failed = json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);

    json_decref(value);
    return failed == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0 ? CLI_OK : cli_fail(CLI_FAILED, "cannot write the output");
}

void cli_print_text(struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        uint32_t c = text_next(text, &at);
        bool lone = at - from == 1 && text.data[from] >= 0x80; /* no UTF-8 */
        bool plain = c >= 0x20 && (c < 0x7f || c >= 0xa0) && !lone && !text_is_trick(c);
        for (; from < at; from++) {
            (void)(plain ? fputc(text.data[from], stdout) : fprintf(stdout, "\\x%02x", text.data[from]));
        }
    }
}
