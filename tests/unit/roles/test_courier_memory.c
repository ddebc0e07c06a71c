/* SPDX-License-Identifier: Apache-2.0 */
/* What a courier remembers of domains when it is not the only one: no proof means asking again, an answer grows old, a
 * proof seen meanwhile is not forgotten, policies are sealed for their domain, and the operator's word ends it. The rest of
 * the courier is played by this file. */
#include "unit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "fake_clock.h"
#include "keys/lookup_tag.h"
#include "roles/courier_lease.h"
#include "roles/courier_memory.h"
#include "roles/courier_watch.h"

#define MEMORY_US (90 * CLOCK_US_PER_DAY)

static const int64_t start_us = INT64_C(1800000000000000);

struct stage {
    struct courier courier;
    struct courier_lease lease;
    struct courier_recipient recipient;
    chan_answer_fn *asked; /* the open question to the store */
    unsigned questions;
    unsigned written;
    struct msg_remember last; /* written */
    uint8_t policy[MSG_POLICY_SEALED_MAX]; /* its policy */
    unsigned alarms;
    struct conf conf;
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
    struct msg_domain_key key = {.key = {{7}}, .seal = {{8}}};
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
    struct stage *s = (struct stage *)(void *)chan;
    (void)fd;
    assert_int_equal(type, MSG_REMEMBER);
    assert_true(layout_read(&msg_remember_layout, payload, &s->last));
    if (s->last.policy.len > 0)
        memcpy(s->policy, s->last.policy.data, s->last.policy.len);
    s->last.policy.data = s->policy;
    s->written++;
}

void courier_alarm(struct courier *courier, const char *format, ...)
{
    struct stage *s = (struct stage *)(void *)courier->store;
    (void)format;
    s->alarms++;
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
    s->courier.field = sealed_field_create();
    s->courier.watch = courier_watch_create();
    s->courier.conf = &s->conf;
    s->conf.trust_memory = MEMORY_US;
    buf_init_secret(&s->lease.policy, MSG_POLICY_MAX);
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
    sealed_field_free(&s->courier.field);
    courier_watch_free(&s->courier.watch);
    buf_free(&s->lease.policy);
    mem_free(s);
}

/* Looks the domain up for a new lease; true when the store had to be asked. */
static bool look(struct stage *s)
{
    unsigned before = s->questions;
    s->lease.must_ask = false;
    s->lease.state = COURIER_MEMORY;
    courier_memory_look(&s->lease);
    assert_int_equal(s->lease.state, s->questions > before ? COURIER_MEMORY : COURIER_DOSSIER);
    return s->questions > before;
}

static void store_says_policy(struct stage *s, enum trust_level level, int64_t at_us, struct slice policy)
{
    const struct msg_shown shown = {(uint8_t)level, at_us, policy};
    struct buf out;
    buf_init(&out, MSG_POLICY_SEALED_MAX + 64);
    layout_write(&msg_shown_layout, &out, &shown);
    const struct chan_frame answer = {.type = MSG_SHOWN, .payload = buf_slice(&out), .fd = -1};
    s->asked(&s->lease, &answer);
    buf_free(&out);
    assert_int_equal(s->lease.state, COURIER_DOSSIER);
}

static void store_says(struct stage *s, enum trust_level level, int64_t at_us)
{
    store_says_policy(s, level, at_us, SLICE_EMPTY);
}

static void resolver_says(struct stage *s, const char *policy, bool changed, uint8_t look)
{
    const struct msg_dossier dossier = {.policy = slice_str(policy), .policy_changed = changed, .sts_look = look};
    courier_memory_dossier(&s->lease, &dossier);
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
    assert_int_equal(s->lease.shown, TRUST_LEVEL_NONE);
    assert_true(look(s)); /* another courier may have seen one since */
    store_says(s, TRUST_LEVEL_PKIX, clock_utc_us());
    assert_int_equal(s->lease.shown, TRUST_LEVEL_PKIX);
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
    assert_int_equal(s->lease.shown, TRUST_LEVEL_PKIX_DNSSEC);
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
    assert_int_equal(s->lease.shown, TRUST_LEVEL_PKIX);
    assert_false(look(s));
    assert_int_equal(s->lease.shown, TRUST_LEVEL_PKIX);
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
    fake_clock_advance(MEMORY_US);
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_PKIX_DNSSEC, clock_utc_us() - MEMORY_US);
    assert_int_equal(s->lease.shown, TRUST_LEVEL_NONE);
    stage_free(s);
}

