/* SPDX-License-Identifier: Apache-2.0 */
/* Profile fips without its provider: refused in words, whatever is in its place. And the keys the profiles allow. */
#include "unit.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "net/tls_library.h"

/* The refusal for a configuration with this text. */
static struct err refusal(const char *text)
{
    struct err err = {""};
    char path[] = "/tmp/test_tls_library.XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct tls_library *library = tls_library_create(TLS_PROFILE_FIPS, path, &err);
    unlink(path);
    assert_null(library);
    assert_non_null(strstr(err.text, "trust.profile fips"));
    return err;
}

static void test_absent_provider_is_refused_in_words(void **state)
{
    struct err err = {""};
    (void)state;
    assert_null(tls_library_create(TLS_PROFILE_FIPS, "/nonexistent/fipsmodule.cnf", &err));
    assert_non_null(strstr(err.text, "/nonexistent/fipsmodule.cnf: No such file"));
    assert_non_null(strstr(err.text, "Install fips.so"));
    assert_non_null(strstr(err.text, OPENSSL_info(OPENSSL_INFO_MODULES_DIR)));
    assert_non_null(strstr(err.text, "openssl fipsinstall -module"));
    assert_non_null(strstr(err.text, "-out /nonexistent/fipsmodule.cnf"));
    assert_null(tls_library_create(TLS_PROFILE_FIPS, "/tmp", &err));
}

static void test_configuration_that_starts_nothing_is_refused(void **state)
{
    (void)state;
    refusal("");
    refusal("[fips_sect]\nmodule-mac = 00:11\n");
    refusal("[fips_sect]\nactivate = 1\nmodule = /nonexistent/fips.so\n");
    refusal("[fips_sect]\nactivate = 1\nmodule = /etc/passwd\n");
    refusal("[fips_sect\n");
}

/* A provider of another kind under this name: it comes up, and says that its self-tests passed. */
static void test_another_module_under_its_name_is_refused(void **state)
{
    char text[512];
    (void)state;
    snprintf(text, sizeof(text), "[fips_sect]\nactivate = 1\nmodule = %s/legacy.so\n", OPENSSL_info(OPENSSL_INFO_MODULES_DIR));
    struct err err = refusal(text);
    if (access(strchr(text, '/'), F_OK) == 0 || strstr(err.text, "does not start") == NULL)
        assert_non_null(strstr(err.text, "another provider answers"));
}

static void test_others_need_nothing(void **state)
{
    (void)state;
    for (enum tls_profile profile = TLS_PROFILE_STRICT; profile <= TLS_PROFILE_NIST; profile++) {
        struct err err = {""};
        struct tls_library *library = tls_library_create(profile, "/nonexistent", &err);
        assert_non_null(library);
        assert_null(tls_library_context(library));
        SSL_CTX *ctx = tls_library_ctx(library, TLS_client_method(), &err);
        assert_non_null(ctx);
        SSL_CTX_free(ctx);
        tls_library_free(&library);
        assert_null(library);
    }
    tls_library_free(NULL);
}

static void test_keys_of_servers(void **state)
{
    struct {
        EVP_PKEY *key;
        bool nist;
    } rows[] = {{EVP_EC_gen("P-256"), true},   {EVP_EC_gen("P-384"), true},   {EVP_EC_gen("P-521"), false},
                {EVP_EC_gen("P-224"), false},  {EVP_RSA_gen(2048), true},     {EVP_RSA_gen(1024), false},
                {EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), false}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct err err = {""};
        assert_true(tls_profile_key(TLS_PROFILE_STRICT, rows[i].key, &err));
        assert_int_equal(tls_profile_key(TLS_PROFILE_NIST, rows[i].key, &err), rows[i].nist);
        assert_int_equal(tls_profile_key(TLS_PROFILE_FIPS, rows[i].key, &err), rows[i].nist);
        assert_int_equal(strstr(err.text, "profile fips wants a key") != NULL, !rows[i].nist);
        EVP_PKEY_free(rows[i].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_provider_is_refused_in_words),
        cmocka_unit_test(test_configuration_that_starts_nothing_is_refused),
        cmocka_unit_test(test_another_module_under_its_name_is_refused),
        cmocka_unit_test(test_others_need_nothing),
        cmocka_unit_test(test_keys_of_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
