/* SPDX-License-Identifier: Apache-2.0 */
/* Text from strangers made fit to be shown: well-formed UTF-8 without characters that act instead of being seen.
 * Escaping for HTML is a separate, later step (center/html.h). */
#ifndef CENTER_TEXT_CLEAN_H
#define CENTER_TEXT_CLEAN_H

#include "base/buf.h"

/* Takes the next character of s from *at on: its code point, or U+FFFD for one malformed byte. *at moves behind it;
 * *at must be below s.len. */
uint32_t text_next(struct slice s, size_t *at);

/* Appends a code point as UTF-8; surrogates and values above U+10FFFF become U+FFFD. */
bool text_put(struct buf *out, uint32_t c);

/* True for characters that turn or hide the text around them: bidirectional overrides and isolates, zero-width marks,
 * tag characters (the trick of "exe.fdp" shown as "pdf.exe"). */
bool text_is_trick(uint32_t c);

/* Appends s as one line: controls and line ends become a space, tricks are left out. False when out is full; what
 * fitted stays (cut between characters). */
bool text_clean_line(struct buf *out, struct slice s);

/* Appends s as lines ended by LF: CRLF and CR become LF, tabs stay, other controls are left out. Writing directions
 * stay (the page isolates them). False as above. */
bool text_clean_block(struct buf *out, struct slice s);

#endif
