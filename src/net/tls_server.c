/* SPDX-License-Identifier: Apache-2.0 */
/* A listener's TLS context. */
#include "net/tls_server.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/tls_profile.h"

/* Upper bound of what the library calls its ticket keys; it says the true size itself. */
#define TICKET_KEYS_MAX 256
#define CHAIN_MAX 10 /* certificates above the leaf */

struct tls_server {
    const struct tls_library *library;
    SSL_CTX *ctx;
    int64_t ticket_keys_until;
    uint8_t end_point[TLS_SERVER_END_POINT_MAX];
    unsigned end_point_len;
};

static int refuse_password(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)ctx;
    return -1;
}

/* RFC 5929 4.1: the hash of the certificate's signature, or SHA-256 in place of MD5 and SHA-1, and where the signature
 * names none. */
static bool make_end_point(struct tls_server *server, X509 *leaf)
{
    int hash = NID_undef;
    if (OBJ_find_sigid_algs(X509_get_signature_nid(leaf), &hash, NULL) != 1 || hash == NID_undef || hash == NID_md5 ||
        hash == NID_sha1)
        hash = NID_sha256;
    const EVP_MD *md = EVP_get_digestbynid(hash);
    return md != NULL && EVP_MD_get_size(md) <= TLS_SERVER_END_POINT_MAX &&
           X509_digest(leaf, md, server->end_point, &server->end_point_len) == 1;
}

static bool use_chain(struct tls_server *server, BIO *pem, struct err *err)
{
    X509 *leaf = X509_new_ex(tls_library_context(server->library), NULL);
    bool ok = leaf != NULL && PEM_read_bio_X509_AUX(pem, &leaf, refuse_password, NULL) != NULL;
    ok = ok && SSL_CTX_use_certificate(server->ctx, leaf) == 1 && make_end_point(server, leaf);
    X509_free(leaf);
    if (!ok)
        return err_set(err, "certificate: %s", tls_profile_error());
    for (int i = 0; i <= CHAIN_MAX; i++) {
        X509 *next = PEM_read_bio_X509(pem, NULL, refuse_password, NULL);
        if (next == NULL) {
            (void)tls_profile_error(); /* the end of the file */
            return true;
        }
        if (SSL_CTX_add0_chain_cert(server->ctx, next) != 1) {
            X509_free(next);
            return err_set(err, "certificate chain: %s", tls_profile_error());
        }
    }
    return err_set(err, "certificate chain: more than %d certificates", CHAIN_MAX);
}

static bool use_key(struct tls_server *server, BIO *pem, struct err *err)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(pem, NULL, refuse_password, NULL, tls_library_context(server->library), NULL);
    if (key != NULL && !tls_profile_key(tls_library_profile(server->library), key, err)) {
        EVP_PKEY_free(key);
        return err_prefix(err, "private key: ");
    }
    bool ok = key != NULL && SSL_CTX_use_PrivateKey(server->ctx, key) == 1 && SSL_CTX_check_private_key(server->ctx) == 1;
    EVP_PKEY_free(key);
    return ok || err_set(err, "private key: %s (it must be PEM, without a password, and belong to the certificate)",
                         tls_profile_error());
}

