/* SPDX-License-Identifier: Apache-2.0 */
/* The table of ways between states, and the function that goes them. */
#include "store/state.h"

#include "ledger/leaf.h"

#define STATE_KEEP 0xffu /* the field stays as it is */
#define STATE_BIT(n) (1u << (n))

/* One way: allowed from these states and notices; what is set; the leaf's type. */
struct state_way {
    uint8_t from;        /* enum state_recipient; 0: no such event */
    uint8_t notices;     /* bits of enum state_notice */
    uint8_t needs_flags;
    uint8_t to;
    uint8_t notice;
    uint8_t set_flags;
    uint8_t clear_flags;
};

#define STATE_OPEN_NOTICE (STATE_BIT(STATE_NOTICE_PENDING) | STATE_BIT(STATE_NOTICE_HELD))
#define STATE_ANY_NOTICE 0xffu
#define STATE_NO_NOTICE STATE_BIT(STATE_NOTICE_NONE)
#define STATE_PENDING STATE_BIT(STATE_NOTICE_PENDING)

static const struct state_way state_ways[STATE_EVENT_COUNT] = {
    [STATE_DELIVER] = {STATE_QUEUED, STATE_NO_NOTICE, 0, STATE_DELIVERED, STATE_KEEP, 0, 0},
    [STATE_LATER] = {STATE_QUEUED, STATE_NO_NOTICE, 0, STATE_QUEUED, STATE_KEEP, 0, 0},
    [STATE_POST] = {STATE_QUEUED, STATE_NO_NOTICE, 0, STATE_POSTED, STATE_NOTICE_PENDING, 0, 0},
    [STATE_RETURN] = {STATE_QUEUED, STATE_NO_NOTICE, 0, STATE_RETURNED, STATE_KEEP, 0, 0},
    [STATE_RETURN_UNTOLD] = {STATE_QUEUED, STATE_NO_NOTICE, 0, STATE_RETURNED, STATE_KEEP, STATE_FLAG_TELL, 0},
    [STATE_NOTICE_DELIVER] = {STATE_POSTED, STATE_PENDING, 0, STATE_POSTED, STATE_NOTICE_SENT, 0,
                              STATE_FLAG_REFUSED_ONCE},
    [STATE_NOTICE_LATER] = {STATE_POSTED, STATE_PENDING, 0, STATE_POSTED, STATE_KEEP, 0, STATE_FLAG_REFUSED_ONCE},
    [STATE_NOTICE_REFUSE_ONCE] = {STATE_POSTED, STATE_PENDING, 0, STATE_POSTED, STATE_KEEP, STATE_FLAG_REFUSED_ONCE, 0},
    [STATE_NOTICE_REFUSE] = {STATE_POSTED, STATE_PENDING, STATE_FLAG_REFUSED_ONCE, STATE_RETURNED,
                             STATE_NOTICE_REFUSED, STATE_FLAG_TELL, STATE_FLAG_REFUSED_ONCE},
    [STATE_NOTICE_HOLD] = {STATE_POSTED, STATE_PENDING, 0, STATE_POSTED, STATE_NOTICE_HELD, 0, 0},
    [STATE_NOTICE_RELEASE] = {STATE_POSTED, STATE_BIT(STATE_NOTICE_HELD), 0, STATE_POSTED, STATE_NOTICE_PENDING,
                              STATE_FLAG_RELEASED, 0},
    [STATE_NOTICE_WITHDRAW] = {STATE_POSTED, STATE_OPEN_NOTICE, 0, STATE_RETURNED, STATE_NOTICE_WITHDRAWN,
                               STATE_FLAG_TELL, STATE_FLAG_REFUSED_ONCE},
    [STATE_TELL] = {STATE_RETURNED, STATE_ANY_NOTICE, STATE_FLAG_TELL, STATE_RETURNED, STATE_KEEP, 0, STATE_FLAG_TELL},
    [STATE_TELL_LATER] = {STATE_RETURNED, STATE_ANY_NOTICE, STATE_FLAG_TELL, STATE_RETURNED, STATE_KEEP, 0, 0},
};

void state_writer_init(struct state_writer *writer)
{
    buf_init(&writer->changes, RECORD_CHANGES_MAX);
    buf_init(&writer->leaves, RECORD_LEAVES_MAX);
}

void state_writer_free(struct state_writer *writer)
{
    buf_free(&writer->changes);
    buf_free(&writer->leaves);
}

void state_accept(struct state *ret_state, uint8_t kind, const struct id *message, const struct msg_recipient *recipient,
                  int64_t at_us, struct state_counts *counts, struct buf *leaves)
{
    struct leaf leaf = {
        .type = LEAF_ACCEPTED,
        .time_us = at_us,
        .id = *message,
        .recipient = recipient->index,
        .outcome = STATE_QUEUED,
        .generation = 1,
        .name = recipient->name,
    };
    *ret_state = (struct state){.generation = 1, .recipient = STATE_QUEUED, .kind = kind};
    state_count(counts, kind, 0, STATE_QUEUED, 0);
    leaf_put(leaves, &leaf);
}

