/* SPDX-License-Identifier: Apache-2.0 */
/* The process that serves the Message Center over HTTPS: what its files share. A connection (web_conn) carries one
 * request at a time; a request that must ask somebody is a job (web_job); what a job does is in web_link (codes and
 * links) and web_letter (letters and attachments); web_route decides which. */
#ifndef ROLES_WEB_H
#define ROLES_WEB_H

#include "base/list.h"
#include "center/pages.h"
#include "net/tls_server.h"
#include "os/role.h"

#define WEB_CONNS_MAX 512u                /* connections of one process: about 30 KB each */
#define WEB_HANDSHAKE_US INT64_C(10000000) /* from accept to a finished handshake */
#define WEB_IDLE_US INT64_C(30000000)     /* between requests of one connection */
#define WEB_REQUEST_US INT64_C(20000000)  /* from the first byte of a request to its last */
#define WEB_STALL_US INT64_C(60000000)    /* without the reader taking a byte of an answer, or a job ending */
#define WEB_OUTPUT_MARK (256u * 1024u)    /* bytes handed to a connection before waiting for the reader */

struct web;

/* One listening socket. */
struct web_listener {
    struct web *web;
    int fd;
    struct loop_watch *watch; /* NULL: not there */
};

struct web {
    struct role *role;
    struct tls_library *library;
    struct tls_server *tls;
    struct tls_scratch *scratch;
    struct chan *store;
    struct chan *keyd;
    struct chan *scrub;
    struct web_listener listeners[CONF_LISTEN_MAX];
    struct list conns;
    size_t conn_count;
    struct key code_key; /* HMAC key of code tags, from keyd */
    bool code_key_known;
    bool draining;
};

/* What pages say about the operator. */
struct page_site web_site(const struct web *web);

/* True when as many connections are open as there may be: then each ends with its answer, so that those who ask one thing
 * behind the other keep nobody out. */
bool web_is_full(const struct web *web);

/* Called by connections when one begins to exist (1) and when it is gone (-1). */
void web_conn_count(struct web *web, int change);

#endif
