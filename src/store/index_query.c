/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's questions. Rows go out sealed; the cli opens them against a grant. */
#include "store/index_impl.h"

static void index_row_read(const struct index *x, sqlite3_stmt *s, struct msg_row *row)
{
    struct center_state center;
    *row = (struct msg_row){.kind = (uint8_t)index_number(s, 2)};
    index_fixed(s, 1, row->message.b, ID_SIZE);
    row->tenant = index_tenant_name(x, index_number(s, 3));
    row->index = (uint16_t)index_number(s, 4);
    row->state = (uint8_t)index_number(s, 5);
    row->notice = (uint8_t)index_number(s, 6);
    row->reason = (uint16_t)index_number(s, 7);
    row->proof = (uint8_t)index_number(s, 8);
    row->attempts = (uint32_t)index_number(s, 9);
    row->accepted_us = index_number(s, 10);
    row->next_us = index_number(s, 11);
    row->header = index_blob(s, 12);
    row->envelope = index_blob(s, 13);
    row->recipient = index_blob(s, 14);
    row->text = index_blob(s, 15);
    index_fixed(s, 16, row->letter.b, ID_SIZE);
    row->opened_us = center_state_parse(index_blob(s, 17), &center) ? center.opened_us : 0;
}

static bool index_attempts(struct index *x, int64_t recipient, const struct msg_row *row, index_attempt_fn *fn,
                           void *ctx, struct err *err)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_ATTEMPTS, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, recipient);
    while (index_row(x, s, &ok, err)) {
        struct msg_attempt attempt = {.message = row->message, .index = row->index};
        attempt.number = (uint32_t)index_number(s, 0);
        attempt.at_us = index_number(s, 1);
        attempt.outcome = (uint8_t)index_number(s, 2);
        attempt.reason = (uint16_t)index_number(s, 3);
        attempt.proof = (uint8_t)index_number(s, 4);
        attempt.text = index_blob(s, 5);
        index_fixed(s, 6, attempt.evidence.b, ID_SIZE);
        attempt.evidence_header = index_blob(s, 7);
        attempt.evidence_sealed = index_blob(s, 8);
        fn(ctx, &attempt);
    }
    return ok;
}

/* The statement for a question, its first parameter bound. */
static sqlite3_stmt *index_query_prepare(struct index *x, const struct msg_ctl_query *query, struct err *err)
{
    sqlite3_stmt *s = NULL;
    if (!id_is_zero(&query->id)) {
        s = index_statement(x, INDEX_QUERY_ID, err);
        if (s != NULL) {
            index_bind_blob(s, 1, slice_of(query->id.b, ID_SIZE));
        }
    } else if (query->by_message_id || query->by_recipient) {
        s = index_statement(x, query->by_message_id ? INDEX_QUERY_MESSAGE_ID : INDEX_QUERY_RECIPIENT, err);
        if (s != NULL) {
            index_bind(s, 1, index_tag(query->by_message_id ? &query->message_id : &query->recipient));
        }
    } else {
        s = index_statement(x, query->open_only ? INDEX_QUERY_LIVE : INDEX_QUERY_ALL, err);
    }
    return s;
}

bool index_query(struct index *x, const struct msg_ctl_query *query, index_row_fn *row_fn, index_attempt_fn *attempt_fn,
                 void *ctx, uint32_t *ret_rows, bool *ret_more, struct err *err)
{
    bool ok = true;
    struct msg_row row;
    uint32_t limit = query->limit == 0 || query->limit > INDEX_ROWS_MAX ? INDEX_ROWS_MAX : query->limit;
    sqlite3_stmt *s = index_query_prepare(x, query, err);
    *ret_rows = 0;
    *ret_more = false;
    if (s == NULL) {
        return false;
    }
    if (sqlite3_bind_parameter_count(s) >= 3) {
        index_bind(s, 2, query->open_only ? 1 : 0);
        index_bind(s, 3, (int64_t)limit + 1);
    }
    while (index_row(x, s, &ok, err)) {
        if (*ret_rows == limit) {
            *ret_more = true;
            sqlite3_reset(s);
            return true;
        }
        (*ret_rows)++;
        index_row_read(x, s, &row);
        row_fn(ctx, &row);
        if (query->attempts && !index_attempts(x, index_number(s, 0), &row, attempt_fn, ctx, err)) {
            sqlite3_reset(s);
            return false;
        }
    }
    return ok;
}

bool index_recipient(struct index *x, uint64_t message, uint16_t recipient, struct slice *ret_header,
                     struct slice *ret_envelope, struct slice *ret_sealed)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_RECIPIENT, NULL);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, (int64_t)(message + recipient));
    if (!index_row(x, s, &ok, NULL)) {
        return false;
    }
    *ret_header = index_blob(s, 0);
    *ret_envelope = index_blob(s, 1);
    *ret_sealed = index_blob(s, 2);
    return true;
}

bool index_message_final(struct index *x, const struct id *id, bool *ret_known)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_FINAL, NULL);
    *ret_known = false;
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(id->b, ID_SIZE));
    if (!index_row(x, s, &ok, NULL)) {
        return false;
    }
    *ret_known = true;
    bool final = index_number(s, 1) == 0;
    sqlite3_reset(s);
    return final;
}

bool index_sums(struct index *x, struct index_sums *ret_sums, struct err *err)
{
    bool ok = true;
    *ret_sums = (struct index_sums){{0}, {0}};
    sqlite3_stmt *s = index_statement(x, INDEX_SUMS, err);
    while (s != NULL && index_row(x, s, &ok, err)) {
        int64_t state = index_number(s, 1);
        uint64_t count = (uint64_t)index_number(s, 2);
        uint64_t *sum = index_number(s, 0) == MSG_KIND_DSN ? ret_sums->dsn : ret_sums->mail;
        sum[0] += count;
        if (state > 0 && state < 5) {
            sum[state] += count;
        }
    }
    return s != NULL && ok;
}
