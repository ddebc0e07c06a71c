/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for the dossiers of domains, one after the other, in the sandbox of the resolver role, and prints them: what
 * tests/scenario/net drives. TLSA records are looked for at port 25.
 * dns_dossier FORWARD ANCHOR-FILE|- DOMAIN... */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "net/dns_dossier.h"
#include "os/file.h"
#include "os/sandbox.h"

struct tool {
    struct loop *loop;
    struct dns *dns;
    struct dns_dossiers *dossiers;
    struct loop_timer *tick;
    char **domains;
    int left;
};

static const char *const STATUS[] = {"ok", "nxdomain", "nodata", "servfail", "timeout", "bogus", "malformed", "null-mx", "loop"};

static bool ask(void *ctx, const char *name, int type, dns_answer_fn *fn, void *fn_ctx)
{
    struct tool *tool = ctx;
    return dns_ask(tool->dns, name, type, fn, fn_ctx);
}

static void print_tlsa(const struct dns_host *host)
{
    static const char *const states[] = {NULL, "none", "found", "?", "failed", "bogus"};
    struct wire_reader r = wire_reader_of(slice_of(host->tlsa.records, host->tlsa.length));
    struct msg_tlsa record;
    if (host->tlsa.state == DNS_TLSA_UNASKED)
        return;
    printf(" tlsa %s%s", states[host->tlsa.state], host->tlsa.expanded ? " expanded" : "");
    while (layout_next(&msg_tlsa_layout, &r, &record)) {
        printf(" %u-%u-%u-", record.usage, record.selector, record.matching);
        for (size_t i = 0; i < record.data.len; i++)
            printf("%02x", record.data.data[i]);
    }
}

static void print_host(const struct dns_host *host)
{
    printf(" | %u %s %s%s%s%s", host->preference, host->name, STATUS[host->status], host->secure ? " secure" : "",
           host->canonical[0] != '\0' ? " alias " : "", host->canonical);
    for (size_t i = 0; i < host->address_count; i++) {
        char text[INET6_ADDRSTRLEN];
        inet_ntop(host->addresses[i].family == 4 ? AF_INET : AF_INET6, host->addresses[i].bytes, text, sizeof(text));
        printf(" %s", text);
    }
    print_tlsa(host);
}

static void ask_next(struct tool *tool);

static void on_dossier(void *ctx, const struct dns_dossier *dossier)
{
    struct tool *tool = ctx;
    printf("%s %s%s%s", *tool->domains, STATUS[dossier->status], dossier->secure ? " secure" : "",
           dossier->implicit ? " implicit" : "");
    for (size_t i = 0; i < dossier->count; i++)
        print_host(&dossier->hosts[i]);
    printf("\n");
    tool->domains++;
    tool->left--;
    ask_next(tool);
}

static void ask_next(struct tool *tool)
{
    if (tool->left == 0)
        loop_stop(tool->loop);
    else
        dns_dossiers_ask(tool->dossiers, slice_str(*tool->domains), on_dossier, tool);
}

static void on_tick(void *ctx)
{
    struct tool *tool = ctx;
    dns_dossiers_tick(tool->dossiers);
    loop_timer_start(tool->tick, 100000);
}

static bool prepare(struct tool *tool, char **argv, struct buf *anchors, struct err *err)
{
    const char *const forward[] = {argv[1]};
    int fd = strcmp(argv[2], "-") == 0 ? -1 : open(argv[2], O_RDONLY | O_CLOEXEC);
    bool ok = fd < 0 || file_read_fd(fd, argv[2], anchors, err);
    if (fd >= 0)
        close(fd);
    const struct dns_config config = {.forward = forward, .forward_count = 1, .anchors = buf_slice(anchors)};
    tool->dns = ok ? dns_create(&config, err) : NULL;
    const struct sandbox sandbox = {.uid = UINT32_MAX, .gid = UINT32_MAX, .groups = SANDBOX_NET_CLIENT | SANDBOX_THREAD,
        .files_max = 4096};
    return tool->dns != NULL && sandbox_enter(&sandbox, err) && dns_start(tool->dns, tool->loop, err);
}

int main(int argc, char **argv)
{
    struct tool tool = {.loop = loop_create(), .domains = argv + 3, .left = argc - 3};
    struct buf anchors;
    struct err err = {{0}};
    buf_init(&anchors, DNS_ANCHOR_MAX);
    bool ok = argc > 3 && prepare(&tool, argv, &anchors, &err);
    if (ok) {
        tool.dossiers = dns_dossiers_create(ask, &tool, 25);
        tool.tick = loop_timer_create(tool.loop, on_tick, &tool);
        on_tick(&tool);
        ask_next(&tool);
        loop_run(tool.loop);
    } else {
        fprintf(stderr, "dns_dossier: %s\n", argc > 3 ? err.text : "FORWARD ANCHOR-FILE|- DOMAIN...");
    }
    dns_free(&tool.dns);
    dns_dossiers_free(&tool.dossiers);
    loop_timer_free(&tool.tick);
    loop_free(&tool.loop);
    buf_free(&anchors);
    return ok ? 0 : 1;
}
