/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of docs/formats-trust.md, and the two functions that walk them. */
#include "trust/trust_json_table.h"

#include "base/codec.h"
#include "base/mem.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define TEXT_MAX 4096u

_Static_assert(sizeof(enum trust_dns) == sizeof(unsigned) && sizeof(enum smtp_client_stage) == sizeof(unsigned),
               "names are read into enums as unsigned");

static const char *const dns_names[] = {"ok",    "nxdomain",  "nodata",  "servfail",  "timeout",
                                        "bogus", "malformed", "null-mx", "cname-loop"};
static const char *const profile_names[] = {"strict", "nist", "fips"};
static const char *const sts_names[] = {"none", "testing", "enforce"};
static const char *const look_names[] = {"unasked",        "absent",       "found",       "kept",          "dns-failed",
                                         "record-invalid", "fetch-failed", "cert-failed", "policy-invalid"};
static const char *const connect_names[] = {"none", "ok", "refused", "timeout", "unreachable", "private"};
static const char *const stage_names[] = {"none",     "connect", "greeting", "ehlo",    "starttls", "handshake", "ehlo-tls", "mail",
                                          "rcpt",     "data",    "content",  "final",   "rset",     "quit",      "idle"};
static const char *const fault_names[] = {"none",      "reply",   "malformed", "injected", "closed",
                                          "truncated", "timeout", "tls",       "local"};
static const char *const failure_names[] = {"fine", "old", "suite", "broken"};
static const char *const cipher_names[] = {"other", "aes-gcm", "aes-ccm", "chacha20"};
static const char *const cert_names[] = {"fine",  "none", "expired", "not-yet",   "self-signed", "untrusted", "chain",
                                         "name",  "key",  "signature", "usage",   "revoked",     "staple"};
static const char *const ocsp_names[] = {"none", "good", "revoked", "unknown", "invalid", "stale"};
static const char *const tlsa_names[] = {"unasked", "none", "usable", "unusable", "failed", "bogus"};
static const char *const pin_names[] = {"none", "match", "mismatch"};

const char *const trust_json_actions[6] = {"?", "send", "next host", "later", "post", "return"};
const char *const trust_json_levels[5] = {"none", "pkix", "pkix+dnssec", "sts", "dane"};
const char *const trust_json_channels[5] = {"none", "proved", "tls", "clear", "retry"};

#define FLAG(type, name) {#name, TRUST_JSON_FLAG, offsetof(type, name), 0, NULL}
#define NAME(type, name, names) {#name, TRUST_JSON_NAME, offsetof(type, name), COUNT(names), names}
#define NUMBER(kind, type, name, max) {#name, TRUST_JSON_##kind, offsetof(type, name), max, NULL}
#define TIME(type, name) {#name, TRUST_JSON_TIME, offsetof(type, name), 0, NULL}
#define TEXT(type, name, max) {#name, TRUST_JSON_TEXT, offsetof(type, name), max, NULL}
#define TABLE(var, title, members) const struct trust_json_table var = {title, members, COUNT(members)}

static const struct trust_json_member attempt_members[] = {TIME(struct trust_attempt, now_us), FLAG(struct trust_attempt, must_end)};
TABLE(trust_json_attempt, "document", attempt_members);

static const struct trust_json_member domain_members[] = {
    NAME(struct trust_domain, mx, dns_names),
    FLAG(struct trust_domain, secure),
    FLAG(struct trust_domain, implicit),
    NUMBER(COUNT, struct trust_domain, hosts, UINT16_MAX),
    NUMBER(COUNT, struct trust_domain, dangling, UINT16_MAX),
    NAME(struct trust_domain, minimum, trust_json_levels),
    NAME(struct trust_domain, shown, trust_json_levels),
    NAME(struct trust_domain, profile, profile_names),
    NAME(struct trust_domain, sts, sts_names),
    NAME(struct trust_domain, sts_look, look_names),
    FLAG(struct trust_domain, pinned),
};
TABLE(trust_json_domain, "domain", domain_members);

