/* SPDX-License-Identifier: Apache-2.0 */
/* The profiles' settings, a table. Names of suites and groups are OpenSSL's. */
#include "net/tls_profile.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#define STRICT_12                                                                                               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"                  \
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                    \
    "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256"
/* Without DHE: a TLS 1.2 server chooses its parameters itself, and nobody can tell whether they are approved ones. Without
 * CCM_8: SP 800-52r2 allows it, but its tag has half the length. */
#define NIST_12                                                                                                 \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"                  \
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-CCM:ECDHE-ECDSA-AES128-CCM"
#define NIST_13 "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256"
#define NIST_SIGNATURES                                                                                         \
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:" \
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"
#define RSA_BITS_MIN 2048

static const struct {
    const char *name;
    const char *suites_12;
    const char *suites_13;
    const char *groups;
    const char *signatures; /* NULL: the library's, less what security level 2 takes away (SHA-1, DSA) */
} profiles[] = {
    [TLS_PROFILE_STRICT] = {"strict", STRICT_12, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
                            "X25519:P-256:P-384:P-521", NULL},
    [TLS_PROFILE_NIST] = {"nist", NIST_12, NIST_13, "P-256:P-384", NIST_SIGNATURES},
    [TLS_PROFILE_FIPS] = {"fips", NIST_12, NIST_13, "P-256:P-384", NIST_SIGNATURES},
};

const char *tls_profile_name(enum tls_profile profile)
{
    return profiles[profile].name;
}

const char *tls_profile_error(void)
{
    const char *text = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return text != NULL ? text : "unknown failure of the TLS library";
}

static bool offer(SSL_CTX *ctx, enum tls_profile profile)
{
    const char *signatures = profiles[profile].signatures;
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, profiles[profile].suites_12) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, profiles[profile].suites_13) == 1 &&
           SSL_CTX_set1_groups_list(ctx, profiles[profile].groups) == 1 &&
           (signatures == NULL || SSL_CTX_set1_sigalgs_list(ctx, signatures) == 1) && SSL_CTX_set_max_early_data(ctx, 0) == 1;
}

bool tls_profile_apply(SSL_CTX *ctx, enum tls_profile profile, struct err *err)
{
    ERR_clear_error();
    SSL_CTX_set_security_level(ctx, 2);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return offer(ctx, profile) || err_set(err, "TLS profile %s: %s", tls_profile_name(profile), tls_profile_error());
}

bool tls_profile_key(enum tls_profile profile, const EVP_PKEY *key, struct err *err)
{
    char group[64] = "";
    if (profile == TLS_PROFILE_STRICT)
        return true;
    bool rsa = EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
    if (rsa && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN)
        return true;
    bool curve = EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1;
    int nid = curve ? OBJ_sn2nid(group) : NID_undef;
    return nid == NID_X9_62_prime256v1 || nid == NID_secp384r1 ||
           err_set(err, "profile %s wants a key on P-256 or P-384, or RSA of %d bits or more", tls_profile_name(profile),
                   RSA_BITS_MIN);
}
