/* SPDX-License-Identifier: Apache-2.0 */
/* The list of one-offer receivers. */
#include "profile_offer.h"

#include <stdio.h>
#include <string.h>

static struct offer *add(struct offer *offers, size_t *count, const char *kind, const char *name, int version)
{
    struct offer *offer = &offers[*count];
    if (*count + 1 < OFFERS_MAX)
        (*count)++;
    memset(offer, 0, sizeof(*offer));
    offer->kind = kind;
    offer->version = version;
    (void)snprintf(offer->name, sizeof(offer->name), "%s", name);
    return offer;
}

static void add_versions(struct offer *offers, size_t *count)
{
    add(offers, count, "version", "TLS 1.0", TLS1_VERSION);
    add(offers, count, "version", "TLS 1.1", TLS1_1_VERSION);
    add(offers, count, "version", "TLS 1.2", TLS1_2_VERSION);
    add(offers, count, "version", "TLS 1.3", TLS1_3_VERSION);
    add(offers, count, "version", "TLS 1.2 without extended master secret", TLS1_2_VERSION)->no_extended_master = true;
}

static const char *key_for(const SSL_CIPHER *suite)
{
    switch (SSL_CIPHER_get_auth_nid(suite)) {
    case NID_auth_dss: return "DSA-2048";
    case NID_auth_ecdsa: return "P-256";
    default: return "RSA-2048";
    }
}

/* All suites that the library knows, SSL_CIPHER names are static. */
static void add_suites(struct offer *offers, size_t *count)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL:@SECLEVEL=0");
    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"
                                  "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256");
    STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(ctx);
    for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
        const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
        const char *name = SSL_CIPHER_get_name(suite);
        bool tls13 = strncmp(name, "TLS_", 4) == 0;
        struct offer *offer = add(offers, count, "suite", name, tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
        offer->suites = name;
        offer->key = key_for(suite);
        offer->dh = SSL_CIPHER_get_kx_nid(suite) == NID_kx_dhe ? "ffdhe2048" : NULL;
    }
    SSL_CTX_free(ctx);
}

static void add_groups(struct offer *offers, size_t *count)
{
    static const char *const names[] = {"sect163k1", "sect163r1", "sect163r2", "sect193r1", "sect193r2", "sect233k1",
        "sect233r1", "sect239k1", "sect283k1", "sect283r1", "sect409k1", "sect409r1", "sect571k1", "sect571r1", "secp160k1",
        "secp160r1", "secp160r2", "secp192k1", "P-192", "secp224k1", "P-224", "secp256k1", "P-256", "P-384", "P-521",
        "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1", "X25519", "X448", "ffdhe2048", "ffdhe3072", "ffdhe4096",
        "ffdhe6144", "ffdhe8192"};
    static const char *const dh[] = {"512", "768", "dh_1024_160", "modp_1536", "modp_2048", "dh_2048_256", "ffdhe2048",
        "ffdhe3072", "ffdhe4096"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct offer *offer = add(offers, count, "group", names[i], version);
            offer->groups = names[i];
            offer->key = "RSA-2048";
            offer->suites = version == TLS1_2_VERSION ? "ECDHE-RSA-AES128-GCM-SHA256" : NULL;
        }
    }
    for (size_t i = 0; i < sizeof(dh) / sizeof(*dh); i++) {
        struct offer *offer = add(offers, count, "dh", dh[i], TLS1_2_VERSION);
        offer->dh = dh[i];
        offer->key = "RSA-2048";
        offer->suites = "DHE-RSA-AES128-GCM-SHA256";
    }
}

