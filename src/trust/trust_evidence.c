/* SPDX-License-Identifier: Apache-2.0 */
/* The record's layouts, and facts into entries and back. */
#include "trust/trust_evidence.h"

#include <openssl/sha.h>

#include "base/mem.h"
#include "trust/trust_cert.h"

#define DETAIL_BYTES 256u
#define NAME_BYTES 255u
#define KEY_NAME_BYTES 128u
#define RECORD_BYTES 160u
#define DIGESTS_MAX ((size_t)TRUST_CHAIN_MAX * DIGEST_SIZE)

#define E struct trust_evidence
/* Version 1: it lacks what verdicts read besides. */
static const struct layout_field first_fields[] = {
    LAYOUT_F(I64, E, at_us),       LAYOUT_B(E, host, 255),        LAYOUT_B(E, address, 64),
    LAYOUT_F(U16, E, port),        LAYOUT_F(U8, E, domain_dns),   LAYOUT_F(BOOL, E, domain_secure),
    LAYOUT_F(BOOL, E, implicit),   LAYOUT_F(U8, E, host_dns),     LAYOUT_F(BOOL, E, host_secure),
    LAYOUT_F(U8, E, connect),      LAYOUT_F(U8, E, stage),        LAYOUT_F(U8, E, fault),
    LAYOUT_F(U16, E, code),        LAYOUT_B(E, reply, SMTP_REPLY_TEXT_MAX), LAYOUT_F(BOOL, E, starttls),
    LAYOUT_F(BOOL, E, tls),        LAYOUT_F(U8, E, tls_failure),  LAYOUT_B(E, protocol, 32),
    LAYOUT_B(E, suite, 64),        LAYOUT_B(E, group, 64),        LAYOUT_F(U16, E, bits),
    LAYOUT_F(BOOL, E, resumed),    LAYOUT_F(BOOL, E, cert_checked), LAYOUT_F(U8, E, cert_fault),
    LAYOUT_B(E, cert_detail, 256), LAYOUT_B(E, chain, TRUST_CHAIN_MAX * DIGEST_SIZE), LAYOUT_F(I64, E, valid_from_us),
    LAYOUT_F(I64, E, valid_until_us), LAYOUT_B(E, key, 128),      LAYOUT_B(E, signature, 128),
    LAYOUT_B(E, names, TRUST_NAMES_MAX), LAYOUT_B(E, name_checked, 255), LAYOUT_B(E, name_matched, 255),
    LAYOUT_F(U8, E, action),       LAYOUT_F(U16, E, reason),      LAYOUT_F(U8, E, level),
    LAYOUT_F(BOOL, E, attack),
};
LAYOUT_DEFINE(first_layout, struct trust_evidence, first_fields);

