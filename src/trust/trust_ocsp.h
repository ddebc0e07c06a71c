/* SPDX-License-Identifier: Apache-2.0 */
/* The stapled OCSP response: what does the issuer, or whom it delegated, say of the leaf now? RFC 6960, RFC 5019.
 *
 * It counts when it names the leaf (serial number, and name and key of its issuer), is signed with SHA-2 by the issuer, or by
 * a certificate the issuer signed for OCSPSigning that is within its dates, and when now lies between thisUpdate and
 * nextUpdate. A response without nextUpdate is stale: without an end it could be shown for ever. No network: nothing is
 * fetched, a missing staple is only told. */
#ifndef TRUST_TRUST_OCSP_H
#define TRUST_TRUST_OCSP_H

#include <openssl/x509.h>

#include "trust/trust_facts.h"

#define TRUST_OCSP_SIZE_MAX ((size_t)65536) /* bytes of a staple: with a delegate's chain real ones stay below 10,000 */
#define TRUST_OCSP_SINGLES_MAX 32           /* answers in one response; real ones hold one */
#define TRUST_OCSP_CERTS_MAX 4              /* certificates in one response that are tried as its signer */

/* Reads the staple (DER; empty: NONE) for leaf, signed by issuer (NULL: not known, so INVALID), at now_us. A response that
 * says REVOKED among others says so. */
enum trust_ocsp trust_ocsp_check(struct slice staple, X509 *leaf, X509 *issuer, int64_t now_us,
                                 enum trust_profile profile);

/* "good", "revoked", ... for machines. */
const char *trust_ocsp_name(enum trust_ocsp state);

#endif
