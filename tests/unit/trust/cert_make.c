/* SPDX-License-Identifier: Apache-2.0 */
/* Makes certificates with OpenSSL. */
#include "cert_make.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

EVP_PKEY *cert_key(const char *kind)
{
    EVP_PKEY *key = strncmp(kind, "RSA ", 4) == 0    ? EVP_RSA_gen((unsigned)strtoul(kind + 4, NULL, 10))
                    : strncmp(kind, "ED", 2) == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, kind)
                                                  : EVP_EC_gen(kind);
    assert_non_null(key);
    return key;
}

void cert_extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void cert_strip(X509 *x, int nid)
{
    X509_EXTENSION *extension = X509_delete_ext(x, X509_get_ext_by_NID(x, nid, -1));
    assert_non_null(extension);
    X509_EXTENSION_free(extension);
}

/* By hand: OpenSSL would want the issuer's own identifier, which a test may have taken away. */
static void set_issuer(X509 *x, const X509 *issuer)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = sizeof(digest);
    AUTHORITY_KEYID *keyid = AUTHORITY_KEYID_new();
    keyid->keyid = ASN1_OCTET_STRING_new();
    assert_int_equal(X509_pubkey_digest(issuer, EVP_sha1(), digest, &len), 1);
    assert_int_equal(ASN1_OCTET_STRING_set(keyid->keyid, digest, (int)len), 1);
    assert_int_equal(X509_add1_ext_i2d(x, NID_authority_key_identifier, keyid, 0, X509V3_ADD_APPEND), 1);
    AUTHORITY_KEYID_free(keyid);
}

static void extend_all(X509 *x, enum cert_role role, const struct cert_want *want, X509 *issuer)
{
    bool server = role == CERT_SERVER;
    const char *usage = want->usage == NULL ? "serverAuth" : want->usage;
    cert_extend(x, NID_basic_constraints, server ? "critical,CA:FALSE" : "critical,CA:TRUE");
    cert_extend(x, NID_key_usage, server ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
    cert_extend(x, NID_subject_key_identifier, "hash");
    if (issuer != x)
        set_issuer(x, issuer);
    if (server && usage[0] != '\0')
        cert_extend(x, NID_ext_key_usage, usage);
    if (server)
        cert_extend(x, NID_subject_alt_name, want->san == NULL ? "DNS:" CERT_HOST : want->san);
}

X509 *cert_make(enum cert_role role, const struct cert_want *want, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    static const char *const names[] = {"Server", "Issuer", "Root"};
    const char *name = want->subject == NULL ? names[role] : want->subject;
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    EVP_PKEY *signer = issuer == NULL ? key : issuer_key;
    const EVP_MD *digest = want->digest == NULL ? EVP_sha256() : want->digest;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1000 + (long)role);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, issuer == NULL ? subject : X509_get_subject_name(issuer));
    ASN1_TIME_set(X509_getm_notBefore(x), CERT_NOW_S + (want->from_s == 0 ? -CERT_DAY_S : want->from_s));
    ASN1_TIME_set(X509_getm_notAfter(x), CERT_NOW_S + (want->until_s == 0 ? 90 * CERT_DAY_S : want->until_s));
    X509_set_pubkey(x, key);
    extend_all(x, role, want, issuer == NULL ? x : issuer);
    if (want->change != NULL)
        want->change(x);
    bool edwards = EVP_PKEY_is_a(signer, "ED25519") || EVP_PKEY_is_a(signer, "ED448");
    assert_true(X509_sign(x, signer, edwards ? NULL : digest) > 0);
    return x;
}

void cert_chain_make(struct cert_chain *ret_chain, const struct cert_want wants[CERT_ROLES])
{
    static const struct cert_want usual[CERT_ROLES];
    const struct cert_want *want = wants == NULL ? usual : wants;
    memset(ret_chain, 0, sizeof(*ret_chain));
    for (int role = CERT_ROOT; role >= CERT_SERVER; role--) {
        X509 *issuer = role == CERT_ROOT ? NULL : ret_chain->certs[role + 1];
        ret_chain->keys[role] = cert_key(want[role].key == NULL ? "P-256" : want[role].key);
        ret_chain->certs[role] = cert_make((enum cert_role)role, &want[role], ret_chain->keys[role], issuer,
                                           issuer == NULL ? NULL : ret_chain->keys[role + 1]);
    }
    ret_chain->store = X509_STORE_new();
    X509_STORE_add_cert(ret_chain->store, ret_chain->certs[CERT_ROOT]);
    ret_chain->shown = sk_X509_new_null();
    sk_X509_push(ret_chain->shown, ret_chain->certs[CERT_SERVER]);
    sk_X509_push(ret_chain->shown, ret_chain->certs[CERT_ISSUER]);
}

void cert_chain_free(struct cert_chain *chain)
{
    for (int role = 0; role < CERT_ROLES; role++) {
        X509_free(chain->certs[role]);
        EVP_PKEY_free(chain->keys[role]);
    }
    X509_STORE_free(chain->store);
    sk_X509_free(chain->shown);
}
