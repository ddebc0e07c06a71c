/* SPDX-License-Identifier: Apache-2.0 */
/* One paragraph for the domain, one for each host, one for the ends. */
#include "cli/explain_detail.h"

#include <arpa/inet.h>

#include "base/clock.h"
#include "base/codec.h"
#include "trust/trust_cert.h"

#define NAME_AT(names, i) ((size_t)(i) < sizeof(names) / sizeof(*(names)) ? (names)[i] : "?")

const char *explain_tlsa_name(enum trust_tlsa_state state)
{
    static const char *const names[] = {"unasked", "none", "usable", "unusable", "failed", "bogus"};
    return NAME_AT(names, state);
}

const char *explain_ocsp_name(enum trust_ocsp ocsp)
{
    static const char *const names[] = {"none", "good", "revoked", "unknown", "invalid", "stale"};
    return NAME_AT(names, ocsp);
}

const char *explain_sts_mode_name(enum trust_sts_mode mode)
{
    static const char *const names[] = {"none", "testing", "enforce"};
    return NAME_AT(names, mode);
}

const char *explain_sts_look_name(enum trust_sts_look look)
{
    static const char *const names[] = {"unasked",      "absent",         "found",        "kept",          "dns-failed",
                                        "record-invalid", "fetch-failed", "cert-failed", "policy-invalid"};
    return NAME_AT(names, look);
}

void explain_put_tlsa(struct buf *out, const struct msg_tlsa *record)
{
    (void)buf_printf(out, "%u %u %u ", record->usage, record->selector, record->matching);
    (void)codec_hex(out, slice_sub(record->data, 0, 64));
    if (record->data.len > 64) {
        (void)buf_append_str(out, "...");
    }
}

static void put_day(struct buf *out, int64_t utc_us)
{
    char text[CLOCK_DATE_MAX];

    clock_rfc3339(utc_us, text);
    (void)buf_append_str(out, text);
}

/* A list with LF between, already escaped or to be escaped, as one line. */
static void put_list(struct buf *out, struct slice lines, bool escape)
{
    for (size_t at = 0; at < lines.len;) {
        size_t end = slice_find(lines, at, '\n');
        struct slice one = slice_sub(lines, at, end - at);
        if (at > 0) {
            (void)buf_append_str(out, ", ");
        }
        (void)(escape ? codec_escape(out, one) : buf_append_slice(out, one));
        at = end + 1;
    }
}

/* --- the domain --- */

static void put_mx(const struct explain *explain, struct buf *out)
{
    const struct trust_domain *facts = &explain->facts;

    (void)buf_printf(out, "  domain      %s\n", explain->domain.ascii);
    if (explain->domain.kind != MAIL_DOMAIN_NAME) {
        (void)buf_append_str(out, "  MX          not asked: an address literal, which no certificate can prove\n");
        return;
    }
    (void)buf_printf(out, "  MX          %s, %s%s; %zu host%s", trust_dns_name(facts->mx),
                     facts->mx == TRUST_DNS_BOGUS ? "DNSSEC bogus"
                     : facts->secure              ? "DNSSEC secure"
                                                  : "DNSSEC insecure",
                     facts->implicit ? ", no MX record: the domain is its own host" : "", facts->hosts,
                     facts->hosts == 1 ? "" : "s");
    if (facts->dangling > 0) {
        (void)buf_printf(out, ", %zu without an address", facts->dangling);
    }
    if (explain->left_out > 0) {
        (void)buf_printf(out, ", %zu never reached", explain->left_out);
    }
    (void)buf_append_byte(out, '\n');
}

static void put_sts(const struct explain *explain, struct buf *out)
{
    const struct msg_policy *policy = &explain->policy;

    if (explain->domain.kind != MAIL_DOMAIN_NAME) {
        return;
    }
    (void)buf_printf(out, "  MTA-STS     %s", explain_sts_look_name(explain->facts.sts_look));
    if (explain->dossier.sts_detail.len > 0) {
        (void)buf_append_str(out, ": ");
        (void)codec_escape(out, explain->dossier.sts_detail);
    }
    (void)buf_append_byte(out, '\n');
    if (!explain->has_policy) {
        return;
    }
    (void)buf_printf(out, "              mode %s, id ", explain_sts_mode_name((enum trust_sts_mode)policy->mode));
    (void)codec_escape(out, policy->id);
    (void)buf_printf(out, ", max_age %u s\n              fetched ", policy->max_age_s);
    put_day(out, policy->fetched_us);
    (void)buf_printf(out, ", %lld s ago\n              mx ",
                     (long long)((explain->at_us - policy->fetched_us) / CLOCK_US_PER_S));
    put_list(out, policy->hosts, true);
    (void)buf_append_byte(out, '\n');
}

