/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of applications: add, list, remove. The password is made by keyd and passes here once on its way to the
 * terminal; the store is given the record only. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "mail/address.h"
#include "trust/trust_verdict.h"

/* Appends one "a@b.example" or "@b.example" as keyd expects it. What intake could not read as either is refused here:
 * with such a record nobody could log in. */
static int add_sender(struct buf *senders, const char *text)
{
    struct slice domain = slice_str(text[0] == '@' ? text + 1 : text);
    bool whole = strchr(text, '@') == NULL || text[0] == '@';
    struct mail_address address;
    struct err err = {{0}};
    struct buf sender;

    if (!(whole ? mail_domain_parse(domain, MAIL_SMTPUTF8, &address.domain, &err)
                : mail_address_parse(domain, MAIL_SMTPUTF8, &address, &err))) {
        return cli_fail(CLI_USAGE, "'%s' is neither a domain nor an address: %s", text, err.text);
    }
    buf_init(&sender, MAIL_ADDRESS_TEXT_MAX);
    (void)buf_append_str(&sender, whole ? "@" : "");
    (void)buf_append_slice(&sender, domain);
    wire_put_blob16(senders, buf_slice(&sender));
    buf_free(&sender);
    return buf_ok(senders) ? CLI_OK : cli_fail(CLI_USAGE, "too many senders for one credential");
}

static int print_new(struct cli *cli, const char *name, const struct msg_cli_password *made)
{
    char id[ID_TEXT_SIZE];
    json_t *object;

    id_text(&made->id, id);
    if (cli->json) {
        object = json_object();
        (void)json_object_set_new(object, "id", json_string(id));
        (void)json_object_set_new(object, "name", cli_json_text(slice_str(name)));
        (void)json_object_set_new(object, "password", cli_json_text(made->password));
        return cli_print_json(object);
    }
    (void)printf("name:     ");
    cli_print_text(slice_str(name));
    (void)printf("\npassword: %.*s\nThe password is shown only now; it cannot be read again.\n", (int)made->password.len,
                 (const char *)made->password.data);
    return CLI_OK;
}

static int print_changed(struct cli *cli, const char *name)
{
    json_t *object;

    if (!cli->json) {
        (void)printf("changed; its open sessions have to log in again\n");
        return CLI_OK;
    }
    object = json_object();
    (void)json_object_set_new(object, "name", cli_json_text(slice_str(name)));
    (void)json_object_set_new(object, "changed", json_true());
    return cli_print_json(object);
}

static int store_new(struct cli *cli, const char *name, const struct msg_cli_password *made, bool change)
{
    struct msg_credential record = {.id = made->id, .name = slice_str(name), .record = made->record};
    int status = cli_call_status(cli, cli_store(cli), MSG_CTL_CREDENTIAL, &msg_credential_layout, &record, MSG_DEADLINE_US);

    if (status != CLI_OK) {
        return status;
    }
    return change ? print_changed(cli, name) : print_new(cli, name, made);
}

/* A level by its name, "none" for no demand. */
static int read_minimum(const char *text, uint8_t *ret_minimum)
{
    for (uint8_t level = TRUST_LEVEL_NONE; level <= TRUST_LEVEL_DANE; level++) {
        if (strcmp(text, level == TRUST_LEVEL_NONE ? "none" : trust_level_name((enum trust_level)level)) == 0) {
            *ret_minimum = level;
            return CLI_OK;
        }
    }
    return cli_fail(CLI_USAGE, "--minimum takes pkix, pkix+dnssec, sts, dane, or none to demand nothing of its own");
}

static int read_options(int argc, char **argv, struct msg_cli_credential *ask, struct buf *senders)
{
    int status = CLI_OK;

    for (int i = 3; i < argc && status == CLI_OK; i += 2) {
        if (i + 1 < argc && !ask->change && strcmp(argv[i], "--from") == 0) {
            status = add_sender(senders, argv[i + 1]);
        } else {
            status = i + 1 < argc && strcmp(argv[i], "--minimum") == 0 ? read_minimum(argv[i + 1], &ask->minimum) : CLI_USAGE;
        }
    }
    if (status == CLI_OK && !ask->change && senders->len == 0) {
        status = cli_fail(CLI_USAGE, "name with --from the domain or address this credential may send as");
    }
    ask->senders = buf_slice(senders);
    return status;
}

/* Makes a credential, or changes one. */
static int make(struct cli *cli, int argc, char **argv, bool change)
{
    struct msg_cli_credential ask = {.name = slice_str(argv[2]), .tenant = SLICE_LIT(CLI_TENANT), .change = change};
    struct msg_cli_password made;
    struct buf senders;
    struct buf answer;
    int status;

    buf_init(&senders, MSG_SENDERS_MAX);
    buf_init_secret(&answer, CHAN_PAYLOAD_MAX);
    status = read_options(argc, argv, &ask, &senders);
    if (status == CLI_OK) {
        status = cli_call(cli, cli_keyd(cli), MSG_CLI_CREDENTIAL, &msg_cli_credential_layout, &ask, MSG_DEADLINE_US, &answer);
    }
    if (status == CLI_OK) {
        if (!layout_read(&msg_cli_password_layout, buf_slice(&answer), &made)) {
            status = cli_fail(CLI_FAILED, "keyd answered in another version's words: restart sealpostd");
        } else if (made.code != MSG_OK) {
            status = cli_fail(change && made.code == MSG_REFUSED ? CLI_NOT_FOUND : cli_status_of(made.code), "%.*s", (int)made.text.len, (const char *)made.text.data);
        } else {
            status = store_new(cli, argv[2], &made, change);
        }
    }
    buf_free(&senders);
    buf_free(&answer);
    return status;
}

