/* SPDX-License-Identifier: Apache-2.0 */
/* Text in the character sets mail still uses, as UTF-8. glibc loads its converters from files on first use, so they
 * are all loaded before the sandbox closes; inside it, only what was loaded works. */
#ifndef CENTER_CHARSET_H
#define CENTER_CHARSET_H

#include "base/buf.h"

/* Converters held open: glibc unloads those that nobody uses. */
struct charset_set;

/* Loads the converters; call before the sandbox and keep the set while it is needed. A system without the rarer ones
 * shows text in them as it is. */
struct charset_set *charset_load(void);

/* Lets go of them. *set becomes NULL; NULL is accepted. */
void charset_unload(struct charset_set **set);

/* Appends text of a declared character set (NULL or empty: none declared) as UTF-8; what cannot be read becomes
 * U+FFFD. Unknown or undeclared sets are read as UTF-8 when the text is well-formed, else as Windows-1252. */
void charset_to_utf8(struct slice text, const char *declared, struct buf *out);

#endif
