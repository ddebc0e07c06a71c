/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of many destinations: the caches of a resolver (DNS with DANE, MTA-STS) and of a courier are filled with domains
 * of two hosts each, two TLSA records a host and an enforced policy, and then asked for again: all of it must be there, and
 * nothing may be looked up twice. Prints one JSON object; exit status 1 when something is missing.
 * Usage: bench_destinations [DOMAINS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/dns_dossier.h"
#include "net/sts_cache.h"
#include "roles/courier_dossier.h"

#define DOMAINS 10000u
#define HOSTS 2u
#define NAME_SIZE 80
#define DAY_S 86400u

struct bench {
    struct dns_dossiers *dns;
    struct sts_cache *sts;
    struct courier_dossiers *courier;
    size_t questions;
    size_t fetches;
    /* of the domain at hand */
    char domain[NAME_SIZE];
    struct msg_dossier message;
    struct buf hosts;
    bool has_dns;
    bool has_sts;
};

static long resident_kib(void)
{
    char line[128] = "";
    FILE *f = fopen("/proc/self/statm", "r");
    bool ok = f != NULL && fgets(line, sizeof(line), f) != NULL;
    const char *second = ok ? strchr(line, ' ') : NULL;
    if (f != NULL)
        fclose(f);
    return second == NULL ? 0 : strtol(second, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* --- a DNS and a web that answer at once --- */

static struct slice wire_name(const char *name, uint8_t *room)
{
    size_t len = 0;
    for (const char *at = name; *at != '\0';) {
        size_t label = strcspn(at, ".");
        room[len++] = (uint8_t)label;
        memcpy(room + len, at, label);
        len += label;
        at += label + (at[label] == '.');
    }
    room[len++] = 0;
    return slice_of(room, len);
}

static void answer_mx(const char *name, dns_answer_fn *fn, void *ctx)
{
    struct dns_answer answer = {.status = MSG_DNS_OK, .secure = true, .ttl_s = DAY_S, .count = HOSTS};
    uint8_t room[HOSTS][NAME_SIZE + 16];
    for (unsigned i = 0; i < HOSTS; i++) {
        char host[NAME_SIZE + 8];
        (void)snprintf(host, sizeof(host), "mx%u.%s", i + 1, name);
        room[i][0] = 0;
        room[i][1] = (uint8_t)(10 * (i + 1));
        answer.rdata[i] = slice_of(room[i], wire_name(host, room[i] + 2).len + 2);
    }
    fn(ctx, &answer);
}

/* Two keys, as while one is being replaced. */
static void answer_tlsa(dns_answer_fn *fn, void *ctx)
{
    struct dns_answer answer = {.status = MSG_DNS_OK, .secure = true, .ttl_s = DAY_S, .count = 2};
    uint8_t record[2][35] = {{3, 1, 1}, {2, 1, 1}};
    answer.rdata[0] = slice_of(record[0], sizeof(record[0]));
    answer.rdata[1] = slice_of(record[1], sizeof(record[1]));
    fn(ctx, &answer);
}

static bool ask(void *ctx, const char *name, int type, dns_answer_fn *fn, void *fn_ctx)
{
    static const char txt[] = "\x1ev=STSv1; id=20261124T000000Z00";
    struct bench *b = ctx;
    struct dns_answer answer = {.status = MSG_DNS_OK, .secure = true, .ttl_s = DAY_S, .count = 1};
    b->questions++;
    if (type == DNS_TYPE_MX) {
        answer_mx(name, fn, fn_ctx);
    } else if (type == DNS_TYPE_TLSA) {
        answer_tlsa(fn, fn_ctx);
    } else {
        answer.rdata[0] = type == DNS_TYPE_TXT ? slice_of(txt, sizeof(txt) - 1)
                                               : slice_of("\xc0\0\2\1\xc0\0\2\1\xc0\0\2\1\xc0\0\2\1", type == DNS_TYPE_A ? 4 : 16);
        fn(fn_ctx, &answer);
    }
    return true;
}

static void get(void *ctx, const char *domain, sts_fetch_fn *fn, void *fn_ctx)
{
    struct bench *b = ctx;
    char text[4 * NAME_SIZE];
    int len = snprintf(text, sizeof(text), "version: STSv1\r\nmode: enforce\r\nmx: mx1.%s\r\nmx: mx2.%s\r\nmax_age: 604800\r\n", domain, domain);
    struct sts_fetch_answer answer = {.result = STS_FETCH_OK, .text = slice_of(text, (size_t)len), .detail = ""};
    b->fetches++;
    fn(fn_ctx, &answer);
}

/* --- what a courier is told --- */

static void on_dossier(void *ctx, const struct dns_dossier *dossier)
{
    struct bench *b = ctx;
    b->has_dns = dossier->status == MSG_DNS_OK && dossier->secure && dossier->count == HOSTS;
    b->message = (struct msg_dossier){.status = MSG_DNS_OK, .secure = true, .expires_us = dossier->expires_us, .sts_look = STS_FOUND};
    for (size_t i = 0; i < dossier->count; i++) {
        const struct dns_host *host = &dossier->hosts[i];
        struct msg_address address = {.family = 4};
        struct buf addresses;
        buf_init(&addresses, 1024);
        memcpy(address.bytes.b, host->addresses[0].bytes, 4);
        layout_write(&msg_address_layout, &addresses, &address);
        const struct msg_dossier_host message = {.preference = host->preference, .secure = host->secure, .name = slice_str(host->name),
            .addresses = buf_slice(&addresses), .tlsa_state = (uint8_t)host->tlsa.state, .tlsa_base = slice_str(host->name),
            .tlsa = slice_of(host->tlsa.records, host->tlsa.length)};
        b->has_dns = b->has_dns && host->tlsa.state == DNS_TLSA_FOUND && host->tlsa.length > 0;
        layout_write(&msg_dossier_host_layout, &b->hosts, &message);
        buf_free(&addresses);
    }
}

/* The courier keeps both halves. */
static void on_policy(void *ctx, const struct sts_answer *answer)
{
    struct bench *b = ctx;
    struct buf payload;
    buf_init(&payload, COURIER_DOSSIER_BYTES);
    b->has_sts = answer->look == STS_FOUND && answer->policy.len > 0;
    b->message.policy = answer->policy;
    b->message.hosts = buf_slice(&b->hosts);
    layout_write(&msg_dossier_layout, &payload, &b->message);
    if (b->courier != NULL)
        courier_dossiers_keep(b->courier, slice_str(b->domain), buf_slice(&payload), &b->message);
    buf_free(&payload);
}

/* Asks everybody about every domain; how many of them were answered in full. */
static size_t fill(struct bench *b, size_t domains, bool sts)
{
    size_t whole = 0;
    for (size_t i = 0; i < domains; i++) {
        (void)snprintf(b->domain, sizeof(b->domain), "hospital-number-%05zu.example", i);
        buf_init(&b->hosts, MSG_LIST_MAX);
        dns_dossiers_ask(b->dns, slice_str(b->domain), on_dossier, b);
        if (sts)
            sts_cache_ask(b->sts, slice_str(b->domain), SLICE_EMPTY, false, on_policy, b);
        whole += b->has_dns && (!sts || b->has_sts);
        buf_free(&b->hosts);
    }
    return whole;
}

static size_t recall(struct bench *b, size_t domains)
{
    size_t found = 0;
    for (size_t i = 0; i < domains; i++) {
        struct msg_dossier dossier;
        (void)snprintf(b->domain, sizeof(b->domain), "hospital-number-%05zu.example", i);
        found += courier_dossiers_recall(b->courier, slice_str(b->domain), &dossier) && dossier.policy.len > 0;
    }
    return found;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    const struct sts_cache_ops ops = {.ask = ask, .ask_ctx = &b, .fresh_ctx = &b, .get = get, .get_ctx = &b};
    size_t domains = argc > 1 ? strtoul(argv[1], NULL, 10) : DOMAINS;
    b.dns = dns_dossiers_create(ask, &b, 25);
    b.sts = sts_cache_create(&ops);
    long before = resident_kib();
    size_t first = fill(&b, domains, false);
    long dns = resident_kib();
    size_t second = fill(&b, domains, true);
    long sts = resident_kib();
    size_t questions = b.questions;
    size_t fetches = b.fetches;
    b.courier = courier_dossiers_create();
    size_t third = fill(&b, domains, true);
    long courier = resident_kib();
    size_t found = recall(&b, domains);
    bool again = b.questions != questions || b.fetches != fetches;
    bool ok = first == domains && second == domains && third == domains && found == domains && !again;
    printf("{\"domains\": %zu, \"answered\": %zu, \"kept\": %zu, \"asked_again\": %s, \"dns_kib\": %ld, \"sts_kib\": %ld, \"courier_kib\": %ld}\n",
           domains, third, found, again ? "true" : "false", dns - before, sts - dns, courier - sts);
    courier_dossiers_free(&b.courier);
    sts_cache_free(&b.sts);
    dns_dossiers_free(&b.dns);
    return ok ? 0 : 1;
}
