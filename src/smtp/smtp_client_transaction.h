/* SPDX-License-Identifier: Apache-2.0 */
/* One mail transaction on a connection: MAIL FROM, RCPT TO, DATA or BDAT, and what became of each recipient. Commands
 * go out together when PIPELINING is offered, content goes as BDAT when CHUNKING is (RFC 2920, 3030, 3461, 1870, 6152,
 * 6531, 2852).
 *
 * The story of a transaction. It begins in ENVELOPE, where MAIL and the RCPTs are said. With the first command of the
 * content (DATA or BDAT) it is in CONTENT. When the last byte of the content's end has been handed to the socket it is in
 * AFTER_END: from here on the peer may have the message. Every recipient's outcome known, it is DONE. A peer that refuses
 * MAIL or every recipient leads from ENVELOPE to DONE; a broken connection leads from anywhere to DONE, and the
 * outcomes then say in which stage. */
#ifndef SMTP_SMTP_CLIENT_TRANSACTION_H
#define SMTP_SMTP_CLIENT_TRANSACTION_H

#include "smtp/smtp_client_connection.h"
#include "smtp/smtp_client_content.h"
#include "smtp/smtp_permit.h"

/* Recipients of one transaction: RFC 5321 4.5.3.1.8 promises 100. */
#define SMTP_CLIENT_RECIPIENTS_MAX 100

enum smtp_transaction_state {
    SMTP_TRANSACTION_ENVELOPE,
    SMTP_TRANSACTION_CONTENT,
    SMTP_TRANSACTION_AFTER_END,
    SMTP_TRANSACTION_DONE,
};

/* NOTIFY values (RFC 3461 4.1), or-ed; 0: not given. */
enum {
    SMTP_NOTIFY_NEVER = 1,
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8,
};

/* Everything is borrowed and must stay until the transaction is freed. */
struct smtp_client_recipient {
    struct slice address; /* without <> */
    struct slice orcpt;   /* "rfc822;..." in xtext, or empty */
    uint8_t notify;
};

struct smtp_client_message {
    struct slice sender; /* without <>; empty: the null reverse-path */
    struct slice envid;  /* xtext; our own, never the author's; or empty */
    uint64_t size;       /* bytes of content */
    bool eight_bit;      /* content has bytes above 127 */
    bool require_tls;    /* RFC 8689 */
    bool utf8;           /* header or an address needs SMTPUTF8 */
    uint32_t deliver_by; /* seconds left, 0: none */
    smtp_client_read read;
    void *read_context;
};

/* What became of one recipient. A fault other than NONE and REPLY means that no answer came: at stage FINAL the peer
 * may have the message, at every stage before it has not. */
struct smtp_client_outcome {
    enum smtp_client_stage stage; /* where the deciding answer came, FINAL for the answer to the content */
    enum smtp_client_fault fault; /* NONE: a 2xx to the content; REPLY: see code */
    uint16_t code;
    struct smtp_enhanced enhanced;
    char *text; /* the reply, escaped; NULL without one */
};

struct smtp_client_transaction;

/* True when the peer's EHLO can take the message as it is; otherwise what is missing is in *ret_missing ("8BITMIME",
 * "SMTPUTF8", "SIZE" or "REQUIRETLS"). */
bool smtp_client_transaction_fits(const struct smtp_client_caps *caps, const struct smtp_client_message *message,
                                  const char **ret_missing);

/* Starts a transaction on an idle connection. *permit is consumed and becomes NULL. NULL is returned when the connection
 * is not idle, the permit is not for it, the message does not fit, an address holds a byte that may not be on the wire,
 * or count is not 1 to SMTP_CLIENT_RECIPIENTS_MAX. message and recipients are copied, what they point to is borrowed. */
struct smtp_client_transaction *smtp_client_transaction_start(struct smtp_client_connection *conn,
                                                              struct smtp_permit **permit,
                                                              const struct smtp_client_message *message,
                                                              const struct smtp_client_recipient *recipients,
                                                              size_t count);

/* Frees it; a transaction not done breaks its connection first. *transaction becomes NULL; NULL is accepted. */
void smtp_client_transaction_free(struct smtp_client_transaction **transaction);

/* Where it stands. */
enum smtp_transaction_state smtp_client_transaction_state(const struct smtp_client_transaction *transaction);

/* The outcome of recipient i; final once the state is DONE. Lives as long as the transaction. */
const struct smtp_client_outcome *smtp_client_transaction_outcome(const struct smtp_client_transaction *transaction,
                                                                  size_t i);

/* True once the peer has said anything in answer to it. */
bool smtp_client_transaction_heard(const struct smtp_client_transaction *transaction);

#endif
