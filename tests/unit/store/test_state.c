/* SPDX-License-Identifier: Apache-2.0 */
/* The recipient's state machine: the ways that exist, those that do not, stale generations, and conservation over
 * random walks of every event from every state (P3). */
#include "unit.h"

#include "ledger/leaf.h"
#include "store/state.h"

static struct state_cause cause_of(enum state_event event, const struct state *state)
{
    return (struct state_cause){.event = event, .generation = state->generation, .index = 3, .at_us = 77, .attempt = 1,
                                .reason = 46, .proof = 1};
}

static struct state accepted(struct state_counts *counts, uint8_t kind)
{
    struct state state;
    struct buf leaves;
    const struct msg_recipient recipient = {.index = 3};
    const struct id id = {{1}};
    buf_init(&leaves, 1000);
    state_accept(&state, kind, &id, &recipient, 5, counts, &leaves);
    buf_free(&leaves);
    return state;
}

static void delivery_is_final(void **ctx)
{
    (void)ctx;
    struct state_counts counts = {0};
    struct state_writer writer;
    struct state state = accepted(&counts, MSG_KIND_MAIL);
    state_writer_init(&writer);
    assert_int_equal(counts.accepted, 1);
    struct state_cause cause = cause_of(STATE_LATER, &state);
    assert_int_equal(state_change(&state, &cause, &counts, &writer), STATE_CHANGED);
    assert_int_equal(state.recipient, STATE_QUEUED);
    cause = cause_of(STATE_DELIVER, &state);
    assert_int_equal(state_change(&state, &cause, &counts, &writer), STATE_CHANGED);
    assert_int_equal(counts.delivered, 1);
    assert_false(state_is_live(&state));
    for (unsigned event = 0; event < STATE_EVENT_COUNT + 3; event++) {
        cause = cause_of((enum state_event)event, &state);
        assert_int_equal(state_change(&state, &cause, &counts, &writer), STATE_FORBIDDEN);
    }
    state_writer_free(&writer);
}

static void a_stale_generation_changes_nothing(void **ctx)
{
    (void)ctx;
    struct state_counts counts = {0};
    struct state_writer writer;
    struct state state = accepted(&counts, MSG_KIND_MAIL);
    state_writer_init(&writer);
    struct state_cause old = cause_of(STATE_DELIVER, &state);
    struct state_cause later = cause_of(STATE_LATER, &state);
    assert_int_equal(state_change(&state, &later, &counts, &writer), STATE_CHANGED);
    const struct state before = state;
    size_t written = writer.changes.len;
    assert_int_equal(state_change(&state, &old, &counts, &writer), STATE_STALE);
    assert_memory_equal(&state, &before, sizeof state);
    assert_int_equal(writer.changes.len, written);
    assert_int_equal(counts.delivered, 0);
    state_writer_free(&writer);
}

static void go(struct state *state, struct state_counts *counts, enum state_event event)
{
    struct state_writer writer;
    state_writer_init(&writer);
    struct state_cause cause = cause_of(event, state);
    assert_int_equal(state_change(state, &cause, counts, &writer), STATE_CHANGED);
    state_writer_free(&writer);
}

static void a_notice_refused_twice_returns(void **ctx)
{
    (void)ctx;
    struct state_counts counts = {0};
    struct state_writer writer;
    struct state state = accepted(&counts, MSG_KIND_MAIL);
    state_writer_init(&writer);
    go(&state, &counts, STATE_POST);
    assert_true(state_is_live(&state));
    struct state_cause cause = cause_of(STATE_NOTICE_REFUSE, &state);
    assert_int_equal(state_change(&state, &cause, &counts, &writer), STATE_FORBIDDEN); /* not at the first try */
    go(&state, &counts, STATE_NOTICE_REFUSE_ONCE);
    go(&state, &counts, STATE_NOTICE_REFUSE);
    assert_int_equal(state.recipient, STATE_RETURNED);
    assert_int_equal(state.notice, STATE_NOTICE_REFUSED);
    assert_int_equal(counts.posted, 0);
    assert_int_equal(counts.returned, 1);
    assert_true(state_is_live(&state)); /* the sender is still to be told */
    go(&state, &counts, STATE_TELL_LATER);
    go(&state, &counts, STATE_TELL);
    assert_false(state_is_live(&state));
    state_writer_free(&writer);
}

