/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to a mail server: socket, TLS, the protocol's client side, and the facts that were seen. It decides
 * nothing; it wakes its lease when it is ready, offers no STARTTLS, moved on in a transaction, or has ended. */
#ifndef ROLES_COURIER_SESSION_H
#define ROLES_COURIER_SESSION_H

#include "roles/courier.h"

struct courier_session {
    struct list link;      /* in courier.idle, or dead_sessions */
    struct list all;       /* in courier.sessions */
    struct courier *courier;
    struct courier_lease *lease; /* NULL when idle */
    struct tls_conn *conn;
    struct smtp_client_connection *smtp;
    struct trust_session facts;
    struct loop_timer *timer;
    int64_t deadline_us;   /* wait clock */
    bool notice;           /* of the notice route: never kept */
    bool clear;            /* STARTTLS is not wanted */
    bool settled;          /* facts are complete: ready, no STARTTLS, or ended */
    bool kept;             /* in courier.idle */
    unsigned messages;
    struct id evidence;    /* of this session, when it is written */
    struct slice evidence_tenant;
    uint8_t evidence_tenant_text[MSG_TENANT_MAX];
};

/* Connects to an address of a host for a lease. Always gives a session; failures come by waking the lease from the loop,
 * never from inside this call. */
struct courier_session *courier_session_open(struct courier_lease *lease, const struct courier_host *host,
                                             const struct msg_address *address);

/* Sends what the protocol side has to say. Called after a transaction was started. */
void courier_session_pump(struct courier_session *session);

/* Gives the session back: it is kept for the next message when it may be, else it says goodbye. *session becomes NULL. */
void courier_session_release(struct courier_session **session);

/* Says QUIT on a kept session; it is kept no longer. */
void courier_session_goodbye(struct courier_session *session);

/* A kept session with this host at one of its addresses, now the lease's; or NULL. */
struct courier_session *courier_session_take(struct courier_lease *lease, const struct courier_host *host);

/* Ends and frees at the end of the turn. */
void courier_session_drop(struct courier_session *session);

/* Frees everything at once. For the reaper and the end of the role. */
void courier_session_free(struct courier_session *session);

#endif
