/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of docs/trust.md that DANE, policies, pins, profiles and REQUIRETLS brought, each as a table or a story. */
#include "unit.h"

#include "facts_make.h"

#define NOW FACTS_NOW

static void expect(struct trust_verdict v, enum trust_action action, enum trust_reason reason, bool attack)
{
    assert_string_equal(trust_reason_name((uint16_t)v.reason), trust_reason_name((uint16_t)reason));
    assert_string_equal(trust_action_name(v.action), trust_action_name(action));
    assert_int_equal(v.attack, attack);
}

static struct trust_domain secure_domain(void)
{
    struct trust_domain d = facts_domain();
    d.secure = true;
    return d;
}

static struct trust_session with_tlsa(enum trust_tlsa_state tlsa)
{
    struct trust_session s = facts_proved();
    s.dns_secure = true;
    s.dane.tlsa = tlsa;
    return s;
}

static void test_tlsa_question(void **state)
{
    (void)state;
    struct trust_domain d = secure_domain();
    struct trust_session s = with_tlsa(TRUST_TLSA_BOGUS);
    expect(trust_verdict_host(&d, &s), TRUST_LATER, TRUST_REASON_DNS_BOGUS, true);
    expect(trust_verdict_session(&d, &s, NOW), TRUST_LATER, TRUST_REASON_DNS_BOGUS, true);
    s.dane.tlsa = TRUST_TLSA_FAILED;
    expect(trust_verdict_host(&d, &s), TRUST_LATER, TRUST_REASON_TLSA_FAILED, false);
    expect(trust_verdict_session(&d, &s, NOW), TRUST_LATER, TRUST_REASON_TLSA_FAILED, false);
    /* With an insecure MX answer it does not count, whatever it says. */
    d.secure = false;
    for (int tlsa = TRUST_TLSA_UNASKED; tlsa <= TRUST_TLSA_BOGUS; tlsa++) {
        s.dane.tlsa = (enum trust_tlsa_state)tlsa;
        s.dane.matched = false;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_SEND, TRUST_REASON_PROVED, false);
        assert_int_equal(trust_verdict_session(&d, &s, NOW).level, TRUST_LEVEL_PKIX);
        assert_false(trust_verdict_expected(&d, &s));
        assert_int_equal(trust_verdict_tlsa(&d, &s), TRUST_TLSA_UNASKED);
    }
}

static void test_dane_alone_decides_where_it_can_be_used(void **state)
{
    (void)state;
    static const struct {
        bool checked;
        bool matched;
        enum trust_cert_fault fault;
        enum trust_action action;
        enum trust_reason reason;
    } rows[] = {
        {true, true, TRUST_CERT_FINE, TRUST_SEND, TRUST_REASON_PROVED},
        {false, true, TRUST_CERT_FINE, TRUST_NEXT_HOST, TRUST_REASON_CERT_NONE},
        {true, true, TRUST_CERT_NONE, TRUST_NEXT_HOST, TRUST_REASON_CERT_NONE},
        {true, false, TRUST_CERT_NONE, TRUST_NEXT_HOST, TRUST_REASON_CERT_NONE},
        {true, false, TRUST_CERT_UNTRUSTED, TRUST_NEXT_HOST, TRUST_REASON_DANE_MISMATCH},
        {true, false, TRUST_CERT_FINE, TRUST_NEXT_HOST, TRUST_REASON_DANE_MISMATCH},
        {true, true, TRUST_CERT_UNTRUSTED, TRUST_NEXT_HOST, TRUST_REASON_DANE_MISMATCH},
        {true, true, TRUST_CERT_EXPIRED, TRUST_NEXT_HOST, TRUST_REASON_CERT_EXPIRED},
        {true, true, TRUST_CERT_NAME, TRUST_NEXT_HOST, TRUST_REASON_CERT_NAME},
        {true, true, TRUST_CERT_KEY, TRUST_NEXT_HOST, TRUST_REASON_CERT_KEY},
        {true, true, TRUST_CERT_CHAIN, TRUST_NEXT_HOST, TRUST_REASON_CERT_CHAIN},
    };
    struct trust_domain d = secure_domain();
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (int pkix = 0; pkix < 2; pkix++) { /* a valid PKIX certificate does not help, an invalid one does no harm */
            struct trust_session s = with_tlsa(TRUST_TLSA_USABLE);
            s.dane.checked = rows[i].checked;
            s.dane.matched = rows[i].matched;
            s.dane.fault = rows[i].fault;
            s.cert.fault = pkix == 0 ? TRUST_CERT_SELF_SIGNED : TRUST_CERT_FINE;
            struct trust_verdict v = trust_verdict_session(&d, &s, NOW);
            expect(v, rows[i].action, rows[i].reason, rows[i].action != TRUST_SEND);
            assert_int_equal(v.level, v.action == TRUST_SEND ? TRUST_LEVEL_DANE : TRUST_LEVEL_NONE);
        }
    }
}

