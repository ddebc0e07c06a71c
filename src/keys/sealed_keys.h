/* SPDX-License-Identifier: Apache-2.0 */
/* From a data key to what a message is sealed with: extract once with the message id as salt, expand three times. The
 * first two are the Encryption SDK's; the third is ours and opens the sealed fields that belong to the message. */
#ifndef KEYS_SEALED_KEYS_H
#define KEYS_SEALED_KEYS_H

#include "keys/hkdf.h"
#include "keys/sealed_header.h"

struct sealed_keys {
    struct key content;
    struct key field;
    uint8_t commitment[SEALED_COMMITMENT_SIZE];
};

/* Derives all three; sha512 is any HMAC_SHA512 context. The caller wipes *ret_keys. */
void sealed_keys_derive(struct hmac *sha512, const struct key *data_key,
                        const uint8_t message_id[SEALED_MESSAGE_ID_SIZE], struct sealed_keys *ret_keys);

#endif
