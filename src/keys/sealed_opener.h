/* SPDX-License-Identifier: Apache-2.0 */
/* From a sealed header and its wrapping key back to the derived keys: unwrap under the bound context, compare the key
 * commitment, check the header's tag. keyd only. */
#ifndef KEYS_SEALED_OPENER_H
#define KEYS_SEALED_OPENER_H

#include "keys/sealed_header.h"

struct sealed_opener;

/* A reusable set of contexts. */
struct sealed_opener *sealed_opener_create(void);

/* Wipes and frees; accepts NULL and a NULL opener. */
void sealed_opener_free(struct sealed_opener **opener);

/* The name of the wrapping key a parsed header asks for; empty when it has none of ours. Borrowed from the header. */
struct slice sealed_opener_key_name(const struct sealed_header *header);

/* Gives the derived keys of a parsed header, which the caller wipes. False with a reason when the wrapping key, the
 * commitment or the tag does not fit; then both are zero. */
bool sealed_opener_open(struct sealed_opener *opener, const struct sealed_header *header, const struct key *wrapping,
                        struct key *ret_content_key, struct key *ret_field_key, struct err *err);

#endif
