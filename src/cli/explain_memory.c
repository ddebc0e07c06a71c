/* SPDX-License-Identifier: Apache-2.0 */
/* Two questions: keyd makes the tag, the store knows what stands under it. */
#include "cli/explain_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define TABLE_DOMAIN 3 /* of msg_cli_tag */

bool explain_memory_there(const struct cli *cli)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char path[4096];
    int folder;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool there;

    (void)snprintf(path, sizeof(path), "%s/run", cli->conf->directory);
    folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/keyd.sock", folder);
    there = folder >= 0 && fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
    if (folder >= 0) {
        (void)close(folder);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return there;
}

/* The kept policy, opened by keyd. One that does not open is left out: it can only be missed in what is told. */
static struct slice open_policy(struct cli *cli, const struct tag *domain, struct slice sealed)
{
    const struct msg_cli_policy ask = {.domain = *domain, .sealed = sealed};
    struct msg_cli_policy_open opened;
    struct slice policy = SLICE_EMPTY;
    struct buf answer;

    buf_init(&answer, CHAN_PAYLOAD_MAX);
    if (sealed.len > 0 &&
        cli_call(cli, cli_keyd(cli), MSG_CLI_POLICY, &msg_cli_policy_layout, &ask, MSG_DEADLINE_US, &answer) == CLI_OK &&
        layout_read(&msg_cli_policy_open_layout, buf_slice(&answer), &opened) && opened.code == MSG_OK && opened.policy.len > 0) {
        policy = slice_of(mem_strndup(opened.policy.data, opened.policy.len), opened.policy.len);
    }
    buf_free(&answer);
    return policy;
}

bool explain_memory_ask(struct cli *cli, const char *domain, struct explain_known *ret_known)
{
    struct msg_ctl_domain ask = {.forget = false};
    struct msg_shown shown;
    struct buf answer;
    bool ok;

    buf_init(&answer, CHAN_PAYLOAD_MAX);
    ok = cli_tag(cli, TABLE_DOMAIN, slice_str(domain), &ask.domain) == CLI_OK &&
         cli_call(cli, cli_store(cli), MSG_CTL_DOMAIN, &msg_ctl_domain_layout, &ask, MSG_DEADLINE_US, &answer) == CLI_OK &&
         layout_read(&msg_shown_layout, buf_slice(&answer), &shown);
    if (ok) { /* as couriers count it: what was not shown for that long is forgotten */
        bool counts = clock_utc_us() - shown.at_us < cli->conf->trust_memory;
        *ret_known = (struct explain_known){true, counts ? (enum trust_level)shown.level : TRUST_LEVEL_NONE, shown.at_us,
                                            open_policy(cli, &ask.domain, shown.policy)};
    }
    buf_free(&answer);
    return ok;
}

void explain_memory_close(struct cli *cli)
{
    chan_free(&cli->store);
    chan_free(&cli->keyd);
}
