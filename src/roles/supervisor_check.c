/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration names, looked at before anything is started: files, keys, mailboxes. An error would keep a
 * process from starting; a warning is what an operator would rather hear now than from a patient. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keys/escrow.h"
#include "mail/address.h"
#include "net/tls_library.h"
#include "os/conf_demand.h"
#include "os/file.h"
#include "roles/supervisor.h"

#define PEM_MAX (1024u * 1024u)
#define SOON_DAYS 14

/* Adds a line that is not there yet: listeners often share a certificate. */
static void warn(struct buf *warnings, const char *subject, const char *text)
{
    struct buf line;

    buf_init(&line, PEM_MAX);
    (void)buf_printf(&line, "%s %s\n", subject, text);
    if (warnings->len == 0 || memmem(warnings->data, warnings->len, line.data, line.len) == NULL) {
        (void)buf_append_slice(warnings, buf_slice(&line));
    }
    buf_free(&line);
}

static bool check_mailbox(const char *key, const char *text, struct err *err)
{
    struct mail_address address;
    struct err why = {{0}};

    return mail_address_parse(slice_str(text), MAIL_SMTPUTF8, &address, &why) ||
           err_set(err, "'%s' must be one mailbox such as relay@clinic.example, not '%s': %s", key, text, why.text);
}

static void warn_of_certificate(X509 *cert, const char *path, const char *hostname, struct buf *warnings)
{
    int days = 0;
    int seconds = 0;

    if (X509_self_signed(cert, 0) == 1) {
        warn(warnings, path, "is self-signed: clients and browsers will not believe it");
    }
    if (X509_check_host(cert, hostname, 0, 0, NULL) != 1 && X509_check_ip_asc(cert, hostname, 0) != 1) {
        warn(warnings, path, "is not for the name under which it is shown (hostname, center.base-url)");
    }
    if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) == 1 && (days < SOON_DAYS || seconds < 0)) {
        warn(warnings, path, days < 0 || seconds < 0 ? "has expired" : "expires within 14 days");
    }
}

/* A certificate and its key can be read, belong together, and may be shown under trust.profile. */
static bool check_pair(const struct conf *conf, const char *certificate, const char *key, const char *hostname,
                       struct buf *warnings, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    bool ok = ctx != NULL;

    if (ok && access(certificate, R_OK) != 0) {
        ok = err_errno(err, errno, "cannot read the certificate %s", certificate);
    } else if (ok && access(key, R_OK) != 0) {
        ok = err_errno(err, errno, "cannot read the private key %s", key);
    } else if (ok && SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1) {
        ok = err_set(err, "%s holds no certificate in PEM form", certificate);
    } else if (ok && (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)) {
        ok = err_set(err, "%s is not the private key of %s", key, certificate);
    } else if (ok && !tls_profile_key((enum tls_profile)conf->trust_profile, SSL_CTX_get0_privatekey(ctx), err)) {
        ok = err_prefix(err, "%s: ", key);
    }
    if (ok) {
        warn_of_certificate(SSL_CTX_get0_certificate(ctx), certificate, hostname, warnings);
    }
    SSL_CTX_free(ctx);
    return ok;
}

/* The private key must not lie beside the public one. */
static void warn_of_private(const char *path, struct buf *warnings)
{
    char beside[4096];
    const char *slash = strrchr(path, '/');

    (void)snprintf(beside, sizeof(beside), "%.*s/private.pem", slash == NULL ? 1 : (int)(slash - path), slash == NULL ? "." : path);
    if (access(beside, F_OK) == 0) {
        warn(warnings, beside, "is still on this machine: move it away, it opens every message");
    }
}

static bool check_escrow(const struct conf *conf, struct buf *warnings, struct err *err)
{
    struct escrow *escrow = escrow_create();
    struct buf pem;
    bool ok = true;

    buf_init(&pem, PEM_MAX);
    for (size_t i = 0; ok && i < conf->keys_escrow.count; i++) {
        const char *path = conf->keys_escrow.item[i];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        buf_reset(&pem);
        ok = fd >= 0 ? file_read_fd(fd, path, &pem, err) && escrow_add_pem(escrow, buf_slice(&pem), path, err)
                     : err_errno(err, errno, "cannot read %s", path);
        if (fd >= 0) {
            (void)close(fd);
        }
        if (ok) {
            warn_of_private(path, warnings);
        }
    }
    buf_free(&pem);
    escrow_free(&escrow);
    return ok || err_prefix(err, "keys.escrow: ");
}

static bool check_authorities(const char *path, struct err *err)
{
    X509_STORE *store = X509_STORE_new();
    bool ok = store != NULL && X509_STORE_load_file(store, path) == 1;

    X509_STORE_free(store);
    return ok || err_set(err, "trust.ca-file: %s cannot be read or holds no certificates (package ca-certificates?)", path);
}

/* The code that profile needs comes up here and now: a process that could not use it would not start either. */
static bool check_profile(const struct conf *conf, struct err *err)
{
    struct tls_library *library = tls_library_create((enum tls_profile)conf->trust_profile, conf->trust_fips_config, err);
    bool ok = library != NULL;

    tls_library_free(&library);
    return ok;
}

static void warn_of_pins(void *ctx, const struct conf_demand *demand)
{
    warn(ctx, demand->name, "(domain): its pins have ended and have no effect; renew or remove them");
}

bool supervisor_check(const struct conf *conf, struct buf *warnings, struct err *err)
{
    const char *base = conf->center_base_url + strlen("https://");
    char base_host[256];

    (void)snprintf(base_host, sizeof(base_host), "%.*s", (int)strcspn(base, ":/"), base);
    if (!check_profile(conf, err)) {
        return false;
    }
    for (size_t i = 0; i < conf->submission_count; i++) {
        if (!check_pair(conf, conf->submission[i].certificate, conf->submission[i].key, conf->hostname, warnings, err)) {
            return err_prefix(err, "submission: ");
        }
    }
    if (strchr(conf->hostname, '.') == NULL) {
        warn(warnings, conf->hostname, "(hostname) has no dot: other mail servers expect a full name");
    }
    conf_demand_ended(conf, 0, clock_utc_us(), warn_of_pins, warnings);
    if (conf->submission_count == 0) {
        warn(warnings, "submission", "is missing: no application can hand in mail");
    }
    return (check_pair(conf, conf->center_certificate, conf->center_key, base_host, warnings, err) || err_prefix(err, "center: ")) &&
           check_escrow(conf, warnings, err) && check_authorities(conf->trust_ca_file, err) &&
           check_mailbox("notice.from", conf->notice_from, err) && check_mailbox("postmaster", conf->postmaster, err) &&
           (conf->report_contact == NULL || check_mailbox("report.contact", conf->report_contact, err)) &&
           (conf->notice_reverse_path[0] == '\0' || check_mailbox("notice.reverse-path", conf->notice_reverse_path, err));
}
