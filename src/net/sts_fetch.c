/* SPDX-License-Identifier: Apache-2.0 */
/* One fetch, from the address questions to the file; the glue between libcurl and the loop is in sts_fetch_multi.c. */
#include "net/sts_fetch_parts.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/dns_rdata.h"
#include "net/sts_policy.h"
#include "os/inet_private.h"

#define PREFIX "mta-sts."

/* --- ends --- */

static void free_fetch(struct sts_fetch *fetch)
{
    list_remove(&fetch->link);
    fetch->owner->count--;
    sts_fetch_multi_remove(fetch);
    curl_slist_free_all(fetch->resolve);
    buf_free(&fetch->addresses);
    buf_free(&fetch->body);
    buf_free(&fetch->post);
    curl_slist_free_all(fetch->headers);
    mem_free(fetch->url);
    mem_free(fetch);
}

static void finish(struct sts_fetch *fetch, enum sts_fetch_result result, const char *detail)
{
    const struct sts_fetch_answer answer = {.result = result, .detail = detail, .untried = fetch->easy == NULL,
        .text = result == STS_FETCH_OK ? buf_slice(&fetch->body) : SLICE_EMPTY};
    fetch->fn(fetch->ctx, &answer);
    free_fetch(fetch);
}

/* --- the answer --- */

static const char *status_fault(long status)
{
    if (status >= 300 && status < 400)
        return "the policy host redirects, which is not followed";
    return status == 404 ? "the policy host has no policy file (404)" : "the policy host does not answer with status 200";
}

/* NULL for text/plain, whatever its parameters. */
static const char *type_fault(const char *type)
{
    struct slice s = slice_str(type);
    if (slice_ieq(slice_trim(slice_sub(s, 0, slice_find(s, 0, ';'))), SLICE_LIT("text/plain")))
        return NULL;
    return "the policy file is not served as text/plain";
}

static const char *transfer_fault(const struct sts_fetch *fetch, CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT: return "the policy host cannot be connected to";
    case CURLE_OPERATION_TIMEDOUT: return "the policy host does not answer in time";
    case CURLE_FILESIZE_EXCEEDED: return "the policy file is too long";
    case CURLE_WRITE_ERROR: return fetch->too_long ? "the policy file is too long" : "the policy file cannot be read";
    case CURLE_SSL_CONNECT_ERROR: return "the TLS handshake with the policy host fails (TLS 1.2 or newer with a modern cipher is needed)";
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR: return "the policy host ends the connection before the policy file is whole";
    default: return "the policy host does not speak HTTP as it should";
    }
}

static const char *response_fault(struct sts_fetch *fetch)
{
    long status = 0;
    char *type = NULL;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (fetch->url != NULL)
        return status >= 200 && status < 300 ? NULL : "the host does not answer with a status of success";
    curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_TYPE, &type);
    return status != 200 ? status_fault(status) : type_fault(type);
}

void sts_fetch_done(struct sts_fetch *fetch, CURLcode code)
{
    const char *fault = NULL;
    if (fetch->untrusted.text[0] != '\0') {
        finish(fetch, STS_FETCH_UNTRUSTED, fetch->untrusted.text);
        return;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        finish(fetch, STS_FETCH_UNTRUSTED, "the policy host's certificate is not valid for it");
        return;
    }
    fault = code == CURLE_OK ? response_fault(fetch) : transfer_fault(fetch, code);
    finish(fetch, fault == NULL ? STS_FETCH_OK : STS_FETCH_FAILED, fault);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct sts_fetch *fetch = ctx;
    if (buf_append(&fetch->body, data, size * count))
        return size * count;
    fetch->too_long = true;
    return 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct sts_fetch *fetch = ctx;
    (void)data;
    fetch->header += size * count;
    fetch->too_long = fetch->header > STS_FETCH_HEADER_MAX;
    return fetch->too_long ? 0 : size * count;
}

/* --- TLS --- */

/* In place of the library's own check. */
static int verify(X509_STORE_CTX *store_ctx, void *ctx)
{
    struct sts_fetch *fetch = ctx;
    const struct sts_fetch_config *config = &fetch->owner->config;
    struct err err = {""};
    bool ok = config->check(config->check_ctx, fetch->owner->anchors, X509_STORE_CTX_get0_untrusted(store_ctx), fetch->host, &err);
    if (!ok)
        err_set(&fetch->untrusted, "the policy host does not prove itself: %s", err.text[0] != '\0' ? err.text : "refused");
    X509_STORE_CTX_set_error(store_ctx, ok ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return ok ? 1 : 0;
}

static CURLcode set_up_tls(CURL *easy, void *ssl_ctx, void *ctx)
{
    struct sts_fetch *fetch = ctx;
    struct err err = {""};
    (void)easy;
    SSL_CTX_set_cert_verify_callback(ssl_ctx, verify, fetch);
    return tls_profile_apply(ssl_ctx, fetch->owner->config.profile, &err) ? CURLE_OK : CURLE_SSL_ENGINE_INITFAILED;
}

/* --- the request --- */

#define SET(option, value) ok = ok && curl_easy_setopt(fetch->easy, (option), (value)) == CURLE_OK

/* What is never to happen, whatever the library's defaults are. */
static bool forbid(struct sts_fetch *fetch)
{
    bool ok = true;
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(CURLOPT_CAINFO, NULL);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_MAXFILESIZE, (long)STS_POLICY_FILE_MAX);
    SET(CURLOPT_TIMEOUT_MS, (long)(STS_FETCH_US / CLOCK_US_PER_MS));
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(STS_FETCH_CONNECT_US / CLOCK_US_PER_MS));
    SET(CURLOPT_LOW_SPEED_LIMIT, STS_FETCH_SPEED_MIN);
    SET(CURLOPT_LOW_SPEED_TIME, STS_FETCH_SPEED_S);
    return ok;
}

