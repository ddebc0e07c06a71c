/* SPDX-License-Identifier: Apache-2.0 */
/* Demands of the configuration: profile and minimum, domains, tenants, pins, their errors and their look-up. */
#include "conf_parsed.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "os/conf_demand.h"
#include "os/conf_schema.h"

#define REST                                                                                                           \
    "hostname = \"relay.example\"\nnotice { from = \"a@relay.example\" }\nkeys { escrow = {\"e.pem\"} }\n"             \
    "center { listen = {\"127.0.0.1:1\"} base-url = \"https://x\" certificate = c key = k }\n"
#define PIN_A "\"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""
#define PIN_B "\"ca-sha256:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\""
#define UNTIL_US (INT64_C(1803945600) * CLOCK_US_PER_S) /* 2027-03-02 00:00 UTC */

static uint64_t minimum_of(const struct conf *conf, const char *domain)
{
    return conf_demand_domain(conf, slice_str(domain), 0).minimum;
}

static void test_trust_section(void **state)
{
    static const char *const levels[] = {"pkix", "pkix+dnssec", "sts", "dane"};
    static const char *const profiles[] = {"strict", "nist", "fips"};
    struct conf *conf = good(REST);
    char text[1024];
    (void)state;

    assert_int_equal(conf->trust_profile, 0);
    assert_int_equal(conf->trust_minimum, 1);
    assert_int_equal(conf->trust_memory, 90 * CLOCK_US_PER_DAY);
    conf_free(&conf);
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(text, sizeof(text), REST "trust { minimum = \"%s\" profile = %s memory = 30d }\n", levels[i], profiles[i % 3]);
        conf = good(text);
        assert_int_equal(conf->trust_minimum, i + 1);
        assert_int_equal(conf->trust_profile, i % 3);
        assert_int_equal(conf->trust_memory, 30 * CLOCK_US_PER_DAY);
        conf_free(&conf);
    }
    bad(REST "trust { minimum = none }\n", "s.conf:5: 'minimum' must be one of pkix|pkix+dnssec|sts|dane, not 'none'");
    bad(REST "trust { minimum = \"pkix|sts\" }\n", "'minimum' must be one of");
    bad(REST "trust { minimum = \"\" }\n", "'minimum' must be one of");
    bad(REST "trust { profile = lax }\n", "s.conf:5: 'profile' must be one of strict|nist|fips, not 'lax'");
    bad(REST "trust { memory = 0s }\n", "'memory' is out of range");
}

static void test_domains_are_normalised_and_found(void **state)
{
    struct conf *conf = good(REST
        "domain \"Example.ORG\" { minimum = dane }\n"
        "domain \".example.org\" { minimum = sts }\n"
        "domain \".deep.example.org\" { minimum = pkix }\n"
        "domain \"b\xC3\xBC" "cher.example\" { minimum = \"pkix+dnssec\" }\n"
        "tenant \"clinic-a\" { minimum = sts }\n");
    (void)state;

    assert_int_equal(conf->domain.count, 4);
    assert_int_equal(minimum_of(conf, "example.org"), 4);
    assert_int_equal(minimum_of(conf, "mail.example.org"), 3);
    assert_int_equal(minimum_of(conf, "x.deep.example.org"), 3); /* the closer section cannot lower it */
    assert_int_equal(minimum_of(conf, "deep.example.org"), 3);
    assert_int_equal(minimum_of(conf, "notexample.org"), 0);
    assert_int_equal(minimum_of(conf, "org"), 0);
    assert_int_equal(minimum_of(conf, "example.or"), 0);
    assert_int_equal(minimum_of(conf, ""), 0);
    assert_int_equal(minimum_of(conf, "xn--bcher-kva.example"), 2);
    assert_int_equal(conf_demand_tenant(conf, SLICE_LIT("clinic-a")), 3);
    assert_int_equal(conf_demand_tenant(conf, SLICE_LIT("clinic-")), 0);
    assert_int_equal(conf_demand_tenant(conf, SLICE_LIT("clinic-ab")), 0);
    assert_int_equal(conf_demand_tenant(conf, SLICE_LIT("default")), 0);
    conf_free(&conf);
}