#define S struct trust_session
static const struct trust_json_member try_members[] = {
    TEXT(S, host, 255),          TEXT(S, address, 64),      NUMBER(U16, S, port, UINT16_MAX),
    TIME(S, at_us),              NAME(S, dns, dns_names),   FLAG(S, dns_secure),
    NAME(S, connect, connect_names), FLAG(S, starttls),     NAME(S, stage, stage_names),
    NAME(S, fault, fault_names), NUMBER(U16, S, code, 999), TEXT(S, reply, SMTP_REPLY_TEXT_MAX),
    FLAG(S, sts_match),          NAME(S, pin, pin_names),   FLAG(S, ready),
};
#undef S
TABLE(trust_json_try, "host", try_members);

#define T struct trust_tls
static const struct trust_json_member tls_members[] = {
    FLAG(T, established), NAME(T, failure, failure_names), NUMBER(U16, T, protocol, UINT16_MAX),
    NUMBER(INT, T, bits, UINT16_MAX), FLAG(T, aead),       FLAG(T, ephemeral),
    NAME(T, cipher, cipher_names), FLAG(T, extended_master), FLAG(T, resumed),
};
#undef T
TABLE(trust_json_tls, "tls", tls_members);

#define C struct trust_cert
static const struct trust_json_member cert_members[] = {
    FLAG(C, checked),     NAME(C, fault, cert_names), TIME(C, from_us),          TIME(C, until_us),
    TEXT(C, detail, 256), TEXT(C, key, 128),          TEXT(C, signature, 128),   TEXT(C, issuer, 256),
    TEXT(C, checked_name, 255),
    TEXT(C, matched_name, 255), NAME(C, ocsp, ocsp_names), FLAG(C, must_staple),
};
#undef C
TABLE(trust_json_cert, "cert", cert_members);

#define D struct trust_dane
static const struct trust_json_member dane_members[] = {
    NAME(D, tlsa, tlsa_names), FLAG(D, checked), FLAG(D, matched), NAME(D, fault, cert_names),
    TIME(D, from_us), TIME(D, until_us), NUMBER(COUNT, D, records, UINT16_MAX), NUMBER(COUNT, D, usable, UINT16_MAX),
    TEXT(D, detail, 256), TEXT(D, record, 160), TEXT(D, base, 255),
};
#undef D
TABLE(trust_json_dane, "dane", dane_members);

#define K struct smtp_client_caps
static const struct trust_json_member caps_members[] = {
    FLAG(K, starttls), FLAG(K, pipelining), FLAG(K, eight_bit), FLAG(K, utf8), FLAG(K, chunking), FLAG(K, dsn),
    FLAG(K, size), FLAG(K, enhanced), FLAG(K, deliver_by), FLAG(K, require_tls), NUMBER(U64, K, size_max, INT64_MAX),
    NUMBER(U32, K, rcpt_max, UINT32_MAX), NUMBER(U32, K, mail_max, UINT32_MAX),
};
#undef K
TABLE(trust_json_caps, "caps", caps_members);

static const struct trust_json_member needs_members[] = {
    FLAG(struct trust_needs, utf8), FLAG(struct trust_needs, eight_bit), NUMBER(U64, struct trust_needs, size, INT64_MAX),
    FLAG(struct trust_needs, require_tls),
};
TABLE(trust_json_needs, "needs", needs_members);

static const struct trust_json_member answer_members[] = {
    NAME(struct trust_answer, stage, stage_names), NAME(struct trust_answer, fault, fault_names),
    NUMBER(U16, struct trust_answer, code, 999),
};
TABLE(trust_json_answer, "answer", answer_members);

static const struct trust_json_member notice_members[] = {FLAG(struct trust_attempt, clear), FLAG(struct trust_attempt, attack)};
TABLE(trust_json_notice, "notice", notice_members);

bool trust_json_find(const json_t *value, const char *const *names, size_t count, unsigned *ret_at)
{
    const char *text = json_string_value(value);
    for (unsigned i = 0; text != NULL && i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_at = i;
            return true;
        }
    }
    return false;
}

