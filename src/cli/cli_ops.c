/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that act on the running instance or ask how it is: wait, retry, release, status, check. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"

#define CHECK_DEADLINE_US (600 * CLOCK_US_PER_S) /* --deep reads everything that is stored */

static int parse_id(const char *text, struct id *ret_id)
{
    return id_parse(slice_str(text), ret_id) ? CLI_OK : cli_fail(CLI_USAGE, "'%s' is not a message id", text);
}

/* Sends a request that is answered by a status; with --json that is an object, too. */
static int act(struct cli *cli, uint16_t type, const struct layout *layout, const void *ask, int64_t timeout_us)
{
    int status = cli_call_status(cli, cli_store(cli), type, layout, ask, timeout_us);
    json_t *object;

    if (cli->json) {
        object = json_object();
        (void)json_object_set_new(object, "ok", json_boolean(status == CLI_OK));
        (void)json_object_set_new(object, "status", json_integer(status));
        (void)cli_print_json(object);
    }
    return status;
}

static int run_wait(struct cli *cli, int argc, char **argv)
{
    struct msg_ctl_wait ask = {.timeout_us = 60 * CLOCK_US_PER_S};
    int status;

    if ((argc != 2 && argc != 4) || (argc == 4 && strcmp(argv[2], "--timeout") != 0)) {
        return CLI_USAGE;
    }
    if (argc == 4 && !clock_parse_duration(argv[3], &ask.timeout_us)) {
        return cli_fail(CLI_USAGE, "'%s' is not a duration such as 30s", argv[3]);
    }
    status = parse_id(argv[1], &ask.id);
    return status != CLI_OK ? status
                            : act(cli, MSG_CTL_WAIT, &msg_ctl_wait_layout, &ask, ask.timeout_us + 5 * CLOCK_US_PER_S);
}

static int run_retry(struct cli *cli, int argc, char **argv)
{
    struct msg_ctl_target ask = {0};
    int status = CLI_OK;

    if (argc != 2) {
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--all") != 0) {
        status = parse_id(argv[1], &ask.id);
    }
    return status != CLI_OK ? status
                            : act(cli, MSG_CTL_RETRY, &msg_ctl_target_layout, &ask, MSG_DEADLINE_US);
}

static int run_release(struct cli *cli, int argc, char **argv)
{
    struct msg_ctl_target ask = {0};
    int status;

    if (argc != 2) {
        return CLI_USAGE;
    }
    status = parse_id(argv[1], &ask.id);
    return status != CLI_OK ? status
                            : act(cli, MSG_CTL_RELEASE, &msg_ctl_target_layout, &ask, MSG_DEADLINE_US);
}

static const struct {
    const char *name;
    size_t offset;
    const char *help;
} counts[] = {
    {"accepted", offsetof(struct msg_ctl_counts, accepted), "recipients accepted"},
    {"delivered", offsetof(struct msg_ctl_counts, delivered), "delivered with proof"},
    {"posted", offsetof(struct msg_ctl_counts, posted), "posted to the Message Center"},
    {"returned", offsetof(struct msg_ctl_counts, returned), "returned to the sender"},
    {"queued", offsetof(struct msg_ctl_counts, queued), "queued"},
    {"dsn_accepted", offsetof(struct msg_ctl_counts, dsn_accepted), "reports to senders made"},
    {"dsn_final", offsetof(struct msg_ctl_counts, dsn_final), "reports to senders finished"},
    {"notices_sent", offsetof(struct msg_ctl_counts, notices_sent), "notices sent"},
    {"notices_pending", offsetof(struct msg_ctl_counts, notices_pending), "notices on their way"},
    {"notices_held", offsetof(struct msg_ctl_counts, notices_held), "notices held for the operator"},
    {"messages_held", offsetof(struct msg_ctl_counts, messages_held), "messages with queued recipients"},
    {"journal_bytes", offsetof(struct msg_ctl_counts, journal_bytes), "bytes in the journal"},
    {"waves", offsetof(struct msg_ctl_counts, waves), "commit waves"},
    {"flushes", offsetof(struct msg_ctl_counts, flushes), "flushes to disk"},
    {"free_bytes", offsetof(struct msg_ctl_counts, free_bytes), "bytes free on disk"},
};

