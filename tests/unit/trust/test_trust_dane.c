/* SPDX-License-Identifier: Apache-2.0 */
/* DANE: every kind of record against every kind of chain, one line each. The cases of Exim's suite (5840 to 5842) and of
 * mox's dane tests that concern comparing are among them; those that concern DNS are the resolver's. */
#include "cert_make.h"

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "trust/trust_dane.h"
#include "trust/trust_key.h"

#define RECORDS_MAX 4

/* Chains a server shows. */
enum show {
    SHOW_ISSUER,         /* server, issuer */
    SHOW_ROOT,           /* server, issuer, root */
    SHOW_DISORDER,       /* server, root, issuer */
    SHOW_ALONE,          /* server */
    SHOW_STRANGER,       /* server, issuer, and a root that has nothing to do with them */
    SHOW_EXPIRED,        /* the server's is past its time; issuer, root */
    SHOW_FUTURE,
    SHOW_EXPIRED_ISSUER, /* server, issuer past its time, root */
    SHOW_OTHER_NAME,     /* for another host */
    SHOW_WILDCARD,       /* for *.clinic.test */
    SHOW_CN,             /* the host's name in the CN alone */
    SHOW_PLAIN,          /* no extendedKeyUsage, no key identifiers: nothing an authority would sign so */
    SHOW_CLIENT,         /* for clients */
    SHOW_WEAK,           /* RSA 1024 */
    SHOW_WEAK_ISSUER,    /* server; its issuer has RSA 1024 */
    SHOW_P521,
    SHOW_P521_EXPIRED,
    SHOW_SUFFIX,         /* for *.co.uk */
    SHOW_SHA1,           /* signed with SHA-1 */
    SHOW_SELF,           /* self-signed, alone */
    SHOW_SELF_EXPIRED,
    SHOW_NONE,
    SHOWS,
};

enum of { OF_SERVER = CERT_SERVER, OF_ISSUER = CERT_ISSUER, OF_ROOT = CERT_ROOT, OF_STRANGER };
enum harm { WHOLE, FLIPPED, SHORT, LONG, CUT, EMPTY };

struct want {
    uint8_t usage, selector, matching;
    enum of of;
    enum harm harm;
};

struct row {
    const char *what;
    enum show show;
    size_t count;
    struct want records[RECORDS_MAX];
    enum trust_tlsa_state tlsa;
    bool matched;
    enum trust_cert_fault fault;
    const char *record; /* how it begins; NULL none */
};

struct world {
    struct cert_chain chain;
    struct cert_chain stranger;
    STACK_OF(X509) *shown;
};

static void plain(X509 *x)
{
    cert_strip(x, NID_subject_key_identifier);
    cert_strip(x, NID_authority_key_identifier);
}

static const struct cert_want server_wants[SHOWS] = {
    [SHOW_EXPIRED] = {.from_s = -9, .until_s = -1},
    [SHOW_FUTURE] = {.from_s = 1, .until_s = 9},
    [SHOW_OTHER_NAME] = {.san = "DNS:other.test"},
    [SHOW_WILDCARD] = {.san = "DNS:*.clinic.test"},
    [SHOW_CN] = {.subject = CERT_HOST, .san = "email:a@clinic.test"},
    [SHOW_PLAIN] = {.usage = "", .change = plain},
    [SHOW_CLIENT] = {.usage = "clientAuth"},
    [SHOW_WEAK] = {.key = "RSA 1024"},
    [SHOW_P521] = {.key = "P-521"},
    [SHOW_P521_EXPIRED] = {.key = "P-521", .from_s = -9, .until_s = -1},
    [SHOW_SUFFIX] = {.san = "DNS:*.co.uk"},
    [SHOW_SELF_EXPIRED] = {.from_s = -9, .until_s = -1},
};

