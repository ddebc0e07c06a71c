/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery status notifications (RFC 3464; RFC 6533 for addresses beyond ASCII). Of the message they speak of, they
 * carry Message-ID and Date and nothing else: not even its subject. */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "mail/compose.h"

enum mail_dsn_action {
    MAIL_DSN_FAILED,
    MAIL_DSN_DELAYED,
    MAIL_DSN_DELIVERED,
    MAIL_DSN_RELAYED,
    MAIL_DSN_EXPANDED,
};

struct mail_dsn_recipient {
    const struct mail_address *address; /* Final-Recipient */
    struct slice original;   /* ORCPT, xtext decoded, "rfc822;a@b"; empty: the client gave none */
    enum mail_dsn_action action;
    struct slice status;     /* "5.1.1" */
    struct slice remote_mta; /* name of the host that answered; empty: none */
    struct slice diagnostic; /* its reply as it came, hostile or not; empty: none */
    int64_t attempt_us;      /* Last-Attempt-Date; 0: no attempt */
    int64_t retry_until_us;  /* Will-Retry-Until, DELAYED only; 0: absent */
    struct slice reason;     /* our own sentence for people, UTF-8 */
};

struct mail_dsn {
    struct mail_compose_head head; /* to: the envelope sender of the message */
    struct slice intro;            /* first paragraph for people, UTF-8 */
    bool smtputf8;                 /* the reader's route takes SMTPUTF8: addresses beyond ASCII are written as they are */
    struct slice envelope_id;      /* ENVID, xtext decoded; empty: none */
    int64_t arrival_us;
    struct slice message_id;       /* of the message, without brackets */
    struct slice date;             /* its Date as it stood; empty: it had none */
    const struct mail_dsn_recipient *recipients;
    size_t count;                  /* 1 to MAIL_DSN_RECIPIENTS_MAX */
};

/* Appends the whole DSN: multipart/report of text, message/delivery-status, text/rfc822-headers; with smtputf8 and an
 * address beyond ASCII message/global-delivery-status and message/global-headers instead (8-bit). *ret_utf8: the DSN
 * needs a host with SMTPUTF8. False with a reason in err; out is then to be thrown away. out should be made with
 * MAIL_COMPOSED_MAX. */
bool mail_dsn_compose(struct buf *out, const struct mail_dsn *dsn, bool *ret_utf8, struct err *err);

#endif
