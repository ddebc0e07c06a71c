/* SPDX-License-Identifier: Apache-2.0 */
/* From a dossier to the order of tries: preferences, shuffling, private addresses, families, bounds, TLSA records, policies;
 * and what is demanded. */
#include "unit.h"

#include <arpa/inet.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/inet_private.h"
#include "roles/courier_route.h"

static struct msg_address address_of(const char *text)
{
    struct msg_address a = {.family = strchr(text, ':') == NULL ? 4 : 6};
    assert_int_equal(inet_pton(a.family == 4 ? AF_INET : AF_INET6, text, a.bytes.b), 1);
    return a;
}

static void add_host(struct buf *hosts, const char *name, uint16_t preference, enum msg_dns status,
                     const char *const *addresses)
{
    struct buf list;
    buf_init(&list, 4096);
    for (; addresses != NULL && *addresses != NULL; addresses++) {
        const struct msg_address a = address_of(*addresses);
        layout_write(&msg_address_layout, &list, &a);
    }
    const struct msg_dossier_host host = {preference, (uint8_t)status, true, slice_str(name), buf_slice(&list)};
    layout_write(&msg_dossier_host_layout, hosts, &host);
    buf_free(&list);
}

static void read_route(struct buf *hosts, bool allow_private, struct courier_route *route)
{
    const struct msg_dossier dossier = {.status = MSG_DNS_OK, .secure = true, .hosts = buf_slice(hosts)};
    courier_route_read(&dossier, allow_private, route);
    buf_free(hosts);
}

static void test_private_addresses(void **state)
{
    (void)state;
    static const char *const private[] = {
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.41.0.7", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "203.0.113.9",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "ff02::1",
        "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "::10.0.0.1", "64:ff9b:1::a00:1",
    };
    static const char *const public[] = {
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
        "169.253.0.1", "172.15.255.255", "172.32.0.0", "192.167.0.1", "192.169.0.1", "198.17.0.1", "198.20.0.1",
        "223.255.255.255", "2606:4700::1", "2a00:1450::1a", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"};
    for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++) {
        const struct msg_address a = address_of(private[i]);
        if (!inet_private(a.family, a.bytes.b))
            fail_msg("%s should be private", private[i]);
    }
    for (size_t i = 0; i < sizeof(public) / sizeof(*public); i++) {
        const struct msg_address a = address_of(public[i]);
        if (inet_private(a.family, a.bytes.b))
            fail_msg("%s should be public", public[i]);
    }
}

static void test_hosts_come_by_preference(void **state)
{
    (void)state;
    static const char *const one[] = {"8.8.8.8", NULL};
    struct courier_route route;
    struct buf hosts;
    buf_init(&hosts, 65536);
    add_host(&hosts, "c.example", 30, MSG_DNS_OK, one);
    add_host(&hosts, "a.example", 10, MSG_DNS_OK, one);
    add_host(&hosts, "b.example", 20, MSG_DNS_NXDOMAIN, NULL);
    read_route(&hosts, false, &route);
    assert_int_equal(route.count, 3);
    assert_string_equal(route.host[0].name, "a.example");
    assert_string_equal(route.host[1].name, "b.example");
    assert_string_equal(route.host[2].name, "c.example");
    assert_int_equal(route.domain.hosts, 3);
    assert_int_equal(route.domain.dangling, 1);
    assert_true(route.domain.secure && route.host[0].secure);
    courier_route_free(&route);
}

static void test_equal_preferences_are_shuffled(void **state)
{
    (void)state;
    static const char *const one[] = {"8.8.8.8", NULL};
    unsigned first[3] = {0};
    for (int i = 0; i < 300; i++) {
        struct courier_route route;
        struct buf hosts;
        buf_init(&hosts, 65536);
        add_host(&hosts, "0", 10, MSG_DNS_OK, one);
        add_host(&hosts, "1", 10, MSG_DNS_OK, one);
        add_host(&hosts, "2", 10, MSG_DNS_OK, one);
        add_host(&hosts, "9", 11, MSG_DNS_OK, one);
        read_route(&hosts, false, &route);
        assert_string_equal(route.host[3].name, "9");
        first[route.host[0].name[0] - '0']++;
        courier_route_free(&route);
    }
    for (size_t i = 0; i < 3; i++)
        assert_true(first[i] > 50);
}

