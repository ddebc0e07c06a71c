/* SPDX-License-Identifier: Apache-2.0 */
/* A query to the store, with its sealed parts opened by keyd against the operator grant that came with the answer. */
#ifndef CLI_CLI_ROWS_H
#define CLI_CLI_ROWS_H

#include "cli/cli.h"
#include "mail/envelope.h"

/* The key of one header, remembered because rows of one message stand together. */
struct cli_opener {
    struct cli *cli;
    struct digest grant;
    struct buf header;   /* the one the key is of */
    struct msg_keys keys;
    bool have;
};

/* Starts and ends the use of a grant. */
void cli_opener_init(struct cli_opener *opener, struct cli *cli, const struct digest *grant);
/* Wipes the key. */
void cli_opener_free(struct cli_opener *opener);

/* Appends the plaintext of a sealed field to out; false when it cannot be opened (its key is gone, or it is damaged). */
bool cli_opener_field(struct cli_opener *opener, struct slice header, uint8_t kind, uint32_t index, struct slice sealed,
                      struct buf *out);

typedef int cli_row_fn(void *ctx, struct cli_opener *opener, const struct msg_row *row);
typedef int cli_attempt_fn(void *ctx, struct cli_opener *opener, const struct msg_attempt *attempt);

/* Asks, then calls on_row for every row and on_attempt for every attempt behind it. CLI_OK, CLI_NOT_FOUND when there was
 * no row, or another status (printed). */
int cli_rows(struct cli *cli, const struct msg_ctl_query *query, cli_row_fn *on_row, cli_attempt_fn *on_attempt, void *ctx);

/* Reads "[ID | --message-id M | --recipient A] [--all] [--limit N]" behind the command's name. CLI_OK or CLI_USAGE. */
int cli_rows_query(struct cli *cli, int argc, char **argv, struct msg_ctl_query *ret_query);

/* The JSON object of one attempt: outcome, reason, proof, reply and everything the evidence record says. With differs (else
 * NULL) the verdicts are computed again as well; it is set to true when they do not agree. */
json_t *cli_show_attempt(struct cli_opener *opener, struct slice row_header, const struct msg_attempt *attempt, bool *differs);

/* The same for people, several lines. */
void cli_print_attempt(const json_t *attempt);

#endif