static const struct layout_field evidence_fields[] = {
    LAYOUT_F(U8, E, kind),         LAYOUT_F(BOOL, E, counted),    LAYOUT_F(U16, E, left_out),
    LAYOUT_F(I64, E, judged_us),   LAYOUT_F(I64, E, at_us),       LAYOUT_B(E, host, NAME_BYTES),
    LAYOUT_B(E, address, 64),      LAYOUT_F(U16, E, port),        LAYOUT_F(U8, E, domain_dns),
    LAYOUT_F(BOOL, E, domain_secure), LAYOUT_F(BOOL, E, implicit), LAYOUT_F(U16, E, hosts),
    LAYOUT_F(U16, E, dangling),    LAYOUT_F(U8, E, minimum),      LAYOUT_F(U8, E, shown),
    LAYOUT_F(U8, E, profile),      LAYOUT_F(U8, E, sts),          LAYOUT_F(U8, E, sts_look),
    LAYOUT_F(BOOL, E, pinned),     LAYOUT_F(U8, E, host_dns),     LAYOUT_F(BOOL, E, host_secure),
    LAYOUT_F(U8, E, connect),      LAYOUT_F(U8, E, stage),        LAYOUT_F(U8, E, fault),
    LAYOUT_F(U16, E, code),        LAYOUT_B(E, reply, SMTP_REPLY_TEXT_MAX), LAYOUT_F(BOOL, E, starttls),
    LAYOUT_F(BOOL, E, tls),        LAYOUT_F(U8, E, tls_failure),  LAYOUT_B(E, protocol, TRUST_SUITE_MAX),
    LAYOUT_B(E, suite, TRUST_SUITE_MAX), LAYOUT_B(E, group, TRUST_SUITE_MAX), LAYOUT_F(U16, E, bits),
    LAYOUT_F(BOOL, E, resumed),    LAYOUT_F(U16, E, protocol_number), LAYOUT_F(BOOL, E, aead),
    LAYOUT_F(BOOL, E, ephemeral),  LAYOUT_F(U8, E, cipher),       LAYOUT_F(BOOL, E, extended_master),
    LAYOUT_F(BOOL, E, cert_checked), LAYOUT_F(U8, E, cert_fault), LAYOUT_B(E, cert_detail, DETAIL_BYTES),
    LAYOUT_B(E, chain, DIGESTS_MAX), LAYOUT_F(I64, E, valid_from_us), LAYOUT_F(I64, E, valid_until_us),
    LAYOUT_B(E, key, KEY_NAME_BYTES), LAYOUT_B(E, signature, KEY_NAME_BYTES), LAYOUT_B(E, issuer, DETAIL_BYTES),
    LAYOUT_B(E, names, TRUST_NAMES_MAX), LAYOUT_B(E, name_checked, NAME_BYTES), LAYOUT_B(E, name_matched, NAME_BYTES),
    LAYOUT_F(U8, E, ocsp),
    LAYOUT_F(BOOL, E, must_staple), LAYOUT_B(E, spki, DIGESTS_MAX), LAYOUT_F(U8, E, tlsa),
    LAYOUT_F(U16, E, tlsa_records), LAYOUT_F(U16, E, tlsa_usable), LAYOUT_F(BOOL, E, dane_checked),
    LAYOUT_F(BOOL, E, dane_matched), LAYOUT_F(U8, E, dane_fault), LAYOUT_B(E, dane_detail, DETAIL_BYTES),
    LAYOUT_B(E, dane_record, RECORD_BYTES), LAYOUT_B(E, dane_base, NAME_BYTES), LAYOUT_B(E, dane_spki, DIGESTS_MAX), LAYOUT_F(I64, E, dane_from_us),
    LAYOUT_F(I64, E, dane_until_us), LAYOUT_F(BOOL, E, sts_match), LAYOUT_F(U8, E, pin),
    LAYOUT_F(BOOL, E, ready),      LAYOUT_F(BOOL, E, cap_eight_bit), LAYOUT_F(BOOL, E, cap_utf8),
    LAYOUT_F(BOOL, E, cap_size),   LAYOUT_F(U64, E, cap_size_max), LAYOUT_F(BOOL, E, cap_require_tls),
    LAYOUT_F(BOOL, E, need_eight_bit), LAYOUT_F(BOOL, E, need_utf8), LAYOUT_F(U64, E, need_size),
    LAYOUT_F(BOOL, E, need_require_tls),
    LAYOUT_F(U8, E, action),       LAYOUT_F(U16, E, reason),      LAYOUT_F(U8, E, level),
    LAYOUT_F(BOOL, E, attack),
};
LAYOUT_DEFINE(trust_evidence_layout, struct trust_evidence, evidence_fields);
#undef E

/* ---- facts into an entry ---- */

static struct slice clip(const char *text, size_t max)
{
    return slice_sub(slice_str(text), 0, max);
}

static uint16_t small(size_t n)
{
    return n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
}

static void of_tls(const struct trust_tls *tls, struct trust_evidence *e)
{
    e->tls = tls->established;
    e->tls_failure = (uint8_t)tls->failure;
    e->protocol = clip(tls->protocol_name, TRUST_SUITE_MAX);
    e->suite = clip(tls->suite, TRUST_SUITE_MAX);
    e->group = clip(tls->group, TRUST_SUITE_MAX);
    e->bits = tls->bits > 0 ? small((size_t)tls->bits) : 0;
    e->resumed = tls->resumed;
    e->protocol_number = tls->protocol;
    e->aead = tls->aead;
    e->ephemeral = tls->ephemeral;
    e->cipher = (uint8_t)tls->cipher;
    e->extended_master = tls->extended_master;
}

