/* SPDX-License-Identifier: Apache-2.0 */
/* The sink: an SMTP receiver with STARTTLS, PIPELINING and CHUNKING, as the large ones are. It takes every message,
 * compares it with what was sent, and counts each once. Commands on standard input, one a line, each answered with one
 * line of JSON:
 *   count     what has come so far
 *   wait N S  as soon as N different messages have come, or after S seconds
 *   reset     forgets all
 * It ends when standard input closes. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench_message.h"
#include "bench_tls.h"

#define MESSAGE_ROOM (1024u * 1024u)

struct sink {
    int listener;
    SSL_CTX *ctx;
    const char *sender;
    int sessions;
    int messages;
    size_t size;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t came;
    unsigned char *seen; /* sessions * messages: how often each came, at most 255 */
    long taken;
    long distinct;
    long wrong; /* not ours, or not the bytes that were sent */
    long connections;
    double last; /* CLOCK_MONOTONIC of the newest, seconds */
};

struct visit {
    struct sink *sink;
    struct bench_conn conn;
    size_t len;
    char text[MESSAGE_ROOM + 1];
};

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool put(struct bench_conn *conn, const char *text)
{
    return bench_write(conn, text, strlen(text));
}

static bool more_waits(const struct bench_conn *conn)
{
    return conn->start < conn->end;
}

/* Whether the message ends in exactly what was sent; the number of it in *ret_at. */
static bool is_ours(struct visit *v, size_t *ret_at)
{
    const struct sink *sink = v->sink;
    int session;
    int number;
    size_t len;
    char *sent;
    bool same;

    v->text[v->len] = '\0';
    if (!bench_message_number(v->text, &session, &number) || session < 0 || session >= sink->sessions || number < 0 ||
        number >= sink->messages) {
        return false;
    }
    sent = bench_message_make(sink->sender, session, number, sink->size, &len);
    same = v->len >= len && memcmp(v->text + v->len - len, sent, len) == 0;
    free(sent);
    *ret_at = (size_t)session * (size_t)sink->messages + (size_t)number;
    return same;
}

static void count(struct visit *v)
{
    struct sink *sink = v->sink;
    size_t at = 0;
    bool ours = is_ours(v, &at);

    (void)pthread_mutex_lock(&sink->lock);
    sink->taken++;
    sink->last = now();
    if (!ours) {
        sink->wrong++;
    } else {
        sink->distinct += sink->seen[at] == 0;
        sink->seen[at] = (unsigned char)(sink->seen[at] + (sink->seen[at] < 255));
    }
    (void)pthread_cond_broadcast(&sink->came);
    (void)pthread_mutex_unlock(&sink->lock);
}

/* Reads to the lone dot. */
static bool take_message(struct visit *v)
{
    const char *line;

    v->len = 0;
    while ((line = bench_line(&v->conn)) != NULL) {
        size_t len;
        if (*line == '.' && *++line == '\0') {
            count(v);
            return true;
        }
        len = strlen(line);
        if (len + 2 > MESSAGE_ROOM - v->len) {
            return false;
        }
        memcpy(v->text + v->len, line, len);
        memcpy(v->text + v->len + len, "\r\n", 2);
        v->len += len + 2;
    }
    return false;
}

/* One chunk: its bytes as they are (RFC 3030). The last one ends the message. */
static bool take_chunk(struct visit *v, const char *arguments)
{
    char *rest;
    size_t size = (size_t)strtoul(arguments, &rest, 10);

    if (size > MESSAGE_ROOM - v->len || !bench_bytes(&v->conn, v->text + v->len, size)) {
        return false;
    }
    v->len += size;
    if (strcasecmp(rest, " LAST") == 0) {
        count(v);
        v->len = 0;
    }
    return true;
}

static const char *answer_to(const struct visit *v, const char *line)
{
    if (strncasecmp(line, "EHLO", 4) == 0) {
        return v->conn.ssl == NULL ? "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE\r\n250 STARTTLS\r\n"
                                   : "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-CHUNKING\r\n250 SIZE\r\n";
    }
    return strncasecmp(line, "DATA", 4) == 0 ? "354 go\r\n" : "250 2.0.0 ok\r\n";
}

/* Until the client leaves or says STARTTLS (true). Answers of pipelined commands are gathered and written when nothing
 * more waits. */
