/* SPDX-License-Identifier: Apache-2.0 */
/* White space and comments of structured header fields (RFC 5322 3.2.2), and quoted strings. */
#ifndef MAIL_CFWS_H
#define MAIL_CFWS_H

#include "base/slice.h"

/* Moves *at past spaces, tabs, line ends and comments in s. False when a comment is not closed or nested deeper than
 * MAIL_COMMENT_DEPTH_MAX; *at is then undefined. */
bool mail_cfws_skip(struct slice s, size_t *at);

/* With s.data[*at] a double quote: moves *at behind the closing one. False when it is missing. */
bool mail_cfws_skip_quoted(struct slice s, size_t *at);

#endif
