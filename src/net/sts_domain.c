/* SPDX-License-Identifier: Apache-2.0 */
/* One domain. Ends of policies are compared in UTC, because they are kept over restarts; pauses run on the clock that
 * never jumps. */
#include "net/sts_domain.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/sts_policy.h"

#define RECORD_PREFIX "_mta-sts."
#define TXT_MAX 65536u /* a TXT record cannot be longer */

static void enter(struct sts_domain *domain, enum sts_domain_state state);

static void set_text(char **text, const char *value)
{
    mem_free(*text);
    *text = value == NULL || value[0] == '\0' ? NULL : mem_strdup(value);
}

/* --- the policy --- */

static bool read_policy(struct slice text, struct msg_policy *ret_policy)
{
    return text.len > 0 && layout_read(&msg_policy_layout, text, ret_policy);
}

static bool is_ahead(const struct msg_policy *policy)
{
    return policy->fetched_us > clock_utc_us();
}

static int64_t end_of(const struct msg_policy *policy)
{
    int64_t from = is_ahead(policy) ? clock_utc_us() : policy->fetched_us;
    return from + (int64_t)policy->max_age_s * CLOCK_US_PER_S;
}

/* The policy that has not ended; false without one. */
static bool alive(const struct sts_domain *domain, struct msg_policy *ret_policy)
{
    return read_policy(slice_of(domain->policy, domain->policy_length), ret_policy) && clock_utc_us() < end_of(ret_policy);
}

static void keep(struct sts_domain *domain, struct slice policy)
{
    uint8_t *copy = mem_new(policy.len);
    memcpy(copy, policy.data, policy.len);
    mem_free(domain->policy);
    domain->policy = copy;
    domain->policy_length = policy.len;
}

void sts_domain_adopt(struct sts_domain *domain, struct slice kept)
{
    struct msg_policy theirs;
    struct msg_policy ours = {.fetched_us = INT64_MIN};
    if (!read_policy(kept, &theirs) || theirs.mode > STS_POLICY_ENFORCE || clock_utc_us() >= end_of(&theirs))
        return;
    if (!alive(domain, &ours) || (!is_ahead(&theirs) && theirs.fetched_us > ours.fetched_us))
        keep(domain, kept);
}

static void write_policy(struct sts_domain *domain, const struct msg_policy *policy)
{
    struct buf out;
    buf_init(&out, MSG_POLICY_MAX);
    layout_write(&msg_policy_layout, &out, policy);
    if (buf_ok(&out)) /* the limits of a file are within those of the message */
        keep(domain, buf_slice(&out));
    buf_free(&out);
}

/* Fetched in the future: the clock was set back since. Its max_age begins now, or it would not end for as long as the clock
 * had been wrong by. */
static void settle_age(struct sts_domain *domain)
{
    struct msg_policy policy;
    if (!read_policy(slice_of(domain->policy, domain->policy_length), &policy) || !is_ahead(&policy))
        return;
    policy.fetched_us = clock_utc_us();
    write_policy(domain, &policy);
}

void sts_domain_drop(struct sts_domain *domain)
{
    mem_free(domain->policy);
    domain->policy = NULL;
    domain->policy_length = 0;
    domain->record_until_us = 0;
    domain->fetch_after_us = 0;
}

static void store_policy(struct sts_domain *domain, const struct sts_policy *file)
{
    const struct msg_policy policy = {.mode = (uint8_t)file->mode, .id = slice_str(domain->fetch_id),
        .fetched_us = clock_utc_us(), .max_age_s = file->max_age_s, .hosts = buf_slice(&file->hosts)};
    write_policy(domain, &policy);
}

/* --- fetching --- */

static void fetch_failed(struct sts_domain *domain, enum sts_look how, const char *detail, int64_t pause_us)
{
    domain->fetch = how;
    set_text(&domain->fetch_detail, detail);
    domain->fetch_after_us = clock_wait_us() + pause_us;
}

static void take_file(struct sts_domain *domain, struct slice text)
{
    struct sts_policy file;
    struct err err = {""};
    if (sts_policy_parse(text, &file, &err)) {
        store_policy(domain, &file);
        domain->fetch = STS_FOUND;
        set_text(&domain->fetch_detail, NULL);
        domain->fetch_after_us = clock_wait_us() + STS_PAUSE_US;
    } else {
        fetch_failed(domain, STS_BAD_POLICY, err.text, STS_PAUSE_FAILED_US);
    }
    sts_policy_clear(&file);
}

static void on_file(void *ctx, const struct sts_fetch_answer *answer)
{
    struct sts_domain *domain = ctx;
    if (answer->result == STS_FETCH_OK)
        take_file(domain, answer->text);
    else
        fetch_failed(domain, answer->result == STS_FETCH_UNTRUSTED ? STS_BAD_CERT : STS_NO_FETCH, answer->detail,
                     answer->untried ? STS_LIFE_FAILED_US : STS_PAUSE_FAILED_US);
    enter(domain, STS_DOMAIN_IDLE);
}

