/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate layer with certificates made here: what the x509-limbo vectors (test_trust_limbo) do not ask. */
#include "cert_make.h"

#include <openssl/pem.h>

#include "base/clock.h"
#include "trust/trust_cert.h"
#include "trust/trust_form.h"
#include "trust/trust_key.h"
#include "trust/trust_name.h"

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static struct trust_cert judge(const struct cert_chain *chain, const char *host, enum trust_profile profile)
{
    struct trust_cert cert;
    struct trust_cert_ask ask = {.store = chain->store, .chain = chain->shown, .host = host, .now_us = CERT_NOW_US,
                                 .profile = profile};
    trust_cert_check(&ask, &cert);
    return cert;
}

/* What a chain with these wants comes to, and why it should (a part of the detail). */
static void assert_judged(const struct cert_want wants[CERT_ROLES], const char *host, enum trust_profile profile,
                          enum trust_cert_fault fault, const char *why)
{
    struct cert_chain chain;
    cert_chain_make(&chain, wants);
    struct trust_cert cert = judge(&chain, host, profile);
    if (cert.fault != fault || (why != NULL && strstr(cert.detail, why) == NULL))
        fail_msg("%s: %s (%s), not %s (%s)", host, trust_cert_fault_name(cert.fault), cert.detail,
                 trust_cert_fault_name(fault), why);
    trust_cert_free(&cert);
    cert_chain_free(&chain);
}

static void test_a_sound_chain_and_its_facts(void **state)
{
    struct cert_chain chain;
    struct digest spki;
    (void)state;
    cert_chain_make(&chain, NULL);
    struct trust_cert cert = judge(&chain, "MX.Clinic.Test.", TRUST_PROFILE_FIPS);
    assert_int_equal(cert.fault, TRUST_CERT_FINE);
    assert_true(cert.checked && cert.detail == NULL && !cert.must_staple && cert.ocsp == TRUST_OCSP_NONE);
    assert_string_equal(cert.checked_name, "MX.Clinic.Test");
    assert_string_equal(cert.matched_name, CERT_HOST);
    assert_string_equal(cert.key, "EC P-256");
    assert_string_equal(cert.issuer, "CN=Issuer");
    assert_int_equal(cert.chain_count, 2);
    assert_int_equal(cert.path_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(trust_key_spki(chain.certs[i], &spki));
        assert_memory_equal(cert.spki[i].b, spki.b, DIGEST_SIZE);
    }
    trust_cert_free(&cert);
    cert_chain_free(&chain);
}

/* ---- keys and signatures ---- */

static void test_keys_by_profile(void **state)
{
    static const struct {
        const char *key;
        bool strict, nist;
    } rows[] = {
        {"P-256", true, true},       {"P-384", true, true},            {"P-521", true, false},
        {"ED25519", true, false},    {"ED448", true, false},           {"RSA 2048", true, true},
        {"RSA 2052", false, false},  {"RSA 1024", false, false},       {"P-224", false, false},
        {"secp256k1", false, false}, {"brainpoolP256r1", false, false}, {"brainpoolP512r1", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.key = rows[i].key}};
        assert_judged(wants, CERT_HOST, TRUST_PROFILE_STRICT, rows[i].strict ? TRUST_CERT_FINE : TRUST_CERT_KEY, NULL);
        assert_judged(wants, CERT_HOST, TRUST_PROFILE_NIST, rows[i].nist ? TRUST_CERT_FINE : TRUST_CERT_KEY, NULL);
        assert_judged(wants, CERT_HOST, TRUST_PROFILE_FIPS, rows[i].nist ? TRUST_CERT_FINE : TRUST_CERT_KEY, NULL);
    }
}

static void test_keys_of_issuers_count(void **state)
{
    struct cert_want issuer[CERT_ROLES] = {[CERT_ISSUER] = {.key = "P-521"}};
    struct cert_want root[CERT_ROLES] = {[CERT_ROOT] = {.key = "RSA 2052"}};
    (void)state;
    assert_judged(issuer, CERT_HOST, TRUST_PROFILE_STRICT, TRUST_CERT_FINE, NULL);
    assert_judged(issuer, CERT_HOST, TRUST_PROFILE_NIST, TRUST_CERT_KEY, "issuer");
    assert_judged(root, CERT_HOST, TRUST_PROFILE_STRICT, TRUST_CERT_KEY, "issuer");
}

