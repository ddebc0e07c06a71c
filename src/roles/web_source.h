/* SPDX-License-Identifier: Apache-2.0 */
/* The plaintext of a letter, read piece by piece from its sealed file: memory does not grow with the letter, and no
 * byte is handed out before the tag over its frame fits (row 30). */
#ifndef ROLES_WEB_SOURCE_H
#define ROLES_WEB_SOURCE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

struct web_source;

/* Takes over fd, a readable file of sealed_length bytes of frames. The header is borrowed for this call. NULL with a
 * reason when header and key do not belong together or the length cannot be one; fd is closed then too. */
struct web_source *web_source_create(int fd, uint64_t sealed_length, struct slice header, const struct key *content_key,
                                     struct err *err);

/* Wipes and frees. *source becomes NULL; NULL is accepted. */
void web_source_free(struct web_source **source);

/* Bytes of the whole plaintext. */
uint64_t web_source_length(const struct web_source *source);

/* Makes sure that *ret_bytes holds the next bytes, valid until the next call; empty at the verified end. False with
 * a reason on damage. */
bool web_source_peek(struct web_source *source, struct slice *ret_bytes, struct err *err);

/* Counts n bytes of what peek showed as used. */
void web_source_used(struct web_source *source, size_t n);

#endif
