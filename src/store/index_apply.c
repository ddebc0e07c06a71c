/* SPDX-License-Identifier: Apache-2.0 */
/* From journal records to rows: the same path while the store runs and at replay. */
#include "store/index_impl.h"

#include "store/record_head.h"

bool index_malformed(const struct record *record, struct err *err)
{
    return err_set(err, "journal record %s at segment %08x, offset %u is whole but cannot be read: it was written by a "
                        "faulty program. Keep the journal and report this",
                   record_type_name(record->type), (unsigned)record_segment(record->position),
                   (unsigned)record_offset(record->position));
}

static bool index_add_recipient(struct index *x, uint64_t position, const struct msg_recipient *recipient,
                                int64_t next_us, struct err *err)
{
    sqlite3_stmt *s = index_statement(x, INDEX_ADD_RECIPIENT, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, (int64_t)(position + recipient->index));
    index_bind(s, 2, (int64_t)position);
    index_bind(s, 3, index_tag(&recipient->recipient));
    index_bind_blob(s, 4, slice_of(recipient->destination.b, TAG_SIZE));
    index_bind(s, 5, recipient->notify);
    index_bind(s, 6, next_us);
    index_bind_blob(s, 7, recipient->sealed);
    return index_run(x, s, err);
}

static bool index_add_message(struct index *x, const struct record *record, const struct record_message *m, int tenant,
                              struct err *err)
{
    sqlite3_stmt *s = index_statement(x, INDEX_ADD_MESSAGE, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, (int64_t)record->position);
    index_bind_blob(s, 2, slice_of(record->id.b, ID_SIZE));
    index_bind(s, 3, m->kind);
    index_bind(s, 4, m->flags);
    index_bind(s, 5, tenant);
    index_bind_blob(s, 6, id_is_zero(&m->credential) ? SLICE_EMPTY : slice_of(m->credential.b, ID_SIZE));
    index_bind(s, 7, m->accepted_us);
    index_bind(s, 8, m->by_us);
    index_bind(s, 9, (int64_t)m->size);
    index_bind(s, 10, index_tag(&m->message_id));
    index_bind(s, 11, (int64_t)m->content_length);
    index_bind_blob(s, 12, m->header);
    index_bind_blob(s, 13, m->envelope);
    return index_run(x, s, err);
}

static bool index_apply_message(struct index *x, const struct record *record, struct err *err)
{
    struct record_message m;
    struct msg_recipient recipient;
    if (!layout_read(&record_message_layout, record->head, &m)) {
        return index_malformed(record, err);
    }
    int tenant = index_tenant(x, m.tenant, err);
    if (tenant < 0 || !index_add_message(x, record, &m, tenant, err)) {
        return false;
    }
    struct wire_reader r = wire_reader_of(m.recipients);
    while (layout_next(&msg_recipient_layout, &r, &recipient)) {
        if (!index_add_recipient(x, record->position, &recipient, m.accepted_us, err)) {
            return false;
        }
        state_count(&x->tenant[tenant].counts, m.kind, 0, STATE_QUEUED, 0);
    }
    x->tenant[tenant].dirty = true;
    return wire_done(&r) || index_malformed(record, err);
}

static bool index_apply_evidence(struct index *x, const struct record *record, struct slice list, struct err *err)
{
    struct msg_evidence evidence;
    struct wire_reader r = wire_reader_of(list);
    while (layout_next(&msg_evidence_layout, &r, &evidence)) {
        sqlite3_stmt *s = index_statement(x, INDEX_ADD_EVIDENCE, err);
        if (s == NULL) {
            return false;
        }
        index_bind_blob(s, 1, slice_of(evidence.id.b, ID_SIZE));
        index_bind_blob(s, 2, evidence.header);
        index_bind_blob(s, 3, evidence.sealed);
        if (!index_run(x, s, err)) {
            return false;
        }
    }
    return wire_done(&r) || index_malformed(record, err);
}

