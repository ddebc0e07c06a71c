/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as mail may carry it (RFC 3629, RFC 6532): strict, no surrogates, no overlong forms. */
#ifndef MAIL_UTF8_H
#define MAIL_UTF8_H

#include "base/slice.h"

/* Length in bytes (1 to 4) of the well-formed UTF-8 character at the start of s; 0 when s is empty or its start is
 * malformed, cut short, overlong, a surrogate or above U+10FFFF. */
size_t mail_utf8_next(struct slice s);

/* True when s is well-formed UTF-8 throughout (the empty slice is). */
bool mail_utf8_valid(struct slice s);

/* True when every byte of s is below 0x80. */
bool mail_utf8_ascii(struct slice s);

#endif
