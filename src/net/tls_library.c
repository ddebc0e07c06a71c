/* SPDX-License-Identifier: Apache-2.0 */
/* A library context, for profile fips with nothing but the FIPS provider, and the base provider that reads PEM and DER. */
#include "net/tls_library.h"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/file.h"

/* What stands before the content of fipsmodule.cnf, which is the section fips_sect. */
#define HEAD                               \
    "openssl_conf = sealpost\n"            \
    "[sealpost]\nproviders = providers\n"  \
    "[providers]\nfips = fips_sect\nbase = base_sect\n" \
    "[base_sect]\nactivate = 1\n"

struct tls_library {
    enum tls_profile profile;
    OSSL_LIB_CTX *context; /* NULL: the library's own */
};

/* Starts the providers the text names, inside context. */
static bool start_providers(OSSL_LIB_CTX *context, struct slice text, struct err *err)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    CONF *conf = NCONF_new_ex(context, NULL);
    long line = 0;
    bool ok = bio != NULL && conf != NULL && NCONF_load_bio(conf, bio, &line) == 1 && CONF_modules_load(conf, NULL, 0) > 0;
    if (!ok)
        err_set(err, "%s", tls_profile_error());
    NCONF_free(conf);
    BIO_free(bio);
    return ok;
}

/* The self-tests ran when the module was loaded, unless its configuration says that they did when it was installed; here
 * they run in any case. */
static bool self_test(OSSL_LIB_CTX *context)
{
    OSSL_PROVIDER *fips = OSSL_PROVIDER_load(context, "fips");
    bool ok = fips != NULL && OSSL_PROVIDER_self_test(fips) == 1;
    if (fips != NULL)
        OSSL_PROVIDER_unload(fips);
    return ok;
}

/* Nothing else is at hand: SHA-256 comes from the provider named fips, and MD5 from nowhere. */
static bool is_alone(OSSL_LIB_CTX *context)
{
    EVP_MD *good = EVP_MD_fetch(context, "SHA2-256", NULL);
    EVP_MD *bad = EVP_MD_fetch(context, "MD5", NULL);
    const OSSL_PROVIDER *from = good == NULL ? NULL : EVP_MD_get0_provider(good);
    bool ok = bad == NULL && from != NULL && strcmp(OSSL_PROVIDER_get0_name(from), "fips") == 0;
    EVP_MD_free(good);
    EVP_MD_free(bad);
    return ok;
}

static bool start_fips(OSSL_LIB_CTX *context, const char *config, struct err *err)
{
    struct buf text;
    buf_init(&text, TLS_LIBRARY_CONFIG_MAX);
    (void)buf_append_slice(&text, SLICE_LIT(HEAD));
    ERR_clear_error();
    bool ok = file_read_path(config, &text, err) && start_providers(context, buf_slice(&text), err);
    buf_free(&text);
    if (ok && (OSSL_PROVIDER_available(context, "fips") != 1 || OSSL_PROVIDER_available(context, "base") != 1))
        ok = err_set(err, "%s does not start it", config);
    if (ok && !self_test(context))
        ok = err_set(err, "its self-tests fail");
    if (ok && (EVP_default_properties_enable_fips(context, 1) != 1 || !is_alone(context)))
        ok = err_set(err, "another provider answers in its place");
    ERR_clear_error();
    return ok;
}

struct tls_library *tls_library_create(enum tls_profile profile, const char *fips_config, struct err *err)
{
    struct tls_library *library = mem_new(sizeof(*library));
    struct err why = {""};
    library->profile = profile;
    if (profile != TLS_PROFILE_FIPS)
        return library;
    library->context = OSSL_LIB_CTX_new();
    if (library->context != NULL && start_fips(library->context, fips_config, &why))
        return library;
    err_set(err,
            "trust.profile fips: OpenSSL's FIPS provider cannot be used (%s). Install fips.so, built from the source of this "
            "OpenSSL with enable-fips, in %s; then run: openssl fipsinstall -module .../fips.so -out %s",
            why.text, OPENSSL_info(OPENSSL_INFO_MODULES_DIR), fips_config);
    tls_library_free(&library);
    return NULL;
}

void tls_library_free(struct tls_library **library)
{
    if (library == NULL || *library == NULL)
        return;
    OSSL_LIB_CTX_free((*library)->context);
    mem_free(*library);
    *library = NULL;
}

SSL_CTX *tls_library_ctx(const struct tls_library *library, const SSL_METHOD *method, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(library->context, NULL, method);
    if (ctx == NULL) {
        err_set(err, "TLS: %s", tls_profile_error());
    } else if (!tls_profile_apply(ctx, library->profile, err)) {
        SSL_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

OSSL_LIB_CTX *tls_library_context(const struct tls_library *library)
{
    return library->context;
}

enum tls_profile tls_library_profile(const struct tls_library *library)
{
    return library->profile;
}
