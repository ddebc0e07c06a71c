/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS that others send to the Message Center: kept sealed as they came, so many a day and no more, and shown
 * to the operator. Anybody may send them, so nothing here grows with the number of those who do. */
#include "base/clock.h"
#include "base/mem.h"
#include "roles/store.h"

/* What was taken today. Everything of an earlier run is in the index before the first peer comes. */
static void look_at_day(struct store *store, int64_t now_us)
{
    struct err err = {""};
    uint32_t day = clock_day(now_us);
    if (store->received_day == day) {
        return;
    }
    store->received_count = 0;
    store_index_catch_up(store);
    if (!index_received_count(store->index, (int64_t)day * CLOCK_US_PER_DAY, &store->received_count, &err)) {
        store_end(store, true, &err);
    }
    store->received_day = day;
}

bool store_received_take(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_received received;
    const struct conf *conf = role_conf(store->role);
    int64_t now_us = clock_utc_us();
    if (!layout_read(&msg_received_layout, frame->payload, &received) || id_is_zero(&received.id) || received.sealed.len == 0) {
        return false;
    }
    look_at_day(store, now_us);
    enum msg_code code = store_has_room(store) ? MSG_OK : MSG_FULL;
    if (store->received_count >= conf->report_daily) {
        code = MSG_BUSY;
    }
    if (conf->report_contact == NULL) {
        code = MSG_REFUSED;
    }
    if (code != MSG_OK) {
        store_answer_code(peer, frame->type, frame->request, code);
        return true;
    }
    const struct record_received head = {.at_us = now_us, .size = received.size, .header = received.header,
                                         .sealed = received.sealed};
    store->received_count++;
    store_prepare(store);
    store_append(store, RECORD_RECEIVED, &received.id, &record_received_layout, &head, SLICE_EMPTY, false);
    store_after(store_after_new(store, peer, frame, MSG_OK, 0));
    return true;
}

struct showing {
    struct store_peer *peer;
    uint32_t count;
};

static void send_received(void *ctx, const struct msg_received *received)
{
    struct showing *showing = ctx;
    struct buf *frame = &showing->peer->store->frame;
    buf_reset(frame);
    layout_write(&msg_received_layout, frame, received);
    chan_send(showing->peer->chan, MSG_CTL_RECEIVED, buf_slice(frame), -1);
    showing->count++;
}

bool store_received_show(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_ctl_target target;
    struct err err = {""};
    struct showing showing = {.peer = peer};
    if (!layout_read(&msg_ctl_target_layout, frame->payload, &target)) {
        return false;
    }
    bool one = !id_is_zero(&target.id);
    store_index_catch_up(store);
    if (!index_received(store->index, one ? &target.id : NULL, clock_utc_us() - INDEX_RECEIVED_LIFE_US, send_received, &showing, &err)) {
        store_end(store, true, &err);
    }
    if (one && showing.count > 0) {
        store_control_note(store, RECORD_ADMIN_SHOWN, &target.id);
        store_control_grant(store, peer, frame, showing.count);
    } else {
        const struct msg_ctl_grant none = {.code = MSG_OK, .rows = showing.count};
        store_answer(peer, frame->type, frame->request, &msg_ctl_grant_layout, &none, -1);
    }
    return true;
}

void store_received_forget(struct store *store)
{
    struct err err = {""};
    int64_t now_us = clock_utc_us();
    if (now_us >= store->received_us && now_us - store->received_us < STORE_RECEIVED_US) {
        return;
    }
    store->received_us = now_us;
    if (!index_received_forget(store->index, now_us, &err)) {
        store_end(store, true, &err);
    }
    if (store->index_tx_us == 0) {
        store->index_tx_us = clock_wait_us();
        loop_timer_start(store->index_timer, STORE_INDEX_GAP_US);
    }
}