/* What is kept is sealed for this domain, comes back whole, and is handed on to the resolver. */
static void a_policy_is_kept_for_its_domain(void **state)
{
    struct stage *s = stage_create();
    (void)state;
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_NONE, 0);
    assert_int_equal(s->lease.policy.len, 0);
    resolver_says(s, "the policy", false, TRUST_STS_FOUND);
    assert_int_equal(s->written, 0);
    resolver_says(s, "the policy", true, TRUST_STS_FOUND);
    assert_int_equal(s->written, 1);
    assert_int_equal(s->last.level, 0);
    assert_true(s->last.has_policy);
    assert_int_equal(s->last.policy.len, strlen("the policy") + SEALED_FIELD_OVERHEAD);
    uint8_t kept[64];
    struct slice sealed = slice_of(kept, s->last.policy.len);
    memcpy(kept, s->policy, sealed.len);
    assert_true(look(s));
    store_says_policy(s, TRUST_LEVEL_STS, clock_utc_us(), sealed);
    assert_slice(buf_slice(&s->lease.policy), "the policy");
    (void)snprintf(s->recipient.address.domain.ascii, 16, "other.test");
    assert_true(look(s));
    store_says_policy(s, TRUST_LEVEL_STS, clock_utc_us(), sealed);
    assert_int_equal(s->lease.policy.len, 0);
    resolver_says(s, "", true, TRUST_STS_ABSENT);
    assert_int_equal(s->written, 2);
    assert_true(s->last.has_policy);
    assert_int_equal(s->last.policy.len, 0);
    stage_free(s);
}

/* The level may be at hand; for the policy, which the resolver needs, the store is asked. */
static void the_policy_is_asked_for_when_it_is_needed(void **state)
{
    struct stage *s = stage_create();
    (void)state;
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_PKIX, clock_utc_us());
    assert_false(look(s));
    s->lease.must_ask = true;
    unsigned before = s->questions;
    courier_memory_look(&s->lease);
    assert_int_equal(s->questions, before + 1);
    stage_free(s);
}

static void the_operator_ends_it(void **state)
{
    struct stage *s = stage_create();
    (void)state;
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_DANE, clock_utc_us());
    proved(s, TRUST_LEVEL_DANE);
    assert_false(look(s));
    assert_int_equal(s->lease.shown, TRUST_LEVEL_DANE);
    struct tag tag;
    const struct key key = {{7}};
    lookup_tag(s->courier.sha256, &key, slice_str(s->recipient.address.domain.ascii), &tag);
    assert_false(courier_memory_is_forgotten(&s->lease));
    courier_memory_forget(s->courier.memory, &tag);
    assert_true(courier_memory_is_forgotten(&s->lease)); /* the resolver is told once */
    assert_false(courier_memory_is_forgotten(&s->lease));
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_NONE, 0);
    assert_int_equal(s->lease.shown, TRUST_LEVEL_NONE);
    unsigned before = s->written;
    proved(s, TRUST_LEVEL_PKIX); /* what it shows now is news */
    assert_int_equal(s->written, before + 1);
    stage_free(s);
}

/* The store died before the proof was on its disk: it is told again when it turns out to know less. */
static void what_the_store_has_lost_is_written_again(void **state)
{
    struct stage *s = stage_create();
    (void)state;
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_NONE, 0);
    proved(s, TRUST_LEVEL_DANE);
    assert_int_equal(s->written, 1);
    fake_clock_advance(COURIER_MEMORY_FRESH_US);
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_NONE, 0);
    assert_int_equal(s->lease.shown, TRUST_LEVEL_DANE);
    assert_int_equal(s->written, 2);
    assert_int_equal(s->last.level, TRUST_LEVEL_DANE);
    fake_clock_advance(COURIER_MEMORY_FRESH_US);
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_DANE, clock_utc_us() - COURIER_MEMORY_FRESH_US);
    assert_int_equal(s->written, 2);
    stage_free(s);
}

static void a_level_that_does_not_exist_is_no_reason_for_less(void **state)
{
    struct stage *s = stage_create();
    (void)state;
    assert_true(look(s));
    store_says(s, (enum trust_level)(TRUST_LEVEL_DANE + 1), clock_utc_us());
    assert_int_equal(s->lease.shown, TRUST_LEVEL_DANE);
    stage_free(s);
}

