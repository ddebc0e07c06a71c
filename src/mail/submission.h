/* SPDX-License-Identifier: Apache-2.0 */
/* The filter between a submitted message and what is kept of it (RFC 6409, rows 1, 2, 16, 18). What goes out is what
 * came in, less Bcc, Resent-Bcc and Sealpost-Minimum-Proof fields, with Received, Date (when missing) and Message-ID (when missing) on top:
 * not one byte else. The header is held until it is whole, the body passes through by slices of the input, so memory does not
 * grow with the message. Results do not depend on how the input is cut into pieces. */
#ifndef MAIL_SUBMISSION_H
#define MAIL_SUBMISSION_H

#include "base/buf.h"
#include "mail/header.h"
#include "mail/mailbox_list.h"
#include "mail/refusal.h"
#include "mail/trace.h"

/* The life of a message in the filter. It starts in HEADER and gathers the header block; the empty line (or the end
 * of the message) makes it judge the block, hand out the new one and go to BODY, where bytes are only looked at. FAILED
 * is entered by the first refusal and never left. One function changes the state: submission_enter(). */
enum mail_submission_state {
    MAIL_SUBMISSION_HEADER,
    MAIL_SUBMISSION_BODY,
    MAIL_SUBMISSION_FAILED,
};

/* Read-only for the caller. from, sender and the facts below them are there once state is BODY. */
struct mail_submission {
    enum mail_submission_state state;
    enum mail_refusal refusal;
    struct mail_mailbox_list from;   /* count 0: no From field, or one that names nobody */
    struct mail_mailbox_list sender; /* the same for Sender */
    struct mail_mailbox_list resent; /* all of Resent-From and Resent-Sender, which some programs show as the author */
    struct slice message_id; /* of the message as it goes out, without brackets; lives as long as the filter */
    uint8_t minimum;         /* of Sealpost-Minimum-Proof: enum trust_level, 0: not given */
    bool header_8bit;        /* bytes above 127 in the header: needs SMTPUTF8 (or, undeclared, at least 8BITMIME) */
    bool body_8bit;          /* bytes above 127 in the body: needs 8BITMIME */

    /* Private. */
    unsigned flags;
    size_t line_len;      /* octets of the present line so far, its CR included */
    bool last_cr;         /* the last octet was a CR */
    struct buf header;    /* the block as it came, with the empty line when there was one */
    struct buf top;       /* Received, from the start; then the whole new header */
    char date[48];        /* for a missing Date */
    struct buf made_id;   /* for a missing Message-ID, without brackets */
};

/* What a call hands on, to be kept in this order. Both may be empty. */
struct mail_submission_output {
    struct slice head; /* lives until the filter is freed */
    struct slice body; /* part of the input of this call */
};

/* Starts a message. trace->smtputf8 allows UTF-8 in addresses and demands it in the header. A missing Message-ID is made
 * from trace->id and trace->host. */
void mail_submission_init(struct mail_submission *s, const struct mail_trace *trace);

/* Takes the next bytes of the message (dots unstuffed). False when it is refused, see s->refusal; what was
 * handed out before is then to be thrown away, and every later call is refused for the same reason. */
bool mail_submission_feed(struct mail_submission *s, struct slice in, struct mail_submission_output *ret_out);

/* The message is complete. Hands out the header when there was no body. False as above: a CR at the very end is bare.
 * The last line may lack its CRLF (BDAT); it is kept so. */
bool mail_submission_finish(struct mail_submission *s, struct mail_submission_output *ret_out);

/* Wipes and frees. The struct may be initialised again. NULL is accepted. */
void mail_submission_free(struct mail_submission *s);

#endif