static void a_refusal_between_other_answers_does_not_count(void **ctx)
{
    (void)ctx;
    struct state_counts counts = {0};
    struct state_writer writer;
    struct state state = accepted(&counts, MSG_KIND_MAIL);
    state_writer_init(&writer);
    go(&state, &counts, STATE_POST);
    go(&state, &counts, STATE_NOTICE_REFUSE_ONCE);
    go(&state, &counts, STATE_NOTICE_LATER);
    struct state_cause cause = cause_of(STATE_NOTICE_REFUSE, &state);
    assert_int_equal(state_change(&state, &cause, &counts, &writer), STATE_FORBIDDEN);
    state_writer_free(&writer);
}

static void a_held_notice_waits_for_the_word(void **ctx)
{
    (void)ctx;
    struct state_counts counts = {0};
    struct state_writer writer;
    struct state state = accepted(&counts, MSG_KIND_MAIL);
    state_writer_init(&writer);
    go(&state, &counts, STATE_POST);
    go(&state, &counts, STATE_NOTICE_HOLD);
    struct state_cause cause = cause_of(STATE_NOTICE_DELIVER, &state);
    assert_int_equal(state_change(&state, &cause, &counts, &writer), STATE_FORBIDDEN);
    go(&state, &counts, STATE_NOTICE_RELEASE);
    go(&state, &counts, STATE_NOTICE_DELIVER);
    assert_int_equal(counts.notices_sent, 1);
    assert_int_equal(counts.posted, 1);
    assert_false(state_is_live(&state));
    state_writer_free(&writer);
}

/* A change and its leaf are written together, and the counters can be moved again from what was written. */
static void written_changes_replay_the_counters(void **ctx)
{
    (void)ctx;
    struct state_counts counts = {0};
    struct state_counts replayed = {0};
    struct state_writer writer;
    struct record_change change;
    struct leaf leaf;
    struct slice bytes;
    static const enum state_event walk[] = {STATE_LATER, STATE_POST, STATE_NOTICE_LATER, STATE_NOTICE_WITHDRAW, STATE_TELL};
    state_writer_init(&writer);
    struct state state = accepted(&counts, MSG_KIND_MAIL);
    accepted(&replayed, MSG_KIND_MAIL);
    for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
        struct state_cause cause = cause_of(walk[i], &state);
        assert_int_equal(state_change(&state, &cause, &counts, &writer), STATE_CHANGED);
    }
    struct wire_reader r = wire_reader_of(buf_slice(&writer.changes));
    struct slice run = buf_slice(&writer.leaves);
    uint32_t generation = 1;
    while (layout_next(&record_change_layout, &r, &change)) {
        assert_true(state_count_change(&replayed, MSG_KIND_MAIL, &change));
        assert_true(leaf_next(&run, &bytes, &leaf));
        assert_int_equal(change.generation, ++generation);
        assert_int_equal(leaf.generation, generation);
    }
    assert_true(wire_done(&r));
    assert_int_equal(run.len, 0);
    assert_memory_equal(&counts, &replayed, sizeof counts);
    state_writer_free(&writer);
}

/* Any order of any events: accepted = delivered + posted + returned + queued after each one. */
static void nothing_is_lost_on_any_walk(void **ctx)
{
    (void)ctx;
    struct state_counts counts = {0};
    struct state_writer writer;
    struct state states[64];
    uint32_t seed = 12345;
    state_writer_init(&writer);
    for (size_t i = 0; i < 64; i++) {
        states[i] = accepted(&counts, i % 5 == 0 ? MSG_KIND_DSN : MSG_KIND_MAIL);
    }
    for (unsigned step = 0; step < 20000; step++) {
        seed = seed * 1103515245 + 12345;
        struct state *state = &states[(seed >> 8) % 64];
        struct state_cause cause = cause_of((enum state_event)((seed >> 16) % (STATE_EVENT_COUNT + 1)), state);
        state_change(state, &cause, &counts, &writer);
        buf_reset(&writer.changes);
        buf_reset(&writer.leaves);
        uint64_t mail = 0;
        uint64_t dsn = 0;
        uint64_t queued[3] = {0};
        assert_true(state_queued(&counts, &mail, &dsn));
        for (size_t i = 0; i < 64; i++) {
            queued[states[i].kind] += states[i].recipient == STATE_QUEUED ? 1 : 0;
        }
        assert_int_equal(mail, queued[MSG_KIND_MAIL]);
        assert_int_equal(dsn, queued[MSG_KIND_DSN]);
    }
    state_writer_free(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivery_is_final),
        cmocka_unit_test(a_stale_generation_changes_nothing),
        cmocka_unit_test(a_notice_refused_twice_returns),
        cmocka_unit_test(a_refusal_between_other_answers_does_not_count),
        cmocka_unit_test(a_held_notice_waits_for_the_word),
        cmocka_unit_test(written_changes_replay_the_counters),
        cmocka_unit_test(nothing_is_lost_on_any_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
