/* SPDX-License-Identifier: Apache-2.0 */
/* The steps from a session to a page or download. */
#include "roles/web_letter.h"

#include <unistd.h>

#include "base/mem.h"
#include "roles/web_scrub.h"

struct web_letter {
    int fd;             /* the sealed file, until source has it */
    uint64_t sealed_length;
    int64_t expires_us;
    struct buf header;
    bool retried;       /* keyd had no grant once; the store was asked again */
    bool streaming;     /* a download's head is out: from here a failure can only cut the connection */
    struct web_source *source;
    struct web_scrub *scrub;
};

static void ask_store(struct web_job *job);

void web_letter_free(struct web_letter **letter)
{
    struct web_letter *w = letter == NULL ? NULL : *letter;
    if (w == NULL)
        return;
    web_scrub_free(&w->scrub);
    web_source_free(&w->source);
    if (w->fd >= 0)
        close(w->fd);
    buf_free(&w->header);
    mem_free(w);
    *letter = NULL;
}

/* The letter's page; view NULL: without its content taken apart. */
static void answer_page(struct web_job *job, const struct view_answer *view)
{
    struct buf body;
    struct page_site site = web_site(job->web);
    const struct page_letter letter = {.letter = job->letter, .expires_us = job->work->expires_us, .view = view,
                                       .size = web_source_length(job->work->source), .session = &job->session};
    struct http_response response = {.status = 200, .kind = HTTP_BODY_HTML};
    buf_init_secret(&body, PAGE_MAX);
    page_letter(&body, &site, &letter);
    web_conn_answer(job->conn, &response, &body);
}

/* Nothing more can be shown of this letter now. */
static void letter_failed(struct web_job *job, const char *reason)
{
    struct web_conn *conn = job->conn;
    char id[ID_TEXT_SIZE];
    id_text(&job->letter, id);
    log_warn(role_log(job->web->role), "letter %s: %s", id, reason);
    if (job->work->streaming)
        web_conn_free(&conn);
    else if (job->name == ROUTE_LETTER && job->work->source != NULL)
        answer_page(job, NULL);
    else
        web_conn_answer_plain(conn, PAGE_UNREADABLE);
}

/* --- the whole message --- */

static void stream_whole(struct web_job *job)
{
    struct err err = {""};
    while (web_conn_stream_ready(job->conn)) {
        struct slice bytes;
        if (!web_source_peek(job->work->source, &bytes, &err) || bytes.len == 0) {
            letter_failed(job, bytes.len == 0 && err.text[0] == '\0' ? "its content is shorter than its length" : err.text);
            return;
        }
        web_source_used(job->work->source, bytes.len);
        if (!web_conn_stream(job->conn, bytes))
            return;
    }
}

static void start_whole(struct web_job *job)
{
    struct http_response response = {.status = 200, .kind = HTTP_BODY_DOWNLOAD, .file_name = SLICE_LIT("message.eml"),
                                     .length = web_source_length(job->work->source)};
    job->work->streaming = true;
    if (web_conn_stream_begin(job->conn, &response))
        stream_whole(job);
}

/* --- scrub --- */

static void on_view(void *ctx, const struct view_answer *answer)
{
    struct web_job *job = ctx;
    struct http_response response = {.status = 200, .kind = HTTP_BODY_DOWNLOAD, .file_name = answer->name,
                                     .length = answer->content_length};
    if (job->name == ROUTE_LETTER) {
        answer_page(job, answer);
    } else if (answer->status != VIEW_OK) {
        web_conn_answer_plain(job->conn, PAGE_NOT_FOUND);
    } else {
        job->work->streaming = true;
        if (web_conn_stream_begin(job->conn, &response))
            web_scrub_reading(job->work->scrub, true);
    }
}

static bool on_content(void *ctx, struct slice bytes)
{
    struct web_job *job = ctx;
    if (!web_conn_stream(job->conn, bytes))
        return false;
    if (!web_conn_stream_ready(job->conn))
        web_scrub_reading(job->work->scrub, false);
    return true;
}

static void on_scrub_failed(void *ctx, const char *reason)
{
    letter_failed(ctx, reason);
}

static void on_scrub_ready(void *ctx, const struct chan_frame *answer)
{
    struct web_job *job = ctx;
    struct msg_status status;
    web_job_answered(job);
    if (answer == NULL || !layout_read(&msg_status_layout, answer->payload, &status) || status.code != MSG_OK)
        web_conn_answer_plain(job->conn, PAGE_BUSY);
    else
        web_scrub_go(job->work->scrub);
}