static void world_make(struct world *ret_world, enum show show)
{
    struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = server_wants[show]};
    if (show == SHOW_EXPIRED_ISSUER)
        wants[CERT_ISSUER] = (struct cert_want){.from_s = -9, .until_s = -1};
    if (show == SHOW_WEAK_ISSUER)
        wants[CERT_ISSUER].key = "RSA 1024";
    if (show == SHOW_SHA1) {
        wants[CERT_SERVER].digest = EVP_sha1();
        wants[CERT_ISSUER].key = "RSA 2048";
    }
    cert_chain_make(&ret_world->chain, wants);
    cert_chain_make(&ret_world->stranger, NULL);
    X509 **certs = ret_world->chain.certs;
    if (show == SHOW_SELF || show == SHOW_SELF_EXPIRED) {
        X509_free(certs[CERT_SERVER]);
        certs[CERT_SERVER] = cert_make(CERT_SERVER, &wants[CERT_SERVER], ret_world->chain.keys[CERT_SERVER], NULL, NULL);
    }
    ret_world->shown = sk_X509_new_null();
    if (show == SHOW_NONE)
        return;
    sk_X509_push(ret_world->shown, certs[CERT_SERVER]);
    if (show == SHOW_ALONE || show == SHOW_WEAK_ISSUER || show == SHOW_SELF || show == SHOW_SELF_EXPIRED)
        return;
    if (show == SHOW_DISORDER)
        sk_X509_push(ret_world->shown, certs[CERT_ROOT]);
    sk_X509_push(ret_world->shown, certs[CERT_ISSUER]);
    if (show == SHOW_STRANGER)
        sk_X509_push(ret_world->shown, ret_world->stranger.certs[CERT_ROOT]);
    else if (show != SHOW_ISSUER && show != SHOW_DISORDER)
        sk_X509_push(ret_world->shown, certs[CERT_ROOT]);
}

static void world_free(struct world *world)
{
    sk_X509_free(world->shown);
    cert_chain_free(&world->chain);
    cert_chain_free(&world->stranger);
}

