/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of the Message Center. */
#include "roles/web_conn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "roles/web_job.h"
#include "roles/web_route.h"

#define PIECE 65536u /* bytes of a page queued at once */

static int64_t deadline_of(const struct web_conn *conn)
{
    switch (conn->state) {
    case WEB_CONN_HANDSHAKE:
        return WEB_HANDSHAKE_US;
    case WEB_CONN_READING:
        return http_request_begun(conn->request) ? WEB_REQUEST_US : WEB_IDLE_US;
    case WEB_CONN_WORKING:
    case WEB_CONN_SENDING:
        return WEB_STALL_US;
    case WEB_CONN_CLOSING:
        return 2 * TLS_CONN_LINGER_US;
    }
    return WEB_HANDSHAKE_US;
}

/* The one place that changes the state. */
static void conn_become(struct web_conn *conn, enum web_conn_state state)
{
    conn->state = state;
    loop_timer_start(conn->timer, deadline_of(conn));
    if (state == WEB_CONN_CLOSING)
        tls_conn_close(conn->tls);
}

/* Back to waiting for a request: everything of the last one is gone. */
static void conn_reset(struct web_conn *conn)
{
    http_request_reset(conn->request);
    buf_free(&conn->body);
    conn->body_at = 0;
    conn->stream_left = 0;
    conn->continue_sent = false;
    web_job_free(&conn->job);
}

static void conn_answer_bad(struct web_conn *conn)
{
    struct buf body;
    struct http_response response = {.status = conn->request->status, .kind = HTTP_BODY_HTML, .close = true};
    struct page_site site = web_site(conn->web);
    buf_init(&body, PAGE_MAX);
    page_plain(&body, &site, conn->request->status == 503 ? PAGE_BUSY : PAGE_BAD_REQUEST);
    web_conn_answer(conn, &response, &body);
}

static void conn_dispatch(struct web_conn *conn)
{
    conn_become(conn, WEB_CONN_WORKING);
    tls_conn_reading(conn->tls, false);
    if (conn->request->state == HTTP_REQUEST_BAD)
        conn_answer_bad(conn);
    else
        web_route_request(conn);
}

/* Reads requests out of what has come, until one is being worked on. A loop, not a recursion, over pipelined ones. */
static void conn_process(struct web_conn *conn)
{
    if (conn->processing)
        return;
    conn->processing = true;
    while (conn->state == WEB_CONN_READING && conn->ahead.len > 0) {
        bool begun = http_request_begun(conn->request);
        buf_consume(&conn->ahead, http_request_feed(conn->request, buf_slice(&conn->ahead)));
        if (conn->request->state >= HTTP_REQUEST_DONE)
            conn_dispatch(conn);
        else if (!begun)
            conn_become(conn, WEB_CONN_READING); /* the deadline of a whole request runs from its first byte */
        if (conn->state == WEB_CONN_READING && conn->request->expects_continue && !conn->continue_sent)
            conn->continue_sent = tls_conn_write(conn->tls, http_response_continue());
    }
    conn->processing = false;
    tls_conn_flush(conn->tls);
}

/* The answer has been handed over whole. */
static void conn_request_done(struct web_conn *conn)
{
    bool last = conn->close_after || conn->web->draining;
    conn_reset(conn);
    if (last) {
        buf_free(&conn->ahead);
        conn_become(conn, WEB_CONN_CLOSING);
        return;
    }
    conn_become(conn, WEB_CONN_READING);
    tls_conn_reading(conn->tls, true);
    conn_process(conn);
}

/* Sends the page on while the reader takes it. */
static void conn_pump(struct web_conn *conn)
{
    bool waiting = false;
    while (!waiting) {
        while (conn->body_at < conn->body.len && web_conn_stream_ready(conn)) {
            struct slice piece = slice_sub(buf_slice(&conn->body), conn->body_at, PIECE);
            if (!tls_conn_write(conn->tls, piece))
                return; /* closed() follows */
            conn->body_at += piece.len;
        }
        tls_conn_flush(conn->tls);
        waiting = conn->body_at >= conn->body.len || tls_conn_pending(conn->tls) > 0;
    }
    if (conn->body_at >= conn->body.len)
        conn_request_done(conn);
}

/* Writes the head; what follows is a body unless the request was HEAD. */
static void conn_head(struct web_conn *conn, struct http_response *response)
{
    struct buf head;
    response->close |= !conn->request->keep_alive || conn->web->draining || web_is_full(conn->web);
    conn->close_after = response->close;
    buf_init(&head, HTTP_RESPONSE_HEAD_MAX);
    bool good = http_response_head(response, clock_utc_us(), &head);
    conn_become(conn, WEB_CONN_SENDING);
    if (good) {
        tls_conn_write(conn->tls, buf_slice(&head));
    } else {
        conn->close_after = true; /* an answer that cannot be written is not written in part */
        buf_free(&conn->body);
        conn->stream_left = 0;
    }
    buf_free(&head);
}