/* The signature of an anchor proves nothing: old roots sign themselves with SHA-1. */
static void test_signatures(void **state)
{
    (void)state;
    const EVP_MD *bad[] = {EVP_sha1(), EVP_md5(), EVP_sha224(), EVP_sha3_256()};
    const EVP_MD *good[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
    for (size_t i = 0; i < 3; i++) {
        struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.digest = good[i]}, [CERT_ISSUER] = {.digest = good[i]}};
        assert_judged(wants, CERT_HOST, TRUST_PROFILE_NIST, TRUST_CERT_FINE, NULL);
    }
    for (size_t i = 0; i < 4; i++) {
        struct cert_want server[CERT_ROLES] = {[CERT_ISSUER] = {.key = "RSA 2048"}, [CERT_SERVER] = {.digest = bad[i]}};
        struct cert_want issuer[CERT_ROLES] = {[CERT_ROOT] = {.key = "RSA 2048"}, [CERT_ISSUER] = {.digest = bad[i]}};
        struct cert_want root[CERT_ROLES] = {[CERT_ROOT] = {.key = "RSA 2048", .digest = bad[i]}};
        assert_judged(server, CERT_HOST, TRUST_PROFILE_STRICT, TRUST_CERT_SIGNATURE, NULL);
        assert_judged(issuer, CERT_HOST, TRUST_PROFILE_STRICT, TRUST_CERT_SIGNATURE, NULL);
        assert_judged(root, CERT_HOST, TRUST_PROFILE_STRICT, TRUST_CERT_FINE, NULL);
    }
}

/* Edwards curves hash by themselves; SP 800-52r2 does not name them. */
static void test_digests(void **state)
{
    (void)state;
    assert_true(trust_key_digest_fit(NID_undef, NID_ED25519, TRUST_PROFILE_STRICT));
    assert_true(trust_key_digest_fit(NID_undef, NID_ED448, TRUST_PROFILE_STRICT));
    assert_false(trust_key_digest_fit(NID_undef, NID_ED25519, TRUST_PROFILE_NIST));
    assert_false(trust_key_digest_fit(NID_undef, NID_ED448, TRUST_PROFILE_FIPS));
    assert_false(trust_key_digest_fit(NID_undef, NID_rsaEncryption, TRUST_PROFILE_STRICT));
}

/* ---- dates ---- */

/* A reused session proves nothing once any certificate of its path is past its time. */
static void test_a_path_lives_as_long_as_its_shortest(void **state)
{
    struct cert_want wants[CERT_ROLES] = {[CERT_ISSUER] = {.from_s = -50, .until_s = 100}};
    struct cert_chain chain;
    (void)state;
    cert_chain_make(&chain, wants);
    struct trust_cert cert = judge(&chain, CERT_HOST, TRUST_PROFILE_STRICT);
    assert_int_equal(cert.fault, TRUST_CERT_FINE);
    assert_int_equal(cert.from_us, CERT_NOW_US - 50 * CLOCK_US_PER_S);
    assert_int_equal(cert.until_us, CERT_NOW_US + 100 * CLOCK_US_PER_S);
    trust_cert_free(&cert);
    cert_chain_free(&chain);
}

static void test_dates(void **state)
{
    (void)state;
    for (int role = 0; role < CERT_ROLES; role++) {
        struct cert_want past[CERT_ROLES] = {0}, future[CERT_ROLES] = {0};
        past[role] = (struct cert_want){.from_s = -9, .until_s = -1};
        future[role] = (struct cert_want){.from_s = 1, .until_s = 9};
        assert_judged(past, CERT_HOST, TRUST_PROFILE_STRICT, TRUST_CERT_EXPIRED, NULL);
        assert_judged(future, CERT_HOST, TRUST_PROFILE_STRICT, TRUST_CERT_NOT_YET, NULL);
    }
}

/* ---- names ---- */

