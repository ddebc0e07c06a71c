/* SPDX-License-Identifier: Apache-2.0 */
/* Domain memory in the index: the best level each recipient domain has shown, and its kept policy, by tag. */
#include "base/clock.h"
#include "store/index_impl.h"
#include "store/record_head.h"

void index_set_memory(struct index *x, int64_t memory_us)
{
    x->memory_us = memory_us;
}

static int64_t index_memory(const struct index *x)
{
    return x->memory_us > 0 ? x->memory_us : INDEX_DOMAIN_LIFE_US;
}

static bool index_set_level(struct index *x, const struct record_domain *domain, struct err *err)
{
    sqlite3_stmt *s = index_statement(x, INDEX_SET_DOMAIN, err);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(domain->domain.b, TAG_SIZE));
    index_bind(s, 2, domain->level);
    index_bind(s, 3, domain->at_us);
    index_bind(s, 4, domain->at_us - index_memory(x));
    index_bind(s, 5, domain->at_us + index_memory(x));
    return index_run(x, s, err);
}

static bool index_set_policy(struct index *x, const struct record_domain *domain, struct err *err)
{
    sqlite3_stmt *s = index_statement(x, INDEX_SET_POLICY, err);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(domain->domain.b, TAG_SIZE));
    index_bind_blob(s, 2, domain->policy);
    index_bind(s, 3, domain->policy.len == 0 ? domain->at_us : domain->at_us + INDEX_POLICY_LIFE_US);
    return index_run(x, s, err);
}

static bool index_drop_domain(struct index *x, const struct record_domain *domain, struct err *err)
{
    sqlite3_stmt *s = index_statement(x, INDEX_DROP_DOMAIN, err);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(domain->domain.b, TAG_SIZE));
    return index_run(x, s, err);
}

bool index_apply_domain(struct index *x, const struct record *record, struct err *err)
{
    struct record_domain domain;
    if (!record_domain_read(record, &domain)) {
        return index_malformed(record, err);
    }
    if (((domain.acts & RECORD_DOMAIN_FORGET) != 0 && !index_drop_domain(x, &domain, err)) ||
        (domain.level > 0 && !index_set_level(x, &domain, err)) ||
        ((domain.acts & RECORD_DOMAIN_POLICY) != 0 && !index_set_policy(x, &domain, err))) {
        return false;
    }
    sqlite3_stmt *s = index_statement(x, INDEX_FORGET_DOMAINS, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, domain.at_us);
    return index_run(x, s, err);
}

bool index_domain(struct index *x, const struct tag *domain, struct msg_shown *ret_shown)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_DOMAIN, NULL);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(domain->b, TAG_SIZE));
    if (!index_row(x, s, &ok, NULL)) {
        return false;
    }
    ret_shown->level = (uint8_t)index_number(s, 0);
    ret_shown->at_us = index_number(s, 1);
    ret_shown->policy = index_blob(s, 2);
    return true; /* the statement is reset at its next use: the policy lives until then */
}