/* Usage 2 has dates, and a reused session may have outlived them; usage 3 has none. */
static void test_dates_of_dane(void **state)
{
    (void)state;
    struct trust_domain d = secure_domain();
    struct trust_session s = with_tlsa(TRUST_TLSA_USABLE);
    s.cert.until_us = 1;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_SEND, TRUST_REASON_PROVED, false);
    s.dane.from_us = NOW - 1;
    s.dane.until_us = NOW + 1;
    expect(trust_verdict_session(&d, &s, NOW + 1), TRUST_SEND, TRUST_REASON_PROVED, false);
    expect(trust_verdict_session(&d, &s, NOW + 2), TRUST_NEXT_HOST, TRUST_REASON_CERT_EXPIRED, true);
    expect(trust_verdict_session(&d, &s, NOW - 1), TRUST_SEND, TRUST_REASON_PROVED, false);
    expect(trust_verdict_session(&d, &s, NOW - 2), TRUST_NEXT_HOST, TRUST_REASON_CERT_NOT_YET, true);
}

/* All unusable, or none: not a proof, and not a fault; PKIX decides. */
static void test_unusable_records_are_no_proof(void **state)
{
    (void)state;
    for (int tlsa = 0; tlsa < 3; tlsa++) {
        static const enum trust_tlsa_state states[] = {TRUST_TLSA_UNASKED, TRUST_TLSA_NONE, TRUST_TLSA_UNUSABLE};
        struct trust_domain d = secure_domain();
        struct trust_session s = with_tlsa(states[tlsa]);
        struct trust_verdict v = trust_verdict_session(&d, &s, NOW);
        expect(v, TRUST_SEND, TRUST_REASON_PROVED, false);
        assert_int_equal(v.level, TRUST_LEVEL_PKIX_DNSSEC);
        s.cert.fault = TRUST_CERT_UNTRUSTED;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_CERT_UNTRUSTED, false);
    }
}

static void test_policy_in_mode_enforce(void **state)
{
    (void)state;
    struct trust_domain d = facts_domain();
    struct trust_session s = facts_proved();
    d.sts = TRUST_STS_ENFORCE;
    expect(trust_verdict_host(&d, &s), TRUST_NEXT_HOST, TRUST_REASON_STS_HOST, true);
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_STS_HOST, true);
    s.sts_match = true;
    expect(trust_verdict_host(&d, &s), TRUST_NEXT_HOST, TRUST_REASON_NONE, false);
    assert_int_equal(trust_verdict_session(&d, &s, NOW).level, TRUST_LEVEL_STS);
    s.cert.fault = TRUST_CERT_NAME;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_CERT_NAME, true);
    /* DANE is never overridden by a policy (RFC 8461 section 2), and unusable records do not suspend it. */
    d.secure = true;
    s = with_tlsa(TRUST_TLSA_USABLE);
    expect(trust_verdict_session(&d, &s, NOW), TRUST_SEND, TRUST_REASON_PROVED, false);
    assert_int_equal(trust_verdict_session(&d, &s, NOW).level, TRUST_LEVEL_DANE);
    s.dane.tlsa = TRUST_TLSA_UNUSABLE;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_STS_HOST, true);
    s.sts_match = true;
    assert_int_equal(trust_verdict_session(&d, &s, NOW).level, TRUST_LEVEL_STS);
}

