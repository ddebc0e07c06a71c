/* SPDX-License-Identifier: Apache-2.0 */
/* Character references in HTML text and attributes. */
#ifndef CENTER_HTML_ENTITY_H
#define CENTER_HTML_ENTITY_H

#include "base/slice.h"

/* s.data[*at] is '&'. Returns the character meant by the reference there and moves *at behind it; '&' itself, and *at
 * one further, when it is none. */
uint32_t html_entity_next(struct slice s, size_t *at);

#endif
