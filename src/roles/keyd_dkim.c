/* SPDX-License-Identifier: Apache-2.0 */
/* The key that signs reports about TLS (DKIM, RSA 2048): made when it is first asked for, kept sealed in keyd's directory
 * under a key of the hierarchy. It is read for each signature: there are a few hundred a day. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "keys/key_file.h"
#include "keys/sealed_field.h"
#include "mail/envelope.h"
#include "roles/keyd.h"

#define DKIM_FILE "dkim.sealed"
#define DKIM_BITS 2048u

static const struct id nobody = {{0}}; /* the key belongs to no message */

static EVP_PKEY *read_key(const struct key *seal, struct slice sealed, struct err *err)
{
    struct sealed_field *field = sealed_field_create();
    struct buf plain;
    EVP_PKEY *pkey = NULL;
    buf_init_secret(&plain, KEY_FILE_MAX);
    if (sealed_field_open(field, seal, &nobody, MAIL_FIELD_DKIM, 0, sealed, &plain, err)) {
        const unsigned char *at = plain.data;
        pkey = d2i_AutoPrivateKey(NULL, &at, (long)plain.len);
        if (pkey == NULL)
            err_set(err, "%s holds no key", DKIM_FILE);
    }
    buf_free(&plain);
    sealed_field_free(&field);
    return pkey;
}

static bool write_key(int dir, const struct key *seal, EVP_PKEY *pkey, struct err *err)
{
    struct sealed_field *field = sealed_field_create();
    struct buf sealed;
    unsigned char *der = NULL;
    int len = i2d_PrivateKey(pkey, &der);
    buf_init(&sealed, KEY_FILE_MAX);
    bool ok = len > 0 && sealed_field_seal(field, seal, &nobody, MAIL_FIELD_DKIM, 0, slice_of(der, (size_t)len), &sealed);
    if (len > 0)
        OPENSSL_clear_free(der, (size_t)len);
    ok = ok ? key_file_write(dir, DKIM_FILE, buf_slice(&sealed), err) : err_set(err, "the DKIM key cannot be sealed");
    buf_free(&sealed);
    sealed_field_free(&field);
    return ok;
}

static EVP_PKEY *make_key(int dir, const struct key *seal, struct err *err)
{
    EVP_PKEY *pkey = EVP_RSA_gen(DKIM_BITS);
    if (pkey == NULL) {
        err_set(err, "no RSA key can be made");
        return NULL;
    }
    if (!write_key(dir, seal, pkey, err)) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

/* The key; NULL with a line in the log. */
static EVP_PKEY *dkim_key(struct keyd *keyd)
{
    int dir = role_fd(keyd->role, ROLE_FD_KEYS_DIR, 0);
    struct err err = {""};
    struct key seal;
    struct buf sealed;
    EVP_PKEY *pkey = NULL;
    if (!keyd_batch_lasting_key(keyd, KEY_DKIM, &seal))
        return NULL;
    buf_init(&sealed, KEY_FILE_MAX);
    if (!key_file_exists(dir, DKIM_FILE))
        pkey = make_key(dir, &seal, &err);
    else if (key_file_read(dir, DKIM_FILE, &sealed, &err))
        pkey = read_key(&seal, buf_slice(&sealed), &err);
    if (pkey == NULL)
        log_error(role_log(keyd->role), "the DKIM key of reports: %s", err.text);
    buf_free(&sealed);
    mem_wipe(&seal, sizeof(seal));
    return pkey;
}

static size_t sign(EVP_PKEY *pkey, const struct digest *digest, uint8_t out[MSG_SIGNATURE_MAX])
{
    size_t len = MSG_SIGNATURE_MAX;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
              EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
              EVP_PKEY_sign(ctx, out, &len, digest->b, DIGEST_SIZE) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok ? len : 0;
}

bool keyd_dkim_sign(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_dkim_ask ask;
    struct msg_dkim answer = {.code = MSG_UNAVAILABLE};
    uint8_t bytes[MSG_SIGNATURE_MAX];
    if (!layout_read(&msg_dkim_ask_layout, frame->payload, &ask))
        return false;
    EVP_PKEY *pkey = dkim_key(keyd);
    size_t len = pkey != NULL ? sign(pkey, &ask.digest, bytes) : 0;
    if (len > 0)
        answer = (struct msg_dkim){MSG_OK, slice_of(bytes, len)};
    EVP_PKEY_free(pkey);
    keyd_answer(peer, frame, &msg_dkim_layout, &answer);
    return true;
}

bool keyd_dkim_show(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_dkim answer = {.code = MSG_UNAVAILABLE};
    unsigned char *der = NULL;
    if (frame->payload.len != 0)
        return false;
    EVP_PKEY *pkey = dkim_key(keyd);
    int len = pkey != NULL ? i2d_PUBKEY(pkey, &der) : 0;
    if (len > 0 && (size_t)len <= MSG_SIGNATURE_MAX)
        answer = (struct msg_dkim){MSG_OK, slice_of(der, (size_t)len)};
    EVP_PKEY_free(pkey);
    keyd_answer(peer, frame, &msg_dkim_layout, &answer);
    OPENSSL_free(der);
    return true;
}
