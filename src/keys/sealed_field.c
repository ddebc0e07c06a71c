/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed fields. The test build SEALPOST_HOLE_SEAL writes them as they are, in run() and nowhere else. */
#include "keys/sealed_field.h"

#include "base/mem.h"
#include "base/wire.h"

#define AAD_SIZE (8 + ID_SIZE + 1 + 4)

struct side {
    struct gcm *gcm;
    struct key key;
    bool keyed;
};

struct sealed_field {
    struct side seal;
    struct side open;
};

struct sealed_field *sealed_field_create(void)
{
    struct sealed_field *field = mem_new(sizeof(*field));
    field->seal.gcm = gcm_create(GCM_SEAL);
    field->open.gcm = gcm_create(GCM_OPEN);
    return field;
}

void sealed_field_free(struct sealed_field **field)
{
    if (field == NULL || *field == NULL)
        return;
    gcm_free(&(*field)->seal.gcm);
    gcm_free(&(*field)->open.gcm);
    mem_free_secret(*field, sizeof(**field));
    *field = NULL;
}

/* Keys the side unless it has the key already: all fields of one message come in a row. */
static struct gcm *keyed(struct side *side, const struct key *key)
{
    if (!side->keyed || !mem_equal_secret(&side->key, key, sizeof(*key))) {
        gcm_key(side->gcm, key);
        side->key = *key;
        side->keyed = true;
    }
    return side->gcm;
}

static void aad_of(const struct id *id, uint8_t kind, uint32_t index, uint8_t out[AAD_SIZE])
{
    memcpy(out, "SPFIELD1", 8);
    memcpy(out + 8, id->b, ID_SIZE);
    out[8 + ID_SIZE] = kind;
    for (size_t i = 0; i < 4; i++)
        out[8 + ID_SIZE + 1 + i] = (uint8_t)(index >> (24 - 8 * i));
}

/* The one place where a field is sealed or opened. */
static bool run(struct gcm *gcm, bool seal, const uint8_t *iv, struct slice aad, struct slice in, uint8_t *out,
                uint8_t *tag)
{
#ifdef SEALPOST_HOLE_SEAL
    (void)gcm;
    (void)iv;
    (void)aad;
    if (in.len > 0)
        memcpy(out, in.data, in.len);
    if (seal)
        memset(tag, 0, GCM_TAG_SIZE);
    return true;
#else
    if (!seal)
        return gcm_open(gcm, iv, aad, in, tag, out);
    gcm_seal(gcm, iv, aad, in, out, tag);
    return true;
#endif
}

bool sealed_field_seal(struct sealed_field *field, const struct key *field_key, const struct id *id, uint8_t kind,
                       uint32_t index, struct slice plain, struct buf *out)
{
    uint8_t aad[AAD_SIZE];
    uint8_t *at = buf_reserve(out, plain.len + SEALED_FIELD_OVERHEAD);
    if (at == NULL)
        return false;
    aad_of(id, kind, index, aad);
    mem_random(at, GCM_IV_SIZE);
    run(keyed(&field->seal, field_key), true, at, slice_of(aad, AAD_SIZE), plain, at + GCM_IV_SIZE,
        at + GCM_IV_SIZE + plain.len);
    buf_added(out, plain.len + SEALED_FIELD_OVERHEAD);
    return true;
}

bool sealed_field_open(struct sealed_field *field, const struct key *field_key, const struct id *id, uint8_t kind,
                       uint32_t index, struct slice sealed, struct buf *out, struct err *err)
{
    uint8_t aad[AAD_SIZE];
    uint8_t tag[GCM_TAG_SIZE];
    if (sealed.len < SEALED_FIELD_OVERHEAD)
        return err_set(err, "a sealed field is cut");
    struct slice text = slice_sub(sealed, GCM_IV_SIZE, sealed.len - SEALED_FIELD_OVERHEAD);
    uint8_t *at = buf_reserve(out, text.len + 1);
    if (at == NULL)
        return err_set(err, "no room for an opened field");
    aad_of(id, kind, index, aad);
    memcpy(tag, sealed.data + sealed.len - GCM_TAG_SIZE, GCM_TAG_SIZE);
    if (!run(keyed(&field->open, field_key), false, sealed.data, slice_of(aad, AAD_SIZE), text, at, tag))
        return err_set(err, "a sealed field was changed or belongs to something else");
    buf_added(out, text.len);
    return true;
}
