/* SPDX-License-Identifier: Apache-2.0 */
/* One client context; a small record beside each TLS object carries its peer, its alerts and its sessions. */
#include "net/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/tls_hole.h"
#include "net/tls_profile.h"

struct tls_client {
    SSL_CTX *ctx;
    int peer_index;       /* ex_data of SSL: struct peer */
    struct map *sessions; /* digest of host and address > SSL_SESSION */
};

struct peer {
    struct tls_client *client;
    struct digest name;
    bool proved;
    SSL_SESSION *waiting; /* came before the proof */
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
    SSL_SESSION_free(map_remove(sessions, &gone));
}

static void keep(struct tls_client *client, const struct digest *name, SSL_SESSION *session)
{
    SSL_SESSION_free(map_remove(client->sessions, name));
    make_room(client->sessions);
    if (!map_put(client->sessions, name, session))
        SSL_SESSION_free(session);
}

static int new_session(SSL *ssl, SSL_SESSION *session)
{
    struct peer *peer = peer_of(ssl);
    if (peer->proved) {
        keep(peer->client, &peer->name, session);
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

static bool set_up(struct tls_client *client, const char *ca_file, struct err *err)
{
    if (!tls_profile_apply(client->ctx, err))
        return false;
    if (tls_hole_verify() && !open_hole(client->ctx))
        return err_set(err, "TLS client: %s", tls_profile_error());
    ERR_clear_error();
    if (ca_file == NULL || SSL_CTX_load_verify_file(client->ctx, ca_file) != 1)
        return err_set(err, "trust { ca-file } %s: %s (it must be a PEM file of certificates)",
                       ca_file == NULL ? "is not set" : ca_file, tls_profile_error());
    SSL_CTX_set_app_data(client->ctx, client);
    SSL_CTX_set_verify(client->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(client->ctx, leave_to_trust, NULL);
    SSL_CTX_set_info_callback(client->ctx, note_alert);
    SSL_CTX_set_session_cache_mode(client->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client->ctx, new_session);
    client->peer_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, peer_free);
    return client->peer_index >= 0 || err_set(err, "TLS client: %s", tls_profile_error());
}

struct tls_client *tls_client_create(const char *ca_file, struct err *err)
{
    struct tls_client *client = mem_new(sizeof(*client));
    client->sessions = map_create(DIGEST_SIZE, TLS_CLIENT_SESSIONS_MAX);
    client->ctx = SSL_CTX_new(TLS_client_method());
    if (client->ctx == NULL || !set_up(client, ca_file, err))
        tls_client_free(&client);
    return client;
}

void tls_client_free(struct tls_client **client)
{
    if (client == NULL || *client == NULL)
        return;
    size_t cursor = 0;
    const void *name = NULL;
    void *session = NULL;
    while (map_next((*client)->sessions, &cursor, &name, &session))
        SSL_SESSION_free(session);
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
    if (SSL_set_ex_data(ssl, client->peer_index, peer) != 1) {
        mem_free(peer);
        SSL_free(ssl);
        return NULL;
    }
    if (is_name(host))
        SSL_set_tlsext_host_name(ssl, host);
    SSL_SESSION *kept = map_remove(client->sessions, &peer->name); /* RFC 8446 C.4: a ticket is used once */
    if (kept != NULL) {
        SSL_set_session(ssl, kept);
        SSL_SESSION_free(kept);
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

void tls_client_proved(SSL *ssl)
{
    struct peer *peer = peer_of(ssl);
    peer->proved = true;
    if (peer->waiting != NULL)
        keep(peer->client, &peer->name, peer->waiting);
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

bool tls_client_suite(const SSL *ssl, bool *ret_ephemeral)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    int kx = cipher == NULL ? NID_undef : SSL_CIPHER_get_kx_nid(cipher);
    *ret_ephemeral = kx == NID_kx_ecdhe || kx == NID_kx_dhe || kx == NID_kx_any;
    return cipher != NULL && SSL_CIPHER_is_aead(cipher) == 1;
}
