/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate layer against the x509-limbo vectors (../shared/vectors or SEALPOST_VECTORS). Where this layer is
 * stricter or laxer than a vector expects, the vector stands in a list with the reason. Nothing that concerns names,
 * dates, keys or an unknown issuer may stand in the lax list. */
#include "unit.h"

#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "trust/trust_cert.h"

/* Refused here although the vector would accept it. */
static const char *const stricter[] = {
    /* a trust anchor must be self-signed: no partial chains */
    "cve::cve-2024-0567", "rfc5280::nc::nc-forbids-alternate-chain-ica", "rfc5280::root-and-intermediate-swapped",
    /* a server certificate must be made for servers: a CA certificate is not one */
    "pathlen::validation-ignores-pathlen-in-leaf", "rfc5280::ca-as-leaf",
    /* one path is tried, the one that violates its constraints */
    "rfc5280::nc::nc-forbids-same-chain-ica",
    /* constraints and wildcards together are refused as a whole (CVE-2025-61727) */
    "webpki::nc::nc-permits-dns-san-pattern",
    /* the second of notAfter itself is already too late */
    "rfc5280::validity::notafter-exact", "rfc5280::validity::notafter-fractional",
    NULL,
};

/* Accepted here although the vector refuses it: demands on the form of certificates which private authorities of
 * clinics often miss, and which do not touch who the server is. */
static const char *const laxer[] = {
    /* key identifiers */
    "rfc5280::aki::leaf-missing-aki", "rfc5280::aki::intermediate-missing-aki", "rfc5280::ski::root-missing-ski",
    "rfc5280::ski::intermediate-missing-ski", "webpki::aki::root-with-aki-missing-keyidentifier",
    /* criticality of extensions */
    "rfc5280::nc::permitted-dns-match-noncritical", "rfc5280::pc::ica-noncritical-pc",
    "rfc5280::san::noncritical-with-empty-subject", "rfc5280::root-non-critical-basic-constraints",
    "webpki::eku::ee-critical-eku", "webpki::san::san-critical-with-nonempty-subject",
    /* form of names and constraints that decide nothing here */
    "rfc5280::nc::invalid-dnsname-leading-period", "rfc5280::nc::not-allowed-in-ee-noncritical",
    "rfc5280::nc::not-allowed-in-ee-critical", "rfc5280::nc::nc-permits-invalid-dns-san", "rfc5280::san::underscore-dns",
    "webpki::nc::intermediate-permitted-excluded-subtrees-both-null",
    "webpki::nc::intermediate-permitted-excluded-subtrees-both-empty-sequences",
    /* serial numbers */
    "rfc5280::serial::too-long", "rfc5280::serial::zero",
    /* anchors are the operator's choice: their own form is not judged */
    "rfc5280::root-missing-basic-constraints", "webpki::eku::root-has-eku",
    /* a leaf that could also sign is still this server's */
    "rfc5280::leaf-ku-keycertsign", "webpki::ee-basicconstraints-ca",
    /* CA/Browser Forum rules for the CN, which is never looked at */
    "webpki::cn::punycode-not-in-san", "webpki::cn::utf8-vs-punycode-mismatch", "webpki::cn::not-in-san",
    "webpki::cn::case-mismatch",
    /* serverAuth is among the usages, or no usage is named (RFC 5280 4.2.1.12) */
    "webpki::eku::ee-anyeku", "webpki::eku::ee-without-eku",
    /* no public suffix list */
    "webpki::san::public-suffix-multi-label-wildcard-san", "webpki::san::public-suffix-private-namespace-wildcard-san",
    /* RSA keys of 2048 bits and more whose length is odd; a broken pointer to an OCSP server */
    "webpki::forbidden-rsa-not-divisible-by-8-in-root", "webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf",
    "webpki::malformed-aia",
    NULL,
};

static bool listed(const char *const *list, const char *id)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, id) == 0)
            return true;
    }
    return false;
}

static X509 *cert_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return x;
}

