/* SPDX-License-Identifier: Apache-2.0 */
/* `sealpost queue` and `sealpost trace`: one object per recipient, with --json; a table, or the whole story, for
 * people. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli_rows.h"
#include "store/state.h"
#include "trust/trust_reason.h"
#include "trust/trust_verdict.h"

#define FIELD_MAX 65536u

/* What is being listed: rows gathered as JSON; people see them printed from it. */
struct listing {
    json_t *rows;
    json_t *last;        /* the row that attempts belong to */
    struct buf header;   /* its header: opens the texts of its attempts */
    bool replay;
    bool differs;        /* a replay did not agree */
};

static json_t *text_or_null(struct slice text)
{
    return text.len == 0 ? json_null() : cli_json_text(text);
}

/* Opens one field to JSON text; null when it cannot be opened. */
static json_t *open_text(struct cli_opener *opener, struct slice header, uint8_t kind, uint32_t index, struct slice sealed)
{
    struct buf plain;
    json_t *value = NULL;

    buf_init_secret(&plain, FIELD_MAX);
    if (cli_opener_field(opener, header, kind, index, sealed, &plain)) {
        value = text_or_null(buf_slice(&plain));
    }
    buf_free(&plain);
    return value == NULL ? json_null() : value;
}

static void add_envelope(json_t *object, struct cli_opener *opener, const struct msg_row *row)
{
    struct mail_envelope envelope = {0};
    struct buf plain;

    buf_init_secret(&plain, FIELD_MAX);
    if (!cli_opener_field(opener, row->header, MAIL_FIELD_ENVELOPE, 0, row->envelope, &plain) ||
        !mail_envelope_read(buf_slice(&plain), &envelope)) {
        envelope = (struct mail_envelope){0};
    }
    (void)json_object_set_new(object, "message_id", text_or_null(envelope.message_id));
    (void)json_object_set_new(object, "sender", cli_json_text(envelope.reverse_path));
    (void)json_object_set_new(object, "credential", text_or_null(envelope.credential));
    buf_free(&plain);
}

static void add_recipient(json_t *object, struct cli_opener *opener, const struct msg_row *row)
{
    struct mail_recipient recipient = {0};
    struct buf plain;

    buf_init_secret(&plain, FIELD_MAX);
    if (!cli_opener_field(opener, row->header, MAIL_FIELD_RECIPIENT, row->index, row->recipient, &plain) ||
        !layout_read(&mail_recipient_layout, buf_slice(&plain), &recipient)) {
        recipient = (struct mail_recipient){0};
    }
    (void)json_object_set_new(object, "recipient", text_or_null(recipient.address));
    buf_free(&plain);
}

static json_t *notice_json(const struct msg_row *row)
{
    json_t *notice;
    char id[ID_TEXT_SIZE];

    if (row->notice == STATE_NOTICE_NONE) {
        return json_null();
    }
    notice = json_object();
    id_text(&row->letter, id);
    (void)json_object_set_new(notice, "state", json_string(state_notice_name(row->notice)));
    (void)json_object_set_new(notice, "letter", json_string(id));
    (void)json_object_set_new(notice, "opened", cli_json_time(row->opened_us));
    return notice;
}

static int on_row(void *ctx, struct cli_opener *opener, const struct msg_row *row)
{
    struct listing *listing = ctx;
    json_t *object = json_object();
    char id[ID_TEXT_SIZE];

    id_text(&row->message, id);
    (void)json_object_set_new(object, "id", json_string(id));
    add_envelope(object, opener, row);
    add_recipient(object, opener, row);
    (void)json_object_set_new(object, "kind", json_string(row->kind == MSG_KIND_DSN ? "dsn" : "mail"));
    (void)json_object_set_new(object, "state", json_string(state_recipient_name(row->state)));
    (void)json_object_set_new(object, "reason", json_string(trust_reason_name(row->reason)));
    (void)json_object_set_new(object, "text", json_string(trust_reason_clerk(row->reason)));
    (void)json_object_set_new(object, "reply", open_text(opener, row->header, MAIL_FIELD_TEXT, row->index, row->text));
    (void)json_object_set_new(object, "proof", row->proof == TRUST_LEVEL_NONE ? json_null() : json_string(trust_level_name(row->proof)));
    (void)json_object_set_new(object, "tries", json_integer(row->attempts));
    (void)json_object_set_new(object, "accepted", cli_json_time(row->accepted_us));
    (void)json_object_set_new(object, "next", cli_json_time(row->next_us));
    (void)json_object_set_new(object, "notice", notice_json(row));
    (void)json_object_set_new(object, "attempts", json_array());
    (void)json_array_append_new(listing->rows, object);
    listing->last = object;
    buf_reset(&listing->header);
    (void)buf_append_slice(&listing->header, row->header);
    return CLI_OK;
}

