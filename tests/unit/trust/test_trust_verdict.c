/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of delivery as tables: each row is named after its rule, and for the session every combination of facts is
 * walked as well, so that no path to SEND exists beside the lawful one (P1). */
#include "unit.h"

#include "trust/trust_destination.h"
#include "trust/trust_verdict.h"

#define NOW INT64_C(1000000000000)

static struct trust_domain domain_ok(void)
{
    return (struct trust_domain){.mx = TRUST_DNS_OK, .hosts = 2, .minimum = TRUST_LEVEL_PKIX};
}

/* A host that proved itself. */
static struct trust_session proved(void)
{
    struct trust_session s = {.dns = TRUST_DNS_OK, .connect = TRUST_CONNECT_OK, .starttls = true, .ready = true};
    s.tls = (struct trust_tls){.established = true, .protocol = 0x0304, .bits = 256, .aead = true, .ephemeral = true};
    s.cert = (struct trust_cert){.checked = true, .from_us = NOW - 10, .until_us = NOW + 10};
    return s;
}

/* A host that got no further than `stage` without TLS. */
static struct trust_session stopped(enum smtp_client_stage stage, enum smtp_client_fault fault, uint16_t code)
{
    return (struct trust_session){.dns = TRUST_DNS_OK, .connect = TRUST_CONNECT_OK, .starttls = stage >= SMTP_STAGE_STARTTLS,
                                  .stage = stage, .fault = fault, .code = code};
}

static void expect(struct trust_verdict v, enum trust_action action, enum trust_reason reason)
{
    assert_string_equal(trust_reason_name((uint16_t)v.reason), trust_reason_name((uint16_t)reason));
    assert_string_equal(trust_action_name(v.action), trust_action_name(action));
}

static void test_domain_rules(void **state)
{
    (void)state;
    static const struct {
        enum trust_dns mx;
        enum trust_action action;
        enum trust_reason reason;
        bool attack;
    } rows[] = {
        {TRUST_DNS_OK, TRUST_NEXT_HOST, TRUST_REASON_NONE, false},
        {TRUST_DNS_NULL_MX, TRUST_RETURN, TRUST_REASON_NULL_MX, false},
        {TRUST_DNS_NXDOMAIN, TRUST_RETURN, TRUST_REASON_NO_DOMAIN, false},
        {TRUST_DNS_NODATA, TRUST_RETURN, TRUST_REASON_NO_ADDRESS, false},
        {TRUST_DNS_SERVFAIL, TRUST_LATER, TRUST_REASON_DNS_FAILED, false},
        {TRUST_DNS_TIMEOUT, TRUST_LATER, TRUST_REASON_DNS_FAILED, false},
        {TRUST_DNS_BOGUS, TRUST_LATER, TRUST_REASON_DNS_BOGUS, true},
        {TRUST_DNS_MALFORMED, TRUST_LATER, TRUST_REASON_DNS_MALFORMED, false},
        {TRUST_DNS_LOOP, TRUST_LATER, TRUST_REASON_DNS_MALFORMED, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (int secure = 0; secure < 2; secure++) {
            struct trust_domain d = domain_ok();
            d.mx = rows[i].mx;
            d.secure = secure == 1;
            struct trust_verdict v = trust_verdict_domain(&d);
            expect(v, rows[i].action, rows[i].reason);
            assert_int_equal(v.attack, rows[i].attack);
        }
    }
}

static void test_all_mx_dangling_is_later_then_return(void **state)
{
    (void)state;
    struct trust_domain d = domain_ok();
    d.dangling = 1;
    expect(trust_verdict_domain(&d), TRUST_NEXT_HOST, TRUST_REASON_NONE);
    d.dangling = 2;
    struct trust_verdict v = trust_verdict_domain(&d);
    expect(v, TRUST_LATER, TRUST_REASON_DANGLING);
    expect(trust_verdict_hold(v, false), TRUST_LATER, TRUST_REASON_DANGLING);
    expect(trust_verdict_hold(v, true), TRUST_RETURN, TRUST_REASON_DANGLING);
    d.hosts = d.dangling = 0;
    expect(trust_verdict_domain(&d), TRUST_LATER, TRUST_REASON_DNS_MALFORMED);
}

static void test_host_dns_rules(void **state)
{
    (void)state;
    struct trust_domain d = domain_ok();
    struct trust_session s = proved();
    expect(trust_verdict_host(&d, &s), TRUST_NEXT_HOST, TRUST_REASON_NONE);
    s.dns = TRUST_DNS_NXDOMAIN;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_HOST_WITHOUT_ADDRESS);
    s.dns = TRUST_DNS_NODATA;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_HOST_WITHOUT_ADDRESS);
    s.dns = TRUST_DNS_SERVFAIL;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_LATER, TRUST_REASON_DNS_FAILED);
    s.dns = TRUST_DNS_BOGUS;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_LATER, TRUST_REASON_DNS_BOGUS);
    assert_true(trust_verdict_session(&d, &s, NOW).attack);
}

