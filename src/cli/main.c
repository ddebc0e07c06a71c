/* SPDX-License-Identifier: Apache-2.0 */
/* main() of `sealpost`: finds the instance and the command. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "roles/supervisor.h"

#define ROWS_MAX (512u * 1024u * 1024u) /* what a listing of the largest queue may take */

#ifndef SEALPOST_VERSION
#define SEALPOST_VERSION "unknown"
#endif

static const struct cli_command *const commands[] = {
    &cli_init_command,  &cli_user_command,    &cli_domain_command, &cli_queue_command,  &cli_trace_command, &cli_wait_command,
    &cli_retry_command, &cli_release_command, &cli_status_command, &cli_check_command,
    &cli_explain_command, &cli_report_command,
};

static int usage(int status)
{
    FILE *out = status == 0 ? stdout : stderr;

    (void)fprintf(out, "usage: sealpost [-c FILE] COMMAND ...\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        (void)fprintf(out, "  sealpost %s %s\n      %s\n", commands[i]->name, commands[i]->arguments, commands[i]->help);
    }
    (void)fprintf(out, "\n-c FILE names the instance; otherwise $SEALPOST_CONFIG, ./sealpost.conf, /etc/sealpost/sealpost.conf.\n"
                       "--json behind any command prints JSON. Exit statuses: 0 done, 1 refused or failed, 2 usage,\n"
                       "3 sealpostd not reachable, 4 not found, 5 time-out.\n");
    return status;
}

static const char *find_conf(void)
{
    static const char *const places[] = {"sealpost.conf", "/etc/sealpost/sealpost.conf"};
    const char *path = getenv("SEALPOST_CONFIG");

    for (size_t i = 0; path == NULL && i < sizeof(places) / sizeof(*places); i++) {
        path = access(places[i], R_OK) == 0 ? places[i] : NULL;
    }
    return path;
}

/* Takes "-c FILE" and "--json" out of argv wherever they stand; the new argc, or -1. */
static int take_options(struct cli *cli, int argc, char **argv)
{
    int kept = 0;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            cli->json = true;
        } else if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0) {
            if (++i == argc) {
                return -1;
            }
            cli->conf_path = argv[i];
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    return kept;
}

bool cli_load(struct cli *cli)
{
    struct err err = {{0}};
    char *text = NULL;
    char *full = NULL;
    bool ok;

    if (cli->conf_path == NULL) {
        cli->conf_path = find_conf();
    }
    if (cli->conf_path == NULL) {
        return cli_fail(0, "no configuration found: name it with -c FILE, or make one with `sealpost init DIR`") != 0;
    }
    full = realpath(cli->conf_path, NULL);
    ok = supervisor_load(full == NULL ? cli->conf_path : full, &text, &cli->conf, &err);
    if (!ok) {
        (void)cli_fail(0, "%s", err.text);
    }
    mem_free(text);
    free(full);
    return ok;
}

static int run(struct cli *cli, const struct cli_command *command, int argc, char **argv)
{
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        conf_free(&cli->conf);
        return printf("usage: sealpost %s %s\n%s\n", command->name, command->arguments, command->help) > 0 ? CLI_OK : CLI_FAILED;
    }
    cli->loop = loop_create();
    cli->field = sealed_field_create();
    buf_init_secret(&cli->rows, ROWS_MAX);
    status = command->run(cli, argc, argv);
    chan_free(&cli->store);
    chan_free(&cli->keyd);
    buf_free(&cli->rows);
    sealed_field_free(&cli->field);
    loop_free(&cli->loop);
    conf_free(&cli->conf);
    if (status == CLI_USAGE) {
        (void)fprintf(stderr, "usage: sealpost %s %s\n", command->name, command->arguments);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct cli cli = {0};

    argc = take_options(&cli, argc, argv);
    if (argc < 2) {
        return usage(CLI_USAGE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        return usage(CLI_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        return printf("sealpost %s\n", SEALPOST_VERSION) > 0 ? CLI_OK : CLI_FAILED;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (strcmp(commands[i]->name, argv[1]) == 0) {
            return commands[i]->needs_conf && strcmp(argc > 2 ? argv[2] : "", "--help") != 0 && !cli_load(&cli) ? CLI_FAILED : run(&cli, commands[i], argc - 1, argv + 1);
        }
    }
    (void)cli_fail(CLI_USAGE, "unknown command '%s'", argv[1]);
    return usage(CLI_USAGE);
}
