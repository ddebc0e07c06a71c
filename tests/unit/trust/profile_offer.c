/* SPDX-License-Identifier: Apache-2.0 */
/* One-offer receivers. SRP is deprecated in OpenSSL 3 and still served by Debian's: that is why it is here. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "profile_offer.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "sixteen bytes!!!"
#define ALL_SUITES "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
#define ALL_13                                                                                                    \
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:"          \
    "TLS_AES_128_CCM_8_SHA256"
#define ROUNDS_MAX 20

/* ---- keys ---- */

static EVP_PKEY *dsa_of(int bits)
{
    EVP_PKEY *parameters = NULL;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    if (EVP_PKEY_paramgen_init(ctx) == 1 && EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, bits) == 1 &&
        EVP_PKEY_paramgen(ctx, &parameters) == 1) {
        EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
        if (EVP_PKEY_keygen_init(maker) != 1 || EVP_PKEY_keygen(maker, &key) != 1)
            key = NULL;
        EVP_PKEY_CTX_free(maker);
    }
    EVP_PKEY_free(parameters);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *rsa_pss_of(int bits)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    if (EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits) != 1 ||
        EVP_PKEY_generate(ctx, &key) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *key_make(const char *name)
{
    if (strncmp(name, "RSA-PSS-", 8) == 0)
        return rsa_pss_of((int)strtol(name + 8, NULL, 10));
    if (strncmp(name, "RSA-", 4) == 0)
        return EVP_RSA_gen((unsigned)strtoul(name + 4, NULL, 10));
    if (strncmp(name, "DSA-", 4) == 0)
        return dsa_of((int)strtol(name + 4, NULL, 10));
    if (strcmp(name, "ED25519") == 0 || strcmp(name, "ED448") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, name);
    return EVP_EC_gen(strcmp(name, "root") == 0 ? "P-256" : name);
}

static EVP_PKEY *key_of(struct offer_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->name[i], name) == 0)
            return keys->key[i];
    }
    EVP_PKEY *key = keys->count < OFFER_KEYS_MAX ? key_make(name) : NULL;
    if (key != NULL) {
        keys->name[keys->count] = name;
        keys->key[keys->count++] = key;
    }
    return key;
}

void offer_keys_free(struct offer_keys *keys)
{
    while (keys->count > 0)
        EVP_PKEY_free(keys->key[--keys->count]);
}

/* ---- certificates ---- */

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (extension != NULL)
        X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *blank(const char *name, EVP_PKEY *key, X509 *issuer, long serial)
{
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, issuer == NULL ? subject : X509_get_subject_name(issuer));
    X509_gmtime_adj(X509_getm_notBefore(x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x), 30L * 86400);
    X509_set_pubkey(x, key);
    extend(x, issuer == NULL ? x : issuer, NID_subject_key_identifier, "hash");
    if (issuer != NULL)
        extend(x, issuer, NID_authority_key_identifier, "keyid:always");
    return x;
}

/* The digest itself of a root's signature is nobody's business: it is trusted as it is. */
static X509 *root_make(EVP_PKEY *key)
{
    bool edwards = EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1;
    X509 *x = blank("Root of the table", key, NULL, 4711);
    extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
    extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
    X509_sign(x, key, edwards ? NULL : EVP_sha256());
    return x;
}

/* NULL where this key cannot sign with this digest. */
static X509 *leaf_make(EVP_PKEY *key, X509 *root, EVP_PKEY *root_key, const char *digest)
{
    const EVP_MD *md = digest == NULL ? NULL : EVP_get_digestbyname(digest);
    X509 *x = blank("Receiver", key, root, 4712);
    extend(x, root, NID_basic_constraints, "critical,CA:FALSE");
    extend(x, root, NID_key_usage, "critical,digitalSignature,keyEncipherment");
    extend(x, root, NID_ext_key_usage, "serverAuth");
    extend(x, root, NID_subject_alt_name, "DNS:" OFFER_HOST);
    if ((digest != NULL && md == NULL) || X509_sign(x, root_key, md) <= 0) {
        X509_free(x);
        x = NULL;
    }
    return x;
}

static bool certify(SSL_CTX *ctx, struct offer_keys *keys, const struct offer *offer, X509 **ret_root)
{
    EVP_PKEY *key = key_of(keys, offer->key != NULL ? offer->key : "P-256");
    EVP_PKEY *issuer = key_of(keys, offer->issuer != NULL ? offer->issuer : "root");
    if (key == NULL || issuer == NULL)
        return false;
    X509 *root = root_make(issuer);
    X509 *leaf = leaf_make(key, root, issuer, offer->issuer == NULL ? "SHA256" : offer->digest);
    bool ok = leaf != NULL && SSL_CTX_use_certificate(ctx, leaf) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    X509_free(leaf);
    if (ok)
        *ret_root = root;
    else
        X509_free(root);
    return ok;
}

