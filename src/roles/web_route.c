/* SPDX-License-Identifier: Apache-2.0 */
/* Checks common to all routes, and the pages that need nobody else. */
#include "roles/web_route.h"

#include "center/style.h"
#include "net/http_form.h"
#include "roles/web_job.h"
#include "roles/web_letter.h"
#include "roles/web_link.h"
#include "roles/web_report.h"

bool web_route_own_page(const struct http_request *request, struct slice base_url)
{
    struct slice site, origin;
    size_t sites = http_request_field_count(request, SLICE_LIT("sec-fetch-site"));
    size_t origins = http_request_field_count(request, SLICE_LIT("origin"));
    if (sites > 1 || origins > 1)
        return false;
    if (sites == 1 && http_request_field(request, SLICE_LIT("sec-fetch-site"), &site) &&
        !slice_eq(site, SLICE_LIT("same-origin")) && !slice_eq(site, SLICE_LIT("none")))
        return false;
    if (origins == 0 || !http_request_field(request, SLICE_LIT("origin"), &origin))
        return true;
    return slice_eq(origin, SLICE_LIT("null")) || slice_ieq(origin, base_url);
}

static void answer_constant(struct web_conn *conn, enum http_body_kind kind, struct slice content)
{
    struct buf body;
    struct http_response response = {.status = 200, .kind = kind};
    buf_init(&body, content.len);
    buf_append_slice(&body, content);
    web_conn_answer(conn, &response, &body);
}

static void answer_link_page(struct web_conn *conn, struct slice token)
{
    struct buf body;
    struct http_response response = {.status = 200, .kind = HTTP_BODY_HTML};
    struct page_site site = web_site(conn->web);
    buf_init_secret(&body, PAGE_MAX);
    page_link(&body, &site, token);
    web_conn_answer(conn, &response, &body);
}

static void answer_no_route(struct web_conn *conn, const struct route_match *match)
{
    struct buf body;
    struct page_site site = web_site(conn->web);
    enum page_plain what = match->other_method ? PAGE_METHOD : PAGE_NOT_FOUND;
    struct http_response response = {.status = page_plain_status(what), .kind = HTTP_BODY_HTML,
                                     .allow = match->other_method ? "GET, HEAD, POST" : NULL};
    buf_init(&body, PAGE_MAX);
    page_plain(&body, &site, what);
    web_conn_answer(conn, &response, &body);
}

/* The value of f in the query: the form token. */
static struct slice form_token_of(const struct http_request *request)
{
    return slice_starts(request->query, SLICE_LIT("f=")) ? slice_sub(request->query, 2, request->query.len) : SLICE_EMPTY;
}

/* Reads the session's cookie into job; false without one. */
static bool read_session(struct web_job *job)
{
    struct slice cookie;
    if (!http_request_cookie(job->conn->request, CENTER_COOKIE, &cookie) || !center_secret_parse(cookie, &job->session))
        return false;
    center_secret_digest(&job->session, &job->session_digest);
    return true;
}

/* What stands between a request with effects and its job; PAGE_FRONT stands for "nothing". */
static enum page_plain check_change(const struct web_job *job, bool session)
{
    const struct http_request *request = job->conn->request;
    struct slice type;
    if (!web_route_own_page(request, slice_str(role_conf(job->web->role)->center_base_url)))
        return PAGE_FORBIDDEN;
    if (session && !center_form_check(&job->session, form_token_of(request)))
        return PAGE_FORBIDDEN;
    if (request->body.len > 0 &&
        !(http_request_field(request, SLICE_LIT("content-type"), &type) && http_form_type(type)))
        return PAGE_BAD_REQUEST;
    return PAGE_FRONT;
}

static void start_job(struct web_conn *conn, const struct route_match *match)
{
    struct web_job *job = web_job_create(conn, match);
    if (match->route->session && !read_session(job)) {
        web_conn_answer_plain(conn, PAGE_NO_SESSION);
        return;
    }
    enum page_plain wrong = match->route->changes ? check_change(job, match->route->session) : PAGE_FRONT;
    if (wrong != PAGE_FRONT)
        web_conn_answer_plain(conn, wrong);
    else if (match->route->name == ROUTE_LETTER || match->route->name == ROUTE_ATTACHMENT)
        web_letter_start(job);
    else
        web_link_start(job);
}

void web_route_request(struct web_conn *conn)
{
    struct route_match match = route_find(conn->request->method, conn->request->path);
    if (slice_eq(conn->request->path, SLICE_LIT(CENTER_REPORT_PATH)) && !web_report_open(conn, &match))
        return;
    if (match.route == NULL) {
        answer_no_route(conn, &match);
        return;
    }
    switch (match.route->name) {
    case ROUTE_FRONT:
        web_conn_answer_plain(conn, PAGE_FRONT);
        return;
    case ROUTE_STYLE:
        answer_constant(conn, HTTP_BODY_CSS, style_sheet());
        return;
    case ROUTE_ICON:
        answer_constant(conn, HTTP_BODY_SVG, style_icon());
        return;
    case ROUTE_LINK:
        answer_link_page(conn, match.token);
        return;
    case ROUTE_REPORT:
        web_report_start(web_job_create(conn, &match));
        return;
    default:
        start_job(conn, &match);
        return;
    }
}