static void test_families_alternate_and_private_ones_are_left_out(void **state)
{
    (void)state;
    static const char *const many[] = {"8.8.8.8", "8.8.4.4", "10.0.0.1", "1.1.1.1", "9.9.9.9", "2606:4700::1", "::1",
                                       "2606:4700::2", NULL};
    static const char *const inside[] = {"127.0.0.1", "::1", NULL};
    struct courier_route route;
    struct buf hosts;
    buf_init(&hosts, 65536);
    add_host(&hosts, "mx.example", 10, MSG_DNS_OK, many);
    add_host(&hosts, "inside.example", 20, MSG_DNS_OK, inside);
    read_route(&hosts, false, &route);
    assert_int_equal(route.host[0].count, COURIER_ADDRESSES_MAX);
    assert_int_equal(route.host[0].address[0].family, 6);
    assert_int_equal(route.host[0].address[1].family, 4);
    assert_int_equal(route.host[0].address[2].family, 6);
    assert_int_equal(route.host[0].address[3].family, 4);
    assert_int_equal(route.host[0].address[3].bytes.b[2], 4); /* 8.8.4.4 */
    assert_int_equal(route.host[1].count, 0);
    assert_int_equal(route.host[1].offered, 2);
    courier_route_free(&route);
}

static void test_more_hosts_than_are_looked_at(void **state)
{
    (void)state;
    static const char *const one[] = {"8.8.8.8", NULL};
    struct courier_route route;
    struct buf hosts;
    buf_init(&hosts, 65536);
    for (uint16_t i = 0; i < 40; i++)
        add_host(&hosts, "mx.example", i, MSG_DNS_OK, one);
    read_route(&hosts, false, &route);
    assert_int_equal(route.count, COURIER_HOSTS_MAX);
    assert_int_equal(route.domain.hosts, 40);
    courier_route_free(&route);
}

static void test_malformed_list_is_a_malformed_answer(void **state)
{
    (void)state;
    struct courier_route route;
    struct buf hosts;
    buf_init(&hosts, 64);
    buf_append_str(&hosts, "nonsense");
    read_route(&hosts, true, &route);
    assert_int_equal(route.domain.mx, TRUST_DNS_MALFORMED);
    courier_route_free(&route);
}

static void test_address_literal(void **state)
{
    (void)state;
    struct courier_route route;
    struct mail_domain domain;
    assert_true(mail_domain_parse(SLICE_LIT("[127.0.0.1]"), 0, &domain, NULL));
    courier_route_literal(&domain, false, &route);
    assert_int_equal(route.host[0].count, 0);
    courier_route_free(&route);
    courier_route_literal(&domain, true, &route);
    assert_int_equal(route.host[0].count, 1);
    assert_string_equal(route.host[0].name, "[127.0.0.1]");
    courier_route_free(&route);
}

/* ---- proofs ---- */

static void add_tlsa(struct buf *hosts, const char *name, uint8_t state, uint8_t usage)
{
    struct buf list;
    const uint8_t digest[32] = {1};
    const struct msg_tlsa record = {.usage = usage, .selector = 1, .matching = 1, .data = slice_of(digest, sizeof(digest))};
    buf_init(&list, MSG_TLSA_MAX);
    layout_write(&msg_tlsa_layout, &list, &record);
    const struct msg_dossier_host host = {.name = slice_str(name), .secure = true, .tlsa_state = state,
        .tlsa_base = slice_str("base.example"), .tlsa = state == TRUST_TLSA_USABLE ? buf_slice(&list) : SLICE_EMPTY};
    layout_write(&msg_dossier_host_layout, hosts, &host);
    buf_free(&list);
}

