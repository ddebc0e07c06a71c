/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching MTA-STS policy files (RFC 8461 section 3.3): libcurl on our loop, addresses from our own DNS client. https
 * only; no redirects, proxies, cookies or .netrc; HTTP/1.1; status 200 and text/plain only; 64 KB; a minute; TLS of our
 * own profile; the policy host's certificate is judged by whoever made the fetcher. */
#ifndef NET_STS_FETCH_H
#define NET_STS_FETCH_H

#include <openssl/x509.h>

#include "net/dns.h"
#include "net/tls_profile.h"
#include "os/loop.h"

/* Fetches at once; each holds one connection (about 80 KB). */
#define STS_FETCHES_MAX 256u
/* From the address questions to the last byte (RFC 8461 3.3 suggests a minute). */
#define STS_FETCH_US INT64_C(60000000)
/* Of that, until TLS is up; and who then sends less than so many bytes a second for so long is given up: a few slow hosts
 * must not hold all places. */
#define STS_FETCH_CONNECT_US INT64_C(20000000)
#define STS_FETCH_SPEED_MIN 32L
#define STS_FETCH_SPEED_S 20L
/* Bytes of the answer's header. */
#define STS_FETCH_HEADER_MAX 16384u
/* Addresses of one policy host that are tried. */
#define STS_FETCH_ADDRESSES_MAX 8u

enum sts_fetch_result {
    STS_FETCH_OK,
    STS_FETCH_FAILED,    /* addresses, connection, TLS, status, redirect, size, time, content type */
    STS_FETCH_UNTRUSTED, /* the certificate does not prove the policy host */
};

/* What one fetch gave. Lives until the callback returns. */
struct sts_fetch_answer {
    enum sts_fetch_result result;
    struct slice text;  /* the file, when OK */
    const char *detail; /* otherwise: one sentence for the domain's owner */
    bool untried;       /* the host was not spoken to: no address, or no place */
};

typedef void sts_fetch_fn(void *ctx, const struct sts_fetch_answer *answer);

/* Judges the chain a policy host showed, leaf first. False with the reason. */
typedef bool sts_fetch_check_fn(void *ctx, X509_STORE *anchors, STACK_OF(X509) *chain, const char *host, struct err *err);

struct sts_fetch_config {
    struct slice authorities; /* PEM */
    enum tls_profile profile;
    uint16_t port;            /* 443, but for laboratories */
    bool allow_private;       /* loopback and private addresses may be policy hosts */
    dns_ask_fn *ask;          /* for addresses */
    void *ask_ctx;            /* must outlive the fetcher */
    sts_fetch_check_fn *check;
    void *check_ctx;
};

struct sts_fetcher;

/* Makes it, and reads whatever libcurl reads; to be called before the sandbox. NULL with the reason. */
struct sts_fetcher *sts_fetcher_create(const struct sts_fetch_config *config, struct err *err);

/* Begins to work on loop. */
void sts_fetcher_start(struct sts_fetcher *fetcher, struct loop *loop);

/* Fetches the policy of domain (a lower-case host name). fn is called exactly once, perhaps before this returns, unless the
 * fetcher is freed first. */
void sts_fetcher_get(struct sts_fetcher *fetcher, const char *domain, sts_fetch_fn *fn, void *ctx);

/* A report about TLS that is handed over (RFC 8460 section 5.4): POST of gzip to an https address, in the same manner and
 * under the same limits, but that every 2xx is success and what comes back is of no interest. */
void sts_fetcher_post(struct sts_fetcher *fetcher, struct slice url, struct slice body, sts_fetch_fn *fn, void *ctx);

/* Forgets all open fetches and frees. Whatever answers DNS questions must be stopped before. *fetcher becomes NULL; NULL is
 * accepted. */
void sts_fetcher_free(struct sts_fetcher **fetcher);

#endif