static void test_pins_have_a_spare_and_an_end(void **state)
{
    struct conf *conf = good(REST
        "domain \"example.org\" { pins = {" PIN_A ", " PIN_B "} pins-until = \"2027-03-01\" }\n"
        "domain \".org\" { minimum = sts pins = {" PIN_B ", " PIN_A "} pins-until = \"2030-12-31\" }\n");
    struct conf_demanded found = conf_demand_domain(conf, SLICE_LIT("example.org"), UNTIL_US - 1);
    (void)state;

    assert_int_equal(found.pins_until, UNTIL_US);
    assert_int_equal(found.pins->count, 2);
    assert_string_equal(found.pins->item[0], "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_int_equal(found.minimum, 3);
    /* ended: no effect of these, the wider section's hold on */
    found = conf_demand_domain(conf, SLICE_LIT("example.org"), UNTIL_US);
    assert_ptr_equal(found.pins, &conf->domain.item[0].pins);
    assert_string_equal(conf->domain.item[0].name, ".org");
    found = conf_demand_domain(conf, SLICE_LIT("example.org"), INT64_MAX);
    assert_null(found.pins);
    assert_int_equal(found.pins_until, 0);
    assert_int_equal(found.minimum, 3);
    conf_free(&conf);
}

static void told(void *ctx, const struct conf_demand *demand)
{
    unsigned *count = ctx;

    assert_string_equal(demand->name, "old.example");
    (*count)++;
}

static void told_new(void *ctx, const struct conf_demand *demand)
{
    unsigned *count = ctx;

    assert_string_equal(demand->name, "new.example");
    (*count)++;
}

static void test_ended_pins_are_told(void **state)
{
    struct conf *conf = good(REST
        "domain \"old.example\" { pins = {" PIN_A ", " PIN_B "} pins-until = \"2020-02-29\" }\n"
        "domain \"plain.example\" { minimum = sts }\n"
        "domain \"new.example\" { pins = {" PIN_A ", " PIN_B "} pins-until = \"2027-03-01\" }\n");
    unsigned count = 0;
    (void)state;

    conf_demand_ended(conf, 0, UNTIL_US - 1, told, &count);
    assert_int_equal(count, 1);
    conf_demand_ended(conf, UNTIL_US - 2, UNTIL_US - 1, told, &count); /* told once */
    assert_int_equal(count, 1);
    conf_demand_ended(conf, UNTIL_US - 1, UNTIL_US, told_new, &count); /* in the moment in which they end */
    assert_int_equal(count, 2);
    conf_free(&conf);
}

static void test_errors_say_what_to_do(void **state)
{
    (void)state;
    bad(REST "domain \"a.example\" {\n pins = {" PIN_A "} pins-until = \"2027-03-01\"\n}\n", "s.conf:7: domain \"a.example\": 'pins' names one key: add a spare");
    bad(REST "domain \"a.example\" { pins = {" PIN_A ", " PIN_A "} pins-until = \"2027-03-01\" }\n", "stands twice");
    bad(REST "domain \"a.example\" { pins = {" PIN_A ", " PIN_B "} }\n", "'pins-until' is missing");
    bad(REST "domain \"a.example\" { minimum = sts pins-until = \"2027-03-01\" }\n", "stands without 'pins'");
    bad(REST "domain \"a.example\" { pins = {\"sha256:AAAA\", " PIN_B "} }\n", "s.conf:5: 'pins' must be sha256: or ca-sha256:");
    bad(REST "domain \"a.example\" { pins = {\"md5:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"} }\n", "'pins' must be sha256:");
    bad(REST "domain \"a.example\" { pins-until = \"2027-02-30\" }\n", "'pins-until' must be a day");
    bad(REST "domain \"a.example\" { pins-until = \"2027-3-1\" }\n", "'pins-until' must be a day");
    bad(REST "domain \"a.example\" { pins-until = \"soon\" }\n", "'pins-until' must be a day");
    bad(REST "domain \"a.example\" { minimum = tls }\n", "'minimum' must be one of");
    bad(REST "domain \"a.example\" { minimun = sts }\n", "unknown key 'minimun' in section domain; did you mean minimum");
    bad(REST "domain \"a.example\" { }\n", "demands nothing");
    bad(REST "domain \"a..example\" { minimum = sts }\n", "the title is not a domain name");
    bad(REST "domain \"a.example.\" { minimum = sts }\n", "the title is not a domain name");
    bad(REST "domain \"..example\" { minimum = sts }\n", "the title is not a domain name");
    bad(REST "domain \"\" { minimum = sts }\n", "the title is not a domain name");
    bad(REST "domain \".\" { minimum = sts }\n", "the title is not a domain name");
    bad(REST "domain \"a_b.example\" { minimum = sts }\n", "the title is not a domain name");
    bad(REST "domain \"\xC3\x28.example\" { minimum = sts }\n", "the title is not a domain name");
    bad(REST "domain { minimum = sts }\n", "s.conf:5: ");
    bad(REST "domain \"a.example\" { minimum = sts }\ndomain \"A.example\" { minimum = dane }\n", "two sections say domain \"a.example\"");
    bad(REST "domain \"a.example\" { minimum = sts }\ndomain \"a.example\" { minimum = dane }\n", "s.conf:6: ");
    bad(REST "tenant \"Clinic\" { minimum = sts }\n", "the title is not a tenant");
    bad(REST "tenant \"clinic\" { }\n", "demands nothing");
    bad(REST "tenant \"clinic\" { pins = {" PIN_A ", " PIN_B "} }\n", "unknown key 'pins' in section tenant");
}

