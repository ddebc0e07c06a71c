/* SPDX-License-Identifier: Apache-2.0 */
/* Look-up tags: how the store finds what it cannot read. HMAC-SHA256 under a key of keyd's over the canonical text,
 * cut to 128 bits. Made by intake, couriers and, for the operator's questions, keyd; the store only compares. */
#ifndef KEYS_LOOKUP_TAG_H
#define KEYS_LOOKUP_TAG_H

#include "keys/hmac.h"

/* The tag of a canonical text under the key of its table. sha256 is any HMAC_SHA256 context. */
void lookup_tag(struct hmac *sha256, const struct key *key, struct slice text, struct tag *ret_tag);

#endif
