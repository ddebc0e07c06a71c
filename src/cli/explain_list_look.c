/* SPDX-License-Identifier: Apache-2.0 */
/* `sealpost explain --file`: a list of domains, some dozens at once. Outputs are opened with the rights of whoever asks,
 * before anything is looked at, and written at the end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/explain_list.h"
#include "cli/explain_look.h"
#include "cli/explain_memory.h"
#include "cli/explain_survey.h"
#include "os/file.h"

#define AT_ONCE 50u                            /* domains under way */
#define PROGRESS_US (2 * CLOCK_US_PER_S)
#define OUTPUT_MAX ((size_t)512 * 1024 * 1024) /* of one output: 100,000 rows of a few kilobytes */

struct run {
    struct cli *cli;
    const struct explain_wish *wish;
    struct explain_engine *engine;
    struct explain_list list;
    struct explain_survey survey;
    struct explain_known *known; /* one for each domain; NULL: sealpostd was not asked */
    struct loop_timer *progress;
    size_t next;
    size_t under_way;
    int csv;
    int html;
    int json;
    bool tty;
    bool over;
    bool well;
};

/* A domain under way. */
struct one {
    struct run *run;
    size_t place;
    struct explain explain;
};

/* --- looking --- */

static void on_done(void *ctx, struct explain *explain);

static void start_more(struct run *run)
{
    while (run->under_way < AT_ONCE && run->next < run->list.count) {
        struct one *one = mem_new(sizeof(*one));
        one->run = run;
        one->place = run->next++;
        (void)explain_init(&one->explain, run->list.domain[one->place].text, NULL, NULL); /* was read before */
        explain_demand(&one->explain, run->cli->conf, clock_utc_us());
        if (run->known != NULL) {
            one->explain.known = run->known[one->place];
        }
        run->under_way++;
        explain_engine_start(run->engine, &one->explain, on_done, one);
    }
    if (run->under_way == 0) {
        run->over = true;
        loop_stop(run->cli->loop);
    }
}

static void on_done(void *ctx, struct explain *explain)
{
    struct one *one = ctx;
    struct run *run = one->run;

    explain_survey_take(&run->survey, one->place, explain);
    explain_free(explain);
    mem_free(one);
    run->under_way--;
    start_more(run);
}

static void tell_progress(struct run *run, bool last)
{
    (void)fprintf(stderr, "%s%zu of %zu domains, %zu connections%s", run->tty ? "\r" : "sealpost: ", run->survey.done,
                  run->list.count, explain_engine_connections(run->engine), run->tty && !last ? "" : "\n");
    (void)fflush(stderr);
}

static void on_progress(void *ctx)
{
    struct run *run = ctx;

    tell_progress(run, false);
    loop_timer_start(run->progress, PROGRESS_US);
}

static void on_interrupt(void *ctx, int signal)
{
    struct run *run = ctx;
    (void)signal;

    run->over = true;
    loop_stop(run->cli->loop);
}

/* --- before --- */

static void on_unread(void *ctx, size_t line, const char *reason)
{
    struct run *run = ctx;

    (void)cli_fail(0, "line %zu is passed over: %s", line, reason);
    explain_survey_unread(&run->survey, line, reason);
}

static bool read_list(struct run *run, struct err *err)
{
    const char *path = run->wish->file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct buf text;
    bool ok;

    if (fd < 0) {
        return err_errno(err, errno, "cannot read %s", path);
    }
    buf_init(&text, EXPLAIN_LIST_BYTES);
    ok = file_read_fd(fd, path, &text, err) && explain_list_read(&run->list, buf_slice(&text), on_unread, run, err);
    buf_free(&text);
    (void)close(fd);
    if (ok) {
        size_t count = run->survey.unread_count;
        struct explain_unread *unread = run->survey.unread;
        size_t kept = run->survey.unread_kept;
        mem_free(run->survey.row);
        explain_survey_init(&run->survey, run->list.count);
        run->survey.unread = unread;
        run->survey.unread_kept = kept;
        run->survey.unread_count = count;
        run->survey.twice = run->list.twice;
    }
    return ok;
}

static bool open_output(const char *path, int *ret_fd, struct err *err)
{
    *ret_fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
    return path == NULL || *ret_fd >= 0 || err_errno(err, errno, "cannot write %s", path);
}