void state_count(struct state_counts *counts, uint8_t kind, uint8_t before, uint8_t after, enum state_event event)
{
    counts->notices_sent += event == STATE_NOTICE_DELIVER ? 1 : 0;
    if (before == after) {
        return;
    }
    if (kind == MSG_KIND_DSN) {
        counts->dsn_accepted += before == 0 ? 1 : 0;
        counts->dsn_final += before == STATE_QUEUED ? 1 : 0;
        return;
    }
    counts->accepted += before == 0 ? 1 : 0;
    counts->posted -= before == STATE_POSTED ? 1 : 0;
    counts->delivered += after == STATE_DELIVERED ? 1 : 0;
    counts->posted += after == STATE_POSTED ? 1 : 0;
    counts->returned += after == STATE_RETURNED ? 1 : 0;
}

bool state_count_change(struct state_counts *counts, uint8_t kind, const struct record_change *change)
{
    if (change->event >= STATE_EVENT_COUNT || state_ways[change->event].from == 0) {
        return false;
    }
    const struct state_way *way = &state_ways[change->event];
    state_count(counts, kind, way->from, way->to, (enum state_event)change->event);
    return true;
}

static void state_write(const struct state *state, const struct state_cause *cause, struct state_writer *writer)
{
    struct record_change change = {
        .index = cause->index,
        .event = (uint8_t)cause->event,
        .state = state->recipient,
        .notice = state->notice,
        .flags = state->flags,
        .generation = state->generation,
        .attempt = cause->attempt,
        .reason = cause->reason,
        .proof = cause->proof,
        .next_us = cause->next_us,
        .letter = cause->letter,
        .evidence = cause->evidence,
        .text = cause->text,
    };
    bool notice = cause->event >= STATE_NOTICE_DELIVER && cause->event <= STATE_NOTICE_WITHDRAW;
    struct leaf leaf = {
        .type = notice ? LEAF_NOTICE : LEAF_TRANSITION,
        .time_us = cause->at_us,
        .id = cause->message,
        .recipient = cause->index,
        .outcome = notice ? state->notice : state->recipient,
        .generation = state->generation,
        .reason = cause->reason,
    };
    layout_write(&record_change_layout, &writer->changes, &change);
    leaf_put(&writer->leaves, &leaf);
}

enum state_result state_change(struct state *state, const struct state_cause *cause, struct state_counts *counts,
                               struct state_writer *writer)
{
    const struct state_way *way = cause->event < STATE_EVENT_COUNT ? &state_ways[cause->event] : &state_ways[0];
    if (cause->generation != state->generation) {
        return STATE_STALE;
    }
    if (way->from != state->recipient || (way->notices & STATE_BIT(state->notice)) == 0 ||
        (way->needs_flags & ~state->flags) != 0) {
        return STATE_FORBIDDEN;
    }
    state_count(counts, state->kind, state->recipient, way->to, cause->event);
    state->recipient = way->to;
    state->notice = way->notice == STATE_KEEP ? state->notice : way->notice;
    state->flags = (uint8_t)((state->flags | way->set_flags) & ~way->clear_flags);
    state->flags |= cause->attack ? STATE_FLAG_ATTACK : 0;
    state->generation++;
    state_write(state, cause, writer);
    return STATE_CHANGED;
}

uint8_t state_outcome(enum state_event event)
{
    static const uint8_t outcomes[STATE_EVENT_COUNT] = {
        [STATE_DELIVER] = MSG_OUT_DELIVERED,        [STATE_LATER] = MSG_OUT_LATER,
        [STATE_POST] = MSG_OUT_POSTED,              [STATE_RETURN] = MSG_OUT_RETURNED,
        [STATE_NOTICE_DELIVER] = MSG_OUT_DELIVERED, [STATE_NOTICE_LATER] = MSG_OUT_LATER,
        [STATE_NOTICE_REFUSE_ONCE] = MSG_OUT_REFUSED, [STATE_NOTICE_REFUSE] = MSG_OUT_REFUSED,
        [STATE_NOTICE_HOLD] = MSG_OUT_HELD,
    };
    return event < STATE_EVENT_COUNT ? outcomes[event] : 0;
}

bool state_is_live(const struct state *state)
{
    return state->recipient == STATE_QUEUED || (state->flags & STATE_FLAG_TELL) != 0 ||
           (state->recipient == STATE_POSTED && (STATE_OPEN_NOTICE & STATE_BIT(state->notice)) != 0);
}

bool state_queued(const struct state_counts *counts, uint64_t *ret_mail, uint64_t *ret_dsn)
{
    uint64_t ended = counts->delivered + counts->posted + counts->returned;
    bool sound = ended <= counts->accepted && counts->dsn_final <= counts->dsn_accepted;
    *ret_mail = sound ? counts->accepted - ended : 0;
    *ret_dsn = sound ? counts->dsn_accepted - counts->dsn_final : 0;
    return sound;
}

const char *state_recipient_name(uint8_t state)
{
    static const char *const names[] = {"?", "queued", "delivered", "posted", "returned"};
    return state < sizeof names / sizeof *names ? names[state] : "?";
}

const char *state_notice_name(uint8_t notice)
{
    static const char *const names[] = {"", "pending", "sent", "refused", "held", "withdrawn"};
    return notice < sizeof names / sizeof *names ? names[notice] : "?";
}
