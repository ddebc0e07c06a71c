/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence comes back as it was written, within its limits, reads well, and gives the same verdicts again. */
#include "unit.h"

#include "base/codec.h"
#include "facts_make.h"
#include "trust/trust_replay.h"

#define NOW INT64_C(1700000000000000)

static struct trust_domain domain_of(void)
{
    return (struct trust_domain){.mx = TRUST_DNS_OK, .secure = true, .hosts = 2, .minimum = TRUST_LEVEL_PKIX};
}

static struct trust_session session_of(char *host)
{
    static char address[] = "192.0.2.1", key[] = "EC prime256v1", names[] = "mx.example\n*.example", checked[] = "mx.example";
    struct trust_session s = {.host = host, .address = address, .port = 25, .connect = TRUST_CONNECT_OK, .starttls = true, .ready = true};
    s.tls = (struct trust_tls){.established = true, .protocol = 0x0304, .protocol_name = "TLSv1.3", .aead = true, .ephemeral = true,
                               .suite = "TLS_AES_256_GCM_SHA384", .group = "x25519", .bits = 256};
    s.cert = (struct trust_cert){.checked = true, .chain_count = 2, .key = key, .names = names, .checked_name = checked,
                                 .matched_name = checked, .from_us = 1, .until_us = INT64_C(4000000000000000)};
    s.at_us = NOW - 5;
    return s;
}

static void add_try(struct buf *record, const struct trust_domain *domain, const struct trust_session *session, int64_t now_us)
{
    struct trust_evidence e = trust_evidence_of(domain, session, now_us, trust_verdict_session(domain, session, now_us));
    assert_true(trust_evidence_add(record, &e));
}

static void test_round_trip(void **state)
{
    (void)state;
    static char one[] = "mx1.example", two[] = "mx2.example";
    const struct trust_domain domain = domain_of();
    struct trust_session sessions[] = {session_of(one), session_of(two)};
    struct buf record, text;
    struct trust_evidence_reader reader;
    struct trust_evidence e;
    size_t count = 0;
    buf_init(&record, TRUST_EVIDENCE_SIZE_MAX);
    buf_init(&text, 65536);
    trust_evidence_begin(&record);
    for (size_t i = 0; i < 2; i++)
        add_try(&record, &domain, &sessions[i], NOW);
    assert_true(trust_evidence_open(buf_slice(&record), &reader));
    for (; trust_evidence_next(&reader, &e); count++) {
        assert_slice(e.host, count == 0 ? "mx1.example" : "mx2.example");
        assert_int_equal(e.chain.len, 64);
        assert_int_equal(e.level, TRUST_LEVEL_PKIX);
        assert_int_equal(e.version, 2);
        trust_evidence_text(&e, "  ", &text);
    }
    assert_false(reader.wire.bad);
    assert_int_equal(count, 2);
    assert_non_null(buf_cstr(&text));
    assert_non_null(strstr(buf_cstr(&text), "tls: TLSv1.3 TLS_AES_256_GCM_SHA384 x25519"));
    assert_non_null(strstr(buf_cstr(&text), "The recipient's mail server proved who it is."));
    buf_free(&record);
    buf_free(&text);
}

/* A record of the first release, byte by byte as it was written then. */
static void test_first_version_is_still_read(void **state)
{
    (void)state;
    static const char hex[] =
        "01" "00060a24181e4000" "0000000a6d782e6578616d706c65" "00000009" "3139322e302e322e31" "0019" "00" "01" "00" "00" "01"
        "01" "00" "00" "0000" "00000000" "01" "01" "00" "00000007" "544c5376312e33" "00000002" "5858" "00000000" "0100" "00" "01"
        "00" "00000000" "00000020" "0101010101010101010101010101010101010101010101010101010101010101" "0000000000000001"
        "000e35fa931a0000" "00000000" "00000000" "00000000" "00000000" "00000000" "01" "0002" "01" "00";
    struct trust_evidence_reader reader;
    struct trust_replay replay;
    struct trust_verdict v;
    struct trust_evidence e;
    struct trust_attempt attempt;
    struct buf record;
    buf_init(&record, TRUST_EVIDENCE_SIZE_MAX);
    assert_true(codec_unhex(&record, slice_str(hex)));
    assert_true(trust_evidence_open(buf_slice(&record), &reader));
    assert_true(trust_evidence_next(&reader, &e));
    assert_slice(e.host, "mx.example");
    assert_slice(e.protocol, "TLSv1.3");
    assert_int_equal(e.version, 1);
    assert_int_equal(e.level, TRUST_LEVEL_PKIX);
    assert_int_equal(e.reason, TRUST_REASON_PROVED);
    assert_int_equal(e.judged_us, e.at_us);
    trust_replay_init(&replay);
    assert_int_equal(trust_replay_add(&replay, &e, &v), TRUST_REPLAY_IMPOSSIBLE);
    assert_int_equal(trust_replay_end(&replay, TRUST_REASON_DELIVERED, TRUST_LEVEL_PKIX), TRUST_REPLAY_IMPOSSIBLE);
    assert_false(trust_replay_attempt(buf_slice(&record), &attempt));
    assert_false(trust_evidence_next(&reader, &e));
    assert_false(reader.wire.bad);
    buf_free(&record);
}