static void test_connect_rules(void **state)
{
    (void)state;
    static const struct {
        enum trust_connect connect;
        enum trust_action action;
        enum trust_reason reason;
    } rows[] = {
        {TRUST_CONNECT_REFUSED, TRUST_LATER, TRUST_REASON_REFUSED},
        {TRUST_CONNECT_TIMEOUT, TRUST_LATER, TRUST_REASON_TIMEOUT},
        {TRUST_CONNECT_UNREACHABLE, TRUST_LATER, TRUST_REASON_UNREACHABLE},
        {TRUST_CONNECT_PRIVATE, TRUST_NEXT_HOST, TRUST_REASON_PRIVATE_ADDRESS},
        {TRUST_CONNECT_NONE, TRUST_LATER, TRUST_REASON_UNREACHABLE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct trust_domain d = domain_ok();
        struct trust_session s = {.dns = TRUST_DNS_OK, .connect = rows[i].connect};
        expect(trust_verdict_session(&d, &s, NOW), rows[i].action, rows[i].reason);
    }
}

/* Before proof: 4xx, silence and closing are LATER; 5xx, nonsense and a failed handshake are NEXT_HOST; never RETURN. */
static void test_before_proof_rules(void **state)
{
    (void)state;
    static const struct {
        enum smtp_client_stage stage;
        enum smtp_client_fault fault;
        uint16_t code;
        enum trust_action action;
        enum trust_reason reason;
    } rows[] = {
        {SMTP_STAGE_GREETING, SMTP_FAULT_REPLY, 421, TRUST_LATER, TRUST_REASON_UNPROVED_4XX},
        {SMTP_STAGE_GREETING, SMTP_FAULT_REPLY, 554, TRUST_NEXT_HOST, TRUST_REASON_UNPROVED_5XX},
        {SMTP_STAGE_GREETING, SMTP_FAULT_CLOSED, 0, TRUST_LATER, TRUST_REASON_CLOSED},
        {SMTP_STAGE_GREETING, SMTP_FAULT_TRUNCATED, 0, TRUST_LATER, TRUST_REASON_CLOSED},
        {SMTP_STAGE_GREETING, SMTP_FAULT_TIMEOUT, 0, TRUST_LATER, TRUST_REASON_TIMEOUT},
        {SMTP_STAGE_GREETING, SMTP_FAULT_MALFORMED, 0, TRUST_NEXT_HOST, TRUST_REASON_MALFORMED},
        {SMTP_STAGE_GREETING, SMTP_FAULT_INJECTED, 0, TRUST_NEXT_HOST, TRUST_REASON_INJECTED},
        {SMTP_STAGE_EHLO, SMTP_FAULT_REPLY, 450, TRUST_LATER, TRUST_REASON_UNPROVED_4XX},
        {SMTP_STAGE_EHLO, SMTP_FAULT_REPLY, 502, TRUST_NEXT_HOST, TRUST_REASON_UNPROVED_5XX},
        {SMTP_STAGE_EHLO, SMTP_FAULT_TIMEOUT, 0, TRUST_LATER, TRUST_REASON_TIMEOUT},
        {SMTP_STAGE_STARTTLS, SMTP_FAULT_REPLY, 454, TRUST_LATER, TRUST_REASON_UNPROVED_4XX},
        {SMTP_STAGE_STARTTLS, SMTP_FAULT_REPLY, 500, TRUST_NEXT_HOST, TRUST_REASON_UNPROVED_5XX},
        {SMTP_STAGE_STARTTLS, SMTP_FAULT_CLOSED, 0, TRUST_LATER, TRUST_REASON_CLOSED},
        {SMTP_STAGE_HANDSHAKE, SMTP_FAULT_INJECTED, 0, TRUST_NEXT_HOST, TRUST_REASON_INJECTED},
        {SMTP_STAGE_HANDSHAKE, SMTP_FAULT_TLS, 0, TRUST_NEXT_HOST, TRUST_REASON_TLS_FAILED},
        {SMTP_STAGE_HANDSHAKE, SMTP_FAULT_CLOSED, 0, TRUST_NEXT_HOST, TRUST_REASON_TLS_FAILED},
        {SMTP_STAGE_HANDSHAKE, SMTP_FAULT_TRUNCATED, 0, TRUST_NEXT_HOST, TRUST_REASON_TLS_FAILED},
        {SMTP_STAGE_HANDSHAKE, SMTP_FAULT_TIMEOUT, 0, TRUST_LATER, TRUST_REASON_TIMEOUT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct trust_domain d = domain_ok();
        struct trust_session s = stopped(rows[i].stage, rows[i].fault, rows[i].code);
        expect(trust_verdict_session(&d, &s, NOW), rows[i].action, rows[i].reason);
    }
}

static void test_no_starttls_and_old_tls(void **state)
{
    (void)state;
    struct trust_domain d = domain_ok();
    struct trust_session s = stopped(SMTP_STAGE_NONE, SMTP_FAULT_NONE, 0);
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_NO_STARTTLS);
    s = stopped(SMTP_STAGE_HANDSHAKE, SMTP_FAULT_TLS, 0);
    s.tls.failure = TRUST_TLS_OLD;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_TLS_OLD);
    s.tls.failure = TRUST_TLS_SUITE;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_TLS_SUITE);
}