static void test_policy_in_other_modes_demands_and_proves_nothing(void **state)
{
    (void)state;
    for (int mode = TRUST_STS_NONE; mode < TRUST_STS_ENFORCE; mode++) {
        struct trust_domain d = facts_domain();
        struct trust_session s = facts_proved();
        d.sts = (enum trust_sts_mode)mode;
        for (int match = 0; match < 2; match++) {
            s.sts_match = match == 1;
            s.cert.fault = TRUST_CERT_FINE;
            assert_int_equal(trust_verdict_session(&d, &s, NOW).level, TRUST_LEVEL_PKIX);
            s.cert.fault = TRUST_CERT_NAME;
            expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_CERT_NAME, false);
        }
    }
}

static void test_how_the_last_look_went_is_never_judged(void **state)
{
    (void)state;
    for (int look = TRUST_STS_UNASKED; look <= TRUST_STS_POLICY_INVALID; look++) {
        struct trust_domain d = facts_domain();
        struct trust_session s = facts_proved();
        d.sts_look = (enum trust_sts_look)look;
        assert_int_equal(trust_verdict_session(&d, &s, NOW).level, TRUST_LEVEL_PKIX);
        d.sts = TRUST_STS_ENFORCE;
        s.sts_match = true;
        assert_int_equal(trust_verdict_session(&d, &s, NOW).level, TRUST_LEVEL_STS);
    }
}

static void test_pins(void **state)
{
    (void)state;
    for (int dane = 0; dane < 2; dane++) {
        struct trust_domain d = secure_domain();
        struct trust_session s = with_tlsa(dane == 1 ? TRUST_TLSA_USABLE : TRUST_TLSA_NONE);
        for (int pin = TRUST_PIN_NONE; pin <= TRUST_PIN_MISMATCH; pin++) {
            s.pin = (enum trust_pin)pin;
            d.pinned = false;
            expect(trust_verdict_session(&d, &s, NOW), TRUST_SEND, TRUST_REASON_PROVED, false);
            d.pinned = true;
            if (pin == TRUST_PIN_MATCH)
                expect(trust_verdict_session(&d, &s, NOW), TRUST_SEND, TRUST_REASON_PROVED, false);
            else
                expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_PIN_MISMATCH, true);
        }
        /* A pin is no proof: what fails without it fails with it, and by its own reason. */
        s.pin = TRUST_PIN_MATCH;
        s.cert.fault = s.dane.fault = TRUST_CERT_KEY;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_CERT_KEY, dane == 1);
    }
}

static void test_profiles(void **state)
{
    (void)state;
    static const char *const good[] = {"secp256r1", "prime256v1", "P-256", "secp384r1", "P-384"};
    static const char *const bad[] = {"x25519", "secp521r1", "ffdhe2048", "", NULL};
    for (int profile = TRUST_PROFILE_STRICT; profile <= TRUST_PROFILE_FIPS; profile++) {
        struct trust_domain d = facts_domain();
        bool strict = profile == TRUST_PROFILE_STRICT;
        d.profile = (enum trust_profile)profile;
        for (int cipher = TRUST_CIPHER_OTHER; cipher <= TRUST_CIPHER_CHACHA20; cipher++) {
            bool aes = cipher == TRUST_CIPHER_AES_GCM || cipher == TRUST_CIPHER_AES_CCM;
            for (size_t i = 0; i < 10; i++) {
                struct trust_session s = facts_proved();
                s.tls.cipher = (enum trust_cipher)cipher;
                s.tls.group = i < 5 ? good[i] : bad[i - 5];
                if (strict || (aes && i < 5))
                    expect(trust_verdict_session(&d, &s, NOW), TRUST_SEND, TRUST_REASON_PROVED, false);
                else
                    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_TLS_SUITE, false);
            }
        }
    }
}

