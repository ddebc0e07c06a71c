/* SPDX-License-Identifier: Apache-2.0 */
/* The form of the certificates in a path, where OpenSSL asks less than RFC 5280 and the web's authorities give more:
 * extensions, key identifiers, serial numbers, usages. Each rule stands in docs/certificates.md with its reason. */
#ifndef TRUST_TRUST_FORM_H
#define TRUST_TRUST_FORM_H

#include <openssl/x509.h>

#include "trust/trust_flaw.h"

#define TRUST_FORM_EXTENSIONS_MAX 64 /* of one certificate; the web's have about ten */

/* Judges the form of a verified path, leaf first. The anchor (the last of several) is the operator's choice: it is asked
 * only what every anchor of the usual bundles keeps. */
struct trust_flaw trust_form_path(STACK_OF(X509) *path);

/* True when the leaf demands a staple (RFC 7633: TLS feature status_request or status_request_v2). */
bool trust_form_must_staple(const X509 *leaf);

#endif
