/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical bytes and hash of an audit leaf. */
#include "ledger/leaf.h"

#include <openssl/sha.h>

#include "base/wire.h"

void leaf_put(struct buf *out, const struct leaf *leaf)
{
    wire_put_u16(out, LEAF_SIZE);
    wire_put_u8(out, LEAF_VERSION);
    wire_put_u8(out, (uint8_t)leaf->type);
    wire_put_u64(out, (uint64_t)leaf->time_us);
    buf_append(out, leaf->id.b, ID_SIZE);
    wire_put_u16(out, leaf->recipient);
    wire_put_u8(out, leaf->outcome);
    wire_put_u32(out, leaf->generation);
    buf_append(out, leaf->name.b, DIGEST_SIZE);
    wire_put_u16(out, leaf->reason);
}

static bool leaf_parse(struct slice bytes, struct leaf *ret_leaf)
{
    struct wire_reader r = wire_reader_of(bytes);
    if (wire_u8(&r) != LEAF_VERSION) {
        return false;
    }
    ret_leaf->type = (enum leaf_type)wire_u8(&r);
    ret_leaf->time_us = (int64_t)wire_u64(&r);
    wire_copy(&r, ret_leaf->id.b, ID_SIZE);
    ret_leaf->recipient = wire_u16(&r);
    ret_leaf->outcome = wire_u8(&r);
    ret_leaf->generation = wire_u32(&r);
    wire_copy(&r, ret_leaf->name.b, DIGEST_SIZE);
    ret_leaf->reason = wire_u16(&r);
    return wire_done(&r) && ret_leaf->type >= LEAF_ACCEPTED && ret_leaf->type <= LEAF_DAMAGE;
}

bool leaf_next(struct slice *run, struct slice *ret_bytes, struct leaf *ret_leaf)
{
    struct wire_reader r = wire_reader_of(*run);
    struct slice bytes = wire_blob16(&r, LEAF_SIZE);
    if (r.bad || !leaf_parse(bytes, ret_leaf)) {
        return false;
    }
    *ret_bytes = bytes;
    *run = slice_sub(*run, bytes.len + 2, run->len);
    return true;
}

struct digest leaf_hash(struct slice bytes)
{
    uint8_t all[1 + LEAF_SIZE];
    struct digest hash;
    size_t len = bytes.len <= LEAF_SIZE ? bytes.len : LEAF_SIZE;
    all[0] = 0;
    if (len > 0) {
        memcpy(all + 1, bytes.data, len);
    }
    SHA256(all, len + 1, hash.b);
    return hash;
}
