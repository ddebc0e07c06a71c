/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for TLSA records. */
#include "net/dns_tlsa.h"

#include <stdio.h>

#include "base/mem.h"

static void step(struct dns_tlsa_lookup *lookup, enum dns_tlsa_step next);

static void finish(struct dns_tlsa_lookup *lookup, enum dns_tlsa_state state)
{
    lookup->result.state = state;
    lookup->fn(lookup->ctx);
}

/* What an answer other than records means. */
static enum dns_tlsa_state state_of(const struct dns_answer *answer)
{
    if (answer->status == MSG_DNS_BOGUS)
        return DNS_TLSA_BOGUS;
    return dns_is_failure(answer->status) ? DNS_TLSA_FAILED : DNS_TLSA_NONE;
}

static bool put_record(struct slice rdata, struct buf *out)
{
    struct msg_tlsa record;
    if (!dns_rdata_tlsa(rdata, &record))
        return true;
    layout_write(&msg_tlsa_layout, out, &record);
    return buf_ok(out);
}

/* Keeps the records, or says FAILED when they cannot all be carried. */
static enum dns_tlsa_state take_records(struct dns_tlsa_lookup *lookup, const struct dns_answer *answer)
{
    struct buf out;
    bool whole = answer->count <= DNS_TLSA_MAX;
    buf_init(&out, MSG_TLSA_MAX);
    for (size_t i = 0; whole && i < answer->count; i++)
        whole = put_record(answer->rdata[i], &out);
    if (whole && out.len > 0) {
        lookup->result.records = mem_new(out.len);
        memcpy(lookup->result.records, out.data, out.len);
        lookup->result.length = out.len;
    }
    buf_free(&out);
    lookup->result.expanded = lookup->step == DNS_TLSA_STEP_EXPANDED;
    return whole ? DNS_TLSA_FOUND : DNS_TLSA_FAILED;
}

static void limit_life(struct dns_tlsa_lookup *lookup, const struct dns_answer *answer)
{
    int64_t life = dns_life_us(answer->status, answer->ttl_s);
    if (life < lookup->life_us)
        lookup->life_us = life;
}

static void on_records(void *ctx, const struct dns_answer *answer)
{
    struct dns_tlsa_lookup *lookup = ctx;
    enum dns_tlsa_state state = state_of(answer);
    limit_life(lookup, answer);
    if (answer->status == MSG_DNS_OK && answer->secure)
        state = take_records(lookup, answer);
    if (state == DNS_TLSA_NONE && lookup->step == DNS_TLSA_STEP_EXPANDED)
        step(lookup, DNS_TLSA_STEP_OWN);
    else
        finish(lookup, state);
}

static void on_cname(void *ctx, const struct dns_answer *answer)
{
    struct dns_tlsa_lookup *lookup = ctx;
    limit_life(lookup, answer);
    if (dns_is_failure(answer->status))
        finish(lookup, state_of(answer));
    else if (answer->secure)
        step(lookup, DNS_TLSA_STEP_OWN);
    else
        finish(lookup, DNS_TLSA_UNASKED);
}

/* Below a name too long for the label in front of it there can be no records. */
static void ask_records(struct dns_tlsa_lookup *lookup, const char *base)
{
    static const struct dns_answer none = {.status = MSG_DNS_NXDOMAIN, .secure = true, .ttl_s = UINT32_MAX};
    static const struct dns_answer failed = {.status = MSG_DNS_SERVFAIL};
    char name[DNS_NAME_MAX + sizeof("_65535._tcp.")];
    int len = snprintf(name, sizeof(name), "_%u._tcp.%s", (unsigned)lookup->port, base);
    if (len < 0 || len >= DNS_NAME_MAX)
        on_records(lookup, &none);
    else if (!lookup->ask(lookup->ask_ctx, name, DNS_TYPE_TLSA, on_records, lookup))
        on_records(lookup, &failed);
}

static void ask_cname(struct dns_tlsa_lookup *lookup)
{
    if (!lookup->ask(lookup->ask_ctx, lookup->name, DNS_TYPE_CNAME, on_cname, lookup))
        on_cname(lookup, &(struct dns_answer){.status = MSG_DNS_SERVFAIL});
}

/* The one place that changes the step. */
static void step(struct dns_tlsa_lookup *lookup, enum dns_tlsa_step next)
{
    lookup->step = next;
    if (next == DNS_TLSA_STEP_CNAME)
        ask_cname(lookup);
    else
        ask_records(lookup, next == DNS_TLSA_STEP_EXPANDED ? lookup->canonical : lookup->name);
}

void dns_tlsa_start(struct dns_tlsa_lookup *lookup)
{
    bool alias = lookup->canonical[0] != '\0';
    lookup->result = (struct dns_tlsa){.state = DNS_TLSA_UNASKED};
    lookup->life_us = DNS_LIFE_MAX_US;
    if (!lookup->secure && !alias)
        finish(lookup, DNS_TLSA_UNASKED);
    else if (!lookup->secure)
        step(lookup, DNS_TLSA_STEP_CNAME);
    else
        step(lookup, alias ? DNS_TLSA_STEP_EXPANDED : DNS_TLSA_STEP_OWN);
}
