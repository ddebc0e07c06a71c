/* SPDX-License-Identifier: Apache-2.0 */
/* The floor below which no TLS of ours goes, whatever is configured (P6), for both sides: what each profile offers. */
#ifndef NET_TLS_PROFILE_H
#define NET_TLS_PROFILE_H

#include <openssl/types.h>

#include "base/err.h"

/* The same numbers as enum trust_profile and trust.profile of the configuration. */
enum tls_profile {
    TLS_PROFILE_STRICT = 0, /* TLS 1.3, and TLS 1.2 with ephemeral keys and AEAD */
    TLS_PROFILE_NIST = 1,   /* SP 800-52r2: of these AES-GCM and AES-CCM, P-256 and P-384, ECDSA and RSA with SHA-2 */
    TLS_PROFILE_FIPS = 2,   /* the same, computed by OpenSSL's FIPS provider alone: see tls_library.h */
};

/* "strict", "nist", "fips". */
const char *tls_profile_name(enum tls_profile profile);

/* Applies a profile to a new context: TLS 1.2 and 1.3, its suites, groups and signature algorithms; no renegotiation, no
 * compression, no early data; plaintext is wiped inside the library, buffers of idle connections are given back; modes
 * that tls_conn relies on. False with the reason when the library cannot do it. */
bool tls_profile_apply(SSL_CTX *ctx, enum tls_profile profile, struct err *err);

/* Whether a server may show a certificate with this key: under nist and fips RSA of 2048 bits or more, P-256 or P-384; any
 * other would let every handshake fail. False with the reason, without the key's origin. */
bool tls_profile_key(enum tls_profile profile, const EVP_PKEY *key, struct err *err);

/* The library's first open error as text, and forgets the others. */
const char *tls_profile_error(void);

#endif
