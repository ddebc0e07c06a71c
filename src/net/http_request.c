/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1.1 request reader: own strict checks of the head, llhttp for its grammar, a counted body. */
#include "net/http_request.h"

#include "base/mem.h"

#include <llhttp.h>

/* What the callbacks gather while llhttp walks over the head. */
struct head_walk {
    struct http_request *request;
    struct slice target;
    bool too_many;
};

static void request_fail(struct http_request *r, unsigned status)
{
    r->state = HTTP_REQUEST_BAD;
    r->status = status;
    r->keep_alive = false;
}

struct http_request *http_request_create(size_t body_max)
{
    struct http_request *r = mem_new(sizeof(*r));
    buf_init_secret(&r->head, HTTP_HEAD_MAX);
    buf_init_secret(&r->body, body_max);
    http_request_reset(r);
    return r;
}

void http_request_free(struct http_request **request)
{
    struct http_request *r = request == NULL ? NULL : *request;
    if (r == NULL)
        return;
    buf_free(&r->head);
    buf_free(&r->body);
    mem_free(r);
    *request = NULL;
}

void http_request_reset(struct http_request *request)
{
    struct http_request *r = request;
    buf_reset(&r->head);
    buf_reset(&r->body);
    r->state = HTTP_REQUEST_HEAD;
    r->status = 0;
    r->method = METHOD_GET;
    r->path = r->query = SLICE_EMPTY;
    r->field_count = 0;
    r->keep_alive = r->expects_continue = false;
    r->body_left = 0;
    r->end_seen = 0;
}

bool http_request_begun(const struct http_request *request)
{
    return request->head.len > 0;
}

/* Counts on in the CR LF CR LF that ends a head. */
static unsigned end_step(unsigned seen, uint8_t c)
{
    if (c == '\r')
        return seen == 2 ? 3 : 1;
    if (c == '\n')
        return seen == 1 ? 2 : seen == 3 ? 4 : 0;
    return 0;
}

/* Lenient parsers differ in these, which is what smuggling lives on: every CR is followed by LF and every LF preceded
 * by CR, no NUL, no empty line in front, no line begins with white space. Looks at the bytes from `from`; what stands before them
 * was looked at. */
static bool head_bytes_ok(struct slice s, size_t from)
{
    for (size_t i = from; i < s.len; i++) {
        uint8_t c = s.data[i], before = i == 0 ? '\n' : s.data[i - 1];
        if (c == 0 || (c == '\n') != (before == '\r' && i > 0))
            return false;
        if ((before == '\n' && (c == ' ' || c == '\t')) || (i == 0 && c == '\r'))
            return false;
    }
    return true;
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct head_walk *walk = parser->data;
    walk->target = slice_of(at, len);
    return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct head_walk *walk = parser->data;
    struct http_request *r = walk->request;
    walk->too_many = r->field_count == HTTP_FIELDS_MAX;
    if (walk->too_many)
        return HPE_USER;
    r->fields[r->field_count++] = (struct http_field){slice_of(at, len), SLICE_EMPTY};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct head_walk *walk = parser->data;
    struct http_request *r = walk->request;
    r->fields[r->field_count - 1].value = slice_trim(slice_of(at, len));
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED; /* the body is counted here, not by llhttp */
}

static bool method_of(uint8_t theirs, enum http_method *ret_method)
{
    static const uint8_t table[METHOD_COUNT] = {
        [METHOD_GET] = HTTP_GET, [METHOD_HEAD] = HTTP_HEAD,   [METHOD_POST] = HTTP_POST,
        [METHOD_PUT] = HTTP_PUT, [METHOD_PATCH] = HTTP_PATCH, [METHOD_DELETE] = HTTP_DELETE,
    };
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (table[i] == theirs) {
            *ret_method = (enum http_method)i;
            return true;
        }
    return false;
}

const char *http_method_name(enum http_method method)
{
    static const char *const names[METHOD_COUNT] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    return names[method];
}

/* Splits the target into path and query. The absolute form (RFC 9112 section 3.2.2) is read as its path: the authority
 * in it decides nothing here. */
static unsigned read_target(struct http_request *r, struct slice target)
{
    if (target.len > HTTP_TARGET_MAX)
        return 414;
    if (slice_istarts(target, SLICE_LIT("https://"))) {
        size_t slash = slice_find(target, 8, '/');
        target = slice_sub(target, slash, target.len);
    }
    if (target.len == 0 || target.data[0] != '/')
        return 400;
    for (size_t i = 0; i < target.len; i++)
        if (target.data[i] <= ' ' || target.data[i] >= 0x7f || target.data[i] == '#' || target.data[i] == '\\')
            return 400;
    size_t mark = slice_find(target, 0, '?');
    r->path = slice_sub(target, 0, mark);
    r->query = slice_sub(target, mark + 1, target.len);
    return 0;
}

