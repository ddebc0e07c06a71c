/* SPDX-License-Identifier: Apache-2.0 */
/* The steps from a link to a session. */
#include "roles/web_link.h"

#include "base/mem.h"
#include "keys/sealed_field.h"
#include "mail/envelope.h"
#include "net/http_form.h"

static void answer_busy(struct web_job *job)
{
    web_conn_answer_plain(job->conn, PAGE_BUSY);
}

static void put_cookie(struct buf *out, const struct web_job *job, unsigned age)
{
    buf_init_secret(out, 512);
    http_cookie_set(out, CENTER_COOKIE, slice_str(job->session.text), age);
}

/* The page with the code's form. cookie: the session is new. */
static void answer_code_page(struct web_job *job, enum page_code_note note, bool cookie)
{
    struct buf body, value;
    struct page_site site = web_site(job->web);
    buf_init_secret(&body, PAGE_MAX);
    put_cookie(&value, job, WEB_COOKIE_AGE_S);
    page_code(&body, &site, slice_str(job->token.text), &job->session, note);
    struct http_response response = {.status = note >= PAGE_CODE_WRONG ? 403 : 200, .kind = HTTP_BODY_HTML,
                                     .cookie = cookie ? buf_slice(&value) : SLICE_EMPTY};
    web_job_answer_in_slot(job, &response, &body);
    buf_free(&value);
}

static void answer_plain_in_slot(struct web_job *job, enum page_plain what, bool forget)
{
    struct buf body, value;
    struct page_site site = web_site(job->web);
    buf_init(&body, PAGE_MAX);
    put_cookie(&value, job, 0);
    page_plain(&body, &site, what);
    struct http_response response = {.status = page_plain_status(what), .kind = HTTP_BODY_HTML,
                                     .cookie = forget ? buf_slice(&value) : SLICE_EMPTY};
    web_job_answer_in_slot(job, &response, &body);
    buf_free(&value);
}

static bool read_code_of(const struct chan_frame *answer, const struct layout *layout, void *ret)
{
    return answer != NULL && layout_read(layout, answer->payload, ret);
}

/* The store has taken the wish for a code or link; what it did about it stays its own affair. */
static void on_sent(void *ctx, const struct chan_frame *answer)
{
    struct web_job *job = ctx;
    struct msg_status status;
    web_job_answered(job);
    if (!read_code_of(answer, &msg_status_layout, &status) || status.code == MSG_UNAVAILABLE)
        answer_busy(job);
    else if (job->name == ROUTE_NEW)
        answer_plain_in_slot(job, PAGE_NEW_LINK, false);
    else
        answer_code_page(job, job->again ? PAGE_CODE_SENT_AGAIN : PAGE_CODE_SENT, true);
}

/* Seals code or token for the courier under a key of its own. */
static void seal_transit(const struct web_job *job, const struct msg_batch_item *item, struct buf *out)
{
    struct sealed_field *field = sealed_field_create();
    bool link = job->name == ROUTE_NEW;
    sealed_field_seal(field, &item->field_key, &item->id, link ? MAIL_FIELD_TOKEN : MAIL_FIELD_CODE, 0,
                      slice_str(link ? job->new_token.text : job->code.digits), out);
    sealed_field_free(&field);
}

static void ask_store_to_send(struct web_job *job, const struct msg_batch_item *item)
{
    struct buf sealed;
    struct msg_center_send send = {.kind = job->name == ROUTE_NEW ? MSG_CENTER_LINK : MSG_CENTER_CODE,
                                   .link = job->link, .session = job->session_digest, .id = item->id, .header = item->header};
    buf_init(&sealed, MSG_TEXT_MAX);
    if (job->name == ROUTE_NEW) {
        center_secret_make(&job->new_token);
        center_secret_digest(&job->new_token, &send.new_link);
    } else {
        center_code_make(&job->code);
        center_code_tag(&job->web->code_key, &job->link, &job->session_digest, &job->code, &send.code);
    }
    seal_transit(job, item, &sealed);
    send.sealed = buf_slice(&sealed);
    if (!web_job_ask(job, job->web->store, MSG_CENTER_SEND, &msg_center_send_layout, &send, -1, on_sent))
        answer_busy(job);
    buf_free(&sealed);
}