/* The data of a record, made without the code under test. */
static void record_data(const struct world *world, const struct want *want, struct buf *ret_data)
{
    X509 *x = want->of == OF_STRANGER ? world->stranger.certs[CERT_ROOT] : world->chain.certs[want->of];
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int size = want->selector == 0 ? i2d_X509(x, &der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
    assert_true(size > 0);
    buf_init(ret_data, 8192);
    if (want->matching == 1 || want->matching == 2) {
        EVP_Digest(der, (size_t)size, digest, &len, want->matching == 1 ? EVP_sha256() : EVP_sha512(), NULL);
        buf_append(ret_data, digest, len);
    } else
        buf_append(ret_data, der, (size_t)size);
    OPENSSL_free(der);
    switch (want->harm) {
    case FLIPPED: ret_data->data[ret_data->len - 1] ^= 1; break;
    case SHORT: ret_data->len--; break;
    case LONG: buf_append_byte(ret_data, 0); break;
    case CUT: buf_consume(ret_data, 1); break;
    case EMPTY: ret_data->len = 0; break;
    default: break;
    }
}

static struct trust_dane judge(const struct world *world, const struct want *wants, size_t count, enum trust_tlsa_state state,
                               const char *const *names, size_t name_count, enum trust_profile profile)
{
    struct trust_cert_ask ask = {.chain = world->shown, .host = CERT_HOST, .now_us = CERT_NOW_US, .profile = profile};
    struct trust_tlsa records[RECORDS_MAX] = {0};
    struct buf data[RECORDS_MAX];
    struct trust_dane dane;
    for (size_t i = 0; i < count; i++) {
        record_data(world, &wants[i], &data[i]);
        records[i] = (struct trust_tlsa){wants[i].usage, wants[i].selector, wants[i].matching, buf_slice(&data[i])};
    }
    trust_dane_check(&ask, state, "mx.alias.test", records, count, names, name_count, &dane);
    for (size_t i = 0; i < count; i++)
        buf_free(&data[i]);
    return dane;
}

#define USABLE TRUST_TLSA_USABLE
#define UNUSABLE TRUST_TLSA_UNUSABLE
#define FINE TRUST_CERT_FINE
#define NO_MATCH TRUST_CERT_UNTRUSTED

static const struct row rows[] = {
    /* usage 3: Exim 5840 "3 1 1", "3 1 2"; mox DANE-EE */
    {"ee key sha256", SHOW_ALONE, 1, {{3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"ee key sha512", SHOW_ALONE, 1, {{3, 1, 2, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 2 "},
    {"ee key full", SHOW_ALONE, 1, {{3, 1, 0, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 0 "},
    {"ee cert sha256", SHOW_ALONE, 1, {{3, 0, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 0 1 "},
    {"ee cert sha512", SHOW_ALONE, 1, {{3, 0, 2, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 0 2 "},
    {"ee cert full", SHOW_ALONE, 1, {{3, 0, 0, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 0 0 "},
    {"ee with a chain", SHOW_ROOT, 1, {{3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"ee expired", SHOW_EXPIRED, 1, {{3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"ee not yet valid", SHOW_FUTURE, 1, {{3, 0, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 0 1 "},
    {"ee other name (Exim danebroken8)", SHOW_OTHER_NAME, 1, {{3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"ee for clients", SHOW_CLIENT, 1, {{3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"ee self-signed (Exim 5842)", SHOW_SELF, 1, {{3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"ee signed with sha1", SHOW_SHA1, 1, {{3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"ee weak key", SHOW_WEAK, 1, {{3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, TRUST_CERT_KEY, "3 1 1 "},
    {"ee wrong digest (Exim danebroken2)", SHOW_ROOT, 1, {{3, 1, 1, OF_SERVER, FLIPPED}}, USABLE, false, NO_MATCH, NULL},
    {"ee of the issuer", SHOW_ROOT, 1, {{3, 1, 1, OF_ISSUER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ee selector mixed up", SHOW_ROOT, 2, {{3, 1, 1, OF_STRANGER, WHOLE}, {3, 0, 2, OF_STRANGER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    /* usage 2: Exim 5840 "2 0 1", "2 1 1"; mox DANE-TA */
    {"ta cert sha256", SHOW_ROOT, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 0 1 "},
    {"ta key sha256", SHOW_ROOT, 1, {{2, 1, 1, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 1 1 "},
    {"ta cert sha512", SHOW_ROOT, 1, {{2, 0, 2, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 0 2 "},
    {"ta key sha512", SHOW_ROOT, 1, {{2, 1, 2, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 1 2 "},
    {"ta intermediate", SHOW_ISSUER, 1, {{2, 1, 1, OF_ISSUER, WHOLE}}, USABLE, true, FINE, "2 1 1 "},
    {"ta intermediate below a root", SHOW_ROOT, 1, {{2, 0, 1, OF_ISSUER, WHOLE}}, USABLE, true, FINE, "2 0 1 "},
    {"ta in disorder", SHOW_DISORDER, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 0 1 "},
    {"ta full cert shown", SHOW_ROOT, 1, {{2, 0, 0, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 0 0 "},
    {"ta full cert not shown", SHOW_ISSUER, 1, {{2, 0, 0, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 0 0 "},
    {"ta full intermediate not shown", SHOW_ALONE, 1, {{2, 0, 0, OF_ISSUER, WHOLE}}, USABLE, true, FINE, "2 0 0 "},
    {"ta full root, intermediate missing", SHOW_ALONE, 1, {{2, 0, 0, OF_ROOT, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ta full key shown", SHOW_ROOT, 1, {{2, 1, 0, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 1 0 "},
    {"ta full key not shown", SHOW_ISSUER, 1, {{2, 1, 0, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 1 0 "},
    {"ta full key of the intermediate", SHOW_ALONE, 1, {{2, 1, 0, OF_ISSUER, WHOLE}}, USABLE, true, FINE, "2 1 0 "},
    {"ta full key of a stranger", SHOW_ISSUER, 1, {{2, 1, 0, OF_STRANGER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ta digest not shown", SHOW_ISSUER, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ta key digest not shown", SHOW_ISSUER, 1, {{2, 1, 1, OF_ROOT, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ta wrong digest", SHOW_ROOT, 1, {{2, 0, 1, OF_ROOT, FLIPPED}}, USABLE, false, NO_MATCH, NULL},
    {"ta shown but no issuer", SHOW_STRANGER, 1, {{2, 0, 1, OF_STRANGER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ta full stranger", SHOW_ROOT, 1, {{2, 0, 0, OF_STRANGER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ta of the server itself", SHOW_ROOT, 1, {{2, 0, 1, OF_SERVER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ta of the server itself, full", SHOW_ROOT, 1, {{2, 0, 0, OF_SERVER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ta key of the server itself", SHOW_ROOT, 1, {{2, 1, 0, OF_SERVER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"ta self-signed (Exim 5842)", SHOW_SELF, 1, {{2, 0, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "2 0 1 "},
    {"ta self-signed key (Exim 5842)", SHOW_SELF, 1, {{2, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "2 1 1 "},
    {"ta self-signed full", SHOW_SELF, 1, {{2, 0, 0, OF_SERVER, WHOLE}}, USABLE, true, FINE, "2 0 0 "},
    {"ta self-signed full key", SHOW_SELF, 1, {{2, 1, 0, OF_SERVER, WHOLE}}, USABLE, true, FINE, "2 1 0 "},
    {"ta self-signed expired", SHOW_SELF_EXPIRED, 1, {{2, 0, 1, OF_SERVER, WHOLE}}, USABLE, true, TRUST_CERT_EXPIRED, "2 0 1 "},
    {"ta expired server", SHOW_EXPIRED, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, TRUST_CERT_EXPIRED, "2 0 1 "},
    {"ta key, expired server", SHOW_EXPIRED, 1, {{2, 1, 0, OF_ISSUER, WHOLE}}, USABLE, true, TRUST_CERT_EXPIRED, "2 1 0 "},
    {"ta server not yet valid", SHOW_FUTURE, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, TRUST_CERT_NOT_YET, "2 0 1 "},
    {"ta expired intermediate", SHOW_EXPIRED_ISSUER, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, TRUST_CERT_EXPIRED, "2 0 1 "},
    {"ta other name (Exim danebroken7)", SHOW_OTHER_NAME, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, TRUST_CERT_NAME, "2 0 1 "},
    {"ta wildcard", SHOW_WILDCARD, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 0 1 "},
    {"ta name in the CN", SHOW_CN, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, TRUST_CERT_NAME, "2 0 1 "},
    {"ta plain certificate", SHOW_PLAIN, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 0 1 "},
    {"ta for clients", SHOW_CLIENT, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, TRUST_CERT_USAGE, "2 0 1 "},
    {"ta weak key", SHOW_WEAK, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, TRUST_CERT_KEY, "2 0 1 "},
    {"ta weak bare key", SHOW_WEAK_ISSUER, 1, {{2, 1, 0, OF_ISSUER, WHOLE}}, USABLE, true, TRUST_CERT_KEY, "2 1 0 "},
    {"ta weak full issuer", SHOW_WEAK_ISSUER, 1, {{2, 0, 0, OF_ISSUER, WHOLE}}, USABLE, true, TRUST_CERT_KEY, "2 0 0 "},
    {"ta signed with sha1", SHOW_SHA1, 1, {{2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, TRUST_CERT_SIGNATURE, "2 0 1 "},
    {"ta key, signed with sha1", SHOW_SHA1, 1, {{2, 1, 0, OF_ISSUER, WHOLE}}, USABLE, true, TRUST_CERT_SIGNATURE, "2 1 0 "},
    /* several records */
    {"one of two", SHOW_ROOT, 2, {{3, 1, 1, OF_STRANGER, WHOLE}, {3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"ta mismatch, ee match (mox)", SHOW_ROOT, 2, {{2, 0, 1, OF_STRANGER, WHOLE}, {3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"ee mismatch, ta match", SHOW_ROOT, 2, {{3, 1, 1, OF_STRANGER, WHOLE}, {2, 0, 1, OF_ROOT, WHOLE}}, USABLE, true, FINE, "2 0 1 "},
    {"ta fails, ee holds", SHOW_EXPIRED, 2, {{2, 0, 1, OF_ROOT, WHOLE}, {3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"malformed and good (mox)", SHOW_ROOT, 2, {{3, 1, 1, OF_SERVER, SHORT}, {3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"unknown usage and good (mox)", SHOW_ROOT, 2, {{10, 1, 1, OF_SERVER, WHOLE}, {3, 1, 1, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"pkix and wrong ee", SHOW_ROOT, 2, {{1, 1, 1, OF_SERVER, WHOLE}, {3, 1, 1, OF_STRANGER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    /* digest agility */
    {"agility: stronger wrong", SHOW_ROOT, 2, {{3, 1, 1, OF_SERVER, WHOLE}, {3, 1, 2, OF_STRANGER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"agility: stronger right", SHOW_ROOT, 2, {{3, 1, 1, OF_STRANGER, WHOLE}, {3, 1, 2, OF_SERVER, WHOLE}}, USABLE, true, FINE, "3 1 2 "},
    {"agility: stronger wrong, told first", SHOW_ROOT, 2, {{3, 1, 2, OF_STRANGER, WHOLE}, {3, 1, 1, OF_SERVER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    {"agility: stronger right, told first", SHOW_ROOT, 2, {{3, 1, 2, OF_SERVER, WHOLE}, {3, 1, 1, OF_STRANGER, WHOLE}}, USABLE, true, FINE, "3 1 2 "},
    {"agility: other selector", SHOW_ROOT, 2, {{3, 1, 1, OF_SERVER, WHOLE}, {3, 0, 2, OF_STRANGER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"agility: other usage", SHOW_ROOT, 2, {{3, 1, 1, OF_SERVER, WHOLE}, {2, 1, 2, OF_STRANGER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"agility: malformed stronger", SHOW_ROOT, 2, {{3, 1, 1, OF_SERVER, WHOLE}, {3, 1, 2, OF_STRANGER, SHORT}}, USABLE, true, FINE, "3 1 1 "},
    {"agility: unknown stronger", SHOW_ROOT, 2, {{3, 1, 1, OF_SERVER, WHOLE}, {3, 1, 9, OF_STRANGER, WHOLE}}, USABLE, true, FINE, "3 1 1 "},
    {"agility: full is no digest", SHOW_ROOT, 2, {{3, 1, 0, OF_SERVER, WHOLE}, {3, 1, 2, OF_STRANGER, WHOLE}}, USABLE, true, FINE, "3 1 0 "},
    {"agility: of issuers", SHOW_ROOT, 2, {{2, 0, 1, OF_ROOT, WHOLE}, {2, 0, 2, OF_STRANGER, WHOLE}}, USABLE, false, NO_MATCH, NULL},
    /* unusable */
    {"usage 0", SHOW_ROOT, 1, {{0, 0, 1, OF_ROOT, WHOLE}}, UNUSABLE, false, FINE, NULL},
    {"usage 1", SHOW_ROOT, 1, {{1, 1, 1, OF_SERVER, WHOLE}}, UNUSABLE, false, FINE, NULL},
    {"usage 4", SHOW_ROOT, 1, {{4, 1, 1, OF_SERVER, WHOLE}}, UNUSABLE, false, FINE, NULL},
    {"usage 255", SHOW_ROOT, 1, {{255, 1, 1, OF_SERVER, WHOLE}}, UNUSABLE, false, FINE, NULL},
    {"selector 2", SHOW_ROOT, 1, {{3, 2, 1, OF_SERVER, WHOLE}}, UNUSABLE, false, FINE, NULL},
    {"matching 3", SHOW_ROOT, 1, {{3, 1, 3, OF_SERVER, WHOLE}}, UNUSABLE, false, FINE, NULL},
    {"sha256 short (mox)", SHOW_ROOT, 1, {{3, 1, 1, OF_SERVER, SHORT}}, UNUSABLE, false, FINE, NULL},
    {"sha256 long", SHOW_ROOT, 1, {{3, 1, 1, OF_SERVER, LONG}}, UNUSABLE, false, FINE, NULL},
    {"sha512 short", SHOW_ROOT, 1, {{3, 1, 2, OF_SERVER, SHORT}}, UNUSABLE, false, FINE, NULL},
    {"digest empty", SHOW_ROOT, 1, {{3, 1, 1, OF_SERVER, EMPTY}}, UNUSABLE, false, FINE, NULL},
    {"full cert cut (mox)", SHOW_ROOT, 1, {{2, 0, 0, OF_ROOT, CUT}}, UNUSABLE, false, FINE, NULL},
    {"full cert short", SHOW_ROOT, 1, {{2, 0, 0, OF_ROOT, SHORT}}, UNUSABLE, false, FINE, NULL},
    {"full cert long", SHOW_ROOT, 1, {{3, 0, 0, OF_SERVER, LONG}}, UNUSABLE, false, FINE, NULL},
    {"full key long", SHOW_ROOT, 1, {{3, 1, 0, OF_SERVER, LONG}}, UNUSABLE, false, FINE, NULL},
    {"full empty", SHOW_ROOT, 1, {{3, 1, 0, OF_SERVER, EMPTY}}, UNUSABLE, false, FINE, NULL},
    {"no records", SHOW_ROOT, 0, {{0}}, UNUSABLE, false, FINE, NULL},
    {"no certificate", SHOW_NONE, 1, {{3, 1, 1, OF_SERVER, WHOLE}}, USABLE, false, TRUST_CERT_NONE, NULL},
};

static void check_row(const struct row *row)
{
    struct world world;
    world_make(&world, row->show);
    struct trust_dane dane = judge(&world, row->records, row->count, USABLE, NULL, 0, TRUST_PROFILE_STRICT);
    bool record = row->record == NULL ? dane.record == NULL
                                      : dane.record != NULL && strncmp(dane.record, row->record, strlen(row->record)) == 0;
    if (dane.tlsa != row->tlsa || dane.matched != row->matched || dane.fault != row->fault || !record)
        fail_msg("%s: tlsa %d, %s, fault %s (%s), record %s", row->what, dane.tlsa, dane.matched ? "matched" : "not matched",
                 trust_cert_fault_name(dane.fault), dane.detail, dane.record);
    bool fine = dane.matched && dane.fault == FINE;
    assert_int_equal(dane.checked, row->tlsa == USABLE);
    assert_int_equal(dane.records, row->count);
    assert_int_equal(dane.path_count > 0, fine);
    assert_int_equal(dane.detail == NULL, fine || row->tlsa == UNUSABLE);
    assert_string_equal(dane.base, "mx.alias.test");
    trust_dane_free(&dane);
    world_free(&world);
}

static void test_records_and_chains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        check_row(&rows[i]);
    print_message("%zu rows\n", sizeof(rows) / sizeof(*rows));
}

/* ---- OpenSSL's own DANE as a second opinion ---- */

/* Where it is of another one, and why ours stands. */
static const char *const differing[] = {
    "ta weak bare key", /* OpenSSL does not weigh a key without a certificate */
    "ta self-signed (Exim 5842)", "ta self-signed key (Exim 5842)", "ta self-signed full", /* never looks for usage 2 at the leaf */
    NULL,
};

static bool opinion(const struct world *world, const struct row *row)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    X509_STORE *nothing = X509_STORE_new();
    bool good = false, any = false;
    SSL_CTX_dane_enable(context);
    SSL *ssl = SSL_new(context);
    SSL_dane_enable(ssl, CERT_HOST);
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    for (size_t i = 0; i < row->count; i++) {
        struct buf data;
        record_data(world, &row->records[i], &data);
        if (row->records[i].usage == 2 || row->records[i].usage == 3)
            any = SSL_dane_tlsa_add(ssl, row->records[i].usage, row->records[i].selector, row->records[i].matching, data.data,
                                    data.len) == 1 || any;
        buf_free(&data);
    }
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (any && sk_X509_num(world->shown) > 0 &&
        X509_STORE_CTX_init(ctx, nothing, sk_X509_value(world->shown, 0), world->shown) == 1) {
        X509_STORE_CTX_set0_dane(ctx, SSL_get0_dane(ssl));
        X509_STORE_CTX_set_default(ctx, "ssl_server");
        X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(ctx), SSL_get0_param(ssl));
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(ctx), 2);
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)CERT_NOW_S);
        good = X509_verify_cert(ctx) == 1 && X509_STORE_CTX_get_error(ctx) == X509_V_OK;
    }
    X509_STORE_CTX_free(ctx);
    SSL_free(ssl);
    X509_STORE_free(nothing);
    SSL_CTX_free(context);
    return good;
}

static void test_openssl_agrees(void **state)
{
    size_t different = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        bool ours = rows[i].tlsa == USABLE && rows[i].matched && rows[i].fault == FINE, known = false;
        struct world world;
        world_make(&world, rows[i].show);
        bool theirs = opinion(&world, &rows[i]);
        world_free(&world);
        for (size_t n = 0; differing[n] != NULL; n++)
            known = known || strcmp(differing[n], rows[i].what) == 0;
        if (known != (ours != theirs))
            print_message("%s: here %d, openssl %d\n", rows[i].what, ours, theirs);
        different += known != (ours != theirs);
    }
    assert_int_equal(different, 0);
}

/* What the resolver found otherwise is handed through, whatever is shown. */
static void test_states_without_records(void **state)
{
    static const enum trust_tlsa_state states[] = {TRUST_TLSA_UNASKED, TRUST_TLSA_NONE, TRUST_TLSA_UNUSABLE, TRUST_TLSA_FAILED,
                                                   TRUST_TLSA_BOGUS};
    static const struct want right = {3, 1, 1, OF_SERVER, WHOLE};
    struct world world;
    (void)state;
    world_make(&world, SHOW_ROOT);
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
        struct trust_dane dane = judge(&world, &right, 1, states[i], NULL, 0, TRUST_PROFILE_STRICT);
        assert_int_equal(dane.tlsa, states[i]);
        assert_false(dane.checked || dane.matched);
        trust_dane_free(&dane);
    }
    world_free(&world);
}

/* Any of the names will do (RFC 7672 section 3.2.3), and no other. */
static void test_names_of_usage_2(void **state)
{
    static const struct want right = {2, 0, 1, OF_ROOT, WHOLE};
    const char *good[] = {"alias.test", "Other.Test.", "clinic.example"};
    const char *bad[] = {"alias.test", "clinic.example"};
    struct world world;
    (void)state;
    world_make(&world, SHOW_OTHER_NAME);
    struct trust_dane dane = judge(&world, &right, 1, USABLE, good, 3, TRUST_PROFILE_STRICT);
    assert_int_equal(dane.fault, FINE);
    trust_dane_free(&dane);
    dane = judge(&world, &right, 1, USABLE, bad, 2, TRUST_PROFILE_STRICT);
    assert_int_equal(dane.fault, TRUST_CERT_NAME);
    trust_dane_free(&dane);
    world_free(&world);
}

static void test_no_wildcard_over_a_public_suffix(void **state)
{
    static const struct want right = {2, 0, 1, OF_ROOT, WHOLE};
    const char *name = "clinic.co.uk";
    struct world world;
    (void)state;
    world_make(&world, SHOW_SUFFIX);
    struct trust_dane dane = judge(&world, &right, 1, USABLE, &name, 1, TRUST_PROFILE_STRICT);
    assert_int_equal(dane.fault, TRUST_CERT_NAME);
    trust_dane_free(&dane);
    world_free(&world);
}

/* Of two matches that fail the first is told. */
static void test_first_flaw_is_told(void **state)
{
    static const struct want records[] = {{3, 1, 1, OF_SERVER, WHOLE}, {2, 0, 1, OF_ROOT, WHOLE}};
    struct world world;
    (void)state;
    world_make(&world, SHOW_P521_EXPIRED);
    struct trust_dane dane = judge(&world, records, 2, USABLE, NULL, 0, TRUST_PROFILE_NIST);
    assert_int_equal(dane.fault, TRUST_CERT_KEY);
    trust_dane_free(&dane);
    dane = judge(&world, records + 1, 1, USABLE, NULL, 0, TRUST_PROFILE_NIST);
    assert_int_equal(dane.fault, TRUST_CERT_EXPIRED);
    trust_dane_free(&dane);
    world_free(&world);
}

static void test_profile_weighs_keys(void **state)
{
    static const struct want records[] = {{3, 1, 1, OF_SERVER, WHOLE}, {2, 0, 1, OF_ROOT, WHOLE}, {2, 1, 0, OF_ISSUER, WHOLE}};
    struct world world;
    (void)state;
    world_make(&world, SHOW_P521);
    for (size_t i = 0; i < 3; i++) {
        struct trust_dane dane = judge(&world, &records[i], 1, USABLE, NULL, 0, TRUST_PROFILE_STRICT);
        assert_int_equal(dane.fault, FINE);
        trust_dane_free(&dane);
        dane = judge(&world, &records[i], 1, USABLE, NULL, 0, TRUST_PROFILE_NIST);
        assert_int_equal(dane.fault, TRUST_CERT_KEY);
        trust_dane_free(&dane);
    }
    world_free(&world);
}

/* Dates and keys of what was proved: with usage 3 the key alone, for ever; with usage 2 the path. */
static void test_facts_of_the_proof(void **state)
{
    static const struct want ee = {3, 1, 1, OF_SERVER, WHOLE}, ta = {2, 0, 1, OF_ROOT, WHOLE};
    struct world world;
    struct digest spki;
    (void)state;
    world_make(&world, SHOW_ROOT);
    struct trust_dane dane = judge(&world, &ee, 1, USABLE, NULL, 0, TRUST_PROFILE_STRICT);
    assert_true(dane.from_us == INT64_MIN && dane.until_us == INT64_MAX);
    assert_int_equal(dane.path_count, 1);
    trust_key_spki(world.chain.certs[CERT_SERVER], &spki);
    assert_memory_equal(dane.spki[0].b, spki.b, DIGEST_SIZE);
    trust_dane_free(&dane);
    dane = judge(&world, &ta, 1, USABLE, NULL, 0, TRUST_PROFILE_STRICT);
    assert_int_equal(dane.from_us, CERT_NOW_US - CLOCK_US_PER_DAY);
    assert_int_equal(dane.until_us, CERT_NOW_US + 90 * CLOCK_US_PER_DAY);
    assert_int_equal(dane.path_count, 3);
    trust_key_spki(world.chain.certs[CERT_ROOT], &spki);
    assert_memory_equal(dane.spki[2].b, spki.b, DIGEST_SIZE);
    trust_dane_free(&dane);
    world_free(&world);
}

/* More records than are compared: counted, and the rest not looked at. */
static void test_limits(void **state)
{
    static const uint8_t wrong[32];
    struct trust_tlsa records[TRUST_DANE_RECORDS_MAX + 1];
    struct world world;
    struct trust_dane dane;
    struct digest spki;
    (void)state;
    world_make(&world, SHOW_ROOT);
    trust_key_spki(world.chain.certs[CERT_SERVER], &spki);
    struct trust_cert_ask ask = {.chain = world.shown, .host = CERT_HOST, .now_us = CERT_NOW_US};
    for (size_t i = 0; i <= TRUST_DANE_RECORDS_MAX; i++)
        records[i] = (struct trust_tlsa){3, 1, 1, slice_of(wrong, sizeof(wrong))};
    records[TRUST_DANE_RECORDS_MAX - 1].data = slice_of(spki.b, DIGEST_SIZE);
    trust_dane_check(&ask, USABLE, NULL, records, TRUST_DANE_RECORDS_MAX, NULL, 0, &dane);
    assert_true(dane.matched && dane.base == NULL);
    trust_dane_free(&dane);
    records[TRUST_DANE_RECORDS_MAX - 1].data = slice_of(wrong, sizeof(wrong));
    records[TRUST_DANE_RECORDS_MAX].data = slice_of(spki.b, DIGEST_SIZE);
    trust_dane_check(&ask, USABLE, NULL, records, TRUST_DANE_RECORDS_MAX + 1, NULL, 0, &dane);
    assert_false(dane.matched);
    assert_int_equal(dane.records, TRUST_DANE_RECORDS_MAX + 1);
    trust_dane_free(&dane);
    world_free(&world);
}

/* A certificate that fits into a record, and one that does not. */
static void test_big_records(void **state)
{
    static const size_t names[] = {50, 200};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char san[8192] = "DNS:" CERT_HOST;
        for (size_t n = 0; n < names[i]; n++)
            snprintf(san + strlen(san), sizeof(san) - strlen(san), ",DNS:a%zu.long.name.clinic.test", n);
        struct cert_want wants[CERT_ROLES] = {[CERT_SERVER] = {.san = san}};
        struct cert_chain chain;
        struct trust_dane dane;
        unsigned char *der = NULL;
        cert_chain_make(&chain, wants);
        int len = i2d_X509(chain.certs[CERT_SERVER], &der);
        struct trust_tlsa record = {3, 0, 0, slice_of(der, (size_t)len)};
        struct trust_cert_ask ask = {.chain = chain.shown, .host = CERT_HOST, .now_us = CERT_NOW_US};
        assert_int_equal(len > (int)TRUST_DANE_DATA_MAX, i == 1);
        trust_dane_check(&ask, USABLE, NULL, &record, 1, NULL, 0, &dane);
        assert_int_equal(dane.tlsa, i == 0 ? USABLE : UNUSABLE);
        assert_int_equal(dane.matched, i == 0);
        trust_dane_free(&dane);
        OPENSSL_free(der);
        cert_chain_free(&chain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_and_chains),
        cmocka_unit_test(test_openssl_agrees),
        cmocka_unit_test(test_states_without_records),
        cmocka_unit_test(test_names_of_usage_2),
        cmocka_unit_test(test_no_wildcard_over_a_public_suffix),
        cmocka_unit_test(test_first_flaw_is_told),
        cmocka_unit_test(test_profile_weighs_keys),
        cmocka_unit_test(test_big_records),
        cmocka_unit_test(test_facts_of_the_proof),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