#define L21 "abcdefghijklmnopqrstu"
#define L63 L21 L21 L21

static void test_names(void **state)
{
    static const struct {
        const char *san, *host;
        enum trust_cert_fault fault;
    } rows[] = {
        {"DNS:MX.clinic.TEST", CERT_HOST, TRUST_CERT_FINE},
        {"DNS:other.test,DNS:mx.clinic.test", CERT_HOST, TRUST_CERT_FINE},
        {"DNS:*.clinic.test", CERT_HOST, TRUST_CERT_FINE},
        {"DNS:*.clinic.test", "a.mx.clinic.test", TRUST_CERT_NAME},
        {"DNS:*.clinic.test", "clinic.test", TRUST_CERT_NAME},
        {"DNS:m*.clinic.test", CERT_HOST, TRUST_CERT_NAME},
        {"DNS:mx.*.test", CERT_HOST, TRUST_CERT_NAME},
        {"DNS:*.*.test", CERT_HOST, TRUST_CERT_NAME},
        {"DNS:*.test", "clinic.test", TRUST_CERT_NAME},
        {"DNS:*.co.uk", "clinic.co.uk", TRUST_CERT_NAME},
        {"DNS:*.CO.UK", "clinic.co.uk", TRUST_CERT_NAME},
        {"DNS:*.ck", "clinic.ck", TRUST_CERT_NAME},
        {"DNS:*.anything.ck", "clinic.anything.ck", TRUST_CERT_NAME},
        {"DNS:*.clinic.co.uk", "mx.clinic.co.uk", TRUST_CERT_FINE},
        {"DNS:clinic.co.uk", "clinic.co.uk", TRUST_CERT_FINE},
        {"DNS:*.co.uk,DNS:clinic.co.uk", "clinic.co.uk", TRUST_CERT_NAME}, /* the first that matches counts */
        {"DNS:mx_1.clinic.test", "mx_1.clinic.test", TRUST_CERT_NAME},
        {"DNS:mx.clinic.test,DNS:a_b.clinic.test", CERT_HOST, TRUST_CERT_FINE},
        {"DNS:mx.clinic.test,DNS:a..clinic.test", CERT_HOST, TRUST_CERT_CHAIN},
        {"DNS:mx.clinic.test,DNS:.clinic.test", CERT_HOST, TRUST_CERT_CHAIN},
        {"DNS:mx.clinic.test,DNS:clinic.test.", CERT_HOST, TRUST_CERT_CHAIN},
        {"DNS:mx.clinic.test,DNS:a b", CERT_HOST, TRUST_CERT_CHAIN},
        {"DNS:mx.clinic.test,DNS:" L63 ".test", CERT_HOST, TRUST_CERT_FINE},
        {"DNS:mx.clinic.test,DNS:" L63 "a.test", CERT_HOST, TRUST_CERT_CHAIN},
        {"DNS:mx.clinic.test,DNS:" L63 "." L63 "." L63 "." L63, CERT_HOST, TRUST_CERT_CHAIN},
        {"email:mx.clinic.test@mx.clinic.test", CERT_HOST, TRUST_CERT_NAME},
        {"IP:192.0.2.1", "192.0.2.1", TRUST_CERT_NAME},
        {"DNS:mx.clinic.test", "", TRUST_CERT_NAME},
        {"DNS:mx.clinic.test", ".", TRUST_CERT_NAME},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.san = rows[i].san}};
        assert_judged(wants, rows[i].host, TRUST_PROFILE_STRICT, rows[i].fault, NULL);
    }
}

/* The CN is never read, neither instead of the other names nor against them. */
static void test_common_name_is_not_read(void **state)
{
    struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.subject = CERT_HOST, .san = "DNS:other.test"}};
    struct cert_want other[CERT_ROLES] = {[CERT_SERVER] = {.subject = "not.in.san"}};
    (void)state;
    assert_judged(wants, CERT_HOST, TRUST_PROFILE_STRICT, TRUST_CERT_NAME, NULL);
    assert_judged(other, CERT_HOST, TRUST_PROFILE_STRICT, TRUST_CERT_FINE, NULL);
}

