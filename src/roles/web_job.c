/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: one open question, one timer, one answer. */
#include "roles/web_job.h"

#include "base/clock.h"
#include "base/mem.h"
#include "roles/web_letter.h"

static void on_slot(void *ctx)
{
    struct web_job *job = ctx;
    struct web_conn *conn = job->conn;
    struct http_response response = job->parked;
    struct buf body = job->parked_body, header = job->parked_header;
    buf_init(&job->parked_body, 0);
    buf_init(&job->parked_header, 0);
    web_conn_answer(conn, &response, &body); /* frees the job */
    buf_free(&header);
}

struct web_job *web_job_create(struct web_conn *conn, const struct route_match *match)
{
    struct web_job *job = mem_new(sizeof(*job));
    job->web = conn->web;
    job->conn = conn;
    job->name = match->route->name;
    job->letter = match->letter;
    job->part = match->number;
    job->start_us = clock_wait_us();
    buf_init(&job->parked_body, 0);
    buf_init(&job->parked_header, 0);
    job->timer = loop_timer_create(role_loop(conn->web->role), on_slot, job);
    if (match->token.len > 0 && center_secret_parse(match->token, &job->token))
        center_secret_digest(&job->token, &job->link);
    conn->job = job;
    return job;
}

void web_job_free(struct web_job **job)
{
    struct web_job *j = job == NULL ? NULL : *job;
    if (j == NULL)
        return;
    if (j->asked != NULL)
        chan_call_forget(j->asked, j->request);
    web_letter_free(&j->work);
    loop_timer_free(&j->timer);
    buf_free(&j->parked_body);
    buf_free(&j->parked_header);
    *job = NULL;
    mem_free_secret(j, sizeof(*j));
}

bool web_job_ask(struct web_job *job, struct chan *chan, enum msg_type type, const struct layout *layout,
                 const void *question, int fd, chan_answer_fn *fn)
{
    struct buf payload;
    if (chan == NULL)
        return false;
    buf_init_secret(&payload, CHAN_PAYLOAD_MAX);
    if (layout != NULL)
        layout_write(layout, &payload, question);
    job->asked = chan;
    job->request = chan_call(chan, (uint16_t)type, buf_slice(&payload), fd, MSG_DEADLINE_US, fn, job);
    buf_free(&payload);
    return true;
}

void web_job_answered(struct web_job *job)
{
    job->asked = NULL;
}

void web_job_answer_in_slot(struct web_job *job, const struct http_response *response, struct buf *body)
{
    int64_t spent = clock_wait_us() - job->start_us;
    int64_t slots = spent / WEB_SLOT_US + 1;
    buf_free(&job->parked_header);
    buf_init_secret(&job->parked_header, 1024);
    buf_append_slice(&job->parked_header, response->location);
    size_t middle = job->parked_header.len;
    buf_append_slice(&job->parked_header, response->cookie);
    struct slice all = buf_slice(&job->parked_header);
    job->parked = *response;
    job->parked.location = slice_sub(all, 0, middle);
    job->parked.cookie = slice_sub(all, middle, all.len);
    buf_free(&job->parked_body);
    job->parked_body = *body;
    buf_init(body, body->max);
    loop_timer_start(job->timer, slots * WEB_SLOT_US - spent);
}

void web_job_resume(struct web_job *job)
{
    if (job->work != NULL)
        web_letter_resume(job);
}
