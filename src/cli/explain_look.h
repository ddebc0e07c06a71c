/* SPDX-License-Identifier: Apache-2.0 */
/* `sealpost explain DOMAIN`: one domain, once or again and again until its owner has mended it. */
#ifndef CLI_EXPLAIN_LOOK_H
#define CLI_EXPLAIN_LOOK_H

#include "cli/cli.h"
#include "cli/explain_engine.h"

#define EXPLAIN_EVERY_US INT64_C(10000000) /* between two looks of --watch */

struct explain_wish {
    const char *domain;
    const char *address; /* NULL: none */
    bool watch;
    int64_t every_us;
    const char *file;    /* of a survey; NULL: none */
    const char *csv;
    const char *html;
    const char *json;    /* NULL: none, or standard output with cli->json */
};

/* Looks, prints, and with watch goes on until SIGINT. Never returns once rights were given up: ends the process with the exit
 * status. Returns an exit status when it could not begin. */
int explain_look(struct cli *cli, const struct explain_wish *wish);

/* Surveys a list. As above. */
int explain_list_look(struct cli *cli, const struct explain_wish *wish);

/* Writes what is in standard output's buffer and ends the process, without exit handlers: they may try what the sandbox
 * forbids. */
_Noreturn void explain_exit(int status);

/* Prints a report, line by line through cli_print_text(). */
void explain_print(struct slice text);

#endif