static void put_memory(const struct explain *explain, struct buf *out)
{
    const struct explain_known *known = &explain->known;

    (void)buf_append_str(out, "  shown before  ");
    if (!known->asked) {
        (void)buf_append_str(out, "unknown: sealpostd was not asked\n");
    } else if (known->level == TRUST_LEVEL_NONE) {
        (void)buf_append_str(out, "nothing\n");
    } else {
        (void)buf_printf(out, "%s, last at ", trust_level_name(known->level));
        put_day(out, known->at_us);
        (void)buf_append_byte(out, '\n');
    }
    (void)buf_printf(out, "  demanded    at least %s, profile %s", trust_level_name(explain->facts.minimum),
                     explain_profile_name(explain->demanded));
    if (explain->facts.pinned) {
        (void)buf_printf(out, ", %zu pin%s until ", explain->pins.count, explain->pins.count == 1 ? "" : "s");
        put_day(out, explain->pins_until);
    }
    (void)buf_append_byte(out, '\n');
}

/* --- a host --- */

static void put_records(const struct explain *explain, const struct explain_host *host, struct buf *out)
{
    struct wire_reader r = wire_reader_of(host->tlsa_records);
    struct msg_tlsa record;

    (void)buf_printf(out, "    TLSA      %s", host->tlsa == TRUST_TLSA_USABLE ? "records" : explain_tlsa_name(host->tlsa));
    if (host->tlsa_base != NULL && host->tlsa_records.len > 0) {
        (void)buf_printf(out, " of _%u._tcp.", explain->port);
        (void)codec_escape(out, slice_str(host->tlsa_base));
    }
    (void)buf_append_byte(out, '\n');
    while (layout_next(&msg_tlsa_layout, &r, &record)) {
        (void)buf_append_str(out, "              ");
        explain_put_tlsa(out, &record);
        (void)buf_append_byte(out, '\n');
    }
}

static void put_cert(const struct trust_cert *cert, struct buf *out)
{
    if (!cert->checked) {
        return;
    }
    (void)buf_printf(out, "      certificate  %s, key %s, signed with %s\n        names ", trust_cert_fault_name(cert->fault),
                     cert->key == NULL ? "?" : cert->key, cert->signature == NULL ? "?" : cert->signature);
    put_list(out, slice_str(cert->names), false);
    if (cert->matched_name != NULL) {
        (void)buf_printf(out, "; matches %s", cert->matched_name);
    }
    if (cert->issuer != NULL) {
        (void)buf_printf(out, "\n        issuer %s", cert->issuer);
    }
    if (cert->chain_count > 0) {
        (void)buf_append_str(out, "\n        valid from ");
        put_day(out, cert->from_us);
        (void)buf_append_str(out, " until ");
        put_day(out, cert->until_us);
        (void)buf_append_str(out, "\n        SHA-256 ");
        (void)codec_hex(out, slice_of(cert->chain[0].b, DIGEST_SIZE));
        (void)buf_printf(out, ", %zu certificate%s sent", cert->chain_count, cert->chain_count == 1 ? "" : "s");
    }
    (void)buf_printf(out, "\n        OCSP staple %s%s\n", explain_ocsp_name(cert->ocsp), cert->must_staple ? ", must-staple" : "");
    if (cert->detail != NULL) {
        (void)buf_printf(out, "        %s\n", cert->detail);
    }
}

static void put_dane(const struct trust_dane *dane, struct buf *out)
{
    if (!dane->checked) {
        return;
    }
    (void)buf_printf(out, "      DANE    %zu of %zu records usable, %s", dane->usable, dane->records,
                     !dane->matched                       ? "none matches"
                     : dane->fault == TRUST_CERT_FINE ? "proved by "
                                                          : "matched, but not proved by ");
    (void)buf_append_str(out, dane->matched && dane->record != NULL ? dane->record : "");
    if (dane->detail != NULL) {
        (void)buf_printf(out, " (%s)", dane->detail);
    }
    (void)buf_append_byte(out, '\n');
}