static void test_levels_minimum_and_memory(void **state)
{
    (void)state;
    for (int level = TRUST_LEVEL_PKIX; level <= TRUST_LEVEL_DANE; level++) {
        for (int shown = TRUST_LEVEL_NONE; shown <= TRUST_LEVEL_DANE; shown++) {
            for (int minimum = TRUST_LEVEL_NONE; minimum <= TRUST_LEVEL_DANE; minimum++) {
                struct trust_domain d = facts_domain();
                struct trust_session s = facts_proved();
                d.secure = s.dns_secure = level == TRUST_LEVEL_PKIX_DNSSEC || level == TRUST_LEVEL_DANE;
                d.sts = level == TRUST_LEVEL_STS ? TRUST_STS_ENFORCE : TRUST_STS_NONE;
                s.sts_match = true;
                s.dane.tlsa = level == TRUST_LEVEL_DANE ? TRUST_TLSA_USABLE : TRUST_TLSA_NONE;
                d.shown = (enum trust_level)shown;
                d.minimum = (enum trust_level)minimum;
                struct trust_verdict v = trust_verdict_session(&d, &s, NOW);
                if (level < shown)
                    expect(v, TRUST_LATER, TRUST_REASON_LEVEL_FELL, true);
                else if (level < minimum)
                    expect(v, TRUST_NEXT_HOST, TRUST_REASON_LEVEL_BELOW_MINIMUM, false);
                else
                    expect(v, TRUST_SEND, TRUST_REASON_PROVED, false);
                assert_int_equal(v.level, v.action == TRUST_SEND ? level : TRUST_LEVEL_NONE);
            }
        }
    }
}

/* RFC 8689: the next hop must offer it, and its name must be protected. */
/* Remembered of a domain: its level whatever a message demands, nothing of a host that failed or has fallen. */
static void test_what_a_session_shows(void **state)
{
    (void)state;
    struct trust_domain d = facts_domain();
    struct trust_session s = facts_proved();
    d.minimum = TRUST_LEVEL_DANE;
    expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_LEVEL_BELOW_MINIMUM, false);
    assert_int_equal(trust_verdict_shown(&d, &s, NOW), TRUST_LEVEL_PKIX);
    d.shown = TRUST_LEVEL_STS;
    assert_int_equal(trust_verdict_shown(&d, &s, NOW), TRUST_LEVEL_NONE);
    d.shown = TRUST_LEVEL_NONE;
    s.cert.fault = TRUST_CERT_NAME;
    assert_int_equal(trust_verdict_shown(&d, &s, NOW), TRUST_LEVEL_NONE);
}

static void test_require_tls(void **state)
{
    (void)state;
    const struct trust_needs needs = {.require_tls = true}, none = {.size = 1};
    struct smtp_client_caps caps = {.require_tls = false};
    expect(trust_verdict_needs(&caps, &needs), TRUST_POST, TRUST_REASON_NO_REQUIRETLS, false);
    expect(trust_verdict_needs(&caps, &none), TRUST_SEND, TRUST_REASON_PROVED, false);
    caps.require_tls = true;
    expect(trust_verdict_needs(&caps, &needs), TRUST_SEND, TRUST_REASON_PROVED, false);
    for (int level = TRUST_LEVEL_NONE; level <= TRUST_LEVEL_DANE; level++) {
        enum trust_level raised = level < TRUST_LEVEL_PKIX_DNSSEC ? TRUST_LEVEL_PKIX_DNSSEC : (enum trust_level)level;
        assert_int_equal(trust_verdict_minimum((enum trust_level)level, &needs), raised);
        assert_int_equal(trust_verdict_minimum((enum trust_level)level, &none), level);
    }
    const struct trust_answer refused = {SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 550, {5, 7, 30}};
    expect(trust_verdict_answer(&refused, &needs), TRUST_POST, TRUST_REASON_NO_REQUIRETLS, false);
    expect(trust_verdict_answer(&refused, &none), TRUST_RETURN, TRUST_REASON_PROVED_5XX, false);
}

