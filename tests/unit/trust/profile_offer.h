/* SPDX-License-Identifier: Apache-2.0 */
/* Receivers that offer exactly one thing each, for the tables of what the profiles take: one version, suite, group,
 * signature algorithm, key, or signature on the certificate. Everything that this libssl can serve is there. */
#ifndef TESTS_PROFILE_OFFER_H
#define TESTS_PROFILE_OFFER_H

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>

#define OFFER_HOST "mx.example"
#define OFFERS_MAX 512
#define OFFER_KEYS_MAX 64
#define OFFER_NAME_MAX 96

/* One receiver. NULL and 0 mean: whatever is usual. */
struct offer {
    const char *kind;           /* "suite" */
    char name[OFFER_NAME_MAX];  /* what it alone offers */
    int version;                /* the one protocol it speaks */
    const char *suites;
    const char *groups;
    const char *signatures;
    const char *key;            /* of the leaf: "P-256", "RSA-2048", ... */
    const char *issuer;         /* key of the issuer */
    const char *digest;         /* with which the issuer signs; NULL for Ed25519 and Ed448 */
    const char *dh;             /* its group: "modp_2048", or a number of bits for parameters made here */
    bool no_extended_master;
};

/* Keys are made once and used by many offers. */
struct offer_keys {
    size_t count;
    const char *name[OFFER_KEYS_MAX];
    EVP_PKEY *key[OFFER_KEYS_MAX];
};

/* Fills offers (OFFERS_MAX); their number. Suites are the library's own list. */
size_t offer_list(struct offer *offers);

/* The server of an offer, at security level 0, and the root that vouches for it. NULL: this library cannot. */
SSL_CTX *offer_server(struct offer_keys *keys, const struct offer *offer, X509 **ret_root);

/* A client that takes everything, to show that a server does what its offer says. */
SSL_CTX *offer_control(const struct offer *offer);

/* Shakes hands over memory; true when both ends are through. */
bool offer_shake(SSL *client, SSL *server);

/* Frees the keys. */
void offer_keys_free(struct offer_keys *keys);

#endif
