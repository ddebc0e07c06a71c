/* SPDX-License-Identifier: Apache-2.0 */
/* Every limit of this room, with its reason (P7). */
#ifndef MAIL_LIMITS_H
#define MAIL_LIMITS_H

/* RFC 5321 4.5.3.1.1: a local part, counted in octets as written, quotes and backslashes included. */
#define MAIL_LOCAL_MAX 64
/* RFC 5321 4.5.3.1.2: a domain as written. */
#define MAIL_DOMAIN_MAX 255
/* RFC 1035 2.3.4: the same 255 octets on the DNS wire leave 253 in text; an A-label form is held to it. */
#define MAIL_DOMAIN_ASCII_MAX 253
/* RFC 1035 2.3.4. */
#define MAIL_LABEL_MAX 63
/* RFC 5321 4.5.3.1.3: a path has 256 octets with its two brackets. */
#define MAIL_ADDRESS_MAX 254
/* Canonical text: every octet of the local part may need a backslash, and two quotes and the at sign stand around. */
#define MAIL_ADDRESS_TEXT_MAX (2 * MAIL_LOCAL_MAX + 3 + MAIL_DOMAIN_MAX)

/* RFC 5322 2.1.1 and RFC 5321 4.5.3.1.6: octets of a line without its CRLF. Longer lines would be cut or refused by
 * the next host after we had said 250; BINARYMIME, which would allow them, is not offered. */
#define MAIL_LINE_MAX 998

#endif