static bool describe(struct sts_fetch *fetch, const char *url)
{
    bool ok = forbid(fetch);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_RESOLVE, fetch->resolve);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSL_CTX_FUNCTION, set_up_tls);
    SET(CURLOPT_SSL_CTX_DATA, fetch);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, fetch);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, fetch);
    SET(CURLOPT_PRIVATE, fetch);
    if (fetch->url != NULL) {
        fetch->headers = curl_slist_append(NULL, "Content-Type: application/tlsrpt+gzip");
        SET(CURLOPT_HTTPHEADER, fetch->headers);
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, (const char *)fetch->post.data);
        SET(CURLOPT_POSTFIELDSIZE, (long)fetch->post.len);
        ok = ok && fetch->headers != NULL;
    }
    return ok;
}

/* The addresses are given as if they had been looked up: libcurl asks no DNS. The plus lets them be forgotten. */
static void request(struct sts_fetch *fetch)
{
    char url[2 * DNS_NAME_MAX];
    struct buf resolve;
    unsigned port = fetch->url != NULL ? fetch->port : fetch->owner->config.port;
    buf_init(&resolve, 2048);
    snprintf(url, sizeof(url), "https://%s:%u/.well-known/mta-sts.txt", fetch->host, port);
    buf_printf(&resolve, "+%s:%u:", fetch->host, port);
    buf_append_slice(&resolve, buf_slice(&fetch->addresses));
    fetch->resolve = curl_slist_append(NULL, buf_cstr(&resolve));
    buf_free(&resolve);
    fetch->easy = curl_easy_init();
    if (fetch->easy == NULL || !describe(fetch, fetch->url != NULL ? fetch->url : url) || !sts_fetch_multi_add(fetch))
        finish(fetch, STS_FETCH_FAILED, "the policy could not be asked for: an internal failure");
}

/* --- addresses --- */

static void take_address(struct sts_fetch *fetch, uint8_t family, struct slice rdata)
{
    char text[INET6_ADDRSTRLEN];
    if (rdata.len != (family == 4 ? 4u : 16u) || fetch->address_count >= STS_FETCH_ADDRESSES_MAX)
        return;
    fetch->offered = true;
    if (!fetch->owner->config.allow_private && inet_private(family, rdata.data))
        return;
    inet_ntop(family == 4 ? AF_INET : AF_INET6, rdata.data, text, sizeof(text));
    buf_printf(&fetch->addresses, family == 4 ? "%s%s" : "%s[%s]", fetch->address_count++ > 0 ? "," : "", text);
}

static void on_addresses(struct sts_fetch *fetch, uint8_t family, const struct dns_answer *answer)
{
    fetch->bogus = fetch->bogus || answer->status == MSG_DNS_BOGUS;
    fetch->dns_failed = fetch->dns_failed || dns_is_failure(answer->status);
    for (size_t i = 0; i < answer->count; i++)
        take_address(fetch, family, answer->rdata[i]);
    if (--fetch->open > 0)
        return;
    if (fetch->bogus)
        finish(fetch, STS_FETCH_FAILED, "the DNSSEC signatures of the policy host's address are wrong");
    else if (fetch->address_count > 0)
        request(fetch);
    else if (fetch->offered)
        finish(fetch, STS_FETCH_FAILED, "the policy host has only private addresses");
    else
        finish(fetch, STS_FETCH_FAILED,
               fetch->dns_failed ? "the policy host's address cannot be looked up" : "the policy host has no address");
}

static void on_a(void *ctx, const struct dns_answer *answer)
{
    on_addresses(ctx, 4, answer);
}

static void on_aaaa(void *ctx, const struct dns_answer *answer)
{
    on_addresses(ctx, 6, answer);
}

static void ask_addresses(struct sts_fetch *fetch)
{
    static const struct dns_answer failed = {.status = MSG_DNS_SERVFAIL};
    const struct sts_fetch_config *config = &fetch->owner->config;
    fetch->open = 2;
    if (!config->ask(config->ask_ctx, fetch->host, DNS_TYPE_A, on_a, fetch))
        on_a(fetch, &failed);
    if (!config->ask(config->ask_ctx, fetch->host, DNS_TYPE_AAAA, on_aaaa, fetch))
        on_aaaa(fetch, &failed);
}

