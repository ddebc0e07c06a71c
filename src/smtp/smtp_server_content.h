/* SPDX-License-Identifier: Apache-2.0 */
/* Message content as it comes from a client: finds the end of DATA, takes stuffed dots away, and refuses what makes two
 * servers disagree about where a line or a message ends (rows 1 and 2). Copies nothing. */
#ifndef SMTP_SMTP_SERVER_CONTENT_H
#define SMTP_SMTP_SERVER_CONTENT_H

#include "base/slice.h"

/* What is wrong with a message; the first fault stays. After it nothing more is given out, and in DATA only the
 * genuine CRLF.CRLF still ends the message. */
enum smtp_server_fault {
    SMTP_SERVER_FAULT_NONE,
    SMTP_SERVER_FAULT_LF,   /* LF without CR */
    SMTP_SERVER_FAULT_CR,   /* CR without LF */
    SMTP_SERVER_FAULT_NUL,
    SMTP_SERVER_FAULT_LINE, /* a line of more than MAIL_LINE_MAX bytes */
};

/* Where the next byte stands:
 *   LINE     at the start of a line, that is: at the very start or behind CRLF, nothing else;
 *   TEXT     inside a line;
 *   CR       behind a CR in a line, LF must follow;
 *   DOT      behind a dot at the start of a line (DATA only); the dot is never content;
 *   DOT_CR   behind such a dot and CR; LF ends the message;
 *   END      the message is over. */
enum smtp_server_content_state {
    SMTP_SERVER_CONTENT_LINE,
    SMTP_SERVER_CONTENT_TEXT,
    SMTP_SERVER_CONTENT_CR,
    SMTP_SERVER_CONTENT_DOT,
    SMTP_SERVER_CONTENT_DOT_CR,
    SMTP_SERVER_CONTENT_END,
};

struct smtp_server_content {
    enum smtp_server_content_state state;
    enum smtp_server_fault fault;
    bool dots;   /* DATA: dots are stuffed, CRLF.CRLF ends */
    size_t line; /* bytes of the present line */
};

/* Starts a message. dots: true for DATA, false for BDAT. */
void smtp_server_content_start(struct smtp_server_content *content, bool dots);

/* Receives content; borrows from what was fed. */
typedef void smtp_server_content_fn(void *ctx, struct slice content);

/* Feeds bytes; gives content to fn in as few slices as possible. Returns the bytes used: all, unless the message ended
 * (state END), then those up to its end. */
size_t smtp_server_content_feed(struct smtp_server_content *content, struct slice bytes, smtp_server_content_fn *fn,
                                void *ctx);

/* BDAT LAST: the message ends here. A CR at the very end is a fault; a last line without CRLF is given one, because DATA
 * could not carry it otherwise. */
void smtp_server_content_finish(struct smtp_server_content *content, smtp_server_content_fn *fn, void *ctx);

/* The fault in words for a reply. */
const char *smtp_server_fault_text(enum smtp_server_fault fault);

#endif
