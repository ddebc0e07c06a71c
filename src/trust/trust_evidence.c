/* SPDX-License-Identifier: Apache-2.0 */
/* The record's layout, and its reading aloud. */
#include "trust/trust_evidence.h"

#include "base/clock.h"
#include "base/codec.h"
#include "trust/trust_cert.h"

#define E struct trust_evidence
static const struct layout_field evidence_fields[] = {
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
LAYOUT_DEFINE(trust_evidence_layout, struct trust_evidence, evidence_fields);
#undef E

static void of_tls(const struct trust_tls *tls, struct trust_evidence *e)
{
    e->tls = tls->established;
    e->tls_failure = (uint8_t)tls->failure;
    e->protocol = slice_str(tls->protocol_name);
    e->suite = slice_str(tls->suite);
    e->group = slice_str(tls->group);
    e->bits = (uint16_t)tls->bits;
    e->resumed = tls->resumed;
}

static void of_cert(const struct trust_cert *cert, struct trust_evidence *e)
{
    e->cert_checked = cert->checked;
    e->cert_fault = (uint8_t)cert->fault;
    e->cert_detail = slice_str(cert->detail);
    e->chain = slice_of(cert->chain, cert->chain_count * DIGEST_SIZE);
    e->valid_from_us = cert->from_us;
    e->valid_until_us = cert->until_us;
    e->key = slice_str(cert->key);
    e->signature = slice_str(cert->signature);
    e->names = slice_str(cert->names);
    e->name_checked = slice_str(cert->checked_name);
    e->name_matched = slice_str(cert->matched_name);
}

struct trust_evidence trust_evidence_of(const struct trust_domain *domain, const struct trust_session *session,
                                        struct trust_verdict verdict)
{
    struct trust_evidence e = {
        .at_us = session->at_us,
        .host = slice_str(session->host),
        .address = slice_str(session->address),
        .port = session->port,
        .domain_dns = (uint8_t)domain->mx,
        .domain_secure = domain->secure,
        .implicit = domain->implicit,
        .host_dns = (uint8_t)session->dns,
        .host_secure = session->dns_secure,
        .connect = (uint8_t)session->connect,
        .stage = (uint8_t)session->stage,
        .fault = (uint8_t)session->fault,
        .code = session->code,
        .reply = slice_str(session->reply),
        .starttls = session->starttls,
        .action = (uint8_t)verdict.action,
        .reason = (uint16_t)verdict.reason,
        .level = (uint8_t)verdict.level,
        .attack = verdict.attack,
    };
    of_tls(&session->tls, &e);
    of_cert(&session->cert, &e);
    return e;
}

void trust_evidence_begin(struct buf *out)
{
    buf_append_byte(out, TRUST_EVIDENCE_VERSION);
}

bool trust_evidence_add(struct buf *out, const struct trust_evidence *evidence)
{
    struct buf one;
    buf_init(&one, out->max);
    layout_write(&trust_evidence_layout, &one, evidence);
    bool fits = buf_ok(&one) && out->len + one.len <= out->max && buf_append_slice(out, buf_slice(&one));
    buf_free(&one);
    return fits;
}

bool trust_evidence_open(struct slice record, struct wire_reader *ret_reader)
{
    *ret_reader = wire_reader_of(record);
    return wire_u8(ret_reader) == TRUST_EVIDENCE_VERSION && !ret_reader->bad;
}

const char *trust_connect_name(enum trust_connect connect)
{
    static const char *const names[] = {"not tried", "connected", "refused", "timed out", "unreachable", "private address"};
    return (size_t)connect < sizeof(names) / sizeof(*names) ? names[connect] : "?";
}

const char *trust_dns_name(enum trust_dns dns)
{
    static const char *const names[] = {"ok",    "nxdomain",  "nodata",  "servfail",  "timeout",
                                        "bogus", "malformed", "null-mx", "cname-loop"};
    return (size_t)dns < sizeof(names) / sizeof(*names) ? names[dns] : "?";
}

static void line(struct buf *out, const char *indent, const char *label, struct slice text)
{
    if (text.len == 0)
        return;
    buf_printf(out, "%s%s: ", indent, label);
    buf_append_slice(out, text);
    buf_append_byte(out, '\n');
}

static void text_where(const struct trust_evidence *e, const char *indent, struct buf *out)
{
    char at[CLOCK_DATE_MAX];
    clock_rfc3339(e->at_us, at);
    buf_printf(out, "%shost: %.*s", indent, (int)e->host.len, (const char *)e->host.data);
    if (e->address.len > 0)
        buf_printf(out, " [%.*s]:%u", (int)e->address.len, (const char *)e->address.data, e->port);
    buf_printf(out, " at %s, %s\n", at, trust_connect_name((enum trust_connect)e->connect));
    buf_printf(out, "%sdns: %s %s (%s), host %s (%s)\n", indent, e->implicit ? "implicit MX" : "MX",
               trust_dns_name((enum trust_dns)e->domain_dns), e->domain_secure ? "secure" : "insecure",
               trust_dns_name((enum trust_dns)e->host_dns), e->host_secure ? "secure" : "insecure");
    if (e->fault != SMTP_FAULT_NONE)
        buf_printf(out, "%sended: %s at %s\n", indent, smtp_client_fault_name((enum smtp_client_fault)e->fault),
                   smtp_client_stage_name((enum smtp_client_stage)e->stage));
    line(out, indent, "reply", e->reply);
}

static void text_cert(const struct trust_evidence *e, const char *indent, struct buf *out)
{
    char from[CLOCK_DATE_MAX], until[CLOCK_DATE_MAX];
    if (!e->cert_checked)
        return;
    clock_rfc3339(e->valid_from_us, from);
    clock_rfc3339(e->valid_until_us, until);
    buf_printf(out, "%scertificate: %s", indent, trust_cert_fault_name((enum trust_cert_fault)e->cert_fault));
    if (e->cert_detail.len > 0)
        buf_printf(out, " (%.*s)", (int)e->cert_detail.len, (const char *)e->cert_detail.data);
    buf_printf(out, ", valid %s to %s\n", from, until);
    line(out, indent, "key", e->key);
    line(out, indent, "signature", e->signature);
    line(out, indent, "name checked", e->name_checked);
    line(out, indent, "name matched", e->name_matched);
    for (size_t i = 0; i + DIGEST_SIZE <= e->chain.len; i += DIGEST_SIZE) {
        buf_printf(out, "%ssha256[%zu]: ", indent, i / DIGEST_SIZE);
        codec_hex(out, slice_sub(e->chain, i, DIGEST_SIZE));
        buf_append_byte(out, '\n');
    }
}

void trust_evidence_text(const struct trust_evidence *e, const char *indent, struct buf *out)
{
    text_where(e, indent, out);
    if (e->tls) {
        buf_printf(out, "%stls: %.*s %.*s %.*s%s\n", indent, (int)e->protocol.len, (const char *)e->protocol.data,
                   (int)e->suite.len, (const char *)e->suite.data, (int)e->group.len, (const char *)e->group.data,
                   e->resumed ? " (resumed)" : "");
    } else {
        buf_printf(out, "%stls: none%s\n", indent, e->starttls ? "" : ", STARTTLS not offered");
    }
    text_cert(e, indent, out);
    buf_printf(out, "%sverdict: %s, %s, proof %s\n", indent, trust_action_name((enum trust_action)e->action),
               trust_reason_name(e->reason), trust_level_name((enum trust_level)e->level));
    buf_printf(out, "%swhy: %s\n", indent, trust_reason_clerk(e->reason));
    buf_printf(out, "%stechnically: %s\n", indent, trust_reason_engineer(e->reason));
}