#define CONSTRAINT(name, value)                                                                                          \
    static void name(X509 *x)                                                                                            \
    {                                                                                                                    \
        cert_extend(x, NID_name_constraints, value);                                                                     \
    }
CONSTRAINT(permit_clinic, "critical,permitted;DNS:clinic.test")
CONSTRAINT(permit_dot_clinic, "critical,permitted;DNS:.clinic.test")
CONSTRAINT(permit_one, "critical,permitted;DNS:mx.clinic.test")
CONSTRAINT(permit_two, "critical,permitted;DNS:other.test,permitted;DNS:test")
CONSTRAINT(permit_two_turned, "critical,permitted;DNS:test,permitted;DNS:other.test")
CONSTRAINT(permit_mail, "critical,permitted;email:clinic.test")
CONSTRAINT(exclude_one, "critical,excluded;DNS:db.clinic.test")
CONSTRAINT(exclude_below, "critical,excluded;DNS:a.db.clinic.test")
CONSTRAINT(exclude_all, "critical,excluded;DNS:test")
CONSTRAINT(exclude_other, "critical,excluded;DNS:linic.test")

static void test_constraints_and_wildcards(void **state)
{
    static const struct {
        void (*limit)(X509 *);
        const char *san;
        enum trust_cert_fault fault;
    } rows[] = {
        {permit_clinic, "DNS:*.clinic.test", TRUST_CERT_FINE},
        {permit_clinic, "DNS:*.CLINIC.test", TRUST_CERT_FINE},
        {permit_dot_clinic, "DNS:*.clinic.test", TRUST_CERT_FINE},
        {permit_one, "DNS:*.clinic.test", TRUST_CERT_CHAIN},
        {permit_one, "DNS:mx.clinic.test", TRUST_CERT_FINE},
        {permit_two, "DNS:*.clinic.test", TRUST_CERT_FINE},
        {permit_two_turned, "DNS:*.clinic.test", TRUST_CERT_FINE},
        {permit_mail, "DNS:*.clinic.test", TRUST_CERT_FINE},
        {permit_mail, "DNS:mx.clinic.test,email:a@other.test", TRUST_CERT_CHAIN},
        {exclude_one, "DNS:*.clinic.test", TRUST_CERT_CHAIN},
        {exclude_one, "DNS:mx.clinic.test", TRUST_CERT_FINE},
        {exclude_one, "DNS:mx.clinic.test,DNS:*.clinic.test", TRUST_CERT_CHAIN},
        {exclude_below, "DNS:*.clinic.test", TRUST_CERT_FINE},
        {exclude_all, "DNS:*.clinic.test", TRUST_CERT_CHAIN},
        {exclude_other, "DNS:*.clinic.test", TRUST_CERT_FINE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (int role = CERT_ISSUER; role <= CERT_ROOT; role++) {
            struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.san = rows[i].san}};
            wants[role].change = rows[i].limit;
            assert_judged(wants, CERT_HOST, TRUST_PROFILE_STRICT, rows[i].fault, NULL);
        }
    }
}

/* The rule alone: OpenSSL would have refused some of these before. */
static void test_constraints_alone(void **state)
{
    static const struct {
        void (*limit)(X509 *);
        bool fine;
    } rows[] = {{permit_clinic, true}, {permit_one, false}, {permit_two, true}, {permit_mail, true}, {exclude_one, false},
                {exclude_below, true}, {exclude_all, false}, {exclude_other, true}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.san = "DNS:*.clinic.test"}, [CERT_ISSUER] = {.change = rows[i].limit}};
        struct cert_chain chain;
        cert_chain_make(&chain, wants);
        assert_int_equal(trust_name_path(chain.shown, "*.clinic.test").fault, rows[i].fine ? TRUST_CERT_FINE : TRUST_CERT_CHAIN);
        cert_chain_free(&chain);
    }
}

#define MANY 300 /* wildcards, and subtrees: together more than TRUST_NAME_WORK_MAX */

static void exclude_many(X509 *x)
{
    char text[MANY * 30] = "critical,permitted;DNS:test";
    for (int i = 0; i < MANY; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ",excluded;DNS:x%d.test", i);
    cert_extend(x, NID_name_constraints, text);
}

