/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL builds and checks the path; what its settings cannot say (key types, serverAuth alone) is checked here. */
#include "trust/trust_cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"

/* 112 bits: RSA and DH >= 2048, SHA-2 signatures (SP 800-52r2). */
#define CERT_SECURITY_LEVEL 2
#define CERT_RSA_BITS_MIN 2048

static const char *const fault_names[] = {
    [TRUST_CERT_FINE] = "fine",           [TRUST_CERT_NONE] = "missing",       [TRUST_CERT_EXPIRED] = "expired",
    [TRUST_CERT_NOT_YET] = "not-yet-valid", [TRUST_CERT_SELF_SIGNED] = "self-signed", [TRUST_CERT_UNTRUSTED] = "untrusted",
    [TRUST_CERT_CHAIN] = "chain-invalid", [TRUST_CERT_NAME] = "name-mismatch", [TRUST_CERT_KEY] = "weak-key",
    [TRUST_CERT_SIGNATURE] = "weak-signature", [TRUST_CERT_USAGE] = "wrong-usage", [TRUST_CERT_REVOKED] = "revoked",
};

const char *trust_cert_fault_name(enum trust_cert_fault fault)
{
    return (size_t)fault < sizeof(fault_names) / sizeof(*fault_names) ? fault_names[fault] : "?";
}

void trust_cert_free(struct trust_cert *cert)
{
    mem_free(cert->detail);
    mem_free(cert->key);
    mem_free(cert->signature);
    mem_free(cert->names);
    mem_free(cert->checked_name);
    mem_free(cert->matched_name);
    memset(cert, 0, sizeof(*cert));
}

static void fail(struct trust_cert *cert, enum trust_cert_fault fault, const char *detail)
{
    if (cert->fault != TRUST_CERT_FINE)
        return;
    cert->fault = fault;
    cert->detail = mem_strdup(detail);
}

static enum trust_cert_fault fault_of(int error)
{
    switch (error) {
    case X509_V_OK: return TRUST_CERT_FINE;
    case X509_V_ERR_CERT_HAS_EXPIRED: return TRUST_CERT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID: return TRUST_CERT_NOT_YET;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return TRUST_CERT_SELF_SIGNED;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED: return TRUST_CERT_UNTRUSTED;
    case X509_V_ERR_HOSTNAME_MISMATCH: return TRUST_CERT_NAME;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL: return TRUST_CERT_KEY;
    case X509_V_ERR_CA_MD_TOO_WEAK: return TRUST_CERT_SIGNATURE;
    case X509_V_ERR_INVALID_PURPOSE: return TRUST_CERT_USAGE;
    case X509_V_ERR_CERT_REVOKED: return TRUST_CERT_REVOKED;
    default: return TRUST_CERT_CHAIN;
    }
}

static int64_t time_us(const ASN1_TIME *t)
{
    struct tm tm;
    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm) * CLOCK_US_PER_S;
}

static char *key_text(EVP_PKEY *key)
{
    char curve[64] = "";
    struct buf text;
    buf_init(&text, 128);
    if (key == NULL)
        buf_append_str(&text, "unreadable");
    else if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_utf8_string_param(key, "group", curve, sizeof(curve), NULL) == 1)
        buf_printf(&text, "EC %s", curve);
    else
        buf_printf(&text, "%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
    char *out = mem_strndup(text.data, text.len);
    buf_free(&text);
    return out;
}

/* RSA of at least 2048 bits, the named curves P-256, P-384, P-521, Ed25519, Ed448. */
static bool key_fit(EVP_PKEY *key)
{
    static const char *const curves[] = {"prime256v1", "secp384r1", "secp521r1", "P-256", "P-384", "P-521"};
    char curve[64] = "";
    if (key == NULL)
        return false;
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
        return EVP_PKEY_get_bits(key) >= CERT_RSA_BITS_MIN;
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
        return true;
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_utf8_string_param(key, "group", curve, sizeof(curve), NULL) != 1)
        return false;
    for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++) {
        if (strcmp(curve, curves[i]) == 0)
            return true;
    }
    return false;
}

/* The DNS names, one a line, escaped, so that a NUL or a line end inside a name shows as what it is. */
static char *names_text(X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    struct buf text;
    buf_init(&text, TRUST_NAMES_MAX);
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        size_t before = text.len;
        if (name->type != GEN_DNS)
            continue;
        struct slice dns = slice_of(ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName));
        bool room = (before == 0 || buf_append_byte(&text, '\n')) && codec_escape(&text, dns);
        if (!room) {
            text.len = before;
            break;
        }
    }
    GENERAL_NAMES_free(names);
    char *out = mem_strndup(text.data, text.len);
    buf_free(&text);
    return out;
}

