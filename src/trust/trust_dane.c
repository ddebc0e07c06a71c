/* SPDX-License-Identifier: Apache-2.0 */
/* Which records count, which certificate each matches, and whether that proves the server. */
#include "trust/trust_dane.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "trust/trust_key.h"
#include "trust/trust_name.h"
#include "trust/trust_path.h"

/* RFC 6698 section 2.1 and RFC 7218. */
enum usage { USAGE_TA = 2, USAGE_EE = 3 };
enum selector { SELECTOR_CERT = 0, SELECTOR_SPKI = 1, SELECTORS };
enum matching { MATCHING_FULL = 0, MATCHING_SHA256 = 1, MATCHING_SHA512 = 2, MATCHINGS };

#define SHA256_SIZE 32u
#define SHA512_SIZE 64u
#define RECORD_SHOWN_MAX 64u /* bytes of a record's data in the facts: a digest whole, a certificate's beginning */
/* Anchors that are tried. A host in the middle of a change has two; each costs a few signatures. */
#define TRIES_MAX 6u

/* One certificate, as each kind of record would show it. */
struct shown {
    unsigned char *der[SELECTORS];
    struct slice form[SELECTORS][MATCHINGS];
    uint8_t sha256[SELECTORS][SHA256_SIZE];
    uint8_t sha512[SELECTORS][SHA512_SIZE];
};

struct work {
    const struct trust_cert_ask *ask;
    const char *const *names;
    size_t name_count;
    const struct trust_tlsa *records;
    size_t count;
    bool counts[TRUST_DANE_RECORDS_MAX]; /* usable, and not put aside by digest agility */
    size_t tries;
    struct trust_dane *dane;
};

static void show(const X509 *x, struct shown *ret_shown)
{
    *ret_shown = (struct shown){0};
    for (int s = 0; s < SELECTORS; s++) {
        unsigned char **der = &ret_shown->der[s];
        int len = s == SELECTOR_CERT ? i2d_X509(x, der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), der);
        if (len <= 0)
            continue;
        ret_shown->form[s][MATCHING_FULL] = slice_of(*der, (size_t)len);
        if (EVP_Digest(*der, (size_t)len, ret_shown->sha256[s], NULL, EVP_sha256(), NULL) == 1)
            ret_shown->form[s][MATCHING_SHA256] = slice_of(ret_shown->sha256[s], SHA256_SIZE);
        if (EVP_Digest(*der, (size_t)len, ret_shown->sha512[s], NULL, EVP_sha512(), NULL) == 1)
            ret_shown->form[s][MATCHING_SHA512] = slice_of(ret_shown->sha512[s], SHA512_SIZE);
    }
}

static void unshow(struct shown *shown)
{
    for (int s = 0; s < SELECTORS; s++)
        OPENSSL_free(shown->der[s]);
}

static X509 *record_cert(const struct trust_tlsa *record)
{
    const unsigned char *at = record->data.data;
    X509 *x = d2i_X509(NULL, &at, (long)record->data.len);
    if (x != NULL && at == record->data.data + record->data.len && X509_get0_pubkey(x) != NULL)
        return x;
    X509_free(x);
    return NULL;
}

static EVP_PKEY *record_key(const struct trust_tlsa *record)
{
    const unsigned char *at = record->data.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)record->data.len);
    if (key != NULL && at == record->data.data + record->data.len)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static bool full_data_sound(const struct trust_tlsa *record)
{
    X509 *x = record->selector == SELECTOR_CERT ? record_cert(record) : NULL;
    EVP_PKEY *key = record->selector == SELECTOR_SPKI ? record_key(record) : NULL;
    bool sound = x != NULL || key != NULL;
    X509_free(x);
    EVP_PKEY_free(key);
    return sound;
}

/* RFC 7672 section 3.1.3: usages 0 and 1 prove nothing between mail servers. */
static bool usable(const struct trust_tlsa *record)
{
    if ((record->usage != USAGE_TA && record->usage != USAGE_EE) || record->selector >= SELECTORS ||
        record->data.len > TRUST_DANE_DATA_MAX)
        return false;
    switch (record->matching) {
    case MATCHING_FULL: return full_data_sound(record);
    case MATCHING_SHA256: return record->data.len == SHA256_SIZE;
    case MATCHING_SHA512: return record->data.len == SHA512_SIZE;
    default: return false;
    }
}

