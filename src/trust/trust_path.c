/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL builds and checks the path: signatures, dates, constraints, purposes, names. */
#include "trust/trust_path.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "trust/trust_key.h"

/* 112 bits: RSA and DH >= 2048, SHA-2 signatures (SP 800-52r2). */
#define SECURITY_LEVEL 2

static enum trust_cert_fault fault_of(int error)
{
    switch (error) {
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
    default: return TRUST_CERT_CHAIN;
    }
}

int64_t trust_path_time_us(const ASN1_TIME *time)
{
    struct tm tm;
    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm) * CLOCK_US_PER_S;
}

/* The first name takes the place of none, the others are added to it. */
static bool set_names(X509_VERIFY_PARAM *param, const struct trust_path_ask *ask)
{
    size_t set = 0;
    for (size_t i = 0; i < ask->name_count; i++) {
        const char *name = ask->names[i];
        size_t len = strlen(name);
        if (len > 0 && name[len - 1] == '.')
            len--;
        if (len == 0)
            continue;
        if (X509_VERIFY_PARAM_add1_host(param, name, len) != 1)
            return false;
        set++;
    }
    return set > 0;
}

static bool set_params(X509_STORE_CTX *ctx, const struct trust_path_ask *ask)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    X509_VERIFY_PARAM_set_depth(param, (int)TRUST_CHAIN_MAX - 2);
    X509_VERIFY_PARAM_set_time(param, (time_t)(ask->now_us / CLOCK_US_PER_S));
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_TRUSTED_FIRST | (ask->partial ? X509_V_FLAG_PARTIAL_CHAIN : 0UL));
    return set_names(param, ask);
}

static void keep(X509_STORE_CTX *ctx, struct trust_path *path)
{
    path->certs = X509_STORE_CTX_get1_chain(ctx);
    path->matched = mem_strdup(X509_VERIFY_PARAM_get0_peername(X509_STORE_CTX_get0_param(ctx)));
    path->from_us = INT64_MIN;
    path->until_us = INT64_MAX;
    for (int i = 0; i < sk_X509_num(path->certs); i++) {
        const X509 *x = sk_X509_value(path->certs, i);
        int64_t from = trust_path_time_us(X509_get0_notBefore(x));
        int64_t until = trust_path_time_us(X509_get0_notAfter(x));
        path->from_us = from > path->from_us ? from : path->from_us;
        path->until_us = until < path->until_us ? until : path->until_us;
    }
}

static struct trust_flaw verify(X509_STORE_CTX *ctx, const struct trust_path_ask *ask)
{
    if ((X509_get_extension_flags(sk_X509_value(ask->chain, 0)) & EXFLAG_INVALID) != 0) /* OpenSSL would blame the issuer */
        return (struct trust_flaw){TRUST_CERT_CHAIN, "a malformed extension"};
    if (!set_params(ctx, ask))
        return (struct trust_flaw){TRUST_CERT_NAME, "no host name to check"};
    int good = X509_verify_cert(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    if (good != 1 || error != X509_V_OK)
        return (struct trust_flaw){fault_of(error), X509_verify_cert_error_string(error)};
    if (X509_VERIFY_PARAM_get0_peername(X509_STORE_CTX_get0_param(ctx)) == NULL)
        return (struct trust_flaw){TRUST_CERT_NAME, "no name was matched"};
    return TRUST_FLAW_NONE;
}

void trust_path_find(const struct trust_path_ask *ask, struct trust_path *ret_path)
{
    *ret_path = (struct trust_path){.flaw = {TRUST_CERT_CHAIN, "the verifier could not start"}};
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (ctx != NULL && X509_STORE_CTX_init(ctx, ask->store, sk_X509_value(ask->chain, 0), ask->chain) == 1)
        ret_path->flaw = verify(ctx, ask);
    if (ret_path->flaw.fault == TRUST_CERT_FINE)
        keep(ctx, ret_path);
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
}

void trust_path_free(struct trust_path *path)
{
    sk_X509_pop_free(path->certs, X509_free);
    mem_free(path->matched);
    *path = (struct trust_path){0};
}

size_t trust_path_keys(const struct trust_path *path, struct digest spki[TRUST_CHAIN_MAX])
{
    size_t count = 0;
    for (int i = 0; i < sk_X509_num(path->certs) && count < TRUST_CHAIN_MAX; i++) {
        if (trust_key_spki(sk_X509_value(path->certs, i), &spki[count]))
            count++;
    }
    return count;
}
