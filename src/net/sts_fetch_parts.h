/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the policy fetcher share; for nobody else. */
#ifndef NET_STS_FETCH_PARTS_H
#define NET_STS_FETCH_PARTS_H

#include <curl/curl.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/dns_rdata.h"
#include "net/sts_fetch.h"

struct sts_fetcher {
    struct sts_fetch_config config;
    X509_STORE *anchors;
    struct list fetches;
    size_t count;
    struct loop *loop;
    struct loop_timer *timer;
    CURLM *multi;
    bool global; /* libcurl was set up */
};

/* A fetch asks for both kinds of addresses (open > 0), then hands itself to libcurl (easy), then is done. */
struct sts_fetch {
    struct list link;
    struct sts_fetcher *owner;
    sts_fetch_fn *fn;
    void *ctx;
    char host[DNS_NAME_MAX];
    unsigned open;
    bool bogus;
    bool dns_failed;
    bool offered;          /* there was an address, perhaps a private one */
    struct buf addresses;  /* "192.0.2.1,[2001:db8::1]" */
    size_t address_count;
    CURL *easy;
    struct curl_slist *resolve;
    struct buf body;
    struct buf post;       /* what is handed over; empty for a policy */
    char *url;             /* of a POST; NULL for a policy */
    unsigned port;
    struct curl_slist *headers;
    size_t header;
    bool too_long;
    struct err untrusted; /* why the certificate was refused */
};

/* Sets libcurl up. False with the reason. */
bool sts_fetch_multi_create(struct sts_fetcher *fetcher, struct err *err);
/* Ends it, when no fetch is left. */
void sts_fetch_multi_free(struct sts_fetcher *fetcher);
/* Hands fetch->easy over; sts_fetch_done() follows, from the loop. */
bool sts_fetch_multi_add(struct sts_fetch *fetch);
/* Takes it back and frees it; harmless without one. */
void sts_fetch_multi_remove(struct sts_fetch *fetch);
/* The transfer is over. Frees fetch. */
void sts_fetch_done(struct sts_fetch *fetch, CURLcode code);

#endif
