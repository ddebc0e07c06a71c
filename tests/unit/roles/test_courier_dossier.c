/* SPDX-License-Identifier: Apache-2.0 */
/* What a courier remembers of the resolver's answers: only good ones, only as long as they hold, only so many. */
#include "unit.h"

#include "base/clock.h"
#include "fake_clock.h"
#include "roles/courier_dossier.h"

static const int64_t start_us = INT64_C(1800000000000000);

static void keep(struct courier_dossiers *d, const char *domain, uint8_t status, int64_t life_us)
{
    struct msg_dossier dossier = {.status = status, .secure = true, .expires_us = clock_utc_us() + life_us,
                                  .hosts = slice_str("not looked at here")};
    struct buf payload;
    buf_init(&payload, 8192);
    layout_write(&msg_dossier_layout, &payload, &dossier);
    courier_dossiers_keep(d, slice_str(domain), buf_slice(&payload), &dossier);
    buf_free(&payload);
}

static bool known(struct courier_dossiers *d, const char *domain)
{
    struct msg_dossier dossier = {.status = MSG_DNS_SERVFAIL};
    bool found = courier_dossiers_recall(d, slice_str(domain), &dossier);
    if (found) {
        assert_int_equal(dossier.status, MSG_DNS_OK);
        assert_true(dossier.secure);
        assert_slice(dossier.hosts, "not looked at here");
    }
    return found;
}

static void holds_as_long_as_the_answer(void **state)
{
    (void)state;
    struct courier_dossiers *d = courier_dossiers_create();
    fake_clock_set(start_us);
    keep(d, "a.test", MSG_DNS_OK, 5000000);
    assert_true(known(d, "a.test"));
    assert_false(known(d, "b.test"));
    fake_clock_advance(4999999);
    assert_true(known(d, "a.test"));
    fake_clock_advance(1);
    assert_false(known(d, "a.test"));
    keep(d, "a.test", MSG_DNS_OK, 0);
    assert_false(known(d, "a.test"));
    courier_dossiers_free(&d);
    assert_null(d);
}

static void failures_are_not_kept_and_replace(void **state)
{
    (void)state;
    struct courier_dossiers *d = courier_dossiers_create();
    fake_clock_set(start_us);
    for (uint8_t status = MSG_DNS_NXDOMAIN; status <= MSG_DNS_LOOP; status++) {
        keep(d, "a.test", MSG_DNS_OK, 5000000);
        keep(d, "a.test", status, 5000000);
        assert_false(known(d, "a.test"));
    }
    courier_dossiers_free(&d);
}

static void the_longest_unused_leaves(void **state)
{
    (void)state;
    struct courier_dossiers *d = courier_dossiers_create();
    char name[32];
    fake_clock_set(start_us);
    for (unsigned i = 0; i <= COURIER_DOSSIERS; i++) {
        (void)snprintf(name, sizeof(name), "d%u.test", i);
        keep(d, name, MSG_DNS_OK, 5000000);
        assert_true(known(d, "d0.test"));
    }
    assert_false(known(d, "d1.test"));
    assert_true(known(d, "d2.test"));
    assert_true(known(d, name));
    courier_dossiers_free(&d);
}

static void a_large_answer_is_not_kept(void **state)
{
    (void)state;
    struct courier_dossiers *d = courier_dossiers_create();
    uint8_t large[COURIER_DOSSIER_BYTES + 1] = {0};
    struct msg_dossier dossier = {.status = MSG_DNS_OK, .expires_us = start_us + 5000000};
    fake_clock_set(start_us);
    courier_dossiers_keep(d, slice_str("a.test"), slice_of(large, sizeof(large)), &dossier);
    assert_false(known(d, "a.test"));
    courier_dossiers_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_as_long_as_the_answer),
        cmocka_unit_test(failures_are_not_kept_and_replace),
        cmocka_unit_test(the_longest_unused_leaves),
        cmocka_unit_test(a_large_answer_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
