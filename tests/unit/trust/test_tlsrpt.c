/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS: who asks for them, what is counted, what is written, and what strangers may send us. */
#include "unit.h"

#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "trust/tlsrpt_reader.h"
#include "trust/tlsrpt_record.h"
#include "trust/tlsrpt_report.h"

/* ---- record ---- */

static bool read_one(const char *text, struct tlsrpt_record *ret)
{
    struct slice record = slice_str(text);
    return tlsrpt_record_read(&record, 1, ret);
}

static void test_record_names_addresses(void **state)
{
    (void)state;
    struct tlsrpt_record r;
    assert_true(read_one("v=TLSRPTv1; rua=mailto:reports@example.com", &r));
    assert_int_equal(r.count, 1);
    assert_int_equal(r.rua[0].way, TLSRPT_MAILTO);
    assert_string_equal(r.rua[0].text, "reports@example.com");
    assert_true(read_one("v=TLSRPTv1 ;rua=https://reporting.example.com/v1/tlsrpt , mailto:a%2Cb@example.com?subject=x;", &r));
    assert_int_equal(r.count, 2);
    assert_int_equal(r.rua[0].way, TLSRPT_HTTPS);
    assert_string_equal(r.rua[0].text, "https://reporting.example.com/v1/tlsrpt");
    assert_string_equal(r.rua[1].text, "a,b@example.com");
    assert_true(read_one("v=TLSRPTv1; new=thing; rua=ftp://x/,mailto:a@b.example", &r)); /* other kinds are passed over */
    assert_int_equal(r.count, 1);
}

static void test_record_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "v=TLSRPTv1", "v=TLSRPTv1;", "v=TLSRPTv2; rua=mailto:a@b.example", "v=tlsrptv1; rua=mailto:a@b.example",
        " v=TLSRPTv1; rua=mailto:a@b.example", "v=TLSRPTv1 rua=mailto:a@b.example", "v=TLSRPTv1; rua=http://x.example/",
        "v=TLSRPTv1; rua=mailto:", "v=TLSRPTv1; rua=mailto:a%0d%0aRCPT@b.example", "v=TLSRPTv1; rua=mailto:a%2@b", "v=TLSRPTv1; rua=https://",
        "v=TLSRPTv1; rua=mailto:a%zz@b.example", "v=TLSRPTv1; rua=mailto:a b@c.example",
    };
    struct tlsrpt_record r;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (read_one(bad[i], &r))
            fail_msg("taken: '%s'", bad[i]);
    }
    const struct slice two[] = {slice_str("v=TLSRPTv1; rua=mailto:a@b.example"), slice_str("v=TLSRPTv1; rua=mailto:c@b.example")};
    assert_false(tlsrpt_record_read(two, 2, &r));
    const struct slice other[] = {slice_str("v=spf1 -all"), two[0]};
    assert_true(tlsrpt_record_read(other, 2, &r));
}

static void test_record_limits(void **state)
{
    (void)state;
    struct tlsrpt_record r;
    struct buf text;
    buf_init(&text, 65536);
    buf_append_str(&text, "v=TLSRPTv1; rua=mailto:a@b.example");
    for (int i = 0; i < 9; i++)
        buf_append_str(&text, ",mailto:a@b.example");
    assert_true(read_one(buf_cstr(&text), &r));
    assert_int_equal(r.count, TLSRPT_RUA_MAX);
    buf_reset(&text);
    buf_append_str(&text, "v=TLSRPTv1; rua=mailto:");
    for (size_t i = 0; i < TLSRPT_URI_MAX + 1; i++)
        buf_append_byte(&text, 'a');
    assert_false(read_one(buf_cstr(&text), &r));
    for (size_t i = 0; i < TLSRPT_RECORD_MAX; i++)
        buf_append_byte(&text, ' ');
    buf_append_str(&text, ",mailto:a@b.example");
    assert_false(read_one(buf_cstr(&text), &r));
    buf_free(&text);
}

/* ---- tally ---- */

