/* SPDX-License-Identifier: Apache-2.0 */
/* The encodings that mail we write needs: base64 and quoted-printable bodies (RFC 2045), encoded words (RFC 2047). */
#ifndef MAIL_ENCODE_H
#define MAIL_ENCODE_H

#include "base/buf.h"

/* Appends base64 in lines of 76, each ended by CRLF. */
bool mail_encode_base64(struct buf *out, struct slice data);

/* Appends text in quoted-printable, lines of at most 76. LF and CRLF both end a line and come out as CRLF; any other
 * control character is encoded. The output ends in CRLF. */
bool mail_encode_quoted_printable(struct buf *out, struct slice text);

/* Appends text as it stands, LF and CRLF both coming out as CRLF, ended by CRLF. For text that mail_encode_plain_fits(). */
bool mail_encode_plain(struct buf *out, struct slice text);

/* True when text is ASCII without control characters but tab and line ends, in lines of at most 998 octets. */
bool mail_encode_plain_fits(struct slice text);

/* Appends UTF-8 as base64 encoded words of at most 75 octets, cut between characters, folded by CRLF and space. What
 * stands before it on the line must leave room for one word. False when text is not UTF-8. */
bool mail_encode_words(struct buf *out, struct slice text);

#endif
