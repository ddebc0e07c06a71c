/* SPDX-License-Identifier: Apache-2.0 */
/* From a stranger's request to a sealed record. */
#include "roles/web_report.h"

#include "base/mem.h"
#include "keys/sealed_field.h"
#include "mail/envelope.h"

#define RETRY_S 3600u /* a day's limit ends at midnight UTC; senders try again within their day */

/* Programs read the status; the words are for whoever tries it by hand. */
static void answer(struct web_conn *conn, unsigned status, struct slice words)
{
    struct buf body;
    struct http_response response = {.status = status, .kind = HTTP_BODY_TEXT, .allow = status == 405 ? "POST" : NULL,
                                     .retry_after = status == 429 ? RETRY_S : 0};
    buf_init(&body, 256);
    (void)buf_append_slice(&body, words);
    web_conn_answer(conn, &response, &body);
}

/* application/tlsrpt+gzip or +json (RFC 8460 section 5.3), parameters aside. */
static bool is_report(const struct http_request *request)
{
    struct slice type;
    if (!http_request_field(request, SLICE_LIT("content-type"), &type))
        return false;
    type = slice_trim(slice_sub(type, 0, slice_find(type, 0, ';')));
    return slice_ieq(type, SLICE_LIT("application/tlsrpt+gzip")) || slice_ieq(type, SLICE_LIT("application/tlsrpt+json"));
}

bool web_report_open(struct web_conn *conn, const struct route_match *match)
{
    const struct http_request *request = conn->request;
    bool open = role_conf(conn->web->role)->report_contact != NULL;
    if (!open)
        web_conn_answer_plain(conn, PAGE_NOT_FOUND);
    else if (match->route == NULL)
        answer(conn, 405, SLICE_LIT("Reports about TLS come by POST.\n"));
    else if (!is_report(request))
        answer(conn, 415, SLICE_LIT("A report about TLS is application/tlsrpt+gzip or application/tlsrpt+json.\n"));
    else if (request->body.len == 0)
        answer(conn, 400, SLICE_LIT("There is no report in this request.\n"));
    else
        return true;
    return false;
}

static void on_kept(void *ctx, const struct chan_frame *frame)
{
    struct web_job *job = ctx;
    struct msg_status status;
    web_job_answered(job);
    if (frame == NULL || !layout_read(&msg_status_layout, frame->payload, &status))
        web_conn_answer_plain(job->conn, PAGE_BUSY);
    else if (status.code == MSG_OK)
        answer(job->conn, 201, SLICE_EMPTY);
    else if (status.code == MSG_BUSY)
        answer(job->conn, 429, SLICE_LIT("No more reports are taken today.\n"));
    else
        web_conn_answer_plain(job->conn, status.code == MSG_REFUSED ? PAGE_NOT_FOUND : PAGE_BUSY);
}

static void hand_over(struct web_job *job, const struct msg_batch_item *item)
{
    struct slice body = buf_slice(&job->conn->request->body);
    struct msg_received received = {.id = item->id, .size = (uint32_t)body.len, .header = item->header};
    struct sealed_field *field = sealed_field_create();
    struct buf sealed;
    buf_init(&sealed, MSG_RECEIVED_MAX);
    bool ok = sealed_field_seal(field, &item->field_key, &item->id, MAIL_FIELD_REPORT, 0, body, &sealed);
    sealed_field_free(&field);
    received.sealed = buf_slice(&sealed);
    if (!ok || !web_job_ask(job, job->web->store, MSG_CENTER_REPORT, &msg_received_layout, &received, -1, on_kept))
        web_conn_answer_plain(job->conn, PAGE_BUSY);
    buf_free(&sealed);
}

static void on_batch(void *ctx, const struct chan_frame *frame)
{
    struct web_job *job = ctx;
    struct msg_batch batch = {.code = MSG_UNAVAILABLE};
    struct msg_batch_item item = {.header = SLICE_EMPTY};
    web_job_answered(job);
    struct wire_reader r = wire_reader_of(SLICE_EMPTY);
    if (frame != NULL && layout_read(&msg_batch_layout, frame->payload, &batch) && batch.code == MSG_OK)
        r = wire_reader_of(batch.items);
    if (layout_next(&msg_batch_item_layout, &r, &item))
        hand_over(job, &item);
    else
        web_conn_answer_plain(job->conn, PAGE_BUSY);
    mem_wipe(&item, sizeof(item));
    mem_wipe(&batch, sizeof(batch));
}

void web_report_start(struct web_job *job)
{
    const struct msg_batch_ask ask = {.purpose = MSG_PURPOSE_REPORT, .tenant = SLICE_LIT("center"), .count = 1};
    if (!web_job_ask(job, job->web->keyd, MSG_KEY_BATCH, &msg_batch_ask_layout, &ask, -1, on_batch))
        web_conn_answer_plain(job->conn, PAGE_BUSY);
}
