/* SPDX-License-Identifier: Apache-2.0 */
/* Headers, one after the other, under one wrapping key. */
#include "keys/sealed_maker.h"

#include "base/mem.h"
#include "base/wire.h"
#include "keys/sealed_keys.h"

#define CONTEXT_MAX 256 /* bytes: three short keys, an id, a tenant */

struct sealed_maker {
    struct escrow *escrow;
    struct hmac *hmac;
    struct gcm *wrap;    /* holds the wrapping key */
    struct gcm *tag;     /* holds the content key of the header at hand */
    struct buf key_name;
    struct buf escrowed; /* wrapped-key fields of the present data key */
    struct key data_key;
    uint32_t uses_left;
    int64_t until_us;
};

/* What is random in a header; drawn in one go. */
struct drawn {
    uint8_t message_id[SEALED_MESSAGE_ID_SIZE];
    uint8_t iv[GCM_IV_SIZE];
};

struct sealed_maker *sealed_maker_create(struct slice key_name, const struct key *wrapping, struct escrow *escrow)
{
    struct sealed_maker *maker = mem_new(sizeof(*maker));
    maker->escrow = escrow;
    maker->hmac = hmac_create(HMAC_SHA512);
    maker->wrap = gcm_create(GCM_SEAL);
    maker->tag = gcm_create(GCM_SEAL);
    gcm_key(maker->wrap, wrapping);
    buf_init(&maker->key_name, SEALED_KEY_NAME_MAX);
    buf_append_slice(&maker->key_name, key_name);
    buf_init(&maker->escrowed, SEALED_HEADER_MAX);
    return maker;
}

void sealed_maker_free(struct sealed_maker **maker)
{
    if (maker == NULL || *maker == NULL)
        return;
    hmac_free(&(*maker)->hmac);
    gcm_free(&(*maker)->wrap);
    gcm_free(&(*maker)->tag);
    buf_free(&(*maker)->key_name);
    buf_free(&(*maker)->escrowed);
    mem_free_secret(*maker, sizeof(**maker));
    *maker = NULL;
}

/* A fresh data key when the present one is used up or too old. */
static bool renew(struct sealed_maker *maker, int64_t now_us, struct err *err)
{
    if (maker->uses_left > 0 && now_us < maker->until_us)
        return true;
    maker->uses_left = 0;
    buf_reset(&maker->escrowed);
    mem_random(maker->data_key.b, KEY_SIZE);
    if (maker->escrow != NULL && !escrow_wrap(maker->escrow, &maker->data_key, &maker->escrowed, err))
        return false;
    maker->uses_left = SEALED_MAKER_USES;
    maker->until_us = now_us + SEALED_MAKER_AGE_US;
    return true;
}

/* The copy under the wrapping key, as the raw AES keyring writes it. */
static void put_wrapped(struct sealed_maker *maker, const struct drawn *drawn, struct slice context, struct buf *out)
{
    uint8_t wrapped[KEY_SIZE + GCM_TAG_SIZE];
    gcm_seal(maker->wrap, drawn->iv, context, slice_of(maker->data_key.b, KEY_SIZE), wrapped, wrapped + KEY_SIZE);
    wire_put_blob16(out, SLICE_LIT(SEALED_PROVIDER));
    wire_put_u16(out, (uint16_t)(maker->key_name.len + 4 + 4 + GCM_IV_SIZE));
    buf_append_slice(out, buf_slice(&maker->key_name));
    wire_put_u32(out, GCM_TAG_SIZE * 8);
    wire_put_u32(out, GCM_IV_SIZE);
    buf_append(out, drawn->iv, GCM_IV_SIZE);
    wire_put_blob16(out, slice_of(wrapped, sizeof(wrapped)));
}

bool sealed_maker_make(struct sealed_maker *maker, struct slice tenant, const struct id *id, int64_t now_us,
                       struct buf *out, struct key *ret_content_key, struct key *ret_field_key, struct err *err)
{
    if (tenant.len == 0 || tenant.len > SEALED_TENANT_MAX || !buf_ok(&maker->key_name))
        return err_set(err, "tenant or key name has no right length");
    if (!renew(maker, now_us, err))
        return false;
    maker->uses_left--;

    struct drawn drawn;
    struct sealed_keys keys;
    mem_random(&drawn, sizeof(drawn));
    sealed_keys_derive(maker->hmac, &maker->data_key, drawn.message_id, &keys);

    size_t start = out->len;
    size_t escrows = maker->escrow == NULL ? 0 : escrow_count(maker->escrow);
    struct buf context;
    buf_init(&context, CONTEXT_MAX);
    sealed_header_put_context(&context, tenant, id);
    sealed_header_put_begin(out, drawn.message_id, buf_slice(&context), 1 + escrows);
    put_wrapped(maker, &drawn, buf_slice(&context), out);
    buf_append_slice(out, buf_slice(&maker->escrowed));
    sealed_header_put_end(out, keys.commitment);
    buf_free(&context);

    uint8_t tag[GCM_TAG_SIZE];
    gcm_key(maker->tag, &keys.content);
    sealed_header_tag(maker->tag, slice_of(out->data + start, out->len - start), tag);
    buf_append(out, tag, sizeof(tag));
    *ret_content_key = keys.content;
    *ret_field_key = keys.field;
    mem_wipe(&keys, sizeof(keys));
    return buf_ok(out) || err_set(err, "no room for another sealed header");
}
