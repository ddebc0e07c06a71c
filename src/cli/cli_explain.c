/* SPDX-License-Identifier: Apache-2.0 */
/* `sealpost explain`: what would become of mail to a domain, and why, without sending any. */
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/explain_look.h"

/* Takes an option with its value; *at stands on the option and moves to the value. */
static bool take_value(int argc, char **argv, int *at, const char *name, const char **ret_value)
{
    if (strcmp(argv[*at], name) != 0 || *at + 1 >= argc || *ret_value != NULL) {
        return false;
    }
    *ret_value = argv[++*at];
    return true;
}

static bool read_wish(int argc, char **argv, struct explain_wish *wish)
{
    const char *every = NULL;
    const char *other = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--watch") == 0) {
            wish->watch = true;
        } else if (!take_value(argc, argv, &i, "--address", &wish->address) && !take_value(argc, argv, &i, "--file", &wish->file) &&
                   !take_value(argc, argv, &i, "--csv", &wish->csv) && !take_value(argc, argv, &i, "--html", &wish->html) &&
                   !take_value(argc, argv, &i, "--every", &every)) {
            if (argv[i][0] == '-' || other != NULL) {
                return false;
            }
            other = argv[i];
        }
    }
    wish->every_us = EXPLAIN_EVERY_US;
    if (every != NULL && (!wish->watch || !clock_parse_duration(every, &wish->every_us) || wish->every_us < CLOCK_US_PER_S)) {
        (void)cli_fail(CLI_USAGE, "--every goes with --watch and takes 1s or longer");
        return false;
    }
    *(wish->file != NULL ? &wish->json : &wish->domain) = other;
    return true;
}

static int run_explain(struct cli *cli, int argc, char **argv)
{
    struct explain_wish wish = {.domain = NULL};

    if (!read_wish(argc, argv, &wish)) {
        return CLI_USAGE;
    }
    if (wish.file != NULL) {
        bool fits = wish.address == NULL && !wish.watch && (wish.json == NULL || cli->json);
        return fits ? explain_list_look(cli, &wish) : CLI_USAGE;
    }
    if (wish.csv != NULL || wish.html != NULL || (wish.domain == NULL && wish.address == NULL)) {
        return CLI_USAGE;
    }
    wish.domain = wish.domain == NULL ? wish.address : wish.domain;
    return explain_look(cli, &wish);
}

const struct cli_command cli_explain_command = {
    "explain", "DOMAIN [--address A] [--watch [--every T]] | --file LIST [--csv F] [--html F] [--json F]",
    "What would become of mail to a domain and why, looked at now without sending any; --file surveys a list.", true, run_explain};
