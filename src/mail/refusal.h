/* SPDX-License-Identifier: Apache-2.0 */
/* Why a submitted message is not taken: one list with the reply for each. The first reason, in the order of the bytes, is
 * the reason; it does not depend on how the input was cut. */
#ifndef MAIL_REFUSAL_H
#define MAIL_REFUSAL_H

enum mail_refusal {
    MAIL_REFUSAL_NONE,
    MAIL_REFUSAL_BARE_CR,
    MAIL_REFUSAL_BARE_LF,
    MAIL_REFUSAL_NUL,
    MAIL_REFUSAL_LINE_LENGTH,
    MAIL_REFUSAL_HEADER_SIZE,
    MAIL_REFUSAL_HEADER_SYNTAX, /* or too many fields: the sentence says which */
    MAIL_REFUSAL_HEADER_UTF8,   /* SMTPUTF8 was asked for, and the header is not UTF-8 */
    MAIL_REFUSAL_FROM,          /* several From or Sender fields, or one that cannot be read */
    MAIL_REFUSAL_TLS_OPTIONAL,  /* TLS-Required: No */
    MAIL_REFUSAL_MINIMUM,       /* Sealpost-Minimum-Proof that cannot be understood */
    MAIL_REFUSAL_COUNT
};

struct mail_refusal_reply {
    unsigned code;        /* SMTP */
    const char *enhanced; /* RFC 3463 */
    const char *text;     /* one line of ASCII, quotes nothing of the message */
};

/* The reply for a reason, which must be neither NONE nor COUNT. */
const struct mail_refusal_reply *mail_refusal_reply(enum mail_refusal refusal);

#endif
