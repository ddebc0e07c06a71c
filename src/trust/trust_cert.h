/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of a mail server, checked: path, dates, usage, keys, signatures, host name. Facts only; the verdict is
 * trust_verdict's. RFC 5280, RFC 6125 (SAN DNS names only, a wildcard only as the whole leftmost label, never the CN). */
#ifndef TRUST_TRUST_CERT_H
#define TRUST_TRUST_CERT_H

#include <openssl/x509.h>

#include "trust/trust_facts.h"

/* What is asked. All borrowed. */
struct trust_cert_ask {
    X509_STORE *store;         /* the anchors */
    STACK_OF(X509) *chain;     /* what the peer showed, leaf first; NULL or empty: none */
    const char *host;          /* compared without case and without a final dot */
    int64_t now_us;            /* UTC microseconds */
    enum trust_profile profile;
    struct slice staple;       /* DER OCSP response; empty: none */
};

/* Checks the chain against the anchors and fills *ret_cert, which the caller frees with trust_cert_free(). */
void trust_cert_check(const struct trust_cert_ask *ask, struct trust_cert *ret_cert);

/* Frees what the facts own and zeroes them. */
void trust_cert_free(struct trust_cert *cert);

/* "expired", "self-signed", ... for machines. */
const char *trust_cert_fault_name(enum trust_cert_fault fault);

#endif