static struct tlsrpt_row row_of(enum tlsrpt_policy policy, uint16_t reason, const char *mx, uint64_t count)
{
    return (struct tlsrpt_row){.policy = (uint8_t)policy, .reason = reason, .mx = slice_str(mx), .count = count,
                               .strings = slice_str(policy == TLSRPT_STS ? "version: STSv1\nmode: enforce" : NULL),
                               .hosts = slice_str(policy == TLSRPT_STS ? "*.example.com\nmx.example.com" : NULL)};
}

static void test_tally_adds_and_survives_writing(void **state)
{
    (void)state;
    struct tlsrpt_tally *tally = tlsrpt_tally_create(), *again = tlsrpt_tally_create();
    struct tlsrpt_row good = row_of(TLSRPT_STS, TRUST_REASON_PROVED, "", 1);
    struct tlsrpt_row bad = row_of(TLSRPT_STS, TRUST_REASON_CERT_EXPIRED, "mx.example.com", 2);
    struct buf record;
    buf_init(&record, TLSRPT_TALLY_MAX);
    for (int i = 0; i < 3; i++)
        tlsrpt_tally_add(tally, &good);
    tlsrpt_tally_add(tally, &bad);
    tlsrpt_tally_write(tally, &record);
    assert_true(tlsrpt_tally_read(again, buf_slice(&record)));
    assert_true(tlsrpt_tally_read(again, buf_slice(&record)));
    assert_int_equal(tlsrpt_tally_rows(again), 2);
    assert_int_equal(tlsrpt_tally_row(again, 0).count, 6);
    assert_int_equal(tlsrpt_tally_row(again, 1).count, 4);
    assert_slice(tlsrpt_tally_row(again, 1).mx, "mx.example.com");
    assert_slice(tlsrpt_tally_row(again, 1).hosts, "*.example.com\nmx.example.com");
    assert_false(tlsrpt_tally_read(again, slice_sub(buf_slice(&record), 0, record.len - 1)));
    record.data[0] = 9;
    assert_false(tlsrpt_tally_read(again, buf_slice(&record)));
    buf_free(&record);
    tlsrpt_tally_free(&tally);
    tlsrpt_tally_free(&again);
}

static void test_full_tally_still_counts(void **state)
{
    (void)state;
    struct tlsrpt_tally *tally = tlsrpt_tally_create();
    uint64_t sum = 0;
    for (unsigned i = 0; i < 3 * TLSRPT_ROWS_MAX; i++) {
        char mx[32];
        (void)snprintf(mx, sizeof(mx), "mx%u.example.com", i);
        struct tlsrpt_row row = row_of((enum tlsrpt_policy)(i % 3), i % 2 ? TRUST_REASON_PROVED : TRUST_REASON_CERT_NAME, mx, 1);
        tlsrpt_tally_add(tally, &row);
    }
    assert_in_range(tlsrpt_tally_rows(tally), TLSRPT_ROWS_MAX - 6, TLSRPT_ROWS_MAX);
    for (size_t i = 0; i < tlsrpt_tally_rows(tally); i++)
        sum += tlsrpt_tally_row(tally, i).count;
    assert_int_equal(sum, 3 * TLSRPT_ROWS_MAX);
    tlsrpt_tally_free(&tally);
}

/* ---- sessions ---- */

static struct trust_session proved_session(void)
{
    static char host[] = "mx.example.com", address[] = "192.0.2.25";
    struct trust_session s = {.host = host, .address = address, .port = 25, .connect = TRUST_CONNECT_OK, .starttls = true,
                              .ready = true, .dns_secure = true, .sts_match = true};
    s.tls = (struct trust_tls){.established = true, .protocol = 0x0304, .aead = true, .ephemeral = true, .bits = 256,
                               .cipher = TRUST_CIPHER_AES_GCM, .group = "x25519"};
    s.cert = (struct trust_cert){.checked = true, .from_us = 0, .until_us = INT64_MAX};
    return s;
}

