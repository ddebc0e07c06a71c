/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF (RFC 5869) over a reused hmac: extract once, expand as often as needed. */
#ifndef KEYS_HKDF_H
#define KEYS_HKDF_H

#include "keys/hmac.h"

/* Extract: the pseudo-random key of hmac_size() bytes into ret_prk. Changes the key of hmac. */
void hkdf_extract(struct hmac *hmac, struct slice salt, struct slice ikm, uint8_t *ret_prk);

/* Makes hmac ready for hkdf_expand() under prk. */
void hkdf_key(struct hmac *hmac, struct slice prk);

/* Expand under the key set by hkdf_key(): len bytes for `info` into out. False when len is above 255 sums. */
bool hkdf_expand(struct hmac *hmac, struct slice info, uint8_t *out, size_t len);

/* Expand to one 256-bit key, for an info of text: the common case. hkdf_key() comes first. */
void hkdf_expand_key(struct hmac *hmac, struct slice info, struct key *ret_key);

#endif