static bool use_pem(struct tls_server *server, struct slice certificate, struct slice key, struct err *err)
{
    if (certificate.len > TLS_SERVER_PEM_MAX || key.len > TLS_SERVER_PEM_MAX)
        return err_set(err, "certificate or key file is larger than %u bytes", TLS_SERVER_PEM_MAX);
    BIO *chain_pem = BIO_new_mem_buf(certificate.data, (int)certificate.len);
    BIO *key_pem = BIO_new_mem_buf(key.data, (int)key.len);
    bool ok = chain_pem != NULL && key_pem != NULL && use_chain(server, chain_pem, err) && use_key(server, key_pem, err);
    BIO_free(chain_pem);
    BIO_free(key_pem);
    return ok;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                       unsigned in_len, void *ctx)
{
    struct slice ours = slice_str(ctx);
    (void)ssl;
    for (unsigned at = 0; at < in_len; at += 1u + in[at]) {
        struct slice name = slice_sub(slice_of(in, in_len), at + 1, in[at]);
        if (slice_eq(name, ours)) {
            *out = in + at + 1;
            *out_len = in[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Tickets of one hour open at most two hours of sessions, should the process memory ever leak. */
static void change_ticket_keys(struct tls_server *server)
{
    uint8_t keys[TICKET_KEYS_MAX];
    int64_t now = clock_wait_us();
    if (now < server->ticket_keys_until)
        return;
    long size = SSL_CTX_set_tlsext_ticket_keys(server->ctx, NULL, 0);
    if (size <= 0 || size > TICKET_KEYS_MAX)
        return;
    mem_random(keys, (size_t)size);
    SSL_CTX_set_tlsext_ticket_keys(server->ctx, keys, size);
    mem_wipe(keys, sizeof(keys));
    server->ticket_keys_until = now + TLS_SERVER_TICKET_LIFE_US;
}

struct tls_server *tls_server_create(const struct tls_library *library, struct slice certificate, struct slice key,
                                     const char *alpn, struct err *err)
{
    struct tls_server *server = mem_new(sizeof(*server));
    server->library = library;
    server->ctx = tls_library_ctx(library, TLS_server_method(), err);
    if (server->ctx == NULL || !use_pem(server, certificate, key, err)) {
        tls_server_free(&server);
        return NULL;
    }
    SSL_CTX_set_options(server->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_dh_auto(server->ctx, 1);
    SSL_CTX_set_num_tickets(server->ctx, 1);
    SSL_CTX_set_timeout(server->ctx, (long)(TLS_SERVER_TICKET_LIFE_US / CLOCK_US_PER_S));
    SSL_CTX_set_alpn_select_cb(server->ctx, choose_alpn, (void *)(uintptr_t)alpn);
    return server;
}

static bool read_file(int fd, struct buf *out, struct err *err)
{
    for (;;) {
        uint8_t *room = buf_reserve(out, 16384);
        if (room == NULL)
            return err_set(err, "file is larger than %u bytes", TLS_SERVER_PEM_MAX);
        /* pread: processes share one open file and must not move its offset under one another. */
        ssize_t n = pread(fd, room, 16384, (off_t)out->len);
        if (n < 0)
            return err_errno(err, errno, "cannot be read");
        if (n == 0)
            return true;
        buf_added(out, (size_t)n);
    }
}

struct tls_server *tls_server_create_fd(const struct tls_library *library, int certificate, int key, const char *alpn,
                                        struct err *err)
{
    struct buf chain_pem;
    struct buf key_pem;
    struct tls_server *server = NULL;
    buf_init(&chain_pem, TLS_SERVER_PEM_MAX + 16384);
    buf_init_secret(&key_pem, TLS_SERVER_PEM_MAX + 16384);
    if (!read_file(certificate, &chain_pem, err))
        err_prefix(err, "certificate file: ");
    else if (!read_file(key, &key_pem, err))
        err_prefix(err, "key file: ");
    else
        server = tls_server_create(library, buf_slice(&chain_pem), buf_slice(&key_pem), alpn, err);
    buf_free(&chain_pem);
    buf_free(&key_pem);
    return server;
}

void tls_server_free(struct tls_server **server)
{
    if (server == NULL || *server == NULL)
        return;
    SSL_CTX_free((*server)->ctx);
    mem_free(*server);
    *server = NULL;
}

SSL *tls_server_ssl(struct tls_server *server)
{
    change_ticket_keys(server);
    SSL *ssl = SSL_new(server->ctx);
    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    return ssl;
}

struct slice tls_server_end_point(const struct tls_server *server)
{
    return slice_of(server->end_point, server->end_point_len);
}