/* Every reason, and whether it says "did not prove itself"; attack hangs on it where proof was expected. */
static void test_proof_failures_are_a_list(void **state)
{
    (void)state;
    static const char *const listed[] = {"injected-reply", "no-starttls", "tls-too-old", "tls-weak-suite", "tls-failed",
        "certificate-missing", "certificate-expired", "certificate-not-yet-valid", "certificate-self-signed",
        "certificate-not-trusted", "certificate-chain-invalid", "certificate-host-mismatch", "certificate-weak-key",
        "certificate-weak-signature", "certificate-wrong-usage", "certificate-revoked", "certificate-staple-missing",
        "dane-mismatch", "sts-host-mismatch", "pin-mismatch"};
    uint16_t reason = 0;
    for (size_t i = 0; trust_reason_at(i, &reason); i++) {
        bool in = false;
        for (size_t k = 0; k < sizeof(listed) / sizeof(*listed); k++)
            in = in || strcmp(listed[k], trust_reason_name(reason)) == 0;
        assert_int_equal(trust_verdict_is_proof_failure((enum trust_reason)reason), in);
    }
}

/* The same failures of a host that is expected to prove itself, and of one that is not. */
static void test_expected_hosts_make_failures_attacks(void **state)
{
    (void)state;
    for (int expected = 0; expected < 3; expected++) {
        struct trust_domain d = facts_domain();
        struct trust_session s = {.dns = TRUST_DNS_OK, .connect = TRUST_CONNECT_OK, .sts_match = true};
        d.sts = expected == 1 ? TRUST_STS_ENFORCE : TRUST_STS_TESTING;
        d.secure = expected == 2;
        s.dane.tlsa = TRUST_TLSA_USABLE;
        bool marked = expected > 0;
        assert_int_equal(trust_verdict_expected(&d, &s), marked);
        expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_NO_STARTTLS, marked);
        s.stage = SMTP_STAGE_HANDSHAKE;
        s.fault = SMTP_FAULT_CLOSED;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_TLS_FAILED, marked);
        s.fault = SMTP_FAULT_INJECTED;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_INJECTED, marked);
        s.fault = SMTP_FAULT_REPLY;
        s.code = 554;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_UNPROVED_5XX, false);
        s.fault = SMTP_FAULT_MALFORMED;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_NEXT_HOST, TRUST_REASON_MALFORMED, false);
        s.stage = SMTP_STAGE_GREETING;
        s.fault = SMTP_FAULT_CLOSED;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_LATER, TRUST_REASON_CLOSED, false);
        s.connect = TRUST_CONNECT_REFUSED;
        expect(trust_verdict_session(&d, &s, NOW), TRUST_LATER, TRUST_REASON_REFUSED, false);
    }
}

