/* SPDX-License-Identifier: Apache-2.0 */
/* What the store reads from the index: the queue at start, letters, credentials, files. */
#include "store/index_impl.h"

static void index_live_read(const struct index *x, sqlite3_stmt *s, struct index_live *live)
{
    live->message = (uint64_t)index_number(s, 0);
    index_fixed(s, 1, live->id.b, ID_SIZE);
    live->kind = (uint8_t)index_number(s, 2);
    live->flags = (uint32_t)index_number(s, 3);
    live->tenant = index_tenant_name(x, index_number(s, 4));
    live->accepted_us = index_number(s, 5);
    live->by_us = index_number(s, 6);
    live->size = (uint64_t)index_number(s, 7);
    live->content_length = (uint64_t)index_number(s, 8);
    live->index = (uint16_t)index_number(s, 9);
    live->notify = (uint8_t)index_number(s, 10);
    index_fixed(s, 11, live->destination.b, TAG_SIZE);
    live->state.generation = (uint32_t)index_number(s, 12);
    live->state.recipient = (uint8_t)index_number(s, 13);
    live->state.notice = (uint8_t)index_number(s, 14);
    live->state.flags = (uint8_t)index_number(s, 15);
    live->state.kind = live->kind;
    live->attempts = (uint32_t)index_number(s, 16);
    live->reason = (uint16_t)index_number(s, 17);
    live->next_us = index_number(s, 18);
    live->letter = (uint64_t)index_number(s, 19);
    index_fixed(s, 20, live->letter_id.b, ID_SIZE);
    live->letter_at_us = index_number(s, 21);
}

bool index_load(struct index *x, index_live_fn *fn, void *ctx, struct err *err)
{
    bool ok = true;
    struct index_live live;
    sqlite3_stmt *s = index_statement(x, INDEX_LIVE, err);
    if (s == NULL) {
        return false;
    }
    while (index_row(x, s, &ok, err)) {
        index_live_read(x, s, &live);
        if (!fn(ctx, &live)) {
            sqlite3_reset(s);
            return err_set(err, "the queue in the index is larger than this program can hold");
        }
    }
    return ok;
}

void index_counts(struct index *x, index_counts_fn *fn, void *ctx)
{
    for (size_t i = 0; i < x->tenant_count; i++) {
        fn(ctx, slice_str(x->tenant[i].name), &x->tenant[i].counts);
    }
}

static void index_transit_read(sqlite3_stmt *s, struct index_transit *transit)
{
    index_fixed(s, 0, transit->id.b, ID_SIZE);
    transit->kind = (uint8_t)index_number(s, 1);
    transit->letter = (uint64_t)index_number(s, 2);
    transit->created_us = index_number(s, 3);
    transit->header = index_blob(s, 4);
    transit->sealed = index_blob(s, 5);
}

bool index_transits(struct index *x, index_transit_fn *fn, void *ctx, struct err *err)
{
    bool ok = true;
    struct index_transit transit;
    sqlite3_stmt *s = index_statement(x, INDEX_OPEN_TRANSITS, err);
    if (s == NULL) {
        return false;
    }
    while (index_row(x, s, &ok, err)) {
        index_transit_read(s, &transit);
        if (!fn(ctx, &transit)) {
            sqlite3_reset(s);
            return err_set(err, "more mails of the Message Center wait than this program can hold");
        }
    }
    return ok;
}

bool index_transit(struct index *x, const struct id *id, struct index_transit *ret_transit)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_TRANSIT, NULL);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(id->b, ID_SIZE));
    if (!index_row(x, s, &ok, NULL)) {
        return false;
    }
    index_transit_read(s, ret_transit);
    return true;
}

bool index_credentials(struct index *x, index_credential_fn *fn, void *ctx, struct err *err)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_CREDENTIALS, err);
    while (s != NULL && index_row(x, s, &ok, err)) {
        struct msg_credential credential = {.removed = false};
        index_fixed(s, 0, credential.id.b, ID_SIZE);
        credential.name = index_blob(s, 1);
        credential.record = index_blob(s, 2);
        fn(ctx, &credential);
    }
    return s != NULL && ok;
}

bool index_locks(struct index *x, int64_t now_us, index_lock_fn *fn, void *ctx, struct err *err)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_LOCKS, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, now_us);
    while (index_row(x, s, &ok, err)) {
        struct msg_lock lock;
        index_fixed(s, 0, lock.subject.b, DIGEST_SIZE);
        lock.until_us = index_number(s, 1);
        fn(ctx, &lock);
    }
    return ok;
}

bool index_files(struct index *x, bool letters, int64_t now_us, index_file_fn *fn, void *ctx, struct err *err)
{
    bool ok = true;
    struct id id;
    sqlite3_stmt *s = index_statement(x, letters ? INDEX_LETTER_FILES : INDEX_CONTENT_FILES, err);
    if (s == NULL) {
        return false;
    }
    if (letters) {
        index_bind(s, 1, now_us);
    }
    while (index_row(x, s, &ok, err)) {
        index_fixed(s, 0, id.b, ID_SIZE);
        fn(ctx, &id);
    }
    return ok;
}