/* Old enough to be fetched again although the id says that it still holds. */
static bool is_due(const struct msg_policy *policy)
{
    int64_t age = clock_utc_us() - policy->fetched_us;
    return age >= STS_REFRESH_US || age >= (int64_t)policy->max_age_s * CLOCK_US_PER_S / 2;
}

static bool confirmed(const struct sts_domain *domain, const struct msg_policy *policy)
{
    return domain->record == STS_FOUND && slice_eq(policy->id, slice_str(domain->id));
}

static bool must_fetch(const struct sts_domain *domain)
{
    struct msg_policy policy;
    if (domain->record != STS_FOUND)
        return false;
    if (domain->want_fetch)
        return true;
    bool another = domain->fetch == STS_FOUND && strcmp(domain->id, domain->fetch_id) != 0; /* a pause is for one id */
    if (clock_wait_us() < domain->fetch_after_us && !another)
        return false;
    return !alive(domain, &policy) || !confirmed(domain, &policy) || is_due(&policy);
}

static void fetch(struct sts_domain *domain)
{
    struct msg_policy policy;
    domain->urgent = domain->want_fetch || !alive(domain, &policy) || !confirmed(domain, &policy);
    domain->want_fetch = false;
    memcpy(domain->fetch_id, domain->id, sizeof(domain->id));
    domain->ops->get(domain->ops->get_ctx, domain->name, on_file, domain);
}

/* --- the record --- */

static void set_record(struct sts_domain *domain, enum sts_look record, struct slice id, const char *detail)
{
    domain->record = record;
    memset(domain->id, 0, sizeof(domain->id));
    if (id.len > 0)
        memcpy(domain->id, id.data, id.len);
    set_text(&domain->record_detail, detail);
}

/* Counts the records that say STSv1 and takes the one; another number of them is none (RFC 8461 3.1). */
static void take_records(struct sts_domain *domain, const struct dns_answer *answer)
{
    enum sts_record_kind found = STS_RECORD_OTHER;
    unsigned count = 0;
    struct buf text;
    struct err err = {""};
    buf_init(&text, TXT_MAX);
    set_record(domain, STS_ABSENT, SLICE_EMPTY, NULL);
    for (size_t i = 0; i < answer->count; i++) {
        struct slice id;
        buf_reset(&text);
        enum sts_record_kind kind = dns_rdata_txt(answer->rdata[i], &text) ? sts_record_parse(buf_slice(&text), &id, &err) : STS_RECORD_OTHER;
        if (kind == STS_RECORD_OTHER)
            continue;
        count++;
        found = kind;
        if (kind == STS_RECORD_VALID)
            set_record(domain, STS_FOUND, id, NULL);
    }
    if (count > 1)
        set_record(domain, STS_BAD_RECORD, SLICE_EMPTY, "there is more than one record that says v=STSv1 at _mta-sts");
    else if (found == STS_RECORD_INVALID)
        set_record(domain, STS_BAD_RECORD, SLICE_EMPTY, err.text);
    buf_free(&text);
}

static void on_records(void *ctx, const struct dns_answer *answer)
{
    struct sts_domain *domain = ctx;
    bool failed = dns_is_failure(answer->status);
    if (answer->status == MSG_DNS_BOGUS)
        set_record(domain, STS_DNS_FAILED, SLICE_EMPTY, "the DNSSEC signatures of the record at _mta-sts are wrong");
    else if (failed)
        set_record(domain, STS_DNS_FAILED, SLICE_EMPTY, "the record at _mta-sts cannot be looked up");
    else
        take_records(domain, answer);
    domain->record_until_us = clock_wait_us() + (failed ? STS_LIFE_FAILED_US : dns_life_us(answer->status, answer->ttl_s));
    enter(domain, STS_DOMAIN_IDLE);
}

static void ask_record(struct sts_domain *domain)
{
    static const struct dns_answer failed = {.status = MSG_DNS_SERVFAIL};
    static const struct dns_answer none = {.status = MSG_DNS_NXDOMAIN, .ttl_s = UINT32_MAX};
    char name[DNS_NAME_MAX + sizeof(RECORD_PREFIX)];
    void *client = domain->want_fresh ? domain->ops->fresh_ctx : domain->ops->ask_ctx;
    int len = snprintf(name, sizeof(name), RECORD_PREFIX "%s", domain->name);
    domain->want_record = domain->want_fresh = false;
    if (len < 0 || len >= DNS_NAME_MAX)
        on_records(domain, &none); /* there is no such name */
    else if (!domain->ops->ask(client, name, DNS_TYPE_TXT, on_records, domain))
        on_records(domain, &failed);
}

