/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a recipient domain, and the operator's word that ends it. The store knows domains by tag only, and
 * policies sealed: keyd makes the one and opens the other. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "mail/domain.h"
#include "os/conf_demand.h"
#include "trust/trust_verdict.h"

struct memory {
    struct mail_domain domain;
    struct tag tag;
    struct buf shown_payload;
    struct msg_shown shown;
    struct buf policy_payload;
    bool has_policy;
    struct msg_policy policy;
    struct conf_demanded demanded; /* by the configuration */
};

static const char *mode_name(uint8_t mode)
{
    return mode == TRUST_STS_ENFORCE ? "enforce" : mode == TRUST_STS_TESTING ? "testing" : "none";
}

static int64_t policy_until(const struct memory *memory)
{
    return memory->policy.fetched_us + (int64_t)memory->policy.max_age_s * CLOCK_US_PER_S;
}

static int open_policy(struct cli *cli, struct memory *memory)
{
    const struct msg_cli_policy ask = {.domain = memory->tag, .sealed = memory->shown.policy};
    struct msg_cli_policy_open opened;
    int status = cli_call(cli, cli_keyd(cli), MSG_CLI_POLICY, &msg_cli_policy_layout, &ask, MSG_DEADLINE_US, &memory->policy_payload);

    if (status != CLI_OK) {
        return status;
    }
    memory->has_policy = layout_read(&msg_cli_policy_open_layout, buf_slice(&memory->policy_payload), &opened) &&
                         opened.code == MSG_OK && layout_read(&msg_policy_layout, opened.policy, &memory->policy);
    return memory->has_policy ? CLI_OK : cli_fail(CLI_FAILED, "the policy that is kept of the domain does not open; keyd's log tells why");
}

static int ask(struct cli *cli, struct memory *memory)
{
    const struct msg_ctl_domain question = {.domain = memory->tag, .forget = false};
    int status = cli_call(cli, cli_store(cli), MSG_CTL_DOMAIN, &msg_ctl_domain_layout, &question, MSG_DEADLINE_US, &memory->shown_payload);

    if (status == CLI_OK && !layout_read(&msg_shown_layout, buf_slice(&memory->shown_payload), &memory->shown)) {
        status = cli_fail(CLI_FAILED, "sealpostd answered in another version's words: restart it");
    }
    return status == CLI_OK && memory->shown.policy.len > 0 ? open_policy(cli, memory) : status;
}

/* The policy's patterns, one after another; false at the end. */
static bool next_host(struct slice hosts, size_t *at, struct slice *ret_host)
{
    size_t end = slice_find(hosts, *at, '\n');

    *ret_host = slice_sub(hosts, *at, end - *at);
    *at = end + 1;
    return ret_host->len > 0;
}

static json_t *policy_json(const struct memory *memory)
{
    json_t *object = json_object();
    json_t *list = json_array();
    struct slice host;

    for (size_t at = 0; next_host(memory->policy.hosts, &at, &host);) {
        (void)json_array_append_new(list, cli_json_text(host));
    }
    (void)json_object_set_new(object, "mode", json_string(mode_name(memory->policy.mode)));
    (void)json_object_set_new(object, "id", cli_json_text(memory->policy.id));
    (void)json_object_set_new(object, "fetched", cli_json_time(memory->policy.fetched_us));
    (void)json_object_set_new(object, "until", cli_json_time(policy_until(memory)));
    (void)json_object_set_new(object, "mx", list);
    return object;
}

static json_t *level_json(uint64_t level)
{
    return level == TRUST_LEVEL_NONE ? json_null() : json_string(trust_level_name((enum trust_level)level));
}

static int print_memory_json(const struct cli *cli, const struct memory *memory)
{
    const struct conf_demanded *demanded = &memory->demanded;
    int64_t at_us = memory->shown.level == TRUST_LEVEL_NONE ? 0 : memory->shown.at_us;
    json_t *object = json_object();

    (void)json_object_set_new(object, "domain", json_string(memory->domain.ascii));
    (void)json_object_set_new(object, "level", level_json(memory->shown.level));
    (void)json_object_set_new(object, "shown", cli_json_time(at_us));
    (void)json_object_set_new(object, "until", cli_json_time(at_us == 0 ? 0 : at_us + cli->conf->trust_memory));
    (void)json_object_set_new(object, "policy", memory->has_policy ? policy_json(memory) : json_null());
    (void)json_object_set_new(object, "minimum", level_json(demanded->minimum));
    (void)json_object_set_new(object, "pins", json_integer(demanded->pins == NULL ? 0 : (json_int_t)demanded->pins->count));
    (void)json_object_set_new(object, "pins_until", cli_json_time(demanded->pins_until));
    return cli_print_json(object);
}

