/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM over EVP. */
#include "keys/gcm.h"

#include <limits.h>

#include "base/mem.h"
#include "keys/crypto.h"

struct gcm {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
    int encrypt;
};

struct gcm *gcm_create(enum gcm_direction direction)
{
    struct gcm *gcm = mem_new(sizeof(*gcm));
    gcm->cipher = crypto_cipher("AES-256-GCM");
    gcm->ctx = EVP_CIPHER_CTX_new();
    crypto_must(gcm->ctx != NULL, "cipher context");
    gcm->encrypt = direction == GCM_SEAL ? 1 : 0;
    crypto_must(EVP_CipherInit_ex2(gcm->ctx, gcm->cipher, NULL, NULL, gcm->encrypt, NULL) == 1, "AES-256-GCM");
    return gcm;
}

void gcm_free(struct gcm **gcm)
{
    if (gcm == NULL || *gcm == NULL)
        return;
    EVP_CIPHER_CTX_free((*gcm)->ctx);
    EVP_CIPHER_free((*gcm)->cipher);
    mem_free(*gcm);
    *gcm = NULL;
}

void gcm_key(struct gcm *gcm, const struct key *key)
{
    crypto_must(EVP_CipherInit_ex2(gcm->ctx, NULL, key->b, NULL, gcm->encrypt, NULL) == 1, "AES-256-GCM key");
}

/* Feeds nonce, additional data and text. */
static bool run(struct gcm *gcm, const uint8_t *iv, struct slice aad, struct slice in, uint8_t *out)
{
    int n = 0;
    bool ok = aad.len <= INT_MAX && in.len <= INT_MAX;
    ok = ok && EVP_CipherInit_ex2(gcm->ctx, NULL, NULL, iv, gcm->encrypt, NULL) == 1;
    if (aad.len > 0)
        ok = ok && EVP_CipherUpdate(gcm->ctx, NULL, &n, aad.data, (int)aad.len) == 1;
    if (in.len > 0)
        ok = ok && EVP_CipherUpdate(gcm->ctx, out, &n, in.data, (int)in.len) == 1 && (size_t)n == in.len;
    return ok;
}

void gcm_seal(struct gcm *gcm, const uint8_t iv[GCM_IV_SIZE], struct slice aad, struct slice plain, uint8_t *out,
              uint8_t ret_tag[GCM_TAG_SIZE])
{
    uint8_t none[GCM_TAG_SIZE];
    int n = 0;
    bool ok = run(gcm, iv, aad, plain, out) && EVP_CipherFinal_ex(gcm->ctx, none, &n) == 1;
    ok = ok && EVP_CIPHER_CTX_ctrl(gcm->ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_SIZE, ret_tag) == 1;
    crypto_must(ok, "AES-256-GCM seal");
}

bool gcm_open(struct gcm *gcm, const uint8_t iv[GCM_IV_SIZE], struct slice aad, struct slice sealed,
              const uint8_t tag[GCM_TAG_SIZE], uint8_t *out)
{
    uint8_t expected[GCM_TAG_SIZE];
    uint8_t none[GCM_TAG_SIZE];
    int n = 0;
    memcpy(expected, tag, GCM_TAG_SIZE);
    crypto_must(run(gcm, iv, aad, sealed, out), "AES-256-GCM open");
    bool ok = EVP_CIPHER_CTX_ctrl(gcm->ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_SIZE, expected) == 1;
    ok = ok && EVP_CipherFinal_ex(gcm->ctx, none, &n) == 1;
    if (!ok)
        mem_wipe(out, sealed.len);
    return ok;
}
