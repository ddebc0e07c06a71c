/* SPDX-License-Identifier: Apache-2.0 */
/* What the sealing code expects of OpenSSL: fetched algorithms, and an end to the role when a primitive fails that
 * cannot fail on input (out of memory, a broken provider): going on without it would break a promise. */
#ifndef KEYS_CRYPTO_H
#define KEYS_CRYPTO_H

#include <openssl/evp.h>
#include <stdbool.h>

/* Ends the role with one line naming `what` when ok is false. Never used on a check of data. */
void crypto_must(bool ok, const char *what);

/* Fetches a digest by name ("SHA2-256", "SHA2-512"); never NULL; freed with EVP_MD_free(). */
EVP_MD *crypto_digest(const char *name);

/* Fetches a cipher by name ("AES-256-GCM"); never NULL; freed with EVP_CIPHER_free(). */
EVP_CIPHER *crypto_cipher(const char *name);

#endif
