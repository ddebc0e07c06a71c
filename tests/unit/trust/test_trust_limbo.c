/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate layer against the x509-limbo vectors (../shared/vectors or SEALPOST_VECTORS), beside OpenSSL's bare
 * result. Every vector that ends here otherwise than it asks stands with its reason in docs/certificates.md, and every one
 * that stands there still does: the page cannot grow old. LIMBO_TABLE names a file for the whole comparison. */
#include "unit.h"

#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "trust/trust_cert.h"

#define VECTORS_IN 173 /* SERVER, a DNS name, no CRL */
#define VECTORS_OUT 34

#define PAGE_LINES_MAX 400
#define ID_MAX 100

/* Vectors on the page, and whether they were seen. */
struct page {
    size_t count;
    struct {
        char id[ID_MAX];
        bool accepted; /* under "Accepted though": else under "Refused though" */
        bool seen;
    } rows[PAGE_LINES_MAX];
};

struct outcome {
    bool good; /* what the vector asks for */
    bool bare;
    bool as_tls; /* OpenSSL, asked for a server's certificate */
    bool ours;
    char bare_detail[160];
    char detail[160];
};

static X509 *cert_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return x;
}

/* To the microsecond: vectors ask for half seconds. */
static int64_t when(const json_t *value)
{
    struct tm tm = {0};
    double rest = 0;
    if (!json_is_string(value))
        return clock_utc_us();
    const char *end = strptime(json_string_value(value), "%Y-%m-%dT%H:%M:%S", &tm);
    assert_non_null(end);
    if (*end == '.')
        rest = strtod(end, NULL);
    return (int64_t)timegm(&tm) * CLOCK_US_PER_S + (int64_t)(rest * (double)CLOCK_US_PER_S);
}

static void push_all(STACK_OF(X509) *chain, const json_t *pems)
{
    for (size_t i = 0; i < json_array_size(pems); i++) {
        X509 *x = cert_of(json_string_value(json_array_get(pems, i)));
        if (x != NULL)
            sk_X509_push(chain, x);
    }
}

static X509_STORE *store_of(const json_t *pems)
{
    X509_STORE *store = X509_STORE_new();
    for (size_t i = 0; i < json_array_size(pems); i++) {
        X509 *x = cert_of(json_string_value(json_array_get(pems, i)));
        if (x != NULL)
            X509_STORE_add_cert(store, x);
        X509_free(x);
    }
    return store;
}

/* OpenSSL as it comes: the host name, the time, and for a TLS client the purpose; nothing else. */
static bool ask_openssl(const struct trust_cert_ask *ask, bool tls, char *detail, size_t size)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_CTX_init(ctx, ask->store, sk_X509_value(ask->chain, 0), ask->chain), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set1_host(param, ask->host, 0);
    X509_VERIFY_PARAM_set_time(param, (time_t)(ask->now_us / CLOCK_US_PER_S));
    if (tls)
        X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    bool good = X509_verify_cert(ctx) == 1;
    if (!good && detail != NULL)
        snprintf(detail, size, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    return good;
}

static void ask_ours(const struct trust_cert_ask *ask, struct outcome *outcome)
{
    struct trust_cert cert;
    trust_cert_check(ask, &cert);
    outcome->ours = cert.fault == TRUST_CERT_FINE;
    if (!outcome->ours)
        snprintf(outcome->detail, sizeof(outcome->detail), "%s: %s", trust_cert_fault_name(cert.fault), cert.detail);
    trust_cert_free(&cert);
}