static void test_work_is_bounded(void **state)
{
    static const int names[] = {10, MANY};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char san[MANY * 30] = "DNS:" CERT_HOST;
        for (int n = 0; n < names[i]; n++)
            snprintf(san + strlen(san), sizeof(san) - strlen(san), ",DNS:*.a%d.clinic.test", n);
        struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.san = san}, [CERT_ROOT] = {.change = exclude_many}};
        assert_judged(wants, CERT_HOST, TRUST_PROFILE_STRICT, i == 0 ? TRUST_CERT_FINE : TRUST_CERT_CHAIN,
                      i == 0 ? NULL : "too many");
    }
}

/* ---- form ---- */

static void add_raw(X509 *x, int nid, const void *der, int len)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, der, len);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, nid, 0, value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
}

static void twice(X509 *x)
{
    cert_extend(x, NID_info_access, "OCSP;URI:http://a.test");
    cert_extend(x, NID_info_access, "OCSP;URI:http://a.test");
}
static void trailing(X509 *x)
{
    add_raw(x, NID_certificate_policies, "\x30\x06\x30\x04\x06\x02\x2a\x03\x00", 9);
}
static void policies(X509 *x)
{
    add_raw(x, NID_certificate_policies, "\x30\x06\x30\x04\x06\x02\x2a\x03", 8);
}
static void malformed(X509 *x)
{
    add_raw(x, NID_crl_distribution_points, "\x30\x05\x00", 3);
}
static void too_many(X509 *x)
{
    for (int i = 0; i < TRUST_FORM_EXTENSIONS_MAX; i++) {
        char oid[32];
        snprintf(oid, sizeof(oid), "1.2.3.4.%d", i);
        ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
        X509_add_ext(x, extension, -1);
        X509_EXTENSION_free(extension);
        ASN1_OCTET_STRING_free(value);
        ASN1_OBJECT_free(object);
    }
}
static void long_date(X509 *x)
{
    ASN1_TIME_set_string(X509_getm_notAfter(x), "20300101000000Z");
}
static void far_date(X509 *x)
{
    ASN1_TIME_set_string(X509_getm_notAfter(x), "20500101000000Z");
}
static void no_aki(X509 *x)
{
    cert_strip(x, NID_authority_key_identifier);
}
static void no_ski(X509 *x)
{
    cert_strip(x, NID_subject_key_identifier);
}
static void serial_zero(X509 *x)
{
    ASN1_INTEGER_set(X509_get_serialNumber(x), 0);
}
static void serial_negative(X509 *x)
{
    ASN1_INTEGER_set(X509_get_serialNumber(x), -7);
}
static void set_serial(X509 *x, uint8_t first, int size)
{
    uint8_t bytes[32] = {first};
    ASN1_STRING_set(X509_get_serialNumber(x), bytes, size);
}
static void serial_20(X509 *x)
{
    set_serial(x, 0x7f, 20);
}
static void serial_21(X509 *x)
{
    set_serial(x, 0x80, 20); /* with the octet that keeps it positive */
}
static void authority(X509 *x)
{
    cert_strip(x, NID_basic_constraints);
    cert_extend(x, NID_basic_constraints, "critical,CA:TRUE");
}
static void may_sign(X509 *x)
{
    cert_strip(x, NID_key_usage);
    cert_extend(x, NID_key_usage, "critical,digitalSignature,keyCertSign");
}
static void constraints_plain(X509 *x)
{
    cert_strip(x, NID_basic_constraints);
    cert_extend(x, NID_basic_constraints, "CA:TRUE");
}
static void usage_of_anchor(X509 *x)
{
    cert_extend(x, NID_ext_key_usage, "serverAuth");
}
static void unknown_critical(X509 *x)
{
    X509_EXTENSION *extension = X509V3_EXT_conf(NULL, NULL, "1.2.3.4", "critical,DER:0500");
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
}
static void san_critical(X509 *x)
{
    cert_strip(x, NID_subject_alt_name);
    cert_extend(x, NID_subject_alt_name, "critical,DNS:" CERT_HOST);
}
static void nameless(X509 *x)
{
    X509_NAME *empty = X509_NAME_new();
    X509_set_subject_name(x, empty);
    X509_NAME_free(empty);
}
static void nameless_root(X509 *x)
{
    X509_NAME *empty = X509_NAME_new();
    X509_set_subject_name(x, empty);
    X509_set_issuer_name(x, empty);
    X509_NAME_free(empty);
}
static void version_1(X509 *x)
{
    X509_set_version(x, X509_VERSION_1);
}
static void nameless_critical(X509 *x)
{
    nameless(x);
    san_critical(x);
}