static void count_one(struct tlsrpt_tally *tally, const struct trust_domain *domain, const struct trust_session *session)
{
    static const struct tlsrpt_policies policies = {.sts = SLICE_LIT("version: STSv1"), .tlsa = SLICE_LIT("3 1 1 00")};
    tlsrpt_tally_session(tally, domain, session, 1000, &policies);
}

static void expect_row(const struct tlsrpt_tally *tally, size_t i, enum tlsrpt_policy policy, uint16_t reason)
{
    assert_true(tlsrpt_tally_rows(tally) > i);
    assert_int_equal(tlsrpt_tally_row(tally, i).policy, policy);
    assert_int_equal(tlsrpt_tally_row(tally, i).reason, reason);
}

static void test_each_policy_has_its_own_result(void **state)
{
    (void)state;
    const struct trust_domain domain = {.secure = true, .hosts = 1, .minimum = TRUST_LEVEL_DANE, .shown = TRUST_LEVEL_DANE,
                                        .sts = TRUST_STS_TESTING, .sts_look = TRUST_STS_FOUND};
    struct trust_session s = proved_session();
    struct tlsrpt_tally *tally = tlsrpt_tally_create();
    s.dane = (struct trust_dane){.tlsa = TRUST_TLSA_USABLE, .usable = 1, .checked = true, .matched = true,
                                 .from_us = INT64_MIN, .until_us = INT64_MAX};
    s.sts_match = false; /* only DANE is in order; mode testing is counted as if it were enforced */
    count_one(tally, &domain, &s);
    assert_int_equal(tlsrpt_tally_rows(tally), 2);
    expect_row(tally, 0, TLSRPT_TLSA, TRUST_REASON_PROVED);
    expect_row(tally, 1, TLSRPT_STS, TRUST_REASON_STS_HOST);
    assert_slice(tlsrpt_tally_row(tally, 1).mx, "mx.example.com");
    struct trust_domain unsigned_domain = domain; /* TLSA below an insecure MX answer does not count for a verdict either */
    unsigned_domain.secure = false;
    count_one(tally, &unsigned_domain, &s);
    assert_int_equal(tlsrpt_tally_row(tally, 0).count, 1);
    assert_int_equal(tlsrpt_tally_row(tally, 1).count, 2);
    tlsrpt_tally_free(&tally);
}

static void test_no_policy_and_no_session(void **state)
{
    (void)state;
    struct trust_domain domain = {.hosts = 1};
    struct trust_session s = proved_session();
    struct tlsrpt_tally *tally = tlsrpt_tally_create();
    count_one(tally, &domain, &s);
    expect_row(tally, 0, TLSRPT_NO_POLICY, TRUST_REASON_PROVED);
    s.tls.established = s.starttls = s.ready = false;
    count_one(tally, &domain, &s);
    expect_row(tally, 1, TLSRPT_NO_POLICY, TRUST_REASON_NO_STARTTLS);
    s.connect = TRUST_CONNECT_REFUSED;
    count_one(tally, &domain, &s);
    assert_int_equal(tlsrpt_tally_rows(tally), 2); /* a host that was not reached is no session */
    s = proved_session();
    domain.sts_look = TRUST_STS_FETCH_FAILED;
    count_one(tally, &domain, &s);
    expect_row(tally, 2, TLSRPT_STS, TRUST_REASON_STS_FETCH_FAILED);
    tlsrpt_tally_free(&tally);
}

/* ---- report ---- */

static const struct tlsrpt_about ABOUT = {.organization = SLICE_LIT("Lab Clinic"), .contact = SLICE_LIT("tls@clinic.test"),
    .submitter = SLICE_LIT("clinic.test"), .domain = SLICE_LIT("example.com"), .day = 16892, .unique = SLICE_LIT("r-1")};

static void write_report(struct buf *json)
{
    struct tlsrpt_tally *tally = tlsrpt_tally_create();
    struct tlsrpt_row rows[] = {row_of(TLSRPT_STS, TRUST_REASON_PROVED, "", 5326), row_of(TLSRPT_STS, TRUST_REASON_CERT_EXPIRED, "mx.example.com", 100),
                                row_of(TLSRPT_NO_POLICY, TRUST_REASON_NO_STARTTLS, "mx2.example.com", 3)};
    for (size_t i = 0; i < 3; i++)
        tlsrpt_tally_add(tally, &rows[i]);
    tlsrpt_report_json(&ABOUT, tally, json);
    tlsrpt_tally_free(&tally);
}