static void of_cert(const struct trust_cert *cert, struct trust_evidence *e)
{
    e->cert_checked = cert->checked;
    e->cert_fault = (uint8_t)cert->fault;
    e->cert_detail = clip(cert->detail, DETAIL_BYTES);
    e->chain = slice_of(cert->chain, cert->chain_count * DIGEST_SIZE);
    e->valid_from_us = cert->from_us;
    e->valid_until_us = cert->until_us;
    e->key = clip(cert->key, KEY_NAME_BYTES);
    e->signature = clip(cert->signature, KEY_NAME_BYTES);
    e->issuer = clip(cert->issuer, DETAIL_BYTES);
    e->names = clip(cert->names, TRUST_NAMES_MAX);
    e->name_checked = clip(cert->checked_name, NAME_BYTES);
    e->name_matched = clip(cert->matched_name, NAME_BYTES);
    e->ocsp = (uint8_t)cert->ocsp;
    e->must_staple = cert->must_staple;
    e->spki = slice_of(cert->spki, cert->path_count * DIGEST_SIZE);
}

static void of_dane(const struct trust_dane *dane, struct trust_evidence *e)
{
    e->tlsa = (uint8_t)dane->tlsa;
    e->tlsa_records = small(dane->records);
    e->tlsa_usable = small(dane->usable);
    e->dane_checked = dane->checked;
    e->dane_matched = dane->matched;
    e->dane_fault = (uint8_t)dane->fault;
    e->dane_detail = clip(dane->detail, DETAIL_BYTES);
    e->dane_record = clip(dane->record, RECORD_BYTES);
    e->dane_base = clip(dane->base, NAME_BYTES);
    e->dane_spki = slice_of(dane->spki, dane->path_count * DIGEST_SIZE);
    e->dane_from_us = dane->from_us;
    e->dane_until_us = dane->until_us;
}

static void of_host(const struct trust_session *session, struct trust_evidence *e)
{
    e->at_us = session->at_us;
    e->host = clip(session->host, NAME_BYTES);
    e->address = clip(session->address, 64);
    e->port = session->port;
    e->host_dns = (uint8_t)session->dns;
    e->host_secure = session->dns_secure;
    e->connect = (uint8_t)session->connect;
    e->stage = (uint8_t)session->stage;
    e->fault = (uint8_t)session->fault;
    e->code = session->code;
    e->reply = clip(session->reply, SMTP_REPLY_TEXT_MAX);
    e->starttls = session->starttls;
    e->sts_match = session->sts_match;
    e->pin = (uint8_t)session->pin;
    e->ready = session->ready;
    e->cap_eight_bit = session->caps.eight_bit;
    e->cap_utf8 = session->caps.utf8;
    e->cap_size = session->caps.size;
    e->cap_size_max = session->caps.size_max;
    e->cap_require_tls = session->caps.require_tls;
}

struct trust_evidence trust_evidence_of_domain(enum trust_evidence_kind kind, const struct trust_domain *domain,
                                               int64_t now_us, struct trust_verdict verdict)
{
    return (struct trust_evidence){
        .version = TRUST_EVIDENCE_VERSION,
        .kind = (uint8_t)kind,
        .counted = true,
        .judged_us = now_us,
        .at_us = now_us,
        .domain_dns = (uint8_t)domain->mx,
        .domain_secure = domain->secure,
        .implicit = domain->implicit,
        .hosts = small(domain->hosts),
        .dangling = small(domain->dangling),
        .minimum = (uint8_t)domain->minimum,
        .shown = (uint8_t)domain->shown,
        .profile = (uint8_t)domain->profile,
        .sts = (uint8_t)domain->sts,
        .sts_look = (uint8_t)domain->sts_look,
        .pinned = domain->pinned,
        .action = (uint8_t)verdict.action,
        .reason = (uint16_t)verdict.reason,
        .level = (uint8_t)verdict.level,
        .attack = verdict.attack,
    };
}

struct trust_evidence trust_evidence_of(const struct trust_domain *domain, const struct trust_session *session,
                                        int64_t now_us, struct trust_verdict verdict)
{
    struct trust_evidence e = trust_evidence_of_domain(TRUST_EVIDENCE_TRY, domain, now_us, verdict);
    of_host(session, &e);
    of_tls(&session->tls, &e);
    of_cert(&session->cert, &e);
    of_dane(&session->dane, &e);
    return e;
}

struct trust_evidence trust_evidence_of_needs(const struct trust_domain *domain, const struct trust_session *session,
                                              const struct trust_needs *needs, int64_t now_us, struct trust_verdict verdict)
{
    struct trust_evidence e = trust_evidence_of_domain(TRUST_EVIDENCE_NEEDS, domain, now_us, verdict);
    of_host(session, &e);
    e.reply = SLICE_EMPTY;
    e.need_eight_bit = needs->eight_bit;
    e.need_utf8 = needs->utf8;
    e.need_size = needs->size;
    e.need_require_tls = needs->require_tls;
    return e;
}

