/* SPDX-License-Identifier: Apache-2.0 */
/* libunbound behind our own types. */
#include "net/dns.h"

#include <unbound.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

#define DNS_CLASS_IN 1
#define FORWARD_TEXT_MAX 80

struct dns {
    struct ub_ctx *ub;
    struct loop *loop;
    struct loop_watch *watch;
    struct list questions;
    char **forward; /* a copy of what it was made from */
    char *anchors;
    struct dns_config config;
};

struct dns_question {
    struct list link;
    dns_answer_fn *fn;
    void *ctx;
    int64_t started_us;
};

struct option {
    const char *name;
    const char *value;
};

/* Caches are small because answers are cached by us as dossiers. Few tries, and a short memory for servers that do not
 * answer: a forwarder may be the only one, and one domain's dead servers must not make it look dead for all. */
static const struct option OPTIONS[] = {
    {"verbosity:", "0"},
    {"do-not-query-localhost:", "no"},
    {"qname-minimisation:", "yes"},
    {"trust-anchor-signaling:", "no"},
    {"msg-cache-size:", "4m"},
    {"rrset-cache-size:", "8m"},
    {"key-cache-size:", "2m"},
    {"infra-cache-numhosts:", "10000"},
    {"infra-keep-probing:", "yes"},
    {"infra-host-ttl:", "60"},
    {"outbound-msg-retry:", "4"},
    {"num-queries-per-thread:", "1024"},
    /* These two are the library's for all clients of the process. Dossiers live an hour (DNS_LIFE_MAX_US). */
    {"cache-max-ttl:", "3600"},
    {"cache-max-negative-ttl:", "3600"},
    {"outgoing-range:", "1024"},
};

/* Names that libunbound would answer itself. Ours are answered by the servers that the operator named. */
static const char *const BUILT_IN[] = {"localhost.", "test.", "invalid.", "onion.", "home.arpa."};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static bool check(int status, const char *what, struct err *err)
{
    return status == UB_NOERROR || err_set(err, "%s: %s", what, ub_strerror(status));
}

static bool set_options(struct ub_ctx *ub, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; i < COUNT(OPTIONS) && ok; i++)
        ok = check(ub_ctx_set_option(ub, OPTIONS[i].name, OPTIONS[i].value), OPTIONS[i].name, err);
    return ok;
}

/* "127.0.0.1:5300" becomes "127.0.0.1@5300", "[::1]:53" becomes "::1@53". */
static bool add_forwarder(struct ub_ctx *ub, const char *text, struct err *err)
{
    char address[FORWARD_TEXT_MAX];
    size_t len = 0;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || strlen(text) >= sizeof(address))
        return err_set(err, "forward %s: address and port are needed, such as 127.0.0.1:53", text);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p != '[' && *p != ']')
            address[len++] = p == colon ? '@' : *p;
    }
    address[len] = '\0';
    return check(ub_ctx_set_fwd(ub, address), text, err);
}

/* One line of the anchor file, its comment cut off. */
static bool add_anchor(struct ub_ctx *ub, struct slice line, size_t number, struct err *err)
{
    struct slice record = slice_trim(slice_sub(line, 0, slice_find(line, 0, ';')));
    if (record.len > 0 && record.data[record.len - 1] == '\r')
        record.len--;
    if (record.len == 0)
        return true;
    char *text = mem_strndup(record.data, record.len);
    bool known = strstr(text, "DS") != NULL || strstr(text, "DNSKEY") != NULL;
    bool ok = known && ub_ctx_add_ta(ub, text) == UB_NOERROR;
    mem_free(text);
    return ok || err_set(err, "trust anchor, line %zu: neither a DS nor a DNSKEY record", number);
}

static bool add_anchors(struct ub_ctx *ub, struct slice text, struct err *err)
{
    size_t at = 0;
    size_t number = 0;
    bool ok = text.len <= DNS_ANCHOR_MAX || err_set(err, "the trust anchor file is longer than %u bytes", DNS_ANCHOR_MAX);
    while (ok && at < text.len) {
        size_t end = slice_find(text, at, '\n');
        ok = add_anchor(ub, slice_sub(text, at, end - at), ++number, err);
        at = end + 1;
    }
    return ok;
}

/* Removing the first built-in zone makes libunbound read all that was set; nothing can be set afterwards. */
static bool remove_built_in(struct ub_ctx *ub, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; i < COUNT(BUILT_IN) && ok; i++)
        ok = check(ub_ctx_zone_remove(ub, BUILT_IN[i]), "DNS set-up (is the trust anchor well formed?)", err);
    return ok;
}

static bool set_up(struct ub_ctx *ub, const struct dns_config *config, struct err *err)
{
    ub_ctx_debugout(ub, NULL);
    bool ok = set_options(ub, err);
    for (size_t i = 0; i < config->forward_count && ok; i++)
        ok = add_forwarder(ub, config->forward[i], err);
    ok = ok && add_anchors(ub, config->anchors, err);
    ok = ok && check(ub_ctx_async(ub, 1), "DNS thread", err);
    return ok && remove_built_in(ub, err);
}

bool dns_is_failure(enum msg_dns status)
{
    return status != MSG_DNS_OK && status != MSG_DNS_NXDOMAIN && status != MSG_DNS_NODATA && status != MSG_DNS_NULL_MX;
}

