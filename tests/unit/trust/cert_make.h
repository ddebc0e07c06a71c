/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made in a test: a root, an issuer below it, a server, all sound, and each open to one change before it is
 * signed. Times are fixed, so that nothing depends on the day. */
#ifndef TESTS_CERT_MAKE_H
#define TESTS_CERT_MAKE_H

#include <openssl/x509v3.h>

#include "unit.h"

#define CERT_NOW_S INT64_C(1767225600) /* 2026-01-01 */
#define CERT_NOW_US (CERT_NOW_S * INT64_C(1000000))
#define CERT_DAY_S 86400L
#define CERT_HOST "mx.clinic.test"

enum cert_role { CERT_SERVER, CERT_ISSUER, CERT_ROOT, CERT_ROLES };

/* What one certificate is like; zeroed fields are as usual. */
struct cert_want {
    const char *key;        /* "P-256" (usual), "RSA 2048", "ED25519", any curve */
    const char *subject;    /* CN */
    const char *san;        /* of a server; usual "DNS:mx.clinic.test" */
    const char *usage;      /* extendedKeyUsage of a server; usual "serverAuth", "" none */
    const EVP_MD *digest;   /* of its signature; usual SHA-256 */
    long from_s, until_s;   /* from CERT_NOW_S; usual a day before, 90 days after */
    void (*change)(X509 *); /* the last word before the signature */
};

struct cert_chain {
    EVP_PKEY *keys[CERT_ROLES];
    X509 *certs[CERT_ROLES];
    X509_STORE *store;     /* the root */
    STACK_OF(X509) *shown; /* server, issuer */
};

/* A key, of a kind as in cert_want. */
EVP_PKEY *cert_key(const char *kind);

/* A certificate over key, in a role, signed by issuer (NULL: by itself). */
X509 *cert_make(enum cert_role role, const struct cert_want *want, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key);

/* Adds an extension, as in OpenSSL's configuration ("critical,CA:TRUE"). */
void cert_extend(X509 *x, int nid, const char *value);

/* Takes an extension away. */
void cert_strip(X509 *x, int nid);

/* Root, issuer, server; the roles in wants[role] (NULL: all usual). */
void cert_chain_make(struct cert_chain *ret_chain, const struct cert_want wants[CERT_ROLES]);

/* Frees what cert_chain_make() made. */
void cert_chain_free(struct cert_chain *chain);

#endif
