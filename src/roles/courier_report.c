/* SPDX-License-Identifier: Apache-2.0 */
/* Reports. */
#include "roles/courier_report.h"

#include "base/mem.h"
#include "roles/courier_lease.h"

/* The text that goes with a result: the peer's words, else nothing (the reason has words of its own). */
static void seal_text(struct courier_lease *lease, const struct courier_recipient *r, struct buf *out)
{
    if (r->reply == NULL || lease->keys.code != MSG_OK || id_is_zero(&lease->keys.id))
        return;
    (void)sealed_field_seal(lease->courier->field, &lease->keys.field_key, &lease->lease.message, MAIL_FIELD_TEXT, r->index,
                            slice_str(r->reply), out);
}

void courier_report_result(struct courier_lease *lease, struct courier_recipient *r)
{
    struct buf text;
    buf_init(&text, MSG_TEXT_MAX);
    seal_text(lease, r, &text);
    const struct msg_result result = {
        .index = r->index, .generation = r->generation, .outcome = r->outcome, .reason = (uint16_t)r->verdict.reason,
        .proof = r->outcome == MSG_OUT_DELIVERED ? (uint8_t)r->verdict.level : 0, .evidence = lease->evidence_id,
        .text = buf_slice(&text)};
    layout_write(&msg_result_layout, &lease->results, &result);
    r->told = true;
    buf_free(&text);
}

static void report_free(struct courier_report *report)
{
    list_remove(&report->link);
    buf_free(&report->payload);
    mem_free(report);
}

/* One report is at its end; with the last one the lease is. */
static void report_over(struct courier_report *report)
{
    struct courier_lease *lease = report->lease;
    struct courier *courier = report->courier;
    report_free(report);
    if (lease != NULL && --lease->reports == 0 && lease->state == COURIER_REPORT)
        courier_lease_go(lease, COURIER_OVER);
    courier_look(courier);
}

static void on_status(void *ctx, const struct chan_frame *answer)
{
    struct courier_report *report = ctx;
    struct msg_status status = {.code = MSG_BROKEN};
    if (answer == NULL)
        return; /* the store died: courier_report_again() */
    if (!layout_read(&msg_status_layout, answer->payload, &status) || status.code != MSG_OK)
        log_warn(role_log(report->courier->role), "the store refused a completion: code %u", status.code);
    report_over(report);
}

static void report_send(struct courier_report *report)
{
    if (report->courier->store != NULL)
        (void)chan_call(report->courier->store, MSG_COMPLETE, buf_slice(&report->payload), -1, 0, on_status, report);
}

void courier_report_part(struct courier_lease *lease)
{
    struct courier_report *report = mem_new(sizeof(*report));
    const struct msg_complete complete = {
        .lease = lease->lease.lease, .epoch = lease->lease.epoch, .kind = lease->lease.kind,
        .message = lease->lease.message, .evidence = buf_slice(&lease->evidence),
        .results = buf_slice(&lease->results), .letters = buf_slice(&lease->letters), .dsn = buf_slice(&lease->dsn)};
    report->courier = lease->courier;
    report->lease = lease;
    lease->reports++;
    list_init(&report->link);
    list_push(&lease->courier->reports, &report->link);
    buf_init(&report->payload, CHAN_PAYLOAD_MAX);
    layout_write(&msg_complete_layout, &report->payload, &complete);
    if (!buf_ok(&report->payload))
        log_alarm(role_log(lease->courier->role), "a completion does not fit its message");
    buf_reset(&lease->evidence);
    buf_reset(&lease->results);
    buf_reset(&lease->letters);
    buf_reset(&lease->dsn);
    report_send(report);
}

/* An orphan tells only what cannot be done again. */
static bool to_tell(const struct courier_lease *lease, const struct courier_recipient *r)
{
    return !r->told && (!lease->orphan || r->outcome == MSG_OUT_DELIVERED);
}

void courier_report_last(struct courier_lease *lease)
{
    for (size_t i = 0; i < lease->count; i++) {
        if (to_tell(lease, &lease->recipient[i]))
            courier_report_result(lease, &lease->recipient[i]);
    }
    courier_lease_go(lease, COURIER_REPORT);
    if (lease->results.len > 0)
        courier_report_part(lease);
    else if (lease->reports == 0)
        courier_lease_go(lease, COURIER_OVER);
}

void courier_report_forget(struct courier_lease *lease)
{
    LIST_FOR(it, tmp, &lease->courier->reports) {
        struct courier_report *report = LIST_ENTRY(it, struct courier_report, link);
        if (report->lease == lease)
            report_free(report);
    }
    lease->reports = 0;
}

void courier_report_again(struct courier *courier)
{
    LIST_FOR(it, tmp, &courier->reports)
        report_send(LIST_ENTRY(it, struct courier_report, link));
}

void courier_report_free_all(struct courier *courier)
{
    LIST_FOR(it, tmp, &courier->reports)
        report_free(LIST_ENTRY(it, struct courier_report, link));
}
