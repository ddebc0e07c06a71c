/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of a mail server, checked: path, dates, usage, keys, signatures, host name. Facts only; the verdict is
 * trust_verdict's. RFC 5280, RFC 6125 (SAN DNS names only, a wildcard only as the whole leftmost label, never the CN). */
#ifndef TRUST_TRUST_CERT_H
#define TRUST_TRUST_CERT_H

#include <openssl/x509.h>

#include "trust/trust_facts.h"

/* Checks the chain a peer showed (leaf first; NULL or empty: none) against the anchors in store, for the host name, at
 * now_us (UTC microseconds), and fills *ret_cert, which the caller frees with trust_cert_free(). Host names are compared
 * without case and without a final dot. */
void trust_cert_check(X509_STORE *store, STACK_OF(X509) *chain, const char *host, int64_t now_us,
                      struct trust_cert *ret_cert);

/* Frees what the facts own and zeroes them. */
void trust_cert_free(struct trust_cert *cert);

/* "expired", "self-signed", ... for machines. */
const char *trust_cert_fault_name(enum trust_cert_fault fault);

#endif
