/* SPDX-License-Identifier: Apache-2.0 */
/* The secret half of SCRAM-SHA-256 (RFC 5802, RFC 7677): what is kept of a password, and the check of a client's proof.
 * keyd computes, the conversation itself is scram_server.h. */
#ifndef KEYS_SCRAM_H
#define KEYS_SCRAM_H

#include "keys/hmac.h"

#define SCRAM_HASH_SIZE 32
#define SCRAM_SALT_SIZE 16
#define SCRAM_ITERATIONS 4096u /* RFC 7677's least; passwords here are random, more would only cost */

/* StoredKey and ServerKey. */
struct scram_keys {
    struct key stored;
    struct key server;
};

/* Derives both from a password, which must be ASCII (no SASLprep is needed for it). About a millisecond. */
void scram_keys_make(struct slice password, const uint8_t salt[SCRAM_SALT_SIZE], uint32_t iterations,
                     struct scram_keys *ret_keys);

/* Checks a client's proof (SCRAM_HASH_SIZE bytes) over auth_message in constant time and computes the server's signature
 * into ret_signature either way. sha256 is any HMAC_SHA256 context. */
bool scram_verify(struct hmac *sha256, const struct scram_keys *keys, struct slice auth_message,
                  const uint8_t *proof, uint8_t ret_signature[SCRAM_HASH_SIZE]);

#endif
