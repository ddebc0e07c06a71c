/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of addresses the Message Center answers: method, path, and whether a session is needed. Whatever is
 * not in it does not exist. A test walks it and tries every route without a session (row 24). */
#ifndef CENTER_ROUTES_H
#define CENTER_ROUTES_H

#include "base/id.h"
#include "net/http_request.h"

/* The link token in a URL: base64url of 32 random bytes. */
#define CENTER_TOKEN_TEXT 43
/* Attachments of one letter are numbered from 1; 0 is the whole message as it was sent. */
#define CENTER_ATTACHMENTS_MAX 100u

/* Where programs of others send reports about TLS. */
#define CENTER_REPORT_PATH "/tlsrpt"

enum route_name {
    ROUTE_FRONT,      /* what this place is */
    ROUTE_STYLE,      /* the style sheet */
    ROUTE_ICON,       /* the icon */
    ROUTE_LINK,       /* the inert page behind a link */
    ROUTE_SEND,       /* send me the code */
    ROUTE_CODE,       /* here is the code */
    ROUTE_NEW,        /* send me a new link */
    ROUTE_LETTER,     /* the letter */
    ROUTE_ATTACHMENT, /* one attachment */
    ROUTE_LOGOUT,     /* I have finished */
    ROUTE_REPORT,     /* a program's report about TLS (RFC 8460 section 5.4); there while reports have a contact */
};

struct route {
    enum route_name name;
    enum http_method method; /* GET serves HEAD too */
    const char *pattern;     /* segments; "{token}", "{letter}", "{n}" stand for values of exactly that shape */
    bool session;            /* needs a session; without one: 401 */
    bool changes;            /* has effects: POST only, and the request must come from our own pages; ROUTE_REPORT is a stranger's */
};

/* What the path held; slices point into it. */
struct route_match {
    const struct route *route; /* NULL when there is none */
    struct slice token;
    struct id letter;
    unsigned number;
    bool other_method; /* the path exists for another method: 405 */
};

/* Finds the route of a request. */
struct route_match route_find(enum http_method method, struct slice path);

/* The table, for tests. */
const struct route *route_table(size_t *ret_count);

#endif