static void test_versions(void **state)
{
    (void)state;
    struct trust_evidence_reader reader;
    assert_true(trust_evidence_open(slice_of("\1", 1), &reader));
    assert_true(trust_evidence_open(slice_of("\2", 1), &reader));
    assert_false(trust_evidence_open(slice_of("\3", 1), &reader));
    assert_false(trust_evidence_open(slice_of("\0", 1), &reader));
    assert_false(trust_evidence_open(SLICE_EMPTY, &reader));
}

/* A text of n bytes. */
static char *filled(char *out, size_t n)
{
    memset(out, 'x', n);
    out[n] = '\0';
    return out;
}

/* However much the hosts say, every try and the end find their room, and what is judged is never left out. */
static void test_every_try_of_an_attempt_fits(void **state)
{
    (void)state;
    static char host[256], reply[1025], names[2049], detail[600], address[65], base[256];
    struct trust_domain domain = domain_of();
    struct trust_session s = session_of(filled(host, 255));
    struct trust_evidence_reader reader;
    struct trust_replay replay;
    struct trust_verdict v;
    struct trust_evidence e;
    struct buf record;
    size_t tries = 0;
    s.cert.chain_count = s.cert.path_count = s.dane.path_count = TRUST_CHAIN_MAX;
    s.reply = filled(reply, 1024);
    s.cert.names = filled(names, 2048);
    s.cert.detail = s.cert.issuer = s.dane.detail = filled(detail, 599);
    s.address = filled(address, 64);
    s.dane.base = filled(base, 255);
    s.cert.fault = TRUST_CERT_NAME;
    buf_init(&record, TRUST_EVIDENCE_SIZE_MAX);
    trust_evidence_begin(&record);
    for (size_t i = 0; i < TRUST_EVIDENCE_TRIES_MAX; i++) {
        host[0] = (char)('a' + i);
        add_try(&record, &domain, &s, NOW);
    }
    v = (struct trust_verdict){.action = TRUST_POST, .reason = TRUST_REASON_CERT_NAME};
    e = trust_evidence_of_domain(TRUST_EVIDENCE_END, &domain, NOW, v);
    assert_true(trust_evidence_add(&record, &e));
    assert_true(trust_evidence_open(buf_slice(&record), &reader));
    trust_replay_init(&replay);
    while (trust_evidence_next(&reader, &e)) {
        tries += e.kind == TRUST_EVIDENCE_TRY;
        assert_int_equal(trust_replay_add(&replay, &e, &v), TRUST_REPLAY_AGREES);
    }
    assert_int_equal(tries, TRUST_EVIDENCE_TRIES_MAX);
    assert_false(reader.wire.bad);
    assert_int_equal(trust_replay_end(&replay, TRUST_REASON_CERT_NAME, 0), TRUST_REPLAY_AGREES);
    buf_free(&record);
}

static void test_limit_of_the_record(void **state)
{
    (void)state;
    static char one[] = "mx1.example";
    const struct trust_domain domain = {.mx = TRUST_DNS_OK};
    struct trust_session s = session_of(one);
    struct trust_evidence in = trust_evidence_of(&domain, &s, NOW, (struct trust_verdict){.action = TRUST_LATER});
    struct buf record;
    size_t added = 0;
    buf_init(&record, 1000);
    trust_evidence_begin(&record);
    while (trust_evidence_add(&record, &in))
        added++;
    assert_true(added >= 1 && added < 5);
    assert_true(buf_ok(&record));
    buf_free(&record);
}

