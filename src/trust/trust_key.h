/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys and signatures of certificates: are they strong enough for a profile? Asked of PKIX and DANE alike. */
#ifndef TRUST_TRUST_KEY_H
#define TRUST_TRUST_KEY_H

#include <openssl/x509.h>

#include "trust/trust_flaw.h"

/* True for RSA of at least 2048 bits whose length is a multiple of 8, and for the named curves P-256 and P-384; in
 * profile strict for P-521, Ed25519 and Ed448 too (SP 800-52r2 section 3.2 names only the former). NULL is not fit. */
bool trust_key_fit(const EVP_PKEY *key, enum trust_profile profile);

/* True for a digest SHA-256, SHA-384 or SHA-512 with RSA or ECDSA, or Ed25519 or Ed448 (not in nist and fips). */
bool trust_key_digest_fit(int digest_nid, int key_nid, enum trust_profile profile);

/* The keys of a path, leaf first, and its signatures. That of the last, the anchor, proves nothing and is not asked, unless
 * last_signed: then the anchor is a certificate below a key that is trusted. */
struct trust_flaw trust_key_path(STACK_OF(X509) *path, bool last_signed, enum trust_profile profile);

/* "RSA 2048", "EC P-256", "ED25519 256"; the caller frees it with mem_free(). */
char *trust_key_text(const EVP_PKEY *key);

/* The SHA-256 of the certificate's SubjectPublicKeyInfo; false when it cannot be encoded. */
bool trust_key_spki(const X509 *x, struct digest *ret_spki);

#endif