static void on_batch(void *ctx, const struct chan_frame *answer)
{
    struct web_job *job = ctx;
    struct msg_batch batch;
    struct msg_batch_item item;
    web_job_answered(job);
    if (!read_code_of(answer, &msg_batch_layout, &batch) || batch.code != MSG_OK) {
        answer_busy(job);
        return;
    }
    struct wire_reader r = wire_reader_of(batch.items);
    if (layout_next(&msg_batch_item_layout, &r, &item))
        ask_store_to_send(job, &item);
    else
        answer_busy(job);
    mem_wipe(&item, sizeof(item));
    mem_wipe(&batch, sizeof(batch));
}

/* A code is bound to a browser session made for it: each asking makes a new one. */
static void start_send(struct web_job *job)
{
    const struct msg_batch_ask ask = {.purpose = MSG_PURPOSE_TRANSIT, .tenant = WEB_TRANSIT_TENANT, .count = 1};
    struct slice cookie;
    job->again = http_request_cookie(job->conn->request, CENTER_COOKIE, &cookie);
    center_secret_make(&job->session);
    center_secret_digest(&job->session, &job->session_digest);
    bool ready = job->web->code_key_known && job->web->store != NULL;
    if (!ready || !web_job_ask(job, job->web->keyd, MSG_KEY_BATCH, &msg_batch_ask_layout, &ask, -1, on_batch))
        answer_busy(job);
}

static void answer_to_letter(struct web_job *job, const struct id *letter)
{
    struct buf body, cookie, location;
    char text[ID_TEXT_SIZE];
    id_text(letter, text);
    buf_init(&body, 0);
    buf_init(&location, 64);
    buf_printf(&location, "/m/%s", text);
    put_cookie(&cookie, job, WEB_COOKIE_AGE_S);
    struct http_response response = {.status = 303, .kind = HTTP_BODY_HTML, .location = buf_slice(&location),
                                     .cookie = buf_slice(&cookie)};
    web_job_answer_in_slot(job, &response, &body);
    buf_free(&location);
    buf_free(&cookie);
}

static void on_verified(void *ctx, const struct chan_frame *answer)
{
    struct web_job *job = ctx;
    struct msg_center_access access;
    web_job_answered(job);
    if (!read_code_of(answer, &msg_center_access_layout, &access) || access.code == MSG_UNAVAILABLE)
        answer_busy(job);
    else if (access.code == MSG_OK)
        answer_to_letter(job, &access.letter);
    else
        answer_code_page(job, PAGE_CODE_WRONG, false);
}

static void start_code(struct web_job *job)
{
    struct http_form form;
    struct slice typed;
    struct msg_center_verify verify = {.link = job->link, .session = job->session_digest};
    bool good = http_form_parse(buf_slice(&job->conn->request->body), &form) &&
                http_form_get(&form, SLICE_LIT("code"), &typed) && center_code_parse(typed, &job->code);
    http_form_free(&form);
    if (!good) {
        answer_code_page(job, PAGE_CODE_NOT_DIGITS, false);
        return;
    }
    center_code_tag(&job->web->code_key, &job->link, &job->session_digest, &job->code, &verify.code);
    if (!job->web->code_key_known ||
        !web_job_ask(job, job->web->store, MSG_CENTER_VERIFY, &msg_center_verify_layout, &verify, -1, on_verified))
        answer_busy(job);
}

static void on_logged_out(void *ctx, const struct chan_frame *answer)
{
    struct web_job *job = ctx;
    web_job_answered(job);
    if (answer == NULL)
        answer_busy(job);
    else
        answer_plain_in_slot(job, PAGE_LOGGED_OUT, true);
}

static void start_logout(struct web_job *job)
{
    const struct msg_center_ask ask = {.session = job->session_digest, .letter = job->letter};
    if (!web_job_ask(job, job->web->store, MSG_CENTER_LOGOUT, &msg_center_ask_layout, &ask, -1, on_logged_out))
        answer_busy(job);
}

void web_link_start(struct web_job *job)
{
    if (job->name == ROUTE_CODE)
        start_code(job);
    else if (job->name == ROUTE_LOGOUT)
        start_logout(job);
    else
        start_send(job);
}
