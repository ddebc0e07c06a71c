/* SPDX-License-Identifier: Apache-2.0 */
/* The small grammar of SMTP command lines that server and client share: words, keywords, xtext, paths, line limits. */
#ifndef SMTP_SMTP_SYNTAX_H
#define SMTP_SMTP_SYNTAX_H

#include "base/buf.h"
#include "base/slice.h"

/* A command line with its CRLF: 512 of RFC 5321 4.5.3.1.4 and what the announced extensions add to MAIL, the longest
 * command: SIZE 26 (RFC 1870), BODY 17 (RFC 6152), SMTPUTF8 10 (RFC 6531), RET and ENVID 116 (RFC 3461), BY 18
 * (RFC 2852), AUTH 506 (RFC 4954), REQUIRETLS 11 (RFC 8689). */
#define SMTP_SYNTAX_COMMAND_MAX (512u + 26u + 17u + 10u + 116u + 18u + 506u + 11u)
/* A line of an AUTH exchange with its CRLF (RFC 4954 section 4). */
#define SMTP_SYNTAX_AUTH_MAX 12288u
/* Bytes of one line that are thrown away before the session is ended: an endless line must not keep a session. */
#define SMTP_SYNTAX_ENDLESS_MAX 65536u
/* EHLO's argument: a domain (RFC 5321 4.5.3.1.2). */
#define SMTP_SYNTAX_HELO_MAX 255u

/* True when s holds no byte below 0x20 and no 0x7f: a command line never does. */
bool smtp_syntax_is_printable(struct slice s);

/* True for an EHLO or HELO argument that is safe to show in a header: 1 to 255 of letters, digits and ".-_:[]".
 * Wider than RFC 5321 (underscores, bare addresses), because desktop clients send such names. */
bool smtp_syntax_is_helo(struct slice s);

/* True for an esmtp-keyword (RFC 5321 4.1.2). */
bool smtp_syntax_is_keyword(struct slice s);

/* Takes the next word (a run without spaces) off *rest; false when only spaces are left. Words borrow from *rest. */
bool smtp_syntax_word(struct slice *rest, struct slice *ret_word);

/* Splits "KEY=value" at the first "="; *ret_has_value tells whether there was one. False when the key is no keyword
 * or a value is empty. */
bool smtp_syntax_param(struct slice word, struct slice *ret_key, struct slice *ret_value, bool *ret_has_value);

/* Takes "<...>" off the front of *rest and gives what stands between the brackets. Brackets inside a quoted string
 * do not count. False when there is no opening bracket, a quote stays open, the closing bracket is missing, or
 * something other than a space follows it. */
bool smtp_syntax_path(struct slice *rest, struct slice *ret_inside);

/* Decodes xtext (RFC 3461 section 4): "!" to "~" without "+" and "=", and "+" with two upper-case hex digits. What it
 * decodes to must be printable ASCII, space included; with utf8 also well-formed UTF-8 is. Appends to out; false on
 * anything else, and when more than max bytes come out. */
bool smtp_syntax_xtext(struct slice s, bool utf8, size_t max, struct buf *out);

/* Appends s as xtext. Every byte can be encoded. */
void smtp_syntax_put_xtext(struct buf *out, struct slice s);

#endif
