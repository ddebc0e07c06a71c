/* SPDX-License-Identifier: Apache-2.0 */
/* A DKIM signature over a mail of our own (RFC 6376, relaxed/relaxed, rsa-sha256): what is to be signed, and the field.
 * The signature itself is made where the key is. Only for mail that Sealpost writes itself: its lines end in CRLF. */
#ifndef KEYS_DKIM_H
#define KEYS_DKIM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

#define DKIM_FIELD_MAX ((size_t)4096) /* bytes of a DKIM-Signature field with an RSA key of 4096 bits */

struct dkim_identity {
    struct slice domain;   /* d= */
    struct slice selector; /* s= */
};

/* Appends the DKIM-Signature field of mail (header, empty line, body) to field, up to and with "b=", and gives the
 * SHA-256 digest that is to be signed. Signs From twice, so that a second one breaks it, and all other fields that say
 * what the mail is. False with a reason when the mail has no header of the right form. */
bool dkim_prepare(struct slice mail, const struct dkim_identity *identity, int64_t now_us, struct buf *field,
                  struct digest *ret_digest, struct err *err);

/* Completes the field with the signature and its line end. It goes in front of the mail. */
void dkim_finish(struct buf *field, struct slice signature);

#endif