static void start_scrub(struct web_job *job)
{
    static const struct web_scrub_ops ops = {on_view, on_content, on_scrub_failed};
    struct web_letter *work = job->work;
    int other = -1;
    if (web_source_length(work->source) > VIEW_MESSAGE_MAX) {
        letter_failed(job, "too large to be taken apart");
        return;
    }
    work->scrub = web_scrub_create(role_loop(job->web->role), work->source, job->part, &ops, job, &other);
    bool asked = work->scrub != NULL && web_job_ask(job, job->web->scrub, MSG_SCRUB, NULL, NULL, other, on_scrub_ready);
    if (other >= 0)
        close(other);
    if (!asked)
        web_conn_answer_plain(job->conn, PAGE_BUSY);
}

/* --- store and keyd --- */

static void open_source(struct web_job *job, const struct key *content_key)
{
    struct web_letter *work = job->work;
    struct err err = {""};
    int fd = work->fd;
    work->fd = -1;
    work->source = web_source_create(fd, work->sealed_length, buf_slice(&work->header), content_key, &err);
    if (work->source == NULL)
        letter_failed(job, err.text);
    else if (job->name == ROUTE_ATTACHMENT && job->part == 0)
        start_whole(job);
    else
        start_scrub(job);
}

static void on_keys(void *ctx, const struct chan_frame *answer)
{
    struct web_job *job = ctx;
    struct msg_keys keys;
    web_job_answered(job);
    if (answer == NULL || !layout_read(&msg_keys_layout, answer->payload, &keys) || keys.code == MSG_UNAVAILABLE) {
        web_conn_answer_plain(job->conn, PAGE_BUSY);
    } else if (keys.code == MSG_OK) {
        open_source(job, &keys.content_key);
    } else if (!job->work->retried) {
        job->work->retried = true; /* keyd started anew and lost the grant: the store gives another */
        ask_store(job);
    } else {
        web_conn_answer_plain(job->conn, PAGE_NO_SESSION);
    }
    mem_wipe(&keys, sizeof(keys));
}

static void ask_keyd(struct web_job *job)
{
    const struct msg_letter_open ask = {.session = job->session_digest, .letter = job->letter,
                                        .header = buf_slice(&job->work->header)};
    if (!web_job_ask(job, job->web->keyd, MSG_LETTER_OPEN, &msg_letter_open_layout, &ask, -1, on_keys))
        web_conn_answer_plain(job->conn, PAGE_BUSY);
}

/* Keeps what the store said; false when it may not be shown. */
static bool keep_letter(struct web_job *job, const struct msg_center_letter *letter, int fd)
{
    struct web_letter *work = job->work;
    if (work->fd >= 0)
        close(work->fd);
    work->fd = fd;
    work->sealed_length = letter->content_length;
    work->expires_us = letter->expires_us;
    buf_reset(&work->header);
    return buf_append_slice(&work->header, letter->header) && fd >= 0;
}

static void on_letter(void *ctx, const struct chan_frame *answer)
{
    struct web_job *job = ctx;
    struct msg_center_letter letter;
    web_job_answered(job);
    int fd = answer == NULL ? -1 : answer->fd;
    bool read = answer != NULL && layout_read(&msg_center_letter_layout, answer->payload, &letter);
    if (read && letter.code == MSG_OK && keep_letter(job, &letter, fd)) {
        ask_keyd(job);
        return;
    }
    if (fd >= 0 && job->work->fd != fd)
        close(fd);
    bool away = !read || letter.code == MSG_UNAVAILABLE || letter.code == MSG_BUSY;
    web_conn_answer_plain(job->conn, away ? PAGE_BUSY : PAGE_NO_SESSION);
}

static void ask_store(struct web_job *job)
{
    const struct msg_center_ask ask = {.session = job->session_digest, .letter = job->letter};
    if (!web_job_ask(job, job->web->store, MSG_CENTER_LETTER, &msg_center_ask_layout, &ask, -1, on_letter))
        web_conn_answer_plain(job->conn, PAGE_BUSY);
}

void web_letter_start(struct web_job *job)
{
    job->work = mem_new(sizeof(*job->work));
    job->work->fd = -1;
    buf_init(&job->work->header, MSG_HEADER_MAX);
    ask_store(job);
}

void web_letter_resume(struct web_job *job)
{
    if (!job->work->streaming)
        return;
    if (job->work->scrub != NULL)
        web_scrub_reading(job->work->scrub, true);
    else
        stream_whole(job);
}
