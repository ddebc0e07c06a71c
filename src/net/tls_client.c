/* SPDX-License-Identifier: Apache-2.0 */
/* One client context; a small record beside each TLS object carries its peer, its alerts and its sessions. */
#include "net/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/tls_hole.h"
#include "net/tls_profile.h"
#include "os/file.h"

#define STAPLE_MAX 65536u /* bytes of a staple kept with a session: with its signer's certificate it has about 2 KB */

struct tls_client {
    const struct tls_library *library;
    SSL_CTX *ctx;
    int peer_index;       /* ex_data of SSL: struct peer */
    struct map *sessions; /* digest of host and address > struct kept */
};

/* A session to resume, and what only its first handshake brought. */
struct kept {
    SSL_SESSION *session;
    struct buf staple;
};

struct peer {
    struct tls_client *client;
    struct digest name;
    bool proved;
    SSL_SESSION *waiting; /* came before the proof */
    struct buf staple;    /* of the session that is resumed */
    int alert_read;       /* -1: none */
    int alert_written;
};

static void peer_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
    struct peer *peer = ptr;
    (void)parent;
    (void)ad;
    (void)idx;
    (void)argl;
    (void)argp;
    if (peer == NULL)
        return;
    SSL_SESSION_free(peer->waiting);
    buf_free(&peer->staple);
    mem_free(peer);
}

static struct peer *peer_of(const SSL *ssl)
{
    struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    return SSL_get_ex_data(ssl, client->peer_index);
}

/* The chain is checked by trust_cert after the handshake, with the host's name, at the time of use; checking it here too
 * would only cost. The handshake's own signature is still verified by the library. */
static int leave_to_trust(X509_STORE_CTX *ctx, void *arg)
{
    (void)ctx;
    (void)arg;
    return 1;
}

static void note_alert(const SSL *ssl, int where, int value)
{
    if ((where & SSL_CB_ALERT) == 0)
        return;
    struct peer *peer = peer_of(ssl);
    if ((where & SSL_CB_READ) != 0)
        peer->alert_read = value & 0xff;
    else
        peer->alert_written = value & 0xff;
}

static void forget(struct kept *kept)
{
    if (kept == NULL)
        return;
    SSL_SESSION_free(kept->session);
    buf_free(&kept->staple);
    mem_free(kept);
}

/* Room for one more: any entry will do, they are all equally easily made again. */
static void make_room(struct map *sessions)
{
    size_t cursor = 0;
    const void *name = NULL;
    void *old = NULL;
    if (map_count(sessions) < TLS_CLIENT_SESSIONS_MAX || !map_next(sessions, &cursor, &name, &old))
        return;
    struct digest gone;
    memcpy(&gone, name, sizeof(gone));
    forget(map_remove(sessions, &gone));
}

static bool must_staple(const SSL *ssl)
{
    const X509 *leaf = SSL_get0_peer_certificate(ssl);
    return leaf == NULL || X509_get_ext_by_NID(leaf, NID_tlsfeature, -1) >= 0;
}

/* Keeps the session of a proved peer, if it is of a kind that may be resumed. Takes over session. */
static void keep(const SSL *ssl, SSL_SESSION *session)
{
    struct peer *peer = peer_of(ssl);
    struct map *sessions = peer->client->sessions;
    if (!tls_client_extended_master(ssl) || must_staple(ssl)) {
        SSL_SESSION_free(session);
        return;
    }
    struct kept *kept = mem_new(sizeof(*kept));
    kept->session = session;
    buf_init(&kept->staple, STAPLE_MAX);
    (void)buf_append_slice(&kept->staple, tls_client_staple(ssl));
    if (!buf_ok(&kept->staple)) { /* as if it had brought none */
        buf_free(&kept->staple);
        buf_init(&kept->staple, STAPLE_MAX);
    }
    forget(map_remove(sessions, &peer->name));
    make_room(sessions);
    if (!map_put(sessions, &peer->name, kept))
        forget(kept);
}

static int new_session(SSL *ssl, SSL_SESSION *session)
{
    struct peer *peer = peer_of(ssl);
    if (peer->proved) {
        keep(ssl, session);
    } else {
        SSL_SESSION_free(peer->waiting);
        peer->waiting = session;
    }
    return 1; /* the reference is ours now */
}

