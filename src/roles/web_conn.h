/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTPS connection of the Message Center: requests in, answers out, one at a time. */
#ifndef ROLES_WEB_CONN_H
#define ROLES_WEB_CONN_H

#include "net/http_request.h"
#include "net/http_response.h"
#include "roles/web.h"

struct web_job;

/* A connection begins in HANDSHAKE. READING: it waits for a request or is in the middle of one. WORKING: a whole request
 * was read and its answer is being worked out, at once or by a job. SENDING: the answer's head is out, its body follows
 * as the reader takes it; then READING again, or CLOSING when either side asked for it. Only conn_become() changes the
 * state; every state has one deadline. */
enum web_conn_state { WEB_CONN_HANDSHAKE, WEB_CONN_READING, WEB_CONN_WORKING, WEB_CONN_SENDING, WEB_CONN_CLOSING };

struct web_conn {
    struct list link; /* in web->conns */
    struct web *web;
    struct tls_conn *tls;
    struct loop_timer *timer;
    enum web_conn_state state;
    struct http_request *request;
    struct buf ahead;   /* bytes behind the present request */
    bool processing;    /* conn_process() is running */
    bool close_after;   /* this answer is the last */
    bool continue_sent; /* "100 Continue" for this request */
    struct buf body;    /* rest of a page being sent */
    size_t body_at;
    uint64_t stream_left; /* bytes a job still owes to the body */
    struct web_job *job;  /* works on the request; NULL: none */
};

/* Takes over an accepted socket. */
void web_conn_create(struct web *web, int fd);

/* Ends it at once, with its job. *conn becomes NULL; NULL is accepted. */
void web_conn_free(struct web_conn **conn);

/* True while nothing of a request is under way, and before the handshake is done. */
bool web_conn_idle(const struct web_conn *conn);

/* Finishes the connection when it is idle, after the present answer otherwise. */
void web_conn_drain(struct web_conn *conn);

/* Answers the present request. length is set here from body, whose content is taken over (body is empty afterwards).
 * Frees the job: the last thing a job does. */
void web_conn_answer(struct web_conn *conn, struct http_response *response, struct buf *body);

/* Answers with a plain page; as web_conn_answer(). */
void web_conn_answer_plain(struct web_conn *conn, enum page_plain what);

/* Sends the head of an answer whose response->length bytes of body follow by web_conn_stream(). False when none follow
 * (HEAD or length 0): then the request is over and the job freed. */
bool web_conn_stream_begin(struct web_conn *conn, struct http_response *response);

/* Hands on bytes of the body, never more than announced. False when that was the last: the job is freed. */
bool web_conn_stream(struct web_conn *conn, struct slice bytes);

/* True while the reader keeps up; otherwise web_job_resume() is called once it does again. */
bool web_conn_stream_ready(const struct web_conn *conn);

#endif
