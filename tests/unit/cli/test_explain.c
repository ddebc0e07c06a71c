/* SPDX-License-Identifier: Apache-2.0 */
/* One domain from the resolver's answer to the report, without a network: what DNS alone decides, which domain an address
 * means, and hostile names and texts in a report. Probed hosts are the end-to-end tests' (tests/e2e/test_explain.py). */
#include "unit.h"

#include "base/mem.h"
#include "cli/explain_json.h"
#include "cli/explain_mend.h"
#include "cli/explain_text.h"

#define NOW INT64_C(1700000000000000)
#define EVIL "mx\x1b[2J\"><script>\n\xe2\x80\xae.example"

/* A domain with nothing demanded, looked at under strict. */
static void begin(struct explain *e, const char *domain, const char *address)
{
    struct err err = {{0}};
    assert_true(explain_init(e, domain, address, &err));
    e->profiles[TRUST_PROFILE_STRICT] = true;
    e->hold_us = INT64_C(4) * 3600 * 1000000;
}

static void put_host(struct buf *hosts, uint16_t preference, const char *name, uint8_t status, unsigned last_byte)
{
    struct msg_address address = {.family = 4, .bytes = {{127, 0, 0, (uint8_t)last_byte}}};
    struct msg_dossier_host host = {.preference = preference, .status = status, .name = slice_str(name)};
    struct buf addresses;
    buf_init(&addresses, 1024);
    if (last_byte > 0)
        layout_write(&msg_address_layout, &addresses, &address);
    host.addresses = buf_slice(&addresses);
    layout_write(&msg_dossier_host_layout, hosts, &host);
    buf_free(&addresses);
}

static void answer(struct explain *e, uint8_t status, const struct buf *hosts, const char *sts_detail)
{
    struct msg_dossier dossier = {.status = status, .sts_detail = slice_str(sts_detail)};
    struct buf payload;
    if (hosts != NULL)
        dossier.hosts = buf_slice(hosts);
    if (sts_detail != NULL)
        dossier.sts_look = TRUST_STS_RECORD_INVALID;
    buf_init(&payload, 65536);
    layout_write(&msg_dossier_layout, &payload, &dossier);
    assert_true(buf_ok(&payload));
    explain_take_dossier(e, buf_slice(&payload), false);
    explain_judge(e, TRUST_PROFILE_STRICT, NOW);
    buf_free(&payload);
}

static char *text_of(const struct explain *e)
{
    struct buf out;
    char *text;
    buf_init(&out, EXPLAIN_TEXT_MAX);
    explain_text(e, &out);
    assert_true(buf_ok(&out));
    text = mem_strndup(out.data, out.len);
    buf_free(&out);
    return text;
}

