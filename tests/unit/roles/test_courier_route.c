/* SPDX-License-Identifier: Apache-2.0 */
/* From a dossier to the order of tries: preferences, shuffling, private addresses, families, bounds. */
#include "unit.h"

#include <arpa/inet.h>

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
        if (!courier_route_is_private(&a))
            fail_msg("%s should be private", private[i]);
    }
    for (size_t i = 0; i < sizeof(public) / sizeof(*public); i++) {
        const struct msg_address a = address_of(public[i]);
        if (courier_route_is_private(&a))
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
