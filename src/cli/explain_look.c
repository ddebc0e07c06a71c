/* SPDX-License-Identifier: Apache-2.0 */
/* One domain. A look that shows nothing new prints nothing. */
#include "cli/explain_look.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/explain_json.h"
#include "cli/explain_memory.h"
#include "cli/explain_text.h"

struct look {
    struct cli *cli;
    const struct explain_wish *wish;
    struct explain_engine *engine;
    struct explain explain;
    struct explain_known known;
    struct buf shown;  /* the report printed last */
    struct loop_timer *timer;
    size_t rounds;
    bool over;
    int status;
};

void explain_print(struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = slice_find(text, at, '\n');
        cli_print_text(slice_sub(text, at, end - at));
        (void)fputc('\n', stdout);
        at = end + 1;
    }
}

_Noreturn void explain_exit(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        status = cli_fail(CLI_FAILED, "cannot write the output");
    }
    (void)fflush(stderr);
    _exit(status);
}

/* True when two reports differ in more than the age of a policy. */
static bool differs(struct slice a, struct slice b)
{
    size_t at = 0;
    size_t bt = 0;

    while (at < a.len && bt < b.len) {
        size_t a_end = slice_find(a, at, '\n');
        size_t b_end = slice_find(b, bt, '\n');
        struct slice one = slice_sub(a, at, a_end - at);
        struct slice two = slice_sub(b, bt, b_end - bt);
        bool age = slice_starts(slice_trim(one), SLICE_LIT("fetched ")) && slice_starts(slice_trim(two), SLICE_LIT("fetched "));
        if (!age && !slice_eq(one, two)) {
            return true;
        }
        at = a_end + 1;
        bt = b_end + 1;
    }
    return at < a.len || bt < b.len;
}

static void show(struct look *look)
{
    struct buf report;
    char at[CLOCK_DATE_MAX];

    buf_init(&report, EXPLAIN_TEXT_MAX);
    explain_text(&look->explain, &report);
    if (look->rounds == 1 || differs(buf_slice(&report), buf_slice(&look->shown))) {
        if (look->cli->json) {
            (void)cli_print_json(explain_json(&look->explain));
        } else {
            if (look->wish->watch) {
                clock_rfc3339(clock_utc_us(), at);
                (void)printf("%s--- %s\n", look->rounds == 1 ? "" : "\n", at);
            }
            explain_print(buf_slice(&report));
        }
        (void)fflush(stdout);
        buf_reset(&look->shown);
        (void)buf_append_slice(&look->shown, buf_slice(&report));
    }
    buf_free(&report);
}

static void on_done(void *ctx, struct explain *explain)
{
    struct look *look = ctx;

    look->rounds++;
    show(look);
    look->status = explain_end(explain)->verdict.action == TRUST_SEND ? CLI_OK : CLI_FAILED;
    if (!explain_engine_is_well(look->engine)) {
        look->status = cli_fail(CLI_FAILED, "the resolver has ended; what is said above rests on no answer");
        look->over = true;
    }
    if (look->wish->watch && !look->over) {
        loop_timer_start(look->timer, look->wish->every_us);
    } else {
        look->over = true;
        loop_stop(look->cli->loop);
    }
}

static bool begin(struct look *look, struct err *err)
{
    if (!explain_init(&look->explain, look->wish->domain, look->wish->address, err)) {
        return false;
    }
    explain_demand(&look->explain, look->cli->conf, clock_utc_us());
    look->explain.known = look->known;
    return true;
}

static void on_timer(void *ctx)
{
    struct look *look = ctx;

    explain_free(&look->explain);
    explain_engine_forget(look->engine);
    (void)begin(look, NULL);
    explain_engine_start(look->engine, &look->explain, on_done, look);
}

static void on_interrupt(void *ctx, int signal)
{
    struct look *look = ctx;
    (void)signal;

    look->over = true;
    loop_stop(look->cli->loop);
}

static bool prepare(struct look *look, struct err *err)
{
    struct cli *cli = look->cli;

    if (explain_memory_there(cli)) {
        (void)explain_memory_ask(cli, look->explain.domain.ascii, &look->known);
        explain_memory_close(cli);
        look->explain.known = look->known;
    }
    look->engine = explain_engine_create(cli->loop, cli->conf, cli->conf_path, true, true, err);
    return look->engine != NULL && explain_engine_drop(look->engine, err);
}

int explain_look(struct cli *cli, const struct explain_wish *wish)
{
    struct look look = {.cli = cli, .wish = wish};
    struct err err = {{0}};

    if (!begin(&look, &err)) {
        explain_free(&look.explain);
        return cli_fail(CLI_USAGE, "'%s' is no domain to send mail to: %s", wish->address == NULL ? wish->domain : wish->address, err.text);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    buf_init(&look.shown, EXPLAIN_TEXT_MAX);
    look.timer = loop_timer_create(cli->loop, on_timer, &look);
    loop_on_signal(cli->loop, SIGINT, on_interrupt, &look);
    if (!prepare(&look, &err)) {
        explain_exit(cli_fail(CLI_FAILED, "%s", err.text));
    }
    explain_engine_start(look.engine, &look.explain, on_done, &look);
    while (!look.over) {
        loop_run(cli->loop);
    }
    if (look.rounds > 0) {
        explain_engine_rest(look.engine);
    }
    explain_exit(look.rounds > 0 ? look.status : CLI_FAILED);
}