static bool converse(struct visit *v)
{
    char out[4096];
    size_t len = 0;
    const char *line;

    while ((line = bench_line(&v->conn)) != NULL) {
        const char *answer = answer_to(v, line);
        bool data = strncasecmp(line, "DATA", 4) == 0;
        if (strncasecmp(line, "BDAT ", 5) == 0 && !take_chunk(v, line + 5)) {
            return false;
        }
        if (strncasecmp(line, "STARTTLS", 8) == 0) {
            return put(&v->conn, "220 2.0.0 go\r\n");
        }
        if (strncasecmp(line, "QUIT", 4) == 0) {
            (void)put(&v->conn, "221 2.0.0 bye\r\n");
            return false;
        }
        if (len + strlen(answer) > sizeof(out)) {
            return false;
        }
        memcpy(out + len, answer, strlen(answer));
        len += strlen(answer);
        if (data || !more_waits(&v->conn)) {
            if (!bench_write(&v->conn, out, len) || (data && (!take_message(v) || !put(&v->conn, "250 2.0.0 taken\r\n")))) {
                return false;
            }
            len = 0;
        }
    }
    return false;
}

static void *serve(void *ctx)
{
    struct visit *v = ctx;

    if (put(&v->conn, "220 sink ESMTP\r\n") && converse(v) && bench_tls_server(&v->conn, v->sink->ctx)) {
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
        if (v == NULL) {
            abort();
        }
        v->sink = sink;
        v->conn.fd = accept(sink->listener, NULL, NULL);
        if (v->conn.fd < 0 || pthread_create(&thread, NULL, serve, v) != 0) {
            free(v);
            return NULL;
        }
        (void)pthread_detach(thread);
        (void)pthread_mutex_lock(&sink->lock);
        sink->connections++;
        (void)pthread_mutex_unlock(&sink->lock);
    }
}

static void wait_for(struct sink *sink, long wanted, long seconds)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    while (sink->distinct < wanted && pthread_cond_timedwait(&sink->came, &sink->lock, &until) == 0) {
    }
}

static void obey(struct sink *sink, const char *line)
{
    char *rest;

    (void)pthread_mutex_lock(&sink->lock);
    if (strncmp(line, "wait ", 5) == 0) {
        long wanted = strtol(line + 5, &rest, 10);
        wait_for(sink, wanted, strtol(rest, NULL, 10));
    } else if (strncmp(line, "reset", 5) == 0) {
        memset(sink->seen, 0, (size_t)sink->sessions * (size_t)sink->messages);
        sink->taken = sink->distinct = sink->wrong = sink->connections = 0;
    }
    (void)printf("{\"taken\": %ld, \"distinct\": %ld, \"wrong\": %ld, \"connections\": %ld, \"last\": %.6f}\n", sink->taken,
                 sink->distinct, sink->wrong, sink->connections, sink->last);
    (void)pthread_mutex_unlock(&sink->lock);
    (void)fflush(stdout);
}

static bool begin(struct sink *sink, char **argv)
{
    pthread_t thread;

    sink->sender = argv[5];
    sink->sessions = (int)strtol(argv[6], NULL, 10);
    sink->messages = (int)strtol(argv[7], NULL, 10);
    sink->size = (size_t)strtol(argv[8], NULL, 10);
    sink->seen = calloc((size_t)sink->sessions, (size_t)sink->messages);
    sink->ctx = SSL_CTX_new(TLS_server_method());
    (void)pthread_mutex_init(&sink->lock, NULL);
    (void)pthread_cond_init(&sink->came, NULL);
    if (SSL_CTX_use_certificate_chain_file(sink->ctx, argv[3]) != 1 ||
        SSL_CTX_use_PrivateKey_file(sink->ctx, argv[4], SSL_FILETYPE_PEM) != 1) {
        (void)fprintf(stderr, "bench_sink: cannot use %s and %s\n", argv[3], argv[4]);
        return false;
    }
    sink->listener = bench_listen(argv[1], (int)strtol(argv[2], NULL, 10));
    if (sink->listener < 0 || pthread_create(&thread, NULL, accept_all, sink) != 0) {
        (void)fprintf(stderr, "bench_sink: cannot listen on %s:%s\n", argv[1], argv[2]);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct sink *sink = calloc(1, sizeof(*sink));
    char line[64];

    if (argc != 9) {
        (void)fprintf(stderr, "usage: bench_sink ADDRESS PORT CERTIFICATE KEY SENDER SESSIONS MESSAGES SIZE\n");
        return 2;
    }
    if (sink == NULL || !begin(sink, argv)) {
        return 1;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        obey(sink, line);
    }
    _exit(0); /* threads of open visits still use the sink */
}
