/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 request (RFC 9112), strict and bounded. The head is checked byte by byte for what lenient parsers let
 * pass (bare CR or LF, NUL, folded lines), then read by llhttp with no lenient flag. A body needs Content-Length;
 * transfer codings are refused, so there is one way only to say where a request ends (no request smuggling). */
#ifndef NET_HTTP_REQUEST_H
#define NET_HTTP_REQUEST_H

#include "base/buf.h"

/* Request line and headers: browsers send about 1 KB; cookies of a neighbour on the same name may add some. */
#define HTTP_HEAD_MAX 16384
/* Header fields: a browser sends about 20. */
#define HTTP_FIELDS_MAX 64
/* The request target: our longest is under 200 bytes. */
#define HTTP_TARGET_MAX 2048
/* Body of a page's form. APIs give a limit of their own to http_request_create(). */
#define HTTP_FORM_BODY_MAX 65536

enum http_method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_COUNT };

/* A request is read in one direction: HEAD (until the empty line), BODY (until Content-Length bytes have come; left
 * out when that is 0), DONE. Any fault leads to BAD, from where only http_request_reset() leads on, and a connection
 * should not: where the next request starts is unknown. */
enum http_request_state { HTTP_REQUEST_HEAD, HTTP_REQUEST_BODY, HTTP_REQUEST_DONE, HTTP_REQUEST_BAD };

struct http_field {
    struct slice name;
    struct slice value;
};

/* All slices point into the request's own memory and live until http_request_reset(). */
struct http_request {
    enum http_request_state state;
    unsigned status; /* BAD: the status to answer with, 400 to 505 */
    enum http_method method;
    struct slice path;  /* begins with '/'; not decoded */
    struct slice query; /* behind '?', without it; not decoded */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
    bool keep_alive;       /* the client did not ask to close */
    bool expects_continue; /* the client waits for "100 Continue" before it sends the body */
    size_t body_left;
    struct buf head;
    struct buf body;
    unsigned end_seen; /* how many bytes of the CR LF CR LF that ends the head have come, 0 to 4 */
};

/* A request whose body may have body_max bytes (more is answered 413). */
struct http_request *http_request_create(size_t body_max);

/* Wipes and frees; *request becomes NULL; NULL is accepted. */
void http_request_free(struct http_request **request);

/* Back to the start for the next request of a connection; what was read is wiped. */
void http_request_reset(struct http_request *request);

/* Takes bytes of s, at most as many as belong to this request, and returns how many. The caller looks at state after
 * each call and gives the rest to the next request. */
size_t http_request_feed(struct http_request *request, struct slice s);

/* True when a byte of the request has come (a connection that closes or times out now was cut, not idle). */
bool http_request_begun(const struct http_request *request);

/* The value of the only header field of that name (letters compared without case). False when there is none or more
 * than one. */
bool http_request_field(const struct http_request *request, struct slice name, struct slice *ret_value);

/* Number of header fields of that name. */
size_t http_request_field_count(const struct http_request *request, struct slice name);

/* The value of the cookie of that name. False when absent, empty, or given twice (RFC 6265 section 5.4 leaves the order
 * to the client, so a second one is no proof of anything). */
bool http_request_cookie(const struct http_request *request, struct slice name, struct slice *ret_value);

/* The name of a method, e.g. "GET". */
const char *http_method_name(enum http_method method);

#endif