static void test_report_says_what_was_counted(void **state)
{
    (void)state;
    struct buf json, packed, back;
    struct err err = {{0}};
    buf_init(&json, TLSRPT_REPORT_MAX);
    buf_init(&packed, TLSRPT_REPORT_MAX);
    buf_init(&back, TLSRPT_PLAIN_MAX);
    write_report(&json);
    assert_true(tlsrpt_report_gzip(buf_slice(&json), &packed));
    assert_true(tlsrpt_reader_unpack(buf_slice(&packed), &back, &err));
    json_t *report = tlsrpt_reader_json(buf_slice(&back), &err);
    assert_non_null(report);
    const char *start = NULL, *type = NULL, *result = NULL, *host = NULL;
    json_int_t good = 0, bad = 0, failed = 0;
    assert_int_equal(json_unpack(report, "{s:{s:s},s:[{s:{s:s,s:[s]},s:{s:I,s:I},s:[{s:s,s:I}]},{}]}", "date-range", "start-datetime", &start,
        "policies", "policy", "policy-type", &type, "mx-host", &host, "summary", "total-successful-session-count", &good,
        "total-failure-session-count", &bad, "failure-details", "result-type", &result, "failed-session-count", &failed), 0);
    assert_string_equal(start, "2016-04-01T00:00:00.000Z");
    assert_string_equal(type, "sts");
    assert_string_equal(host, "*.example.com");
    assert_string_equal(result, "certificate-expired");
    assert_int_equal(good, 5326);
    assert_int_equal(bad, 100);
    assert_int_equal(failed, 100);
    json_decref(report);
    buf_free(&json);
    buf_free(&packed);
    buf_free(&back);
}

static void test_mail_has_the_fields_of_the_rfc(void **state)
{
    (void)state;
    struct buf mail;
    buf_init(&mail, 65536);
    tlsrpt_report_mail(&ABOUT, slice_str("reports@example.com"), slice_str("packed"), INT64_C(1459468800000000), &mail);
    const char *text = buf_cstr(&mail);
    static const char *const parts[] = {
        "\r\nTLS-Report-Domain: example.com\r\n", "\r\nTLS-Report-Submitter: clinic.test\r\n",
        "\r\nSubject: Report Domain: example.com Submitter: clinic.test Report-ID: <r-1@clinic.test>\r\n",
        "multipart/report; report-type=\"tlsrpt\"", "application/tlsrpt+gzip", "filename=\"clinic.test!example.com!1459468800!1459555199!r-1.json.gz\"",
        "\r\n\r\ncGFja2Vk\r\n--sealpost-tlsrpt--\r\n", "From: <tls@clinic.test>\r\nTo: <reports@example.com>\r\n",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (strstr(text, parts[i]) == NULL)
            fail_msg("missing '%s' in:\n%s", parts[i], text);
    }
    buf_free(&mail);
}

/* ---- reading ---- */

#define HEAD "{\"date-range\":{\"start-datetime\":\"a\",\"end-datetime\":\"b\"},\"report-id\":\"i\",\"policies\":"
#define POLICY "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"d\"%s},\"summary\":{\"total-successful-session-count\":%s,\"total-failure-session-count\":1}%s}"

static char *read_error(const char *text)
{
    struct err err = {{0}};
    json_t *report = tlsrpt_reader_json(slice_str(text), &err);
    json_decref(report);
    return mem_strdup(report != NULL ? "" : err.text);
}

static void expect_error(const char *text, const char *what)
{
    char *error = read_error(text);
    if (strstr(error, what) == NULL || (what[0] == '\0' && error[0] != '\0'))
        fail_msg("'%s' for %.200s", error, text);
    mem_free(error);
}