/* ---- the two ends ---- */

/* Parameters of few bits are made here; larger ones are those everybody uses. */
static EVP_PKEY *dh_of(const char *name)
{
    EVP_PKEY *parameters = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    size_t bits = strtoul(name, NULL, 10);
    OSSL_PARAM made[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_FFC_TYPE, (char *)(uintptr_t)"generator", 9),
                         OSSL_PARAM_size_t(OSSL_PKEY_PARAM_FFC_PBITS, &bits), OSSL_PARAM_END};
    OSSL_PARAM known[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)name, strlen(name)), OSSL_PARAM_END};
    bool ok = EVP_PKEY_paramgen_init(ctx) == 1 && EVP_PKEY_CTX_set_params(ctx, bits > 0 && strchr(name, '_') == NULL ? made : known) == 1;
    if (!ok || EVP_PKEY_paramgen(ctx, &parameters) != 1)
        parameters = NULL;
    EVP_PKEY_CTX_free(ctx);
    return parameters;
}

static unsigned psk_server(SSL *ssl, const char *identity, unsigned char *psk, unsigned max)
{
    (void)ssl;
    (void)identity;
    (void)max;
    memcpy(psk, SECRET, 16);
    return 16;
}

static unsigned psk_client(SSL *ssl, const char *hint, char *identity, unsigned max, unsigned char *psk, unsigned psk_max)
{
    (void)ssl;
    (void)hint;
    (void)psk_max;
    (void)snprintf(identity, max, "user");
    memcpy(psk, SECRET, 16);
    return 16;
}

static int srp_server(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    (void)arg;
    return SSL_set_srp_server_param_pw(ssl, "user", SECRET, "2048") < 0 ? SSL3_AL_FATAL : SSL_ERROR_NONE;
}

static bool set_offer(SSL_CTX *ctx, const struct offer *offer)
{
    bool tls13 = offer->version == TLS1_3_VERSION;
    const char *suites = !tls13 && offer->suites != NULL ? offer->suites : ALL_SUITES;
    SSL_CTX_set_security_level(ctx, 0);
    return SSL_CTX_set_min_proto_version(ctx, offer->version) == 1 && SSL_CTX_set_max_proto_version(ctx, offer->version) == 1 &&
           SSL_CTX_set_cipher_list(ctx, suites) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, tls13 && offer->suites != NULL ? offer->suites : ALL_13) == 1 &&
           (offer->groups == NULL || SSL_CTX_set1_groups_list(ctx, offer->groups) == 1) &&
           (offer->signatures == NULL || SSL_CTX_set1_sigalgs_list(ctx, offer->signatures) == 1);
}

SSL_CTX *offer_server(struct offer_keys *keys, const struct offer *offer, X509 **ret_root)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *dh = offer->dh != NULL ? dh_of(offer->dh) : NULL;
    bool ok = set_offer(ctx, offer) && (offer->dh == NULL || (dh != NULL && SSL_CTX_set0_tmp_dh_pkey(ctx, dh) == 1));
    if (!ok)
        EVP_PKEY_free(dh);
    if (offer->dh == NULL)
        SSL_CTX_set_dh_auto(ctx, 1);
    if (offer->no_extended_master)
        SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    SSL_CTX_set_psk_server_callback(ctx, psk_server);
    SSL_CTX_set_srp_username_callback(ctx, srp_server);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
    ok = ok && certify(ctx, keys, offer, ret_root);
    ERR_clear_error();
    if (!ok) {
        SSL_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

SSL_CTX *offer_control(const struct offer *offer)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    bool ok = set_offer(ctx, offer);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_psk_client_callback(ctx, psk_client);
    SSL_CTX_set_srp_username(ctx, (char *)(uintptr_t)"user");
    SSL_CTX_set_srp_password(ctx, (char *)(uintptr_t)SECRET);
    ERR_clear_error();
    if (!ok) {
        SSL_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

bool offer_shake(SSL *client, SSL *server)
{
    BIO *one = NULL;
    BIO *two = NULL;
    BIO_new_bio_pair(&one, 65536, &two, 65536);
    SSL_set_bio(client, one, one);
    SSL_set_bio(server, two, two);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int i = 0; i < ROUNDS_MAX && !(SSL_is_init_finished(client) && SSL_is_init_finished(server)); i++) {
        ERR_clear_error();
        (void)SSL_do_handshake(client);
        ERR_clear_error();
        (void)SSL_do_handshake(server);
    }
    ERR_clear_error();
    return SSL_is_init_finished(client) == 1 && SSL_is_init_finished(server) == 1;
}
