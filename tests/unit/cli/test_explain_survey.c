/* SPDX-License-Identifier: Apache-2.0 */
/* A survey's sums and outputs: what is counted, and that a stranger's words are neither a formula, nor markup, nor a control
 * sequence in any of them. */
#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cli/explain_survey.h"

#define EVIL "<script>alert(1)</script>\x1b]0;x\a\"&'\n=1+1"

/* 3 delivered (2 dane, 1 pkix), 2 posted for one reason, 1 later, 1 returned, 1 never looked at. */
static void fill(struct explain_survey *survey)
{
    static const struct explain_row rows[] = {
        {.end = EXPLAIN_DELIVERED, .level = TRUST_LEVEL_DANE, .reason = TRUST_REASON_PROVED, .dnssec = true},
        {.end = EXPLAIN_POSTED, .reason = TRUST_REASON_CERT_EXPIRED},
        {.end = EXPLAIN_DELIVERED, .level = TRUST_LEVEL_PKIX, .reason = TRUST_REASON_PROVED},
        {.end = EXPLAIN_LATER, .reason = TRUST_REASON_DNS_BOGUS, .attack = true, .mx = TRUST_DNS_BOGUS},
        {.end = EXPLAIN_POSTED, .reason = TRUST_REASON_CERT_EXPIRED, .sts = TRUST_STS_ENFORCE},
        {.end = EXPLAIN_DELIVERED, .level = TRUST_LEVEL_DANE, .reason = TRUST_REASON_PROVED},
        {.end = EXPLAIN_RETURNED, .reason = TRUST_REASON_NULL_MX},
    };
    size_t count = sizeof(rows) / sizeof(*rows);
    explain_survey_init(survey, count + 1);
    for (size_t i = 0; i < count; i++) {
        survey->row[i] = rows[i];
        survey->row[i].domain = mem_strdup(i == 1 ? "evil.example" : "a.example");
        survey->row[i].host = i == 1 ? mem_strdup(EVIL) : NULL;
        survey->row[i].detail = mem_strdup(i == 1 ? "=cmd|'/c calc'!A1 " EVIL : i == 4 ? "@SUM(1)" : "");
        survey->done++;
    }
    explain_survey_unread(survey, 7, "not a domain " EVIL);
}

static void counts(void **state)
{
    struct explain_survey survey;
    struct explain_summary sum;
    (void)state;
    fill(&survey);
    explain_survey_sum(&survey, &sum);
    assert_int_equal(sum.end[EXPLAIN_DELIVERED], 3);
    assert_int_equal(sum.end[EXPLAIN_POSTED], 2);
    assert_int_equal(sum.end[EXPLAIN_LATER], 1);
    assert_int_equal(sum.end[EXPLAIN_RETURNED], 1);
    assert_int_equal(sum.level[TRUST_LEVEL_DANE], 2);
    assert_int_equal(sum.attack, 1);
    assert_int_equal(sum.reasons, 3);
    assert_int_equal(sum.reason[0].reason, TRUST_REASON_CERT_EXPIRED);
    assert_int_equal(sum.reason[0].count, 2);
    explain_survey_free(&survey);
}

static void text_has_the_sums(void **state)
{
    struct explain_survey survey;
    struct buf out;
    (void)state;
    fill(&survey);
    buf_init(&out, 65536);
    explain_survey_text(&survey, &out);
    buf_append_byte(&out, 0);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "domains looked at: 7"));
    assert_non_null(strstr(text, "       3  would be delivered\n"));
    assert_non_null(strstr(text, "2  certificate-expired: "));
    assert_non_null(strstr(text, "lines that could not be read: 1\n"));
    assert_non_null(strstr(text, "1 of them with a sign of attack"));
    buf_free(&out);
    explain_survey_free(&survey);
}

/* Reads CSV strictly; calls nothing, only checks each field's first byte, and counts. */
static void check_csv(struct slice csv, size_t *ret_rows, size_t *ret_fields)
{
    size_t at = 0;
    *ret_rows = *ret_fields = 0;
    while (at < csv.len) {
        assert_int_equal(csv.data[at++], '"');
        assert_null(memchr("=+-@\t\r", csv.data[at], 6));
        while (csv.data[at] != '"' || csv.data[at + 1] == '"') {
            assert_true(csv.data[at] >= 0x20 && csv.data[at] < 0x7f);
            at += csv.data[at] == '"' ? 2 : 1;
        }
        at++;
        ++*ret_fields;
        if (csv.data[at] == ',') {
            at++;
        } else {
            assert_memory_equal(csv.data + at, "\r\n", 2);
            at += 2;
            ++*ret_rows;
        }
    }
}

static void csv_has_no_formula(void **state)
{
    struct explain_survey survey;
    struct buf out;
    size_t rows;
    size_t fields;
    (void)state;
    fill(&survey);
    buf_init(&out, 65536);
    explain_survey_csv(&survey, &out);
    assert_true(buf_ok(&out));
    check_csv(buf_slice(&out), &rows, &fields);
    assert_int_equal(rows, 8);
    assert_int_equal(fields, 8 * 13);
    buf_append_byte(&out, 0);
    assert_non_null(strstr((const char *)out.data, "\"'=cmd|"));
    assert_non_null(strstr((const char *)out.data, "\"'@SUM(1)\""));
    buf_free(&out);
    explain_survey_free(&survey);
}

static void html_has_no_markup_of_strangers(void **state)
{
    struct explain_survey survey;
    struct buf out;
    (void)state;
    fill(&survey);
    buf_init(&out, 262144);
    explain_survey_html(&survey, &out);
    assert_true(buf_ok(&out));
    buf_append_byte(&out, 0);
    const char *text = (const char *)out.data;
    assert_null(strstr(text, "<script"));
    assert_non_null(strstr(text, "&lt;script&gt;"));
    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, "://www.w3.org/2000/svg\" src"));
    assert_null(strstr(text, "href="));
    assert_null(strstr(text, "src="));
    assert_null(strstr(text, "url("));
    assert_non_null(strstr(text, "default-src 'none'"));
    assert_non_null(strstr(text, "<svg role=\"img\""));
    assert_non_null(strstr(text, "certificate-expired"));
    buf_free(&out);
    explain_survey_free(&survey);
}

static void json_has_every_row(void **state)
{
    struct explain_survey survey;
    (void)state;
    fill(&survey);
    json_t *json = explain_survey_json(&survey);
    assert_int_equal(json_array_size(json_object_get(json, "domains")), 7);
    assert_int_equal(json_array_size(json_object_get(json, "unreadable")), 1);
    const json_t *summary = json_object_get(json, "summary");
    assert_int_equal(json_integer_value(json_object_get(summary, "delivered")), 3);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(summary, "reasons"), "certificate-expired")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(summary, "levels"), "dane")), 2);
    json_decref(json);
    explain_survey_free(&survey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(text_has_the_sums),
        cmocka_unit_test(csv_has_no_formula),
        cmocka_unit_test(html_has_no_markup_of_strangers),
        cmocka_unit_test(json_has_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