static void print_policy(const struct memory *memory)
{
    char fetched[CLOCK_DATE_MAX];
    char until[CLOCK_DATE_MAX];
    struct slice host;

    clock_rfc3339(memory->policy.fetched_us, fetched);
    clock_rfc3339(policy_until(memory), until);
    (void)printf("policy:   MTA-STS mode %s, id ", mode_name(memory->policy.mode));
    cli_print_text(memory->policy.id);
    (void)printf(", fetched %s, kept until %s\n", fetched, until);
    for (size_t at = 0; next_host(memory->policy.hosts, &at, &host);) {
        (void)printf("          mx ");
        cli_print_text(host);
        (void)printf("\n");
    }
}

static void print_memory(const struct cli *cli, const struct memory *memory)
{
    char at[CLOCK_DATE_MAX];
    char until[CLOCK_DATE_MAX];

    (void)printf("domain:   %s\n", memory->domain.ascii);
    if (memory->shown.level == TRUST_LEVEL_NONE) {
        (void)printf("shown:    nothing is remembered\n");
    } else {
        clock_rfc3339(memory->shown.at_us, at);
        clock_rfc3339(memory->shown.at_us + cli->conf->trust_memory, until);
        (void)printf("shown:    %s, last at %s; less is not believed until %s\n",
                     trust_level_name((enum trust_level)memory->shown.level), at, until);
    }
    if (memory->has_policy) {
        print_policy(memory);
    }
    if (memory->demanded.minimum != 0) {
        (void)printf("minimum:  %s, by the configuration\n", trust_level_name((enum trust_level)memory->demanded.minimum));
    }
    if (memory->demanded.pins != NULL) {
        clock_rfc3339(memory->demanded.pins_until, until);
        (void)printf("pins:     %zu, until %s\n", memory->demanded.pins->count, until);
    }
}

static int show(struct cli *cli, struct memory *memory)
{
    int status = ask(cli, memory);

    if (status != CLI_OK) {
        return status;
    }
    memory->demanded = conf_demand_domain(cli->conf, slice_str(memory->domain.ascii), clock_utc_us());
    if (cli->json) {
        status = print_memory_json(cli, memory);
    } else {
        print_memory(cli, memory);
    }
    return status != CLI_OK ? status : memory->shown.level == TRUST_LEVEL_NONE && !memory->has_policy ? CLI_NOT_FOUND : CLI_OK;
}

static int forget(struct cli *cli, const struct memory *memory)
{
    const struct msg_ctl_domain order = {.domain = memory->tag, .forget = true};
    int status = cli_call_status(cli, cli_store(cli), MSG_CTL_DOMAIN, &msg_ctl_domain_layout, &order, MSG_DEADLINE_US);
    json_t *object;

    if (status != CLI_OK) {
        return status;
    }
    if (!cli->json) {
        (void)printf("forgotten; the next proof of %s is believed as it comes\n", memory->domain.ascii);
        return CLI_OK;
    }
    object = json_object();
    (void)json_object_set_new(object, "domain", json_string(memory->domain.ascii));
    (void)json_object_set_new(object, "forgotten", json_true());
    return cli_print_json(object);
}

static int run_domain(struct cli *cli, int argc, char **argv)
{
    struct memory memory = {.has_policy = false};
    struct err err = {{0}};
    bool forgets = argc == 3 && strcmp(argv[1], "forget") == 0;
    int status;

    if (argc != 3 || (!forgets && strcmp(argv[1], "show") != 0)) {
        return CLI_USAGE;
    }
    if (!mail_domain_parse(slice_str(argv[2]), MAIL_SMTPUTF8, &memory.domain, &err)) {
        return cli_fail(CLI_USAGE, "that is no domain: %s", err.text);
    }
    buf_init(&memory.shown_payload, CHAN_PAYLOAD_MAX);
    buf_init(&memory.policy_payload, CHAN_PAYLOAD_MAX);
    status = cli_tag(cli, 3, slice_str(memory.domain.ascii), &memory.tag);
    if (status == CLI_OK) {
        status = forgets ? forget(cli, &memory) : show(cli, &memory);
    }
    buf_free(&memory.shown_payload);
    buf_free(&memory.policy_payload);
    return status;
}

const struct cli_command cli_domain_command = {
    "domain", "show DOMAIN | forget DOMAIN",
    "What a recipient domain has proved before, and the policy kept of it; forget it, so that it may prove less.", true, run_domain};