static uint64_t count_of(const struct msg_ctl_counts *all, size_t i)
{
    return *(const uint64_t *)(const void *)((const char *)all + counts[i].offset);
}

static int print_counts(struct cli *cli, const struct msg_ctl_counts *all)
{
    json_t *object;

    if (!cli->json) {
        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
            (void)printf("%12llu  %s\n", (unsigned long long)count_of(all, i), counts[i].help);
        }
        (void)printf("%s%.*s", all->alarms.len == 0 ? "no alarms\n" : "alarms:\n", (int)all->alarms.len,
                     (const char *)all->alarms.data);
        return CLI_OK;
    }
    object = json_object();
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        (void)json_object_set_new(object, counts[i].name, json_integer((json_int_t)count_of(all, i)));
    }
    (void)json_object_set_new(object, "alarms", cli_json_lines(all->alarms));
    return cli_print_json(object);
}

static int run_status(struct cli *cli, int argc, char **argv)
{
    struct msg_ctl_counts all;
    struct buf answer;
    int status;
    (void)argv;

    if (argc != 1) {
        return CLI_USAGE;
    }
    buf_init(&answer, CHAN_PAYLOAD_MAX);
    status = cli_call(cli, cli_store(cli), MSG_CTL_STATUS, NULL, NULL, MSG_DEADLINE_US, &answer);
    if (status == CLI_OK) {
        status = layout_read(&msg_ctl_counts_layout, buf_slice(&answer), &all)
                     ? print_counts(cli, &all)
                     : cli_fail(CLI_FAILED, "sealpostd answered in another version's words: restart it");
    }
    buf_free(&answer);
    return status;
}

static int run_check(struct cli *cli, int argc, char **argv)
{
    struct msg_ctl_check ask = {.deep = argc == 2 && strcmp(argv[1], "--deep") == 0};
    struct msg_ctl_report report;
    struct buf answer;
    int status;

    if (argc > 2 || (argc == 2 && !ask.deep)) {
        return CLI_USAGE;
    }
    buf_init(&answer, CHAN_PAYLOAD_MAX);
    status = cli_call(cli, cli_store(cli), MSG_CTL_CHECK, &msg_ctl_check_layout, &ask, CHECK_DEADLINE_US, &answer);
    if (status == CLI_OK && !layout_read(&msg_ctl_report_layout, buf_slice(&answer), &report)) {
        status = cli_fail(CLI_FAILED, "sealpostd answered in another version's words: restart it");
    } else if (status == CLI_OK) {
        status = report.code == MSG_OK ? CLI_OK : CLI_FAILED;
        if (cli->json) {
            json_t *object = json_object();
            (void)json_object_set_new(object, "ok", json_boolean(report.code == MSG_OK));
            (void)json_object_set_new(object, "lines", cli_json_lines(report.text));
            (void)cli_print_json(object);
        } else {
            (void)printf("%.*s", (int)report.text.len, (const char *)report.text.data);
        }
    }
    buf_free(&answer);
    return status;
}

const struct cli_command cli_wait_command = {
    "wait", "ID [--timeout T]", "Wait until every recipient of a message is delivered, posted or returned.", true, run_wait};
const struct cli_command cli_retry_command = {"retry", "ID | --all", "Try what waits again now.", true, run_retry};
const struct cli_command cli_release_command = {
    "release", "ID", "Let the notice of a letter leave that is held for a sign of attack.", true, run_release};
const struct cli_command cli_status_command = {"status", "", "Counters and alarms.", true, run_status};
const struct cli_command cli_check_command = {
    "check", "[--deep]", "Verify that accepted = delivered + posted + returned + queued; --deep reads everything stored.", true, run_check};
