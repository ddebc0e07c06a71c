/* SPDX-License-Identifier: Apache-2.0 */
/* Makes sealed-message headers under one wrapping key. A data key and its escrow copies serve up to SEALED_MAKER_USES
 * messages or SEALED_MAKER_AGE_US, because suite 0x0478 derives a key of its own for each message; the copy under the
 * wrapping key is made for each message, since it is bound to the message's context. keyd only. */
#ifndef KEYS_SEALED_MAKER_H
#define KEYS_SEALED_MAKER_H

#include "keys/escrow.h"
#include "keys/sealed_header.h"

#define SEALED_MAKER_USES 256u                    /* spreads one RSA operation (33 us at 3072 bits) over many */
#define SEALED_MAKER_AGE_US INT64_C(60000000)     /* a minute */
#define SEALED_KEY_NAME_MAX 160                   /* bytes of a wrapping key's name */

struct sealed_maker;

/* A maker for a wrapping key (copied). key_name goes into every header and is copied. escrow is borrowed and must
 * outlive the maker; NULL or an empty set: no escrow copies. */
struct sealed_maker *sealed_maker_create(struct slice key_name, const struct key *wrapping, struct escrow *escrow);

/* Wipes and frees; accepts NULL and a NULL maker. */
void sealed_maker_free(struct sealed_maker **maker);

/* Appends the header of one message of this id and tenant to out and gives its two derived keys, which the caller
 * wipes. now_us is clock_wait_us(). False with a reason when the escrow copy cannot be made or out is full. */
bool sealed_maker_make(struct sealed_maker *maker, struct slice tenant, const struct id *id, int64_t now_us,
                       struct buf *out, struct key *ret_content_key, struct key *ret_field_key, struct err *err);

#endif