/* --- the state --- */

static void rest(struct sts_domain *domain)
{
    domain->want_fetch = false; /* there is no record to fetch for */
    domain->moved(domain);
}

/* The one place that changes the state: IDLE goes on at once where something is still to be done. */
static void enter(struct sts_domain *domain, enum sts_domain_state state)
{
    if (state == STS_DOMAIN_IDLE && domain->want_record)
        state = STS_DOMAIN_RECORD;
    else if (state == STS_DOMAIN_IDLE && must_fetch(domain))
        state = STS_DOMAIN_FETCH;
    domain->state = state;
    if (state == STS_DOMAIN_RECORD)
        ask_record(domain);
    else if (state == STS_DOMAIN_FETCH)
        fetch(domain);
    else
        rest(domain);
}

void sts_domain_look(struct sts_domain *domain, bool fresh)
{
    settle_age(domain);
    domain->want_record = domain->want_record || fresh || clock_wait_us() >= domain->record_until_us;
    domain->want_fresh = domain->want_fresh || fresh;
    domain->want_fetch = domain->want_fetch || fresh;
    if (domain->state == STS_DOMAIN_IDLE)
        enter(domain, STS_DOMAIN_IDLE);
    if (domain->state == STS_DOMAIN_FETCH)
        domain->moved(domain); /* perhaps nobody need wait for it */
}

bool sts_domain_is_settled(const struct sts_domain *domain)
{
    bool refresh = domain->state == STS_DOMAIN_FETCH && !domain->urgent;
    return domain->state == STS_DOMAIN_IDLE || (refresh && !domain->want_fetch && !domain->want_record);
}

/* How the look went, for somebody who is told now. */
static enum sts_look look_of(const struct sts_domain *domain, bool holds, const char **ret_detail)
{
    if (domain->state == STS_DOMAIN_RECORD) {
        *ret_detail = "the record at _mta-sts was not answered for in time";
        return STS_DNS_FAILED;
    }
    if (domain->record != STS_FOUND) {
        *ret_detail = domain->record_detail;
        return domain->record;
    }
    if (domain->state == STS_DOMAIN_FETCH && !holds) {
        *ret_detail = "the policy host has not answered yet; the fetch goes on";
        return STS_NO_FETCH;
    }
    *ret_detail = domain->fetch_detail;
    return domain->fetch;
}

static int64_t life_of(const struct sts_domain *domain, enum sts_look look)
{
    int64_t now = clock_wait_us();
    int64_t life = domain->record_until_us - now;
    if (domain->state != STS_DOMAIN_IDLE)
        return DNS_LIFE_FAILED_US;
    if (domain->record == STS_FOUND && look != STS_FOUND && domain->fetch_after_us - now < life)
        life = domain->fetch_after_us - now;
    return life > DNS_LIFE_FAILED_US ? life : DNS_LIFE_FAILED_US;
}

void sts_domain_answer(const struct sts_domain *domain, struct sts_answer *ret_answer)
{
    struct msg_policy policy;
    const char *detail = NULL;
    bool lives = alive(domain, &policy);
    bool holds = lives && confirmed(domain, &policy);
    enum sts_look look = look_of(domain, holds, &detail);
    int64_t until = clock_utc_us() + life_of(domain, look);
    if (!lives && look == STS_FOUND)
        detail = "the policy's max_age is over as soon as it is fetched";
    if (lives && look == STS_ABSENT)
        detail = "there is no record at _mta-sts any more; the policy holds until its max_age is over";
    *ret_answer = (struct sts_answer){.look = lives && look != STS_FOUND ? STS_KEPT : look, .detail = detail == NULL ? "" : detail,
        .policy = lives ? slice_of(domain->policy, domain->policy_length) : SLICE_EMPTY,
        .expires_us = lives && end_of(&policy) < until ? end_of(&policy) : until};
}

/* --- life --- */

struct sts_domain *sts_domain_create(const char *name, const struct sts_cache_ops *ops, sts_domain_fn *moved)
{
    struct sts_domain *domain = mem_new(sizeof(*domain));
    list_init(&domain->link);
    list_init(&domain->waiters);
    domain->ops = ops;
    domain->moved = moved;
    domain->name = mem_strdup(name);
    domain->fetch = STS_FOUND;
    return domain;
}

void sts_domain_free(struct sts_domain **domain)
{
    if (domain == NULL || *domain == NULL)
        return;
    list_remove(&(*domain)->link);
    assert(list_empty(&(*domain)->waiters));
    mem_free((*domain)->name);
    mem_free((*domain)->record_detail);
    mem_free((*domain)->fetch_detail);
    mem_free((*domain)->policy);
    mem_free(*domain);
    *domain = NULL;
}