/* Test builds with the hole shake hands with anything. */
static bool open_hole(SSL_CTX *ctx)
{
    SSL_CTX_set_security_level(ctx, 0);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) == 1 && SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0") == 1;
}

static bool set_up(struct tls_client *client, struct err *err)
{
    if (tls_hole_verify() && !open_hole(client->ctx))
        return err_set(err, "TLS client: %s", tls_profile_error());
    SSL_CTX_set_app_data(client->ctx, client);
    SSL_CTX_set_verify(client->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(client->ctx, leave_to_trust, NULL);
    SSL_CTX_set_info_callback(client->ctx, note_alert);
    SSL_CTX_set_session_cache_mode(client->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client->ctx, new_session);
    client->peer_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, peer_free);
    return client->peer_index >= 0 || err_set(err, "TLS client: %s", tls_profile_error());
}

struct tls_client *tls_client_create(const struct tls_library *library, struct slice pem, struct err *err)
{
    struct tls_client *client = mem_new(sizeof(*client));
    client->library = library;
    client->sessions = map_create(DIGEST_SIZE, TLS_CLIENT_SESSIONS_MAX);
    client->ctx = tls_library_ctx(library, TLS_client_method(), err);
    if (client->ctx == NULL || !set_up(client, err) || !tls_client_renew(client, pem, err))
        tls_client_free(&client);
    return client;
}

struct tls_client *tls_client_open(const struct tls_library *library, const char *ca_file, struct err *err)
{
    struct tls_client *client = NULL;
    struct buf pem;
    buf_init(&pem, TLS_CLIENT_AUTHORITIES_MAX);
    if (ca_file == NULL)
        err_set(err, "trust { ca-file } is not set");
    else if (!file_read_path(ca_file, &pem, err))
        err_prefix(err, "trust { ca-file } ");
    else
        client = tls_client_create(library, buf_slice(&pem), err);
    buf_free(&pem);
    return client;
}

/* The next certificate, read into the library's context so that its provider verifies with it; NULL at the end. */
static X509 *next_anchor(const struct tls_client *client, BIO *bio)
{
    X509 *certificate = X509_new_ex(tls_library_context(client->library), NULL);
    if (certificate != NULL && PEM_read_bio_X509(bio, &certificate, NULL, NULL) == NULL) {
        X509_free(certificate);
        certificate = NULL;
    }
    return certificate;
}

bool tls_client_renew(struct tls_client *client, struct slice pem, struct err *err)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509_STORE *store = X509_STORE_new();
    X509 *certificate = NULL;
    size_t count = 0;
    ERR_clear_error();
    while (bio != NULL && store != NULL && (certificate = next_anchor(client, bio)) != NULL) {
        count += X509_STORE_add_cert(store, certificate) == 1 ? 1 : 0;
        X509_free(certificate);
    }
    bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; /* so the text ends */
    BIO_free(bio);
    ERR_clear_error();
    if (count > 0 && whole) {
        SSL_CTX_set_cert_store(client->ctx, store); /* takes it over */
        return true;
    }
    X509_STORE_free(store);
    return err_set(err, "trust { ca-file }: %s (it must be a PEM file of certificates)",
                   count > 0 ? "a certificate in it cannot be read" : "no certificate in it");
}

void tls_client_free(struct tls_client **client)
{
    if (client == NULL || *client == NULL)
        return;
    size_t cursor = 0;
    const void *name = NULL;
    void *kept = NULL;
    while (map_next((*client)->sessions, &cursor, &name, &kept))
        forget(kept);
    map_free(&(*client)->sessions);
    SSL_CTX_free((*client)->ctx);
    mem_free(*client);
    *client = NULL;
}

static struct digest name_of(const char *host, const char *address)
{
    struct digest name;
    struct buf text;
    unsigned len = DIGEST_SIZE;
    buf_init(&text, 1024);
    buf_printf(&text, "%s %s", host, address);
    if (!buf_ok(&text) || EVP_Digest(text.data, text.len, name.b, &len, EVP_sha256(), NULL) != 1)
        mem_random(&name, sizeof(name));
    buf_free(&text);
    return name;
}

