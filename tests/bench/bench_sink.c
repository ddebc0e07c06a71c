/* SPDX-License-Identifier: Apache-2.0 */
/* The sink: an SMTP receiver with STARTTLS that takes every message and counts it. Prints "N\n" on standard output each
 * time a line arrives on standard input, and ends when that closes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_tls.h"

struct sink {
    int listener;
    SSL_CTX *ctx;
    atomic_long messages;
    atomic_long bytes;
};

struct visit {
    struct sink *sink;
    struct bench_conn conn;
};

static bool put(struct bench_conn *conn, const char *text)
{
    return bench_write(conn, text, strlen(text));
}

static bool more_waits(const struct bench_conn *conn)
{
    return conn->start < conn->end;
}

/* Reads to the lone dot. */
static bool take_message(struct visit *v)
{
    const char *line;
    long bytes = 0;

    while ((line = bench_line(&v->conn)) != NULL) {
        if (strcmp(line, ".") == 0) {
            (void)atomic_fetch_add(&v->sink->messages, 1);
            (void)atomic_fetch_add(&v->sink->bytes, bytes);
            return true;
        }
        bytes += (long)strlen(line) + 2;
    }
    return false;
}

/* Answers of pipelined commands are gathered and written when nothing more waits. */
static bool converse(struct visit *v)
{
    char out[4096] = "";
    const char *line;

    while ((line = bench_line(&v->conn)) != NULL) {
        const char *answer = "250 2.0.0 ok\r\n";
        bool data = false;
        if (strncasecmp(line, "EHLO", 4) == 0) {
            answer = v->conn.ssl == NULL ? "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE\r\n250 STARTTLS\r\n"
                                         : "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n";
        } else if (strncasecmp(line, "STARTTLS", 8) == 0) {
            return put(&v->conn, "220 2.0.0 go\r\n") && bench_tls_server(&v->conn, v->sink->ctx) && converse(v);
        } else if (strncasecmp(line, "DATA", 4) == 0) {
            answer = "354 go\r\n";
            data = true;
        } else if (strncasecmp(line, "QUIT", 4) == 0) {
            return put(&v->conn, "221 2.0.0 bye\r\n") && false;
        }
        if (strlen(out) + strlen(answer) < sizeof(out)) {
            (void)strcat(out, answer);
        }
        if (data || !more_waits(&v->conn)) {
            if (!put(&v->conn, out) || (data && (!take_message(v) || !put(&v->conn, "250 2.0.0 taken\r\n")))) {
                return false;
            }
            out[0] = '\0';
        }
    }
    return false;
}

static void *serve(void *ctx)
{
    struct visit *v = ctx;

    if (put(&v->conn, "220 sink ESMTP\r\n")) {
        (void)converse(v);
    }
    bench_close(&v->conn);
    free(v);
    return NULL;
}

static void *accept_all(void *ctx)
{
    struct sink *sink = ctx;

    for (;;) {
        struct visit *v = calloc(1, sizeof(*v));
        pthread_t thread;
        v->sink = sink;
        v->conn.fd = accept(sink->listener, NULL, NULL);
        if (v->conn.fd < 0 || pthread_create(&thread, NULL, serve, v) != 0) {
            free(v);
            return NULL;
        }
        (void)pthread_detach(thread);
    }
}

int main(int argc, char **argv)
{
    struct sink sink = {0};
    pthread_t thread;
    char line[64];

    if (argc != 5) {
        (void)fprintf(stderr, "usage: bench_sink ADDRESS PORT CERTIFICATE KEY\n");
        return 2;
    }
    sink.ctx = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(sink.ctx, argv[3]) != 1 || SSL_CTX_use_PrivateKey_file(sink.ctx, argv[4], SSL_FILETYPE_PEM) != 1) {
        (void)fprintf(stderr, "bench_sink: cannot use %s and %s\n", argv[3], argv[4]);
        return 1;
    }
    sink.listener = bench_listen(argv[1], (int)strtol(argv[2], NULL, 10));
    if (sink.listener < 0 || pthread_create(&thread, NULL, accept_all, &sink) != 0) {
        (void)fprintf(stderr, "bench_sink: cannot listen on %s:%s\n", argv[1], argv[2]);
        return 1;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        (void)printf("%ld\n", atomic_load(&sink.messages));
        (void)fflush(stdout);
    }
    return 0;
}
