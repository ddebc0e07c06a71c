/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking connections of the bench tools. */
#include "bench_tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address_of(const char *address, int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    (void)inet_pton(AF_INET, address, &in.sin_addr);
    return in;
}

static void no_delay(int fd)
{
    int one = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

bool bench_connect(struct bench_conn *conn, const char *address, int port)
{
    struct sockaddr_in in = address_of(address, port);

    conn->ssl = NULL;
    conn->start = conn->end = 0;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&in, sizeof(in)) != 0) {
        return false;
    }
    no_delay(conn->fd);
    return true;
}

int bench_listen(const char *address, int port)
{
    struct sockaddr_in in = address_of(address, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    return bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(fd, 1024) == 0 ? fd : -1;
}

bool bench_tls_client(struct bench_conn *conn, SSL_CTX *ctx)
{
    conn->ssl = SSL_new(ctx);
    return SSL_set_fd(conn->ssl, conn->fd) == 1 && SSL_connect(conn->ssl) == 1;
}

bool bench_tls_server(struct bench_conn *conn, SSL_CTX *ctx)
{
    no_delay(conn->fd);
    conn->ssl = SSL_new(ctx);
    return SSL_set_fd(conn->ssl, conn->fd) == 1 && SSL_accept(conn->ssl) == 1;
}

static bool fill(struct bench_conn *conn)
{
    ssize_t n;

    if (conn->start > 0) {
        memmove(conn->in, conn->in + conn->start, conn->end - conn->start);
        conn->end -= conn->start;
        conn->start = 0;
    }
    if (conn->end == sizeof(conn->in)) {
        return false;
    }
    n = conn->ssl != NULL ? SSL_read(conn->ssl, conn->in + conn->end, (int)(sizeof(conn->in) - conn->end))
                          : read(conn->fd, conn->in + conn->end, sizeof(conn->in) - conn->end);
    if (n <= 0) {
        return false;
    }
    conn->end += (size_t)n;
    return true;
}

char *bench_line(struct bench_conn *conn)
{
    for (;;) {
        char *begin = conn->in + conn->start;
        char *end = memchr(begin, '\n', conn->end - conn->start);
        if (end != NULL) {
            conn->start = (size_t)(end + 1 - conn->in);
            *end = '\0';
            if (end > begin && end[-1] == '\r') {
                end[-1] = '\0';
            }
            return begin;
        }
        if (!fill(conn)) {
            return NULL;
        }
    }
}

bool bench_bytes(struct bench_conn *conn, char *out, size_t len)
{
    while (len > 0) {
        size_t n = conn->end - conn->start < len ? conn->end - conn->start : len;
        memcpy(out, conn->in + conn->start, n);
        conn->start += n;
        out += n;
        len -= n;
        if (len > 0 && !fill(conn)) {
            return false;
        }
    }
    return true;
}

bool bench_write(struct bench_conn *conn, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = conn->ssl != NULL ? SSL_write(conn->ssl, data, (int)len) : write(conn->fd, data, len);
        if (n <= 0) {
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

int bench_reply(struct bench_conn *conn, const char **ret_line)
{
    char *line;

    do {
        line = bench_line(conn);
        if (line == NULL || strlen(line) < 3) {
            return -1;
        }
    } while (line[3] == '-');
    if (ret_line != NULL) {
        *ret_line = line;
    }
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

void bench_close(struct bench_conn *conn)
{
    SSL_free(conn->ssl);
    conn->ssl = NULL;
    if (conn->fd >= 0) {
        (void)close(conn->fd);
        conn->fd = -1;
    }
}
