/* SPDX-License-Identifier: Apache-2.0 */
/* What a courier remembers of domains when it is not the only one: no proof means asking again, an answer grows old, and
 * a proof seen meanwhile is not forgotten. The rest of the courier is played by this file. */
#include "unit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "fake_clock.h"
#include "roles/courier_lease.h"
#include "roles/courier_memory.h"

static const int64_t start_us = INT64_C(1800000000000000);

struct stage {
    struct courier courier;
    struct courier_lease lease;
    struct courier_recipient recipient;
    chan_answer_fn *asked; /* the open question to the store */
    unsigned questions;
    unsigned written;
};

static struct stage *stage_of(struct courier_lease *lease)
{
    return (struct stage *)((char *)lease - offsetof(struct stage, lease));
}

/* ---- played ---- */

bool courier_ask(struct courier_lease *lease, struct chan *chan, uint16_t type, const struct layout *layout,
                 const void *object, chan_answer_fn *fn)
{
    (void)chan;
    (void)layout;
    (void)object;
    assert_int_equal(type, MSG_SHOWN);
    stage_of(lease)->asked = fn;
    stage_of(lease)->questions++;
    return true;
}

uint64_t chan_call(struct chan *chan, uint16_t type, struct slice payload, int fd, int64_t deadline_us,
                   chan_answer_fn *fn, void *ctx)
{
    struct msg_domain_key key = {.key = {{7}}};
    struct buf out;
    (void)chan;
    (void)payload;
    (void)fd;
    (void)deadline_us;
    assert_int_equal(type, MSG_DOMAIN_KEY);
    buf_init(&out, 256);
    layout_write(&msg_domain_key_layout, &out, &key);
    const struct chan_frame answer = {.type = type, .payload = buf_slice(&out), .fd = -1};
    fn(ctx, &answer);
    buf_free(&out);
    return 0;
}

void chan_send(struct chan *chan, uint16_t type, struct slice payload, int fd)
{
    (void)payload;
    (void)fd;
    assert_int_equal(type, MSG_REMEMBER);
    ((struct stage *)(void *)chan)->written++;
}

void courier_stall(struct courier_lease *lease)
{
    (void)lease;
    fail();
}

void courier_lease_go(struct courier_lease *lease, enum courier_state state)
{
    lease->state = state;
}

void courier_lease_answered(struct courier_lease *lease)
{
    (void)lease;
}

void courier_lease_step(struct courier_lease *lease)
{
    (void)lease;
}

const struct log *role_log(struct role *role)
{
    (void)role;
    return NULL;
}

/* ---- the stage ---- */

static struct stage *stage_create(void)
{
    struct stage *s = mem_new(sizeof(*s));
    fake_clock_set(start_us);
    s->courier.memory = courier_memory_create();
    s->courier.sha256 = hmac_create(HMAC_SHA256);
    s->courier.keyd = s->courier.store = (struct chan *)(void *)s;
    s->lease.courier = &s->courier;
    s->lease.lease.kind = MSG_LEASE_MAIL;
    s->lease.recipient = &s->recipient;
    s->lease.count = 1;
    return s;
}

static void stage_free(struct stage *s)
{
    courier_memory_free(&s->courier.memory);
    hmac_free(&s->courier.sha256);
    mem_free(s);
}

/* Looks the domain up; true when the store had to be asked. */
static bool look(struct stage *s)
{
    unsigned before = s->questions;
    s->lease.state = COURIER_MEMORY;
    courier_memory_look(&s->lease);
    assert_int_equal(s->lease.state, s->questions > before ? COURIER_MEMORY : COURIER_WALK);
    return s->questions > before;
}

static void store_says(struct stage *s, enum trust_level level, int64_t at_us)
{
    const struct msg_shown shown = {(uint8_t)level, at_us};
    struct buf out;
    buf_init(&out, 64);
    layout_write(&msg_shown_layout, &out, &shown);
    const struct chan_frame answer = {.type = MSG_SHOWN, .payload = buf_slice(&out), .fd = -1};
    s->asked(&s->lease, &answer);
    buf_free(&out);
    assert_int_equal(s->lease.state, COURIER_WALK);
}

static void proved(struct stage *s, enum trust_level level)
{
    s->recipient.verdict = (struct trust_verdict){.action = TRUST_SEND, .reason = TRUST_REASON_DELIVERED, .level = level};
    courier_memory_note(&s->lease);
}

/* ---- tests ---- */

static void no_proof_is_asked_for_each_time(void **state)
{
    (void)state;
    struct stage *s = stage_create();
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_NONE, 0);
    assert_int_equal(s->lease.route.domain.shown, TRUST_LEVEL_NONE);
    assert_true(look(s)); /* another courier may have seen one since */
    store_says(s, TRUST_LEVEL_PKIX, clock_utc_us());
    assert_int_equal(s->lease.route.domain.shown, TRUST_LEVEL_PKIX);
    assert_false(look(s));
    stage_free(s);
}

static void an_answer_grows_old(void **state)
{
    (void)state;
    struct stage *s = stage_create();
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_PKIX, clock_utc_us());
    fake_clock_advance(COURIER_MEMORY_FRESH_US - 1);
    assert_false(look(s));
    fake_clock_advance(1);
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_PKIX_DNSSEC, clock_utc_us());
    assert_int_equal(s->lease.route.domain.shown, TRUST_LEVEL_PKIX_DNSSEC);
    stage_free(s);
}

static void a_proof_seen_meanwhile_is_not_forgotten(void **state)
{
    (void)state;
    struct stage *s = stage_create();
    assert_true(look(s));
    proved(s, TRUST_LEVEL_PKIX); /* by another lease, while the store's answer is under way */
    assert_int_equal(s->written, 1);
    store_says(s, TRUST_LEVEL_NONE, 0);
    assert_int_equal(s->lease.route.domain.shown, TRUST_LEVEL_PKIX);
    assert_false(look(s));
    assert_int_equal(s->lease.route.domain.shown, TRUST_LEVEL_PKIX);
    stage_free(s);
}

static void a_proof_is_written_when_better_and_once_a_day(void **state)
{
    (void)state;
    struct stage *s = stage_create();
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_NONE, 0);
    proved(s, TRUST_LEVEL_PKIX);
    proved(s, TRUST_LEVEL_PKIX);
    assert_int_equal(s->written, 1);
    proved(s, TRUST_LEVEL_PKIX_DNSSEC);
    assert_int_equal(s->written, 2);
    fake_clock_advance(CLOCK_US_PER_DAY + 1);
    proved(s, TRUST_LEVEL_PKIX_DNSSEC);
    assert_int_equal(s->written, 3);
    fake_clock_advance(COURIER_MEMORY_LIFE_US);
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_PKIX_DNSSEC, clock_utc_us() - COURIER_MEMORY_LIFE_US);
    assert_int_equal(s->lease.route.domain.shown, TRUST_LEVEL_NONE);
    stage_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_proof_is_asked_for_each_time),
        cmocka_unit_test(an_answer_grows_old),
        cmocka_unit_test(a_proof_seen_meanwhile_is_not_forgotten),
        cmocka_unit_test(a_proof_is_written_when_better_and_once_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
