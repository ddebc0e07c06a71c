/* SPDX-License-Identifier: Apache-2.0 */
/* Look-up tags. */
#include "keys/lookup_tag.h"

void lookup_tag(struct hmac *sha256, const struct key *key, struct slice text, struct tag *ret_tag)
{
    uint8_t sum[HMAC_SIZE_MAX];
    hmac_once(sha256, slice_of(key->b, KEY_SIZE), text, sum);
    memcpy(ret_tag->b, sum, TAG_SIZE);
}
