/* SPDX-License-Identifier: Apache-2.0 */
/* Seals content as it streams in: slices of any size go in, whole frames come out. Holds back at most one frame of
 * plaintext; a full frame that arrives in one slice is sealed where it lies. Needs a header and the derived content
 * key only, never the data key. A writer is reused from message to message. */
#ifndef KEYS_SEALED_WRITER_H
#define KEYS_SEALED_WRITER_H

#include "keys/sealed_header.h"

struct sealed_writer;

/* A writer without a message. */
struct sealed_writer *sealed_writer_create(void);

/* Wipes and frees; accepts NULL and a NULL writer. */
void sealed_writer_free(struct sealed_writer **writer);

/* Begins a message: header as made by keyd (borrowed for this call) and its content key (copied into the cipher). An
 * unfinished message before it is forgotten. A header may be started with once only: a second message under its key
 * would use nonces twice. False with a reason when the header cannot be parsed. */
bool sealed_writer_start(struct sealed_writer *writer, struct slice header, const struct key *content_key,
                         struct err *err);

/* Takes plain and appends the frames that are full to out, which the caller may empty between calls. False when out
 * or the message is full. */
bool sealed_writer_update(struct sealed_writer *writer, struct slice plain, struct buf *out);

/* Appends the final frame; the message is over. *ret_tail is its tag, which names the content as a whole to the store.
 * Held plaintext is wiped. False when out is full. */
bool sealed_writer_finish(struct sealed_writer *writer, struct buf *out, struct tag *ret_tail);

/* Wipes an unfinished message. Harmless without one. */
void sealed_writer_abort(struct sealed_writer *writer);

/* Bytes of all frames of a message with plain bytes of content. */
uint64_t sealed_writer_length(uint64_t plain);

#endif
