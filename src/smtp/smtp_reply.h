/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of a server (RFC 5321 section 4.2, RFC 2034), read piece by piece and normalised before anybody decides on
 * them: one code, one enhanced status that agrees with it, text that is shown escaped only (row 15). */
#ifndef SMTP_SMTP_REPLY_H
#define SMTP_SMTP_REPLY_H

#include "base/buf.h"

/* RFC 5321 4.5.3.1.5 allows 512; servers in the field go beyond, nobody beyond this. */
#define SMTP_REPLY_LINE_MAX ((size_t)2048)
/* All lines of one reply. The longest EHLO replies in the field are below 2 KB. */
#define SMTP_REPLY_MAX ((size_t)16384)
#define SMTP_REPLY_LINES_MAX 128
/* What is kept of a reply for evidence and DSN: escaped bytes. */
#define SMTP_REPLY_TEXT_MAX ((size_t)1024)

enum smtp_reply_status {
    SMTP_REPLY_MORE, /* not complete yet */
    SMTP_REPLY_DONE, /* one whole reply */
    SMTP_REPLY_BAD,  /* not a reply: the session cannot go on */
};

enum smtp_reply_kind {
    SMTP_REPLY_POSITIVE,     /* 2xx */
    SMTP_REPLY_INTERMEDIATE, /* 3xx */
    SMTP_REPLY_TRANSIENT,    /* 4xx */
    SMTP_REPLY_PERMANENT,    /* 5xx */
};

/* RFC 3463 status; class_digit is 0 when the server gave none, or one that contradicts its code. */
struct smtp_enhanced {
    uint16_t class_digit;
    uint16_t subject;
    uint16_t detail;
};

/* Parser and result in one. text holds the lines without code and line end, joined by LF (raw: may hold any other
 * byte, so never show it but through smtp_reply_escape()). */
struct smtp_reply {
    uint16_t code;
    uint16_t lines;
    struct smtp_enhanced enhanced;
    enum smtp_reply_status status;
    struct buf text;
    struct buf line; /* the line being read */
};

/* Makes an empty reply. Free with smtp_reply_free(). */
void smtp_reply_init(struct smtp_reply *reply);

/* Releases the memory. NULL is accepted. */
void smtp_reply_free(struct smtp_reply *reply);

/* Forgets everything, ready for the next reply; keeps the memory. */
void smtp_reply_reset(struct smtp_reply *reply);

/* Reads bytes until the reply is complete, bad, or `in` is used up, and returns how many were used. The state is in
 * reply->status. Lines end in CRLF or LF; a code outside 200 to 599, a line whose code differs from the first, another
 * byte than SP or '-' behind the code, a line or reply over the limits make it bad. NUL and stray CR are kept as text. */
size_t smtp_reply_feed(struct smtp_reply *reply, struct slice in);

/* The class of a complete reply's code. */
enum smtp_reply_kind smtp_reply_kind(uint16_t code);

/* Line number i (from 0) of a complete reply, raw; the empty slice beyond the last. */
struct slice smtp_reply_line(const struct smtp_reply *reply, size_t i);

/* Appends "550 5.1.1 text / second line" escaped for people, cut at SMTP_REPLY_TEXT_MAX. */
void smtp_reply_escape(const struct smtp_reply *reply, struct buf *out);

/* The status for a DSN: the enhanced one when there is one, else class of the code with .0.0. */
struct smtp_enhanced smtp_reply_enhanced(uint16_t code, struct smtp_enhanced given);

#endif
