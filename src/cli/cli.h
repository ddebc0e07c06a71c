/* SPDX-License-Identifier: Apache-2.0 */
/* The `sealpost` command: what its subcommands share. The command speaks to two control sockets: the store's for what
 * is there, keyd's to read the sealed parts of it. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>

#include "keys/sealed_field.h"
#include "os/chan.h"
#include "os/conf.h"
#include "os/msg.h"

#define CLI_TENANT "default" /* the tenant of every credential that this command makes */

/* Exit statuses, also in sealpost(1). */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* the answer is no: a check failed, a request was refused */
    CLI_USAGE = 2,       /* the command line */
    CLI_UNREACHABLE = 3, /* sealpostd does not run, or may not be asked by this user */
    CLI_NOT_FOUND = 4,
    CLI_TIMEOUT = 5,
};

struct cli {
    const char *conf_path;
    struct conf *conf;
    bool json;
    struct loop *loop;
    struct chan *store; /* NULL until cli_store() */
    struct chan *keyd;
    struct buf rows; /* frames that came before the answer: u16 type, blob32 payload each */
    bool closed;     /* a control socket went away */
    struct sealed_field *field;
};

struct cli_command {
    const char *name;
    const char *arguments;
    const char *help;
    bool needs_conf;
    int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the command's name */
};

/* Finds and reads the configuration, for commands that need it only sometimes. False with the reason printed. */
bool cli_load(struct cli *cli);

/* Prints "sealpost: ..." on standard error and returns status. */
int cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The channel to the store or to keyd, connected at the first call. NULL with the reason printed. */
struct chan *cli_store(struct cli *cli);
/* As cli_store(). */
struct chan *cli_keyd(struct cli *cli);

/* Sends object with its layout (NULL: empty payload) and waits for the answer, whose payload is put into *answer.
 * timeout_us 0: none. CLI_OK, CLI_UNREACHABLE or CLI_TIMEOUT (both printed). */
int cli_call(struct cli *cli, struct chan *chan, uint16_t type, const struct layout *layout, const void *object,
             int64_t timeout_us, struct buf *answer);

/* As cli_call(), for requests answered by msg_status: prints the text of a refusal; CLI_OK or the fitting status. */
int cli_call_status(struct cli *cli, struct chan *chan, uint16_t type, const struct layout *layout, const void *object,
                    int64_t timeout_us);

/* Exit status for an enum msg_code. */
int cli_status_of(uint8_t code);

/* A JSON string of any bytes: UTF-8 as it is, everything else as U+FFFD per byte. */
json_t *cli_json_text(struct slice text);

/* A JSON list of the lines of a text (LF between, the last may lack it), each as cli_json_text(). */
json_t *cli_json_lines(struct slice lines);

/* Prints a JSON value in ASCII (nothing in it can steer a terminal) and a line end, frees it, returns CLI_OK. */
int cli_print_json(json_t *value);

/* Prints text for people: invalid UTF-8, controls (C1 too, which terminals obey) and what turns or hides the text
 * around it as \xNN, no line end. */
void cli_print_text(struct slice text);

/* RFC 3339 text of a time, or JSON null for 0. */
json_t *cli_json_time(int64_t utc_us);

/* The tag of a text (enum of msg_cli_tag.table) by keyd. CLI_OK or a printed failure. */
int cli_tag(struct cli *cli, uint8_t table, struct slice text, struct tag *ret_tag);

/* The subcommands. */
extern const struct cli_command cli_init_command, cli_user_command, cli_domain_command, cli_queue_command, cli_trace_command, cli_wait_command,
    cli_retry_command, cli_release_command, cli_status_command, cli_check_command, cli_explain_command, cli_report_command;

#endif