/* What all domains have shown before. */
static void ask_memory(struct run *run)
{
    if (!explain_memory_there(run->cli)) {
        return;
    }
    run->known = mem_new_array(run->list.count + 1, sizeof(*run->known));
    for (size_t i = 0; i < run->list.count; i++) {
        if (!explain_memory_ask(run->cli, run->list.domain[i].ascii, &run->known[i])) {
            break; /* the rest stays unknown */
        }
    }
    explain_memory_close(run->cli);
}

static bool prepare(struct run *run, struct err *err)
{
    const struct explain_wish *wish = run->wish;
    struct cli *cli = run->cli;

    if (!read_list(run, err) || !open_output(wish->csv, &run->csv, err) || !open_output(wish->html, &run->html, err) ||
        !open_output(wish->json, &run->json, err)) {
        return false;
    }
    ask_memory(run);
    run->engine = explain_engine_create(cli->loop, cli->conf, cli->conf_path, false, false, err);
    return run->engine != NULL && explain_engine_drop(run->engine, err);
}

/* --- after --- */

static bool write_all(int fd, struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        ssize_t n = write(fd, text.data + at, text.len - at);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Writes one output with what put() makes of the survey. */
static bool write_output(const struct run *run, int fd, const char *path,
                         void (*put)(const struct explain_survey *survey, struct buf *out))
{
    struct buf text;
    bool ok;

    if (fd < 0) {
        return true;
    }
    buf_init(&text, OUTPUT_MAX);
    put(&run->survey, &text);
    ok = buf_ok(&text) && write_all(fd, buf_slice(&text));
    buf_free(&text);
    return ok || cli_fail(0, "cannot write %s: %s", path, strerror(errno)) != 0;
}

static void put_json(const struct explain_survey *survey, struct buf *out)
{
    json_t *value = explain_survey_json(survey);
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);

    (void)buf_append_str(out, text == NULL ? "" : text);
    (void)buf_append_byte(out, '\n');
    free(text);
    json_decref(value);
}

static int report(struct run *run)
{
    struct explain_summary sum;
    struct buf text;
    bool ok;

    run->survey.connections = explain_engine_connections(run->engine);
    ok = write_output(run, run->csv, run->wish->csv, explain_survey_csv) &&
         write_output(run, run->html, run->wish->html, explain_survey_html) &&
         write_output(run, run->json, run->wish->json, put_json);
    if (run->cli->json && run->json < 0) {
        (void)cli_print_json(explain_survey_json(&run->survey));
    } else {
        buf_init(&text, OUTPUT_MAX);
        explain_survey_text(&run->survey, &text);
        explain_print(buf_slice(&text));
        buf_free(&text);
    }
    explain_survey_sum(&run->survey, &sum);
    if (run->survey.done < run->list.count) {
        return cli_fail(CLI_FAILED, "ended before all domains were looked at");
    }
    if (!run->well) {
        return cli_fail(CLI_FAILED, "the resolver has ended on the way; the last answers are none");
    }
    return ok && sum.end[EXPLAIN_DELIVERED] == run->list.count && run->survey.unread_count == 0 ? CLI_OK : CLI_FAILED;
}

int explain_list_look(struct cli *cli, const struct explain_wish *wish)
{
    struct run run = {.cli = cli, .wish = wish, .csv = -1, .html = -1, .json = -1, .tty = isatty(STDERR_FILENO) == 1};
    struct err err = {{0}};

    (void)signal(SIGPIPE, SIG_IGN);
    run.progress = loop_timer_create(cli->loop, on_progress, &run);
    loop_on_signal(cli->loop, SIGINT, on_interrupt, &run);
    if (!prepare(&run, &err)) {
        explain_exit(cli_fail(CLI_FAILED, "%s", err.text));
    }
    loop_timer_start(run.progress, PROGRESS_US);
    start_more(&run);
    while (!run.over) {
        loop_run(cli->loop);
    }
    tell_progress(&run, true);
    run.well = explain_engine_is_well(run.engine);
    if (run.under_way == 0) {
        explain_engine_rest(run.engine);
    }
    explain_exit(report(&run));
}
