/* SPDX-License-Identifier: Apache-2.0 */
/* Ids, headers and keys of messages to come, asked from keyd ahead, per tenant, in batches: a message seldom waits for
 * them, and no process hop is spent on a single one. What is not used within a minute is wiped. */
#ifndef ROLES_INTAKE_KEYS_H
#define ROLES_INTAKE_KEYS_H

#include "base/id.h"
#include "base/list.h"
#include "os/chan.h"

#define INTAKE_KEYS_TENANTS_MAX 4096u              /* pools at once; unused ones go after a minute */
#define INTAKE_KEYS_LIFE_US INT64_C(55000000)      /* of an item, "a minute" with the sweep's period */
#define INTAKE_KEYS_SWEEP_US INT64_C(5000000)
#define INTAKE_KEYS_FIRST 4u                       /* the first batch of a tenant; it doubles when it runs out early */

struct intake_keys;

/* All that sealing one message takes. */
struct intake_key {
    struct id id;
    struct key content_key;
    struct key field_key;
    struct key message_id_key;
    struct key recipient_key;
    struct key destination_key;
    uint8_t *header; /* owned */
    size_t header_len;
};

/* Wipes and frees what key owns. */
void intake_key_wipe(struct intake_key *key);

/* Somebody who waits for a key; a member of the waiter's own object. */
struct intake_keys_waiter {
    struct list link;
    /* ok: a key is there for intake_keys_take(); otherwise keyd could not give one. Called once. */
    void (*ready)(void *ctx, bool ok);
    void *ctx;
};

/* Empty pools. */
struct intake_keys *intake_keys_create(struct loop *loop);
/* Wipes and frees; nobody may be waiting. *keys becomes NULL; NULL is accepted. */
void intake_keys_free(struct intake_keys **keys);

/* Tells which channel leads to keyd (borrowed; NULL: none). Keys from an earlier keyd stay good. */
void intake_keys_channel(struct intake_keys *keys, struct chan *keyd);

/* A client of this tenant (1 to 64 bytes) is about to send: asks ahead when nothing is at hand. */
void intake_keys_prepare(struct intake_keys *keys, struct slice tenant);

/* Takes a key. False when none is at hand; then intake_keys_wait(). */
bool intake_keys_take(struct intake_keys *keys, struct slice tenant, struct intake_key *ret_key);

/* Waits for a key; ready() is called from the loop, or at once when keyd is not there. */
void intake_keys_wait(struct intake_keys *keys, struct slice tenant, struct intake_keys_waiter *waiter);
/* Waits no longer; harmless for one who does not. */
void intake_keys_forget(struct intake_keys_waiter *waiter);

#endif
