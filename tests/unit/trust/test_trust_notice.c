/* SPDX-License-Identifier: Apache-2.0 */
/* The notice route's rules as a table: which channel a host offers, and how a notice ends. */
#include "unit.h"

#include "trust/trust_notice.h"

#define NOW INT64_C(1000000000000)

static struct trust_session with_tls(enum trust_cert_fault fault)
{
    struct trust_session s = {.dns = TRUST_DNS_OK, .connect = TRUST_CONNECT_OK, .starttls = true, .ready = true};
    s.tls = (struct trust_tls){.established = true, .protocol = 0x0303, .bits = 128, .aead = true, .ephemeral = true};
    s.cert = (struct trust_cert){.checked = true, .fault = fault, .from_us = NOW - 10, .until_us = NOW + 10};
    return s;
}

static struct trust_session stopped(enum smtp_client_stage stage, enum smtp_client_fault fault, uint16_t code)
{
    return (struct trust_session){.dns = TRUST_DNS_OK, .connect = TRUST_CONNECT_OK, .starttls = stage >= SMTP_STAGE_STARTTLS,
                                  .stage = stage, .fault = fault, .code = code};
}

static void test_channels(void **state)
{
    (void)state;
    const struct trust_domain domain = {.mx = TRUST_DNS_OK, .hosts = 1, .minimum = TRUST_LEVEL_PKIX};
    const struct {
        struct trust_session session;
        enum trust_channel first; /* STARTTLS was wished for */
        enum trust_channel clear; /* on a connection without that wish */
    } rows[] = {
        {with_tls(TRUST_CERT_FINE), TRUST_CHANNEL_PROVED, TRUST_CHANNEL_PROVED},
        {with_tls(TRUST_CERT_EXPIRED), TRUST_CHANNEL_TLS, TRUST_CHANNEL_TLS},
        {with_tls(TRUST_CERT_SELF_SIGNED), TRUST_CHANNEL_TLS, TRUST_CHANNEL_TLS},
        {stopped(SMTP_STAGE_NONE, SMTP_FAULT_NONE, 0), TRUST_CHANNEL_CLEAR, TRUST_CHANNEL_CLEAR},
        {stopped(SMTP_STAGE_HANDSHAKE, SMTP_FAULT_TLS, 0), TRUST_CHANNEL_RETRY, TRUST_CHANNEL_NONE},
        {stopped(SMTP_STAGE_HANDSHAKE, SMTP_FAULT_CLOSED, 0), TRUST_CHANNEL_RETRY, TRUST_CHANNEL_NONE},
        {stopped(SMTP_STAGE_STARTTLS, SMTP_FAULT_REPLY, 554), TRUST_CHANNEL_RETRY, TRUST_CHANNEL_NONE},
        {stopped(SMTP_STAGE_STARTTLS, SMTP_FAULT_REPLY, 454), TRUST_CHANNEL_NONE, TRUST_CHANNEL_NONE},
        {stopped(SMTP_STAGE_GREETING, SMTP_FAULT_REPLY, 554), TRUST_CHANNEL_NONE, TRUST_CHANNEL_NONE},
        {stopped(SMTP_STAGE_EHLO, SMTP_FAULT_REPLY, 502), TRUST_CHANNEL_NONE, TRUST_CHANNEL_NONE},
        {stopped(SMTP_STAGE_EHLO, SMTP_FAULT_TIMEOUT, 0), TRUST_CHANNEL_NONE, TRUST_CHANNEL_NONE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(trust_notice_channel(&domain, &rows[i].session, false, false, NOW), rows[i].first);
        assert_int_equal(trust_notice_channel(&domain, &rows[i].session, true, false, NOW), rows[i].clear);
        /* After a sign of attack only proof will do. */
        enum trust_channel attacked = trust_notice_channel(&domain, &rows[i].session, false, true, NOW);
        assert_int_equal(attacked, rows[i].first == TRUST_CHANNEL_PROVED ? TRUST_CHANNEL_PROVED : TRUST_CHANNEL_NONE);
    }
}

static void test_ends(void **state)
{
    (void)state;
    struct trust_notice n = {0};
    assert_int_equal(trust_notice_end(&n), TRUST_NOTICE_LATER);
    trust_notice_add(&n, true, false);
    assert_int_equal(trust_notice_end(&n), TRUST_NOTICE_REFUSED);
    trust_notice_add(&n, false, false);
    assert_int_equal(trust_notice_end(&n), TRUST_NOTICE_LATER);
    trust_notice_add(&n, false, true);
    assert_int_equal(trust_notice_end(&n), TRUST_NOTICE_HELD);
}

static void test_what_a_refusal_is(void **state)
{
    (void)state;
    struct trust_session s = stopped(SMTP_STAGE_GREETING, SMTP_FAULT_REPLY, 554);
    assert_true(trust_notice_refusal(&s));
    s.code = 421;
    assert_false(trust_notice_refusal(&s));
    s = stopped(SMTP_STAGE_GREETING, SMTP_FAULT_CLOSED, 0);
    assert_false(trust_notice_refusal(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_channels), cmocka_unit_test(test_ends),
                                       cmocka_unit_test(test_what_a_refusal_is)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