static void dns_alone_decides(void **state)
{
    static const struct {
        uint8_t status;
        const char *end;
        const char *reason;
        bool attack;
    } rows[] = {
        {MSG_DNS_NULL_MX, "returned", "null-mx", false},    {MSG_DNS_NXDOMAIN, "returned", "no-such-domain", false},
        {MSG_DNS_NODATA, "returned", "no-mail-server", false}, {MSG_DNS_SERVFAIL, "later", "dns-failed", false},
        {MSG_DNS_TIMEOUT, "later", "dns-failed", false},    {MSG_DNS_BOGUS, "later", "dns-bogus", true},
        {MSG_DNS_MALFORMED, "later", "dns-malformed", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct explain e;
        char *text;
        begin(&e, "a.example", NULL);
        answer(&e, rows[i].status, NULL, NULL);
        assert_string_equal(explain_end_name(explain_end(&e)), rows[i].end);
        assert_string_equal(trust_reason_name((uint16_t)explain_end(&e)->verdict.reason), rows[i].reason);
        assert_int_equal(explain_end(&e)->verdict.attack, rows[i].attack);
        text = text_of(&e);
        assert_non_null(strstr(text, trust_reason_clerk((uint16_t)explain_end(&e)->verdict.reason)));
        assert_non_null(strstr(text, trust_reason_anchor((uint16_t)explain_end(&e)->verdict.reason)));
        mem_free(text);
        explain_free(&e);
    }
}

static void no_answer_is_later(void **state)
{
    struct explain e;
    (void)state;
    begin(&e, "a.example", NULL);
    explain_take_silence(&e);
    explain_judge(&e, TRUST_PROFILE_STRICT, NOW);
    assert_string_equal(explain_end_name(explain_end(&e)), "later");
    explain_free(&e);
    begin(&e, "a.example", NULL);
    explain_take_dossier(&e, SLICE_LIT("rubbish"), false);
    explain_judge(&e, TRUST_PROFILE_STRICT, NOW);
    assert_string_equal(trust_reason_name((uint16_t)explain_end(&e)->verdict.reason), "dns-malformed");
    explain_free(&e);
}

static void private_and_missing_addresses(void **state)
{
    struct explain e;
    struct buf hosts;
    (void)state;
    buf_init(&hosts, 4096);
    put_host(&hosts, 10, "private.a.example", MSG_DNS_OK, 1);
    put_host(&hosts, 20, "gone.a.example", MSG_DNS_NXDOMAIN, 0);
    begin(&e, "a.example", NULL);
    answer(&e, MSG_DNS_OK, &hosts, NULL);
    assert_int_equal(e.count, 2);
    assert_string_equal(explain_end_name(explain_end(&e)), "posted");
    assert_string_equal(trust_reason_name((uint16_t)e.host[0].verdict[0].reason), "private-address");
    assert_string_equal(trust_reason_name((uint16_t)e.host[1].verdict[0].reason), "host-without-address");
    assert_ptr_equal(explain_end(&e)->host, &e.host[0]);
    explain_free(&e);
    buf_free(&hosts);
}

static void equal_preferences_stand_by_name(void **state)
{
    struct buf hosts;
    (void)state;
    buf_init(&hosts, 4096);
    put_host(&hosts, 10, "c.a.example", MSG_DNS_NXDOMAIN, 0);
    put_host(&hosts, 10, "b.a.example", MSG_DNS_NXDOMAIN, 0);
    put_host(&hosts, 5, "z.a.example", MSG_DNS_NXDOMAIN, 0);
    for (unsigned i = 0; i < 16; i++) {
        struct explain e;
        begin(&e, "a.example", NULL);
        answer(&e, MSG_DNS_OK, &hosts, NULL);
        assert_string_equal(e.host[0].name, "z.a.example");
        assert_string_equal(e.host[1].name, "b.a.example");
        assert_true(explain_end(&e)->verdict.dangling);
        explain_free(&e);
    }
    buf_free(&hosts);
}

static void an_address_means_its_domain(void **state)
{
    struct explain e;
    struct err err = {{0}};
    (void)state;
    begin(&e, "b\xc3\xbc" "cher.example", "\"a@b\"@B\xc3\xbc" "cher.example");
    assert_string_equal(e.domain.ascii, "xn--bcher-kva.example");
    explain_free(&e);
    begin(&e, "a@b.example", NULL);
    assert_true(e.has_address);
    assert_string_equal(e.domain.ascii, "b.example");
    explain_free(&e);
    assert_false(explain_init(&e, "a.example", "x@b.example", &err));
    explain_free(&e);
    assert_false(explain_init(&e, "-", NULL, &err));
    explain_free(&e);
    begin(&e, "[192.0.2.1]", NULL);
    explain_take_literal(&e, false);
    explain_judge(&e, TRUST_PROFILE_STRICT, NOW);
    assert_string_equal(trust_reason_name((uint16_t)explain_end(&e)->verdict.reason), "private-address");
    explain_free(&e);
}

/* Nothing that a stranger wrote reaches the report as it is. */
static void hostile_names_are_escaped(void **state)
{
    struct explain e;
    struct buf hosts;
    char *text;
    json_t *json;
    char *dump;
    (void)state;
    buf_init(&hosts, 4096);
    put_host(&hosts, 10, EVIL, MSG_DNS_NXDOMAIN, 0);
    begin(&e, "a.example", NULL);
    answer(&e, MSG_DNS_OK, &hosts, EVIL);
    text = text_of(&e);
    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_non_null(strstr(text, "mx\\x1b[2J"));
    json = explain_json(&e);
    dump = json_dumps(json, JSON_ENSURE_ASCII);
    assert_null(strchr(dump, '\x1b'));
    assert_non_null(strstr(dump, "\\u001B[2J"));
    json_decref(json);
    free(dump);
    mem_free(text);
    explain_free(&e);
    buf_free(&hosts);
}

static void mends_stand_once(void **state)
{
    struct explain e;
    struct explain_mends mends;
    struct buf hosts;
    (void)state;
    buf_init(&hosts, 4096);
    put_host(&hosts, 10, "b.a.example", MSG_DNS_NXDOMAIN, 0);
    put_host(&hosts, 20, "b.a.example", MSG_DNS_NXDOMAIN, 0);
    begin(&e, "a.example", NULL);
    answer(&e, MSG_DNS_OK, &hosts, "two records");
    explain_mends_of(&e, &mends);
    assert_int_equal(mends.count, 3);
    assert_string_equal(trust_reason_name(mends.item[1].reason), "sts-record-invalid");
    assert_slice(mends.item[1].detail, "two records");
    assert_string_equal(mends.item[2].host, "b.a.example");
    explain_free(&e);
    buf_free(&hosts);
}

/* So many connections and no more: what a courier would not reach is shown and does not count. */
static void the_walk_has_the_couriers_limits(void **state)
{
    struct explain e;
    struct trust_attempt attempt;
    struct buf hosts;
    size_t reached = 0;
    char name[64];
    (void)state;
    buf_init(&hosts, 65536);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "m%02u.a.example", i);
        put_host(&hosts, (uint16_t)i, name, MSG_DNS_OK, i + 1);
    }
    begin(&e, "a.example", NULL);
    struct msg_dossier dossier = {.status = MSG_DNS_OK, .hosts = buf_slice(&hosts)};
    struct buf payload;
    buf_init(&payload, 65536);
    layout_write(&msg_dossier_layout, &payload, &dossier);
    explain_take_dossier(&e, buf_slice(&payload), true);
    explain_judge(&e, TRUST_PROFILE_STRICT, NOW);
    assert_int_equal(e.count, COURIER_HOSTS_MAX);
    assert_int_equal(e.left_out, 20 - COURIER_HOSTS_MAX);
    for (size_t h = 0; h < e.count; h++) {
        reached += e.host[h].tries[0][0].reached ? 1 : 0;
        assert_true(e.host[h].tries[0][0].judged);
    }
    assert_int_equal(reached, COURIER_TRIES_MAX);
    explain_attempt(&e, TRUST_PROFILE_STRICT, &attempt);
    assert_int_equal(attempt.count, COURIER_TRIES_MAX);
    assert_string_equal(attempt.tries[0].facts.host, "m00.a.example");
    explain_attempt_free(&attempt);
    explain_free(&e);
    buf_free(&payload);
    buf_free(&hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dns_alone_decides),
        cmocka_unit_test(no_answer_is_later),
        cmocka_unit_test(private_and_missing_addresses),
        cmocka_unit_test(equal_preferences_stand_by_name),
        cmocka_unit_test(an_address_means_its_domain),
        cmocka_unit_test(hostile_names_are_escaped),
        cmocka_unit_test(mends_stand_once),
        cmocka_unit_test(the_walk_has_the_couriers_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
