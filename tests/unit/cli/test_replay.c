/* SPDX-License-Identifier: Apache-2.0 */
/* `sealpost trace --replay`: what agrees, what differs, what cannot be said; the facts as a document that judges the same. */
#include "unit.h"

#include "cli/cli_replay.h"
#include "trust/trust_json.h"
#include "trust/trust_replay.h"

#define NOW INT64_C(1700000000000000)

static struct trust_evidence one_try(void)
{
    static char host[] = "mx.example";
    const struct trust_domain domain = {.mx = TRUST_DNS_OK, .hosts = 1, .minimum = TRUST_LEVEL_PKIX};
    struct trust_session s = {.host = host, .connect = TRUST_CONNECT_OK, .starttls = true, .ready = true, .at_us = NOW};
    s.tls = (struct trust_tls){.established = true, .protocol = 0x0304, .aead = true, .ephemeral = true, .bits = 256};
    s.cert = (struct trust_cert){.checked = true, .from_us = NOW - 1, .until_us = NOW + 1};
    return trust_evidence_of(&domain, &s, NOW, trust_verdict_session(&domain, &s, NOW));
}

static json_t *replay(const struct trust_evidence *e, uint16_t reason, uint8_t level, bool *ret_differs)
{
    struct buf record;
    buf_init(&record, TRUST_EVIDENCE_SIZE_MAX);
    trust_evidence_begin(&record);
    assert_true(trust_evidence_add(&record, e));
    json_t *answer = cli_replay_record(buf_slice(&record), reason, level, ret_differs);
    buf_free(&record);
    return answer;
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void test_agrees_and_gives_the_facts(void **state)
{
    (void)state;
    struct trust_evidence e = one_try();
    struct trust_attempt attempt;
    struct trust_attempt_end end;
    struct err err = {{0}};
    bool differs = false;
    json_t *answer = replay(&e, TRUST_REASON_DELIVERED, TRUST_LEVEL_PKIX, &differs);
    assert_false(differs);
    assert_string_equal(text(answer, "result"), "agrees");
    assert_string_equal(text(json_array_get(json_object_get(answer, "entries"), 0), "action"), "send");
    char *facts = json_dumps(json_object_get(answer, "facts"), JSON_COMPACT);
    assert_true(trust_json_read(slice_str(facts), &attempt, &err));
    trust_attempt_judge(&attempt, &end);
    assert_int_equal(end.verdict.action, TRUST_SEND);
    assert_int_equal(end.verdict.level, TRUST_LEVEL_PKIX);
    trust_attempt_free(&attempt);
    free(facts);
    json_decref(answer);
}

/* Built so that it does not agree: exit status 1 of the command hangs on this flag. */
static void test_differs(void **state)
{
    (void)state;
    struct trust_evidence e = one_try();
    bool differs = false;
    e.cert_fault = TRUST_CERT_SELF_SIGNED;
    json_t *answer = replay(&e, TRUST_REASON_DELIVERED, TRUST_LEVEL_PKIX, &differs);
    assert_true(differs);
    assert_string_equal(text(answer, "result"), "differs");
    assert_string_equal(text(json_array_get(json_object_get(answer, "entries"), 0), "reason"), "certificate-self-signed");
    json_decref(answer);
    e = one_try();
    answer = replay(&e, TRUST_REASON_DELIVERED, TRUST_LEVEL_DANE, &differs);
    assert_true(differs);
    assert_string_equal(text(answer, "result"), "differs");
    json_decref(answer);
}

static void test_broken_record_differs(void **state)
{
    (void)state;
    bool differs = false;
    json_t *answer = cli_replay_record(slice_of("\2\0\1", 3), TRUST_REASON_DELIVERED, TRUST_LEVEL_PKIX, &differs);
    assert_true(differs);
    json_decref(answer);
}

static void test_nothing_kept_and_too_little_kept(void **state)
{
    (void)state;
    struct trust_evidence e = one_try();
    bool differs = false;
    json_t *answer = cli_replay_record(SLICE_EMPTY, TRUST_REASON_TIMEOUT, 0, &differs);
    assert_string_equal(text(answer, "result"), "nothing kept");
    assert_true(json_is_null(json_object_get(answer, "facts")));
    json_decref(answer);
    e.tlsa = 77;
    answer = replay(&e, TRUST_REASON_DELIVERED, TRUST_LEVEL_PKIX, &differs);
    assert_string_equal(text(answer, "result"), "cannot be replayed");
    assert_false(differs);
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_and_gives_the_facts),
        cmocka_unit_test(test_differs),
        cmocka_unit_test(test_broken_record_differs),
        cmocka_unit_test(test_nothing_kept_and_too_little_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
