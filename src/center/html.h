/* SPDX-License-Identifier: Apache-2.0 */
/* The one way to write a page. Markup comes from string literals only, data through two functions that always escape;
 * there is no third way, so no page can forget it (row 27). */
#ifndef CENTER_HTML_H
#define CENTER_HTML_H

#include "base/buf.h"

/* Appends markup. Only a string literal compiles. */
#define html_put(out, literal) html_put_literal((out), SLICE_LIT(literal))

/* What html_put() calls; use html_put(). */
void html_put_literal(struct buf *out, struct slice markup);

/* Appends data as text of an element: & < > " ' escaped, malformed UTF-8 and controls shown as U+FFFD (tab and LF
 * stay). */
void html_text(struct buf *out, struct slice data);

/* Appends ` name="data"`, escaped as above. name is a literal of ours. */
void html_attribute(struct buf *out, const char *name, struct slice data);

/* Appends a number as text. */
void html_number(struct buf *out, uint64_t number);

#endif