/* A fetch of the host in fetch->host begins. */
static struct sts_fetch *begin(struct sts_fetcher *fetcher, sts_fetch_fn *fn, void *ctx)
{
    struct sts_fetch *fetch = mem_new(sizeof(*fetch));
    fetch->owner = fetcher;
    fetch->fn = fn;
    fetch->ctx = ctx;
    buf_init(&fetch->addresses, STS_FETCH_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 3u));
    buf_init(&fetch->body, STS_POLICY_FILE_MAX);
    list_push(&fetcher->fetches, &fetch->link);
    fetcher->count++;
    return fetch;
}

void sts_fetcher_get(struct sts_fetcher *fetcher, const char *domain, sts_fetch_fn *fn, void *ctx)
{
    struct sts_fetch_answer refused = {.result = STS_FETCH_FAILED, .untried = true};
    if (fetcher->count >= STS_FETCHES_MAX)
        refused.detail = "too many policies are being fetched at once";
    if (strlen(domain) + sizeof(PREFIX) > DNS_NAME_MAX)
        refused.detail = "the domain's name is too long for a policy host";
    if (refused.detail != NULL) {
        fn(ctx, &refused);
        return;
    }
    struct sts_fetch *fetch = begin(fetcher, fn, ctx);
    snprintf(fetch->host, sizeof(fetch->host), PREFIX "%s", domain);
    ask_addresses(fetch);
}

/* --- handing over --- */

/* "https://host[:port]/..." of a name, not of an address, and without a user. False when it is anything else. */
static bool read_url(const char *url, char host[DNS_NAME_MAX], unsigned *ret_port)
{
    CURLU *parts = curl_url();
    char *name = NULL, *port = NULL, *user = NULL;
    uint64_t number = 0;
    uint8_t address[16];
    bool ok = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              slice_istarts(slice_str(url), SLICE_LIT("https://")) &&
              curl_url_get(parts, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_NO_USER && strlen(name) < DNS_NAME_MAX &&
              name[0] != '[' && inet_pton(AF_INET, name, address) != 1 && slice_u64(slice_str(port), 65535, &number);
    if (ok)
        snprintf(host, DNS_NAME_MAX, "%s", name);
    *ret_port = (unsigned)number;
    curl_free(name);
    curl_free(port);
    curl_free(user);
    curl_url_cleanup(parts);
    return ok;
}

void sts_fetcher_post(struct sts_fetcher *fetcher, struct slice url, struct slice body, sts_fetch_fn *fn, void *ctx)
{
    struct sts_fetch_answer refused = {.result = STS_FETCH_FAILED, .detail = "too many transfers at once", .untried = true};
    char host[DNS_NAME_MAX];
    unsigned port = 0;
    char *text = mem_strndup(url.data, url.len);
    if (!read_url(text, host, &port))
        refused.detail = "the address is no https address of a host name";
    else if (fetcher->count < STS_FETCHES_MAX)
        refused.detail = NULL;
    if (refused.detail != NULL) {
        mem_free(text);
        fn(ctx, &refused);
        return;
    }
    struct sts_fetch *fetch = begin(fetcher, fn, ctx);
    memcpy(fetch->host, host, sizeof(fetch->host));
    fetch->url = text;
    fetch->port = port;
    buf_init(&fetch->post, body.len + 1);
    buf_append_slice(&fetch->post, body);
    ask_addresses(fetch);
}

/* --- the fetcher --- */

static bool read_authorities(struct sts_fetcher *fetcher, struct slice pem, struct err *err)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *certificate = NULL;
    size_t count = 0;
    fetcher->anchors = X509_STORE_new();
    while (bio != NULL && fetcher->anchors != NULL && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(fetcher->anchors, certificate) == 1 ? 1 : 0;
        X509_free(certificate);
    }
    BIO_free(bio);
    (void)tls_profile_error(); /* the end of the file is one */
    return count > 0 || err_set(err, "trust { ca-file }: no certificate in it (it must be a PEM file of certificates)");
}

struct sts_fetcher *sts_fetcher_create(const struct sts_fetch_config *config, struct err *err)
{
    struct sts_fetcher *fetcher = mem_new(sizeof(*fetcher));
    fetcher->config = *config;
    fetcher->config.authorities = SLICE_EMPTY;
    list_init(&fetcher->fetches);
    if (!read_authorities(fetcher, config->authorities, err) || !sts_fetch_multi_create(fetcher, err))
        sts_fetcher_free(&fetcher);
    return fetcher;
}

void sts_fetcher_free(struct sts_fetcher **fetcher)
{
    if (fetcher == NULL || *fetcher == NULL)
        return;
    LIST_FOR(it, next, &(*fetcher)->fetches)
    {
        free_fetch(LIST_ENTRY(it, struct sts_fetch, link));
    }
    sts_fetch_multi_free(*fetcher);
    X509_STORE_free((*fetcher)->anchors);
    mem_free(*fetcher);
    *fetcher = NULL;
}