static bool get_number(const struct trust_json_member *m, const json_t *value, void *to)
{
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || (m->kind != TRUST_JSON_TIME && (n < 0 || (uint64_t)n > m->max)))
        return false;
    switch (m->kind) {
    case TRUST_JSON_U16: *(uint16_t *)to = (uint16_t)n; break;
    case TRUST_JSON_U32: *(uint32_t *)to = (uint32_t)n; break;
    case TRUST_JSON_U64: *(uint64_t *)to = (uint64_t)n; break;
    case TRUST_JSON_INT: *(int *)to = (int)n; break;
    case TRUST_JSON_COUNT: *(size_t *)to = (size_t)n; break;
    default: *(int64_t *)to = n; break;
    }
    return true;
}

static bool get_text(const struct trust_json_member *m, const json_t *value, char **to)
{
    size_t len = json_string_length(value);
    if (!json_is_string(value) || len > m->max)
        return false;
    mem_free(*to);
    *to = len == 0 ? NULL : mem_strndup(json_string_value(value), len);
    return true;
}

static bool get_member(const struct trust_json_member *m, const json_t *value, void *out)
{
    void *to = (uint8_t *)out + m->at;
    unsigned at = 0;
    switch (m->kind) {
    case TRUST_JSON_FLAG:
        *(bool *)to = json_is_true(value);
        return json_is_boolean(value);
    case TRUST_JSON_NAME:
        if (!trust_json_find(value, m->names, m->max, &at))
            return false;
        memcpy(to, &at, sizeof(at));
        return true;
    case TRUST_JSON_TEXT: return get_text(m, value, to);
    default: return get_number(m, value, to);
    }
}

bool trust_json_get(const struct trust_json_table *table, const json_t *object, size_t others, void *out, struct err *err)
{
    size_t found = others;
    if (!json_is_object(object))
        return err_set(err, "%s: not an object", table->name);
    for (size_t i = 0; i < table->count; i++) {
        const struct trust_json_member *m = &table->members[i];
        const json_t *value = json_object_get(object, m->name);
        if (value == NULL)
            continue;
        found++;
        if (!get_member(m, value, out))
            return err_set(err, "%s.%s: no value that it can have", table->name, m->name);
    }
    return found == json_object_size(object) || err_set(err, "%s: a member that is not known", table->name);
}

json_t *trust_json_string(struct slice text)
{
    json_t *value = json_stringn(text.data == NULL ? "" : (const char *)text.data, text.len);
    struct buf escaped;
    if (value != NULL)
        return value;
    buf_init(&escaped, 4 * TEXT_MAX);
    (void)codec_escape(&escaped, slice_sub(text, 0, TEXT_MAX));
    value = json_stringn((const char *)escaped.data, escaped.len);
    buf_free(&escaped);
    return value;
}

static json_t *put_member(const struct trust_json_member *m, const void *in)
{
    const void *from = (const uint8_t *)in + m->at;
    unsigned at;
    switch (m->kind) {
    case TRUST_JSON_FLAG: return json_boolean(*(const bool *)from);
    case TRUST_JSON_NAME:
        memcpy(&at, from, sizeof(at));
        return json_string(at < m->max ? m->names[at] : "?");
    case TRUST_JSON_U16: return json_integer(*(const uint16_t *)from);
    case TRUST_JSON_U32: return json_integer(*(const uint32_t *)from);
    case TRUST_JSON_U64: return json_integer((json_int_t)(*(const uint64_t *)from & INT64_MAX));
    case TRUST_JSON_INT: return json_integer(*(const int *)from);
    case TRUST_JSON_COUNT: return json_integer((json_int_t)*(const size_t *)from);
    case TRUST_JSON_TIME: return json_integer(*(const int64_t *)from);
    default: return trust_json_string(slice_str(*(char *const *)from));
    }
}

void trust_json_put(const struct trust_json_table *table, json_t *object, const void *in)
{
    for (size_t i = 0; i < table->count; i++)
        (void)json_object_set_new(object, table->members[i].name, put_member(&table->members[i], in));
}
