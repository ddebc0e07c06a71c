/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC (RFC 2104) with SHA-256 or SHA-512 on one reused context. Written over the digest interface because keys
 * change with every message here: EVP_MAC copies contexts on the heap at each change, this allocates nothing. */
#ifndef KEYS_HMAC_H
#define KEYS_HMAC_H

#include "base/id.h"
#include "base/slice.h"

#define HMAC_SIZE_MAX 64 /* bytes of a SHA-512 sum */

enum hmac_hash { HMAC_SHA256, HMAC_SHA512 };

struct hmac;

/* A context without a key; hmac_key() comes first. */
struct hmac *hmac_create(enum hmac_hash hash);

/* Wipes and frees; accepts NULL and a NULL context. */
void hmac_free(struct hmac **hmac);

/* Bytes of a sum: 32 or 64. */
size_t hmac_size(const struct hmac *hmac);

/* Sets the key, of any length; replaces the last one. */
void hmac_key(struct hmac *hmac, struct slice key);

/* The sum over count slices one behind another into out, which holds hmac_size() bytes. May be called again under
 * the same key. */
void hmac_sum(struct hmac *hmac, const struct slice *parts, size_t count, uint8_t *out);

/* Key and sum in one step over one slice. */
void hmac_once(struct hmac *hmac, struct slice key, struct slice data, uint8_t *out);

#endif
