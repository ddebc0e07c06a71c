/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every verdict, over all combinations of the facts that matter and over many random ones:
 * never SEND without proof; a worse fact never gives a better verdict; every set of facts ends in one verdict; LATER always
 * has a limit. */
#include "unit.h"

#include "facts_make.h"

#define NOW FACTS_NOW
#define ROUNDS 200000u

/* ---- proof, said once more and in other words than the judge ---- */

static bool good_channel(const struct trust_domain *d, const struct trust_tls *t)
{
    bool aes = t->cipher == TRUST_CIPHER_AES_GCM || t->cipher == TRUST_CIPHER_AES_CCM;
    bool curve = t->group != NULL && (strstr(t->group, "256") != NULL || strstr(t->group, "384") != NULL) && t->group[0] != 'x';
    return t->established && t->protocol > 0x0302 && t->aead && t->ephemeral && t->bits > 127 &&
           (d->profile == TRUST_PROFILE_STRICT || (aes && curve));
}

static bool good_path(enum trust_cert_fault fault, bool checked, int64_t from, int64_t until)
{
    return checked && fault == TRUST_CERT_FINE && from <= NOW && NOW <= until;
}

/* NONE when nothing was proved. */
static enum trust_level proved_level(const struct trust_domain *d, const struct trust_session *s)
{
    bool dane = d->secure && s->dane.tlsa == TRUST_TLSA_USABLE;
    bool refused = d->secure && (s->dane.tlsa == TRUST_TLSA_FAILED || s->dane.tlsa == TRUST_TLSA_BOGUS);
    if (s->dns != TRUST_DNS_OK || refused || s->connect != TRUST_CONNECT_OK || !good_channel(d, &s->tls))
        return TRUST_LEVEL_NONE;
    if (d->pinned && s->pin != TRUST_PIN_MATCH)
        return TRUST_LEVEL_NONE;
    if (dane)
        return s->dane.matched && good_path(s->dane.fault, s->dane.checked, s->dane.from_us, s->dane.until_us) ? TRUST_LEVEL_DANE : TRUST_LEVEL_NONE;
    if (!good_path(s->cert.fault, s->cert.checked, s->cert.from_us, s->cert.until_us))
        return TRUST_LEVEL_NONE;
    if (d->sts == TRUST_STS_ENFORCE)
        return s->sts_match ? TRUST_LEVEL_STS : TRUST_LEVEL_NONE;
    return d->secure && s->dns_secure ? TRUST_LEVEL_PKIX_DNSSEC : TRUST_LEVEL_PKIX;
}

static bool lawful(const struct trust_domain *d, const struct trust_session *s)
{
    enum trust_level level = proved_level(d, s);
    return level > TRUST_LEVEL_NONE && level >= d->shown && level >= d->minimum && s->fault == SMTP_FAULT_NONE && s->ready;
}

/* One verdict, of a kind that a host can have, with a reason that has words; SEND exactly where it is lawful. */
static bool check_host(const struct trust_domain *d, const struct trust_session *s)
{
    struct trust_verdict v = trust_verdict_session(d, s, NOW);
    bool send = v.action == TRUST_SEND;
    assert_true(send || v.action == TRUST_NEXT_HOST || v.action == TRUST_LATER);
    assert_string_not_equal(trust_reason_name((uint16_t)v.reason), "unknown");
    assert_int_equal(send, lawful(d, s));
    assert_int_equal(v.level, send ? proved_level(d, s) : TRUST_LEVEL_NONE);
    assert_false(send && v.attack);
    return send;
}

static struct trust_session session_number(unsigned n)
{
    static const enum trust_cert_fault faults[] = {TRUST_CERT_FINE, TRUST_CERT_UNTRUSTED, TRUST_CERT_EXPIRED};
    struct trust_session s = facts_proved();
    s.dane.tlsa = (enum trust_tlsa_state)(n % 6);
    n /= 6;
    s.dane.fault = faults[n % 3];
    n /= 3;
    s.cert.fault = faults[n % 3];
    n /= 3;
    s.pin = (enum trust_pin)(n % 3);
    n /= 3;
    s.dane.checked = n & 1;
    s.dane.matched = n & 2;
    s.cert.checked = n & 4;
    s.sts_match = n & 8;
    s.dns_secure = n & 16;
    s.tls.established = n & 32;
    s.ready = n & 64;
    return s;
}

