/* SPDX-License-Identifier: Apache-2.0 */
/* Stapled OCSP responses, made here: who signed, about whom, when, and what follows for the certificate. */
#include "cert_make.h"

#include <openssl/ocsp.h>

#include "trust/trust_cert.h"
#include "trust/trust_form.h"
#include "trust/trust_ocsp.h"

enum signer { BY_ISSUER, BY_ISSUER_KEY_ID, BY_DELEGATE, BY_DELEGATE_NO_USAGE, BY_DELEGATE_EXPIRED, BY_DELEGATE_WEAK,
              BY_DELEGATE_OF_ROOT, BY_DELEGATE_FORGED, BY_ROOT, BY_SERVER, BY_STRANGER };
enum about { ABOUT_SERVER, ABOUT_SERVER_SHA256, ABOUT_ISSUER, ABOUT_BOTH, ABOUT_SERVER_TWICE, ABOUT_NOBODY, ABOUT_CROWD };
enum harm { WHOLE, CUT, TRAILING, TRY_LATER, GARBAGE, SIGNATURE };

struct row {
    const char *what;
    enum signer signer;
    enum about about;
    enum harm harm;
    int status;         /* V_OCSP_CERTSTATUS_* */
    long from_s, until_s; /* from now; until 0: no nextUpdate */
    bool sha1;
    enum trust_ocsp state;
    enum trust_cert_fault fault; /* of a certificate without must-staple */
};

#define GOOD V_OCSP_CERTSTATUS_GOOD
#define REVOKED V_OCSP_CERTSTATUS_REVOKED
#define UNKNOWN V_OCSP_CERTSTATUS_UNKNOWN
#define HOUR 3600
#define CROWD 900 /* answers: more bytes than TRUST_OCSP_SIZE_MAX */

