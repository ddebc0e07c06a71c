/* SPDX-License-Identifier: Apache-2.0 */
/* The server side of one submission session as a push machine: bytes in, calls of the handler and replies out. It does
 * no input or output, knows no clock and decides no policy: who may send what is the handler's answer. */
#ifndef SMTP_SMTP_SERVER_SESSION_H
#define SMTP_SMTP_SERVER_SESSION_H

#include "base/buf.h"
#include "smtp/smtp_param.h"

/* Limits of a session (P7). Beyond each: 421 and the end, unless said otherwise. */
#define SMTP_SERVER_FEED_MAX 65536u        /* bytes of one feed; kept whole while the handler owes an answer */
#define SMTP_SERVER_OUTPUT_MAX 262144u     /* replies the caller has not taken: a feed of the shortest commands */
#define SMTP_SERVER_ERRORS_UNKNOWN_MAX 20u /* refused commands before AUTH: a stranger who guesses */
#define SMTP_SERVER_ERRORS_MAX 1000u       /* refused commands of a known client since the last accepted message */
#define SMTP_SERVER_COMMANDS_UNKNOWN_MAX 100u /* commands before AUTH */
#define SMTP_SERVER_COMMANDS_MAX 5000u     /* commands of a known client since the last accepted message */
#define SMTP_SERVER_CHUNKS_MAX 20000u      /* BDAT commands of one message: 50 MB in chunks of 2.5 KB */

struct smtp_server_config {
    const char *hostname;    /* for greeting and EHLO */
    const char *mechanisms;  /* for AUTH in EHLO, separated by spaces; read at each EHLO */
    uint64_t message_max;    /* bytes: SIZE; more gets 552 */
    unsigned recipients_max; /* of one message: RCPTMAX; more get 452 */
};

struct smtp_server_session;

/* The handler. Each question marked * must be answered once, inside the call or at any time later, with the function
 * named; until then nothing further of the client's input is looked at. */
struct smtp_server_ops {
    /* * The client begins AUTH; initial is the decoded initial response. _challenge() or _authenticated() or _answer(). */
    void (*auth)(void *ctx, struct slice mechanism, bool has_initial, struct slice initial);
    /* * The decoded answer to the last challenge. As above. */
    void (*auth_response)(void *ctx, struct slice response);
    /* The exchange has ended without result (cancelled, malformed): forget it. */
    void (*auth_forget)(void *ctx);
    /* * MAIL. _answer(). mail lives until the transaction is over. */
    void (*mail)(void *ctx, const struct smtp_mail *mail);
    /* * RCPT. _answer(). rcpt lives until the call returns. */
    void (*rcpt)(void *ctx, const struct smtp_rcpt *rcpt);
    /* * The content is about to come. _go_ahead(), or _answer() with a refusal. */
    void (*begin)(void *ctx);
    /* A part of the content: dots unstuffed, only CRLF line ends. Lives until the call returns. */
    void (*content)(void *ctx, struct slice content);
    /* * All content has come. _answer(). Whatever the answer, the transaction is then over without forget(). */
    void (*end)(void *ctx);
    /* The transaction ends without end(): RSET, EHLO, a refused or faulty message, the end of the session. Called at
     * most once per accepted MAIL; a faulty message is forgotten at once, before the client has sent the rest of it. */
    void (*forget)(void *ctx);
};

/* A session. config, ops and ctx must outlive it. tls: the connection is already inside TLS (port 465). */
struct smtp_server_session *smtp_server_session_create(const struct smtp_server_config *config,
                                                       const struct smtp_server_ops *ops, void *ctx, bool tls);
/* Wipes and frees, without calling the handler. *session becomes NULL; NULL is accepted. Not from inside a call of the
 * handler. */
void smtp_server_session_free(struct smtp_server_session **session);

/* Puts the greeting into the output. Bytes fed before are kept. */
void smtp_server_session_greet(struct smtp_server_session *session);

/* Takes bytes of the client, at most SMTP_SERVER_FEED_MAX, all of them. Only while _wants_input() is true. */
void smtp_server_session_feed(struct smtp_server_session *session, struct slice bytes);

/* False while the handler owes an answer, between STARTTLS and TLS, and after the end: do not read from the client. */
bool smtp_server_session_wants_input(const struct smtp_server_session *session);

/* The replies to be sent; the caller sends and resets it. Wait for the answer of a question asked in one feed together
 * with others: replies gather here (RFC 2920). */
struct buf *smtp_server_session_output(struct smtp_server_session *session);

/* True when the session is over: send the output, then close. */
bool smtp_server_session_is_over(const struct smtp_server_session *session);

/* True when STARTTLS was answered with 220: send the output, then start TLS, then call smtp_server_session_tls(). */
bool smtp_server_session_wants_tls(const struct smtp_server_session *session);

/* TLS is up: the session starts anew, everything learnt before is forgotten (RFC 3207 4.2). */
void smtp_server_session_tls(struct smtp_server_session *session);

/* Answers the open question with one reply line: 2xx is yes. code 421 also ends the session. status is the enhanced
 * code, e.g. "5.7.1". */
void smtp_server_session_answer(struct smtp_server_session *session, unsigned code, const char *status,
                                const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Answers auth() or auth_response() with a challenge (not yet base64). */
void smtp_server_session_challenge(struct smtp_server_session *session, struct slice challenge);
/* Answers auth() or auth_response(): 235, the client is known. */
void smtp_server_session_authenticated(struct smtp_server_session *session);
/* Answers begin(): take the content. */
void smtp_server_session_go_ahead(struct smtp_server_session *session);

/* From the moment of go_ahead() to end(): the message is refused for this reason (4xx or 5xx). No more content comes, the
 * client learns it at the end of the message; forget() follows then. The first reason stays. Harmless otherwise. */
void smtp_server_session_fail(struct smtp_server_session *session, unsigned code, const char *status,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Ends the session with 421 and a sentence: at once, or, when end() has been asked, behind its answer. */
void smtp_server_session_drain(struct smtp_server_session *session, const char *status, const char *text);

/* True from end() to its answer. */
bool smtp_server_session_is_committing(const struct smtp_server_session *session);
/* True once AUTH has succeeded. */
bool smtp_server_session_is_authenticated(const struct smtp_server_session *session);
/* True while a message's content is being read. */
bool smtp_server_session_in_content(const struct smtp_server_session *session);
/* The EHLO or HELO argument, "" before; lives until the next command. */
const char *smtp_server_session_helo(const struct smtp_server_session *session);

#endif