static void add_signatures(struct offer *offers, size_t *count)
{
    static const struct {
        int version;
        const char *name;
        const char *key;
    } rows[] = {
        {TLS1_2_VERSION, "RSA+MD5", "RSA-2048"},     {TLS1_2_VERSION, "RSA+SHA1", "RSA-2048"},
        {TLS1_2_VERSION, "RSA+SHA224", "RSA-2048"},  {TLS1_2_VERSION, "RSA+SHA256", "RSA-2048"},
        {TLS1_2_VERSION, "RSA+SHA384", "RSA-2048"},  {TLS1_2_VERSION, "RSA+SHA512", "RSA-2048"},
        {TLS1_2_VERSION, "DSA+SHA1", "DSA-2048"},    {TLS1_2_VERSION, "DSA+SHA256", "DSA-2048"},
        {TLS1_2_VERSION, "ECDSA+SHA1", "P-256"},     {TLS1_2_VERSION, "ECDSA+SHA224", "P-256"},
        {TLS1_2_VERSION, "ECDSA+SHA256", "P-256"},   {TLS1_2_VERSION, "ECDSA+SHA384", "P-256"},
        {TLS1_2_VERSION, "ECDSA+SHA512", "P-256"},   {TLS1_2_VERSION, "ecdsa_secp384r1_sha384", "P-384"},
        {TLS1_2_VERSION, "ecdsa_secp521r1_sha512", "P-521"}, {TLS1_3_VERSION, "ecdsa_secp256r1_sha256", "P-256"},
        {TLS1_3_VERSION, "ecdsa_secp384r1_sha384", "P-384"}, {TLS1_3_VERSION, "ecdsa_secp521r1_sha512", "P-521"},
        {0, "rsa_pss_rsae_sha256", "RSA-2048"},      {0, "rsa_pss_rsae_sha384", "RSA-2048"},
        {0, "rsa_pss_rsae_sha512", "RSA-2048"},      {0, "rsa_pss_pss_sha256", "RSA-PSS-2048"},
        {0, "rsa_pss_pss_sha384", "RSA-PSS-2048"},   {0, "rsa_pss_pss_sha512", "RSA-PSS-2048"},
        {0, "ed25519", "ED25519"},                   {0, "ed448", "ED448"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            if (rows[i].version != 0 && rows[i].version != version)
                continue;
            struct offer *offer = add(offers, count, "signature", rows[i].name, version);
            offer->signatures = rows[i].name;
            offer->key = rows[i].key;
        }
    }
}

static void add_keys(struct offer *offers, size_t *count)
{
    static const char *const names[] = {"RSA-512", "RSA-768", "RSA-1024", "RSA-1536", "RSA-2040", "RSA-2047", "RSA-2048",
        "RSA-2056", "RSA-3072", "RSA-4096", "RSA-PSS-1024", "RSA-PSS-2048", "RSA-PSS-3072", "P-192", "P-224", "P-256",
        "P-384", "P-521", "secp256k1", "brainpoolP256r1", "brainpoolP384r1", "ED25519", "ED448", "DSA-1024", "DSA-2048"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        add(offers, count, "key", names[i], TLS1_2_VERSION)->key = names[i];
        add(offers, count, "key", names[i], TLS1_3_VERSION)->key = names[i];
    }
}

static void add_certificates(struct offer *offers, size_t *count)
{
    static const struct {
        const char *issuer;
        const char *digest;
    } rows[] = {
        {"RSA-2048", "MD5"},     {"RSA-2048", "SHA1"},     {"RSA-2048", "SHA224"},   {"RSA-2048", "SHA256"},
        {"RSA-2048", "SHA384"},  {"RSA-2048", "SHA512"},   {"RSA-2048", "SHA3-256"}, {"RSA-1024", "SHA256"},
        {"RSA-3072", "SHA256"},  {"RSA-4096", "SHA256"},   {"P-256", "SHA1"},        {"P-256", "SHA224"},
        {"P-256", "SHA256"},     {"P-384", "SHA384"},      {"P-521", "SHA512"},      {"P-224", "SHA256"},
        {"secp256k1", "SHA256"}, {"RSA-PSS-2048", "SHA256"}, {"ED25519", NULL},      {"ED448", NULL},
        {"DSA-2048", "SHA256"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char name[OFFER_NAME_MAX];
        (void)snprintf(name, sizeof(name), "signed by %s%s%s", rows[i].issuer, rows[i].digest != NULL ? " with " : "",
                       rows[i].digest != NULL ? rows[i].digest : "");
        struct offer *offer = add(offers, count, "issuer", name, TLS1_3_VERSION);
        offer->issuer = rows[i].issuer;
        offer->digest = rows[i].digest;
    }
}

size_t offer_list(struct offer *offers)
{
    size_t count = 0;
    add_versions(offers, &count);
    add_suites(offers, &count);
    add_groups(offers, &count);
    add_signatures(offers, &count);
    add_keys(offers, &count);
    add_certificates(offers, &count);
    return count;
}
