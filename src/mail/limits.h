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

/* Octets of a whole header block: held in memory by each session until it ends. The largest seen in the wild (long
 * References, many Received and ARC sets) stay below 100 KB; big mail hosts stop at 256 KB. */
#define MAIL_HEADER_MAX (256u * 1024u)
/* Fields in a header block: a table entry each. 1,000 is what the largest hosts accept. */
#define MAIL_FIELDS_MAX 1000
/* Addresses in one From or Sender field; each is checked against what the user may use. */
#define MAIL_MAILBOXES_MAX 100
/* Comments inside comments. People write one; the parser counts, so the limit only keeps absurd input out. */
#define MAIL_COMMENT_DEPTH_MAX 32

/* Octets of a subject, an operator's name and the like in mail that we write: configuration, never message content. */
#define MAIL_WORDS_MAX 400
/* Octets of the text of a notice, a code mail or the words of a DSN, after its variables are filled in. */
#define MAIL_TEXT_MAX (64u * 1024u)
/* Octets of one variable of a template; the longest is a link. */
#define MAIL_VALUE_MAX 2000
/* Octets of a peer's reply quoted in a DSN, before escaping. The rest is cut and marked "...". */
#define MAIL_DIAGNOSTIC_MAX 512
/* Recipients in one DSN: as many as one transaction may have. */
#define MAIL_DSN_RECIPIENTS_MAX 1000
/* Octets of a whole message that we write. */
#define MAIL_COMPOSED_MAX (2u * 1024u * 1024u)

#endif