static bool index_add_link(struct index *x, const struct digest *link, uint64_t letter, int64_t until_us,
                           struct err *err)
{
    sqlite3_stmt *s = index_statement(x, INDEX_ADD_LINK, err);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(link->b, DIGEST_SIZE));
    index_bind(s, 2, (int64_t)letter);
    index_bind(s, 3, until_us);
    return index_run(x, s, err);
}

static bool index_add_letter(struct index *x, const struct record_transition *t, const struct msg_letter *letter,
                             uint64_t row, struct err *err)
{
    sqlite3_stmt *s = index_statement(x, INDEX_ADD_LETTER, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, (int64_t)row);
    index_bind_blob(s, 2, slice_of(letter->id.b, ID_SIZE));
    index_bind(s, 3, (int64_t)t->message);
    index_bind(s, 4, (int64_t)(t->message + letter->index));
    index_bind(s, 5, t->at_us);
    index_bind(s, 6, letter->expires_us);
    index_bind(s, 7, letter->held);
    index_bind(s, 8, (int64_t)letter->content_length);
    index_bind_blob(s, 9, SLICE_EMPTY);
    index_bind_blob(s, 10, letter->header);
    index_bind_blob(s, 11, letter->envelope);
    index_bind_blob(s, 12, letter->recipient);
    index_bind_blob(s, 13, letter->token);
    index_bind_blob(s, 14, slice_of(letter->link.b, DIGEST_SIZE));
    return index_run(x, s, err) && index_add_link(x, &letter->link, row, letter->expires_us, err);
}

static bool index_apply_letters(struct index *x, const struct record *record, const struct record_transition *t,
                                struct err *err)
{
    struct msg_letter letter;
    struct wire_reader r = wire_reader_of(t->letters);
    for (uint64_t row = record->position; layout_next(&msg_letter_layout, &r, &letter); row++) {
        if (!index_add_letter(x, t, &letter, row, err)) {
            return false;
        }
    }
    return wire_done(&r) || index_malformed(record, err);
}

/* What a change does to the letter it is about. */
static bool index_change_letter(struct index *x, const struct record_transition *t, const struct record_change *change,
                                struct err *err)
{
    enum index_statement which = INDEX_STATEMENTS;
    switch ((enum state_event)change->event) {
    case STATE_NOTICE_DELIVER: /* the token is kept until the notice is sent, afterwards only its hash */
        which = INDEX_DROP_TOKEN;
        break;
    case STATE_TELL: /* a letter refused or withdrawn is needed until the return was written from it */
        which = INDEX_END_LETTER;
        break;
    case STATE_NOTICE_HOLD:
    case STATE_NOTICE_RELEASE:
        which = INDEX_SET_HELD;
        break;
    default:
        break;
    }
    if (which == INDEX_STATEMENTS || id_is_zero(&change->letter)) {
        return true;
    }
    sqlite3_stmt *s = index_statement(x, which, err);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(change->letter.b, ID_SIZE));
    if (which == INDEX_SET_HELD) {
        index_bind(s, 2, change->event == STATE_NOTICE_HOLD);
    } else if (which == INDEX_DROP_TOKEN) {
        index_bind(s, 2, t->at_us);
    }
    return index_run(x, s, err);
}

static bool index_add_attempt(struct index *x, const struct record_transition *t, const struct record_change *change,
                              struct err *err)
{
    if (change->attempt == 0) {
        return true;
    }
    sqlite3_stmt *s = index_statement(x, INDEX_ADD_ATTEMPT, err);
    if (s == NULL) {
        return false;
    }
    index_bind(s, 1, (int64_t)(t->message + change->index));
    index_bind(s, 2, change->attempt);
    index_bind(s, 3, t->at_us);
    index_bind(s, 4, state_outcome((enum state_event)change->event));
    index_bind(s, 5, change->reason);
    index_bind(s, 6, change->proof);
    index_bind_blob(s, 7, id_is_zero(&change->evidence) ? SLICE_EMPTY : slice_of(change->evidence.b, ID_SIZE));
    index_bind_blob(s, 8, change->text);
    return index_run(x, s, err);
}

