/* SPDX-License-Identifier: Apache-2.0 */
/* SCRAM-SHA-256 keys and proofs. */
#include "keys/scram.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/mem.h"
#include "keys/crypto.h"

void scram_keys_make(struct slice password, const uint8_t salt[SCRAM_SALT_SIZE], uint32_t iterations,
                     struct scram_keys *ret_keys)
{
    struct key salted;
    struct key client;
    struct hmac *hmac = hmac_create(HMAC_SHA256);
    crypto_must(PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len, salt, SCRAM_SALT_SIZE,
                                  (int)iterations, EVP_sha256(), KEY_SIZE, salted.b) == 1, "PBKDF2");
    hmac_once(hmac, slice_of(salted.b, KEY_SIZE), SLICE_LIT("Client Key"), client.b);
    hmac_once(hmac, slice_of(salted.b, KEY_SIZE), SLICE_LIT("Server Key"), ret_keys->server.b);
    crypto_must(SHA256(client.b, KEY_SIZE, ret_keys->stored.b) != NULL, "SHA-256");
    hmac_free(&hmac);
    mem_wipe(&salted, sizeof(salted));
    mem_wipe(&client, sizeof(client));
}

bool scram_verify(struct hmac *sha256, const struct scram_keys *keys, struct slice auth_message,
                  const uint8_t *proof, uint8_t ret_signature[SCRAM_HASH_SIZE])
{
    uint8_t client[SCRAM_HASH_SIZE];
    uint8_t stored[SCRAM_HASH_SIZE];
    hmac_once(sha256, slice_of(keys->stored.b, KEY_SIZE), auth_message, client);
    for (size_t i = 0; i < SCRAM_HASH_SIZE; i++)
        client[i] ^= proof[i];
    crypto_must(SHA256(client, sizeof(client), stored) != NULL, "SHA-256");
    hmac_once(sha256, slice_of(keys->server.b, KEY_SIZE), auth_message, ret_signature);
    bool ok = mem_equal_secret(stored, keys->stored.b, KEY_SIZE);
    mem_wipe(client, sizeof(client));
    return ok;
}