static int on_attempt(void *ctx, struct cli_opener *opener, const struct msg_attempt *attempt)
{
    struct listing *listing = ctx;

    if (listing->last != NULL) {
        (void)json_array_append_new(json_object_get(listing->last, "attempts"),
                                    cli_show_attempt(opener, buf_slice(&listing->header), attempt,
                                                     listing->replay ? &listing->differs : NULL));
    }
    return CLI_OK;
}

static const char *get(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

static void print_field(const json_t *object, const char *key, const char *label)
{
    const char *text = get(object, key);

    if (*text != '\0') {
        (void)printf("  %-11s ", label);
        cli_print_text(slice_str(text));
        (void)printf("\n");
    }
}

static void print_story(const json_t *row)
{
    const json_t *attempt;
    size_t i;

    (void)printf("%s  ", get(row, "id"));
    cli_print_text(slice_str(get(row, "recipient")));
    (void)printf("\n");
    if (strcmp(get(row, "kind"), "dsn") == 0) {
        (void)printf("  %-11s report to the sender of another message\n", "kind");
    }
    print_field(row, "state", "state");
    print_field(row, "text", "why");
    print_field(row, "reply", "detail");
    print_field(row, "proof", "proof");
    print_field(row, "sender", "sender");
    print_field(row, "message_id", "message-id");
    print_field(row, "accepted", "accepted");
    print_field(row, "next", "next try");
    print_field(json_object_get(row, "notice"), "state", "notice");
    print_field(json_object_get(row, "notice"), "opened", "opened");
    json_array_foreach(json_object_get(row, "attempts"), i, attempt) {
        cli_print_attempt(attempt);
    }
}

static void print_line(const json_t *row)
{
    (void)printf("%s  %.19s  %-4s  %-9s  %-22s  ", get(row, "id"), get(row, "accepted"), get(row, "kind"), get(row, "state"),
                 get(row, "reason"));
    cli_print_text(slice_str(get(row, "sender")));
    (void)printf(" -> ");
    cli_print_text(slice_str(get(row, "recipient")));
    (void)printf("\n");
}

static int list(struct cli *cli, int argc, char **argv, bool trace, bool replay)
{
    struct listing listing = {.rows = json_array(), .replay = replay};
    struct msg_ctl_query query;
    const json_t *row;
    size_t i;
    int status = cli_rows_query(cli, argc, argv, &query);

    buf_init(&listing.header, MSG_HEADER_MAX);
    if (trace) {
        query.attempts = true;
        query.open_only = false;
    }
    if (status == CLI_OK) {
        status = cli_rows(cli, &query, on_row, on_attempt, &listing);
    }
    buf_free(&listing.header);
    if (status == CLI_NOT_FOUND && !trace && query.open_only) {
        status = CLI_OK; /* an empty queue is an answer */
    }
    if (status == CLI_OK && listing.differs) {
        status = CLI_FAILED;
    }
    if ((status == CLI_OK || listing.differs) && cli->json) {
        (void)cli_print_json(listing.rows);
        return status;
    }
    if (status == CLI_NOT_FOUND) {
        (void)cli_fail(status, "nothing is known of that");
    }
    json_array_foreach(listing.rows, i, row) {
        (trace ? print_story : print_line)(row);
    }
    json_decref(listing.rows);
    return !listing.differs ? status
                            : cli_fail(status, "what was decided does not follow from the evidence that was kept; see \"replay\"");
}

static int run_queue(struct cli *cli, int argc, char **argv)
{
    return list(cli, argc, argv, false, false);
}

static int run_trace(struct cli *cli, int argc, char **argv)
{
    bool replay = false;
    int left = 1;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--replay") == 0) {
            replay = true;
        } else {
            argv[left++] = argv[i];
        }
    }
    return left < 2 ? CLI_USAGE : list(cli, left, argv, true, replay);
}

const struct cli_command cli_queue_command = {
    "queue", "[ID | --message-id M | --recipient A] [--all] [--limit N]",
    "What waits, a line per recipient; --all: what is finished, too.", true, run_queue};
const struct cli_command cli_trace_command = {
    "trace", "ID | --message-id M | --recipient A [--limit N] [--replay]",
    "What became of a message and why, with the evidence of each attempt; --replay: judged once more from it.", true, run_trace};