/* Every combination of what proof hangs on: 162 * 128 sessions, each for 300 domains; in the sanitizer build a part of them,
 * another part of each domain. */
static void test_exhaustive_facts_send_only_with_proof(void **state)
{
    (void)state;
    const unsigned sessions = 162u * 128u, step = 7;
    size_t sends = 0;
    for (unsigned n = 0; n < 300; n++) {
        struct trust_domain d = facts_domain();
        d.secure = n % 2 == 1;
        d.pinned = n / 2 % 2 == 1;
        d.sts = (enum trust_sts_mode)(n / 4 % 3);
        d.shown = (enum trust_level)(n / 12 % 5);
        d.minimum = (enum trust_level)(n / 60 % 5);
        for (unsigned k = n % step; k < sessions; k += step) {
            struct trust_session s = session_number(k);
            sends += check_host(&d, &s);
        }
    }
    assert_true(sends > 1000);
}

static void test_random_facts_send_only_with_proof(void **state)
{
    (void)state;
    struct facts_random r = {20261124};
    size_t sends = 0;
    for (unsigned i = 0; i < 5 * ROUNDS; i++) {
        struct trust_domain d = facts_random_domain(&r);
        struct trust_session s = facts_random_session(&r);
        sends += check_host(&d, &s);
    }
    assert_true(sends > 1000);
}

/* ---- worse facts ---- */

/* The order of facts, one step each. Worse is what proves less or demands more. Two facts are not in the order, for they
 * cannot be forged downward: that the MX answer is signed while TLSA records count, and that a policy is in force. Losing
 * them is what the memory of shown levels is for. False: this fact cannot become worse. */
static bool worsen(struct facts_random *r, struct trust_domain *d, struct trust_session *s)
{
    bool counts = d->secure && s->dane.tlsa >= TRUST_TLSA_USABLE && s->dane.tlsa != TRUST_TLSA_UNUSABLE;
    switch (facts_pick(r, 25)) {
    case 0: s->dns = (enum trust_dns)(1 + facts_pick(r, TRUST_DNS_LOOP)); return true;
    case 1: s->dns_secure = false; return true;
    case 2: s->connect = TRUST_CONNECT_REFUSED; return true;
    case 3: s->fault = (enum smtp_client_fault)(1 + facts_pick(r, SMTP_FAULT_LOCAL)); return true;
    case 4: s->tls.established = false; return true;
    case 5: s->tls.protocol = 0x0302; return true;
    case 6: s->tls.aead = false; return true;
    case 7: s->tls.ephemeral = false; return true;
    case 8: s->tls.bits = (int)facts_pick(r, 128); return true;
    case 9: s->tls.cipher = facts_often(r, 1, 2) ? TRUST_CIPHER_OTHER : TRUST_CIPHER_CHACHA20; return true;
    case 10: s->tls.group = facts_often(r, 1, 2) ? "x25519" : NULL; return true;
    case 11: s->cert.checked = false; return true;
    case 12: s->cert.fault = (enum trust_cert_fault)(1 + facts_pick(r, TRUST_CERT_STAPLE)); return true;
    case 13: s->cert.until_us = NOW - 1; return true;
    case 14: s->cert.from_us = NOW + 1; return true;
    case 15: s->dane.checked = false; return true;
    case 16: s->dane.matched = false; return true;
    case 17: s->dane.fault = (enum trust_cert_fault)(1 + facts_pick(r, TRUST_CERT_STAPLE)); return true;
    case 18: s->sts_match = false; return true;
    case 19: s->pin = TRUST_PIN_MISMATCH; return true;
    case 20: s->ready = false; return true;
    case 21: d->shown = d->shown < TRUST_LEVEL_DANE ? (enum trust_level)(d->shown + 1) : d->shown; return true;
    case 22: d->minimum = d->minimum < TRUST_LEVEL_DANE ? (enum trust_level)(d->minimum + 1) : d->minimum; return true;
    case 23: d->profile = TRUST_PROFILE_NIST; return d->profile != TRUST_PROFILE_STRICT;
    default:
        if (counts) {
            s->dane.tlsa = facts_often(r, 1, 2) ? TRUST_TLSA_FAILED : TRUST_TLSA_BOGUS;
        } else {
            d->pinned = true;
            d->secure = false;
        }
        return true;
    }
}

