/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64 (RFC 4648, strict: canonical padding, no white space) and base64url without padding. */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/buf.h"

/* Appends lower-case hex of s. */
bool codec_hex(struct buf *out, struct slice s);
/* Appends the bytes of hex text of either case; false on an odd length or another character. */
bool codec_unhex(struct buf *out, struct slice text);
/* Appends base64 of s with padding. */
bool codec_base64(struct buf *out, struct slice s);
/* Appends the bytes of base64 text; false on white space, missing or non-canonical padding, another character. */
bool codec_unbase64(struct buf *out, struct slice text);
/* Appends base64url of s without padding. */
bool codec_base64url(struct buf *out, struct slice s);
/* Appends the bytes of base64url text without padding; false as codec_unbase64(). */
bool codec_unbase64url(struct buf *out, struct slice text);

/* Appends s for people and logs: printable ASCII as it is, backslash and every other byte as \xNN (row 15: a peer's
 * text can never forge a line). */
bool codec_escape(struct buf *out, struct slice s);

#endif
