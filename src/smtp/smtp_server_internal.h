/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a server session, for the files smtp_server_*.c alone. */
#ifndef SMTP_SMTP_SERVER_INTERNAL_H
#define SMTP_SMTP_SERVER_INTERNAL_H

#include "smtp/smtp_command.h"
#include "smtp/smtp_server_content.h"
#include "smtp/smtp_server_session.h"
#include "smtp/smtp_syntax.h"

/* A session reads command lines (COMMAND). A line that is too long is thrown away up to its end (SKIP) and refused.
 * AUTH alternates between the handler's challenge and the client's line (AUTH_LINE). DATA and BDAT turn it to content:
 * DATA runs to the dot, CHUNK for the bytes announced; both return to COMMAND. Whenever the handler owes an answer the
 * state is WAITING, and `question` says for what; no input is looked at, so pipelined commands keep their order. The 220
 * of STARTTLS leads to HANDSHAKE: a byte that comes in the clear there was written before TLS and may be another's, so
 * it ends the session unread. OVER is the end; whatever still comes is dropped. */
enum smtp_server_state {
    SMTP_SERVER_COMMAND,
    SMTP_SERVER_SKIP,
    SMTP_SERVER_AUTH_LINE,
    SMTP_SERVER_DATA,
    SMTP_SERVER_CHUNK,
    SMTP_SERVER_WAITING,
    SMTP_SERVER_HANDSHAKE,
    SMTP_SERVER_OVER,
};

enum smtp_server_question {
    SMTP_SERVER_ASKED_NOTHING,
    SMTP_SERVER_ASKED_AUTH,
    SMTP_SERVER_ASKED_MAIL,
    SMTP_SERVER_ASKED_RCPT,
    SMTP_SERVER_ASKED_BEGIN,
    SMTP_SERVER_ASKED_END,
};

/* One mail transaction, from MAIL to the answer of its end. */
struct smtp_server_transaction {
    bool open; /* MAIL was accepted */
    struct smtp_mail mail;
    unsigned recipients;
    bool begun;      /* the handler said go_ahead */
    bool chunked;    /* BDAT, not DATA */
    bool last;       /* the present chunk is the last */
    bool discard;    /* the present chunk belongs to a refused BDAT */
    bool forgotten;  /* the handler has had its forget() */
    uint64_t left;   /* bytes of the present chunk still to come */
    unsigned chunks;
    uint64_t size;   /* bytes of content so far */
    uint64_t received; /* bytes on the wire so far, refused ones too */
    struct smtp_server_content content;
    struct smtp_refusal failure; /* code 0: none */
    bool hang_up; /* the fault is one behind which no command may be read */
};

struct smtp_server_session {
    const struct smtp_server_config *config;
    const struct smtp_server_ops *ops;
    void *ctx;
    enum smtp_server_state state;
    enum smtp_server_question question;
    bool tls;
    bool esmtp;
    bool authenticated;
    bool auth_open; /* between AUTH and its end */
    char helo[SMTP_SYNTAX_HELO_MAX + 1];
    struct smtp_server_transaction transaction;
    struct buf pending; /* input that could not be used yet */
    struct buf out;
    bool working;       /* inside work(): answers do not start it again */
    bool drained;       /* end behind the answer of end(), with this: */
    const char *drain_status;
    const char *drain_text;
    unsigned errors;    /* since the last accepted message */
    unsigned commands;
    uint64_t skipped;   /* bytes of the line being skipped */
    uint8_t skipped_last;
};

/* The one place where the state changes. */
void smtp_server_set_state(struct smtp_server_session *s, enum smtp_server_state state,
                           enum smtp_server_question question);
/* The one place where a transaction is cleared; tells the handler with forget() unless it has had its end(). */
void smtp_server_reset(struct smtp_server_session *s, bool forget);
/* Appends one reply line; a 5xx counts as an error, and in place of one too many stands 421 and the session ends. */
void smtp_server_reply(struct smtp_server_session *s, unsigned code, const char *status, const char *text);
/* Refuses the message being read: nothing more goes to the handler, the client learns it at the end. The first reason
 * stays. */
void smtp_server_refuse_message(struct smtp_server_session *s, unsigned code, const char *status, const char *text);
/* Ends an AUTH exchange that has come to no result. */
void smtp_server_auth_drop(struct smtp_server_session *s);
/* Appends this reply and ends the session; an open transaction is forgotten. Never a second line behind a reply: a client
 * would take it for the answer to its QUIT. */
void smtp_server_last_word(struct smtp_server_session *s, unsigned code, const char *status, const char *text);
/* smtp_server_last_word() with 421. */
void smtp_server_hang_up(struct smtp_server_session *s, const char *status, const char *text);

/* smtp_server_command.c: runs one command line (without CRLF). */
void smtp_server_command(struct smtp_server_session *s, struct slice line);

/* smtp_server_auth.c: AUTH, and the lines of its exchange. */
void smtp_server_auth(struct smtp_server_session *s, struct slice argument);
/* One line of the client in an AUTH exchange. */
void smtp_server_auth_line(struct smtp_server_session *s, struct slice line);

/* smtp_server_message.c: DATA. */
void smtp_server_data(struct smtp_server_session *s);
/* BDAT; also when it is refused, because its bytes follow all the same. */
void smtp_server_bdat(struct smtp_server_session *s, struct slice argument);
/* Content bytes in state DATA or CHUNK; returns the bytes used. */
size_t smtp_server_content_bytes(struct smtp_server_session *s, struct slice bytes);
/* The handler's go_ahead. */
void smtp_server_begin(struct smtp_server_session *s);
/* The handler's refusal of begin(). */
void smtp_server_begin_refused(struct smtp_server_session *s, unsigned code, const char *status, const char *text);

#endif