static void read_leaf(X509 *leaf, struct trust_cert *cert)
{
    cert->key = key_text(X509_get0_pubkey(leaf));
    cert->signature = mem_strdup(OBJ_nid2ln(X509_get_signature_nid(leaf)));
    cert->names = names_text(leaf);
    cert->from_us = time_us(X509_get0_notBefore(leaf));
    cert->until_us = time_us(X509_get0_notAfter(leaf));
}

static void read_chain(STACK_OF(X509) *chain, struct trust_cert *cert)
{
    for (int i = 0; i < sk_X509_num(chain) && cert->chain_count < TRUST_CHAIN_MAX; i++) {
        unsigned len = DIGEST_SIZE;
        if (X509_digest(sk_X509_value(chain, i), EVP_sha256(), cert->chain[cert->chain_count].b, &len) == 1)
            cert->chain_count++;
    }
}

/* What holds for every certificate of the verified path. */
static void check_path(STACK_OF(X509) *path, struct trust_cert *cert)
{
    for (int i = 0; i < sk_X509_num(path); i++) {
        X509 *x = sk_X509_value(path, i);
        int64_t from = time_us(X509_get0_notBefore(x));
        int64_t until = time_us(X509_get0_notAfter(x));
        cert->from_us = from > cert->from_us ? from : cert->from_us;
        cert->until_us = until < cert->until_us ? until : cert->until_us;
        if (!key_fit(X509_get0_pubkey(x)))
            fail(cert, TRUST_CERT_KEY, i == 0 ? "key of the server" : "key of an issuer");
        /* OpenSSL compares constraints with the pattern, not with the names it stands for (CVE-2025-61727). */
        if (cert->matched_name[0] == '*' && X509_get_ext_by_NID(x, NID_name_constraints, -1) >= 0)
            fail(cert, TRUST_CERT_CHAIN, "wildcard under an issuer with name constraints");
    }
}

static void check_usage(X509 *leaf, struct trust_cert *cert)
{
    uint32_t flags = X509_get_extension_flags(leaf);
    if ((flags & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(leaf) & XKU_SSL_SERVER) == 0)
        fail(cert, TRUST_CERT_USAGE, "extendedKeyUsage without serverAuth");
}

static bool set_params(X509_STORE_CTX *ctx, const char *host, int64_t now_us)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set_auth_level(param, CERT_SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_depth(param, (int)TRUST_CHAIN_MAX - 2);
    X509_VERIFY_PARAM_set_time(param, (time_t)(now_us / CLOCK_US_PER_S));
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_TRUSTED_FIRST);
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}

static void verify(X509_STORE_CTX *ctx, X509 *leaf, const char *host, int64_t now_us, struct trust_cert *cert)
{
    if (host[0] == '\0' || !set_params(ctx, host, now_us)) {
        fail(cert, TRUST_CERT_NAME, "no host name to check");
        return;
    }
    int good = X509_verify_cert(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    if (good != 1 || error != X509_V_OK) {
        enum trust_cert_fault fault = fault_of(error);
        fail(cert, fault == TRUST_CERT_FINE ? TRUST_CERT_CHAIN : fault, X509_verify_cert_error_string(error));
        return;
    }
    const char *matched = X509_VERIFY_PARAM_get0_peername(X509_STORE_CTX_get0_param(ctx));
    if (matched == NULL) {
        fail(cert, TRUST_CERT_NAME, "no name was matched");
        return;
    }
    cert->matched_name = mem_strdup(matched);
    check_path(X509_STORE_CTX_get0_chain(ctx), cert);
    check_usage(leaf, cert);
}

static char *host_without_dot(const char *host)
{
    size_t len = strlen(host);
    return mem_strndup(host, len > 0 && host[len - 1] == '.' ? len - 1 : len);
}

void trust_cert_check(const struct trust_cert_ask *ask, struct trust_cert *ret_cert)
{
    STACK_OF(X509) *chain = ask->chain;
    memset(ret_cert, 0, sizeof(*ret_cert));
    ret_cert->checked = true;
    ret_cert->checked_name = host_without_dot(ask->host);
    if (chain == NULL || sk_X509_num(chain) == 0) {
        fail(ret_cert, TRUST_CERT_NONE, "no certificate");
        return;
    }
    X509 *leaf = sk_X509_value(chain, 0);
    read_leaf(leaf, ret_cert);
    read_chain(chain, ret_cert);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (ctx != NULL && X509_STORE_CTX_init(ctx, ask->store, leaf, chain) == 1)
        verify(ctx, leaf, ret_cert->checked_name, ask->now_us, ret_cert);
    else
        fail(ret_cert, TRUST_CERT_CHAIN, "the verifier could not start");
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
}