static void test_tlsa_records_are_weighed(void **state)
{
    static const struct {
        uint8_t state, usage;
        enum trust_tlsa_state is;
    } rows[] = {
        {TRUST_TLSA_UNASKED, 0, TRUST_TLSA_UNASKED}, {TRUST_TLSA_NONE, 0, TRUST_TLSA_NONE},
        {TRUST_TLSA_USABLE, 3, TRUST_TLSA_USABLE},   {TRUST_TLSA_USABLE, 2, TRUST_TLSA_USABLE},
        {TRUST_TLSA_USABLE, 0, TRUST_TLSA_UNUSABLE}, {TRUST_TLSA_USABLE, 1, TRUST_TLSA_UNUSABLE},
        {TRUST_TLSA_FAILED, 0, TRUST_TLSA_FAILED},   {TRUST_TLSA_BOGUS, 0, TRUST_TLSA_BOGUS},
        {TRUST_TLSA_BOGUS + 1, 0, TRUST_TLSA_FAILED}, /* nothing that this program knows is no denial */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct courier_route route;
        struct buf hosts;
        buf_init(&hosts, 65536);
        add_tlsa(&hosts, "mx.example", rows[i].state, rows[i].usage);
        read_route(&hosts, true, &route);
        assert_int_equal(route.host[0].tlsa, rows[i].is);
        const struct trust_session facts = courier_route_facts(&route.host[0]);
        assert_int_equal(facts.dane.tlsa, rows[i].is);
        assert_string_equal(route.host[0].tlsa_base, "base.example");
        assert_int_equal(route.host[0].records.len > 0, rows[i].state == TRUST_TLSA_USABLE);
        courier_route_free(&route);
    }
}

/* Reads a route of mx.example and mx.other under a policy that names the first. */
static void read_policy(uint8_t mode, int64_t fetched_us, uint32_t max_age_s, struct courier_route *route)
{
    const struct msg_policy policy = {mode, SLICE_LIT("1"), fetched_us, max_age_s, SLICE_LIT("mail.example\n*.example")};
    struct buf hosts, text;
    buf_init(&hosts, 65536);
    buf_init(&text, MSG_POLICY_MAX);
    layout_write(&msg_policy_layout, &text, &policy);
    add_host(&hosts, "mx.example", 10, MSG_DNS_OK, NULL);
    add_host(&hosts, "mx.other", 20, MSG_DNS_OK, NULL);
    const struct msg_dossier dossier = {.status = MSG_DNS_OK, .hosts = buf_slice(&hosts), .policy = buf_slice(&text),
                                        .sts_look = TRUST_STS_KEPT};
    courier_route_read(&dossier, true, route);
    buf_free(&hosts);
    buf_free(&text);
}

static void test_a_policy_names_hosts_while_it_is_in_force(void **state)
{
    struct courier_route route;
    int64_t now = clock_utc_us();
    (void)state;
    for (uint8_t mode = TRUST_STS_NONE; mode <= TRUST_STS_ENFORCE; mode++) {
        read_policy(mode, now - 100 * CLOCK_US_PER_S, 200, &route);
        assert_int_equal(route.domain.sts, mode);
        assert_int_equal(route.domain.sts_look, TRUST_STS_KEPT);
        assert_int_equal(route.host[0].sts_match, mode != TRUST_STS_NONE);
        assert_false(route.host[1].sts_match);
        courier_route_free(&route);
    }
    read_policy(TRUST_STS_ENFORCE, now - 100 * CLOCK_US_PER_S, 100, &route); /* it has ended */
    assert_int_equal(route.domain.sts, TRUST_STS_NONE);
    assert_false(route.host[0].sts_match);
    courier_route_free(&route);
    read_policy(TRUST_STS_ENFORCE + 1, now, 100, &route); /* no such mode */
    assert_int_equal(route.domain.sts, TRUST_STS_NONE);
    courier_route_free(&route);
}

/* ---- demands ---- */

#define PIN "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

struct demands {
    struct courier courier;
    struct courier_lease lease;
    struct courier_recipient recipient;
};