void web_conn_answer(struct web_conn *conn, struct http_response *response, struct buf *body)
{
    response->length = body->len;
    web_job_free(&conn->job);
    conn->body = *body;
    conn->body_at = 0;
    buf_init(body, body->max);
    if (conn->request->method == METHOD_HEAD)
        conn->body_at = conn->body.len;
    conn_head(conn, response);
    conn_pump(conn);
}

void web_conn_answer_plain(struct web_conn *conn, enum page_plain what)
{
    struct buf body;
    struct page_site site = web_site(conn->web);
    struct http_response response = {.status = page_plain_status(what), .kind = HTTP_BODY_HTML,
                                     .retry_after = what == PAGE_BUSY ? 30 : 0};
    buf_init(&body, PAGE_MAX);
    page_plain(&body, &site, what);
    web_conn_answer(conn, &response, &body);
}

bool web_conn_stream_begin(struct web_conn *conn, struct http_response *response)
{
    conn->stream_left = conn->request->method == METHOD_HEAD ? 0 : response->length;
    conn_head(conn, response);
    tls_conn_flush(conn->tls);
    if (conn->stream_left > 0)
        return true;
    conn_request_done(conn);
    return false;
}

bool web_conn_stream(struct web_conn *conn, struct slice bytes)
{
    struct slice part = slice_sub(bytes, 0, conn->stream_left > SIZE_MAX ? SIZE_MAX : (size_t)conn->stream_left);
    tls_conn_write(conn->tls, part);
    tls_conn_flush(conn->tls);
    conn->stream_left -= part.len;
    if (conn->stream_left > 0)
        return true;
    conn_request_done(conn);
    return false;
}

bool web_conn_stream_ready(const struct web_conn *conn)
{
    return tls_conn_pending(conn->tls) < WEB_OUTPUT_MARK;
}

static void on_secured(void *ctx)
{
    struct web_conn *conn = ctx;
    conn_become(conn, WEB_CONN_READING);
}

static void on_input(void *ctx, struct slice bytes)
{
    struct web_conn *conn = ctx;
    if (conn->state == WEB_CONN_CLOSING)
        return;
    if (!buf_append_slice(&conn->ahead, bytes)) { /* sent far ahead of our answers: no client of ours does */
        web_conn_free(&conn);
        return;
    }
    conn_process(conn);
}

static void on_drained(void *ctx)
{
    struct web_conn *conn = ctx;
    if (conn->state != WEB_CONN_SENDING)
        return;
    loop_timer_start(conn->timer, WEB_STALL_US);
    if (conn->stream_left > 0 && conn->job != NULL)
        web_job_resume(conn->job);
    else if (conn->stream_left == 0)
        conn_pump(conn);
}

static void on_closed(void *ctx, enum tls_conn_end end, const char *reason)
{
    struct web_conn *conn = ctx;
    log_debug(role_log(conn->web->role), "connection ended (%d): %s", (int)end, reason);
    web_conn_free(&conn);
}

static void on_deadline(void *ctx)
{
    struct web_conn *conn = ctx;
    if (conn->state == WEB_CONN_READING && !http_request_begun(conn->request))
        conn_become(conn, WEB_CONN_CLOSING);
    else
        web_conn_free(&conn);
}

void web_conn_create(struct web *web, int fd)
{
    static const struct tls_conn_ops ops = {NULL, on_secured, on_input, on_drained, on_closed};
    struct web_conn *conn = mem_new(sizeof(*conn));
    conn->web = web;
    conn->request = http_request_create(HTTP_FORM_BODY_MAX);
    buf_init_secret(&conn->ahead, 2 * TLS_CONN_READ_MAX);
    list_init(&conn->link);
    list_push(&web->conns, &conn->link);
    web_conn_count(web, 1);
    conn->timer = loop_timer_create(role_loop(web->role), on_deadline, conn);
    conn->tls = tls_conn_create(role_loop(web->role), web->scratch, fd, false, &ops, conn);
    SSL *ssl = tls_server_ssl(web->tls);
    if (ssl == NULL) {
        web_conn_free(&conn);
        return;
    }
    conn_become(conn, WEB_CONN_HANDSHAKE);
    tls_conn_start_tls(conn->tls, ssl); /* may be secured at once */
}

void web_conn_free(struct web_conn **conn)
{
    struct web_conn *c = conn == NULL ? NULL : *conn;
    if (c == NULL)
        return;
    struct web *web = c->web;
    list_remove(&c->link);
    web_job_free(&c->job);
    loop_timer_free(&c->timer);
    tls_conn_free(&c->tls);
    http_request_free(&c->request);
    buf_free(&c->ahead);
    buf_free(&c->body);
    mem_free(c);
    *conn = NULL;
    web_conn_count(web, -1);
}

bool web_conn_idle(const struct web_conn *conn)
{
    return conn->state == WEB_CONN_HANDSHAKE || conn->state == WEB_CONN_CLOSING ||
           (conn->state == WEB_CONN_READING && !http_request_begun(conn->request));
}

void web_conn_drain(struct web_conn *conn)
{
    if (web_conn_idle(conn) && conn->state != WEB_CONN_CLOSING)
        web_conn_free(&conn);
    else
        conn->close_after = true;
}
