/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence read aloud. */
#include "base/clock.h"
#include "base/codec.h"
#include "trust/trust_cert.h"
#include "trust/trust_evidence.h"

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

static const char *pick(const char *const *names, size_t count, uint8_t at)
{
    return at < count ? names[at] : "?";
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
    line(out, indent, "issuer", e->issuer);
    line(out, indent, "name checked", e->name_checked);
    line(out, indent, "name matched", e->name_matched);
    for (size_t i = 0; i + DIGEST_SIZE <= e->chain.len; i += DIGEST_SIZE) {
        buf_printf(out, "%ssha256[%zu]: ", indent, i / DIGEST_SIZE);
        codec_hex(out, slice_sub(e->chain, i, DIGEST_SIZE));
        buf_append_byte(out, '\n');
    }
}

/* DANE and MTA-STS, where there is anything to tell. */
static void text_policy(const struct trust_evidence *e, const char *indent, struct buf *out)
{
    static const char *const tlsa[] = {"not asked", "none", "usable", "unusable", "look-up failed", "bogus"};
    static const char *const sts[] = {"none", "testing", "enforce"};
    static const char *const look[] = {"not asked",      "absent",       "found",              "kept from before", "DNS failed",
                                       "record invalid", "fetch failed", "certificate failed", "policy invalid"};
    static const char *const pin[] = {"not compared", "match", "mismatch"};
    static const char *const ocsp[] = {"none", "good", "revoked", "unknown", "invalid", "stale"};
    if (e->tlsa != TRUST_TLSA_UNASKED)
        buf_printf(out, "%stlsa: %s, %u records, %u usable\n", indent, pick(tlsa, 6, e->tlsa), e->tlsa_records, e->tlsa_usable);
    if (e->dane_checked)
        buf_printf(out, "%sdane: %s\n", indent, e->dane_matched ? trust_cert_fault_name((enum trust_cert_fault)e->dane_fault)
                                                                 : "no record matches");
    line(out, indent, "tlsa record", e->dane_record);
    line(out, indent, "dane detail", e->dane_detail);
    if (e->sts != TRUST_STS_NONE || e->sts_look > TRUST_STS_ABSENT)
        buf_printf(out, "%smta-sts: mode %s, host %s, look: %s\n", indent, pick(sts, 3, e->sts),
                   e->sts_match ? "named" : "not named", pick(look, 9, e->sts_look));
    if (e->pinned)
        buf_printf(out, "%spins: %s\n", indent, pick(pin, 3, e->pin));
    if (e->ocsp != TRUST_OCSP_NONE || e->must_staple)
        buf_printf(out, "%sstaple: %s%s\n", indent, pick(ocsp, 6, e->ocsp), e->must_staple ? ", demanded by the certificate" : "");
    if (e->minimum > TRUST_LEVEL_PKIX || e->shown > TRUST_LEVEL_NONE)
        buf_printf(out, "%sproof demanded: %s, shown before: %s\n", indent, trust_level_name((enum trust_level)e->minimum),
                   trust_level_name((enum trust_level)e->shown));
}

static void text_verdict(const struct trust_evidence *e, const char *indent, struct buf *out)
{
    buf_printf(out, "%sverdict: %s, %s, proof %s%s\n", indent, trust_action_name((enum trust_action)e->action),
               trust_reason_name(e->reason), trust_level_name((enum trust_level)e->level), e->attack ? ", a sign of attack" : "");
    buf_printf(out, "%swhy: %s\n", indent, trust_reason_clerk(e->reason));
    buf_printf(out, "%stechnically: %s\n", indent, trust_reason_engineer(e->reason));
    line(out, indent, "to mend", slice_str(trust_reason_mend(e->reason)));
}

static void text_domain(const struct trust_evidence *e, const char *indent, struct buf *out)
{
    char at[CLOCK_DATE_MAX];
    clock_rfc3339(e->judged_us, at);
    if (e->kind == TRUST_EVIDENCE_END) {
        buf_printf(out, "%sall hosts together at %s\n", indent, at);
    } else if (e->kind == TRUST_EVIDENCE_NEEDS) {
        buf_printf(out, "%sthe message on this host at %s\n", indent, at);
    } else {
        buf_printf(out, "%sthe domain at %s\n%sdns: %s %s (%s), %u hosts, %u without an address\n", indent, at, indent,
                   e->implicit ? "implicit MX" : "MX", trust_dns_name((enum trust_dns)e->domain_dns),
                   e->domain_secure ? "secure" : "insecure", e->hosts, e->dangling);
    }
    text_verdict(e, indent, out);
}

void trust_evidence_text(const struct trust_evidence *e, const char *indent, struct buf *out)
{
    if (e->kind != TRUST_EVIDENCE_TRY) {
        text_domain(e, indent, out);
        return;
    }
    text_where(e, indent, out);
    if (e->tls) {
        buf_printf(out, "%stls: %.*s %.*s %.*s%s\n", indent, (int)e->protocol.len, (const char *)e->protocol.data,
                   (int)e->suite.len, (const char *)e->suite.data, (int)e->group.len, (const char *)e->group.data,
                   e->resumed ? " (resumed)" : "");
    } else {
        buf_printf(out, "%stls: none%s\n", indent, e->starttls ? "" : ", STARTTLS not offered");
    }
    text_cert(e, indent, out);
    text_policy(e, indent, out);
    text_verdict(e, indent, out);
}
