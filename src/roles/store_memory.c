/* SPDX-License-Identifier: Apache-2.0 */
/* Domain memory: the best proof a recipient domain has shown, written down and read back for couriers. The store sees
 * tags whose key it does not hold. */
#include "base/clock.h"
#include "roles/store.h"

bool store_memory_shown(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_shown_ask ask;
    struct msg_shown shown = {.level = 0};
    struct buf payload;
    if (!layout_read(&msg_shown_ask_layout, frame->payload, &ask)) {
        return false;
    }
    store_index_catch_up(store);
    if (!index_domain(store->index, &ask.domain, &shown)) {
        shown = (struct msg_shown){.level = 0};
    }
    buf_init(&payload, 64);
    layout_write(&msg_shown_layout, &payload, &shown);
    chan_answer(peer->chan, frame->type, frame->request, buf_slice(&payload), -1);
    buf_free(&payload);
    return true;
}

bool store_memory_remember(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_remember remember;
    (void)peer;
    if (!layout_read(&msg_remember_layout, frame->payload, &remember)) {
        return false;
    }
    const struct record_domain head = {remember.domain, remember.level, clock_utc_us()};
    store_prepare(store);
    store_append(store, RECORD_DOMAIN, NULL, &record_domain_layout, &head, SLICE_EMPTY, true);
    return true;
}