static void test_form(void **state)
{
    static const struct {
        enum cert_role role;
        void (*change)(X509 *);
        const char *why; /* NULL: fine */
    } rows[] = {
        {CERT_SERVER, twice, "twice"},
        {CERT_ISSUER, twice, "twice"},
        {CERT_ROOT, twice, "twice"},
        {CERT_SERVER, policies, NULL},
        {CERT_SERVER, trailing, "malformed"},
        {CERT_ISSUER, trailing, "malformed"},
        {CERT_SERVER, malformed, "malformed"},
        {CERT_SERVER, too_many, "too many"},
        {CERT_SERVER, long_date, "date"},
        {CERT_ISSUER, long_date, "date"},
        {CERT_SERVER, far_date, NULL},
        {CERT_SERVER, no_aki, "authority key identifier"},
        {CERT_ISSUER, no_aki, "authority key identifier"},
        {CERT_SERVER, no_ski, NULL},
        {CERT_ISSUER, no_ski, "subject key identifier"},
        {CERT_ROOT, no_ski, NULL},
        {CERT_SERVER, serial_zero, "serial"},
        {CERT_SERVER, serial_negative, "serial"},
        {CERT_SERVER, serial_20, NULL},
        {CERT_SERVER, serial_21, "serial"},
        {CERT_ISSUER, serial_21, "serial"},
        {CERT_ROOT, serial_zero, NULL},
        {CERT_SERVER, authority, "authority"},
        {CERT_SERVER, may_sign, "may sign"},
        {CERT_SERVER, permit_clinic, "has name constraints"},
        {CERT_ISSUER, constraints_plain, "not critical"},
        {CERT_ROOT, constraints_plain, NULL},
        {CERT_ROOT, usage_of_anchor, "anchor"},
        {CERT_SERVER, unknown_critical, "unhandled critical"},
        {CERT_ISSUER, unknown_critical, "unhandled critical"},
        {CERT_ROOT, unknown_critical, "unhandled critical"},
        {CERT_SERVER, san_critical, "is critical though"},
        {CERT_SERVER, nameless, "not critical though"},
        {CERT_SERVER, nameless_critical, NULL},
        {CERT_ROOT, nameless_root, "no issuer name"},
        {CERT_SERVER, version_1, "version 3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cert_want wants[CERT_ROLES] = {0};
        wants[rows[i].role].change = rows[i].change;
        assert_judged(wants, CERT_HOST, TRUST_PROFILE_STRICT, rows[i].why == NULL ? TRUST_CERT_FINE : TRUST_CERT_CHAIN,
                      rows[i].why);
    }
}

static void test_usage(void **state)
{
    static const struct {
        const char *usage;
        const char *why; /* NULL: fine */
    } rows[] = {
        {"serverAuth", NULL},
        {"clientAuth,serverAuth", NULL},
        {"", "no extendedKeyUsage"},
        {"clientAuth", "purpose"}, /* OpenSSL's own word */
        {"anyExtendedKeyUsage", "purpose"},
        {"msSGC", "without serverAuth"}, /* OpenSSL takes this one for a server's */
        {"emailProtection", "purpose"},
        {"serverAuth,anyExtendedKeyUsage", "any use"},
        {"critical,serverAuth", "critical"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.usage = rows[i].usage}};
        assert_judged(wants, CERT_HOST, TRUST_PROFILE_STRICT, rows[i].why == NULL ? TRUST_CERT_FINE : TRUST_CERT_USAGE,
                      rows[i].why);
    }
}

/* ---- paths ---- */