/* It was ahead when the level was written: what is shown now is written with the right time. */
static void a_clock_that_was_set_back(void **state)
{
    struct stage *s = stage_create();
    (void)state;
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_STS, clock_utc_us() + 3650 * CLOCK_US_PER_DAY);
    assert_int_equal(s->lease.shown, TRUST_LEVEL_STS);
    proved(s, TRUST_LEVEL_STS);
    assert_int_equal(s->written, 1);
    proved(s, TRUST_LEVEL_STS);
    assert_int_equal(s->written, 1);
    stage_free(s);
}

static void trust_memory_is_the_configured_time(void **state)
{
    struct stage *s = stage_create();
    (void)state;
    s->conf.trust_memory = 10 * CLOCK_US_PER_DAY;
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_DANE, clock_utc_us() - 10 * CLOCK_US_PER_DAY + 1);
    assert_int_equal(s->lease.shown, TRUST_LEVEL_DANE);
    fake_clock_advance(COURIER_MEMORY_FRESH_US);
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_DANE, clock_utc_us() - 10 * CLOCK_US_PER_DAY);
    assert_int_equal(s->lease.shown, TRUST_LEVEL_NONE);
    stage_free(s);
}

/* Every way of not answering counts, the answer that never came too; an answer that says no does not. */
static void what_counts_as_no_answer(void **state)
{
    static const uint8_t failing[] = {MSG_DNS_SERVFAIL, MSG_DNS_TIMEOUT, MSG_DNS_BOGUS, 0xff};
    struct stage *s = stage_create();
    (void)state;
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_NONE, 0);
    for (unsigned i = 0; i < 2 * COURIER_WATCH_ASKS; i++) {
        bool good = i < COURIER_WATCH_ASKS;
        const struct msg_dossier dossier = {.status = good ? MSG_DNS_NXDOMAIN : failing[i % 4]};
        (void)snprintf(s->recipient.address.domain.ascii, 16, "d%u.test", i);
        if (dossier.status == 0xff)
            courier_memory_unanswered(&s->lease);
        else
            courier_memory_dossier(&s->lease, &dossier);
        assert_int_equal(s->alarms, i == 2 * COURIER_WATCH_ASKS - 1 ? 1 : 0);
    }
    stage_free(s);
}

static void what_must_be_known_is_alarmed(void **state)
{
    struct stage *s = stage_create();
    (void)state;
    assert_true(look(s));
    store_says(s, TRUST_LEVEL_NONE, 0);
    resolver_says(s, "kept", false, TRUST_STS_KEPT);
    assert_int_equal(s->alarms, 0);
    fake_clock_advance(COURIER_WATCH_GONE_US);
    resolver_says(s, "kept", false, TRUST_STS_KEPT);
    assert_int_equal(s->alarms, 1);
    s->recipient.verdict = (struct trust_verdict){.action = TRUST_LATER, .reason = TRUST_REASON_LEVEL_FELL};
    courier_memory_note(&s->lease);
    courier_memory_note(&s->lease);
    assert_int_equal(s->alarms, 2);
    s->lease.proof_until_us = clock_utc_us() + COURIER_WATCH_END_US - 1;
    for (unsigned i = 0; i < COURIER_WATCH_BIG; i++)
        proved(s, TRUST_LEVEL_PKIX);
    assert_int_equal(s->alarms, 3);
    stage_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_proof_is_asked_for_each_time),
        cmocka_unit_test(an_answer_grows_old),
        cmocka_unit_test(a_proof_seen_meanwhile_is_not_forgotten),
        cmocka_unit_test(a_proof_is_written_when_better_and_once_a_day),
        cmocka_unit_test(a_policy_is_kept_for_its_domain),
        cmocka_unit_test(the_policy_is_asked_for_when_it_is_needed),
        cmocka_unit_test(the_operator_ends_it),
        cmocka_unit_test(trust_memory_is_the_configured_time),
        cmocka_unit_test(what_the_store_has_lost_is_written_again),
        cmocka_unit_test(a_level_that_does_not_exist_is_no_reason_for_less),
        cmocka_unit_test(a_clock_that_was_set_back),
        cmocka_unit_test(what_counts_as_no_answer),
        cmocka_unit_test(what_must_be_known_is_alarmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
