/* SPDX-License-Identifier: Apache-2.0 */
/* The one way to answer an HTTP request. Every answer carries the security headers below; no caller can leave them
 * out or write a header of its own. A file name is encoded here. */
#ifndef NET_HTTP_RESPONSE_H
#define NET_HTTP_RESPONSE_H

#include "base/buf.h"

/* Status line and headers of one answer. */
#define HTTP_RESPONSE_HEAD_MAX 4096
/* A file name offered for saving, in bytes of UTF-8; file systems end at 255. */
#define HTTP_FILE_NAME_MAX 200

enum http_body_kind {
    HTTP_BODY_HTML,     /* a page */
    HTTP_BODY_TEXT,     /* plain text (errors before a page can be made) */
    HTTP_BODY_CSS,      /* the style sheet; the only kinds a cache may keep are CSS and SVG */
    HTTP_BODY_SVG,      /* the icon */
    HTTP_BODY_DOWNLOAD, /* octets to be saved, never shown (row 28) */
};

struct http_response {
    unsigned status;
    enum http_body_kind kind;
    uint64_t length;        /* bytes of the body that follow the head */
    struct slice location;  /* a path of ours for a 303; empty otherwise */
    struct slice cookie;    /* whole Set-Cookie value from http_cookie_set(); empty otherwise */
    struct slice file_name; /* DOWNLOAD: name to save under, from center/file_name.h */
    const char *allow;      /* 405: value of Allow; NULL otherwise */
    unsigned retry_after;   /* seconds, 0 for none */
    bool close;             /* the connection ends behind this answer */
};

/* Appends status line and headers. False (out marked over) when they do not fit, or a slice that becomes a header
 * verbatim holds a byte that could end one. */
bool http_response_head(const struct http_response *response, int64_t now_utc_us, struct buf *out);

/* The interim answer to `Expect: 100-continue`. */
struct slice http_response_continue(void);

/* Appends a Set-Cookie value for a `__Host-` cookie: Secure, HttpOnly, SameSite=Strict, Path=/ (RFC 6265bis section
 * 4.1.3). value must be base64url text. max_age_s 0 removes the cookie. */
bool http_cookie_set(struct buf *out, struct slice name, struct slice value, unsigned max_age_s);

/* The reason phrase of a status, e.g. "Not Found". */
const char *http_reason(unsigned status);

#endif