static void test_no_path(void **state)
{
    struct cert_chain chain, other;
    (void)state;
    cert_chain_make(&chain, NULL);
    cert_chain_make(&other, NULL);
    struct trust_cert_ask ask = {.store = other.store, .chain = chain.shown, .host = CERT_HOST, .now_us = CERT_NOW_US};
    struct trust_cert cert;
    trust_cert_check(&ask, &cert);
    assert_int_equal(cert.fault, TRUST_CERT_UNTRUSTED);
    assert_int_equal(cert.path_count, 0);
    assert_non_null(cert.names);
    trust_cert_free(&cert);
    ask.chain = NULL;
    trust_cert_check(&ask, &cert);
    assert_int_equal(cert.fault, TRUST_CERT_NONE);
    trust_cert_free(&cert);
    ask.store = chain.store;
    ask.chain = sk_X509_new_null();
    sk_X509_push(ask.chain, chain.certs[CERT_SERVER]);
    trust_cert_check(&ask, &cert);
    assert_int_equal(cert.fault, TRUST_CERT_UNTRUSTED);
    trust_cert_free(&cert);
    sk_X509_free(ask.chain);
    cert_chain_free(&chain);
    cert_chain_free(&other);
}

/* A certificate that the operator trusts as it is, and that signed itself, needs to name nobody else's key. */
static void test_a_server_that_is_the_anchor(void **state)
{
    EVP_PKEY *key = cert_key("P-256");
    X509 *x = cert_make(CERT_SERVER, &(struct cert_want){0}, key, NULL, NULL);
    X509_STORE *store = X509_STORE_new();
    struct trust_cert_ask ask = {.store = store, .chain = sk_X509_new_null(), .host = CERT_HOST, .now_us = CERT_NOW_US};
    struct trust_cert cert;
    (void)state;
    sk_X509_push(ask.chain, x);
    trust_cert_check(&ask, &cert);
    assert_int_equal(cert.fault, TRUST_CERT_SELF_SIGNED);
    trust_cert_free(&cert);
    X509_STORE_add_cert(store, x);
    trust_cert_check(&ask, &cert);
    assert_int_equal(cert.fault, TRUST_CERT_FINE);
    assert_int_equal(cert.path_count, 1);
    trust_cert_free(&cert);
    sk_X509_free(ask.chain);
    X509_STORE_free(store);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* Not refused for its form: any anchor of the machine's bundle, were it the anchor of a sound server. */
static void test_no_anchor_in_use_is_refused(void **state)
{
    struct cert_chain chain;
    X509 *anchor;
    size_t count = 0;
    (void)state;
    BIO *bio = BIO_new_file(BUNDLE, "r");
    if (bio == NULL) {
        print_message("SKIPPED: no " BUNDLE "\n");
        skip();
    }
    cert_chain_make(&chain, NULL);
    while ((anchor = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        char name[200];
        sk_X509_push(chain.shown, anchor);
        X509_NAME_oneline(X509_get_subject_name(anchor), name, sizeof(name));
        struct trust_flaw form = trust_form_path(chain.shown);
        struct trust_flaw key = trust_key_path(chain.shown, false, TRUST_PROFILE_STRICT);
        if (form.fault != TRUST_CERT_FINE || key.fault != TRUST_CERT_FINE)
            fail_msg("%s: %s %s", name, form.detail, key.detail);
        sk_X509_pop(chain.shown);
        X509_free(anchor);
        count++;
    }
    BIO_free(bio);
    cert_chain_free(&chain);
    print_message("%zu anchors\n", count);
    assert_true(count > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_chain_and_its_facts),
        cmocka_unit_test(test_keys_by_profile),
        cmocka_unit_test(test_keys_of_issuers_count),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_a_path_lives_as_long_as_its_shortest),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_common_name_is_not_read),
        cmocka_unit_test(test_constraints_and_wildcards),
        cmocka_unit_test(test_constraints_alone),
        cmocka_unit_test(test_work_is_bounded),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_no_path),
        cmocka_unit_test(test_a_server_that_is_the_anchor),
        cmocka_unit_test(test_no_anchor_in_use_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
