/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence comes back as it was written, within its limits, and reads well. */
#include "unit.h"

#include "trust/trust_evidence.h"

static struct trust_session session_of(char *host)
{
    static char address[] = "192.0.2.1", key[] = "EC prime256v1", names[] = "mx.example\n*.example", checked[] = "mx.example";
    struct trust_session s = {.host = host, .address = address, .port = 25, .connect = TRUST_CONNECT_OK, .starttls = true, .ready = true};
    s.tls = (struct trust_tls){.established = true, .protocol = 0x0304, .protocol_name = "TLSv1.3",
                               .suite = "TLS_AES_256_GCM_SHA384", .group = "x25519", .bits = 256};
    s.cert = (struct trust_cert){.checked = true, .chain_count = 2, .key = key, .names = names, .checked_name = checked,
                                 .matched_name = checked, .from_us = 1, .until_us = INT64_C(4000000000000000)};
    s.at_us = INT64_C(1700000000000000);
    return s;
}

static void test_round_trip(void **state)
{
    (void)state;
    static char one[] = "mx1.example", two[] = "mx2.example";
    const struct trust_domain domain = {.mx = TRUST_DNS_OK, .secure = true, .hosts = 2};
    struct trust_session sessions[] = {session_of(one), session_of(two)};
    struct buf record, text;
    struct wire_reader reader;
    struct trust_evidence e;
    size_t count = 0;
    buf_init(&record, TRUST_EVIDENCE_SIZE_MAX);
    buf_init(&text, 65536);
    trust_evidence_begin(&record);
    for (size_t i = 0; i < 2; i++) {
        struct trust_evidence in = trust_evidence_of(&domain, &sessions[i],
            (struct trust_verdict){.action = TRUST_SEND, .reason = TRUST_REASON_PROVED, .level = TRUST_LEVEL_PKIX});
        assert_true(trust_evidence_add(&record, &in));
    }
    assert_true(trust_evidence_open(buf_slice(&record), &reader));
    for (; layout_next(&trust_evidence_layout, &reader, &e); count++) {
        assert_slice(e.host, count == 0 ? "mx1.example" : "mx2.example");
        assert_int_equal(e.chain.len, 64);
        assert_int_equal(e.level, TRUST_LEVEL_PKIX);
        trust_evidence_text(&e, "  ", &text);
    }
    assert_false(reader.bad);
    assert_int_equal(count, 2);
    assert_non_null(buf_cstr(&text));
    assert_non_null(strstr(buf_cstr(&text), "tls: TLSv1.3 TLS_AES_256_GCM_SHA384 x25519"));
    assert_non_null(strstr(buf_cstr(&text), "The recipient's mail server proved who it is."));
    buf_free(&record);
    buf_free(&text);
}

static void test_limits_and_versions(void **state)
{
    (void)state;
    static char one[] = "mx1.example";
    const struct trust_domain domain = {.mx = TRUST_DNS_OK};
    struct trust_session s = session_of(one);
    struct trust_evidence in = trust_evidence_of(&domain, &s, (struct trust_verdict){.action = TRUST_LATER});
    struct buf record;
    struct wire_reader reader;
    size_t added = 0;
    buf_init(&record, 1000);
    trust_evidence_begin(&record);
    while (trust_evidence_add(&record, &in))
        added++;
    assert_true(added >= 1 && added < 5);
    assert_true(buf_ok(&record));
    assert_true(trust_evidence_open(buf_slice(&record), &reader));
    record.data[0] = 2;
    assert_false(trust_evidence_open(buf_slice(&record), &reader));
    assert_false(trust_evidence_open(SLICE_EMPTY, &reader));
    buf_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_limits_and_versions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