/* Digest agility (RFC 7671 section 9): of the digests for one usage and selector only the strongest kind counts. */
static void choose(struct work *work)
{
    uint8_t strongest[2][SELECTORS] = {{0}};
    for (size_t i = 0; i < work->count; i++) {
        const struct trust_tlsa *record = &work->records[i];
        work->counts[i] = usable(record);
        if (!work->counts[i])
            continue;
        work->dane->usable++;
        uint8_t *best = &strongest[record->usage - USAGE_TA][record->selector];
        *best = record->matching > *best ? record->matching : *best;
    }
    for (size_t i = 0; i < work->count; i++) {
        const struct trust_tlsa *record = &work->records[i];
        if (work->counts[i] && record->matching != MATCHING_FULL)
            work->counts[i] = record->matching == strongest[record->usage - USAGE_TA][record->selector];
    }
}

static const struct trust_tlsa *find(const struct work *work, enum usage usage, const X509 *x)
{
    const struct trust_tlsa *found = NULL;
    struct shown shown;
    show(x, &shown);
    for (size_t i = 0; found == NULL && i < work->count; i++) {
        const struct trust_tlsa *record = &work->records[i];
        if (work->counts[i] && record->usage == usage && slice_eq(record->data, shown.form[record->selector][record->matching]))
            found = record;
    }
    unshow(&shown);
    return found;
}

static char *record_text(const struct trust_tlsa *record)
{
    struct buf text;
    buf_init(&text, 2 * RECORD_SHOWN_MAX + 32);
    buf_printf(&text, "%u %u %u ", record->usage, record->selector, record->matching);
    codec_hex(&text, slice_sub(record->data, 0, RECORD_SHOWN_MAX));
    if (record->data.len > RECORD_SHOWN_MAX)
        buf_append_str(&text, "...");
    char *out = mem_strndup(text.data, text.len);
    buf_free(&text);
    return out;
}

/* A record matched; the first flaw behind a match is told, unless a later match has none. True when this one has none. */
static bool matched(struct work *work, const struct trust_tlsa *record, struct trust_flaw flaw)
{
    struct trust_dane *dane = work->dane;
    bool fine = flaw.fault == TRUST_CERT_FINE;
    if (dane->matched && !fine)
        return false;
    mem_free(dane->detail);
    mem_free(dane->record);
    dane->matched = true;
    dane->fault = flaw.fault;
    dane->detail = mem_strdup(flaw.detail);
    dane->record = record_text(record);
    return fine;
}

/* RFC 7672 section 3.1.1: the record vouches for the key; dates and names in the certificate say nothing. */
static bool try_server(struct work *work)
{
    X509 *leaf = sk_X509_value(work->ask->chain, 0);
    const struct trust_tlsa *record = find(work, USAGE_EE, leaf);
    struct trust_flaw flaw = TRUST_FLAW_NONE;
    if (record == NULL)
        return false;
    if (!trust_key_fit(X509_get0_pubkey(leaf), work->ask->profile))
        flaw = (struct trust_flaw){TRUST_CERT_KEY, "key of the server"};
    if (!matched(work, record, flaw))
        return false;
    work->dane->from_us = INT64_MIN;
    work->dane->until_us = INT64_MAX;
    work->dane->path_count = trust_key_spki(leaf, &work->dane->spki[0]) ? 1 : 0;
    return true;
}

/* What may stand between leaf and anchor. When the leaf is the anchor that is nothing, and nothing else must be judged. */
static STACK_OF(X509) *chain_below(STACK_OF(X509) *shown, X509 *anchor)
{
    if (X509_cmp(sk_X509_value(shown, 0), anchor) != 0)
        return sk_X509_dup(shown);
    STACK_OF(X509) *alone = sk_X509_new_null();
    if (alone != NULL)
        sk_X509_push(alone, sk_X509_value(shown, 0));
    return alone;
}

/* The only certificate that can end a path. */
static X509_STORE *store_of(X509 *anchor)
{
    X509_STORE *store = X509_STORE_new();
    if (store != NULL && X509_STORE_add_cert(store, anchor) == 1)
        return store;
    X509_STORE_free(store);
    return NULL;
}

/* A path of the leaf alone, which it did not sign itself: then the record names no issuer. */
static bool is_bare_leaf(STACK_OF(X509) *path)
{
    return sk_X509_num(path) == 1 && X509_self_signed(sk_X509_value(path, 0), 1) != 1;
}

/* RFC 7672 section 3.1.2: a path to the anchor, with dates and a name. below_key: the anchor is not what the record names but
 * what its key signed. False also when no path leads there, which is no match. */