/* The order of verdicts on a host: SEND by its level, below it everything that gives nothing away. */
static int rank(struct trust_verdict v)
{
    return v.action == TRUST_SEND ? (int)v.level : 0;
}

static void test_a_worse_fact_never_gives_a_better_verdict(void **state)
{
    (void)state;
    struct facts_random r = {4711};
    size_t fell = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct trust_domain d = facts_random_domain(&r);
        struct trust_session s = facts_random_session(&r);
        if (facts_often(&r, 3, 4)) { /* near to SEND: that is where a worse fact can be seen */
            s = facts_proved();
            s.dns_secure = facts_often(&r, 1, 2);
            s.sts_match = true;
            s.pin = TRUST_PIN_MATCH;
            s.dane.tlsa = (enum trust_tlsa_state)facts_pick(&r, 4);
        }
        struct trust_verdict before = trust_verdict_session(&d, &s, NOW);
        for (unsigned step = 0; step < 6; step++) {
            struct trust_verdict after;
            if (!worsen(&r, &d, &s))
                continue;
            after = trust_verdict_session(&d, &s, NOW);
            assert_true(rank(after) <= rank(before));
            fell += rank(after) < rank(before);
            before = after;
        }
    }
    assert_true(fell > ROUNDS / 10);
}

/* ---- attempts ---- */

static void random_attempt(struct facts_random *r, struct trust_attempt *attempt)
{
    static const char *const names[] = {"a.example", "b.example", ""};
    trust_attempt_init(attempt, facts_pick(r, 5));
    attempt->now_us = NOW;
    attempt->domain = facts_random_domain(r);
    attempt->needs = (struct trust_needs){.utf8 = facts_often(r, 1, 4), .eight_bit = facts_often(r, 1, 4), .size = facts_pick(r, 250),
                                          .require_tls = facts_often(r, 1, 4)};
    attempt->must_end = facts_often(r, 1, 2);
    attempt->has_answer = facts_often(r, 1, 2);
    attempt->answer = (struct trust_answer){(enum smtp_client_stage)facts_pick(r, SMTP_STAGE_IDLE + 1), (enum smtp_client_fault)facts_pick(r, SMTP_FAULT_LOCAL + 1),
                                            (uint16_t)(250 + 100 * facts_pick(r, 4)), {0}};
    attempt->has_notice = true;
    attempt->clear = facts_often(r, 1, 2);
    attempt->attack = facts_often(r, 1, 4);
    for (size_t i = 0; i < attempt->count; i++) {
        struct trust_try *try = &attempt->tries[i];
        try->facts = facts_random_session(r);
        try->facts.host = strdup(names[facts_pick(r, 3)]);
        try->now_us = NOW;
        try->counted = facts_often(r, 7, 8);
    }
}

/* Only what a domain says of itself, or a proved host of a recipient, may return mail; or the end of patience with a domain
 * whose hosts do not exist, or with content that cannot be read. */
static bool may_return(const struct trust_attempt *a, const struct trust_attempt_end *end, bool found)
{
    enum trust_dns mx = a->domain.mx;
    bool domain = mx == TRUST_DNS_NULL_MX || mx == TRUST_DNS_NXDOMAIN || mx == TRUST_DNS_NODATA;
    bool limit = a->must_end && (end->verdict.reason == TRUST_REASON_DANGLING || end->verdict.reason == TRUST_REASON_LOCAL);
    return domain || limit || (found && a->has_answer && a->answer.fault == SMTP_FAULT_REPLY && a->answer.code >= 500);
}

