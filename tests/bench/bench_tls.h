/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking TLS lines for the load tool and the sink: one thread per connection, nothing clever. */
#ifndef BENCH_BENCH_TLS_H
#define BENCH_BENCH_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#define BENCH_BUFFER 65536

/* A connection, in the clear until bench_tls_client() or bench_tls_server(). */
struct bench_conn {
    int fd;
    SSL *ssl;
    size_t start;
    size_t end;
    char in[BENCH_BUFFER];
};

/* Connects to a numeric address and port; false when it cannot. */
bool bench_connect(struct bench_conn *conn, const char *address, int port);

/* A listening socket on a numeric address and port, or -1. */
int bench_listen(const char *address, int port);

/* Handshakes as client; no verification: what is measured is the relay. */
bool bench_tls_client(struct bench_conn *conn, SSL_CTX *ctx);

/* Handshakes as server. */
bool bench_tls_server(struct bench_conn *conn, SSL_CTX *ctx);

/* Reads one line without its end, NUL-terminated; NULL at the end or on a line longer than the buffer. Valid until the
 * next read. */
char *bench_line(struct bench_conn *conn);

/* Reads len bytes into out. */
bool bench_bytes(struct bench_conn *conn, char *out, size_t len);

/* Writes all of data. */
bool bench_write(struct bench_conn *conn, const char *data, size_t len);

/* Reads one SMTP reply to its last line; its code, or -1. *ret_line (may be NULL): the last line. */
int bench_reply(struct bench_conn *conn, const char **ret_line);

/* Closes and frees. */
void bench_close(struct bench_conn *conn);

#endif