/* A leaf that cannot be read at all never gets as far as either. */
static struct outcome judge(const json_t *test)
{
    struct outcome outcome = {.good = strcmp(json_string_value(json_object_get(test, "expected_result")), "SUCCESS") == 0};
    X509 *leaf = cert_of(json_string_value(json_object_get(test, "peer_certificate")));
    if (leaf == NULL) {
        snprintf(outcome.bare_detail, sizeof(outcome.bare_detail), "unreadable");
        snprintf(outcome.detail, sizeof(outcome.detail), "unreadable");
        return outcome;
    }
    struct trust_cert_ask ask = {
        .store = store_of(json_object_get(test, "trusted_certs")),
        .chain = sk_X509_new_null(),
        .host = json_string_value(json_object_get(json_object_get(test, "expected_peer_name"), "value")),
        .now_us = when(json_object_get(test, "validation_time")),
    };
    sk_X509_push(ask.chain, leaf);
    push_all(ask.chain, json_object_get(test, "untrusted_intermediates"));
    outcome.bare = ask_openssl(&ask, false, outcome.bare_detail, sizeof(outcome.bare_detail));
    outcome.as_tls = ask_openssl(&ask, true, NULL, 0);
    ask_ours(&ask, &outcome);
    sk_X509_pop_free(ask.chain, X509_free);
    X509_STORE_free(ask.store);
    return outcome;
}

static const char *source_dir(void)
{
    const char *source = getenv("SEALPOST_SOURCE");
    return source == NULL ? "." : source;
}

static json_t *load(void)
{
    char path[4096];
    const char *dir = getenv("SEALPOST_VECTORS");
    if (dir != NULL)
        snprintf(path, sizeof(path), "%s/x509-limbo-207.json", dir);
    else
        snprintf(path, sizeof(path), "%s/../shared/vectors/x509-limbo-207.json", source_dir());
    return json_load_file(path, 0, NULL);
}

static bool has_feature(const json_t *test, const char *feature)
{
    const json_t *features = json_object_get(test, "features");
    for (size_t i = 0; i < json_array_size(features); i++) {
        if (strcmp(json_string_value(json_array_get(features, i)), feature) == 0)
            return true;
    }
    return false;
}

/* Why a vector asks for what this layer does not do; NULL when it does. */
static const char *outside(const json_t *test)
{
    const char *kind = json_string_value(json_object_get(json_object_get(test, "expected_peer_name"), "kind"));
    if (strcmp(json_string_value(json_object_get(test, "validation_kind")), "SERVER") != 0)
        return "the certificate of a client";
    if (kind == NULL)
        return "no name to check";
    if (strcmp(kind, "DNS") != 0)
        return "an IP address for a name";
    return has_feature(test, "has-crl") ? "revocation lists" : NULL;
}

/* Lines "| `id` | reason |" below the two headings. */
static void read_page(struct page *page)
{
    char path[4096], line[2000];
    bool accepted = false, refused = false;
    snprintf(path, sizeof(path), "%s/docs/certificates.md", source_dir());
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#') {
            accepted = strstr(line, "Accepted though") != NULL;
            refused = strstr(line, "Refused though") != NULL;
        }
        char *end = strncmp(line, "| `", 3) == 0 && (accepted || refused) ? strchr(line + 3, '`') : NULL;
        if (end == NULL)
            continue;
        assert_true(page->count < PAGE_LINES_MAX && end - line - 3 < ID_MAX);
        memcpy(page->rows[page->count].id, line + 3, (size_t)(end - line - 3));
        page->rows[page->count++].accepted = accepted;
        assert_true(strlen(end) > 10); /* a reason */
    }
    fclose(file);
}

static bool on_page(struct page *page, const char *id, bool accepted)
{
    for (size_t i = 0; i < page->count; i++) {
        if (page->rows[i].accepted == accepted && strcmp(page->rows[i].id, id) == 0)
            return page->rows[i].seen = true;
    }
    return false;
}

static const char *word(bool accepts)
{
    return accepts ? "accepts" : "refuses";
}

struct tally {
    size_t in, out, wrong, false_accepts, false_rejects, bare_accepts, bare_rejects, only_here, tls_accepts, only_here_tls;
};

static void count(const struct outcome *o, struct tally *tally)
{
    tally->in++;
    tally->false_accepts += o->ours && !o->good;
    tally->false_rejects += !o->ours && o->good;
    tally->bare_accepts += o->bare && !o->good;
    tally->bare_rejects += !o->bare && o->good;
    tally->only_here += !o->ours && o->good && o->bare;
    tally->tls_accepts += o->as_tls && !o->good;
    tally->only_here_tls += !o->ours && o->good && o->as_tls;
}

