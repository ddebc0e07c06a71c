/* SPDX-License-Identifier: Apache-2.0 */
/* Numeric socket addresses and listeners. */
#include "os/inet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"

#define BACKLOG 1024

static bool split(const char *text, int default_port, char host[INET_TEXT_MAX], uint16_t *ret_port)
{
    bool bracketed = text[0] == '[';
    const char *end = bracketed ? strchr(text, ']') : strrchr(text, ':');
    const char *port;
    uint64_t number;
    size_t len;

    if (!bracketed && (end == NULL || strchr(text, ':') != end)) {
        end = text + strlen(text); /* an IPv6 address without brackets, or no port */
    }
    if (end == NULL) {
        return false;
    }
    len = (size_t)(end - text) - (bracketed ? 1u : 0u);
    port = bracketed ? end + 1 : end;
    if (len == 0 || len >= INET_TEXT_MAX) {
        return false;
    }
    memcpy(host, text + (bracketed ? 1 : 0), len);
    host[len] = '\0';
    if (*port == '\0') {
        *ret_port = (uint16_t)default_port;
        return default_port >= 0;
    }
    if (*port != ':' || !slice_u64(slice_str(port + 1), UINT16_MAX, &number)) {
        return false;
    }
    *ret_port = (uint16_t)number;
    return true;
}

bool inet_parse(const char *text, int default_port, struct sockaddr_storage *ret_addr, socklen_t *ret_len, struct err *err)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret_addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret_addr;
    char host[INET_TEXT_MAX];
    uint16_t port;

    memset(ret_addr, 0, sizeof(*ret_addr));
    if (split(text, default_port, host, &port)) {
        if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
            v4->sin_family = AF_INET;
            v4->sin_port = htons(port);
            *ret_len = sizeof(*v4);
            return true;
        }
        if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
            v6->sin6_family = AF_INET6;
            v6->sin6_port = htons(port);
            *ret_len = sizeof(*v6);
            return true;
        }
    }
    return err_set(err, "'%s' is not an address%s such as 127.0.0.1%s or [::1]%s", text, default_port < 0 ? " with a port" : "",
                   default_port < 0 ? ":465" : "", default_port < 0 ? ":465" : "");
}

int inet_listen(const char *text, struct err *err)
{
    struct sockaddr_storage addr;
    socklen_t len;
    int one = 1;
    int fd;

    if (!inet_parse(text, -1, &addr, &len, err)) {
        return -1;
    }
    fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        (void)err_errno(err, errno, "cannot make a socket for %s", text);
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (addr.ss_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    }
    if (bind(fd, (struct sockaddr *)&addr, len) != 0 || listen(fd, BACKLOG) != 0) {
        (void)err_errno(err, errno, "cannot listen on %s%s", text, errno == EADDRINUSE ? " (another server is using it)" : errno == EADDRNOTAVAIL ? " (this machine does not have that address)" : "");
        (void)close(fd);
        return -1;
    }
    return fd;
}
