/* SPDX-License-Identifier: Apache-2.0 */
/* Names in a path beyond what OpenSSL asks: how they are written, how wide a wildcard is, and what name constraints mean
 * for the names a wildcard stands for. RFC 5280 sections 4.2.1.6 and 4.2.1.10, RFC 9525 section 6.3. */
#ifndef TRUST_TRUST_NAME_H
#define TRUST_TRUST_NAME_H

#include <openssl/x509.h>

#include "trust/trust_flaw.h"

/* Wildcards of a leaf times subtrees of one issuer that are compared; more is refused. Real certificates have some dozens
 * of each; two thousand of both would cost a handshake milliseconds. */
#define TRUST_NAME_WORK_MAX 65536

/* Judges the names of a verified path; matched is the name in the leaf that matched the host. */
struct trust_flaw trust_name_path(STACK_OF(X509) *path, const char *matched);

#endif
