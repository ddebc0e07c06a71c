/* SPDX-License-Identifier: Apache-2.0 */
/* When an alarm is due: not for little, not for a moment, not twice a day. */
#include "unit.h"

#include "roles/courier_watch.h"

static const int64_t noon_us = INT64_C(1800014400000000); /* so that hours later it is still the same day */

static struct tag name(uint8_t n)
{
    struct tag tag = {{n}};
    return tag;
}

/* How many alarms a number of deliveries to a domain gives. */
static unsigned deliver(struct courier_watch *w, uint8_t n, unsigned times, int64_t until_us, int64_t now_us)
{
    const struct tag tag = name(n);
    unsigned alarms = 0;
    for (unsigned i = 0; i < times; i++)
        alarms += courier_watch_delivered(w, &tag, until_us, now_us) ? 1 : 0;
    return alarms;
}

static void the_certificate_of_a_big_destination_ends(void **state)
{
    struct courier_watch *w = courier_watch_create();
    int64_t soon = noon_us + COURIER_WATCH_END_US - 1, late = noon_us + COURIER_WATCH_END_US;
    (void)state;
    assert_int_equal(deliver(w, 1, COURIER_WATCH_BIG - 1, soon, noon_us), 0);
    assert_int_equal(deliver(w, 1, 1, soon, noon_us), 1);
    assert_int_equal(deliver(w, 1, 500, soon, noon_us), 0);                         /* told */
    assert_int_equal(deliver(w, 2, 500, late, noon_us), 0);                         /* not soon */
    assert_int_equal(deliver(w, 3, 1, late, noon_us), 0);                           /* a newer one was seen */
    assert_int_equal(deliver(w, 3, 500, soon, noon_us), 0);
    assert_int_equal(deliver(w, 4, 500, INT64_MAX, noon_us), 0);                    /* TLSA usage 3 has no dates */
    assert_int_equal(deliver(w, 1, COURIER_WATCH_BIG - 1, soon, noon_us + CLOCK_US_PER_DAY), 0); /* little today */
    assert_int_equal(deliver(w, 1, 1, soon, noon_us + CLOCK_US_PER_DAY), 1);        /* and again the next day */
    courier_watch_free(&w);
    assert_null(w);
}

static void a_fall_is_told_once_a_day(void **state)
{
    struct courier_watch *w = courier_watch_create();
    const struct tag one = name(1), two = name(2);
    (void)state;
    assert_true(courier_watch_fell(w, &one, noon_us));
    assert_false(courier_watch_fell(w, &one, noon_us + COURIER_WATCH_AGAIN_US - 1));
    assert_true(courier_watch_fell(w, &two, noon_us));
    assert_true(courier_watch_fell(w, &one, noon_us + COURIER_WATCH_AGAIN_US));
    courier_watch_free(&w);
}

static void a_policy_vanishes_not_in_a_moment(void **state)
{
    struct courier_watch *w = courier_watch_create();
    const struct tag tag = name(1);
    (void)state;
    assert_false(courier_watch_policy(w, &tag, true, noon_us));
    assert_false(courier_watch_policy(w, &tag, true, noon_us + COURIER_WATCH_GONE_US - 1));
    assert_false(courier_watch_policy(w, &tag, false, noon_us + COURIER_WATCH_GONE_US)); /* it is back */
    assert_false(courier_watch_policy(w, &tag, true, noon_us + COURIER_WATCH_GONE_US + 1));
    assert_true(courier_watch_policy(w, &tag, true, noon_us + 2 * COURIER_WATCH_GONE_US + 1));
    assert_false(courier_watch_policy(w, &tag, true, noon_us + 3 * COURIER_WATCH_GONE_US));
    courier_watch_free(&w);
}

/* Questions about that many domains in turn: good ones first, then those that fail. */
static unsigned ask_about(struct courier_watch *w, unsigned domains, unsigned good, unsigned failed, int64_t now_us)
{
    unsigned alarms = 0;
    for (unsigned i = 0; i < good + failed; i++) {
        const struct tag tag = name((uint8_t)(i % domains));
        alarms += courier_watch_resolver(w, &tag, i >= good, now_us) ? 1 : 0;
    }
    return alarms;
}

static unsigned ask(struct courier_watch *w, unsigned good, unsigned failed, int64_t now_us)
{
    return ask_about(w, COURIER_WATCH_DOMAINS, good, failed, now_us);
}

static void a_failing_resolver_is_told(void **state)
{
    struct courier_watch *w = courier_watch_create();
    (void)state;
    assert_int_equal(ask(w, COURIER_WATCH_ASKS - COURIER_WATCH_FAILED + 1, COURIER_WATCH_FAILED - 1, noon_us), 0);
    assert_int_equal(ask(w, 0, COURIER_WATCH_ASKS - 1, noon_us), 0);
    assert_int_equal(ask(w, 1, 0, noon_us), 1);
    assert_int_equal(ask(w, 0, 10 * COURIER_WATCH_ASKS, noon_us), 0);
    assert_int_equal(ask(w, 0, COURIER_WATCH_ASKS, noon_us + 3600 * CLOCK_US_PER_S), 1);
    courier_watch_free(&w);
}

/* One domain, or two, with broken name servers are not ours to mend. */
static void a_broken_domain_is_no_failing_resolver(void **state)
{
    struct courier_watch *w = courier_watch_create();
    (void)state;
    assert_int_equal(ask_about(w, COURIER_WATCH_DOMAINS - 1, 0, 10 * COURIER_WATCH_ASKS, noon_us), 0);
    assert_int_equal(ask_about(w, COURIER_WATCH_DOMAINS, 0, COURIER_WATCH_ASKS, noon_us), 1);
    courier_watch_free(&w);
}

/* More domains than are watched: memory does not grow. */
static void memory_is_bounded(void **state)
{
    struct courier_watch *w = courier_watch_create();
    struct tag tag = name(0);
    (void)state;
    for (uint32_t i = 0; i <= COURIER_WATCH_MAX + 10; i++) {
        memcpy(tag.b, &i, sizeof(i));
        assert_true(courier_watch_fell(w, &tag, noon_us));
    }
    assert_false(courier_watch_fell(w, &tag, noon_us));
    courier_watch_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_certificate_of_a_big_destination_ends),
        cmocka_unit_test(a_fall_is_told_once_a_day),
        cmocka_unit_test(a_policy_vanishes_not_in_a_moment),
        cmocka_unit_test(a_failing_resolver_is_told),
        cmocka_unit_test(a_broken_domain_is_no_failing_resolver),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
