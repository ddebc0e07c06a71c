/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials and locks: kept here, judged by keyd. The records are sealed by keyd where they must be. */
#include "base/clock.h"
#include "base/mem.h"
#include "ledger/leaf.h"
#include "roles/store.h"

static void send_credential(void *ctx, const struct msg_credential *credential)
{
    struct store *store = ctx;
    if (store->keyd == NULL) {
        return;
    }
    buf_reset(&store->frame);
    layout_write(&msg_credential_layout, &store->frame, credential);
    chan_send(store->keyd->chan, MSG_CREDENTIAL, buf_slice(&store->frame), -1);
}

static void send_lock(void *ctx, const struct msg_lock *lock)
{
    struct store *store = ctx;
    buf_reset(&store->frame);
    layout_write(&msg_lock_layout, &store->frame, lock);
    chan_send(store->keyd->chan, MSG_LOCK, buf_slice(&store->frame), -1);
}

void store_keyd_tell(struct store *store)
{
    struct err err;
    store_index_catch_up(store);
    if (!index_credentials(store->index, send_credential, store, &err) ||
        !index_locks(store->index, clock_utc_us(), send_lock, store, &err)) {
        store_end(store, true, &err);
    }
    chan_send(store->keyd->chan, MSG_CREDENTIALS_END, SLICE_EMPTY, -1);
}

bool store_keyd_lock(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_lock lock;
    (void)peer;
    if (!layout_read(&msg_lock_layout, frame->payload, &lock)) {
        return false;
    }
    const struct record_lock head = {lock.subject, lock.until_us};
    store_prepare(store);
    store_append(store, RECORD_LOCK, NULL, &record_lock_layout, &head, SLICE_EMPTY, true);
    return true;
}

/* The credential is durable: keyd may use it, and whoever made it may say so. */
static void then_credential(struct store_after *after)
{
    store_index_catch_up(after->store);
    if (after->store->keyd != NULL) {
        store_keyd_tell_one(after->store, &after->id);
    }
    store_answer_code(after->peer, after->type, after->request, MSG_OK);
}

struct find {
    struct store *store;
    const struct id *id;
    bool found;
};

static void find_credential(void *ctx, const struct msg_credential *credential)
{
    struct find *find = ctx;
    if (id_eq(&credential->id, find->id)) {
        find->found = true;
        send_credential(find->store, credential);
    }
}

void store_keyd_tell_one(struct store *store, const struct id *id)
{
    struct err err;
    struct find find = {store, id, false};
    if (!index_credentials(store->index, find_credential, &find, &err)) {
        store_end(store, true, &err);
    }
    if (!find.found) {
        const struct msg_credential gone = {.id = *id, .removed = true};
        send_credential(store, &gone);
    }
}

bool store_keyd_credential(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_credential credential;
    struct buf leaves;
    if (!layout_read(&msg_credential_layout, frame->payload, &credential) || id_is_zero(&credential.id) ||
        (!credential.removed && (credential.name.len == 0 || credential.record.len == 0))) {
        return false;
    }
    const struct leaf leaf = {.type = LEAF_CREDENTIAL, .time_us = clock_utc_us(), .id = credential.id,
                              .recipient = LEAF_NO_RECIPIENT, .outcome = credential.removed ? 2 : 1};
    buf_init(&leaves, RECORD_LEAVES_MAX);
    leaf_put(&leaves, &leaf);
    const struct record_credential head = {credential.removed, leaf.time_us, credential.name, credential.record,
                                           buf_slice(&leaves)};
    store_prepare(store);
    store_append(store, RECORD_CREDENTIAL, &credential.id, &record_credential_layout, &head, SLICE_EMPTY, false);
    buf_free(&leaves);
    struct store_after *after = store_after_new(store, peer, frame, MSG_OK, 0);
    after->then = then_credential;
    after->id = credential.id;
    store_after(after);
    return true;
}

static void list_credential(void *ctx, const struct msg_credential *credential)
{
    struct store *store = ctx;
    layout_write(&msg_credential_layout, &store->list, credential);
}

bool store_keyd_credentials(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct err err;
    if (frame->payload.len != 0) {
        return false;
    }
    store_index_catch_up(store);
    buf_reset(&store->list);
    if (!index_credentials(store->index, list_credential, store, &err)) {
        store_end(store, true, &err);
    }
    const struct msg_ctl_list list = {buf_slice(&store->list)};
    store_answer(peer, frame->type, frame->request, &msg_ctl_list_layout, &list, -1);
    return true;
}