static void test_proved_levels(void **state)
{
    (void)state;
    struct trust_domain d = domain_ok();
    struct trust_session s = proved();
    struct trust_verdict v = trust_verdict_session(&d, &s, NOW);
    expect(v, TRUST_SEND, TRUST_REASON_PROVED);
    assert_int_equal(v.level, TRUST_LEVEL_PKIX);
    d.secure = true;
    assert_int_equal(trust_verdict_session(&d, &s, NOW).level, TRUST_LEVEL_PKIX);
    s.dns_secure = true;
    assert_int_equal(trust_verdict_session(&d, &s, NOW).level, TRUST_LEVEL_PKIX_DNSSEC);
    s.dns_secure = false;
    d.minimum = TRUST_LEVEL_PKIX_DNSSEC;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_LEVEL_BELOW_MINIMUM);
    d.shown = TRUST_LEVEL_PKIX_DNSSEC;
    v = trust_verdict_session(&d, &s, NOW);
    expect(v, TRUST_LATER, TRUST_REASON_LEVEL_FELL);
    assert_true(v.attack);
}

static void test_certificate_rules(void **state)
{
    (void)state;
    static const enum trust_reason reasons[] = {
        TRUST_REASON_PROVED,         TRUST_REASON_CERT_NONE,      TRUST_REASON_CERT_EXPIRED,   TRUST_REASON_CERT_NOT_YET,
        TRUST_REASON_CERT_SELF_SIGNED, TRUST_REASON_CERT_UNTRUSTED, TRUST_REASON_CERT_CHAIN,   TRUST_REASON_CERT_NAME,
        TRUST_REASON_CERT_KEY,       TRUST_REASON_CERT_SIGNATURE, TRUST_REASON_CERT_USAGE,     TRUST_REASON_CERT_REVOKED,
        TRUST_REASON_CERT_STAPLE};
    for (int fault = TRUST_CERT_FINE; fault <= TRUST_CERT_STAPLE; fault++) {
        struct trust_domain d = domain_ok();
        struct trust_session s = proved();
        s.cert.fault = (enum trust_cert_fault)fault;
        expect(trust_verdict_session(&d, &s, NOW), fault == 0 ? TRUST_SEND : TRUST_NEXT_HOST, reasons[fault]);
    }
}