static unsigned read_expect(struct http_request *r)
{
    size_t count = http_request_field_count(r, SLICE_LIT("expect"));
    struct slice value;
    if (count == 0)
        return 0;
    if (!http_request_field(r, SLICE_LIT("expect"), &value) || !slice_ieq(value, SLICE_LIT("100-continue")))
        return 417;
    r->expects_continue = true;
    return 0;
}

/* How long the body is: Content-Length or nothing (RFC 9112 section 6.3). */
static unsigned read_length(struct http_request *r)
{
    if (http_request_field_count(r, SLICE_LIT("transfer-encoding")) > 0)
        return 501;
    struct slice text;
    size_t count = http_request_field_count(r, SLICE_LIT("content-length"));
    uint64_t length = 0;
    if (count > 1)
        return 400;
    if (count == 0)
        return r->method == METHOD_GET || r->method == METHOD_HEAD || r->method == METHOD_DELETE ? 0 : 411;
    if (!http_request_field(r, SLICE_LIT("content-length"), &text) || !slice_u64(text, INT64_MAX, &length))
        return 400;
    if (length > r->body.max)
        return 413;
    r->body_left = (size_t)length;
    return 0;
}

/* Turns what llhttp said into a status; 0 when the head is good. */
static unsigned read_walk(struct http_request *r, llhttp_t *parser, const struct head_walk *walk, llhttp_errno_t result)
{
    if (result != HPE_PAUSED)
        return walk->too_many ? 431 : result == HPE_INVALID_VERSION ? 505 : 400;
    if (llhttp_get_http_major(parser) != 1 || llhttp_get_http_minor(parser) != 1)
        return 505;
    if (!method_of(llhttp_get_method(parser), &r->method))
        return 501;
    struct slice host;
    if (!http_request_field(r, SLICE_LIT("host"), &host) || host.len == 0)
        return 400;
    unsigned status = read_target(r, walk->target);
    if (status == 0)
        status = read_length(r);
    if (status == 0)
        status = read_expect(r);
    r->keep_alive = llhttp_should_keep_alive(parser) != 0;
    return status;
}

static void read_head(struct http_request *r)
{
    llhttp_settings_t settings;
    llhttp_t parser;
    struct head_walk walk = {.request = r};
    llhttp_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_header_field = on_field;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_headers_complete;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &walk;
    llhttp_errno_t result = llhttp_execute(&parser, (const char *)r->head.data, r->head.len);
    unsigned status = read_walk(r, &parser, &walk, result);
    if (status != 0)
        request_fail(r, status);
    else
        r->state = r->body_left > 0 ? HTTP_REQUEST_BODY : HTTP_REQUEST_DONE;
}

static size_t feed_head(struct http_request *r, struct slice s)
{
    size_t take = 0, before = r->head.len;
    while (take < s.len && r->end_seen < 4)
        r->end_seen = end_step(r->end_seen, s.data[take++]);
    if (!buf_append(&r->head, s.data, take)) {
        request_fail(r, 431);
        return take;
    }
    if (!head_bytes_ok(buf_slice(&r->head), before))
        request_fail(r, 400);
    else if (r->end_seen == 4)
        read_head(r);
    return take;
}

static size_t feed_body(struct http_request *r, struct slice s)
{
    size_t take = s.len < r->body_left ? s.len : r->body_left;
    buf_append(&r->body, s.data, take); /* Content-Length was held against its maximum */
    r->body_left -= take;
    if (r->body_left == 0)
        r->state = HTTP_REQUEST_DONE;
    return take;
}

size_t http_request_feed(struct http_request *request, struct slice s)
{
    size_t used = 0;
    if (request->state == HTTP_REQUEST_HEAD)
        used = feed_head(request, s);
    if (request->state == HTTP_REQUEST_BODY)
        used += feed_body(request, slice_sub(s, used, s.len));
    return used;
}

size_t http_request_field_count(const struct http_request *request, struct slice name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->field_count; i++)
        count += slice_ieq(request->fields[i].name, name);
    return count;
}

bool http_request_field(const struct http_request *request, struct slice name, struct slice *ret_value)
{
    if (http_request_field_count(request, name) != 1)
        return false;
    for (size_t i = 0; i < request->field_count; i++)
        if (slice_ieq(request->fields[i].name, name))
            *ret_value = request->fields[i].value;
    return true;
}

bool http_request_cookie(const struct http_request *request, struct slice name, struct slice *ret_value)
{
    struct slice all, found = SLICE_EMPTY;
    if (!http_request_field(request, SLICE_LIT("cookie"), &all))
        return false;
    for (size_t at = 0; at < all.len;) {
        size_t end = slice_find(all, at, ';');
        struct slice pair = slice_trim(slice_sub(all, at, end - at));
        size_t equals = slice_find(pair, 0, '=');
        if (equals < pair.len && slice_eq(slice_sub(pair, 0, equals), name)) {
            if (found.len > 0)
                return false;
            found = slice_sub(pair, equals + 1, pair.len);
        }
        at = end + 1;
    }
    if (found.len == 0)
        return false;
    *ret_value = found;
    return true;
}
