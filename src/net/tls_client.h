/* SPDX-License-Identifier: Apache-2.0 */
/* TLS towards other mail servers: one context with the trust anchors, the floor of tls_profile, resumption of sessions
 * with peers that were proved, and what a failed handshake means. It verifies nobody: the handshake is completed with
 * any certificate, so that what is wrong can be told in words; trust/trust_cert checks it before a byte of mail. */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include <openssl/types.h>
#include <openssl/x509.h>

#include "base/err.h"

/* Sessions kept for resumption; each holds the peer's chain (about 6 KB). The oldest give way. */
#define TLS_CLIENT_SESSIONS_MAX 1024u

struct tls_client;

enum tls_client_failure {
    TLS_CLIENT_FINE,
    TLS_CLIENT_OLD,    /* no protocol of TLS 1.2 or newer in common */
    TLS_CLIENT_SUITE,  /* no suite, group, key size or signature in common */
    TLS_CLIENT_BROKEN, /* anything else */
};

/* A context with the anchors of a PEM file. NULL with the reason when it cannot be read or holds none. Reads files: call
 * it before the sandbox. */
struct tls_client *tls_client_create(const char *ca_file, struct err *err);

/* Frees it and all kept sessions. *client becomes NULL; NULL is accepted. */
void tls_client_free(struct tls_client **client);

/* A TLS object for one connection to the mail host `host` (sent as SNI) at `address`; both are copied. It offers a kept
 * session of that pair when there is one. Ownership goes to the caller; client must outlive it. NULL when the library
 * cannot make one. */
SSL *tls_client_ssl(struct tls_client *client, const char *host, const char *address);

/* The peer was proved: its sessions may be kept for resumption. Never called for an unproved one. */
void tls_client_proved(SSL *ssl);

/* Why a handshake failed, from the alerts of both sides. */
enum tls_client_failure tls_client_failure(const SSL *ssl);

/* The anchors, for trust_cert_check(). Owned by client. */
X509_STORE *tls_client_anchors(const struct tls_client *client);

/* The chain the peer showed, leaf first, also on a resumed session; NULL when none. Owned by ssl. */
STACK_OF(X509) *tls_client_chain(const SSL *ssl);

/* True when the suite is AEAD; *ret_ephemeral: (EC)DHE, or TLS 1.3. */
bool tls_client_suite(const SSL *ssl, bool *ret_ephemeral);

#endif
