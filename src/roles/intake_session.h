/* SPDX-License-Identifier: Apache-2.0 */
/* One client of intake: its connection, its SMTP session, who it has proved to be, the message at hand. */
#ifndef ROLES_INTAKE_SESSION_H
#define ROLES_INTAKE_SESSION_H

#include "os/inet.h"
#include "roles/intake.h"
#include "roles/intake_senders.h"

struct intake_auth;
struct intake_message;

/* The protocol's state is the SMTP session's; here only what intake adds to it. A session lives from accept to closed():
 * every other end (time, drain, an error) closes the connection and lets closed() free it. */
struct intake_session {
    struct list link; /* in intake.sessions */
    struct intake *intake;
    struct intake_settings *settings;
    struct tls_conn *conn;
    struct smtp_server_session *smtp;
    struct loop_timer *timer;
    unsigned section;
    bool turned_away; /* one too many: 421 instead of a greeting */
    bool waits_file;  /* the store is opening a file: content is not read */
    bool held;        /* content is not read because the store is overloaded */
    bool closing;
    int64_t started_us;
    int64_t active_us;  /* last byte */
    int64_t content_us; /* begin of the content; 0: none */
    uint8_t address[16];
    size_t address_len; /* 4 or 16 */
    char address_text[INET_TEXT_MAX];
    uint8_t end_point[TLS_SERVER_END_POINT_MAX]; /* channel binding of the certificate this session was shown */
    size_t end_point_len;
    struct intake_auth *auth; /* an exchange under way */
    struct id credential;     /* once known */
    char *name;
    char *tenant;
    struct intake_senders senders;
    uint8_t minimum; /* proof demanded by the credential, enum trust_level; 0: none */
    struct intake_message *message;
};

/* Takes over fd, a connected socket of that listener. */
void intake_session_create(struct intake *intake, const struct intake_listener *listener, int fd,
                           const struct sockaddr *peer);

/* Moves replies to the client, starts TLS, closes, and sets whether is read: to be called after every answer that is
 * given to the SMTP session from outside of its own feed. */
void intake_session_pump(struct intake_session *session);

/* Says 421 as soon as it can, and closes. */
void intake_session_drain(struct intake_session *session, const char *status, const char *text);

/* Closes at once and frees. */
void intake_session_free(struct intake_session **session);

#endif
