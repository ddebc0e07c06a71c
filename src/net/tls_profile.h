/* SPDX-License-Identifier: Apache-2.0 */
/* The floor below which no TLS of ours goes, whatever is configured (P6), for both sides. */
#ifndef NET_TLS_PROFILE_H
#define NET_TLS_PROFILE_H

#include <openssl/types.h>

#include "base/err.h"

/* Applies profile `strict` to a new context: TLS 1.2 and 1.3; ephemeral key exchange with AEAD; X25519, P-256, P-384, P-521;
 * no renegotiation, no compression, no early data; plaintext is wiped inside the library, buffers of idle connections
 * are given back; modes that tls_conn relies on. False with the reason when the library cannot do it. */
bool tls_profile_apply(SSL_CTX *ctx, struct err *err);

/* The library's first open error as text, and forgets the others. */
const char *tls_profile_error(void);

#endif