static bool try_anchor(struct work *work, const struct trust_tlsa *record, X509 *anchor, bool below_key)
{
    struct trust_path path;
    if (work->tries++ >= TRIES_MAX)
        return false;
    STACK_OF(X509) *chain = chain_below(work->ask->chain, anchor);
    X509_STORE *store = store_of(anchor);
    if (store == NULL || chain == NULL)
        abort(); /* out of memory, as in base/mem.h */
    struct trust_path_ask ask = {store, chain, work->names, work->name_count, work->ask->now_us, true};
    trust_path_find(&ask, &path);
    struct trust_flaw flaw = path.flaw;
    if (flaw.fault == TRUST_CERT_FINE)
        flaw = trust_key_path(path.certs, below_key, work->ask->profile);
    if (flaw.fault == TRUST_CERT_FINE)
        flaw = trust_name_path(path.certs, path.matched);
    bool led = path.flaw.fault != TRUST_CERT_UNTRUSTED && path.flaw.fault != TRUST_CERT_SELF_SIGNED &&
               (below_key || !is_bare_leaf(path.certs));
    bool good = led && matched(work, record, flaw);
    if (good) {
        work->dane->from_us = path.from_us;
        work->dane->until_us = path.until_us;
        work->dane->path_count = trust_path_keys(&path, work->dane->spki);
    }
    trust_path_free(&path);
    sk_X509_free(chain);
    X509_STORE_free(store);
    return good;
}

/* Anchors that the peer showed. The leaf is one only if it is its own issuer. */
static bool try_shown_anchors(struct work *work)
{
    int count = sk_X509_num(work->ask->chain);
    for (int i = 0; i < count && i < (int)TRUST_CHAIN_MAX; i++) {
        X509 *x = sk_X509_value(work->ask->chain, i);
        const struct trust_tlsa *record = find(work, USAGE_TA, x);
        if (record != NULL && try_anchor(work, record, x, false))
            return true;
    }
    return false;
}

/* A bare key has no certificate that could end a path; the one it signed does. */
static bool try_key(struct work *work, const struct trust_tlsa *record, EVP_PKEY *key)
{
    int count = sk_X509_num(work->ask->chain);
    if (!trust_key_fit(key, work->ask->profile))
        return matched(work, record, (struct trust_flaw){TRUST_CERT_KEY, "key of an issuer"});
    for (int i = 0; i < count && i < (int)TRUST_CHAIN_MAX; i++) {
        X509 *x = sk_X509_value(work->ask->chain, i);
        if (X509_verify(x, key) == 1 && try_anchor(work, record, x, true))
            return true;
    }
    return false;
}

/* Records that bring their anchor with them, so that the peer need not show it (RFC 7671 section 5.2.2). */
static bool try_brought_anchors(struct work *work)
{
    bool good = false;
    for (size_t i = 0; !good && i < work->count && work->tries < TRIES_MAX; i++) {
        const struct trust_tlsa *record = &work->records[i];
        if (!work->counts[i] || record->usage != USAGE_TA || record->matching != MATCHING_FULL)
            continue;
        X509 *x = record->selector == SELECTOR_CERT ? record_cert(record) : NULL;
        EVP_PKEY *key = record->selector == SELECTOR_SPKI ? record_key(record) : NULL;
        good = (x != NULL && try_anchor(work, record, x, false)) || (key != NULL && try_key(work, record, key));
        X509_free(x);
        EVP_PKEY_free(key);
    }
    return good;
}

static void compare(struct work *work)
{
    struct trust_dane *dane = work->dane;
    dane->checked = true;
    if (work->ask->chain == NULL || sk_X509_num(work->ask->chain) == 0) {
        dane->fault = TRUST_CERT_NONE;
        dane->detail = mem_strdup("no certificate");
        return;
    }
    if (try_server(work) || try_shown_anchors(work) || try_brought_anchors(work) || dane->matched)
        return;
    dane->fault = TRUST_CERT_UNTRUSTED;
    dane->detail = mem_strdup("no TLSA record matches what the server shows");
}

void trust_dane_check(const struct trust_cert_ask *ask, enum trust_tlsa_state state, const char *base,
                      const struct trust_tlsa *records, size_t count, const char *const *names, size_t name_count,
                      struct trust_dane *ret_dane)
{
    memset(ret_dane, 0, sizeof(*ret_dane));
    ret_dane->tlsa = state;
    ret_dane->base = mem_strdup(base);
    ret_dane->records = count;
    if (state != TRUST_TLSA_USABLE)
        return;
    struct work work = {.ask = ask, .names = name_count > 0 ? names : &ask->host, .name_count = name_count > 0 ? name_count : 1,
                        .records = records, .dane = ret_dane,
                        .count = count > TRUST_DANE_RECORDS_MAX ? TRUST_DANE_RECORDS_MAX : count};
    choose(&work);
    if (ret_dane->usable == 0)
        ret_dane->tlsa = TRUST_TLSA_UNUSABLE;
    else
        compare(&work);
    ERR_clear_error();
}

void trust_dane_free(struct trust_dane *dane)
{
    mem_free(dane->detail);
    mem_free(dane->record);
    mem_free(dane->base);
    memset(dane, 0, sizeof(*dane));
}
