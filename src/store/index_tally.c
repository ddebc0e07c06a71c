/* SPDX-License-Identifier: Apache-2.0 */
/* Counts for reports about TLS in the index: sealed parts by day and domain tag, and which days of which domains were
 * reported, so that what comes late is never told in a second report. */
#include "base/clock.h"
#include "store/index_impl.h"
#include "store/record_head.h"

/* Runs a statement about a domain's day. */
static bool index_tally_run(struct index *x, enum index_statement which, const struct record_tally *tally, struct err *err)
{
    sqlite3_stmt *s = index_statement(x, which, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, tally->day);
    index_bind_blob(s, 2, slice_of(tally->domain.b, TAG_SIZE));
    return index_run(x, s, err);
}

static bool index_add_tally(struct index *x, const struct record *record, const struct record_tally *tally, struct err *err)
{
    sqlite3_stmt *s = index_statement(x, INDEX_ADD_TALLY, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, tally->day);
    index_bind_blob(s, 2, slice_of(tally->domain.b, TAG_SIZE));
    index_bind_blob(s, 3, slice_of(record->id.b, ID_SIZE));
    index_bind_blob(s, 4, tally->sealed);
    return index_run(x, s, err);
}

static bool index_forget_before(struct index *x, enum index_statement which, int64_t at_us, struct err *err)
{
    sqlite3_stmt *s = index_statement(x, which, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, (int64_t)clock_day(at_us) - INDEX_TALLY_DAYS);
    return index_run(x, s, err);
}

bool index_apply_tally(struct index *x, const struct record *record, struct err *err)
{
    struct record_tally tally;
    if (!layout_read(&record_tally_layout, record->head, &tally)) {
        return index_malformed(record, err);
    }
    bool ok = tally.done ? index_tally_run(x, INDEX_END_TALLY, &tally, err) && index_tally_run(x, INDEX_SET_REPORTED, &tally, err)
                         : index_add_tally(x, record, &tally, err);
    return ok && index_forget_before(x, INDEX_FORGET_TALLIES, tally.at_us, err) &&
           index_forget_before(x, INDEX_FORGET_REPORTED, tally.at_us, err);
}

bool index_tallies(struct index *x, const struct msg_tally_take *from, index_tally_fn *fn, void *ctx, struct err *err)
{
    bool ok = true;
    bool more = true;
    sqlite3_stmt *s = index_statement(x, INDEX_TALLIES, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, from->day);
    index_bind_blob(s, 2, slice_of(from->domain.b, TAG_SIZE));
    index_bind_blob(s, 3, slice_of(from->part.b, ID_SIZE));
    index_bind(s, 4, INDEX_TALLIES_AT_ONCE);
    while (more && index_row(x, s, &ok, err)) {
        struct msg_tally tally = {.day = from->day, .sealed = index_blob(s, 2)};
        index_fixed(s, 0, tally.domain.b, TAG_SIZE);
        index_fixed(s, 1, tally.part.b, ID_SIZE);
        more = fn(ctx, &tally);
    }
    sqlite3_reset(s);
    return ok;
}
