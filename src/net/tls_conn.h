/* SPDX-License-Identifier: Apache-2.0 */
/* A non-blocking stream connection on the loop, in the clear or inside TLS: the one place where bytes of a mail
 * session meet a socket. Both sides use it: intake and web as servers, courier as client. It knows no protocol and
 * verifies nobody; the TLS object it is given carries those settings. */
#ifndef NET_TLS_CONN_H
#define NET_TLS_CONN_H

#include <openssl/types.h>

#include "base/err.h"
#include "base/slice.h"
#include "os/loop.h"

#define TLS_CONN_OUTPUT_MAX (1024u * 1024u) /* bytes queued for a slow peer; beyond it the connection ends (P7) */
#define TLS_CONN_READ_MAX (64u * 1024u)     /* bytes handed to input() at once: four full TLS records */
#define TLS_CONN_LINGER_US INT64_C(3000000) /* how long a closing side waits for the peer to take the last bytes */

struct tls_conn;
struct tls_scratch;

/* How a connection ended. */
enum tls_conn_end {
    TLS_CONN_END_CLEAN,     /* the peer said so: FIN in the clear, close_notify inside TLS, or our own close is done */
    TLS_CONN_END_TRUNCATED, /* FIN inside TLS without close_notify: what was under way was cut (row 6) */
    TLS_CONN_END_TLS,       /* handshake or record failure; the reason says which */
    TLS_CONN_END_SYSTEM,    /* reset, timeout, unreachable, output limit */
};

struct tls_conn_ops {
    /* The socket is connected (client side, after tls_conn_create() with connecting). May be NULL otherwise. */
    void (*connected)(void *ctx);
    /* The handshake has succeeded; facts are at hand. */
    void (*secured)(void *ctx);
    /* Bytes came; valid until the callback returns, then wiped. All are taken, even after tls_conn_reading(false). */
    void (*input)(void *ctx, struct slice bytes);
    /* All queued output has gone to the kernel after it had to wait. May be NULL. */
    void (*drained)(void *ctx);
    /* The end, once; the callee frees the connection. Called from the loop only, never from inside a function of this
     * header. Not called after tls_conn_free(). */
    void (*closed)(void *ctx, enum tls_conn_end end, const char *reason);
};

/* One read buffer for all connections of a process (TLS_CONN_READ_MAX bytes). */
struct tls_scratch *tls_scratch_create(void);
/* Wipes and frees. *scratch becomes NULL; NULL is accepted. */
void tls_scratch_free(struct tls_scratch **scratch);

/* Takes over fd, a non-blocking stream socket. connecting: connect() is under way, connected() will tell. Reading is on
 * from the start. loop, scratch and ops must outlive the connection. The connection may be freed in any callback. */
struct tls_conn *tls_conn_create(struct loop *loop, struct tls_scratch *scratch, int fd, bool connecting,
                                 const struct tls_conn_ops *ops, void *ctx);

/* Closes the socket at once and frees. *conn becomes NULL; NULL is accepted. */
void tls_conn_free(struct tls_conn **conn);

/* Starts the handshake as ssl is set up (accept or connect state). Takes over ssl. Output queued before still leaves
 * in the clear first; from now on input is TLS only. */
void tls_conn_start_tls(struct tls_conn *conn, SSL *ssl);

/* Queues bytes (copied); they leave after the current input() or with tls_conn_flush(). False when the connection is
 * over or would pass TLS_CONN_OUTPUT_MAX; then closed() follows. */
bool tls_conn_write(struct tls_conn *conn, struct slice bytes);

/* Hands queued output to the kernel as far as it takes it; the rest follows by itself. */
void tls_conn_flush(struct tls_conn *conn);

/* Bytes queued and not yet taken by the kernel. */
size_t tls_conn_pending(const struct tls_conn *conn);

/* Stops (false) or resumes (true) reading, for back-pressure. */
void tls_conn_reading(struct tls_conn *conn, bool on);

/* Sends what is queued, says goodbye (close_notify, FIN), drops further input, and calls closed() when the peer has
 * closed too or TLS_CONN_LINGER_US has passed. */
void tls_conn_close(struct tls_conn *conn);

/* True once secured() was called. */
bool tls_conn_is_secure(const struct tls_conn *conn);

/* The TLS object, for verification and facts; NULL in the clear. Still owned by conn. */
SSL *tls_conn_ssl(const struct tls_conn *conn);

/* What was negotiated; strings are static or live as long as the connection. Zeroed in the clear. */
struct tls_facts {
    const char *protocol; /* "TLSv1.3" */
    const char *suite;    /* "TLS_AES_256_GCM_SHA384" */
    const char *group;    /* "X25519", "secp256r1"; "" when no key exchange took place or it is unknown */
    int bits;             /* strength of the cipher */
    bool resumed;
};
/* Reads the facts of a secured connection. */
void tls_conn_facts(const struct tls_conn *conn, struct tls_facts *ret_facts);

#define TLS_EXPORTER_SIZE 32
/* Channel binding "tls-exporter" (RFC 9266). False in the clear, and for TLS 1.2 without extended master secret. */
bool tls_conn_exporter(const struct tls_conn *conn, uint8_t ret_binding[TLS_EXPORTER_SIZE]);

#endif