static void put_talk(const struct trust_session *facts, struct buf *out)
{
    const struct smtp_client_caps *caps = &facts->caps;

    (void)buf_printf(out, "      SMTP    %s", trust_connect_name(facts->connect));
    if (facts->connect == TRUST_CONNECT_OK) {
        (void)buf_printf(out, ", STARTTLS %s", facts->starttls ? "offered" : "not offered");
    }
    if (facts->fault != SMTP_FAULT_NONE) {
        (void)buf_printf(out, "; ended at %s: %s", smtp_client_stage_name(facts->stage), smtp_client_fault_name(facts->fault));
    }
    if (facts->reply != NULL) {
        (void)buf_printf(out, " \"%s\"", facts->reply);
    }
    (void)buf_append_byte(out, '\n');
    if (facts->tls.established) {
        (void)buf_printf(out, "      TLS     %s %s %s\n", facts->tls.protocol_name, facts->tls.suite,
                         facts->tls.group == NULL ? "" : facts->tls.group);
    }
    if (facts->ready) {
        (void)buf_printf(out, "      offers  %s%s%s%s%sSIZE %llu\n", caps->utf8 ? "SMTPUTF8 " : "", caps->eight_bit ? "8BITMIME " : "",
                         caps->require_tls ? "REQUIRETLS " : "", caps->dsn ? "DSN " : "", caps->chunking ? "CHUNKING " : "",
                         (unsigned long long)caps->size_max);
    }
}

static void put_verdict(const struct trust_verdict *verdict, struct buf *out)
{
    (void)buf_printf(out, "%s", trust_action_name(verdict->action));
    if (verdict->action == TRUST_SEND) {
        (void)buf_printf(out, ", %s", trust_level_name(verdict->level));
    } else {
        (void)buf_printf(out, ", %s: %s", trust_reason_name((uint16_t)verdict->reason),
                         trust_reason_engineer((uint16_t)verdict->reason));
    }
    (void)buf_append_str(out, verdict->attack ? " [sign of attack]\n" : "\n");
}

/* An address: what was seen under the demanded profile, and the verdicts under all. */
static void put_try(const struct explain *explain, const struct explain_host *host, size_t a, struct buf *out)
{
    const struct explain_try *try = &host->tries[explain->demanded][a];
    const struct trust_session *facts = &try->facts;

    if (facts->address != NULL) {
        (void)buf_printf(out, "    %s port %u%s\n", facts->address, facts->port,
                         try->reached ? "" : ", which no courier would come to: too many before it");
    }
    put_talk(facts, out);
    put_cert(&facts->cert, out);
    put_dane(&facts->dane, out);
    for (size_t p = 0; p < EXPLAIN_PROFILES; p++) {
        const struct explain_try *other = &host->tries[p][a];
        if (other->judged) {
            (void)buf_printf(out, "      %-7s ", explain_profile_name((enum trust_profile)p));
            put_verdict(&other->verdict, out);
        }
        if (other->judged && other->probe != try->probe && other->facts.tls.established) {
            (void)buf_printf(out, "              over %s %s %s\n", other->facts.tls.protocol_name, other->facts.tls.suite,
                             other->facts.tls.group == NULL ? "" : other->facts.tls.group);
        }
    }
}

static void put_host(const struct explain *explain, const struct explain_host *host, struct buf *out)
{
    (void)buf_printf(out, "\n  host %u ", host->preference);
    (void)codec_escape(out, slice_str(host->name));
    if (host->canonical != NULL) {
        (void)buf_append_str(out, ", alias of ");
        (void)codec_escape(out, slice_str(host->canonical));
    }
    (void)buf_printf(out, "\n    addresses %s, %s; %zu, %zu looked at\n", trust_dns_name(host->dns),
                     host->secure ? "DNSSEC secure" : "DNSSEC insecure", host->offered, host->count);
    put_records(explain, host, out);
    if (explain->has_policy) {
        (void)buf_printf(out, "    MTA-STS   the policy %s this host\n",
                         host->tries[explain->demanded][0].facts.sts_match ? "names" : "does not name");
    }
    for (size_t a = 0; a == 0 || a < host->count; a++) {
        put_try(explain, host, a, out);
    }
}

void explain_detail(const struct explain *explain, struct buf *out)
{
    put_mx(explain, out);
    put_sts(explain, out);
    put_memory(explain, out);
    for (size_t h = 0; h < explain->count; h++) {
        put_host(explain, &explain->host[h], out);
    }
    (void)buf_append_byte(out, '\n');
    for (size_t p = 0; p < EXPLAIN_PROFILES; p++) {
        const struct explain_fate *fate = &explain->fate[p];
        if (fate->judged) {
            (void)buf_printf(out, "  end, %-7s ", explain_profile_name((enum trust_profile)p));
            put_verdict(&fate->verdict, out);
            (void)buf_printf(out, "              see %s\n", trust_reason_anchor((uint16_t)fate->verdict.reason));
        }
    }
}
