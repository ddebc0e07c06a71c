/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM (SP 800-38D) with 96-bit nonces and 128-bit tags on one reused context per direction. */
#ifndef KEYS_GCM_H
#define KEYS_GCM_H

#include "base/id.h"
#include "base/slice.h"

#define GCM_IV_SIZE 12
#define GCM_TAG_SIZE 16

enum gcm_direction { GCM_SEAL, GCM_OPEN };

struct gcm;

/* A context for one direction, without a key; gcm_key() comes first. */
struct gcm *gcm_create(enum gcm_direction direction);

/* Wipes and frees; accepts NULL and a NULL context. */
void gcm_free(struct gcm **gcm);

/* Sets the key; replaces the last one. */
void gcm_key(struct gcm *gcm, const struct key *key);

/* Seals plain to out (plain.len bytes; may be the same memory) and the tag. Never uses one iv twice under a key: that
 * is the caller's duty. */
void gcm_seal(struct gcm *gcm, const uint8_t iv[GCM_IV_SIZE], struct slice aad, struct slice plain, uint8_t *out,
              uint8_t ret_tag[GCM_TAG_SIZE]);

/* Opens sealed to out (sealed.len bytes). False when the tag does not fit; out is then wiped. */
bool gcm_open(struct gcm *gcm, const uint8_t iv[GCM_IV_SIZE], struct slice aad, struct slice sealed,
              const uint8_t tag[GCM_TAG_SIZE], uint8_t *out);

#endif
