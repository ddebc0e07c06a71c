/* SPDX-License-Identifier: Apache-2.0 */
/* Escrow keys over OpenSSL's RSA. */
#include "keys/escrow.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "keys/crypto.h"
#include "keys/sealed_header.h"

#define PEM_MAX 65536 /* bytes of one PEM file */
#define WRAPPED_MAX (ESCROW_BITS_MAX / 8)

struct escrow_key {
    EVP_PKEY *public;
    EVP_PKEY_CTX *ctx; /* ready to encrypt with our padding */
    char name[ESCROW_NAME_SIZE];
};

struct escrow {
    struct escrow_key key[ESCROW_KEYS_MAX];
    size_t count;
};

struct escrow *escrow_create(void)
{
    return mem_new(sizeof(struct escrow));
}

void escrow_free(struct escrow **escrow)
{
    if (escrow == NULL || *escrow == NULL)
        return;
    for (size_t i = 0; i < (*escrow)->count; i++) {
        EVP_PKEY_CTX_free((*escrow)->key[i].ctx);
        EVP_PKEY_free((*escrow)->key[i].public);
    }
    mem_free(*escrow);
    *escrow = NULL;
}

/* The first 64 bits of SHA-256 over the SubjectPublicKeyInfo, in hex. */
static void name_of(EVP_PKEY *public, char out[ESCROW_NAME_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t *der = NULL;
    uint8_t sum[SHA256_DIGEST_LENGTH];
    int len = i2d_PUBKEY(public, &der);
    crypto_must(len > 0 && SHA256(der, (size_t)len, sum) != NULL, "escrow key name");
    OPENSSL_free(der);
    for (size_t i = 0; i < (ESCROW_NAME_SIZE - 1) / 2; i++) {
        out[2 * i] = hex[sum[i] >> 4];
        out[2 * i + 1] = hex[sum[i] & 15];
    }
    out[ESCROW_NAME_SIZE - 1] = '\0';
}

/* A context for RSA-OAEP with SHA-256 twice, or NULL. */
static EVP_PKEY_CTX *encrypt_context(EVP_PKEY *public)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, public, NULL);
    bool ok = ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1;
    ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1;
    ok = ok && EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA2-256", NULL) == 1;
    ok = ok && EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, "SHA2-256", NULL) == 1;
    if (ok)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/* Takes over public. */
static bool add(struct escrow *escrow, EVP_PKEY *public, const char *name, struct err *err)
{
    int bits = EVP_PKEY_get_bits(public);
    EVP_PKEY_CTX *ctx = NULL;
    bool ok = false;
    if (!EVP_PKEY_is_a(public, "RSA") || bits < ESCROW_BITS_MIN || bits > ESCROW_BITS_MAX)
        err_set(err, "%s: an escrow key must be RSA of %d to %d bits", name, ESCROW_BITS_MIN, ESCROW_BITS_MAX);
    else if (escrow->count == ESCROW_KEYS_MAX)
        err_set(err, "%s: more than %d escrow keys", name, ESCROW_KEYS_MAX);
    else if ((ctx = encrypt_context(public)) == NULL)
        err_set(err, "%s: the escrow key cannot be used with OAEP", name);
    else
        ok = true;
    if (!ok) {
        EVP_PKEY_free(public);
        return false;
    }
    struct escrow_key *key = &escrow->key[escrow->count++];
    key->public = public;
    key->ctx = ctx;
    name_of(public, key->name);
    return true;
}

bool escrow_add_pem(struct escrow *escrow, struct slice pem, const char *name, struct err *err)
{
    if (pem.len > PEM_MAX)
        return err_set(err, "%s: too long for a PEM file of public keys", name);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    crypto_must(bio != NULL, "memory BIO");
    size_t before = escrow->count;
    bool ok = true;
    EVP_PKEY *public = NULL;
    while (ok && (public = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL)) != NULL)
        ok = add(escrow, public, name, err);
    BIO_free(bio);
    if (!ok)
        return false;
    if (escrow->count == before)
        return err_set(err, "%s: no public key in PEM form (\"BEGIN PUBLIC KEY\") found", name);
    return true;
}

size_t escrow_count(const struct escrow *escrow)
{
    return escrow->count;
}

const char *escrow_name(const struct escrow *escrow, size_t i)
{
    return escrow->key[i].name;
}

bool escrow_wrap(struct escrow *escrow, const struct key *data_key, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < escrow->count; i++) {
        struct escrow_key *key = &escrow->key[i];
        uint8_t wrapped[WRAPPED_MAX];
        size_t len = sizeof(wrapped);
        if (EVP_PKEY_encrypt(key->ctx, wrapped, &len, data_key->b, KEY_SIZE) != 1)
            return err_set(err, "cannot wrap a data key for escrow key %s", key->name);
        sealed_header_put_wrapped(out, SLICE_LIT(SEALED_PROVIDER_ESCROW), slice_str(key->name),
                                  slice_of(wrapped, len));
    }
    return true;
}

/* Moves what a memory BIO holds to out and frees it. */
static bool drain(BIO *bio, struct buf *out)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    bool ok = len > 0 && buf_append(out, data, (size_t)len);
    if (len > 0)
        mem_wipe(data, (size_t)len);
    BIO_free(bio);
    return ok;
}

bool escrow_generate(struct buf *ret_private_pem, struct buf *ret_public_pem, struct err *err)
{
    EVP_PKEY *pair = EVP_RSA_gen(ESCROW_BITS_NEW);
    BIO *private = BIO_new(BIO_s_mem());
    BIO *public = BIO_new(BIO_s_mem());
    crypto_must(private != NULL && public != NULL, "memory BIO");
    bool ok = pair != NULL && PEM_write_bio_PrivateKey(private, pair, NULL, NULL, 0, NULL, NULL) == 1 &&
              PEM_write_bio_PUBKEY(public, pair) == 1;
    ok = drain(private, ret_private_pem) && ok;
    ok = drain(public, ret_public_pem) && ok;
    EVP_PKEY_free(pair);
    return ok || err_set(err, "cannot make an escrow key pair");
}
