/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for rows and opening them. */
#include "cli/cli_rows.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "mail/address.h"

#define DEFAULT_LIMIT 1000u
#define QUERY_DEADLINE_US INT64_C(120000000)

void cli_opener_init(struct cli_opener *opener, struct cli *cli, const struct digest *grant)
{
    *opener = (struct cli_opener){.cli = cli, .grant = *grant};
    buf_init(&opener->header, MSG_HEADER_MAX);
}

void cli_opener_free(struct cli_opener *opener)
{
    mem_wipe(&opener->keys, sizeof(opener->keys));
    buf_free(&opener->header);
}

/* Has keyd open a header, unless it is the one of before. The rows wait in cli->rows, so the call must not use it. */
static bool opener_load(struct cli_opener *opener, struct slice header)
{
    struct msg_cli_open ask = {.grant = opener->grant, .header = header};
    struct cli *cli = opener->cli;
    struct buf rows = cli->rows;
    struct buf answer;
    bool ok;

    if (header.len == 0) {
        return false;
    }
    if (slice_eq(header, buf_slice(&opener->header))) {
        return opener->have;
    }
    buf_init_secret(&cli->rows, CHAN_PAYLOAD_MAX);
    buf_init_secret(&answer, CHAN_PAYLOAD_MAX);
    ok = cli_call(cli, cli_keyd(cli), MSG_CLI_OPEN, &msg_cli_open_layout, &ask, MSG_DEADLINE_US, &answer) == CLI_OK &&
         layout_read(&msg_keys_layout, buf_slice(&answer), &opener->keys) && opener->keys.code == MSG_OK;
    buf_free(&answer);
    buf_free(&cli->rows);
    cli->rows = rows;
    buf_reset(&opener->header);
    opener->have = ok && buf_append_slice(&opener->header, header);
    return opener->have;
}

bool cli_opener_field(struct cli_opener *opener, struct slice header, uint8_t kind, uint32_t index, struct slice sealed,
                      struct buf *out)
{
    struct err err = {{0}};

    return sealed.len > 0 && opener_load(opener, header) &&
           sealed_field_open(opener->cli->field, &opener->keys.field_key, &opener->keys.id, kind, index, sealed, out, &err);
}

/* One frame that came before the answer. */
static int one_frame(struct cli_opener *opener, uint16_t type, struct slice payload, cli_row_fn *on_row,
                     cli_attempt_fn *on_attempt, void *ctx)
{
    struct msg_row row;
    struct msg_attempt attempt;

    if (type == MSG_CTL_ROW && layout_read(&msg_row_layout, payload, &row)) {
        return on_row(ctx, opener, &row);
    }
    if (type == MSG_CTL_ATTEMPT && layout_read(&msg_attempt_layout, payload, &attempt)) {
        return on_attempt == NULL ? CLI_OK : on_attempt(ctx, opener, &attempt);
    }
    return cli_fail(CLI_FAILED, "sealpostd answered in another version's words: restart it");
}

int cli_rows(struct cli *cli, const struct msg_ctl_query *query, cli_row_fn *on_row, cli_attempt_fn *on_attempt, void *ctx)
{
    struct msg_ctl_grant grant;
    struct cli_opener opener;
    struct wire_reader r;
    struct buf answer;
    int status;

    buf_init(&answer, CHAN_PAYLOAD_MAX);
    status = cli_call(cli, cli_store(cli), MSG_CTL_QUERY, &msg_ctl_query_layout, query, QUERY_DEADLINE_US, &answer);
    if (status == CLI_OK && (!layout_read(&msg_ctl_grant_layout, buf_slice(&answer), &grant) || grant.code != MSG_OK)) {
        status = cli_fail(CLI_FAILED, "the store refused the question");
    }
    if (status != CLI_OK) {
        buf_free(&answer);
        return status;
    }
    cli_opener_init(&opener, cli, &grant.grant);
    r = wire_reader_of(buf_slice(&cli->rows));
    while (status == CLI_OK && wire_left(&r) > 0) {
        uint16_t type = wire_u16(&r);
        struct slice payload = wire_blob32(&r, CHAN_PAYLOAD_MAX);
        status = one_frame(&opener, type, payload, on_row, on_attempt, ctx);
    }
    if (status == CLI_OK && grant.more && !cli->json) {
        (void)fprintf(stderr, "sealpost: only the first %u rows are shown; ask for more with --limit\n", grant.rows);
    }
    cli_opener_free(&opener);
    buf_free(&answer);
    return status != CLI_OK ? status : grant.rows == 0 ? CLI_NOT_FOUND : CLI_OK;
}

static int by_message_id(struct cli *cli, const char *text, struct msg_ctl_query *query)
{
    struct slice id = slice_trim(slice_str(text));

    if (id.len >= 2 && id.data[0] == '<' && id.data[id.len - 1] == '>') {
        id = slice_sub(id, 1, id.len - 2);
    }
    query->by_message_id = true;
    return cli_tag(cli, 1, id, &query->message_id);
}

static int by_recipient(struct cli *cli, const char *text, struct msg_ctl_query *query)
{
    struct mail_address address;
    struct err err = {{0}};
    struct buf canonical;
    int status;

    if (!mail_address_parse(slice_str(text), MAIL_SMTPUTF8, &address, &err)) {
        return cli_fail(CLI_USAGE, "'%s' is not an address: %s", text, err.text);
    }
    buf_init(&canonical, MAIL_PATH_MAX);
    (void)mail_address_canonical(&canonical, &address);
    query->by_recipient = true;
    status = cli_tag(cli, 2, buf_slice(&canonical), &query->recipient);
    buf_free(&canonical);
    return status;
}

int cli_rows_query(struct cli *cli, int argc, char **argv, struct msg_ctl_query *ret_query)
{
    uint64_t limit = DEFAULT_LIMIT;
    int status = CLI_OK;

    *ret_query = (struct msg_ctl_query){.open_only = true};
    for (int i = 1; i < argc && status == CLI_OK; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--all") == 0) {
            ret_query->open_only = false;
        } else if (strcmp(argv[i], "--limit") == 0 && more) {
            status = slice_u64(slice_str(argv[++i]), UINT32_MAX, &limit) ? CLI_OK : CLI_USAGE;
        } else if (strcmp(argv[i], "--message-id") == 0 && more) {
            status = by_message_id(cli, argv[++i], ret_query);
            ret_query->open_only = false;
        } else if (strcmp(argv[i], "--recipient") == 0 && more) {
            status = by_recipient(cli, argv[++i], ret_query);
            ret_query->open_only = false;
        } else if (argv[i][0] != '-' && id_is_zero(&ret_query->id)) {
            status = id_parse(slice_str(argv[i]), &ret_query->id) ? CLI_OK : cli_fail(CLI_USAGE, "'%s' is not a message id", argv[i]);
            ret_query->open_only = false;
        } else {
            status = CLI_USAGE;
        }
    }
    ret_query->limit = (uint32_t)limit;
    return status;
}