static bool index_apply_change(struct index *x, const struct record_transition *t, const struct record_change *change,
                               struct err *err)
{
    sqlite3_stmt *s = index_statement(x, INDEX_CHANGE, err);
    if (s == NULL) {
        return false;
    }
    /* Why a recipient was posted stays its reason, whatever becomes of the notice, until it is returned. */
    bool notice = change->state == STATE_POSTED && change->event != STATE_POST;
    const struct state state = {change->generation, change->state, change->notice, change->flags, t->kind};
    index_bind(s, 1, (int64_t)(t->message + change->index));
    index_bind(s, 2, change->state);
    index_bind(s, 3, change->notice);
    index_bind(s, 4, change->flags);
    index_bind(s, 5, change->generation);
    if (notice) {
        sqlite3_bind_null(s, 6);
        sqlite3_bind_null(s, 7);
    } else {
        index_bind(s, 6, change->reason);
        index_bind(s, 7, change->proof);
    }
    index_bind(s, 8, change->attempt);
    index_bind(s, 9, change->next_us);
    index_bind(s, 10, state_is_live(&state));
    index_bind_blob(s, 11, notice ? SLICE_EMPTY : change->text);
    return index_run(x, s, err) && index_add_attempt(x, t, change, err) && index_change_letter(x, t, change, err);
}

static bool index_apply_transition(struct index *x, const struct record *record, struct err *err)
{
    struct record_transition t;
    struct record_change change;
    if (!layout_read(&record_transition_layout, record->head, &t)) {
        return index_malformed(record, err);
    }
    int tenant = index_tenant(x, t.tenant, err);
    if (tenant < 0 || !index_apply_evidence(x, record, t.evidence, err) || !index_apply_letters(x, record, &t, err)) {
        return false;
    }
    struct wire_reader r = wire_reader_of(t.changes);
    while (layout_next(&record_change_layout, &r, &change)) {
        if (!state_count_change(&x->tenant[tenant].counts, t.kind, &change)) {
            return index_malformed(record, err);
        }
        if (!index_apply_change(x, &t, &change, err)) {
            return false;
        }
    }
    x->tenant[tenant].dirty = true;
    return wire_done(&r) || index_malformed(record, err);
}

static bool index_apply_transit(struct index *x, const struct record *record, const struct record_center *c,
                                struct err *err)
{
    sqlite3_stmt *s = index_statement(x, c->transit_end == 0 ? INDEX_ADD_TRANSIT : INDEX_END_TRANSIT, err);
    if (s == NULL) {
        return false;
    }
    if (c->transit_end != 0) {
        index_bind_blob(s, 1, slice_of(c->transit.b, ID_SIZE));
        index_bind(s, 2, c->transit_end);
        return index_run(x, s, err);
    }
    index_bind(s, 1, (int64_t)record->position);
    index_bind_blob(s, 2, slice_of(c->transit.b, ID_SIZE));
    index_bind(s, 3, c->transit_kind);
    index_bind(s, 4, (int64_t)c->letter);
    index_bind(s, 5, c->at_us);
    index_bind_blob(s, 6, c->header);
    index_bind_blob(s, 7, c->sealed);
    return index_run(x, s, err);
}

static bool index_apply_center(struct index *x, const struct record *record, struct err *err)
{
    struct record_center c;
    if (!layout_read(&record_center_layout, record->head, &c)) {
        return index_malformed(record, err);
    }
    if (c.state.len > 0) {
        sqlite3_stmt *s = index_statement(x, INDEX_SET_CENTER, err);
        if (s == NULL) {
            return false;
        }
        index_bind(s, 1, (int64_t)c.letter);
        index_bind_blob(s, 2, c.state);
        if (!index_run(x, s, err)) {
            return false;
        }
    }
    if (c.act == CENTER_LINK_ASKED && !index_add_link(x, &c.link, c.letter, c.until_us, err)) {
        return false;
    }
    return id_is_zero(&c.transit) || index_apply_transit(x, record, &c, err);
}

