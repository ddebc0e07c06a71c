/* SPDX-License-Identifier: Apache-2.0 */
/* Counts for reports about TLS: couriers hand them over sealed, the first courier takes those of a day that has ended, one
 * domain after the other, and says when a domain's report is at its end. The store sees tags, days and sizes only. */
#include "base/clock.h"
#include "base/mem.h"
#include "roles/store.h"

bool store_report_tally(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_tally tally;
    if (!layout_read(&msg_tally_layout, frame->payload, &tally) || id_is_zero(&tally.part)) {
        return false;
    }
    const struct record_tally head = {.domain = tally.domain, .day = tally.day, .at_us = clock_utc_us(), .sealed = tally.sealed};
    store_prepare(store);
    store_append(store, RECORD_TALLY, &tally.part, &record_tally_layout, &head, SLICE_EMPTY, false);
    store_after(store_after_new(store, peer, frame, MSG_OK, 0));
    return true;
}

bool store_report_done(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_tally_done done;
    if (!layout_read(&msg_tally_done_layout, frame->payload, &done)) {
        return false;
    }
    const struct record_tally head = {.domain = done.domain, .day = done.day, .at_us = clock_utc_us(), .done = true};
    store_prepare(store);
    store_append(store, RECORD_TALLY, NULL, &record_tally_layout, &head, SLICE_EMPTY, false);
    store_after(store_after_new(store, peer, frame, MSG_OK, 0));
    return true;
}

struct taking {
    struct buf *list;
    struct tag domain;
};

/* Parts of one domain, as long as there is room. */
static bool take_part(void *ctx, const struct msg_tally *tally)
{
    struct taking *taking = ctx;
    bool first = taking->list->len == 0;
    if (!first && (memcmp(taking->domain.b, tally->domain.b, TAG_SIZE) != 0 ||
                   taking->list->len + tally->sealed.len + 64 > MSG_LIST_MAX)) {
        return false;
    }
    taking->domain = tally->domain;
    layout_write(&msg_tally_layout, taking->list, tally);
    return true;
}

bool store_report_take(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_tally_take from;
    struct taking taking = {.list = &store->list};
    struct err err = {""};
    if (!layout_read(&msg_tally_take_layout, frame->payload, &from)) {
        return false;
    }
    store_index_catch_up(store);
    buf_reset(&store->list);
    if (!index_tallies(store->index, &from, take_part, &taking, &err)) {
        store_end(store, true, &err);
    }
    const struct msg_tally_taken taken = {.domain = taking.domain, .parts = buf_slice(&store->list)};
    store_answer(peer, frame->type, frame->request, &msg_tally_taken_layout, &taken, -1);
    return true;
}

/* The operator's order to report a day now: first every courier hands over what it has, then the first one begins. */
struct order {
    struct store *store;
    struct store_peer *cli;
    uint64_t request;
    uint32_t day;
    unsigned open;
};

static void answer_order(struct order *order, enum msg_code code)
{
    store_answer_code(order->cli, MSG_CTL_REPORT, order->request, code);
    store_peer_unref(order->cli);
    mem_free(order);
}

static void on_begun(void *ctx, const struct chan_frame *answer)
{
    struct msg_status status = {.code = MSG_UNAVAILABLE};
    if (answer != NULL && !layout_read(&msg_status_layout, answer->payload, &status)) {
        status.code = MSG_BROKEN;
    }
    answer_order(ctx, (enum msg_code)status.code);
}

static void tell(struct store_peer *courier, uint32_t day, chan_answer_fn *fn, struct order *order)
{
    const struct msg_report_now now = {day};
    struct buf payload;
    buf_init(&payload, 64);
    layout_write(&msg_report_now_layout, &payload, &now);
    (void)chan_call(courier->chan, MSG_REPORT_NOW, buf_slice(&payload), -1, MSG_DEADLINE_US, fn, order);
    buf_free(&payload);
}

/* A courier that has died meanwhile has nothing to hand over. */
static void on_handed_over(void *ctx, const struct chan_frame *answer)
{
    struct order *order = ctx;
    struct store_peer *first = order->store->courier[0].peer;
    (void)answer;
    if (--order->open > 0) {
        return;
    }
    if (first == NULL || first->chan == NULL) {
        answer_order(order, MSG_UNAVAILABLE);
    } else {
        tell(first, order->day, on_begun, order);
    }
}

bool store_report_order(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_report_now now;
    if (!layout_read(&msg_report_now_layout, frame->payload, &now) || now.day == 0) {
        return false;
    }
    if (role_conf(store->role)->report_contact == NULL) {
        store_answer_text(peer, frame->type, frame->request, MSG_REFUSED,
                          "reports are off: set report { contact = \"...\" } first");
        return true;
    }
    struct order *order = mem_new(sizeof *order);
    *order = (struct order){.store = store, .cli = store_peer_ref(peer), .request = frame->request, .day = now.day, .open = 1};
    for (unsigned i = 0; i < ROLE_INDEX_MAX; i++) {
        struct store_peer *courier = store->courier[i].peer;
        if (courier != NULL && courier->chan != NULL) {
            order->open++;
            tell(courier, 0, on_handed_over, order);
        }
    }
    on_handed_over(order, NULL);
    return true;
}
