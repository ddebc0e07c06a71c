/* SPDX-License-Identifier: Apache-2.0 */
/* HTML mail as plain text: tags fall away, scripts, styles, comments and everything remote too; what a reader would
 * have read stays, with line breaks, list marks and the addresses links lead to. One pass, no tree, no recursion:
 * cost is linear in the input whatever the nesting (row 19). Loads nothing, keeps no markup (row 27). */
#ifndef CENTER_HTML_PLAIN_H
#define CENTER_HTML_PLAIN_H

#include "base/buf.h"

/* Appends the text of a UTF-8 HTML document. False when out became full; what fitted stays. */
bool html_plain(struct slice html, struct buf *out);

#endif
