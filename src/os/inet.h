/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses as text: "127.0.0.1:465", "[::1]:465". Numeric only: names are the resolver's business. */
#ifndef OS_INET_H
#define OS_INET_H

#include <sys/socket.h>

#include "base/err.h"

#define INET_TEXT_MAX 64 /* "[" address "%" scope "]:" port and NUL */

/* Reads address and port, or with default_port >= 0 an address alone. False with what is wrong. */
bool inet_parse(const char *text, int default_port, struct sockaddr_storage *ret_addr, socklen_t *ret_len, struct err *err);

/* A non-blocking listening stream socket, close-on-exec, or -1 with the reason and what to do. */
int inet_listen(const char *text, struct err *err);

#endif