typedef int each_fn(struct cli *cli, const struct msg_credential *credential, json_t *list, const char *name);

/* Calls fn for each credential there is. */
static int each(struct cli *cli, each_fn *fn, json_t *list, const char *name)
{
    struct msg_ctl_list all;
    struct buf answer;
    int status;

    buf_init(&answer, CHAN_PAYLOAD_MAX);
    status = cli_call(cli, cli_store(cli), MSG_CTL_CREDENTIALS, NULL, NULL, MSG_DEADLINE_US, &answer);
    if (status == CLI_OK && layout_read(&msg_ctl_list_layout, buf_slice(&answer), &all)) {
        struct wire_reader r = wire_reader_of(all.items);
        struct msg_credential credential;
        while (status == CLI_OK && layout_next(&msg_credential_layout, &r, &credential)) {
            status = fn(cli, &credential, list, name);
        }
    }
    buf_free(&answer);
    return status;
}

/* keyd tells what stands in the sealed record. */
static int describe(struct cli *cli, struct slice name, const char **ret_minimum)
{
    const struct msg_cli_user ask = {name};
    struct msg_cli_described described;
    struct buf answer;
    int status;

    *ret_minimum = NULL;
    buf_init(&answer, CHAN_PAYLOAD_MAX);
    status = cli_call(cli, cli_keyd(cli), MSG_CLI_USER, &msg_cli_user_layout, &ask, MSG_DEADLINE_US, &answer);
    if (status == CLI_OK && layout_read(&msg_cli_described_layout, buf_slice(&answer), &described) && described.code == MSG_OK &&
        described.minimum != TRUST_LEVEL_NONE) {
        *ret_minimum = trust_level_name((enum trust_level)described.minimum);
    }
    buf_free(&answer);
    return status;
}

static int show_one(struct cli *cli, const struct msg_credential *credential, json_t *list, const char *name)
{
    char id[ID_TEXT_SIZE];
    const char *minimum;
    json_t *object;
    int status = describe(cli, credential->name, &minimum);
    (void)name;

    if (status != CLI_OK) {
        return status;
    }
    id_text(&credential->id, id);
    if (!cli->json) {
        (void)printf("%s  ", id);
        cli_print_text(credential->name);
        (void)printf("%s%s\n", minimum == NULL ? "" : "  minimum ", minimum == NULL ? "" : minimum);
        return CLI_OK;
    }
    object = json_object();
    (void)json_object_set_new(object, "id", json_string(id));
    (void)json_object_set_new(object, "name", cli_json_text(credential->name));
    (void)json_object_set_new(object, "minimum", minimum == NULL ? json_null() : json_string(minimum));
    (void)json_array_append_new(list, object);
    return CLI_OK;
}

static int find_one(struct cli *cli, const struct msg_credential *credential, json_t *list, const char *name)
{
    char id[ID_TEXT_SIZE];
    (void)cli;

    if (slice_eq(credential->name, slice_str(name))) {
        id_text(&credential->id, id);
        (void)json_array_append_new(list, json_string(id));
    }
    return CLI_OK;
}

static int list_all(struct cli *cli)
{
    json_t *list = json_array();
    int status = each(cli, show_one, list, NULL);

    if (status == CLI_OK && cli->json) {
        return cli_print_json(list);
    }
    json_decref(list);
    return status;
}

static int remove_one(struct cli *cli, const char *name)
{
    json_t *list = json_array();
    struct msg_credential gone = {.removed = true, .name = slice_str(name)};
    int status = each(cli, find_one, list, name);

    if (status == CLI_OK && json_array_size(list) == 0) {
        status = cli_fail(CLI_NOT_FOUND, "no credential is named '%s'", name);
    }
    if (status == CLI_OK && id_parse(slice_str(json_string_value(json_array_get(list, 0))), &gone.id)) {
        status = cli_call_status(cli, cli_store(cli), MSG_CTL_CREDENTIAL, &msg_credential_layout, &gone, MSG_DEADLINE_US);
    }
    if (status == CLI_OK && cli->json) {
        return cli_print_json(list); /* the ids that are gone */
    }
    json_decref(list);
    return status;
}

static int run_user(struct cli *cli, int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "add") == 0 && argv[2][0] != '-') {
        return make(cli, argc, argv, false);
    }
    if (argc == 5 && strcmp(argv[1], "set") == 0 && argv[2][0] != '-') {
        return make(cli, argc, argv, true);
    }
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        return list_all(cli);
    }
    if (argc == 3 && strcmp(argv[1], "remove") == 0) {
        return remove_one(cli, argv[2]);
    }
    return CLI_USAGE;
}

const struct cli_command cli_user_command = {
    "user", "add NAME --from DOMAIN|ADDRESS ... [--minimum LEVEL] | set NAME --minimum LEVEL | list | remove NAME",
    "Credentials of applications, bound to the senders they may use; what they send may demand a minimum of proof. The password is shown once.", true, run_user};
