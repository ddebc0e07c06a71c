/* SPDX-License-Identifier: Apache-2.0 */
/* Domain memory: the best proof a recipient domain has shown, and its kept policy, written down and read back for couriers,
 * shown to the operator and forgotten at his word. The store sees tags whose key it does not hold, and sealed policies. */
#include "base/clock.h"
#include "roles/store.h"
#include "trust/trust_facts.h"

/* What is remembered of a domain; all zero when nothing is. */
static struct msg_shown look_up(struct store *store, const struct tag *domain)
{
    struct msg_shown shown = {.level = 0};
    store_index_catch_up(store);
    if (!index_domain(store->index, domain, &shown)) {
        shown = (struct msg_shown){.level = 0};
    }
    return shown;
}

bool store_memory_shown(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_shown_ask ask;
    if (!layout_read(&msg_shown_ask_layout, frame->payload, &ask)) {
        return false;
    }
    const struct msg_shown shown = look_up(store, &ask.domain);
    store_answer(peer, frame->type, frame->request, &msg_shown_layout, &shown, -1);
    return true;
}

bool store_memory_remember(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_remember remember;
    (void)peer;
    /* Above the levels there are, it could never be surpassed, and would be read as none. */
    if (!layout_read(&msg_remember_layout, frame->payload, &remember) || remember.level > TRUST_LEVEL_DANE) {
        return false;
    }
    const struct record_domain head = {.domain = remember.domain, .level = remember.level, .at_us = clock_utc_us(),
                                       .acts = remember.has_policy ? RECORD_DOMAIN_POLICY : 0,
                                       .policy = remember.policy};
    store_prepare(store);
    store_append(store, RECORD_DOMAIN, NULL, &record_domain_layout, &head, SLICE_EMPTY, true);
    return true;
}

bool store_memory_alarm(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_text text;
    (void)peer;
    if (!layout_read(&msg_text_layout, frame->payload, &text)) {
        return false;
    }
    store_alarm(store, "%.*s", (int)text.text.len, (const char *)text.text.data);
    return true;
}

/* Couriers keep what they were told for a while: it must not live on there. */
static void tell_couriers(struct store *store, const struct tag *domain)
{
    const struct msg_shown_ask forgotten = {*domain};
    struct buf payload;
    buf_init(&payload, 64);
    layout_write(&msg_shown_ask_layout, &payload, &forgotten);
    for (unsigned i = 0; i < ROLE_INDEX_MAX; i++) {
        const struct store_peer *peer = store->courier[i].peer;
        if (peer != NULL && peer->chan != NULL) {
            chan_send(peer->chan, MSG_FORGOTTEN, buf_slice(&payload), -1);
        }
    }
    buf_free(&payload);
}

/* Only now: a courier that asked in between was told what is kept no more, and would believe it. */
static void then_forgotten(struct store_after *after)
{
    struct tag domain;
    _Static_assert(sizeof(domain.b) == sizeof(after->id.b), "a tag fills an id");
    memcpy(domain.b, after->id.b, sizeof(domain.b));
    tell_couriers(after->store, &domain);
    store_answer_code(after->peer, after->type, after->request, after->code);
}

static bool forget(struct store *store, struct store_peer *peer, const struct chan_frame *frame,
                   const struct tag *domain)
{
    const struct msg_shown shown = look_up(store, domain);
    const struct record_domain head = {.domain = *domain, .at_us = clock_utc_us(), .acts = RECORD_DOMAIN_FORGET};
    if (shown.level == 0 && shown.policy.len == 0) {
        store_answer_code(peer, frame->type, frame->request, MSG_UNKNOWN);
        return true;
    }
    store_prepare(store);
    store_append(store, RECORD_DOMAIN, NULL, &record_domain_layout, &head, SLICE_EMPTY, false);
    store_control_note(store, RECORD_ADMIN_FORGET, NULL);
    struct store_after *after = store_after_new(store, peer, frame, MSG_OK, 0);
    memcpy(after->id.b, domain->b, sizeof(after->id.b));
    after->then = then_forgotten;
    store_after(after);
    return true;
}

bool store_memory_control(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_ctl_domain ask;
    if (!layout_read(&msg_ctl_domain_layout, frame->payload, &ask)) {
        return false;
    }
    if (ask.forget) {
        return forget(store, peer, frame, &ask.domain);
    }
    const struct msg_shown shown = look_up(store, &ask.domain);
    store_answer(peer, frame->type, frame->request, &msg_shown_layout, &shown, -1);
    return true;
}
