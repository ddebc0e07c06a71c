/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's security level weighs bits; which kinds of keys and digests count is said here. */
#include "trust/trust_key.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

#include "base/buf.h"
#include "base/mem.h"

#define RSA_BITS_MIN 2048 /* 112 bits of strength (SP 800-57 part 1, table 2) */

#define CURVE_NAME_MAX 64

/* The curve's NID, or NID_undef. */
static int curve_of(const EVP_PKEY *key)
{
    char name[CURVE_NAME_MAX] = "";
    if (EVP_PKEY_get_utf8_string_param(key, "group", name, sizeof(name), NULL) != 1)
        return NID_undef;
    int nid = OBJ_sn2nid(name);
    return nid != NID_undef ? nid : EC_curve_nist2nid(name);
}

static const char *curve_name(int nid)
{
    const char *nist = EC_curve_nid2nist(nid);
    return nist != NULL ? nist : OBJ_nid2sn(nid);
}

bool trust_key_fit(const EVP_PKEY *key, enum trust_profile profile)
{
    bool strict = profile == TRUST_PROFILE_STRICT;
    if (key == NULL)
        return false;
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN && EVP_PKEY_get_bits(key) % 8 == 0;
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
        return strict;
    if (!EVP_PKEY_is_a(key, "EC"))
        return false;
    int curve = curve_of(key);
    return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || (curve == NID_secp521r1 && strict);
}

bool trust_key_digest_fit(int digest_nid, int key_nid, enum trust_profile profile)
{
    if (key_nid == NID_ED25519 || key_nid == NID_ED448)
        return profile == TRUST_PROFILE_STRICT;
    return digest_nid == NID_sha256 || digest_nid == NID_sha384 || digest_nid == NID_sha512;
}

static bool signature_fit(X509 *x, enum trust_profile profile)
{
    int digest = NID_undef, key = NID_undef, bits;
    uint32_t flags;
    return X509_get_signature_info(x, &digest, &key, &bits, &flags) == 1 && trust_key_digest_fit(digest, key, profile);
}

struct trust_flaw trust_key_path(STACK_OF(X509) *path, bool last_signed, enum trust_profile profile)
{
    int count = sk_X509_num(path);
    for (int i = 0; i < count; i++) {
        X509 *x = sk_X509_value(path, i);
        if (!trust_key_fit(X509_get0_pubkey(x), profile))
            return (struct trust_flaw){TRUST_CERT_KEY, i == 0 ? "key of the server" : "key of an issuer"};
        if ((i < count - 1 || last_signed) && !signature_fit(x, profile))
            return (struct trust_flaw){TRUST_CERT_SIGNATURE, "signature without SHA-256, SHA-384 or SHA-512"};
    }
    return TRUST_FLAW_NONE;
}

char *trust_key_text(const EVP_PKEY *key)
{
    struct buf text;
    buf_init(&text, 128);
    if (key == NULL)
        buf_append_str(&text, "unreadable");
    else if (EVP_PKEY_is_a(key, "EC") && curve_of(key) != NID_undef)
        buf_printf(&text, "EC %s", curve_name(curve_of(key)));
    else
        buf_printf(&text, "%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
    char *out = mem_strndup(text.data, text.len);
    buf_free(&text);
    return out;
}

bool trust_key_spki(const X509 *x, struct digest *ret_spki)
{
    unsigned char *der = NULL;
    unsigned len = DIGEST_SIZE;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    bool good = size > 0 && EVP_Digest(der, (size_t)size, ret_spki->b, &len, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return good;
}