static struct demands *demands_of(const struct conf *conf)
{
    struct demands *d = mem_new(sizeof(*d));
    d->courier.conf = conf;
    d->lease.courier = &d->courier;
    d->lease.lease.kind = MSG_LEASE_MAIL;
    d->lease.lease.tenant = SLICE_LIT("north");
    d->lease.recipient = &d->recipient;
    d->lease.count = 1;
    (void)snprintf(d->recipient.address.domain.ascii, sizeof(d->recipient.address.domain.ascii), "strong.example");
    return d;
}

static enum trust_level minimum_of(struct demands *d)
{
    memset(&d->lease.route, 0, sizeof(d->lease.route));
    d->lease.route.domain.minimum = TRUST_LEVEL_PKIX;
    courier_route_demand(&d->lease);
    return d->lease.route.domain.minimum;
}

/* Whoever demands most is obeyed. */
static void test_the_highest_demand_counts(void **state)
{
    struct conf conf = {.trust_minimum = TRUST_LEVEL_PKIX};
    char *pins[] = {(char *)(uintptr_t)PIN};
    struct conf_demand domain = {.name = (char *)(uintptr_t)"strong.example", .minimum = TRUST_LEVEL_STS};
    struct conf_demand tenant = {.name = (char *)(uintptr_t)"north", .minimum = TRUST_LEVEL_DANE};
    struct demands *d = demands_of(&conf);
    (void)state;
    assert_int_equal(minimum_of(d), TRUST_LEVEL_PKIX);
    conf.trust_minimum = TRUST_LEVEL_PKIX_DNSSEC;
    assert_int_equal(minimum_of(d), TRUST_LEVEL_PKIX_DNSSEC);
    conf.domain = (struct conf_demands){&domain, 1};
    assert_int_equal(minimum_of(d), TRUST_LEVEL_STS);
    conf.tenant = (struct conf_demands){&tenant, 1};
    assert_int_equal(minimum_of(d), TRUST_LEVEL_DANE);
    conf.tenant.count = conf.domain.count = 0;
    d->lease.envelope.minimum = TRUST_LEVEL_STS; /* of credential or message */
    assert_int_equal(minimum_of(d), TRUST_LEVEL_STS);
    d->lease.envelope.minimum = 0;
    conf.trust_minimum = TRUST_LEVEL_PKIX;
    d->lease.envelope.require_tls = true;
    assert_int_equal(minimum_of(d), TRUST_LEVEL_PKIX_DNSSEC);
    d->lease.lease.kind = MSG_LEASE_NOTICE; /* a text of ours */
    assert_int_equal(minimum_of(d), TRUST_LEVEL_PKIX);
    assert_false(d->lease.route.domain.pinned);
    domain.pins = (struct conf_list){pins, 1};
    domain.pins_until = clock_utc_us() + CLOCK_US_PER_DAY;
    conf.domain.count = 1;
    d->lease.shown = TRUST_LEVEL_STS;
    conf.trust_profile = TRUST_PROFILE_NIST;
    (void)minimum_of(d);
    assert_true(d->lease.route.domain.pinned);
    assert_int_equal(d->lease.route.pins.count, 1);
    assert_int_equal(d->lease.route.domain.shown, TRUST_LEVEL_STS);
    assert_int_equal(d->lease.route.domain.profile, TRUST_PROFILE_NIST);
    domain.pins_until = clock_utc_us() - 1;
    (void)minimum_of(d);
    assert_false(d->lease.route.domain.pinned);
    mem_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private_addresses),
        cmocka_unit_test(test_hosts_come_by_preference),
        cmocka_unit_test(test_equal_preferences_are_shuffled),
        cmocka_unit_test(test_families_alternate_and_private_ones_are_left_out),
        cmocka_unit_test(test_more_hosts_than_are_looked_at),
        cmocka_unit_test(test_malformed_list_is_a_malformed_answer),
        cmocka_unit_test(test_address_literal),
        cmocka_unit_test(test_tlsa_records_are_weighed),
        cmocka_unit_test(test_a_policy_names_hosts_while_it_is_in_force),
        cmocka_unit_test(test_the_highest_demand_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