/* A session that is reused is judged by the clock of now, not of its handshake. */
static void test_reused_session_outlives_its_certificate(void **state)
{
    (void)state;
    struct trust_domain d = domain_ok();
    struct trust_session s = proved();
    expect(trust_verdict_session(&d, &s, NOW + 10), TRUST_SEND, TRUST_REASON_PROVED);
    expect(trust_verdict_session(&d, &s, NOW + 11), TRUST_NEXT_HOST, TRUST_REASON_CERT_EXPIRED);
    expect(trust_verdict_session(&d, &s, NOW - 11), TRUST_NEXT_HOST, TRUST_REASON_CERT_NOT_YET);
}

static void test_strict_profile(void **state)
{
    (void)state;
    struct trust_domain d = domain_ok();
    struct trust_session s = proved();
    s.tls.protocol = 0x0303;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_SEND, TRUST_REASON_PROVED);
    s.tls.aead = false;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_TLS_SUITE);
    s.tls.aead = true;
    s.tls.ephemeral = false;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_TLS_SUITE);
    s.tls.ephemeral = true;
    s.tls.bits = 112;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_TLS_SUITE);
    for (uint16_t old = 0x0300; old < 0x0303; old++) {
        s = proved();
        s.tls.protocol = old;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_TLS_OLD);
    }
}

static void test_after_proof_hello_rules(void **state)
{
    (void)state;
    struct trust_domain d = domain_ok();
    struct trust_session s = proved();
    s.ready = false;
    s.stage = SMTP_STAGE_EHLO_TLS;
    s.fault = SMTP_FAULT_REPLY;
    s.code = 550;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_PROVED_5XX_HELLO);
    s.code = 421;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_LATER, TRUST_REASON_PROVED_4XX);
    s.fault = SMTP_FAULT_TRUNCATED;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_LATER, TRUST_REASON_CLOSED);
    s.fault = SMTP_FAULT_NONE;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_LATER, TRUST_REASON_CLOSED);
    s.cert.fault = TRUST_CERT_NAME;
    s.fault = SMTP_FAULT_REPLY;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_CERT_NAME);
}

/* P1: over every combination of the facts that matter, SEND is said only when all of them are good; and an unproved
 * host never returns mail. */
static void test_p1_no_other_way_to_send(void **state)
{
    (void)state;
    size_t sends = 0;
    for (unsigned bits = 0; bits < 1u << 9; bits++) {
        for (int fault = SMTP_FAULT_NONE; fault <= SMTP_FAULT_LOCAL; fault++) {
            for (int stage = SMTP_STAGE_NONE; stage <= SMTP_STAGE_EHLO_TLS; stage++) {
                struct trust_domain d = domain_ok();
                struct trust_session s = proved();
                s.fault = (enum smtp_client_fault)fault;
                s.stage = (enum smtp_client_stage)stage;
                s.code = (bits & 1) ? 450 : 550;
                s.connect = (bits & 2) ? TRUST_CONNECT_OK : TRUST_CONNECT_REFUSED;
                s.tls.established = bits & 4;
                s.tls.protocol = (bits & 8) ? 0x0303 : 0x0302;
                s.tls.aead = bits & 16;
                s.tls.ephemeral = bits & 32;
                s.cert.checked = bits & 64;
                s.cert.fault = (bits & 128) ? TRUST_CERT_FINE : TRUST_CERT_NAME;
                s.ready = bits & 256;
                struct trust_verdict v = trust_verdict_session(&d, &s, NOW);
                bool lawful = (bits & 510) == 510 && fault == SMTP_FAULT_NONE;
                assert_int_equal(v.action == TRUST_SEND, lawful);
                assert_int_not_equal(v.action, TRUST_RETURN);
                assert_int_not_equal(v.action, TRUST_POST);
                sends += v.action == TRUST_SEND;
            }
        }
    }
    assert_true(sends > 0);
}

