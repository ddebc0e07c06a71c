/* SPDX-License-Identifier: Apache-2.0 */
/* The load: N sessions in threads, each with TLS and AUTH PLAIN, sends M messages of S bytes with PIPELINING, each to
 * one recipient; prints JSON: accepted, when it began and ended (CLOCK_MONOTONIC, seconds), and the time from the final
 * dot to its answer in microseconds. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "bench_message.h"
#include "bench_tls.h"

struct load {
    const char *address;
    int port;
    int sessions;
    int messages;
    int size;
    const char *user;
    const char *password;
    const char *sender;
    const char *recipient; /* "user%d@domain": %d is replaced by the number */
    bool starttls;
    SSL_CTX *ctx;
};

struct session {
    const struct load *load;
    int number;
    pthread_t thread;
    int accepted;
    double *latency; /* one per message, seconds */
    char error[160];
};

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool say(struct bench_conn *conn, const char *line, int expected, struct session *s)
{
    const char *reply = "";
    int code;

    if (!bench_write(conn, line, strlen(line)) || (code = bench_reply(conn, &reply)) != expected) {
        (void)snprintf(s->error, sizeof(s->error), "%.30s: %.100s", line, reply);
        return false;
    }
    return true;
}

static bool authenticate(struct bench_conn *conn, struct session *s)
{
    unsigned char plain[256];
    char coded[512];
    char line[600];
    int len = snprintf((char *)plain, sizeof(plain), "%c%s%c%s", 0, s->load->user, 0, s->load->password);

    if (len < 0 || (size_t)len >= sizeof(plain)) {
        (void)snprintf(s->error, sizeof(s->error), "user and password are too long");
        return false;
    }
    (void)EVP_EncodeBlock((unsigned char *)coded, plain, len);
    (void)snprintf(line, sizeof(line), "AUTH PLAIN %s\r\n", coded);
    return say(conn, line, 235, s);
}

static bool open_session(struct bench_conn *conn, struct session *s)
{
    const struct load *load = s->load;

    if (!bench_connect(conn, load->address, load->port)) {
        (void)snprintf(s->error, sizeof(s->error), "cannot connect");
        return false;
    }
    if (load->starttls && (bench_reply(conn, NULL) != 220 || !say(conn, "EHLO bench.test\r\n", 250, s) ||
                           !say(conn, "STARTTLS\r\n", 220, s))) {
        return false;
    }
    if (!bench_tls_client(conn, load->ctx)) {
        (void)snprintf(s->error, sizeof(s->error), "handshake failed");
        return false;
    }
    if (!load->starttls && bench_reply(conn, NULL) != 220) {
        return false;
    }
    return say(conn, "EHLO bench.test\r\n", 250, s) && (load->user[0] == '\0' || authenticate(conn, s));
}

/* MAIL, RCPT and DATA in one write. */
static bool send_envelope(struct bench_conn *conn, struct session *s, int number)
{
    char commands[1024];
    const char *recipient = s->load->recipient;
    const char *percent = strstr(recipient, "%d");
    int head = percent == NULL ? (int)strlen(recipient) : (int)(percent - recipient);
    char digits[16] = "";

    if (percent != NULL) {
        (void)snprintf(digits, sizeof(digits), "%d", number);
    }
    (void)snprintf(commands, sizeof(commands), "MAIL FROM:<%s>\r\nRCPT TO:<%.*s%s%s>\r\nDATA\r\n", s->load->sender, head,
                   recipient, digits, percent == NULL ? "" : percent + 2);
    if (!bench_write(conn, commands, strlen(commands)) || bench_reply(conn, NULL) != 250 || bench_reply(conn, NULL) != 250 ||
        bench_reply(conn, NULL) != 354) {
        (void)snprintf(s->error, sizeof(s->error), "message %d: envelope refused", number);
        return false;
    }
    return true;
}

