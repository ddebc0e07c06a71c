/* SPDX-License-Identifier: Apache-2.0 */
/* The work on one request that must ask other processes. It has at most one question open, ends by an answer of its
 * connection, and can be given up at any moment when the connection goes. */
#ifndef ROLES_WEB_JOB_H
#define ROLES_WEB_JOB_H

#include "center/center_secret.h"
#include "center/routes.h"
#include "roles/web_conn.h"

/* Answers about codes and links leave at a multiple of this after the request, so that what the store had to do for
 * them cannot be told from the time they took (row 29). */
#define WEB_SLOT_US INT64_C(200000)

struct web_letter;

struct web_job {
    struct web *web;
    struct web_conn *conn;
    enum route_name name;
    struct center_secret token;   /* of the URL */
    struct center_secret session; /* of the cookie, or a new one */
    struct digest link;           /* of token */
    struct digest session_digest;
    struct id letter;
    unsigned part; /* attachment */
    struct center_code code;
    struct center_secret new_token;
    bool again; /* SEND asked from the code page of an older session */
    int64_t start_us;
    struct chan *asked; /* where the open question is; NULL: none */
    uint64_t request;
    struct loop_timer *timer;
    struct http_response parked; /* the answer that waits for its slot */
    struct buf parked_body;
    struct buf parked_header; /* bytes behind parked's slices */
    struct web_letter *work;     /* LETTER, ATTACHMENT: see web_letter.h */
};

/* A job for a request of conn; becomes conn->job. */
struct web_job *web_job_create(struct web_conn *conn, const struct route_match *match);

/* Gives the job up: no callback of it comes any more. *job becomes NULL; NULL is accepted. */
void web_job_free(struct web_job **job);

/* Asks a process; fn is called once, unless the job is freed before. False when that process is away: nothing was asked
 * and the caller answers 503. */
bool web_job_ask(struct web_job *job, struct chan *chan, enum msg_type type, const struct layout *layout,
                 const void *question, int fd, chan_answer_fn *fn);

/* To be called first in an answer callback: the question is not open any more. */
void web_job_answered(struct web_job *job);

/* Answers at the next slot. Takes over body, and copies location and cookie (Set-Cookie value). */
void web_job_answer_in_slot(struct web_job *job, const struct http_response *response, struct buf *body);

/* The reader has taken what was sent: send more of a streamed body. */
void web_job_resume(struct web_job *job);

#endif