static void test_reader_names_what_is_wrong(void **state)
{
    (void)state;
    char text[2048];
    expect_error("", "not JSON");
    expect_error("[1]", "not a JSON object");
    expect_error("{\"a\":1,\"a\":2}", "duplicate");
    expect_error(HEAD "[]}", "");
    expect_error(HEAD "{}}", "policies is not a list");
    expect_error(HEAD "[{}]}", "policies[0].policy is missing");
    (void)snprintf(text, sizeof(text), HEAD "[" POLICY "]}", "", "7", "");
    expect_error(text, "");
    (void)snprintf(text, sizeof(text), HEAD "[" POLICY "]}", ",\"mx-host\":\"*.one\"", "7", ",\"unknown\":[[[]]]");
    expect_error(text, "");
    (void)snprintf(text, sizeof(text), HEAD "[" POLICY "]}", ",\"mx-host\":[7]", "7", "");
    expect_error(text, "policies[0].policy.mx-host[0]");
    (void)snprintf(text, sizeof(text), HEAD "[" POLICY "]}", "", "-7", "");
    expect_error(text, "policies[0].summary.total-successful-session-count is not a count");
    (void)snprintf(text, sizeof(text), HEAD "[" POLICY "]}", "", "7.5", "");
    expect_error(text, "is not a count");
    (void)snprintf(text, sizeof(text), HEAD "[" POLICY "]}", "", "7", ",\"failure-details\":[{\"failed-session-count\":1}]");
    expect_error(text, "policies[0].failure-details[0]: result-type is missing");
    expect_error("{\"policies\":[[[[[[[[[[1]]]]]]]]]]}", "nested deeper");
    expect_error("{\"report-id\":\"[[[[[[[[[[[\\\"[[[\",\"date-range\":1,\"policies\":[]}", "date-range.start-datetime is missing");
}

static void gzip_zeros(size_t size, struct buf *out)
{
    static uint8_t zeros[65536];
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = buf_reserve(out, 200000);
    z.avail_out = 200000;
    for (size_t done = 0; done < size; done += sizeof(zeros)) {
        z.next_in = zeros;
        z.avail_in = sizeof(zeros);
        assert_int_equal(deflate(&z, done + sizeof(zeros) >= size ? Z_FINISH : Z_NO_FLUSH), done + sizeof(zeros) >= size ? Z_STREAM_END : Z_OK);
    }
    buf_added(out, z.total_out);
    (void)deflateEnd(&z);
}

static void test_bombs_and_stumps_are_refused(void **state)
{
    (void)state;
    struct buf bomb, out;
    struct err err = {{0}};
    buf_init(&bomb, 1u << 20);
    buf_init(&out, TLSRPT_PLAIN_MAX);
    gzip_zeros(64u << 20, &bomb);
    assert_false(tlsrpt_reader_unpack(buf_slice(&bomb), &out, &err));
    assert_non_null(strstr(err.text, "bomb"));
    buf_reset(&out);
    buf_reset(&bomb);
    gzip_zeros(65536, &bomb);
    for (size_t cut = 2; cut < bomb.len; cut++) {
        buf_reset(&out);
        assert_false(tlsrpt_reader_unpack(slice_sub(buf_slice(&bomb), 0, cut), &out, &err));
    }
    buf_reset(&out);
    bomb.data[bomb.len - 6] ^= 1; /* the checksum */
    assert_false(tlsrpt_reader_unpack(buf_slice(&bomb), &out, &err));
    buf_free(&bomb);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_names_addresses),     cmocka_unit_test(test_record_refuses),
        cmocka_unit_test(test_record_limits),              cmocka_unit_test(test_tally_adds_and_survives_writing),
        cmocka_unit_test(test_full_tally_still_counts),    cmocka_unit_test(test_each_policy_has_its_own_result),
        cmocka_unit_test(test_no_policy_and_no_session),   cmocka_unit_test(test_report_says_what_was_counted),
        cmocka_unit_test(test_mail_has_the_fields_of_the_rfc), cmocka_unit_test(test_reader_names_what_is_wrong),
        cmocka_unit_test(test_bombs_and_stumps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