static bool send_one(struct bench_conn *conn, struct session *s, int number)
{
    size_t len;
    char *message;
    double begin;
    const char *reply = "";
    bool ok;

    if (!send_envelope(conn, s, number)) {
        return false;
    }
    message = bench_message_make(s->load->sender, s->number, number, (size_t)s->load->size, &len);
    message = realloc(message, len + 3);
    if (message == NULL) {
        abort();
    }
    memcpy(message + len, ".\r\n", 3);
    ok = bench_write(conn, message, len + 3);
    free(message);
    begin = now();
    ok = ok && bench_reply(conn, &reply) == 250;
    s->latency[number] = now() - begin;
    s->accepted += ok;
    if (!ok) {
        (void)snprintf(s->error, sizeof(s->error), "message %d: %.100s", number, reply);
    }
    return ok;
}

static void *run(void *ctx)
{
    struct session *s = ctx;
    struct bench_conn *conn = calloc(1, sizeof(*conn));
    bool ok = open_session(conn, s);

    for (int i = 0; ok && i < s->load->messages; i++) {
        ok = send_one(conn, s, i);
    }
    if (ok) {
        (void)say(conn, "QUIT\r\n", 221, s);
    }
    bench_close(conn);
    free(conn);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static int report(const struct load *load, struct session *sessions, double *latency, double begin)
{
    double end = now();
    int total = load->sessions * load->messages;
    int accepted = 0;

    for (int i = 0; i < load->sessions; i++) {
        accepted += sessions[i].accepted;
        if (sessions[i].accepted < load->messages) {
            (void)fprintf(stderr, "session %d: %s\n", i, sessions[i].error);
        }
    }
    qsort(latency, (size_t)total, sizeof(*latency), compare);
    (void)printf("{\"accepted\": %d, \"expected\": %d, \"begin\": %.6f, \"end\": %.6f, "
                 "\"latency_us\": {\"p50\": %.0f, \"p99\": %.0f}}\n",
                 accepted, total, begin, end, latency[total / 2] * 1e6, latency[total * 99 / 100] * 1e6);
    return accepted == total ? 0 : 1;
}

static int run_all(const struct load *load)
{
    struct session *sessions = calloc((size_t)load->sessions, sizeof(*sessions));
    double *latency = calloc((size_t)load->sessions * (size_t)load->messages, sizeof(*latency));
    double begin = now();
    int status = 1;

    if (sessions == NULL || latency == NULL) {
        abort();
    }
    for (int i = 0; i < load->sessions; i++) {
        sessions[i].load = load;
        sessions[i].number = i;
        sessions[i].latency = latency + (size_t)i * (size_t)load->messages;
        if (pthread_create(&sessions[i].thread, NULL, run, &sessions[i]) != 0) {
            abort();
        }
    }
    for (int i = 0; i < load->sessions; i++) {
        (void)pthread_join(sessions[i].thread, NULL);
    }
    status = report(load, sessions, latency, begin);
    free(sessions);
    free(latency);
    return status;
}

int main(int argc, char **argv)
{
    struct load load = {0};
    int status;

    if (argc != 11) {
        (void)fprintf(stderr, "usage: bench_load ADDRESS PORT tls|starttls SESSIONS MESSAGES SIZE USER PASSWORD SENDER RECIPIENT\n");
        return 2;
    }
    load.address = argv[1];
    load.port = (int)strtol(argv[2], NULL, 10);
    load.starttls = strcmp(argv[3], "starttls") == 0;
    load.sessions = (int)strtol(argv[4], NULL, 10);
    load.messages = (int)strtol(argv[5], NULL, 10);
    load.size = (int)strtol(argv[6], NULL, 10);
    load.user = argv[7];
    load.password = argv[8];
    load.sender = argv[9];
    load.recipient = argv[10];
    load.ctx = SSL_CTX_new(TLS_client_method());
    status = run_all(&load);
    SSL_CTX_free(load.ctx);
    return status;
}
