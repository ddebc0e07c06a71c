/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of a courier: a peer (roles/peer.h) that belongs to a lease, or is kept for the next message. It decides
 * nothing; it wakes its lease when the facts are complete, a transaction moved on, or the connection has ended. */
#ifndef ROLES_COURIER_SESSION_H
#define ROLES_COURIER_SESSION_H

#include "roles/courier.h"
#include "roles/peer.h"

struct courier_session {
    struct list link;      /* in courier.idle, or dead_sessions */
    struct list all;       /* in courier.sessions */
    struct courier *courier;
    struct courier_lease *lease; /* NULL when idle */
    struct peer *peer;
    struct trust_session *facts; /* the peer's */
    bool notice;           /* of the notice route: never kept */
    bool clear;            /* STARTTLS is not wanted */
    bool kept;             /* in courier.idle */
    bool reused;           /* by its lease: it was kept */
    bool outdated;         /* judged by authorities that were replaced since: never kept */
    unsigned messages;
    struct id evidence;    /* of this session, when it is written */
    struct slice evidence_tenant;
    struct digest evidence_says; /* trust_evidence_digest() of it */
    uint8_t evidence_tenant_text[MSG_TENANT_MAX];
};

/* Connects to an address of a host for a lease. Always gives a session; failures come by waking the lease from the loop,
 * never from inside this call. */
struct courier_session *courier_session_open(struct courier_lease *lease, const struct courier_host *host,
                                             const struct msg_address *address);

/* Gives the session back: it is kept for the next message when it may be, else it says goodbye. *session becomes NULL. */
void courier_session_release(struct courier_session **session);

/* Says QUIT on a kept session; it is kept no longer. */
void courier_session_goodbye(struct courier_session *session);

/* A kept session with this host at one of its addresses, now the lease's, its facts set for the lease's domain; or NULL. */
struct courier_session *courier_session_take(struct courier_lease *lease, const struct courier_host *host);

/* Ends and frees at the end of the turn. */
void courier_session_drop(struct courier_session *session);

/* Frees everything at once. For the reaper and the end of the role. */
void courier_session_free(struct courier_session *session);

#endif
