/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS that others have sent, sealed, in the index: bounded in number and age, whoever sends them. */
#include "base/clock.h"
#include "store/index_impl.h"
#include "store/record_head.h"

/* Runs a statement with one number. */
static bool index_received_run(struct index *x, enum index_statement which, int64_t number, struct err *err)
{
    sqlite3_stmt *s = index_statement(x, which, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, number);
    return index_run(x, s, err);
}

bool index_apply_received(struct index *x, const struct record *record, struct err *err)
{
    struct record_received received;
    if (!layout_read(&record_received_layout, record->head, &received)) {
        return index_malformed(record, err);
    }
    sqlite3_stmt *s = index_statement(x, INDEX_ADD_RECEIVED, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, (int64_t)record->position);
    index_bind_blob(s, 2, slice_of(record->id.b, ID_SIZE));
    index_bind(s, 3, received.at_us);
    index_bind(s, 4, received.size);
    index_bind_blob(s, 5, received.header);
    index_bind_blob(s, 6, received.sealed);
    return index_run(x, s, err) && index_received_run(x, INDEX_TRIM_RECEIVED, INDEX_RECEIVED_MAX, err);
}

bool index_received_forget(struct index *x, int64_t now_us, struct err *err)
{
    return index_begin(x, err) && index_received_run(x, INDEX_FORGET_RECEIVED, now_us - INDEX_RECEIVED_LIFE_US, err);
}

bool index_received(struct index *x, const struct id *id, int64_t since_us, index_received_fn *fn, void *ctx, struct err *err)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, id == NULL ? INDEX_RECEIVED_LIST : INDEX_RECEIVED_ONE, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, since_us);
    if (id != NULL) {
        index_bind_blob(s, 2, slice_of(id->b, ID_SIZE));
    }
    while (index_row(x, s, &ok, err)) {
        struct msg_received received = {.at_us = index_number(s, 1), .size = (uint32_t)index_number(s, 2)};
        index_fixed(s, 0, received.id.b, ID_SIZE);
        if (id != NULL) {
            received.header = index_blob(s, 3);
            received.sealed = index_blob(s, 4);
        }
        fn(ctx, &received);
    }
    return ok;
}

bool index_received_count(struct index *x, int64_t since_us, uint64_t *ret_count, struct err *err)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_RECEIVED_COUNT, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, since_us);
    if (!index_row(x, s, &ok, err)) {
        return false;
    }
    *ret_count = (uint64_t)index_number(s, 0);
    sqlite3_reset(s);
    return true;
}
