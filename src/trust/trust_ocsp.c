/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL reads the response and checks its signature; who may have signed and what counts is decided here, at the time
 * that was asked for: OCSP_basic_verify() on its own would use the clock. */
#include "trust/trust_ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "trust/trust_key.h"
#include "trust/trust_path.h"

const char *trust_ocsp_name(enum trust_ocsp state)
{
    static const char *const names[] = {
        [TRUST_OCSP_NONE] = "none",       [TRUST_OCSP_GOOD] = "good",       [TRUST_OCSP_REVOKED] = "revoked",
        [TRUST_OCSP_UNKNOWN] = "unknown", [TRUST_OCSP_INVALID] = "invalid", [TRUST_OCSP_STALE] = "stale",
    };
    return (size_t)state < sizeof(names) / sizeof(*names) ? names[state] : "?";
}

/* Signed by signer, whose name or key the response gives as its responder. */
static bool signed_by(OCSP_BASICRESP *basic, X509 *signer)
{
    STACK_OF(X509) *only = sk_X509_new_null();
    bool good = only != NULL && sk_X509_push(only, signer) > 0 &&
                OCSP_basic_verify(basic, only, NULL, OCSP_NOINTERN | OCSP_TRUSTOTHER) == 1;
    sk_X509_free(only);
    return good;
}

/* RFC 6960 section 4.2.2.2: issued by the issuer itself, for this. */
static bool is_delegate(X509 *x, X509 *issuer, int64_t now_us, enum trust_profile profile)
{
    int digest, key, bits;
    uint32_t flags;
    return (X509_get_extended_key_usage(x) & XKU_OCSP_SIGN) != 0 && (X509_get_extension_flags(x) & EXFLAG_XKUSAGE) != 0 &&
           (X509_get_extension_flags(x) & (EXFLAG_INVALID | EXFLAG_CRITICAL)) == 0 &&
           now_us >= trust_path_time_us(X509_get0_notBefore(x)) && now_us <= trust_path_time_us(X509_get0_notAfter(x)) &&
           trust_key_fit(X509_get0_pubkey(x), profile) &&
           X509_get_signature_info(x, &digest, &key, &bits, &flags) == 1 && trust_key_digest_fit(digest, key, profile) &&
           X509_check_issued(issuer, x) == X509_V_OK && X509_verify(x, X509_get0_pubkey(issuer)) == 1;
}

static bool signature_strong(const OCSP_BASICRESP *basic, enum trust_profile profile)
{
    const ASN1_OBJECT *algorithm;
    int digest = NID_undef, key = NID_undef;
    X509_ALGOR_get0(&algorithm, NULL, NULL, OCSP_resp_get0_tbs_sigalg(basic));
    return OBJ_find_sigid_algs(OBJ_obj2nid(algorithm), &digest, &key) == 1 && trust_key_digest_fit(digest, key, profile);
}

static bool authentic(OCSP_BASICRESP *basic, X509 *issuer, int64_t now_us, enum trust_profile profile)
{
    const STACK_OF(X509) *certs = OCSP_resp_get0_certs(basic);
    if (!signature_strong(basic, profile))
        return false;
    if (signed_by(basic, issuer))
        return true;
    for (int i = 0; i < sk_X509_num(certs) && i < TRUST_OCSP_CERTS_MAX; i++) {
        X509 *x = sk_X509_value(certs, i);
        if (is_delegate(x, issuer, now_us, profile) && signed_by(basic, x))
            return true;
    }
    return false;
}

/* True when the answer is about leaf. Its digests are identifiers, so SHA-1 is as good as any. */
static bool is_about(const OCSP_SINGLERESP *single, const X509 *leaf, const X509 *issuer)
{
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT *algorithm = NULL;
    OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, (OCSP_CERTID *)id);
    const EVP_MD *digest = EVP_get_digestbyobj(algorithm);
    OCSP_CERTID *own = digest == NULL ? NULL : OCSP_cert_to_id(digest, leaf, issuer);
    bool same = own != NULL && OCSP_id_cmp(own, id) == 0;
    OCSP_CERTID_free(own);
    return same;
}

static enum trust_ocsp state_of(OCSP_SINGLERESP *single, int64_t now_us)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    int status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);
    if (from == NULL || until == NULL || now_us < trust_path_time_us(from) || now_us > trust_path_time_us(until))
        return TRUST_OCSP_STALE;
    return status == V_OCSP_CERTSTATUS_GOOD      ? TRUST_OCSP_GOOD
           : status == V_OCSP_CERTSTATUS_REVOKED ? TRUST_OCSP_REVOKED
                                                 : TRUST_OCSP_UNKNOWN;
}

static enum trust_ocsp find(OCSP_BASICRESP *basic, const X509 *leaf, const X509 *issuer, int64_t now_us)
{
    enum trust_ocsp found = TRUST_OCSP_INVALID;
    for (int i = 0; i < OCSP_resp_count(basic) && i < TRUST_OCSP_SINGLES_MAX; i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (!is_about(single, leaf, issuer))
            continue;
        enum trust_ocsp state = state_of(single, now_us);
        if (state == TRUST_OCSP_REVOKED)
            return state;
        if (found == TRUST_OCSP_INVALID)
            found = state;
    }
    return found;
}

static enum trust_ocsp judge(OCSP_RESPONSE *response, X509 *leaf, X509 *issuer, int64_t now_us,
                             enum trust_profile profile)
{
    OCSP_BASICRESP *basic = NULL;
    enum trust_ocsp state = TRUST_OCSP_INVALID;
    if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    if (basic != NULL && authentic(basic, issuer, now_us, profile))
        state = find(basic, leaf, issuer, now_us);
    OCSP_BASICRESP_free(basic);
    return state;
}

enum trust_ocsp trust_ocsp_check(struct slice staple, X509 *leaf, X509 *issuer, int64_t now_us,
                                 enum trust_profile profile)
{
    const unsigned char *at = staple.data;
    enum trust_ocsp state = TRUST_OCSP_INVALID;
    if (staple.len == 0)
        return TRUST_OCSP_NONE;
    if (staple.len > TRUST_OCSP_SIZE_MAX || issuer == NULL)
        return state;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)staple.len);
    if (response != NULL && at == staple.data + staple.len)
        state = judge(response, leaf, issuer, now_us, profile);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return state;
}