/* ---- the record ---- */

void trust_evidence_begin(struct buf *out)
{
    buf_append_byte(out, TRUST_EVIDENCE_VERSION);
}

static bool add_within(struct buf *out, const struct trust_evidence *evidence, size_t max)
{
    struct buf one;
    buf_init(&one, out->max);
    layout_write(&trust_evidence_layout, &one, evidence);
    bool fits = buf_ok(&one) && out->len + one.len <= max && buf_append_slice(out, buf_slice(&one));
    buf_free(&one);
    return fits;
}

bool trust_evidence_add(struct buf *out, const struct trust_evidence *evidence)
{
    size_t kept_free = (TRUST_EVIDENCE_TRIES_MAX + 1) * TRUST_EVIDENCE_BARE_MAX;
    struct trust_evidence bare = *evidence;
    if (add_within(out, evidence, out->max - (kept_free < out->max / 2 ? kept_free : out->max / 2)))
        return true;
    bare.reply = bare.cert_detail = bare.chain = bare.key = bare.signature = bare.issuer = bare.names = SLICE_EMPTY;
    bare.name_checked = bare.name_matched = bare.spki = SLICE_EMPTY;
    bare.dane_detail = bare.dane_record = bare.dane_base = bare.dane_spki = SLICE_EMPTY;
    return add_within(out, &bare, out->max);
}

bool trust_evidence_open(struct slice record, struct trust_evidence_reader *ret_reader)
{
    ret_reader->wire = wire_reader_of(record);
    ret_reader->version = wire_u8(&ret_reader->wire);
    return !ret_reader->wire.bad && ret_reader->version >= 1 && ret_reader->version <= TRUST_EVIDENCE_VERSION;
}

bool trust_evidence_next(struct trust_evidence_reader *reader, struct trust_evidence *ret_evidence)
{
    bool first = reader->version == 1;
    if (!layout_next(first ? &first_layout : &trust_evidence_layout, &reader->wire, ret_evidence))
        return false;
    ret_evidence->version = reader->version;
    if (first) {
        ret_evidence->counted = true;
        ret_evidence->judged_us = ret_evidence->at_us;
    }
    return true;
}

struct digest trust_evidence_digest(struct slice record)
{
    struct trust_evidence_reader reader;
    struct trust_evidence e;
    struct digest digest = {{0}};
    struct buf plain;
    buf_init(&plain, 2 * TRUST_EVIDENCE_SIZE_MAX);
    if (trust_evidence_open(record, &reader)) {
        while (trust_evidence_next(&reader, &e)) {
            e.judged_us = 0;
            layout_write(&trust_evidence_layout, &plain, &e);
        }
    }
    (void)SHA256(plain.data == NULL ? (const uint8_t *)"" : plain.data, plain.len, digest.b);
    buf_free(&plain);
    return digest;
}

/* ---- an entry into facts ---- */

static bool is_possible(const struct trust_evidence *e)
{
    return e->version >= 2 && e->domain_dns <= TRUST_DNS_LOOP && e->minimum <= TRUST_LEVEL_DANE && e->shown <= TRUST_LEVEL_DANE &&
           e->profile <= TRUST_PROFILE_FIPS && e->sts <= TRUST_STS_ENFORCE && e->sts_look <= TRUST_STS_POLICY_INVALID &&
           e->host_dns <= TRUST_DNS_LOOP && e->connect <= TRUST_CONNECT_PRIVATE && e->stage <= SMTP_STAGE_IDLE &&
           e->fault <= SMTP_FAULT_LOCAL && e->tls_failure <= TRUST_TLS_BROKEN && e->cipher <= TRUST_CIPHER_CHACHA20 &&
           e->cert_fault <= TRUST_CERT_STAPLE && e->ocsp <= TRUST_OCSP_STALE && e->tlsa <= TRUST_TLSA_BOGUS &&
           e->dane_fault <= TRUST_CERT_STAPLE && e->pin <= TRUST_PIN_MISMATCH && e->chain.len <= DIGESTS_MAX &&
           e->spki.len <= DIGESTS_MAX && e->dane_spki.len <= DIGESTS_MAX;
}

static char *text_of(struct slice text)
{
    return text.len == 0 ? NULL : mem_strndup(text.data, text.len);
}

static void copy_name(struct slice text, char out[TRUST_SUITE_MAX + 1])
{
    size_t len = text.len < TRUST_SUITE_MAX ? text.len : TRUST_SUITE_MAX;
    if (len > 0)
        memcpy(out, text.data, len);
    out[len] = '\0';
}