static void test_needs_rules(void **state)
{
    (void)state;
    struct smtp_client_caps caps = {.size = true, .size_max = 100};
    struct trust_needs needs = {.size = 100};
    expect(trust_verdict_needs(&caps, &needs), TRUST_SEND, TRUST_REASON_PROVED);
    needs.size = 101;
    expect(trust_verdict_needs(&caps, &needs), TRUST_POST, TRUST_REASON_TOO_BIG);
    caps.size_max = 0;
    expect(trust_verdict_needs(&caps, &needs), TRUST_SEND, TRUST_REASON_PROVED);
    needs.eight_bit = true;
    expect(trust_verdict_needs(&caps, &needs), TRUST_POST, TRUST_REASON_NO_8BIT);
    needs.utf8 = true;
    expect(trust_verdict_needs(&caps, &needs), TRUST_POST, TRUST_REASON_NO_UTF8);
    caps.utf8 = caps.eight_bit = true;
    expect(trust_verdict_needs(&caps, &needs), TRUST_SEND, TRUST_REASON_PROVED);
}

static void test_answer_rules(void **state)
{
    (void)state;
    static const struct {
        struct trust_answer answer;
        enum trust_action action;
        enum trust_reason reason;
    } rows[] = {
        {{SMTP_STAGE_FINAL, SMTP_FAULT_NONE, 250, {2, 0, 0}}, TRUST_SEND, TRUST_REASON_DELIVERED},
        {{SMTP_STAGE_RCPT, SMTP_FAULT_NONE, 250, {2, 0, 0}}, TRUST_LATER, TRUST_REASON_LOST_BEFORE_END},
        {{SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 451, {4, 0, 0}}, TRUST_LATER, TRUST_REASON_PROVED_4XX},
        {{SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 452, {4, 2, 2}}, TRUST_LATER, TRUST_REASON_PROVED_4XX},
        {{SMTP_STAGE_FINAL, SMTP_FAULT_REPLY, 421, {4, 0, 0}}, TRUST_LATER, TRUST_REASON_PROVED_4XX},
        {{SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 550, {5, 1, 1}}, TRUST_RETURN, TRUST_REASON_PROVED_5XX},
        {{SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 499, {4, 0, 0}}, TRUST_LATER, TRUST_REASON_PROVED_4XX},
        {{SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 500, {5, 0, 0}}, TRUST_RETURN, TRUST_REASON_PROVED_5XX},
        {{SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 530, {5, 7, 0}}, TRUST_RETURN, TRUST_REASON_PROVED_5XX},
        {{SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 552, {5, 2, 2}}, TRUST_RETURN, TRUST_REASON_PROVED_5XX},
        {{SMTP_STAGE_FINAL, SMTP_FAULT_REPLY, 554, {5, 7, 1}}, TRUST_RETURN, TRUST_REASON_PROVED_5XX},
        {{SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 552, {5, 3, 4}}, TRUST_POST, TRUST_REASON_TOO_BIG},
        {{SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 552, {5, 0, 0}}, TRUST_POST, TRUST_REASON_TOO_BIG},
        {{SMTP_STAGE_FINAL, SMTP_FAULT_REPLY, 554, {5, 3, 4}}, TRUST_POST, TRUST_REASON_TOO_BIG},
        {{SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 555, {5, 0, 0}}, TRUST_POST, TRUST_REASON_NO_8BIT},
        {{SMTP_STAGE_FINAL, SMTP_FAULT_REPLY, 554, {5, 6, 3}}, TRUST_POST, TRUST_REASON_NO_8BIT},
        {{SMTP_STAGE_CONTENT, SMTP_FAULT_TRUNCATED, 0, {0, 0, 0}}, TRUST_LATER, TRUST_REASON_LOST_BEFORE_END},
        {{SMTP_STAGE_FINAL, SMTP_FAULT_TRUNCATED, 0, {0, 0, 0}}, TRUST_LATER, TRUST_REASON_LOST_AFTER_END},
        {{SMTP_STAGE_FINAL, SMTP_FAULT_TIMEOUT, 0, {0, 0, 0}}, TRUST_LATER, TRUST_REASON_LOST_AFTER_END},
        {{SMTP_STAGE_DATA, SMTP_FAULT_MALFORMED, 0, {0, 0, 0}}, TRUST_LATER, TRUST_REASON_LOST_BEFORE_END},
        {{SMTP_STAGE_CONTENT, SMTP_FAULT_LOCAL, 0, {0, 0, 0}}, TRUST_LATER, TRUST_REASON_LOCAL},
    };
    const struct trust_needs needs = {.size = 1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        expect(trust_verdict_answer(&rows[i].answer, &needs), rows[i].action, rows[i].reason);
    const struct trust_answer refused = {SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 553, {5, 6, 7}};
    const struct trust_needs utf8 = {.utf8 = true};
    expect(trust_verdict_answer(&refused, &utf8), TRUST_POST, TRUST_REASON_NO_UTF8);
    expect(trust_verdict_answer(&refused, &needs), TRUST_RETURN, TRUST_REASON_PROVED_5XX);
}

static void test_mixed_hosts_any_later_wins_over_post(void **state)
{
    (void)state;
    const struct trust_verdict next = {.action = TRUST_NEXT_HOST, .reason = TRUST_REASON_CERT_EXPIRED};
    const struct trust_verdict later = {.action = TRUST_LATER, .reason = TRUST_REASON_REFUSED};
    struct trust_domain domain = domain_ok();
    struct trust_destination d;
    trust_destination_init(&d);
    expect(trust_destination_end(&d, &domain), TRUST_LATER, TRUST_REASON_DNS_FAILED);
    trust_destination_add(&d, next);
    expect(trust_destination_end(&d, &domain), TRUST_POST, TRUST_REASON_CERT_EXPIRED);
    trust_destination_add(&d, later);
    expect(trust_destination_end(&d, &domain), TRUST_LATER, TRUST_REASON_REFUSED);
    assert_int_equal(d.tried, 2);
    struct trust_verdict bogus = {.action = TRUST_LATER, .reason = TRUST_REASON_DNS_BOGUS, .attack = true};
    trust_destination_add(&d, bogus);
    assert_true(trust_destination_end(&d, &domain).attack);
}

static void test_fall_below_what_the_domain_has_shown(void **state)
{
    (void)state;
    struct trust_domain domain = domain_ok();
    struct trust_destination d;
    domain.shown = TRUST_LEVEL_PKIX;
    for (int reason = TRUST_REASON_UNPROVED_5XX; reason <= TRUST_REASON_CERT_REVOKED; reason++) {
        if (strcmp(trust_reason_name((uint16_t)reason), "unknown") == 0)
            continue;
        const struct trust_verdict next = {.action = TRUST_NEXT_HOST, .reason = (enum trust_reason)reason};
        bool fell = reason >= TRUST_REASON_INJECTED;
        trust_destination_init(&d);
        trust_destination_add(&d, next);
        struct trust_verdict v = trust_destination_end(&d, &domain);
        assert_int_equal(v.action, fell ? TRUST_LATER : TRUST_POST);
        assert_int_equal(v.attack, fell);
        expect(trust_verdict_hold(v, true), TRUST_POST, fell ? TRUST_REASON_LEVEL_FELL : (enum trust_reason)reason);
        assert_int_equal(trust_verdict_hold(v, true).attack, fell);
    }
}

/* Who shows a false host and silences the others must not be taken for a host that is merely away. */
static void test_fall_beside_a_host_that_is_away(void **state)
{
    (void)state;
    const struct trust_verdict away = {.action = TRUST_LATER, .reason = TRUST_REASON_REFUSED};
    const struct trust_verdict false_host = {.action = TRUST_NEXT_HOST, .reason = TRUST_REASON_CERT_SELF_SIGNED};
    struct trust_domain domain = domain_ok();
    for (int order = 0; order < 2; order++) {
        struct trust_destination d;
        trust_destination_init(&d);
        trust_destination_add(&d, order == 0 ? away : false_host);
        trust_destination_add(&d, order == 0 ? false_host : away);
        domain.shown = TRUST_LEVEL_NONE;
        assert_false(trust_verdict_hold(trust_destination_end(&d, &domain), true).attack);
        domain.shown = TRUST_LEVEL_PKIX;
        struct trust_verdict v = trust_destination_end(&d, &domain);
        expect(v, TRUST_LATER, TRUST_REASON_LEVEL_FELL);
        assert_true(trust_verdict_hold(v, true).attack);
    }
}

static void test_holding_limit_and_deliverby(void **state)
{
    (void)state;
    struct trust_verdict later = {.action = TRUST_LATER, .reason = TRUST_REASON_TIMEOUT};
    expect(trust_verdict_hold(later, false), TRUST_LATER, TRUST_REASON_TIMEOUT);
    expect(trust_verdict_hold(later, true), TRUST_POST, TRUST_REASON_TIMEOUT);
    struct trust_verdict local = {.action = TRUST_LATER, .reason = TRUST_REASON_LOCAL};
    expect(trust_verdict_hold(local, true), TRUST_RETURN, TRUST_REASON_LOCAL);
    local.reason = TRUST_REASON_LOCAL_CONNECT; /* of an unproved host, which can never bounce mail */
    expect(trust_verdict_hold(local, true), TRUST_POST, TRUST_REASON_LOCAL_CONNECT);
    struct trust_verdict ret = {.action = TRUST_RETURN, .reason = TRUST_REASON_NULL_MX};
    expect(trust_verdict_hold(ret, true), TRUST_RETURN, TRUST_REASON_NULL_MX);
    assert_false(trust_verdict_must_end(100, 50, 0, 149));
    assert_true(trust_verdict_must_end(100, 50, 0, 150));
    assert_true(trust_verdict_must_end(100, 50, 120, 120));
    assert_false(trust_verdict_must_end(100, 50, 120, 119));
}

static void test_every_reason_has_its_words(void **state)
{
    (void)state;
    for (uint16_t r = 0; r < 200; r++) {
        if (strcmp(trust_reason_name(r), "unknown") == 0)
            continue;
        assert_true(strlen(trust_reason_clerk(r)) > 10);
        assert_true(strlen(trust_reason_engineer(r)) > 5);
        assert_non_null(trust_reason_rfc8460(r));
        for (uint16_t other = 0; other < r; other++)
            assert_string_not_equal(trust_reason_name(r), trust_reason_name(other));
    }
    assert_string_equal(trust_reason_rfc8460(TRUST_REASON_CERT_NAME), "certificate-host-mismatch");
    assert_string_equal(trust_reason_name(9999), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domain_rules),
        cmocka_unit_test(test_all_mx_dangling_is_later_then_return),
        cmocka_unit_test(test_host_dns_rules),
        cmocka_unit_test(test_connect_rules),
        cmocka_unit_test(test_before_proof_rules),
        cmocka_unit_test(test_no_starttls_and_old_tls),
        cmocka_unit_test(test_proved_levels),
        cmocka_unit_test(test_certificate_rules),
        cmocka_unit_test(test_reused_session_outlives_its_certificate),
        cmocka_unit_test(test_strict_profile),
        cmocka_unit_test(test_after_proof_hello_rules),
        cmocka_unit_test(test_p1_no_other_way_to_send),
        cmocka_unit_test(test_needs_rules),
        cmocka_unit_test(test_answer_rules),
        cmocka_unit_test(test_mixed_hosts_any_later_wins_over_post),
        cmocka_unit_test(test_fall_below_what_the_domain_has_shown),
        cmocka_unit_test(test_fall_beside_a_host_that_is_away),
        cmocka_unit_test(test_holding_limit_and_deliverby),
        cmocka_unit_test(test_every_reason_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
