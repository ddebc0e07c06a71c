/* SPDX-License-Identifier: Apache-2.0 */
/* Opens sealed content as it streams in: slices of any size go in, plaintext of whole verified frames comes out. No
 * byte is released before the tag over its frame fits; a changed, moved, swapped, repeated or missing frame ends the
 * message, and only sealed_reader_finish() says that the end was reached exactly (row 30). Needs a header and the
 * derived content key only. A reader is reused from message to message. */
#ifndef KEYS_SEALED_READER_H
#define KEYS_SEALED_READER_H

#include "keys/sealed_header.h"

struct sealed_reader;

/* A reader without a message. */
struct sealed_reader *sealed_reader_create(void);

/* Wipes and frees; accepts NULL and a NULL reader. */
void sealed_reader_free(struct sealed_reader **reader);

/* Begins a message: parses the header (borrowed for this call) and checks its tag under the content key, so that a
 * key of another message is refused here. False with a reason. */
bool sealed_reader_start(struct sealed_reader *reader, struct slice header, const struct key *content_key,
                         struct err *err);

/* Takes sealed bytes and appends the plaintext of every frame they complete to out (a secret buf; at most one frame
 * more than sealed.len; the caller may empty it between calls). False with a reason on damage, on bytes behind the
 * final frame, and when out is full; after that the message is dead. */
bool sealed_reader_update(struct sealed_reader *reader, struct slice sealed, struct buf *out, struct err *err);

/* True when the final frame was read and nothing is left; false with a reason otherwise. The message is over. */
bool sealed_reader_finish(struct sealed_reader *reader, struct err *err);

#endif