int64_t dns_life_us(enum msg_dns status, uint32_t ttl_s)
{
    int64_t life = dns_is_failure(status) ? DNS_LIFE_FAILED_US : (int64_t)ttl_s * CLOCK_US_PER_S;
    return life < DNS_LIFE_MAX_US ? life : DNS_LIFE_MAX_US;
}

/* A context of the library, or NULL with the reason. */
static struct ub_ctx *make_context(const struct dns_config *config, struct err *err)
{
    struct ub_ctx *ub = ub_ctx_create();
    if (ub == NULL) {
        err_set(err, "libunbound cannot be started");
    } else if (!set_up(ub, config, err)) {
        ub_ctx_delete(ub);
        ub = NULL;
    }
    return ub;
}

static void copy_config(struct dns *dns, const struct dns_config *config)
{
    dns->forward = mem_new_array(config->forward_count + 1, sizeof(*dns->forward));
    for (size_t i = 0; i < config->forward_count; i++)
        dns->forward[i] = mem_strdup(config->forward[i]);
    dns->anchors = mem_strndup(config->anchors.len > 0 ? (const char *)config->anchors.data : "", config->anchors.len);
    dns->config = (struct dns_config){.forward = (const char *const *)dns->forward, .forward_count = config->forward_count,
        .anchors = slice_of(dns->anchors, config->anchors.len)};
}

struct dns *dns_create(const struct dns_config *config, struct err *err)
{
    struct dns *dns = mem_new(sizeof(*dns));
    list_init(&dns->questions);
    copy_config(dns, config);
    dns->ub = make_context(&dns->config, err);
    if (dns->ub == NULL)
        dns_free(&dns);
    return dns;
}

static void on_readable(void *ctx, unsigned events)
{
    struct dns *dns = ctx;
    (void)events;
    ub_process(dns->ub);
}

bool dns_start(struct dns *dns, struct loop *loop, struct err *err)
{
    dns->loop = loop;
    int fd = ub_fd(dns->ub);
    if (fd < 0)
        return err_set(err, "libunbound gives no descriptor");
    dns->watch = loop_watch_create(loop, fd, LOOP_READ, on_readable, dns);
    return true;
}

/* The library has no way to empty its caches; a new context has empty ones. */
bool dns_renew(struct dns *dns, struct err *err)
{
    if (!list_empty(&dns->questions))
        return true;
    loop_watch_free(&dns->watch);
    ub_ctx_delete(dns->ub);
    dns->ub = make_context(&dns->config, err);
    return dns->ub != NULL && dns_start(dns, dns->loop, err);
}

static enum msg_dns status_of(int error, const struct ub_result *result, int64_t took_us)
{
    if (error == 0 && result->bogus)
        return MSG_DNS_BOGUS;
    if (error == 0 && result->nxdomain)
        return MSG_DNS_NXDOMAIN;
    if (error == 0 && result->rcode == 0)
        return result->havedata ? MSG_DNS_OK : MSG_DNS_NODATA;
    return took_us >= DNS_SLOW_US ? MSG_DNS_TIMEOUT : MSG_DNS_SERVFAIL;
}

static void fill_answer(const struct ub_result *result, struct dns_answer *answer)
{
    answer->secure = result->secure != 0;
    answer->ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0;
    answer->canonical = slice_str(result->canonname);
    if (answer->status != MSG_DNS_OK)
        return;
    while (answer->count < DNS_RECORDS_MAX && result->data[answer->count] != NULL) {
        answer->rdata[answer->count] = slice_of(result->data[answer->count], (size_t)result->len[answer->count]);
        answer->count++;
    }
}

static void on_result(void *ctx, int error, struct ub_result *result)
{
    struct dns_question *question = ctx;
    struct dns_answer answer = {.status = status_of(error, result, clock_wait_us() - question->started_us)};
    if (error == 0)
        fill_answer(result, &answer);
    list_remove(&question->link);
    question->fn(question->ctx, &answer);
    ub_resolve_free(result);
    mem_free(question);
}

bool dns_ask(struct dns *dns, const char *name, int type, dns_answer_fn *fn, void *ctx)
{
    struct dns_question *question = mem_new(sizeof(*question));
    *question = (struct dns_question){.fn = fn, .ctx = ctx, .started_us = clock_wait_us()};
    list_push(&dns->questions, &question->link);
    if (dns->ub != NULL && ub_resolve_async(dns->ub, name, type, DNS_CLASS_IN, question, on_result, NULL) == UB_NOERROR)
        return true;
    list_remove(&question->link);
    mem_free(question);
    return false;
}

void dns_free(struct dns **dns)
{
    if (dns == NULL || *dns == NULL)
        return;
    loop_watch_free(&(*dns)->watch);
    if ((*dns)->ub != NULL)
        ub_ctx_delete((*dns)->ub);
    LIST_FOR(it, next, &(*dns)->questions)
    {
        list_remove(it);
        mem_free(LIST_ENTRY(it, struct dns_question, link));
    }
    for (size_t i = 0; i < (*dns)->config.forward_count; i++)
        mem_free((*dns)->forward[i]);
    mem_free((*dns)->forward);
    mem_free((*dns)->anchors);
    mem_free(*dns);
    *dns = NULL;
}
