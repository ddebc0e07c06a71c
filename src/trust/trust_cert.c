/* SPDX-License-Identifier: Apache-2.0 */
/* A path by OpenSSL, then the rules above it: names, keys, form, the staple. */
#include "trust/trust_cert.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "base/codec.h"
#include "base/mem.h"
#include "trust/trust_form.h"
#include "trust/trust_key.h"
#include "trust/trust_name.h"
#include "trust/trust_ocsp.h"
#include "trust/trust_path.h"

static const char *const fault_names[] = {
    [TRUST_CERT_FINE] = "fine",           [TRUST_CERT_NONE] = "missing",       [TRUST_CERT_EXPIRED] = "expired",
    [TRUST_CERT_NOT_YET] = "not-yet-valid", [TRUST_CERT_SELF_SIGNED] = "self-signed", [TRUST_CERT_UNTRUSTED] = "untrusted",
    [TRUST_CERT_CHAIN] = "chain-invalid", [TRUST_CERT_NAME] = "name-mismatch", [TRUST_CERT_KEY] = "weak-key",
    [TRUST_CERT_SIGNATURE] = "weak-signature", [TRUST_CERT_USAGE] = "wrong-usage", [TRUST_CERT_REVOKED] = "revoked",
    [TRUST_CERT_STAPLE] = "staple-missing",
};

const char *trust_cert_fault_name(enum trust_cert_fault fault)
{
    return (size_t)fault < sizeof(fault_names) / sizeof(*fault_names) ? fault_names[fault] : "?";
}

void trust_cert_free(struct trust_cert *cert)
{
    mem_free(cert->detail);
    mem_free(cert->key);
    mem_free(cert->signature);
    mem_free(cert->issuer);
    mem_free(cert->names);
    mem_free(cert->checked_name);
    mem_free(cert->matched_name);
    memset(cert, 0, sizeof(*cert));
}

/* The first flaw stays. */
static void note(struct trust_cert *cert, struct trust_flaw flaw)
{
    if (cert->fault != TRUST_CERT_FINE || flaw.fault == TRUST_CERT_FINE)
        return;
    cert->fault = flaw.fault;
    cert->detail = mem_strdup(flaw.detail);
}

/* The DNS names, one a line, escaped, so that a NUL or a line end inside a name shows as what it is. */
static char *names_text(X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    struct buf text;
    buf_init(&text, TRUST_NAMES_MAX);
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        size_t before = text.len;
        if (name->type != GEN_DNS)
            continue;
        struct slice dns = slice_of(ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName));
        bool room = (before == 0 || buf_append_byte(&text, '\n')) && codec_escape(&text, dns);
        if (!room) {
            text.len = before;
            break;
        }
    }
    GENERAL_NAMES_free(names);
    char *out = mem_strndup(text.data, text.len);
    buf_free(&text);
    return out;
}

static char *issuer_text(const X509 *leaf)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    struct buf text;
    buf_init(&text, TRUST_NAMES_MAX);
    if (bio != NULL && X509_NAME_print_ex(bio, X509_get_issuer_name(leaf), 0, XN_FLAG_RFC2253) >= 0) {
        long len = BIO_get_mem_data(bio, &bytes);
        codec_escape(&text, slice_of(bytes, len > 0 ? (size_t)len : 0));
    }
    BIO_free(bio);
    char *out = mem_strndup(text.data, text.len);
    buf_free(&text);
    return out;
}

static void read_leaf(X509 *leaf, struct trust_cert *cert)
{
    cert->issuer = issuer_text(leaf);
    cert->key = trust_key_text(X509_get0_pubkey(leaf));
    cert->signature = mem_strdup(OBJ_nid2ln(X509_get_signature_nid(leaf)));
    cert->names = names_text(leaf);
    cert->from_us = trust_path_time_us(X509_get0_notBefore(leaf));
    cert->until_us = trust_path_time_us(X509_get0_notAfter(leaf));
}

static void read_chain(STACK_OF(X509) *chain, struct trust_cert *cert)
{
    for (int i = 0; i < sk_X509_num(chain) && cert->chain_count < TRUST_CHAIN_MAX; i++) {
        unsigned len = DIGEST_SIZE;
        if (X509_digest(sk_X509_value(chain, i), EVP_sha256(), cert->chain[cert->chain_count].b, &len) == 1)
            cert->chain_count++;
    }
}

static void read_path(const struct trust_path *path, struct trust_cert *cert)
{
    cert->matched_name = mem_strdup(path->matched);
    cert->from_us = path->from_us;
    cert->until_us = path->until_us;
    cert->path_count = trust_path_keys(path, cert->spki);
}

/* Who signed the leaf: by the path, or, without one, by what was shown. A self-signed leaf did it itself. */
static X509 *issuer_of(const struct trust_path *path, STACK_OF(X509) *chain)
{
    STACK_OF(X509) *certs = path->certs != NULL ? path->certs : chain;
    return sk_X509_value(certs, sk_X509_num(certs) > 1 ? 1 : 0);
}

static void check_staple(const struct trust_cert_ask *ask, const struct trust_path *path, struct trust_cert *cert)
{
    X509 *leaf = sk_X509_value(ask->chain, 0);
    cert->must_staple = trust_form_must_staple(leaf);
    cert->ocsp = trust_ocsp_check(ask->staple, leaf, issuer_of(path, ask->chain), ask->now_us, ask->profile);
    if (cert->ocsp == TRUST_OCSP_REVOKED)
        note(cert, (struct trust_flaw){TRUST_CERT_REVOKED, "the stapled OCSP response says revoked"});
    if (cert->must_staple && cert->ocsp != TRUST_OCSP_GOOD)
        note(cert, (struct trust_flaw){TRUST_CERT_STAPLE, "the certificate demands a staple (RFC 7633), and none says good"});
}

static void check(const struct trust_cert_ask *ask, struct trust_cert *cert)
{
    const char *names[] = {cert->checked_name};
    struct trust_path_ask path_ask = {ask->store, ask->chain, names, 1, ask->now_us, false};
    struct trust_path path;
    trust_path_find(&path_ask, &path);
    note(cert, path.flaw);
    if (path.certs != NULL) {
        read_path(&path, cert);
        note(cert, trust_name_path(path.certs, path.matched));
        note(cert, trust_key_path(path.certs, false, ask->profile));
        note(cert, trust_form_path(path.certs));
    }
    check_staple(ask, &path, cert);
    trust_path_free(&path);
}

static char *host_without_dot(const char *host)
{
    size_t len = strlen(host);
    return mem_strndup(host, len > 0 && host[len - 1] == '.' ? len - 1 : len);
}

void trust_cert_check(const struct trust_cert_ask *ask, struct trust_cert *ret_cert)
{
    memset(ret_cert, 0, sizeof(*ret_cert));
    ret_cert->checked = true;
    ret_cert->checked_name = host_without_dot(ask->host);
    if (ask->chain == NULL || sk_X509_num(ask->chain) == 0) {
        note(ret_cert, (struct trust_flaw){TRUST_CERT_NONE, "no certificate"});
        return;
    }
    read_leaf(sk_X509_value(ask->chain, 0), ret_cert);
    read_chain(ask->chain, ret_cert);
    check(ask, ret_cert);
}
