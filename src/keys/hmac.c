/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC over EVP digests: the padded keys are kept as blocks and hashed anew, which costs one compression each and no
 * allocation. */
#include "keys/hmac.h"

#include "base/mem.h"
#include "keys/crypto.h"

#define BLOCK_MAX 128 /* bytes of a SHA-512 block */

struct hmac {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    size_t size;
    size_t block;
    uint8_t inner[BLOCK_MAX];
    uint8_t outer[BLOCK_MAX];
};

struct hmac *hmac_create(enum hmac_hash hash)
{
    struct hmac *hmac = mem_new(sizeof(*hmac));
    hmac->md = crypto_digest(hash == HMAC_SHA256 ? "SHA2-256" : "SHA2-512");
    hmac->ctx = EVP_MD_CTX_new();
    crypto_must(hmac->ctx != NULL, "digest context");
    hmac->size = hash == HMAC_SHA256 ? 32 : 64;
    hmac->block = hash == HMAC_SHA256 ? 64 : 128;
    return hmac;
}

void hmac_free(struct hmac **hmac)
{
    if (hmac == NULL || *hmac == NULL)
        return;
    EVP_MD_CTX_free((*hmac)->ctx);
    EVP_MD_free((*hmac)->md);
    mem_free_secret(*hmac, sizeof(**hmac));
    *hmac = NULL;
}

size_t hmac_size(const struct hmac *hmac)
{
    return hmac->size;
}

/* One digest over a block in front and the parts behind it. */
static void digest(struct hmac *hmac, const uint8_t *block, const struct slice *parts, size_t count, uint8_t *out)
{
    bool ok = EVP_DigestInit_ex2(hmac->ctx, hmac->md, NULL) == 1;
    if (block != NULL)
        ok = ok && EVP_DigestUpdate(hmac->ctx, block, hmac->block) == 1;
    for (size_t i = 0; i < count; i++)
        if (parts[i].len > 0)
            ok = ok && EVP_DigestUpdate(hmac->ctx, parts[i].data, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(hmac->ctx, out, NULL) == 1;
    crypto_must(ok, "digest");
}

void hmac_key(struct hmac *hmac, struct slice key)
{
    uint8_t shortened[HMAC_SIZE_MAX];
    if (key.len > hmac->block) {
        digest(hmac, NULL, &key, 1, shortened);
        key = slice_of(shortened, hmac->size);
    }
    for (size_t i = 0; i < hmac->block; i++) {
        uint8_t byte = i < key.len ? key.data[i] : 0;
        hmac->inner[i] = byte ^ 0x36;
        hmac->outer[i] = byte ^ 0x5c;
    }
    mem_wipe(shortened, sizeof(shortened));
}

void hmac_sum(struct hmac *hmac, const struct slice *parts, size_t count, uint8_t *out)
{
    uint8_t middle[HMAC_SIZE_MAX];
    digest(hmac, hmac->inner, parts, count, middle);
    struct slice last = slice_of(middle, hmac->size);
    digest(hmac, hmac->outer, &last, 1, out);
    mem_wipe(middle, sizeof(middle));
}

void hmac_once(struct hmac *hmac, struct slice key, struct slice data, uint8_t *out)
{
    hmac_key(hmac, key);
    hmac_sum(hmac, &data, 1, out);
}