/* The two ends of an attempt, and their replay: hosts that fail, then all together; a host that cannot take the message. */
static void test_ends_are_replayed(void **state)
{
    (void)state;
    static char one[] = "mx1.example", two[] = "mx2.example";
    struct trust_domain domain = domain_of();
    struct trust_session a = session_of(one), b = session_of(two);
    const struct trust_needs needs = {.utf8 = true};
    for (int kind = 0; kind < 3; kind++) {
        struct trust_evidence_reader reader;
        struct trust_replay replay;
        struct trust_evidence e;
        struct trust_verdict v = {.action = TRUST_POST, .reason = TRUST_REASON_CERT_EXPIRED};
        struct buf record;
        a.cert.fault = kind == 1 ? TRUST_CERT_FINE : TRUST_CERT_EXPIRED;
        b.connect = TRUST_CONNECT_PRIVATE;
        buf_init(&record, TRUST_EVIDENCE_SIZE_MAX);
        trust_evidence_begin(&record);
        if (kind < 2)
            add_try(&record, &domain, &a, NOW);
        if (kind == 0) {
            add_try(&record, &domain, &b, NOW);
            e = trust_evidence_of_domain(TRUST_EVIDENCE_END, &domain, NOW, v);
        } else if (kind == 1) {
            v.reason = TRUST_REASON_NO_UTF8;
            e = trust_evidence_of_needs(&domain, &a, &needs, NOW, v);
        } else {
            domain.mx = TRUST_DNS_NXDOMAIN;
            v = (struct trust_verdict){.action = TRUST_RETURN, .reason = TRUST_REASON_NO_DOMAIN};
            e = trust_evidence_of_domain(TRUST_EVIDENCE_DOMAIN, &domain, NOW, v);
        }
        assert_true(trust_evidence_add(&record, &e));
        uint16_t reason = (uint16_t)v.reason;
        trust_replay_init(&replay);
        assert_true(trust_evidence_open(buf_slice(&record), &reader));
        while (trust_evidence_next(&reader, &e))
            assert_int_equal(trust_replay_add(&replay, &e, &v), TRUST_REPLAY_AGREES);
        assert_int_equal(trust_replay_end(&replay, reason, 0), TRUST_REPLAY_AGREES);
        assert_int_equal(trust_replay_end(&replay, TRUST_REASON_NULL_MX, 0), TRUST_REPLAY_DIFFERS);
        assert_int_equal(trust_replay_end(&replay, TRUST_REASON_DELIVERED, TRUST_LEVEL_PKIX), TRUST_REPLAY_DIFFERS);
        buf_free(&record);
    }
}

static enum trust_replay_result replay_one(const struct trust_evidence *e, uint16_t reason, uint8_t level)
{
    struct trust_replay replay;
    struct trust_verdict v;
    trust_replay_init(&replay);
    (void)trust_replay_add(&replay, e, &v);
    return trust_replay_end(&replay, reason, level);
}

/* A record that was not written by this judge, or was changed, does not agree. */
static void test_tampered_records_differ(void **state)
{
    (void)state;
    static char one[] = "mx1.example";
    struct trust_domain domain = domain_of();
    struct trust_session s = session_of(one);
    struct trust_verdict v = trust_verdict_session(&domain, &s, NOW);
    const struct trust_evidence good = trust_evidence_of(&domain, &s, NOW, v);
    const uint16_t delivered = TRUST_REASON_DELIVERED;
    struct trust_evidence e = good;
    assert_int_equal(replay_one(&e, delivered, TRUST_LEVEL_PKIX), TRUST_REPLAY_AGREES);
    assert_int_equal(replay_one(&e, delivered, TRUST_LEVEL_DANE), TRUST_REPLAY_DIFFERS);
    e.cert_fault = TRUST_CERT_NAME;
    assert_int_equal(replay_one(&e, delivered, TRUST_LEVEL_PKIX), TRUST_REPLAY_DIFFERS);
    e = good;
    e.judged_us = good.valid_until_us + 1;
    assert_int_equal(replay_one(&e, delivered, TRUST_LEVEL_PKIX), TRUST_REPLAY_DIFFERS);
    e = good;
    e.level = TRUST_LEVEL_STS;
    assert_int_equal(replay_one(&e, delivered, TRUST_LEVEL_STS), TRUST_REPLAY_DIFFERS);
    e = good;
    e.attack = true;
    assert_int_equal(replay_one(&e, delivered, TRUST_LEVEL_PKIX), TRUST_REPLAY_DIFFERS);
    e = good;
    e.shown = TRUST_LEVEL_DANE;
    assert_int_equal(replay_one(&e, delivered, TRUST_LEVEL_PKIX), TRUST_REPLAY_DIFFERS);
    e = good;
    e.cert_fault = 200;
    assert_int_equal(replay_one(&e, delivered, TRUST_LEVEL_PKIX), TRUST_REPLAY_IMPOSSIBLE);
    e = good;
    e.kind = 9;
    assert_int_equal(replay_one(&e, delivered, TRUST_LEVEL_PKIX), TRUST_REPLAY_IMPOSSIBLE);
}

