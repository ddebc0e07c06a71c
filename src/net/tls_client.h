/* SPDX-License-Identifier: Apache-2.0 */
/* TLS towards other mail servers: one context with the trust anchors, the floor of tls_profile, resumption of sessions
 * with peers that were proved, and what a failed handshake means. It verifies nobody: the handshake is completed with
 * any certificate, so that what is wrong can be told in words; trust/trust_cert checks it before a byte of mail.
 *
 * Two kinds of sessions are never resumed. TLS 1.2 without the extended master secret (RFC 7627): such a session can be
 * made to hold the same secret with two servers (the triple handshake), so that the one resumed need not be the one
 * proved; the first handshake of such a server stands. And those of a certificate that must be stapled (RFC 7633): a
 * resumed handshake brings no fresh staple. */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include <openssl/types.h>
#include <openssl/x509.h>

#include "base/slice.h"
#include "net/tls_library.h"

/* Sessions kept for resumption; each holds the peer's chain (about 6 KB). The oldest give way. */
#define TLS_CLIENT_SESSIONS_MAX 1024u

#define TLS_CLIENT_AUTHORITIES_MAX ((size_t)1 << 22) /* bytes of a CA bundle: the web's takes 220 KB */

struct tls_client;

/* What seals the records; the same numbers as enum trust_cipher. */
enum tls_client_cipher {
    TLS_CLIENT_OTHER = 0,
    TLS_CLIENT_AES_GCM = 1,
    TLS_CLIENT_AES_CCM = 2,
    TLS_CLIENT_CHACHA20 = 3,
};

enum tls_client_failure {
    TLS_CLIENT_FINE,
    TLS_CLIENT_OLD,    /* no protocol of TLS 1.2 or newer in common */
    TLS_CLIENT_SUITE,  /* no suite, group, key size or signature in common */
    TLS_CLIENT_BROKEN, /* anything else */
};

/* A context with the library's profile and the anchors of a PEM text. library must outlive it. NULL with the reason when
 * the text holds none, or one that cannot be read. */
struct tls_client *tls_client_create(const struct tls_library *library, struct slice pem, struct err *err);

/* As tls_client_create(), with the anchors of a PEM file. Call it before the sandbox. */
struct tls_client *tls_client_open(const struct tls_library *library, const char *ca_file, struct err *err);

/* Takes the anchors of a PEM text in place of those it has, which stay when it is not fit: false with the reason.
 * Chains are judged by them from then on; a kept session is judged anew when it is resumed. */
bool tls_client_renew(struct tls_client *client, struct slice pem, struct err *err);

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

/* The OCSP response the peer stapled (RFC 6066 section 8; asked of everyone), DER, not looked at; on a resumed session the
 * one of its first handshake. Empty: none. Owned by ssl. */
struct slice tls_client_staple(const SSL *ssl);

/* What seals the records; OTHER before the handshake. */
enum tls_client_cipher tls_client_cipher(const SSL *ssl);

/* True when the keys are bound to the handshake (RFC 7627): extended master secret, or TLS 1.3. */
bool tls_client_extended_master(const SSL *ssl);

/* True when the suite is AEAD; *ret_ephemeral: (EC)DHE, or TLS 1.3. */
bool tls_client_suite(const SSL *ssl, bool *ret_ephemeral);

#endif
