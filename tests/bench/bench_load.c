/* SPDX-License-Identifier: Apache-2.0 */
/* The load: N sessions in threads, each with TLS and AUTH PLAIN, sends M messages of S bytes with PIPELINING, each to
 * one recipient; prints JSON: accepted, seconds, latency of the final dot's answer in microseconds. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

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
    const char *recipient; /* "user%d@domain": %d is not a format, it is replaced by the number */
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
    char line[512] = "AUTH PLAIN ";
    size_t user = strlen(s->load->user);
    size_t password = strlen(s->load->password);

    plain[0] = 0;
    memcpy(plain + 1, s->load->user, user + 1);
    memcpy(plain + user + 2, s->load->password, password);
    (void)EVP_EncodeBlock((unsigned char *)line + 11, plain, (int)(user + password + 2));
    (void)strcat(line, "\r\n");
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

/* A message whose first line after the header carries its number, so that a sink can count each once. */
static char *make_message(const struct load *load, int session, int number, size_t *ret_len)
{
    size_t room = (size_t)load->size + 1024;
    char *text = malloc(room);
    int n = snprintf(text, room,
                     "From: <%s>\r\nTo: <bench@bench.test>\r\nSubject: load\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
                     "Message-ID: <%d.%d@bench.test>\r\n\r\nnumber %d %d\r\n",
                     load->sender, session, number, session, number);
    size_t len = (size_t)n;

    while (len + 78 < (size_t)load->size) {
        memset(text + len, 'x', 76);
        memcpy(text + len + 76, "\r\n", 2);
        len += 78;
    }
    memcpy(text + len, ".\r\n", 3);
    *ret_len = len + 3;
    return text;
}

static bool send_one(struct bench_conn *conn, struct session *s, int number)
{
    char commands[1024];
    char recipient[320];
    const char *percent = strstr(s->load->recipient, "%d");
    size_t len;
    char *message;
    double begin;
    bool ok;

    if (percent == NULL) {
        (void)snprintf(recipient, sizeof(recipient), "%s", s->load->recipient);
    } else {
        (void)snprintf(recipient, sizeof(recipient), "%.*s%d%s", (int)(percent - s->load->recipient), s->load->recipient, number,
                       percent + 2);
    }
    (void)snprintf(commands, sizeof(commands), "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n", s->load->sender, recipient);
    if (!bench_write(conn, commands, strlen(commands)) || bench_reply(conn, NULL) != 250 ||
        bench_reply(conn, NULL) != 250 || bench_reply(conn, NULL) != 354) {
        (void)snprintf(s->error, sizeof(s->error), "envelope refused");
        return false;
    }
    message = make_message(s->load, s->number, number, &len);
    ok = bench_write(conn, message, len);
    free(message);
    begin = now();
    ok = ok && bench_reply(conn, NULL) == 250;
    s->latency[number] = now() - begin;
    s->accepted += ok;
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

static int report(const struct load *load, struct session *sessions, double *latency, double seconds)
{
    int total = load->sessions * load->messages;
    int accepted = 0;

    for (int i = 0; i < load->sessions; i++) {
        accepted += sessions[i].accepted;
        if (sessions[i].accepted < load->messages) {
            (void)fprintf(stderr, "session %d: %s\n", i, sessions[i].error);
        }
    }
    qsort(latency, (size_t)total, sizeof(*latency), compare);
    (void)printf("{\"accepted\": %d, \"expected\": %d, \"seconds\": %.6f, \"latency_us\": {\"p50\": %.0f, \"p99\": %.0f}}\n",
                 accepted, total, seconds, latency[total / 2] * 1e6, latency[total * 99 / 100] * 1e6);
    return accepted == total ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct load load = {0};
    struct session *sessions;
    double *latency;
    double begin;
    double seconds;
    int status;

    if (argc != 11) {
        (void)fprintf(stderr, "usage: bench_load ADDRESS PORT tls|starttls SESSIONS MESSAGES SIZE USER PASSWORD SENDER RECIPIENT\n");
        return 2;
    }
    load = (struct load){.address = argv[1], .port = (int)strtol(argv[2], NULL, 10), .starttls = strcmp(argv[3], "starttls") == 0,
                         .sessions = (int)strtol(argv[4], NULL, 10), .messages = (int)strtol(argv[5], NULL, 10),
                         .size = (int)strtol(argv[6], NULL, 10), .user = argv[7], .password = argv[8], .sender = argv[9],
                         .recipient = argv[10], .ctx = SSL_CTX_new(TLS_client_method())};
    sessions = calloc((size_t)load.sessions, sizeof(*sessions));
    latency = calloc((size_t)(load.sessions * load.messages), sizeof(*latency));
    begin = now();
    for (int i = 0; i < load.sessions; i++) {
        sessions[i] = (struct session){.load = &load, .number = i, .latency = latency + i * load.messages};
        (void)pthread_create(&sessions[i].thread, NULL, run, &sessions[i]);
    }
    for (int i = 0; i < load.sessions; i++) {
        (void)pthread_join(sessions[i].thread, NULL);
    }
    seconds = now() - begin;
    status = report(&load, sessions, latency, seconds);
    free(sessions);
    free(latency);
    SSL_CTX_free(load.ctx);
    return status;
}