static const struct row rows[] = {
    {"good", BY_ISSUER, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_GOOD, TRUST_CERT_FINE},
    {"good, responder by key", BY_ISSUER_KEY_ID, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_GOOD, TRUST_CERT_FINE},
    {"good, ids in SHA-256", BY_ISSUER, ABOUT_SERVER_SHA256, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_GOOD, TRUST_CERT_FINE},
    {"good from a delegate", BY_DELEGATE, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_GOOD, TRUST_CERT_FINE},
    {"revoked", BY_ISSUER, ABOUT_SERVER, WHOLE, REVOKED, -HOUR, HOUR, false, TRUST_OCSP_REVOKED, TRUST_CERT_REVOKED},
    {"revoked, by a delegate", BY_DELEGATE, ABOUT_SERVER, WHOLE, REVOKED, -HOUR, HOUR, false, TRUST_OCSP_REVOKED, TRUST_CERT_REVOKED},
    {"unknown", BY_ISSUER, ABOUT_SERVER, WHOLE, UNKNOWN, -HOUR, HOUR, false, TRUST_OCSP_UNKNOWN, TRUST_CERT_FINE},
    {"the first second", BY_ISSUER, ABOUT_SERVER, WHOLE, GOOD, 0, HOUR, false, TRUST_OCSP_GOOD, TRUST_CERT_FINE},
    {"of tomorrow", BY_ISSUER, ABOUT_SERVER, WHOLE, GOOD, 1, HOUR, false, TRUST_OCSP_STALE, TRUST_CERT_FINE},
    {"of yesterday", BY_ISSUER, ABOUT_SERVER, WHOLE, GOOD, -HOUR, -1, false, TRUST_OCSP_STALE, TRUST_CERT_FINE},
    {"revoked, of yesterday", BY_ISSUER, ABOUT_SERVER, WHOLE, REVOKED, -HOUR, -1, false, TRUST_OCSP_STALE, TRUST_CERT_FINE},
    {"without an end", BY_ISSUER, ABOUT_SERVER, WHOLE, GOOD, -HOUR, 0, false, TRUST_OCSP_STALE, TRUST_CERT_FINE},
    {"about the issuer", BY_ISSUER, ABOUT_ISSUER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"about both", BY_ISSUER, ABOUT_BOTH, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_GOOD, TRUST_CERT_FINE},
    {"good, and revoked further on", BY_ISSUER, ABOUT_SERVER_TWICE, WHOLE, REVOKED, -HOUR, HOUR, false, TRUST_OCSP_REVOKED, TRUST_CERT_REVOKED},
    {"about nobody", BY_ISSUER, ABOUT_NOBODY, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"delegate not for OCSP", BY_DELEGATE_NO_USAGE, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"delegate past its time", BY_DELEGATE_EXPIRED, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"delegate with a weak key", BY_DELEGATE_WEAK, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"delegate of another issuer", BY_DELEGATE_OF_ROOT, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"delegate nobody signed", BY_DELEGATE_FORGED, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"by the root", BY_ROOT, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"by the server", BY_SERVER, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"by a stranger of the same name", BY_STRANGER, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"revoked, by a stranger", BY_STRANGER, ABOUT_SERVER, WHOLE, REVOKED, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"signed with SHA-1", BY_ISSUER, ABOUT_SERVER, WHOLE, GOOD, -HOUR, HOUR, true, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"cut", BY_ISSUER, ABOUT_SERVER, CUT, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"with something behind", BY_ISSUER, ABOUT_SERVER, TRAILING, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"signature changed", BY_ISSUER, ABOUT_SERVER, SIGNATURE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"try later", BY_ISSUER, ABOUT_SERVER, TRY_LATER, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"garbage", BY_ISSUER, ABOUT_SERVER, GARBAGE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
    {"too big", BY_ISSUER, ABOUT_CROWD, WHOLE, GOOD, -HOUR, HOUR, false, TRUST_OCSP_INVALID, TRUST_CERT_FINE},
};

static void must_staple(X509 *x)
{
    cert_extend(x, NID_tlsfeature, "status_request");
}
static void must_staple_2(X509 *x)
{
    cert_extend(x, NID_tlsfeature, "status_request_v2");
}
static void other_feature(X509 *x)
{
    cert_extend(x, NID_tlsfeature, "24");
}
static void ocsp_usage(X509 *x)
{
    cert_strip(x, NID_ext_key_usage);
    cert_extend(x, NID_ext_key_usage, "OCSPSigning");
}

static void add_status(OCSP_BASICRESP *basic, const struct row *row, const EVP_MD *digest, X509 *x, X509 *issuer, int status)
{
    ASN1_TIME *from = ASN1_GENERALIZEDTIME_set(NULL, CERT_NOW_S + row->from_s);
    ASN1_TIME *until = row->until_s == 0 ? NULL : ASN1_GENERALIZEDTIME_set(NULL, CERT_NOW_S + row->until_s);
    ASN1_TIME *revoked = status == REVOKED ? ASN1_GENERALIZEDTIME_set(NULL, CERT_NOW_S - 2 * HOUR) : NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(digest, x, issuer);
    assert_non_null(OCSP_basic_add1_status(basic, id, status, 0, revoked, from, until));
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(revoked);
}

static void add_all(OCSP_BASICRESP *basic, const struct row *row, const struct cert_chain *chain)
{
    X509 *server = chain->certs[CERT_SERVER], *issuer = chain->certs[CERT_ISSUER], *root = chain->certs[CERT_ROOT];
    if (row->about == ABOUT_ISSUER || row->about == ABOUT_BOTH)
        add_status(basic, row, EVP_sha1(), issuer, root, row->about == ABOUT_BOTH ? REVOKED : row->status);
    if (row->about == ABOUT_SERVER_TWICE)
        add_status(basic, row, EVP_sha256(), server, issuer, GOOD);
    if (row->about != ABOUT_ISSUER && row->about != ABOUT_NOBODY)
        add_status(basic, row, row->about == ABOUT_SERVER_SHA256 ? EVP_sha256() : EVP_sha1(), server, issuer, row->status);
    for (int i = 0; row->about == ABOUT_CROWD && i < CROWD; i++)
        add_status(basic, row, EVP_sha1(), issuer, root, GOOD);
}

static X509 *delegate_make(enum signer signer, const struct cert_chain *chain, EVP_PKEY *key)
{
    struct cert_want want = {.subject = "Responder", .change = signer == BY_DELEGATE_NO_USAGE ? NULL : ocsp_usage};
    enum cert_role by = signer == BY_DELEGATE_OF_ROOT ? CERT_ROOT : CERT_ISSUER;
    if (signer == BY_DELEGATE_EXPIRED) {
        want.from_s = -9;
        want.until_s = -1;
    }
    return cert_make(CERT_SERVER, &want, key, chain->certs[by], signer == BY_DELEGATE_FORGED ? key : chain->keys[by]);
}

static void sign(OCSP_BASICRESP *basic, const struct row *row, const struct cert_chain *chain)
{
    const EVP_MD *digest = row->sha1 ? EVP_sha1() : EVP_sha256();
    unsigned long flags = OCSP_NOTIME | (row->signer == BY_ISSUER_KEY_ID ? OCSP_RESPID_KEY : 0);
    EVP_PKEY *key = cert_key(row->signer == BY_DELEGATE_WEAK ? "RSA 1024" : "P-256");
    X509 *own = NULL, *signer;
    enum cert_role role = CERT_ISSUER;
    switch (row->signer) {
    case BY_ISSUER:
    case BY_ISSUER_KEY_ID: break;
    case BY_ROOT: role = CERT_ROOT; break;
    case BY_SERVER: role = CERT_SERVER; break;
    case BY_STRANGER: own = cert_make(CERT_ISSUER, &(struct cert_want){0}, key, NULL, NULL); break;
    default: own = delegate_make(row->signer, chain, key);
    }
    signer = own == NULL ? chain->certs[role] : own;
    assert_int_equal(OCSP_basic_sign(basic, signer, own == NULL ? chain->keys[role] : key, digest, NULL, flags), 1);
    X509_free(own);
    EVP_PKEY_free(key);
}

/* The staple's bytes; the caller frees them. */
static unsigned char *staple_make(const struct row *row, const struct cert_chain *chain, size_t *ret_len)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    add_all(basic, row, chain);
    sign(basic, row, chain);
    const ASN1_OCTET_STRING *signature = OCSP_resp_get0_signature(basic);
    if (row->harm == SIGNATURE)
        *(unsigned char *)ASN1_STRING_get0_data(signature) ^= 0xff;
    OCSP_RESPONSE *response = row->harm == TRY_LATER ? OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL)
                                                     : OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL, *bytes = calloc(1, 2 * TRUST_OCSP_SIZE_MAX);
    size_t len = (size_t)i2d_OCSP_RESPONSE(response, &der);
    memcpy(bytes, der, len);
    assert_int_equal(len > TRUST_OCSP_SIZE_MAX, row->about == ABOUT_CROWD);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    switch (row->harm) {
    case CUT: len--; break;
    case TRAILING: len++; break;
    case GARBAGE: memset(bytes, 0x30, len); break;
    default: break;
    }
    *ret_len = len;
    return bytes;
}