static bool index_apply_credential(struct index *x, const struct record *record, struct err *err)
{
    struct record_credential c;
    if (!layout_read(&record_credential_layout, record->head, &c)) {
        return index_malformed(record, err);
    }
    sqlite3_stmt *s = index_statement(x, c.removed ? INDEX_DROP_CREDENTIAL : INDEX_SET_CREDENTIAL, err);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(record->id.b, ID_SIZE));
    if (!c.removed) {
        sqlite3_bind_text(s, 2, (const char *)c.name.data, (int)c.name.len, SQLITE_STATIC);
        index_bind_blob(s, 3, c.record);
    }
    return index_run(x, s, err);
}

static bool index_apply_lock(struct index *x, const struct record *record, struct err *err)
{
    struct record_lock lock;
    if (!layout_read(&record_lock_layout, record->head, &lock)) {
        return index_malformed(record, err);
    }
    sqlite3_stmt *s = index_statement(x, INDEX_SET_LOCK, err);
    if (s == NULL) {
        return false;
    }
    index_bind_blob(s, 1, slice_of(lock.subject.b, DIGEST_SIZE));
    index_bind(s, 2, lock.until_us);
    return index_run(x, s, err);
}

static bool index_counts_equal(const struct state_counts *a, const struct record_counts *b)
{
    return a->accepted == b->accepted && a->delivered == b->delivered && a->posted == b->posted &&
           a->returned == b->returned && a->dsn_accepted == b->dsn_accepted && a->dsn_final == b->dsn_final &&
           a->notices_sent == b->notices_sent;
}

/* Each wave-end is checked (P3): where it differs, records before it are missing. The rows' counters stay. */
static bool index_apply_wave_end(struct index *x, const struct record *record, struct err *err)
{
    struct record_wave_end end;
    struct record_counts counts;
    if (!layout_read(&record_wave_end_layout, record->head, &end)) {
        return index_malformed(record, err);
    }
    struct wire_reader r = wire_reader_of(end.counts);
    while (layout_next(&record_counts_layout, &r, &counts)) {
        int tenant = index_tenant(x, counts.tenant, err);
        if (tenant < 0) {
            return false;
        }
        x->mismatches += index_counts_equal(&x->tenant[tenant].counts, &counts) ? 0 : 1;
    }
    return wire_done(&r) || index_malformed(record, err);
}

bool index_begin(struct index *x, struct err *err)
{
    if (x->open) {
        return true;
    }
    sqlite3_stmt *s = index_statement(x, INDEX_BEGIN, err);
    x->open = s != NULL && index_run(x, s, err);
    return x->open;
}

static bool index_apply_record(struct index *x, const struct record *record, struct err *err)
{
    switch (record->type) {
    case RECORD_MESSAGE:
        return index_apply_message(x, record, err);
    case RECORD_TRANSITION:
        return index_apply_transition(x, record, err);
    case RECORD_CENTER:
        return index_apply_center(x, record, err);
    case RECORD_CREDENTIAL:
        return index_apply_credential(x, record, err);
    case RECORD_LOCK:
        return index_apply_lock(x, record, err);
    case RECORD_DOMAIN:
        return index_apply_domain(x, record, err);
    case RECORD_TALLY:
        return index_apply_tally(x, record, err);
    case RECORD_RECEIVED:
        return index_apply_received(x, record, err);
    case RECORD_WAVE_END:
        return index_apply_wave_end(x, record, err);
    case RECORD_ADMIN: /* leaves only */
    case RECORD_SEGMENT_END:
        return true;
    }
    return record_known(record, err);
}

bool index_apply(struct index *x, const struct record *record, struct err *err)
{
    if (record->position < x->position) {
        return true;
    }
    if (!index_begin(x, err) || !index_apply_record(x, record, err)) {
        return false;
    }
    x->position = record->position + record->size;
    return true;
}
