/* SPDX-License-Identifier: Apache-2.0 */
/* HKDF extract and expand. */
#include "keys/hkdf.h"

#include "base/mem.h"
#include "keys/crypto.h"

#define BLOCKS_MAX 255 /* the counter of RFC 5869 is one byte */

void hkdf_extract(struct hmac *hmac, struct slice salt, struct slice ikm, uint8_t *ret_prk)
{
    hmac_once(hmac, salt, ikm, ret_prk);
}

void hkdf_key(struct hmac *hmac, struct slice prk)
{
    hmac_key(hmac, prk);
}

bool hkdf_expand(struct hmac *hmac, struct slice info, uint8_t *out, size_t len)
{
    size_t size = hmac_size(hmac);
    if (len > BLOCKS_MAX * size)
        return false;
    uint8_t last[HMAC_SIZE_MAX];
    size_t last_len = 0;
    for (uint8_t counter = 1; len > 0; counter++) {
        struct slice parts[] = {slice_of(last, last_len), info, slice_of(&counter, 1)};
        hmac_sum(hmac, parts, 3, last);
        last_len = size;
        size_t n = len < size ? len : size;
        memcpy(out, last, n);
        out += n;
        len -= n;
    }
    mem_wipe(last, sizeof(last));
    return true;
}

void hkdf_expand_key(struct hmac *hmac, struct slice info, struct key *ret_key)
{
    crypto_must(hkdf_expand(hmac, info, ret_key->b, KEY_SIZE), "HKDF");
}