static struct trust_cert judge(const struct cert_chain *chain, struct slice staple)
{
    struct trust_cert_ask ask = {.store = chain->store, .chain = chain->shown, .host = CERT_HOST, .now_us = CERT_NOW_US,
                                 .staple = staple};
    struct trust_cert cert;
    trust_cert_check(&ask, &cert);
    return cert;
}

static void check_row(const struct row *row, void (*change)(X509 *))
{
    struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.change = change},
                                          [CERT_ISSUER] = {.key = row->sha1 ? "RSA 2048" : NULL}};
    struct cert_chain chain;
    size_t len;
    cert_chain_make(&chain, wants);
    unsigned char *bytes = staple_make(row, &chain, &len);
    struct trust_cert cert = judge(&chain, slice_of(bytes, len));
    enum trust_cert_fault fault = change == NULL || row->state == TRUST_OCSP_GOOD || row->state == TRUST_OCSP_REVOKED
                                      ? row->fault : TRUST_CERT_STAPLE;
    if (cert.ocsp != row->state || cert.fault != fault)
        fail_msg("%s: %s, %s (%s)", row->what, trust_ocsp_name(cert.ocsp), trust_cert_fault_name(cert.fault), cert.detail);
    assert_int_equal(cert.must_staple, change != NULL);
    trust_cert_free(&cert);
    free(bytes);
    cert_chain_free(&chain);
}

static void test_staples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        check_row(&rows[i], NULL);
        check_row(&rows[i], must_staple);
    }
}

static void test_no_staple(void **state)
{
    static const struct {
        void (*change)(X509 *);
        bool must;
    } features[] = {{NULL, false}, {must_staple, true}, {must_staple_2, true}, {other_feature, false}};
    (void)state;
    for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
        struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.change = features[i].change}};
        struct cert_chain chain;
        cert_chain_make(&chain, wants);
        struct trust_cert cert = judge(&chain, SLICE_EMPTY);
        assert_int_equal(cert.must_staple, features[i].must);
        assert_int_equal(cert.ocsp, TRUST_OCSP_NONE);
        assert_int_equal(cert.fault, features[i].must ? TRUST_CERT_STAPLE : TRUST_CERT_FINE);
        trust_cert_free(&cert);
        cert_chain_free(&chain);
    }
}

/* What is wrong with the path itself stays what is told. */
static void test_the_path_comes_first(void **state)
{
    const struct row revoked = {"", BY_ISSUER, ABOUT_SERVER, WHOLE, REVOKED, -HOUR, HOUR, false, 0, 0};
    struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.from_s = -9, .until_s = -1, .change = must_staple}};
    struct cert_chain chain;
    size_t len;
    (void)state;
    cert_chain_make(&chain, wants);
    unsigned char *bytes = staple_make(&revoked, &chain, &len);
    struct trust_cert cert = judge(&chain, slice_of(bytes, len));
    assert_int_equal(cert.fault, TRUST_CERT_EXPIRED);
    assert_int_equal(cert.ocsp, TRUST_OCSP_REVOKED);
    trust_cert_free(&cert);
    free(bytes);
    cert_chain_free(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_staples),
        cmocka_unit_test(test_no_staple),
        cmocka_unit_test(test_the_path_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