static size_t copy_digests(struct slice bytes, struct digest *out)
{
    size_t count = bytes.len / DIGEST_SIZE;
    if (count > 0)
        memcpy(out, bytes.data, count * DIGEST_SIZE);
    return count;
}

static void to_tls(const struct trust_evidence *e, struct trust_try *try)
{
    copy_name(e->protocol, try->protocol);
    copy_name(e->suite, try->suite);
    copy_name(e->group, try->group);
    try->facts.tls = (struct trust_tls){
        .established = e->tls,
        .failure = (enum trust_tls_failure)e->tls_failure,
        .protocol = e->protocol_number,
        .protocol_name = try->protocol,
        .suite = try->suite,
        .group = try->group,
        .bits = e->bits,
        .aead = e->aead,
        .ephemeral = e->ephemeral,
        .cipher = (enum trust_cipher)e->cipher,
        .extended_master = e->extended_master,
        .resumed = e->resumed,
    };
}

static void to_cert(const struct trust_evidence *e, struct trust_cert *cert)
{
    *cert = (struct trust_cert){
        .checked = e->cert_checked,
        .fault = (enum trust_cert_fault)e->cert_fault,
        .detail = text_of(e->cert_detail),
        .from_us = e->valid_from_us,
        .until_us = e->valid_until_us,
        .key = text_of(e->key),
        .signature = text_of(e->signature),
        .issuer = text_of(e->issuer),
        .names = text_of(e->names),
        .checked_name = text_of(e->name_checked),
        .matched_name = text_of(e->name_matched),
        .ocsp = (enum trust_ocsp)e->ocsp,
        .must_staple = e->must_staple,
    };
    cert->chain_count = copy_digests(e->chain, cert->chain);
    cert->path_count = copy_digests(e->spki, cert->spki);
}

static void to_dane(const struct trust_evidence *e, struct trust_dane *dane)
{
    *dane = (struct trust_dane){
        .tlsa = (enum trust_tlsa_state)e->tlsa,
        .records = e->tlsa_records,
        .usable = e->tlsa_usable,
        .checked = e->dane_checked,
        .matched = e->dane_matched,
        .fault = (enum trust_cert_fault)e->dane_fault,
        .detail = text_of(e->dane_detail),
        .record = text_of(e->dane_record),
        .base = text_of(e->dane_base),
        .from_us = e->dane_from_us,
        .until_us = e->dane_until_us,
    };
    dane->path_count = copy_digests(e->dane_spki, dane->spki);
}

static void to_try(const struct trust_evidence *e, struct trust_try *try)
{
    try->now_us = e->judged_us;
    try->counted = e->counted;
    try->facts = (struct trust_session){
        .host = text_of(e->host),
        .address = text_of(e->address),
        .port = e->port,
        .dns = (enum trust_dns)e->host_dns,
        .dns_secure = e->host_secure,
        .connect = (enum trust_connect)e->connect,
        .starttls = e->starttls,
        .stage = (enum smtp_client_stage)e->stage,
        .fault = (enum smtp_client_fault)e->fault,
        .code = e->code,
        .reply = text_of(e->reply),
        .sts_match = e->sts_match,
        .pin = (enum trust_pin)e->pin,
        .caps = {.eight_bit = e->cap_eight_bit, .utf8 = e->cap_utf8, .size = e->cap_size,
                 .size_max = e->cap_size_max, .require_tls = e->cap_require_tls},
        .ready = e->ready,
        .at_us = e->at_us,
    };
    to_tls(e, try);
    to_cert(e, &try->facts.cert);
    to_dane(e, &try->facts.dane);
}

bool trust_evidence_facts(const struct trust_evidence *e, struct trust_domain *ret_domain, struct trust_try *try)
{
    if (!is_possible(e))
        return false;
    *ret_domain = (struct trust_domain){
        .mx = (enum trust_dns)e->domain_dns,
        .secure = e->domain_secure,
        .implicit = e->implicit,
        .hosts = e->hosts,
        .dangling = e->dangling,
        .minimum = (enum trust_level)e->minimum,
        .shown = (enum trust_level)e->shown,
        .profile = (enum trust_profile)e->profile,
        .sts = (enum trust_sts_mode)e->sts,
        .sts_look = (enum trust_sts_look)e->sts_look,
        .pinned = e->pinned,
    };
    if (try != NULL)
        to_try(e, try);
    return true;
}
