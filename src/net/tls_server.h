/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of TLS: certificate, key and settings of one listener. */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include "net/tls_conn.h"
#include "net/tls_library.h"

#define TLS_SERVER_PEM_MAX (256u * 1024u)               /* bytes of a certificate chain or key file */
#define TLS_SERVER_TICKET_LIFE_US INT64_C(3600000000)   /* ticket keys are changed, tickets expire */
#define TLS_SERVER_END_POINT_MAX 64                     /* bytes of the largest hash */

struct tls_server;

/* A server context of the library's profile, whose key must be one the profile allows. library must outlive it and its
 * connections. certificate: PEM chain, leaf first; key: PEM, without a password. alpn, a static string: the one
 * protocol name a client may ask for (a client that names others only is refused, so that no session of another protocol is turned
 * into ours; one that names none is served). False with the reason in err. */
struct tls_server *tls_server_create(const struct tls_library *library, struct slice certificate, struct slice key,
                                     const char *alpn, struct err *err);

/* The same from open files, read from their beginning; the descriptors stay the caller's. */
struct tls_server *tls_server_create_fd(const struct tls_library *library, int certificate, int key, const char *alpn,
                                        struct err *err);

/* Wipes and frees; connections made from it go on. *server becomes NULL; NULL is accepted. */
void tls_server_free(struct tls_server **server);

/* A new TLS object in accept state for tls_conn_start_tls(). NULL when memory of the library ran out. */
SSL *tls_server_ssl(struct tls_server *server);

/* Channel binding "tls-server-end-point" (RFC 5929 section 4): the hash of our certificate, as long as the server. */
struct slice tls_server_end_point(const struct tls_server *server);

#endif