static void compare(const json_t *test, struct page *page, FILE *table, struct tally *tally)
{
    const char *id = json_string_value(json_object_get(test, "id"));
    struct outcome o = judge(test);
    const char *mark = o.ours == o.good ? "" : o.ours ? "FALSE ACCEPT" : "FALSE REJECT";
    count(&o, tally);
    if (table != NULL)
        fprintf(table, "%-75s %-8s openssl %-8s as tls %-8s here %-8s %-13s %s%s%s\n", id, o.good ? "valid" : "invalid",
                word(o.bare), word(o.as_tls), word(o.ours), mark, o.detail, o.bare_detail[0] != '\0' ? " / openssl: " : "", o.bare_detail);
    if (o.ours == o.good || on_page(page, id, o.ours) || (!o.ours && !o.bare))
        return;
    tally->wrong++;
    print_message("%s: %s, openssl %s, here %s (%s)\n", id, o.good ? "valid" : "invalid", word(o.bare), word(o.ours),
                  o.detail);
}

static void run(const json_t *limbo, struct page *page, FILE *table, struct tally *tally)
{
    size_t i;
    json_t *test;
    json_array_foreach(json_object_get(limbo, "testcases"), i, test) {
        const char *reason = outside(test);
        if (reason != NULL) {
            print_message("out of scope: %s (%s)\n", json_string_value(json_object_get(test, "id")), reason);
            tally->out++;
            continue;
        }
        compare(test, page, table, tally);
    }
}

/* The figures that docs/certificates.md gives, for the OpenSSL that it was written for. */
static void assert_figures(const struct tally *tally)
{
    char path[4096], accepts[200], rejects[200], text[65536];
    if (OPENSSL_version_major() != 3 || OPENSSL_version_minor() != 0)
        return;
    snprintf(accepts, sizeof(accepts), "OpenSSL on its own accepts %zu, asked as a TLS client asks %zu, this layer %zu",
             tally->bare_accepts, tally->tls_accepts, tally->false_accepts);
    snprintf(rejects, sizeof(rejects), "OpenSSL on its own accepts these %zu; asked as a TLS client asks, %zu of them",
             tally->only_here, tally->only_here_tls);
    snprintf(path, sizeof(path), "%s/docs/certificates.md", source_dir());
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\n' ? ' ' : *at;
    if (strstr(text, accepts) == NULL || strstr(text, rejects) == NULL)
        fail_msg("docs/certificates.md does not say: %s; %s", accepts, rejects);
}

static void test_limbo(void **state)
{
    (void)state;
    json_t *limbo = load();
    struct tally tally = {0};
    struct page page = {0};
    if (limbo == NULL) {
        print_message("SKIPPED: no x509-limbo vectors\n");
        skip();
    }
    read_page(&page);
    FILE *table = getenv("LIMBO_TABLE") == NULL ? NULL : fopen(getenv("LIMBO_TABLE"), "we");
    run(limbo, &page, table, &tally);
    if (table != NULL)
        fclose(table);
    json_decref(limbo);
    for (size_t i = 0; i < page.count; i++) {
        if (!page.rows[i].seen)
            print_message("%s stands in docs/certificates.md and is as it should be\n", page.rows[i].id);
        tally.wrong += !page.rows[i].seen;
    }
    print_message("%zu vectors, %zu out of scope\nfalse accepts: openssl %zu, here %zu\nfalse rejects: openssl %zu, here %zu, "
                  "of them not by openssl %zu\n", tally.in, tally.out, tally.bare_accepts, tally.false_accepts,
                  tally.bare_rejects, tally.false_rejects, tally.only_here);
    print_message("as a TLS client: false accepts %zu, refused here alone %zu\n", tally.tls_accepts, tally.only_here_tls);
    assert_figures(&tally);
    assert_int_equal(tally.wrong, 0);
    assert_int_equal(tally.in, VECTORS_IN);
    assert_int_equal(tally.out, VECTORS_OUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limbo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
