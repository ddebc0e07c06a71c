/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS (RFC 8460): the order to send a day's, the key to publish, and reading what others report. A report is
 * a stranger's file: it is taken apart in a child that can do nothing but answer, and what it answers is printed escaped. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "cli/cli_rows.h"
#include "cli/report_view.h"
#include "os/file.h"
#include "os/sandbox.h"

#define NOBODY 65534u
#define CHILD_MEMORY (UINT64_C(512) * 1024 * 1024)
#define CHILD_SECONDS 10u

/* ---- reading ---- */

static bool send_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (n > 0) {
            bytes = slice_sub(bytes, (size_t)n, bytes.len);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* Appends all that comes until the end. False when it is more than out may hold. */
static bool receive_all(int fd, struct buf *out)
{
    static const size_t step = 65536;
    for (;;) {
        uint8_t *room = buf_reserve(out, step);
        ssize_t n = room == NULL ? -1 : recv(fd, room, step, 0);
        if (n == 0) {
            return true;
        }
        if (n > 0) {
            buf_added(out, (size_t)n);
        } else if (room == NULL || errno != EINTR) {
            return room != NULL && errno == ECONNRESET; /* it has ended without reading all: what it said counts */
        }
    }
}

static _Noreturn void child_main(int fd, bool json)
{
    const bool root = geteuid() == 0;
    const struct sandbox sandbox = {.uid = root ? NOBODY : UINT32_MAX, .gid = root ? NOBODY : UINT32_MAX,
                                    .groups = SANDBOX_FORK, .files_max = 16}; /* FORK: it may narrow itself further, which it does at once */
    struct err err = {""};
    struct buf input, out;
    buf_init(&input, REPORT_VIEW_INPUT_MAX);
    buf_init(&out, REPORT_VIEW_MAX);
    for (int other = 3; other < 1024; other++) {
        if (other != fd) {
            close(other);
        }
    }
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    if (!sandbox_enter(&sandbox, &err) || !sandbox_enter_pipe_only(CHILD_MEMORY, CHILD_SECONDS, &err)) {
        (void)send_all(fd, slice_str("E"));
        (void)send_all(fd, slice_str(err.text));
        _exit(1);
    }
    if (!receive_all(fd, &input)) {
        err_set(&err, "it is too long for a report");
    }
    bool ok = err.text[0] == '\0' && report_view(buf_slice(&input), json, &out, &err);
    (void)send_all(fd, slice_str(ok ? "O" : "E"));
    (void)send_all(fd, ok ? buf_slice(&out) : slice_str(err.text));
    _exit(0);
}

/* What the child answered; nothing when it could not. */
static bool ask_child(struct slice input, bool json, struct buf *answer)
{
    int pair[2];
    (void)fflush(stdout);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return false;
    }
    pid_t child = fork();
    if (child == 0) {
        close(pair[0]);
        child_main(pair[1], json);
    }
    close(pair[1]);
    bool ok = child > 0;
    if (ok) {
        (void)send_all(pair[0], input);
        (void)shutdown(pair[0], SHUT_WR);
        ok = receive_all(pair[0], answer);
    }
    close(pair[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {
        continue;
    }
    return ok && answer->len > 0;
}

static void print_lines(struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = slice_find(text, at, '\n');
        cli_print_text(slice_sub(text, at, end - at));
        (void)printf("\n");
        at = end + 1;
    }
}

static bool read_input(const char *name, struct buf *input, struct err *err)
{
    size_t n;
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rbe");
    if (file == NULL) {
        return err_errno(err, errno, "cannot open it");
    }
    do {
        uint8_t *room = buf_reserve(input, 65536);
        n = room == NULL ? 0 : fread(room, 1, 65536, file);
        buf_added(input, n);
    } while (n > 0);
    bool ok = ferror(file) == 0;
    if (file != stdin) {
        (void)fclose(file);
    }
    return ok ? buf_ok(input) || err_set(err, "it is too long for a report") : err_set(err, "it cannot be read");
}

/* Has the child take it apart and prints what it says. */
static int show_bytes(const char *name, struct slice input, bool json)
{
    struct buf answer;
    int status = CLI_OK;
    buf_init(&answer, REPORT_VIEW_MAX + 1 + 65536);
    if (!ask_child(input, json, &answer)) {
        status = cli_fail(CLI_FAILED, "%s: it is no report that can be read", name);
    } else if (answer.data[0] == 'O') {
        print_lines(slice_sub(buf_slice(&answer), 1, answer.len));
    } else {
        struct buf words;
        buf_init(&words, 8192);
        (void)codec_escape(&words, slice_sub(buf_slice(&answer), 1, answer.len));
        status = cli_fail(CLI_FAILED, "%s: %s", name, buf_cstr(&words) == NULL ? "it cannot be read" : buf_cstr(&words));
        buf_free(&words);
    }
    buf_free(&answer);
    return status;
}

static int read_one(const char *name, bool json)
{
    struct err err = {""};
    struct buf input;
    buf_init(&input, REPORT_VIEW_INPUT_MAX);
    int status = read_input(name, &input, &err) ? show_bytes(name, buf_slice(&input), json)
                                                : cli_fail(CLI_FAILED, "%s: %s", name, err.text);
    buf_free(&input);
    return status;
}

/* ---- what others have sent ---- */

/* Asks the store; what it sent stands in cli->rows. */
static int ask_received(struct cli *cli, const struct id *id, struct digest *ret_grant)
{
    const struct msg_ctl_target target = {.id = *id};
    struct msg_ctl_grant grant;
    struct buf answer;
    struct chan *store = cli_store(cli);
    buf_init(&answer, CHAN_PAYLOAD_MAX);
    int status = store == NULL ? CLI_UNREACHABLE
                               : cli_call(cli, store, MSG_CTL_REPORTS, &msg_ctl_target_layout, &target, 3 * MSG_DEADLINE_US, &answer);
    if (status == CLI_OK && (!layout_read(&msg_ctl_grant_layout, buf_slice(&answer), &grant) || grant.code != MSG_OK)) {
        status = cli_fail(CLI_FAILED, "the store refused the question");
    }
    if (status == CLI_OK) {
        *ret_grant = grant.grant;
    }
    buf_free(&answer);
    return status;
}

/* The next of what the store sent. */
static bool next_received(struct wire_reader *r, struct msg_received *ret_received)
{
    bool more = wire_left(r) > 0 && wire_u16(r) == MSG_CTL_RECEIVED;
    return more && layout_read(&msg_received_layout, wire_blob32(r, CHAN_PAYLOAD_MAX), ret_received);
}

static int list_received(struct cli *cli)
{
    const struct id all = {{0}};
    struct digest grant;
    struct msg_received received;
    int status = ask_received(cli, &all, &grant);
    if (status != CLI_OK) {
        return status;
    }
    json_t *list = json_array();
    struct wire_reader r = wire_reader_of(buf_slice(&cli->rows));
    while (next_received(&r, &received)) {
        char id[ID_TEXT_SIZE];
        char at[CLOCK_DATE_MAX];
        id_text(&received.id, id);
        clock_rfc3339(received.at_us, at);
        if (cli->json) {
            (void)json_array_append_new(list, json_pack("{s:s,s:s,s:I}", "id", id, "received", at, "size", (json_int_t)received.size));
        } else {
            (void)printf("%s  %s  %u bytes\n", id, at, received.size);
        }
    }
    if (cli->json) {
        return cli_print_json(list);
    }
    json_decref(list);
    return CLI_OK;
}

static int show_received(struct cli *cli, const char *text)
{
    struct id id;
    struct digest grant;
    struct msg_received received;
    struct cli_opener opener;
    struct buf plain;
    if (!id_parse(slice_str(text), &id) || id_is_zero(&id)) {
        return cli_fail(CLI_USAGE, "'%s' is no ID of `sealpost report list`", text);
    }
    int status = ask_received(cli, &id, &grant);
    if (status != CLI_OK) {
        return status;
    }
    struct wire_reader r = wire_reader_of(buf_slice(&cli->rows));
    if (!next_received(&r, &received)) {
        return cli_fail(CLI_NOT_FOUND, "no report of that ID is kept");
    }
    buf_init(&plain, MSG_RECEIVED_MAX);
    cli_opener_init(&opener, cli, &grant);
    bool open = cli_opener_field(&opener, received.header, MAIL_FIELD_REPORT, 0, received.sealed, &plain);
    cli_opener_free(&opener); /* the child inherits no key */
    status = open ? show_bytes(text, buf_slice(&plain), cli->json) : cli_fail(CLI_FAILED, "%s: it cannot be opened; keyd's log tells why", text);
    buf_free(&plain);
    return status;
}

/* ---- the key ---- */

static int show_key(struct cli *cli)
{
    const struct conf *conf = cli->conf;
    struct buf payload, text;
    struct msg_dkim key;
    if (conf->report_contact == NULL) {
        return cli_fail(CLI_FAILED, "reports are off: set report { contact = \"...\" } first");
    }
    const char *at = strrchr(conf->report_contact, '@');
    const char *domain = conf->report_domain != NULL ? conf->report_domain : at != NULL ? at + 1 : "";
    buf_init(&payload, CHAN_PAYLOAD_MAX);
    buf_init(&text, 4096);
    struct chan *keyd = cli_keyd(cli);
    int status = keyd == NULL ? CLI_UNREACHABLE : cli_call(cli, keyd, MSG_CLI_DKIM, NULL, NULL, MSG_DEADLINE_US, &payload);
    if (status == CLI_OK && (!layout_read(&msg_dkim_layout, buf_slice(&payload), &key) || key.code != MSG_OK)) {
        status = cli_fail(CLI_FAILED, "keyd has no key to show; its log tells why");
    }
    if (status == CLI_OK) {
        buf_append_str(&text, "v=DKIM1; k=rsa; h=sha256; s=tlsrpt; p=");
        (void)codec_base64(&text, key.bytes);
        (void)printf("%s._domainkey.%s. IN TXT (", conf->report_selector, domain);
        for (size_t i = 0; i < text.len; i += 200) { /* a string holds 255 bytes */
            struct slice piece = slice_sub(buf_slice(&text), i, 200);
            (void)printf(" \"%.*s\"", (int)piece.len, (const char *)piece.data);
        }
        (void)printf(" )\n");
        (void)fprintf(stderr, "Publish this record; receivers of reports look for it to see that %s sent them.\n", domain);
    }
    buf_free(&payload);
    buf_free(&text);
    return status;
}

/* ---- sending ---- */

static bool parse_day(const char *text, uint32_t *ret_day)
{
    unsigned y, m, d;
    char again[CLOCK_DATE_MAX];
    uint64_t part[3];
    struct slice s = slice_str(text);
    if (s.len != 10 || s.data[4] != '-' || s.data[7] != '-' || !slice_u64(slice_sub(s, 0, 4), 9999, &part[0]) ||
        !slice_u64(slice_sub(s, 5, 2), 12, &part[1]) || !slice_u64(slice_sub(s, 8, 2), 31, &part[2])) {
        return false;
    }
    y = (unsigned)part[0];
    m = (unsigned)part[1];
    d = (unsigned)part[2];
    /* days before the year and the month, March first */
    unsigned shifted = m > 2 ? y : y - 1;
    int64_t days = 365LL * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153LL * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1 - 719468;
    if (days < 0) {
        return false;
    }
    clock_rfc3339(days * CLOCK_US_PER_DAY, again);
    *ret_day = (uint32_t)days;
    return slice_starts(slice_str(again), s); /* a 31st of February becomes another day */
}

static int send_day(struct cli *cli, const char *text)
{
    struct msg_report_now now = {clock_day(clock_utc_us()) - 1};
    if (text != NULL && (!parse_day(text, &now.day) || now.day > clock_day(clock_utc_us()))) {
        return cli_fail(CLI_USAGE, "'%s' is no day that has begun, such as 2026-11-24", text);
    }
    struct chan *store = cli_store(cli);
    int status = store == NULL ? CLI_UNREACHABLE
                               : cli_call_status(cli, store, MSG_CTL_REPORT, &msg_report_now_layout, &now, 3 * MSG_DEADLINE_US);
    if (status == CLI_OK) {
        (void)printf("the reports are on their way; the log tells how many were sent\n");
    }
    return status;
}

static int run_live(struct cli *cli, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "key") == 0) {
        return show_key(cli);
    }
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        return list_received(cli);
    }
    if (argc == 3 && strcmp(argv[1], "show") == 0) {
        return show_received(cli, argv[2]);
    }
    if (argc == 2 && strcmp(argv[1], "send") == 0) {
        return send_day(cli, NULL);
    }
    if (argc == 4 && strcmp(argv[1], "send") == 0 && strcmp(argv[2], "--day") == 0) {
        return send_day(cli, argv[3]);
    }
    return CLI_USAGE;
}

static int run(struct cli *cli, int argc, char **argv)
{
    int status = CLI_OK;
    if (argc < 3 || strcmp(argv[1], "read") != 0) {
        return cli_load(cli) ? run_live(cli, argc, argv) : CLI_FAILED;
    }
    for (int i = 2; i < argc; i++) {
        int one = read_one(argv[i], cli->json);
        status = one == CLI_OK ? status : one;
    }
    return status;
}

const struct cli_command cli_report_command = {
    "report", "send [--day YYYY-MM-DD] | key | list | show ID | read FILE...|-",
    "send: sends the reports about TLS of a day (default: yesterday) now. key: the DNS record that receivers of the reports need. "
    "list, show: the reports that others have sent to the Message Center. read: shows a report of others: a mail, a .json.gz or a .json.", false, run};