static struct conf *many(unsigned count, struct err *err)
{
    struct buf text;
    struct conf *conf = NULL;

    buf_init(&text, CONF_TEXT_MAX);
    (void)buf_append_str(&text, REST);
    for (unsigned i = 0; i < count; i++) {
        (void)buf_printf(&text, "domain \"d%u.example\" { minimum = \"%s\" }\n", i, i % 2 ? "dane" : "sts");
    }
    assert_true(buf_ok(&text));
    (void)conf_parse(buf_cstr(&text), "s.conf", "/base", &conf, err);
    buf_free(&text);
    return conf;
}

static void test_count_is_bounded(void **state)
{
    struct err err = {{0}};
    struct conf *conf = many(CONF_DEMANDS_MAX, &err);
    char name[32];
    (void)state;

    assert_non_null(conf);
    for (unsigned i = 0; i < CONF_DEMANDS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "d%u.example", i);
        assert_int_equal(minimum_of(conf, name), i % 2 ? 4 : 3);
    }
    conf_free(&conf);
    assert_null(many(CONF_DEMANDS_MAX + 1, &err));
    assert_non_null(strstr(err.text, "more than 1000 domain sections"));
}

static void test_pins_are_bounded(void **state)
{
    static const uint8_t zero[32];
    (void)state;

    for (uint8_t count = CONF_PINS_MAX; count <= CONF_PINS_MAX + 1; count++) {
        struct buf text;
        buf_init(&text, 8192);
        (void)buf_append_str(&text, REST "domain \"a.example\" { pins-until = \"2027-03-01\" pins = {");
        for (uint8_t i = 0; i < count; i++) {
            uint8_t digest[32];
            memcpy(digest, zero, sizeof(digest));
            digest[0] = i;
            (void)buf_append_str(&text, i == 0 ? "\"sha256:" : ", \"sha256:");
            (void)codec_base64(&text, slice_of(digest, sizeof(digest)));
            (void)buf_append_str(&text, "\"");
        }
        (void)buf_append_str(&text, "} }\n");
        if (count == CONF_PINS_MAX) {
            struct conf *conf = good(buf_cstr(&text));
            assert_int_equal(conf->domain.item[0].pins.count, CONF_PINS_MAX);
            conf_free(&conf);
        } else {
            bad(buf_cstr(&text), "more than 16 pins");
        }
        buf_free(&text);
    }
}

static void test_reference_names_the_choices(void **state)
{
    struct buf out;
    (void)state;

    buf_init(&out, 65536);
    conf_reference(&out);
    assert_non_null(strstr(buf_cstr(&out), "*minimum* = pkix|pkix+dnssec|sts|dane\n"));
    assert_non_null(strstr(buf_cstr(&out), "*profile* = strict|nist|fips\n"));
    assert_non_null(strstr(buf_cstr(&out), "\".example.org\", covers every name below it"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trust_section),
        cmocka_unit_test(test_domains_are_normalised_and_found),
        cmocka_unit_test(test_pins_have_a_spare_and_an_end),
        cmocka_unit_test(test_ended_pins_are_told),
        cmocka_unit_test(test_errors_say_what_to_do),
        cmocka_unit_test(test_count_is_bounded),
        cmocka_unit_test(test_pins_are_bounded),
        cmocka_unit_test(test_reference_names_the_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