static void check_attempt(const struct trust_attempt *attempt)
{
    struct trust_attempt_end end, again;
    struct trust_domain d = attempt->domain;
    bool found = false;
    memset(&end, 0, sizeof(end));
    memset(&again, 0, sizeof(again));
    trust_attempt_judge(attempt, &end);
    trust_attempt_judge(attempt, &again);
    assert_memory_equal(&end, &again, sizeof(end));
    struct trust_domain undemanding = d;
    undemanding.minimum = TRUST_LEVEL_PKIX;
    d.minimum = trust_verdict_minimum(d.minimum, &attempt->needs);
    for (size_t i = 0; i < end.count; i++) {
        const struct trust_session *s = &attempt->tries[i].facts;
        bool proof = trust_notice_needs_proof(&attempt->domain, s, attempt->attack);
        found = found || lawful(&d, s);
        assert_int_equal(end.tries[i].action == TRUST_SEND, lawful(&d, s));
        assert_int_equal(end.channels[i] == TRUST_CHANNEL_PROVED, lawful(&undemanding, s));
        assert_true(!proof || end.channels[i] == TRUST_CHANNEL_PROVED || end.channels[i] == TRUST_CHANNEL_NONE);
    }
    assert_true(end.verdict.action == TRUST_SEND || end.verdict.action == TRUST_LATER || end.verdict.action == TRUST_POST ||
                end.verdict.action == TRUST_RETURN);
    assert_string_not_equal(trust_reason_name((uint16_t)end.verdict.reason), "unknown");
    assert_false(end.verdict.action == TRUST_SEND && !found);
    assert_false(end.verdict.action == TRUST_LATER && attempt->must_end);
    assert_false(end.verdict.action == TRUST_RETURN && !may_return(attempt, &end, found));
    /* No proof, and posted without a sign of attack: then the domain never proved itself, and was not expected to. */
    for (size_t i = 0; i < end.count && attempt->domain.mx == TRUST_DNS_OK && !found; i++) {
        if (attempt->tries[i].counted && end.tries[i].attack && attempt->domain.hosts > attempt->domain.dangling)
            assert_true(end.verdict.attack);
    }
}

static void test_every_attempt_ends_in_one_verdict_and_later_has_a_limit(void **state)
{
    (void)state;
    struct facts_random r = {8689};
    for (unsigned i = 0; i < ROUNDS / 2; i++) {
        struct trust_attempt attempt;
        random_attempt(&r, &attempt);
        check_attempt(&attempt);
        trust_attempt_free(&attempt);
    }
}

/* One host made worse never brings a message on its way that was not, and one more failing host never either. */
static void test_worse_hosts_never_make_a_better_attempt(void **state)
{
    (void)state;
    struct facts_random r = {7672};
    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        struct trust_attempt attempt;
        struct trust_attempt_end before, after;
        random_attempt(&r, &attempt);
        attempt.has_answer = false;
        trust_attempt_judge(&attempt, &before);
        if (attempt.count > 0) {
            /* Needs are compared with the first proved host: only with a single one is the order of hosts out of play. */
            while (attempt.count > 1)
                trust_session_clear(&attempt.tries[--attempt.count].facts);
            trust_attempt_judge(&attempt, &before);
            (void)worsen(&r, &attempt.domain, &attempt.tries[0].facts);
        }
        trust_attempt_judge(&attempt, &after);
        assert_true(rank(after.verdict) <= rank(before.verdict));
        trust_attempt_free(&attempt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exhaustive_facts_send_only_with_proof),
        cmocka_unit_test(test_random_facts_send_only_with_proof),
        cmocka_unit_test(test_a_worse_fact_never_gives_a_better_verdict),
        cmocka_unit_test(test_every_attempt_ends_in_one_verdict_and_later_has_a_limit),
        cmocka_unit_test(test_worse_hosts_never_make_a_better_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
