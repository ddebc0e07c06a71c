/* SPDX-License-Identifier: Apache-2.0 */
/* The first certificate of `sealpost init`. */
#include "cli/cli_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static FILE *create(int folder_fd, const char *name, mode_t mode, struct err *err)
{
    int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (file == NULL) {
        (void)err_errno(err, errno, "cannot write %s", name);
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    return file;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    bool ok;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *hostname, unsigned days)
{
    X509_NAME *name = X509_get_subject_name(cert);
    unsigned char serial[16];
    char san[300];
    BIGNUM *number = NULL;
    bool ok;

    ok = RAND_bytes(serial, sizeof(serial)) == 1;
    serial[0] &= 0x7f;
    number = BN_bin2bn(serial, sizeof(serial), NULL);
    (void)snprintf(san, sizeof(san), "DNS:%s", hostname);
    ok = ok && number != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
         BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL &&
         X509_gmtime_adj(X509_getm_notBefore(cert), -300) != NULL &&
         X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, NULL) != NULL &&
         X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Sealpost first certificate", -1, -1, 0) == 1 &&
         X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
         add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
         add_extension(cert, NID_ext_key_usage, "serverAuth") && add_extension(cert, NID_subject_alt_name, san) &&
         X509_sign(cert, key, EVP_sha256()) != 0;
    BN_free(number);
    return ok;
}

bool cli_tls_make(int folder_fd, const char *hostname, unsigned days, struct err *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    FILE *key_file = NULL;
    FILE *cert_file = NULL;
    bool ok = key != NULL && cert != NULL && fill(cert, key, hostname, days);

    if (!ok) {
        (void)err_set(err, "cannot make a certificate for %s", hostname);
    } else {
        key_file = create(folder_fd, "key.pem", 0600, err);
        cert_file = key_file == NULL ? NULL : create(folder_fd, "cert.pem", 0644, err);
        ok = cert_file != NULL && PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
             PEM_write_X509(cert_file, cert) == 1;
        if (!ok && cert_file != NULL) {
            (void)err_set(err, "cannot write the first certificate");
        }
    }
    if (key_file != NULL) {
        ok = (fclose(key_file) == 0) && ok;
    }
    if (cert_file != NULL) {
        ok = (fclose(cert_file) == 0) && ok;
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}
