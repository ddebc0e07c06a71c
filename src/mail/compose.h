/* SPDX-License-Identifier: Apache-2.0 */
/* Mail that Sealpost itself writes: notices, codes, and the heads of DSNs. There is no way to add a header line as text:
 * every line is made here from a typed value, and what could start another line is refused or encoded (rows 2, 18). */
#ifndef MAIL_COMPOSE_H
#define MAIL_COMPOSE_H

#include "base/id.h"
#include "mail/address.h"

/* Auto-Submitted (RFC 3834 5): generated for notices and codes, replied for DSNs. */
enum mail_compose_auto { MAIL_COMPOSE_GENERATED, MAIL_COMPOSE_REPLIED };

struct mail_compose_head {
    const struct mail_address *from;
    struct slice from_name; /* display name, UTF-8; may be empty */
    const struct mail_address *to;
    struct slice subject;   /* UTF-8, no control characters, at most MAIL_WORDS_MAX */
    int64_t utc_us;         /* Date */
    struct id id;           /* Message-ID <id@host> */
    struct slice host;      /* our name */
    enum mail_compose_auto automatic;
};

/* Appends From, To, Subject, Date, Message-ID, Auto-Submitted and MIME-Version. Domains are written as A-labels, so that
 * only a local part beyond ASCII makes the message need SMTPUTF8; *ret_utf8 tells. False with a reason in err. */
bool mail_compose_head(struct buf *out, const struct mail_compose_head *head, bool *ret_utf8, struct err *err);

/* Appends Content-Type text/plain; charset=utf-8, Content-Transfer-Encoding, the empty line and the text: as it is when
 * plain ASCII in short lines, else quoted-printable. Lines of text may end in LF or CRLF. False with a reason in err
 * when text is not UTF-8 or above MAIL_TEXT_MAX. Serves whole messages and parts of a multipart alike. */
bool mail_compose_text_part(struct buf *out, struct slice text, struct err *err);

/* Appends a whole message: head and text. out should be made with MAIL_COMPOSED_MAX. */
bool mail_compose_text(struct buf *out, const struct mail_compose_head *head, struct slice text, bool *ret_utf8,
                       struct err *err);

#endif
