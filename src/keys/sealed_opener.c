/* SPDX-License-Identifier: Apache-2.0 */
/* Opening of headers. */
#include "keys/sealed_opener.h"

#include "base/mem.h"
#include "base/wire.h"
#include "keys/sealed_keys.h"

#define INFO_TAIL (4 + 4 + GCM_IV_SIZE) /* bytes behind the key name in a raw AES keyring's info */

struct sealed_opener {
    struct hmac *hmac;
    struct gcm *unwrap;
    struct gcm *check;
    struct key wrapping; /* the one `unwrap` holds, when keyed */
    bool keyed;
};

struct sealed_opener *sealed_opener_create(void)
{
    struct sealed_opener *opener = mem_new(sizeof(*opener));
    opener->hmac = hmac_create(HMAC_SHA512);
    opener->unwrap = gcm_create(GCM_OPEN);
    opener->check = gcm_create(GCM_OPEN);
    return opener;
}

void sealed_opener_free(struct sealed_opener **opener)
{
    if (opener == NULL || *opener == NULL)
        return;
    hmac_free(&(*opener)->hmac);
    gcm_free(&(*opener)->unwrap);
    gcm_free(&(*opener)->check);
    mem_free_secret(*opener, sizeof(**opener));
    *opener = NULL;
}

/* The entry of ours, or NULL. */
static const struct sealed_wrapped *find(const struct sealed_header *header)
{
    for (size_t i = 0; i < header->wrapped_count; i++)
        if (slice_eq(header->wrapped[i].provider, SLICE_LIT(SEALED_PROVIDER)) &&
            header->wrapped[i].info.len > INFO_TAIL)
            return &header->wrapped[i];
    return NULL;
}

struct slice sealed_opener_key_name(const struct sealed_header *header)
{
    const struct sealed_wrapped *entry = find(header);
    return entry == NULL ? SLICE_EMPTY : slice_sub(entry->info, 0, entry->info.len - INFO_TAIL);
}

/* Unwraps the data key; the bound context is the additional data. */
static bool unwrap(struct sealed_opener *opener, const struct sealed_header *header, const struct key *wrapping,
                   struct key *ret_data_key)
{
    const struct sealed_wrapped *entry = find(header);
    if (entry == NULL || entry->wrapped.len != KEY_SIZE + GCM_TAG_SIZE)
        return false;
    struct wire_reader r = wire_reader_of(slice_sub(entry->info, entry->info.len - INFO_TAIL, INFO_TAIL));
    if (wire_u32(&r) != GCM_TAG_SIZE * 8 || wire_u32(&r) != GCM_IV_SIZE)
        return false;
    struct slice iv = wire_bytes(&r, GCM_IV_SIZE);
    if (!opener->keyed || !mem_equal_secret(&opener->wrapping, wrapping, sizeof(*wrapping))) {
        gcm_key(opener->unwrap, wrapping);
        opener->wrapping = *wrapping;
        opener->keyed = true;
    }
    struct slice sealed = slice_sub(entry->wrapped, 0, KEY_SIZE);
    return gcm_open(opener->unwrap, iv.data, header->context, sealed, entry->wrapped.data + KEY_SIZE, ret_data_key->b);
}

bool sealed_opener_open(struct sealed_opener *opener, const struct sealed_header *header, const struct key *wrapping,
                        struct key *ret_content_key, struct key *ret_field_key, struct err *err)
{
    struct key data_key = {{0}};
    struct sealed_keys keys;
    memset(ret_content_key, 0, sizeof(*ret_content_key));
    memset(ret_field_key, 0, sizeof(*ret_field_key));
    if (!unwrap(opener, header, wrapping, &data_key))
        return err_set(err, "the sealed header does not open under its wrapping key");
    sealed_keys_derive(opener->hmac, &data_key, header->message_id.data, &keys);
    mem_wipe(&data_key, sizeof(data_key));
    bool ok = mem_equal_secret(keys.commitment, header->commitment.data, SEALED_COMMITMENT_SIZE);
    if (ok) {
        gcm_key(opener->check, &keys.content);
        ok = sealed_header_check(opener->check, header);
    }
    if (ok) {
        *ret_content_key = keys.content;
        *ret_field_key = keys.field;
    }
    mem_wipe(&keys, sizeof(keys));
    return ok || err_set(err, "the sealed header was changed");
}