static int64_t when(const json_t *value)
{
    struct tm tm = {0};
    if (!json_is_string(value) || strptime(json_string_value(value), "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
        return clock_utc_us();
    return (int64_t)timegm(&tm) * CLOCK_US_PER_S;
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

static enum trust_cert_fault judge(const json_t *test, const char *host, char **ret_detail)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509_STORE *store = store_of(json_object_get(test, "trusted_certs"));
    X509 *leaf = cert_of(json_string_value(json_object_get(test, "peer_certificate")));
    struct trust_cert cert;
    if (leaf != NULL)
        sk_X509_push(chain, leaf);
    push_all(chain, json_object_get(test, "untrusted_intermediates"));
    struct trust_cert_ask ask = {.store = store, .chain = chain, .host = host,
                                 .now_us = when(json_object_get(test, "validation_time"))};
    trust_cert_check(&ask, &cert);
    enum trust_cert_fault fault = cert.fault;
    *ret_detail = cert.detail == NULL ? NULL : strdup(cert.detail);
    trust_cert_free(&cert);
    sk_X509_pop_free(chain, X509_free);
    X509_STORE_free(store);
    return fault;
}

static json_t *load(void)
{
    char path[4096];
    const char *dir = getenv("SEALPOST_VECTORS");
    const char *source = getenv("SEALPOST_SOURCE");
    if (dir != NULL)
        snprintf(path, sizeof(path), "%s/x509-limbo-207.json", dir);
    else
        snprintf(path, sizeof(path), "%s/../shared/vectors/x509-limbo-207.json", source == NULL ? "." : source);
    return json_load_file(path, 0, NULL);
}

/* Vectors that ask for what this layer does not do: CRLs, client certificates, IP names, a depth of their own. */
static bool outside(const json_t *test)
{
    const json_t *name = json_object_get(test, "expected_peer_name");
    const char *kind = json_string_value(json_object_get(name, "kind"));
    return strcmp(json_string_value(json_object_get(test, "validation_kind")), "SERVER") != 0 || kind == NULL ||
           strcmp(kind, "DNS") != 0 || json_array_size(json_object_get(test, "crls")) > 0 ||
           json_is_integer(json_object_get(test, "max_chain_depth"));
}

static void test_limbo(void **state)
{
    (void)state;
    json_t *limbo = load();
    size_t i, wrong = 0, ran = 0;
    json_t *test;
    if (limbo == NULL) {
        print_message("SKIPPED: no x509-limbo vectors\n");
        skip();
    }
    json_array_foreach(json_object_get(limbo, "testcases"), i, test) {
        const char *id = json_string_value(json_object_get(test, "id"));
        char *detail = NULL;
        if (outside(test))
            continue;
        const char *host = json_string_value(json_object_get(json_object_get(test, "expected_peer_name"), "value"));
        bool good = strcmp(json_string_value(json_object_get(test, "expected_result")), "SUCCESS") == 0;
        enum trust_cert_fault fault = judge(test, host, &detail);
        bool expected = (fault == TRUST_CERT_FINE) == (good ? !listed(stricter, id) : listed(laxer, id));
        if (!expected)
            print_message("%s: %s, here %s (%s)\n", id, good ? "good" : "bad", trust_cert_fault_name(fault), detail);
        wrong += !expected;
        ran++;
        free(detail);
    }
    json_decref(limbo);
    print_message("%zu vectors\n", ran);
    assert_true(ran > 100);
    assert_int_equal(wrong, 0);
}

/* ---- certificates made here ---- */

#define DAY_S 86400L

static EVP_PKEY *key_on(const char *curve)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    assert_non_null(key);
    return key;
}

static void extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* A certificate for the common name, good for some days, by an issuer (NULL: by itself). An authority has no host name. */
static X509 *cert_make(const char *name, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key, long days, bool authority)
{
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), days);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, issuer == NULL ? subject : X509_get_subject_name(issuer));
    X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(x), days * DAY_S);
    X509_set_pubkey(x, key);
    extend(x, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(x, NID_key_usage, authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!authority)
        extend(x, NID_subject_alt_name, "DNS:mx.clinic.test");
    assert_true(X509_sign(x, issuer == NULL ? key : issuer_key, EVP_sha256()) > 0);
    return x;
}

/* Root, intermediate with its own lifetime, and a server's certificate over a key on the curve. */
static enum trust_cert_fault judge_made(const char *curve, long intermediate_days, int64_t *ret_days_left)
{
    EVP_PKEY *ca_key = key_on("P-256");
    EVP_PKEY *leaf_key = key_on(curve);
    X509 *root = cert_make("Root", ca_key, NULL, NULL, 300, true);
    X509 *between = cert_make("Between", ca_key, root, ca_key, intermediate_days, true);
    X509 *leaf = cert_make("Leaf", leaf_key, between, ca_key, 100, false);
    X509_STORE *anchors = X509_STORE_new();
    STACK_OF(X509) *chain = sk_X509_new_null();
    struct trust_cert cert;
    X509_STORE_add_cert(anchors, root);
    sk_X509_push(chain, leaf);
    sk_X509_push(chain, between);
    struct trust_cert_ask ask = {.store = anchors, .chain = chain, .host = "mx.clinic.test", .now_us = clock_utc_us()};
    trust_cert_check(&ask, &cert);
    enum trust_cert_fault fault = cert.fault;
    *ret_days_left = (cert.until_us - clock_utc_us() + CLOCK_US_PER_DAY / 2) / CLOCK_US_PER_DAY;
    trust_cert_free(&cert);
    sk_X509_free(chain);
    X509_STORE_free(anchors);
    X509_free(root);
    X509_free(between);
    X509_free(leaf);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(leaf_key);
    return fault;
}

static void test_only_the_curves_of_the_profile(void **state)
{
    static const char *const good[] = {"P-256", "P-384", "P-521"};
    static const char *const bad[] = {"secp256k1", "brainpoolP256r1", "brainpoolP512r1"};
    int64_t days;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(judge_made(good[i], 200, &days), TRUST_CERT_FINE);
        assert_int_equal(judge_made(bad[i], 200, &days), TRUST_CERT_KEY);
    }
}

/* A reused session proves nothing once any certificate of its path is past its time. */
static void test_a_path_lives_as_long_as_its_shortest(void **state)
{
    int64_t days;
    (void)state;
    assert_int_equal(judge_made("P-256", 200, &days), TRUST_CERT_FINE);
    assert_int_equal(days, 100);
    assert_int_equal(judge_made("P-256", 7, &days), TRUST_CERT_FINE);
    assert_int_equal(days, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limbo),
        cmocka_unit_test(test_only_the_curves_of_the_profile),
        cmocka_unit_test(test_a_path_lives_as_long_as_its_shortest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
