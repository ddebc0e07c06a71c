/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: values, defaults, errors with file and line, the reference page. */
#include "conf_parsed.h"

#include "base/clock.h"
#include "os/conf_schema.h"

#define REQUIRED                                                                                                       \
    "hostname = \"relay.example\"\n"                                                                                   \
    "notice { from = \"a@relay.example\" }\n"                                                                          \
    "keys { escrow = {\"e.pem\"} }\n"

#define CENTER "center { listen = {\"127.0.0.1:1\"} base-url = \"https://x\" certificate = c key = k }\n"

static void test_defaults(void **state)
{
    struct conf *conf = good(REQUIRED CENTER);
    (void)state;

    assert_int_equal(conf->courier_hold, 4 * 3600 * CLOCK_US_PER_S);
    assert_int_equal(conf->courier_retry_count, 4);
    assert_int_equal(conf->courier_retry[1], 300 * CLOCK_US_PER_S);
    assert_int_equal(conf->message_max, 50 * 1024 * 1024);
    assert_string_equal(conf->courier_helo, "relay.example");
    assert_string_equal(conf->directory, "/base/.");
    assert_string_equal(conf->keys_escrow.item[0], "/base/e.pem");
    assert_false(conf->courier_allow_private);
    assert_int_equal(conf->submission_count, 0);
    conf_free(&conf);
    assert_null(conf);
}

static void test_values(void **state)
{
    struct conf *conf = good(
        REQUIRED CENTER
        "submission { listen = {\"127.0.0.1:465\", \"[::1]:465\"} mode = tls certificate = /a key = b }\n"
        "submission { listen = {\"127.0.0.1:587\"} mode = \"starttls\" certificate = a key = b }\n"
        "resolver { forward = {\"127.0.0.1\", \"[::1]:53\", \"::1\"} }\n"
        "courier { source = {\"127.0.0.2\", \"::1\"} retry = {\"2s\", \"4s\"} hold = 100ms allow-private = true port = 2525 }\n"
        "limits { message-size = \"64KiB\" }\n"
        "notice { lifetime = 5d }\n");
    (void)state;

    assert_int_equal(conf->submission_count, 2);
    assert_int_equal(conf->submission[0].listen.count, 2);
    assert_false(conf->submission[0].starttls);
    assert_true(conf->submission[1].starttls);
    assert_string_equal(conf->submission[0].certificate, "/a");
    assert_string_equal(conf->submission[1].key, "/base/b");
    assert_int_equal(conf->courier_retry_count, 2);
    assert_int_equal(conf->courier_retry[0], 2 * CLOCK_US_PER_S);
    assert_int_equal(conf->courier_retry[1], 4 * CLOCK_US_PER_S);
    assert_int_equal(conf->courier_hold, 100000);
    assert_int_equal(conf->notice_lifetime, 5 * 86400 * CLOCK_US_PER_S);
    assert_int_equal(conf->courier_port, 2525);
    assert_true(conf->courier_allow_private);
    assert_int_equal(conf->message_max, 65536);
    conf_free(&conf);
}

static void test_errors_name_file_line_and_remedy(void **state)
{
    (void)state;
    bad(REQUIRED CENTER "\ncourier {\n  hodl = 4h\n}\n", "s.conf:7: unknown key 'hodl' in section courier; did you mean hold");
    bad("hostnam = x\n", "s.conf:1: unknown key 'hostnam'; did you mean hostname");
    bad("hostname = x\ncourir { }\n", "s.conf:2: unknown key 'courir'; did you mean courier");
    /* durations: 100ms to 5d, and no further */
    bad("hostname = x\ncourier { hold = 99ms }\n", "s.conf:2: 'hold' is out of range");
    bad("hostname = x\ncourier { hold = 6d }\n", "s.conf:2: 'hold' is out of range");
    bad("hostname = x\ncourier { hold = soon }\n", "s.conf:2: 'hold' must be a duration");
    bad("hostname = x\ncourier { hold = 400d }\n", "s.conf:2: 'hold' is out of range");
    bad("hostname = x\ncourier { retry = {\"2s\", \"x\"} }\n", "s.conf:2: 'retry' must be a duration");
    bad("hostname = x\nlimits { message-size = \"1XB\" }\n", "s.conf:2: 'message-size' must be a size");
    bad("hostname = x\nsubmission { mode = plain }\n", "s.conf:2: 'mode' must be \"tls\" or \"starttls\"");
    bad("hostname = x\ncenter { listen = {\"127.0.0.1\"} }\n", "s.conf:2: 'listen': '127.0.0.1' is not an address with a port");
    bad("hostname = x\nresolver { forward = {\"dns.example\"} }\n", "s.conf:2: 'forward': 'dns.example' is not an address");
    bad("hostname = x\ncourier { source = {\"127.0.0.1:25\"} }\n", "s.conf:2: 'source' takes addresses without a port");
    bad("hostname = \"x\n", "s.conf:");
    bad(CENTER, "'hostname' is missing");
    bad(REQUIRED, "'center.base-url' is missing");
    bad(REQUIRED "center { listen = {\"127.0.0.1:1\"} base-url = \"http://x\" certificate = c key = k }\n", "must start with https://");
    bad(REQUIRED CENTER "submission { mode = tls }\n", "'listen' must name");
}

/* P6: no key exists that could lower the floor. */
static void test_no_key_goes_below_the_floor(void **state)
{
    static const char *const names[] = {"tls-min", "min-version", "ciphers", "verify", "insecure", "plaintext", "opportunistic"};
    size_t count;
    const struct conf_key *schema = conf_schema(&count);
    (void)state;

    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
            assert_string_not_equal(schema[i].name, names[n]);
        }
    }
    bad(REQUIRED CENTER "trust { verify = false }\n", "unknown key 'verify'");
    bad(REQUIRED CENTER "courier { min-version = \"TLSv1\" }\n", "unknown key 'min-version'");
}

static void test_reference_names_every_key(void **state)
{
    struct buf out;
    size_t count;
    const struct conf_key *schema = conf_schema(&count);
    const char *text;
    (void)state;

    buf_init(&out, 65536);
    conf_reference(&out);
    text = buf_cstr(&out);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(strstr(text, schema[i].name));
    }
    buf_free(&out);
}

static void test_example_parses(void **state)
{
    struct buf out;
    struct conf *conf;
    (void)state;

    buf_init(&out, 65536);
    conf_example(&out, "/var/lib/sealpost", "relay.example");
    conf = good(buf_cstr(&out));
    assert_string_equal(conf->directory, "/var/lib/sealpost");
    assert_int_equal(conf->submission_count, 2);
    conf_free(&conf);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_errors_name_file_line_and_remedy),
        cmocka_unit_test(test_no_key_goes_below_the_floor),
        cmocka_unit_test(test_reference_names_every_key),
        cmocka_unit_test(test_example_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
