/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of one SMTP connection, without I/O and without policy: bytes from the peer are fed in, bytes for
 * the peer are taken out, the caller runs the socket, the TLS handshake and the clock. RFC 5321, 3207, 2920, 3030.
 *
 * The story of a connection. It begins in GREETING. A 220 lets it say EHLO; the answer brings it to CLEAR, where the
 * caller chooses: STARTTLS, or (notice route only, a permit is needed) a transaction, or QUIT. STARTTLS answered by 220
 * brings HANDSHAKE, in which not one more byte may arrive by the clear channel; when the caller reports TLS, everything
 * learned before is forgotten and EHLO is said again; its answer brings READY. A transaction makes it BUSY; afterwards it
 * is READY (or CLEAR) again, through RESETTING when the peer must be told to forget a half-made one. QUIT leads to ENDED.
 * Whatever goes wrong leads to ENDED with one fault and the stage it happened in; nothing leads out of ENDED. */
#ifndef SMTP_SMTP_CLIENT_CONNECTION_H
#define SMTP_SMTP_CLIENT_CONNECTION_H

#include "smtp/smtp_reply.h"

enum smtp_client_state {
    SMTP_CLIENT_GREETING,
    SMTP_CLIENT_EHLO,
    SMTP_CLIENT_CLEAR,
    SMTP_CLIENT_STARTTLS,
    SMTP_CLIENT_HANDSHAKE,
    SMTP_CLIENT_EHLO_TLS,
    SMTP_CLIENT_READY,
    SMTP_CLIENT_BUSY,
    SMTP_CLIENT_RESETTING,
    SMTP_CLIENT_QUITTING,
    SMTP_CLIENT_ENDED,
};

/* What the connection was waiting for when something was said or went wrong. */
enum smtp_client_stage {
    SMTP_STAGE_NONE,
    SMTP_STAGE_CONNECT,
    SMTP_STAGE_GREETING,
    SMTP_STAGE_EHLO,
    SMTP_STAGE_STARTTLS,
    SMTP_STAGE_HANDSHAKE,
    SMTP_STAGE_EHLO_TLS,
    SMTP_STAGE_MAIL,
    SMTP_STAGE_RCPT,
    SMTP_STAGE_DATA,
    SMTP_STAGE_CONTENT, /* in the content, the end not handed over */
    SMTP_STAGE_FINAL,   /* the end was handed over, its answer did not come or is the one recorded */
    SMTP_STAGE_RSET,
    SMTP_STAGE_QUIT,
    SMTP_STAGE_IDLE,
};

enum smtp_client_fault {
    SMTP_FAULT_NONE,
    SMTP_FAULT_REPLY,     /* the peer refused: see the reply */
    SMTP_FAULT_MALFORMED, /* not a reply, over the limits, or a code that cannot answer this command */
    SMTP_FAULT_INJECTED,  /* spoke before it was asked, or in the clear behind the 220 of STARTTLS (row 4) */
    SMTP_FAULT_CLOSED,    /* closed in order */
    SMTP_FAULT_TRUNCATED, /* TLS ended without its closing alert, or the connection was reset */
    SMTP_FAULT_TIMEOUT,   /* the caller's clock ran out */
    SMTP_FAULT_TLS,       /* the handshake failed: see the caller's facts */
    SMTP_FAULT_LOCAL,     /* our content could not be read or is not fit for the wire */
};

/* What the last EHLO offered. */
struct smtp_client_caps {
    bool starttls;
    bool pipelining;
    bool eight_bit;
    bool utf8;
    bool chunking;
    bool dsn;
    bool size;
    bool enhanced;
    bool deliver_by;
    bool require_tls;   /* RFC 8689 */
    uint64_t size_max;  /* bytes; 0: not said */
    uint32_t rcpt_max;  /* LIMITS RCPTMAX (RFC 9422); 0: not said */
    uint32_t mail_max;  /* LIMITS MAILMAX; 0: not said */
};

struct smtp_client_connection;

/* A connection that was just opened; helo is the name or address literal for EHLO (copied). */
struct smtp_client_connection *smtp_client_connection_create(const char *helo);

/* Frees everything; *conn becomes NULL; NULL is accepted. A transaction must have been freed before. */
void smtp_client_connection_free(struct smtp_client_connection **conn);

/* Bytes that arrived. All are used. The state may change. */
void smtp_client_connection_feed(struct smtp_client_connection *conn, struct slice in);

/* The next bytes for the peer, empty when there is nothing to send now. Valid until the next call of any function here;
 * report what was sent with smtp_client_connection_sent(). Asks a running transaction for more. */
struct slice smtp_client_connection_output(struct smtp_client_connection *conn);

/* n bytes of the last output were handed to the socket or the TLS layer. */
void smtp_client_connection_sent(struct smtp_client_connection *conn, size_t n);

/* Sends STARTTLS. Only in CLEAR, and only when it was offered; false otherwise. */
bool smtp_client_connection_starttls(struct smtp_client_connection *conn);

/* The handshake was completed by the caller: forget all, say EHLO again. Only in HANDSHAKE. */
void smtp_client_connection_tls_started(struct smtp_client_connection *conn);

/* Sends QUIT in CLEAR or READY; in any other state just ends. */
void smtp_client_connection_quit(struct smtp_client_connection *conn);

/* The connection ended or must end, seen by the caller: CLOSED, TRUNCATED, TIMEOUT or TLS. */
void smtp_client_connection_broken(struct smtp_client_connection *conn, enum smtp_client_fault fault);

/* Where the story stands. */
enum smtp_client_state smtp_client_connection_state(const struct smtp_client_connection *conn);

/* True once the caller reported TLS. */
bool smtp_client_connection_tls(const struct smtp_client_connection *conn);

/* What the last EHLO offered; all false before. */
const struct smtp_client_caps *smtp_client_connection_caps(const struct smtp_client_connection *conn);

/* Why it is ENDED; SMTP_FAULT_NONE while it is not, and after a plain QUIT. */
enum smtp_client_fault smtp_client_connection_fault(const struct smtp_client_connection *conn);

/* The stage of the fault or, without one, the stage now waited in (the caller chooses its patience by it). */
enum smtp_client_stage smtp_client_connection_stage(const struct smtp_client_connection *conn);

/* The reply behind SMTP_FAULT_REPLY; code 0 otherwise. */
const struct smtp_reply *smtp_client_connection_reply(const struct smtp_client_connection *conn);

/* A number that is this connection's alone and changes when TLS starts. For smtp_permit. */
uint64_t smtp_client_connection_serial(const struct smtp_client_connection *conn);

/* "greeting", "EHLO", ... for people. */
const char *smtp_client_stage_name(enum smtp_client_stage stage);

/* "malformed reply", ... for people. */
const char *smtp_client_fault_name(enum smtp_client_fault fault);

#endif