/* A proved host that speaks wrongly afterwards is judged by what it does now, not by how far a handshake would be. */
static void test_faults_after_proof(void **state)
{
    (void)state;
    static const struct {
        enum smtp_client_fault fault;
        enum trust_action action;
        enum trust_reason reason;
    } rows[] = {
        {SMTP_FAULT_CLOSED, TRUST_LATER, TRUST_REASON_CLOSED},       {SMTP_FAULT_TRUNCATED, TRUST_LATER, TRUST_REASON_CLOSED},
        {SMTP_FAULT_TIMEOUT, TRUST_LATER, TRUST_REASON_TIMEOUT},     {SMTP_FAULT_LOCAL, TRUST_LATER, TRUST_REASON_LOCAL_CONNECT},
        {SMTP_FAULT_MALFORMED, TRUST_NEXT_HOST, TRUST_REASON_MALFORMED}, {SMTP_FAULT_TLS, TRUST_NEXT_HOST, TRUST_REASON_TLS_FAILED},
        {SMTP_FAULT_INJECTED, TRUST_NEXT_HOST, TRUST_REASON_INJECTED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (int stage = SMTP_STAGE_NONE; stage <= SMTP_STAGE_IDLE; stage++) {
            struct trust_domain d = facts_domain();
            struct trust_session s = facts_proved();
            s.stage = (enum smtp_client_stage)stage;
            s.fault = rows[i].fault;
            expect(trust_verdict_session(&d, &s, NOW), rows[i].action, rows[i].reason, false);
        }
    }
}

/* The domain's memory: any failed proof of any host, whatever the others said; nothing else. */
static void test_a_known_domain_that_fails_to_prove_itself_has_fallen(void **state)
{
    (void)state;
    uint16_t reason = 0;
    struct trust_domain d = facts_domain();
    for (size_t i = 0; trust_reason_at(i, &reason); i++) {
        bool fell = trust_verdict_is_proof_failure((enum trust_reason)reason);
        struct trust_destination all;
        trust_destination_init(&all);
        trust_destination_add(&all, (struct trust_verdict){.action = TRUST_NEXT_HOST, .reason = (enum trust_reason)reason});
        d.shown = TRUST_LEVEL_NONE;
        expect(trust_destination_end(&all, &d), TRUST_POST, (enum trust_reason)reason, false);
        d.shown = TRUST_LEVEL_PKIX;
        expect(trust_destination_end(&all, &d), fell ? TRUST_LATER : TRUST_POST, fell ? TRUST_REASON_LEVEL_FELL : (enum trust_reason)reason, fell);
    }
}

/* Addresses of one host: those that could not be reached say nothing of one that answered. */
static void test_addresses_of_one_host(void **state)
{
    (void)state;
    static const enum trust_reason unreached[] = {TRUST_REASON_REFUSED, TRUST_REASON_TIMEOUT, TRUST_REASON_UNREACHABLE};
    const struct trust_verdict failed = {.action = TRUST_NEXT_HOST, .reason = TRUST_REASON_CERT_EXPIRED, .attack = true};
    const struct trust_verdict busy = {.action = TRUST_LATER, .reason = TRUST_REASON_UNPROVED_4XX};
    for (int order = 0; order < 2; order++) {
        for (size_t i = 0; i < 4; i++) {
            struct trust_verdict away = {.action = TRUST_LATER, .reason = i < 3 ? unreached[i] : TRUST_REASON_CLOSED};
            struct trust_destination of_host, all;
            trust_destination_init(&of_host);
            trust_destination_init(&all);
            trust_destination_add(&of_host, order == 0 ? away : failed);
            trust_destination_add(&of_host, order == 0 ? failed : away);
            struct trust_verdict v = trust_destination_add_host(&all, &of_host);
            expect(v, i < 3 ? TRUST_NEXT_HOST : TRUST_LATER, i < 3 ? TRUST_REASON_CERT_EXPIRED : TRUST_REASON_CLOSED, true);
            assert_true(all.unproved);
            assert_int_equal(all.tried, 1);
        }
    }
    struct trust_destination of_host, all;
    trust_destination_init(&of_host);
    trust_destination_init(&all);
    assert_int_equal(trust_destination_add_host(&all, &of_host).action, 0);
    assert_int_equal(all.tried, 0);
    trust_destination_add(&of_host, busy);
    expect(trust_destination_add_host(&all, &of_host), TRUST_LATER, TRUST_REASON_UNPROVED_4XX, false);
    assert_false(all.unproved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tlsa_question),
        cmocka_unit_test(test_dane_alone_decides_where_it_can_be_used),
        cmocka_unit_test(test_dates_of_dane),
        cmocka_unit_test(test_unusable_records_are_no_proof),
        cmocka_unit_test(test_policy_in_mode_enforce),
        cmocka_unit_test(test_policy_in_other_modes_demands_and_proves_nothing),
        cmocka_unit_test(test_how_the_last_look_went_is_never_judged),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_levels_minimum_and_memory),
        cmocka_unit_test(test_what_a_session_shows),
        cmocka_unit_test(test_require_tls),
        cmocka_unit_test(test_proof_failures_are_a_list),
        cmocka_unit_test(test_expected_hosts_make_failures_attacks),
        cmocka_unit_test(test_faults_after_proof),
        cmocka_unit_test(test_a_known_domain_that_fails_to_prove_itself_has_fallen),
        cmocka_unit_test(test_addresses_of_one_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