/* RFC 6066 3: a name, never an address. */
static bool is_name(const char *host)
{
    uint8_t scratch[16];
    return host[0] != '[' && inet_pton(AF_INET, host, scratch) != 1 && inet_pton(AF_INET6, host, scratch) != 1;
}

SSL *tls_client_ssl(struct tls_client *client, const char *host, const char *address)
{
    SSL *ssl = SSL_new(client->ctx);
    if (ssl == NULL)
        return NULL;
    struct peer *peer = mem_new(sizeof(*peer));
    peer->client = client;
    peer->name = name_of(host, address);
    peer->alert_read = peer->alert_written = -1;
    buf_init(&peer->staple, STAPLE_MAX);
    if (SSL_set_ex_data(ssl, client->peer_index, peer) != 1) {
        mem_free(peer);
        SSL_free(ssl);
        return NULL;
    }
    if (is_name(host))
        SSL_set_tlsext_host_name(ssl, host);
    (void)SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    struct kept *kept = map_remove(client->sessions, &peer->name); /* RFC 8446 C.4: a ticket is used once */
    if (kept != NULL) {
        SSL_set_session(ssl, kept->session);
        (void)buf_append_slice(&peer->staple, buf_slice(&kept->staple));
        forget(kept);
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

void tls_client_proved(SSL *ssl)
{
    struct peer *peer = peer_of(ssl);
    peer->proved = true;
    if (peer->waiting != NULL)
        keep(ssl, peer->waiting);
    peer->waiting = NULL;
}

enum tls_client_failure tls_client_failure(const SSL *ssl)
{
    const struct peer *peer = peer_of(ssl);
    int alerts[] = {peer->alert_read, peer->alert_written};
    if (SSL_is_init_finished(ssl))
        return TLS_CLIENT_FINE;
    for (size_t i = 0; i < 2; i++) {
        if (alerts[i] == SSL_AD_PROTOCOL_VERSION)
            return TLS_CLIENT_OLD;
        if (alerts[i] == SSL_AD_HANDSHAKE_FAILURE || alerts[i] == SSL_AD_INSUFFICIENT_SECURITY)
            return TLS_CLIENT_SUITE;
    }
    return TLS_CLIENT_BROKEN;
}

X509_STORE *tls_client_anchors(const struct tls_client *client)
{
    return SSL_CTX_get_cert_store(client->ctx);
}

STACK_OF(X509) *tls_client_chain(const SSL *ssl)
{
    return SSL_get_peer_cert_chain(ssl);
}

struct slice tls_client_staple(const SSL *ssl)
{
    const uint8_t *staple = NULL;
    if (SSL_session_reused(ssl) == 1)
        return buf_slice(&peer_of(ssl)->staple);
    long len = SSL_get_tlsext_status_ocsp_resp((SSL *)(uintptr_t)ssl, &staple);
    return len > 0 && staple != NULL ? slice_of(staple, (size_t)len) : SLICE_EMPTY;
}

enum tls_client_cipher tls_client_cipher(const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    switch (cipher == NULL ? NID_undef : SSL_CIPHER_get_cipher_nid(cipher)) {
    case NID_aes_128_gcm:
    case NID_aes_256_gcm:
        return TLS_CLIENT_AES_GCM;
    case NID_aes_128_ccm:
    case NID_aes_256_ccm:
        return TLS_CLIENT_AES_CCM;
    case NID_chacha20_poly1305:
        return TLS_CLIENT_CHACHA20;
    default:
        return TLS_CLIENT_OTHER;
    }
}

bool tls_client_extended_master(const SSL *ssl)
{
    return SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_extms_support((SSL *)(uintptr_t)ssl) == 1;
}

bool tls_client_suite(const SSL *ssl, bool *ret_ephemeral)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    int kx = cipher == NULL ? NID_undef : SSL_CIPHER_get_kx_nid(cipher);
    *ret_ephemeral = kx == NID_kx_ecdhe || kx == NID_kx_dhe || kx == NID_kx_any;
    return cipher != NULL && SSL_CIPHER_is_aead(cipher) == 1;
}
