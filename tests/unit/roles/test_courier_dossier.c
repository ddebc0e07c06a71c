/* SPDX-License-Identifier: Apache-2.0 */
/* What a courier remembers of the resolver's answers: only good ones, only as long as they hold, only so many. */
#include "unit.h"

#include "base/clock.h"
#include "fake_clock.h"
#include "roles/courier_dossier.h"
#include "trust/trust_facts.h"

static const int64_t start_us = INT64_C(1800000000000000);

/* An answer with one host of that kind; the policy is as long as padding. */
static void keep_whole(struct courier_dossiers *d, const char *domain, struct msg_dossier dossier,
                       struct msg_dossier_host host, size_t padding)
{
    struct buf payload, hosts, policy;
    buf_init(&payload, 65536);
    buf_init(&hosts, 8192);
    buf_init(&policy, MSG_POLICY_MAX);
    (void)memset(buf_reserve(&policy, padding + 1), 'p', padding);
    policy.len = padding;
    host.name = slice_str("mx.test");
    layout_write(&msg_dossier_host_layout, &hosts, &host);
    dossier.secure = true;
    dossier.hosts = buf_slice(&hosts);
    dossier.policy = buf_slice(&policy);
    layout_write(&msg_dossier_layout, &payload, &dossier);
    courier_dossiers_keep(d, slice_str(domain), buf_slice(&payload), &dossier);
    buf_free(&payload);
    buf_free(&hosts);
    buf_free(&policy);
}

static void keep(struct courier_dossiers *d, const char *domain, uint8_t status, int64_t life_us)
{
    const struct msg_dossier dossier = {.status = status, .expires_us = clock_utc_us() + life_us};
    keep_whole(d, domain, dossier, (struct msg_dossier_host){.preference = 7}, 0);
}

static bool known(struct courier_dossiers *d, const char *domain)
{
    struct msg_dossier dossier = {.status = MSG_DNS_SERVFAIL};
    bool found = courier_dossiers_recall(d, slice_str(domain), &dossier);
    if (found) {
        assert_int_equal(dossier.status, MSG_DNS_OK);
        assert_true(dossier.secure);
        struct wire_reader r = wire_reader_of(dossier.hosts);
        struct msg_dossier_host host;
        assert_true(layout_next(&msg_dossier_host_layout, &r, &host));
        assert_slice(host.name, "mx.test");
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

/* What failed may be well in a moment: it is asked again. */
static void a_host_that_failed_is_not_kept(void **state)
{
    (void)state;
    struct courier_dossiers *d = courier_dossiers_create();
    fake_clock_set(start_us);
    const struct msg_dossier dossier = {.status = MSG_DNS_OK, .expires_us = start_us + 5000000};
    for (uint8_t status = MSG_DNS_OK; status <= MSG_DNS_LOOP; status++) {
        bool asked = status == MSG_DNS_OK || status == MSG_DNS_NXDOMAIN || status == MSG_DNS_NODATA;
        keep_whole(d, "a.test", dossier, (struct msg_dossier_host){.status = status}, 0);
        assert_int_equal(known(d, "a.test"), asked);
    }
    for (uint8_t tlsa = TRUST_TLSA_UNASKED; tlsa <= TRUST_TLSA_BOGUS; tlsa++) {
        keep_whole(d, "a.test", dossier, (struct msg_dossier_host){.tlsa_state = tlsa}, 0);
        assert_int_equal(known(d, "a.test"), tlsa < TRUST_TLSA_FAILED);
    }
    courier_dossiers_free(&d);
}

static void a_failed_look_for_a_policy_is_soon_repeated(void **state)
{
    (void)state;
    struct courier_dossiers *d = courier_dossiers_create();
    fake_clock_set(start_us);
    struct msg_dossier dossier = {.status = MSG_DNS_OK, .expires_us = start_us + 3600000000};
    for (uint8_t look = TRUST_STS_UNASKED; look <= TRUST_STS_POLICY_INVALID; look++) {
        bool sure = look <= TRUST_STS_FOUND || look == TRUST_STS_RECORD_INVALID;
        fake_clock_set(start_us);
        dossier.sts_look = look;
        keep_whole(d, "a.test", dossier, (struct msg_dossier_host){.status = MSG_DNS_OK}, 0);
        fake_clock_advance(COURIER_DOSSIER_DOUBT_US);
        assert_int_equal(known(d, "a.test"), sure);
    }
    courier_dossiers_free(&d);
}

/* Ten thousand domains with large answers take no more than their bound; the newest are there. */
static void memory_is_bounded(void **state)
{
    (void)state;
    struct courier_dossiers *d = courier_dossiers_create();
    char name[32];
    size_t there = 0;
    fake_clock_set(start_us);
    const struct msg_dossier dossier = {.status = MSG_DNS_OK, .expires_us = start_us + 5000000};
    for (unsigned i = 0; i < COURIER_DOSSIERS; i++) {
        (void)snprintf(name, sizeof(name), "d%u.test", i);
        keep_whole(d, name, dossier, (struct msg_dossier_host){.status = MSG_DNS_OK}, 16000);
    }
    for (unsigned i = 0; i < COURIER_DOSSIERS; i++) {
        (void)snprintf(name, sizeof(name), "d%u.test", i);
        bool is = known(d, name);
        assert_true(is || there == 0);
        there += is;
    }
    assert_in_range(there, 1000, COURIER_DOSSIERS_BYTES / 16000);
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
        cmocka_unit_test(a_host_that_failed_is_not_kept),
        cmocka_unit_test(a_failed_look_for_a_policy_is_soon_repeated),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(a_large_answer_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
