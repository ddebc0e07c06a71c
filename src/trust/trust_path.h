/* SPDX-License-Identifier: Apache-2.0 */
/* A path from a server's certificate to an anchor, found and checked by OpenSSL at a given time. What OpenSSL's settings
 * cannot say is asked of the path afterwards: trust_key, trust_name, trust_form. RFC 5280 section 6. */
#ifndef TRUST_TRUST_PATH_H
#define TRUST_TRUST_PATH_H

#include <openssl/x509.h>

#include "trust/trust_flaw.h"

/* Borrowed. */
struct trust_path_ask {
    X509_STORE *store;        /* the anchors */
    STACK_OF(X509) *chain;    /* leaf first; not empty */
    const char *const *names; /* one of which the leaf must bear; a final dot is ignored */
    size_t name_count;
    int64_t now_us;
    bool partial;             /* an anchor need not be self-signed */
};

struct trust_path {
    struct trust_flaw flaw;
    STACK_OF(X509) *certs; /* leaf first, anchor last; NULL with a flaw */
    char *matched;         /* the name in the leaf that matched */
    int64_t from_us;       /* latest notBefore and earliest notAfter of certs */
    int64_t until_us;
};

/* Finds a path. OpenSSL looks for one with an anchor as near to the leaf as can be, and settles for it. The caller frees
 * *ret_path with trust_path_free(). */
void trust_path_find(const struct trust_path_ask *ask, struct trust_path *ret_path);

/* Frees what it owns and zeroes it. */
void trust_path_free(struct trust_path *path);

/* The digests of the public keys, leaf first; their number, at most TRUST_CHAIN_MAX. */
size_t trust_path_keys(const struct trust_path *path, struct digest spki[TRUST_CHAIN_MAX]);

/* UTC microseconds of a certificate's date; 0 when it cannot be read. */
int64_t trust_path_time_us(const ASN1_TIME *time);

#endif
