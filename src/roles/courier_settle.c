/* SPDX-License-Identifier: Apache-2.0 */
/* Settling. */
#include "roles/courier_settle.h"

#include "base/clock.h"
#include "base/mem.h"
#include "roles/courier_dsn.h"
#include "roles/courier_lease.h"
#include "roles/courier_letter.h"
#include "roles/courier_memory.h"
#include "roles/courier_report.h"
#include "roles/courier_session.h"

void courier_settle_init(struct courier_lease *lease)
{
    buf_init(&lease->evidence, MSG_HEADER_MAX + MSG_EVIDENCE_MAX + 64);
    buf_init(&lease->letters, MSG_LIST_MAX);
    buf_init(&lease->results, MSG_LIST_MAX);
    buf_init(&lease->dsn, MSG_LIST_MAX);
    buf_init_secret(&lease->batch_frame, CHAN_PAYLOAD_MAX);
}

void courier_settle_free(struct courier_lease *lease)
{
    buf_free(&lease->evidence);
    buf_free(&lease->letters);
    buf_free(&lease->results);
    buf_free(&lease->dsn);
    buf_free(&lease->batch_frame);
    mem_wipe(&lease->item, sizeof(lease->item));
}

bool courier_settle_ask_batch(struct courier_lease *lease, uint8_t purpose, size_t count, uint32_t day,
                              chan_answer_fn *fn)
{
    struct msg_batch_ask ask = {purpose, lease->lease.tenant, (uint16_t)(count < MSG_BATCH_MAX ? count : MSG_BATCH_MAX), day};
    lease->stalled = false;
    return courier_ask(lease, lease->courier->keyd, MSG_KEY_BATCH, &msg_batch_ask_layout, &ask, fn);
}

bool courier_settle_take_batch(struct courier_lease *lease, const struct chan_frame *answer, struct msg_batch *ret_batch,
                               bool *ret_refused)
{
    courier_lease_answered(lease);
    *ret_refused = false;
    if (answer == NULL) {
        courier_stall(lease);
        return false;
    }
    buf_reset(&lease->batch_frame);
    if (buf_append_slice(&lease->batch_frame, answer->payload) &&
        layout_read(&msg_batch_layout, buf_slice(&lease->batch_frame), ret_batch) && ret_batch->code == MSG_OK) {
        lease->batch_at = wire_reader_of(ret_batch->items);
        return true;
    }
    log_error(role_log(lease->courier->role), "keyd gives no keys: code %u", ret_batch->code);
    *ret_refused = true;
    return false;
}

uint8_t courier_settle_outcome(const struct courier_lease *lease, struct courier_recipient *r)
{
    if (lease->lease.kind == MSG_LEASE_RETURN)
        return MSG_OUT_RETURNED;
    if (lease->lease.kind != MSG_LEASE_MAIL)
        return r->outcome;
    bool must_end = lease->lease.must_end || trust_verdict_must_end(lease->lease.accepted_us,
        lease->courier->conf->courier_hold, lease->lease.by_us, clock_utc_us());
    r->verdict = trust_verdict_hold(r->verdict, must_end);
    r->verdict.attack = r->verdict.attack || (lease->lease.flags & MSG_FLAG_ATTACK) != 0;
    switch (r->verdict.action) {
    case TRUST_SEND: return MSG_OUT_DELIVERED;
    case TRUST_POST: return MSG_OUT_POSTED;
    case TRUST_RETURN: return MSG_OUT_RETURNED;
    default: return MSG_OUT_LATER;
    }
}

/* ---- evidence ---- */

static void seal_evidence(struct courier_lease *lease, const struct msg_batch_item *item)
{
    struct buf sealed;
    buf_init(&sealed, MSG_EVIDENCE_MAX);
    bool ok = sealed_field_seal(lease->courier->field, &item->field_key, &item->id, MAIL_FIELD_EVIDENCE, 0,
                                buf_slice(&lease->record), &sealed);
    if (ok) {
        const struct msg_evidence evidence = {item->id, item->header, buf_slice(&sealed)};
        layout_write(&msg_evidence_layout, &lease->evidence, &evidence);
        lease->evidence_id = item->id;
    }
    buf_free(&sealed);
}

/* The session's later messages may refer to this record when it speaks of this session alone. */
static void remember_evidence(struct courier_lease *lease)
{
    struct courier_session *session = lease->session;
    struct slice tenant = lease->lease.tenant;
    if (session == NULL || lease->record_tries != 1 || tenant.len > sizeof(session->evidence_tenant_text))
        return;
    memcpy(session->evidence_tenant_text, tenant.data, tenant.len);
    session->evidence_tenant = slice_of(session->evidence_tenant_text, tenant.len);
    session->evidence = lease->evidence_id;
    session->evidence_says = trust_evidence_digest(buf_slice(&lease->record));
}

static void evidence_done(struct courier_lease *lease)
{
    if (!id_is_zero(&lease->evidence_id))
        remember_evidence(lease);
    courier_session_release(&lease->session);
    lease->settle = COURIER_SETTLE_LETTERS;
    lease->next = 0;
}

static void on_evidence_batch(void *ctx, const struct chan_frame *answer)
{
    struct courier_lease *lease = ctx;
    struct msg_batch batch = {.code = 0};
    struct msg_batch_item item;
    bool refused;
    if (courier_settle_take_batch(lease, answer, &batch, &refused) &&
        layout_next(&msg_batch_item_layout, &lease->batch_at, &item))
        seal_evidence(lease, &item);
    mem_wipe(&item, sizeof(item));
    mem_wipe(&batch, sizeof(batch));
    buf_reset(&lease->batch_frame);
    if (lease->stalled)
        return;
    evidence_done(lease);
    courier_lease_step(lease);
}

/* ---- steps ---- */

static void decide_outcomes(struct courier_lease *lease)
{
    for (size_t i = 0; i < lease->count; i++)
        lease->recipient[i].outcome = courier_settle_outcome(lease, &lease->recipient[i]);
}

static void step_evidence(struct courier_lease *lease)
{
    decide_outcomes(lease);
    courier_memory_note(lease);
    if (lease->record_tries == 0)
        evidence_done(lease);
    else
        (void)courier_settle_ask_batch(lease, MSG_PURPOSE_EVIDENCE, 1, 0, on_evidence_batch);
}

void courier_settle_step(struct courier_lease *lease)
{
    if (lease->lease.kind == MSG_LEASE_REPORT) { /* nobody is told of it but who sends it */
        courier_session_release(&lease->session);
        courier_lease_go(lease, COURIER_OVER);
        return;
    }
    for (enum courier_settle before = COURIER_SETTLE_DONE; before != lease->settle && lease->call == 0;) {
        before = lease->settle;
        if (lease->orphan && before > COURIER_SETTLE_EVIDENCE)
            lease->settle = COURIER_SETTLE_DONE;
        switch (lease->settle) {
        case COURIER_SETTLE_EVIDENCE: step_evidence(lease); break;
        case COURIER_SETTLE_LETTERS: courier_letter_ask(lease); break;
        case COURIER_SETTLE_FILES: courier_letter_next(lease); break;
        case COURIER_SETTLE_DSN: courier_dsn_ask(lease); break;
        case COURIER_SETTLE_DONE: break;
        }
    }
    if (lease->settle == COURIER_SETTLE_DONE && lease->state == COURIER_SETTLE) {
        courier_session_release(&lease->session);
        courier_report_last(lease);
    }
}