static void index_letter_state(sqlite3_stmt *s, struct index_letter *letter)
{
    letter->recipient_state.generation = (uint32_t)index_number(s, 8);
    letter->recipient_state.recipient = (uint8_t)index_number(s, 9);
    letter->recipient_state.notice = (uint8_t)index_number(s, 10);
    letter->recipient_state.flags = (uint8_t)index_number(s, 11);
    letter->recipient_state.kind = (uint8_t)index_number(s, 12);
    letter->message_kind = letter->recipient_state.kind;
    letter->accepted_us = index_number(s, 13);
    letter->flags = (uint32_t)index_number(s, 14);
    letter->size = (uint64_t)index_number(s, 15);
    letter->reason = (uint16_t)index_number(s, 16);
}

static void index_letter_read(const struct index *x, sqlite3_stmt *s, struct index_letter *letter)
{
    uint64_t tag = (uint64_t)index_number(s, 7);
    *letter = (struct index_letter){.row = (uint64_t)index_number(s, 0)};
    index_fixed(s, 1, letter->id.b, ID_SIZE);
    letter->message = (uint64_t)index_number(s, 2);
    index_fixed(s, 3, letter->message_id.b, ID_SIZE);
    letter->index = (uint16_t)index_number(s, 4);
    letter->tenant = index_tenant_name(x, index_number(s, 5));
    index_fixed(s, 6, letter->destination.b, TAG_SIZE);
    for (size_t i = 0; i < 8; i++) {
        letter->recipient_tag.b[i] = (uint8_t)(tag >> (56 - 8 * i));
    }
    index_letter_state(s, letter);
    letter->at_us = index_number(s, 17);
    letter->expires_us = index_number(s, 18);
    letter->held = index_number(s, 19) != 0;
    letter->header = index_blob(s, 20);
    letter->envelope = index_blob(s, 21);
    letter->recipient = index_blob(s, 22);
    letter->token = index_blob(s, 23);
    letter->content_length = (uint64_t)index_number(s, 24);
    letter->fresh = !center_state_parse(index_blob(s, 25), &letter->center);
    index_fixed(s, 26, letter->first_link.b, DIGEST_SIZE);
    letter->sent_us = index_number(s, 27);
}

/* Runs a bound look-up of one letter. The row stays open, so that its slices live. */
static bool index_letter_get(struct index *x, sqlite3_stmt *s, struct index_letter *ret_letter)
{
    bool ok = true;
    if (!index_row(x, s, &ok, NULL)) {
        return false;
    }
    index_letter_read(x, s, ret_letter);
    return true;
}

bool index_letter_by_row(struct index *x, uint64_t row, struct index_letter *ret_letter)
{
    sqlite3_stmt *s = index_statement(x, INDEX_LETTER_BY_ROW, NULL);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, (int64_t)row);
    return index_letter_get(x, s, ret_letter);
}

bool index_letter_by_id(struct index *x, const struct id *id, struct index_letter *ret_letter)
{
    sqlite3_stmt *s = index_statement(x, INDEX_LETTER_BY_ID, NULL);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(id->b, ID_SIZE));
    return index_letter_get(x, s, ret_letter);
}

bool index_letter_by_link(struct index *x, const struct digest *link, struct index_letter *ret_letter)
{
    sqlite3_stmt *s = index_statement(x, INDEX_LETTER_BY_LINK, NULL);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(link->b, DIGEST_SIZE));
    return index_letter_get(x, s, ret_letter);
}

size_t index_letters_expired(struct index *x, int64_t now_us, struct id *ids, size_t max)
{
    bool ok = true;
    size_t count = 0;
    sqlite3_stmt *s = index_statement(x, INDEX_EXPIRED, NULL);
    if (s == NULL || !index_begin(x, NULL)) {
        return 0;
    }
    index_bind(s, 1, now_us);
    index_bind(s, 2, (int64_t)max);
    while (count < max && index_row(x, s, &ok, NULL)) {
        index_fixed(s, 0, ids[count++].b, ID_SIZE);
    }
    sqlite3_reset(s);
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt *gone = index_statement(x, INDEX_MARK_GONE, NULL);
        if (gone != NULL) {
            index_bind_blob(gone, 1, slice_of(ids[i].b, ID_SIZE));
            index_run(x, gone, NULL);
        }
    }
    return count;
}

bool index_mails(struct index *x, int64_t since_us, index_mail_fn *fn, void *ctx, struct err *err)
{
    bool ok = true;
    sqlite3_stmt *s = index_statement(x, INDEX_MAILS, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, since_us);
    while (index_row(x, s, &ok, err)) {
        struct tag recipient = {{0}};
        struct tag destination;
        uint64_t tag = (uint64_t)index_number(s, 0);
        for (size_t i = 0; i < 8; i++) {
            recipient.b[i] = (uint8_t)(tag >> (56 - 8 * i));
        }
        index_fixed(s, 1, destination.b, TAG_SIZE);
        fn(ctx, &recipient, &destination);
    }
    return ok;
}
