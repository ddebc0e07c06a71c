/* SPDX-License-Identifier: Apache-2.0 */
/* Audit leaves: one fact of the audit log in canonical bytes (design section 8). A leaf is written inside the journal
 * record whose change it describes, from the first day; tiles and checkpoints are built from these bytes, never from
 * anything else. It holds no content, no address and no keyed hash of one: a person appears only as SHA-256 over a
 * random salt and the address, made by intake; the salt is sealed with the row. */
#ifndef LEDGER_LEAF_H
#define LEDGER_LEAF_H

#include "base/buf.h"
#include "base/id.h"

#define LEAF_VERSION 1u
#define LEAF_SIZE 67u /* bytes of one leaf; every field has a fixed place */
#define LEAF_NO_RECIPIENT 0xffffu

/* What kind of fact. Numbers are part of the log for ever: never reuse one. */
enum leaf_type {
    LEAF_ACCEPTED = 1,   /* a recipient of a message was taken over */
    LEAF_TRANSITION = 2, /* a recipient's state changed, or an attempt ended; outcome is the state */
    LEAF_NOTICE = 3,     /* a notice changed its state; outcome is the notice state */
    LEAF_LETTER = 4,     /* a letter was opened, its link renewed, its code sent or failed; outcome is the act */
    LEAF_CREDENTIAL = 5, /* a credential was made, locked or removed */
    LEAF_ADMIN = 6,      /* the operator did or saw something */
    LEAF_DAMAGE = 7,     /* stored bytes were found damaged */
};

struct leaf {
    enum leaf_type type;
    int64_t time_us;      /* UTC */
    struct id id;         /* the message, letter or credential */
    uint16_t recipient;   /* index within the message, or LEAF_NO_RECIPIENT */
    uint8_t outcome;
    uint32_t generation;  /* of the recipient after the change; 0 where there is none */
    struct digest name;   /* salted digest of the person, or zero */
    uint16_t reason;      /* trust/trust_reason.h, or of the store (store/state.h); 0: none */
};

/* Appends the canonical bytes of leaf with a 2-byte length in front (the form in which records hold one or several). */
void leaf_put(struct buf *out, const struct leaf *leaf);

/* Takes the next leaf off a run of leaves. *ret_bytes gets its canonical bytes (what is hashed), *ret_leaf its fields;
 * both borrow from *run. False at the end (run->len is 0) or on malformed bytes (run is left as it was). */
bool leaf_next(struct slice *run, struct slice *ret_bytes, struct leaf *ret_leaf);

/* The Merkle leaf hash of RFC 6962 section 2.1: SHA-256 over 0x00 and the canonical bytes. */
struct digest leaf_hash(struct slice bytes);

#endif
