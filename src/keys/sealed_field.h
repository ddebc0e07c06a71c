/* SPDX-License-Identifier: Apache-2.0 */
/* Small sealed texts beside a message: envelope, recipients, replies, tokens, evidence. AES-256-GCM under the field key
 * of the message, bound to (id, kind, index) so that no field can stand in for another; random 96-bit nonce in front.
 * Bytes: nonce(12) ciphertext tag(16). A message has far fewer fields than the 2^32 random nonces a key bears. */
#ifndef KEYS_SEALED_FIELD_H
#define KEYS_SEALED_FIELD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "keys/gcm.h"

#define SEALED_FIELD_OVERHEAD (GCM_IV_SIZE + GCM_TAG_SIZE) /* bytes a sealed field is longer than its plaintext */

/* Reusable contexts for sealing and opening; remembers the key it was last used with. */
struct sealed_field;

/* A context for fields. */
struct sealed_field *sealed_field_create(void);

/* Wipes and frees; accepts NULL and a NULL context. */
void sealed_field_free(struct sealed_field **field);

/* Appends the sealed form of plain to out. kind is enum mail_field (mail/envelope.h). False when out is full. */
bool sealed_field_seal(struct sealed_field *field, const struct key *field_key, const struct id *id, uint8_t kind,
                       uint32_t index, struct slice plain, struct buf *out);

/* Appends the plaintext of a sealed field to out (a secret buf). False with a reason, and nothing appended, when it
 * was changed, belongs to another id, kind or index, or out is full. */
bool sealed_field_open(struct sealed_field *field, const struct key *field_key, const struct id *id, uint8_t kind,
                       uint32_t index, struct slice sealed, struct buf *out, struct err *err);

#endif
