/* SPDX-License-Identifier: Apache-2.0 */
/* Which code computes the TLS of a process. Profiles strict and nist use the library's own context; fips a context in
 * which OpenSSL's FIPS provider alone does all cryptography, or none at all: no profile falls back to another. Loads
 * code and reads files: made before the sandbox, once, and kept as long as anything made from it. */
#ifndef NET_TLS_LIBRARY_H
#define NET_TLS_LIBRARY_H

#include <openssl/ssl.h>

#include "net/tls_profile.h"

#define TLS_LIBRARY_CONFIG_MAX (64u * 1024u) /* bytes of the file that `openssl fipsinstall` writes: it has eight lines */

struct tls_library;

/* Makes it. fips_config: the file that `openssl fipsinstall` wrote; read with profile fips only. The provider must come
 * up, pass its self-tests now, and be the one that is used. NULL with the reason, which says what to install. */
struct tls_library *tls_library_create(enum tls_profile profile, const char *fips_config, struct err *err);

/* Frees it; after everything made from it. *library becomes NULL; NULL is accepted. */
void tls_library_free(struct tls_library **library);

/* A new context with the profile applied. Ownership goes to the caller. NULL with the reason. */
SSL_CTX *tls_library_ctx(const struct tls_library *library, const SSL_METHOD *method, struct err *err);

/* The library context keys and certificates are read into; NULL is the library's own. Owned by library. */
OSSL_LIB_CTX *tls_library_context(const struct tls_library *library);

/* The profile it was made for. */
enum tls_profile tls_library_profile(const struct tls_library *library);

#endif
