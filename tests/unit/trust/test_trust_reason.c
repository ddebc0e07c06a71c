/* SPDX-License-Identifier: Apache-2.0 */
/* The table of reasons: numbers and names are one to one, every row has its words, every anchor stands in docs/reasons.md,
 * which is what the table makes it. Run with --print it writes that page. */
#include "unit.h"

#include "reasons_page.h"

#define PAGE_MAX 262144u

/* The numbers that records of the past hold: they must keep their meaning for ever. */
static void test_numbers_are_never_reused(void **state)
{
    (void)state;
    static const struct {
        uint16_t number;
        const char *name;
    } kept[] = {
        {0, "none"}, {1, "delivered"}, {2, "proved"}, {10, "dns-failed"}, {11, "dns-bogus"}, {12, "dns-malformed"},
        {13, "null-mx"}, {14, "no-such-domain"}, {15, "no-mail-server"}, {16, "dangling-mx"}, {17, "host-without-address"},
        {18, "tlsa-lookup-failed"}, {19, "tlsa-unusable"}, {20, "connection-refused"}, {21, "connection-timeout"},
        {22, "unreachable"}, {23, "private-address"}, {24, "connection-closed"}, {25, "unproved-4xx"}, {26, "unproved-5xx"},
        {27, "malformed-reply"}, {28, "injected-reply"}, {30, "no-starttls"}, {31, "tls-too-old"}, {32, "tls-weak-suite"},
        {33, "tls-failed"}, {40, "certificate-missing"}, {41, "certificate-expired"}, {42, "certificate-not-yet-valid"},
        {43, "certificate-self-signed"}, {44, "certificate-not-trusted"}, {45, "certificate-chain-invalid"},
        {46, "certificate-host-mismatch"}, {47, "certificate-weak-key"}, {48, "certificate-weak-signature"},
        {49, "certificate-wrong-usage"}, {50, "certificate-revoked"}, {51, "proof-below-minimum"}, {52, "proof-fell"},
        {53, "dane-mismatch"}, {54, "sts-host-mismatch"}, {55, "pin-mismatch"}, {56, "certificate-staple-missing"},
        {58, "no-requiretls"}, {60, "server-4xx"}, {61, "server-5xx"}, {62, "server-5xx-hello"}, {63, "no-smtputf8"},
        {64, "no-8bitmime"}, {65, "too-big"}, {66, "lost-before-end"}, {67, "lost-after-end"}, {68, "local-failure"},
        {70, "deadline"}, {71, "notice-refused"}, {72, "notice-expired"}, {73, "notice-held"}, {74, "notice-sent"},
        {75, "notice-limit"}, {76, "letter-expired"}, {77, "report-undeliverable"}, {80, "sts-dns-failed"},
        {81, "sts-record-invalid"}, {82, "sts-fetch-failed"}, {83, "sts-certificate-failed"}, {84, "sts-policy-invalid"},
        {85, "sts-policy-vanished"}, {86, "certificate-expiring"}, {87, "resolver-failing"},
    };
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        assert_string_equal(trust_reason_name(kept[i].number), kept[i].name);
}

static void test_names_lead_back_to_numbers(void **state)
{
    (void)state;
    uint16_t reason = 0, found = 0;
    size_t count = 0;
    for (; trust_reason_at(count, &reason); count++) {
        assert_true(trust_reason_find(trust_reason_name(reason), &found));
        assert_int_equal(found, reason);
    }
    assert_true(count >= 69);
    assert_false(trust_reason_find("unknown", &found));
    assert_string_equal(trust_reason_name(9999), "unknown");
    assert_string_equal(trust_reason_mend(9999), "");
    assert_string_equal(trust_reason_anchor(9999), "docs/reasons.md");
}

/* RFC 8460 section 4.3: no other word may stand in a report. */
static void test_result_types_are_those_of_the_rfc(void **state)
{
    (void)state;
    static const char *const types[] = {"", "starttls-not-supported", "certificate-host-mismatch", "certificate-expired",
        "certificate-not-trusted", "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required",
        "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"};
    uint16_t reason = 0;
    for (size_t i = 0; trust_reason_at(i, &reason); i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof(types) / sizeof(*types); k++)
            found = found || strcmp(types[k], trust_reason_rfc8460(reason)) == 0;
        assert_true(found);
    }
    assert_string_equal(trust_reason_rfc8460(TRUST_REASON_TLSA_FAILED), "dnssec-invalid");
    assert_string_equal(trust_reason_rfc8460(TRUST_REASON_TLSA_UNUSABLE), "tlsa-invalid");
    assert_string_equal(trust_reason_rfc8460(TRUST_REASON_STS_FETCH_FAILED), "sts-policy-fetch-error");
    assert_string_equal(trust_reason_rfc8460(TRUST_REASON_STS_CERT_FAILED), "sts-webpki-invalid");
}

/* Sentences: a capital or a number first, a full stop last; the clerk's one holds no jargon. */
static void test_words_are_sentences(void **state)
{
    (void)state;
    static const char *const jargon[] = {"DNSSEC", "TLSA", "EHLO", "STARTTLS", "SERVFAIL", "MX", "SAN", "OCSP", "RFC"};
    uint16_t reason = 0;
    for (size_t i = 0; trust_reason_at(i, &reason); i++) {
        const char *clerk = trust_reason_clerk(reason), *engineer = trust_reason_engineer(reason);
        assert_true(strlen(clerk) > 10 && clerk[strlen(clerk) - 1] == '.');
        assert_true(strlen(engineer) > 5 && engineer[strlen(engineer) - 1] == '.');
        for (size_t k = 0; k < sizeof(jargon) / sizeof(*jargon); k++)
            assert_null(strstr(clerk, jargon[k]));
    }
}

static void read_page(struct buf *out)
{
    char path[4096];
    const char *root = getenv("SEALPOST_SOURCE");
    assert_non_null(root);
    assert_true(snprintf(path, sizeof(path), "%s/docs/reasons.md", root) < (int)sizeof(path));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *at = buf_reserve(out, PAGE_MAX - 1);
    buf_added(out, fread(at, 1, PAGE_MAX - 1, file));
    (void)fclose(file);
}

static void test_page_is_what_the_table_makes_it(void **state)
{
    (void)state;
    struct buf page, made;
    uint16_t reason = 0;
    buf_init(&page, PAGE_MAX);
    buf_init(&made, PAGE_MAX);
    read_page(&page);
    reasons_page(&made);
    for (size_t i = 0; trust_reason_at(i, &reason); i++) {
        char heading[128];
        const char *anchor = strchr(trust_reason_anchor(reason), '#');
        assert_non_null(anchor);
        (void)snprintf(heading, sizeof(heading), "\n## %s\n", anchor + 1);
        assert_non_null(strstr(buf_cstr(&page), heading));
    }
    assert_string_equal(buf_cstr(&page), buf_cstr(&made));
    buf_free(&page);
    buf_free(&made);
}

static int print_page(void)
{
    struct buf made;
    buf_init(&made, PAGE_MAX);
    reasons_page(&made);
    (void)fwrite(made.data, 1, made.len, stdout);
    buf_free(&made);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_never_reused),
        cmocka_unit_test(test_names_lead_back_to_numbers),
        cmocka_unit_test(test_result_types_are_those_of_the_rfc),
        cmocka_unit_test(test_words_are_sentences),
        cmocka_unit_test(test_page_is_what_the_table_makes_it),
    };
    if (argc > 1 && strcmp(argv[1], "--print") == 0)
        return print_page();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