/* With tries left out, nothing is said of the end. */
static void test_an_end_with_gaps_is_not_replayed(void **state)
{
    (void)state;
    struct trust_domain domain = domain_of();
    struct trust_verdict v = {.action = TRUST_LATER, .reason = TRUST_REASON_DNS_FAILED};
    struct trust_evidence e = trust_evidence_of_domain(TRUST_EVIDENCE_END, &domain, NOW, v);
    assert_int_equal(replay_one(&e, TRUST_REASON_DNS_FAILED, 0), TRUST_REPLAY_AGREES);
    e.left_out = 1;
    assert_int_equal(replay_one(&e, TRUST_REASON_DNS_FAILED, 0), TRUST_REPLAY_IMPOSSIBLE);
}

/* Only the time of judging is not told apart. */
static void test_digest_says_whether_two_records_say_the_same(void **state)
{
    (void)state;
    static char one[] = "mx1.example";
    struct trust_domain domain = domain_of();
    struct trust_session s = session_of(one);
    struct digest digests[4];
    for (int i = 0; i < 4; i++) {
        struct buf record;
        buf_init(&record, TRUST_EVIDENCE_SIZE_MAX);
        trust_evidence_begin(&record);
        s.dns_secure = i == 2;
        domain.sts = i == 3 ? TRUST_STS_TESTING : TRUST_STS_NONE;
        add_try(&record, &domain, &s, NOW + i);
        digests[i] = trust_evidence_digest(buf_slice(&record));
        buf_free(&record);
    }
    assert_memory_equal(&digests[0], &digests[1], sizeof(digests[0]));
    assert_memory_not_equal(&digests[0], &digests[2], sizeof(digests[0]));
    assert_memory_not_equal(&digests[0], &digests[3], sizeof(digests[0]));
}

/* Whatever was seen and judged, at whatever time: the record gives it back. */
static void test_random_facts_are_replayed(void **state)
{
    (void)state;
    struct facts_random r = {31};
    for (unsigned i = 0; i < 30000; i++) {
        struct trust_domain d = facts_random_domain(&r);
        struct trust_session s = facts_random_session(&r);
        const struct trust_needs needs = {.utf8 = facts_often(&r, 1, 2), .eight_bit = facts_often(&r, 1, 2), .size = facts_pick(&r, 300),
                                          .require_tls = facts_often(&r, 1, 2)};
        struct trust_evidence e[] = {
            trust_evidence_of(&d, &s, FACTS_NOW, trust_verdict_session(&d, &s, FACTS_NOW)),
            trust_evidence_of_domain(TRUST_EVIDENCE_DOMAIN, &d, FACTS_NOW, trust_verdict_domain(&d)),
            trust_evidence_of_needs(&d, &s, &needs, FACTS_NOW, trust_verdict_needs(&s.caps, &needs)),
        };
        for (size_t k = 0; k < 3; k++) {
            struct trust_evidence_reader reader;
            struct trust_evidence back;
            struct trust_verdict v;
            struct buf record;
            buf_init(&record, TRUST_EVIDENCE_SIZE_MAX);
            trust_evidence_begin(&record);
            assert_true(trust_evidence_add(&record, &e[k]));
            assert_true(trust_evidence_open(buf_slice(&record), &reader) && trust_evidence_next(&reader, &back));
            assert_true(trust_evidence_replay(&back, &v));
            assert_int_equal(v.action, e[k].action);
            assert_int_equal(v.reason, e[k].reason);
            assert_int_equal(v.attack, e[k].attack);
            assert_int_equal(v.level, e[k].level);
            buf_free(&record);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_first_version_is_still_read),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_every_try_of_an_attempt_fits),
        cmocka_unit_test(test_limit_of_the_record),
        cmocka_unit_test(test_ends_are_replayed),
        cmocka_unit_test(test_tampered_records_differ),
        cmocka_unit_test(test_an_end_with_gaps_is_not_replayed),
        cmocka_unit_test(test_random_facts_are_replayed),
        cmocka_unit_test(test_digest_says_whether_two_records_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
