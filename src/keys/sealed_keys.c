/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation of a sealed message. */
#include "keys/sealed_keys.h"

#include "base/mem.h"
#include "keys/crypto.h"

void sealed_keys_derive(struct hmac *sha512, const struct key *data_key,
                        const uint8_t message_id[SEALED_MESSAGE_ID_SIZE], struct sealed_keys *ret_keys)
{
    uint8_t prk[HMAC_SIZE_MAX];
    struct key commitment;
    hkdf_extract(sha512, slice_of(message_id, SEALED_MESSAGE_ID_SIZE), slice_of(data_key->b, KEY_SIZE), prk);
    hkdf_key(sha512, slice_of(prk, sizeof(prk)));
    hkdf_expand_key(sha512, SLICE_LIT("\x04\x78" "DERIVEKEY"), &ret_keys->content);
    hkdf_expand_key(sha512, SLICE_LIT("COMMITKEY"), &commitment);
    hkdf_expand_key(sha512, SLICE_LIT("SEALPOST-FIELDKEY"), &ret_keys->field);
    memcpy(ret_keys->commitment, commitment.b, SEALED_COMMITMENT_SIZE);
    mem_wipe(prk, sizeof(prk));
}
