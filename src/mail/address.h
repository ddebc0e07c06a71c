/* SPDX-License-Identifier: Apache-2.0 */
/* The one parser that decides, for the whole program, which part of an address is the local part and which the
 * domain (row 16). Everything that needs either asks here and never looks for an at sign itself. */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/buf.h"
#include "mail/domain.h"

/* A value: no memory behind it. `local` is what the local part means, quotes and backslashes removed; it is
 * NUL-terminated, holds no NUL, and may be empty (`""@example.org`). */
struct mail_address {
    char local[MAIL_LOCAL_MAX + 1];
    struct mail_domain domain;
    bool utf8_local; /* cannot be sent to a host without SMTPUTF8 */
};

/* Reads the whole of s as a Mailbox of RFC 5321 4.1.2 (RFC 6531 with MAIL_SMTPUTF8 in flags): no brackets, no comments,
 * no white space around, no source route. At most 64 octets before the at sign, 255 behind, 254 in all. UTF-8 is
 * refused without the flag, malformed UTF-8 and C1 control characters always. False leaves *ret_address zeroed and
 * a reason in err, which quotes nothing of s. */
bool mail_address_parse(struct slice s, unsigned flags, struct mail_address *ret_address, struct err *err);

/* Appends the canonical text, the one for tags and for comparing: the exact bytes of the local part, quoted only when
 * it must be and with the fewest backslashes, "@", domain->ascii. Two spellings of one mailbox give the same text;
 * the case of the local part counts. At most MAIL_ADDRESS_TEXT_MAX bytes. */
bool mail_address_canonical(struct buf *out, const struct mail_address *address);

/* As mail_address_canonical(), with the domain as it was written: for people and for SMTPUTF8 headers. */
bool mail_address_text(struct buf *out, const struct mail_address *address);

/* True when both name one mailbox: same local bytes, same domain. */
bool mail_address_eq(const struct mail_address *a, const struct mail_address *b);

#endif
