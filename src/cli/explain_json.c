/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each object. */
#include "cli/explain_json.h"

#include "base/codec.h"
#include "cli/cli.h"
#include "cli/explain_detail.h"
#include "cli/explain_mend.h"
#include "cli/explain_text.h"
#include "trust/trust_cert.h"
#include "trust/trust_json.h"

static void put(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

static void put_text(json_t *object, const char *name, const char *text)
{
    put(object, name, text == NULL ? json_null() : cli_json_text(slice_str(text)));
}

static json_t *verdict_json(const struct trust_verdict *verdict)
{
    json_t *object = json_object();

    put_text(object, "action", trust_action_name(verdict->action));
    put_text(object, "reason", trust_reason_name((uint16_t)verdict->reason));
    put_text(object, "level", trust_level_name(verdict->action == TRUST_SEND ? verdict->level : TRUST_LEVEL_NONE));
    put(object, "attack", json_boolean(verdict->attack));
    put_text(object, "clerk", trust_reason_clerk((uint16_t)verdict->reason));
    put_text(object, "engineer", trust_reason_engineer((uint16_t)verdict->reason));
    put_text(object, "documentation", trust_reason_anchor((uint16_t)verdict->reason));
    return object;
}

static json_t *cert_json(const struct trust_cert *cert)
{
    json_t *object = json_object();
    struct buf hex;

    put_text(object, "fault", trust_cert_fault_name(cert->fault));
    put_text(object, "detail", cert->detail);
    put(object, "names", cli_json_lines(slice_str(cert->names)));
    put_text(object, "matched_name", cert->matched_name);
    put_text(object, "issuer", cert->issuer);
    put(object, "from", cli_json_time(cert->from_us));
    put(object, "until", cli_json_time(cert->until_us));
    put_text(object, "key", cert->key);
    put_text(object, "signature", cert->signature);
    put(object, "sent", json_integer((json_int_t)cert->chain_count));
    put_text(object, "ocsp", explain_ocsp_name(cert->ocsp));
    put(object, "must_staple", json_boolean(cert->must_staple));
    buf_init(&hex, 2 * DIGEST_SIZE);
    (void)codec_hex(&hex, slice_of(cert->chain[0].b, cert->chain_count > 0 ? DIGEST_SIZE : 0));
    put(object, "sha256", cli_json_text(buf_slice(&hex)));
    buf_free(&hex);
    return object;
}

static json_t *dane_json(const struct trust_dane *dane)
{
    json_t *object = json_object();

    put(object, "records", json_integer((json_int_t)dane->records));
    put(object, "usable", json_integer((json_int_t)dane->usable));
    put(object, "matched", json_boolean(dane->matched));
    put_text(object, "record", dane->record);
    put_text(object, "fault", trust_cert_fault_name(dane->fault));
    put_text(object, "detail", dane->detail);
    return object;
}

static json_t *tls_json(const struct trust_tls *tls)
{
    json_t *object = json_object();

    put_text(object, "protocol", tls->protocol_name);
    put_text(object, "suite", tls->suite);
    put_text(object, "group", tls->group);
    return object;
}

static void put_seen(json_t *object, const struct trust_session *facts)
{
    put_text(object, "address", facts->address);
    put(object, "port", json_integer(facts->port));
    put_text(object, "connect", trust_connect_name(facts->connect));
    put(object, "starttls", json_boolean(facts->starttls));
    put_text(object, "stage", facts->fault == SMTP_FAULT_NONE ? NULL : smtp_client_stage_name(facts->stage));
    put_text(object, "fault", facts->fault == SMTP_FAULT_NONE ? NULL : smtp_client_fault_name(facts->fault));
    put_text(object, "reply", facts->reply);
    put(object, "tls", facts->tls.established ? tls_json(&facts->tls) : json_null());
    put(object, "certificate", facts->cert.checked ? cert_json(&facts->cert) : json_null());
    put(object, "dane", facts->dane.checked ? dane_json(&facts->dane) : json_null());
    put(object, "smtputf8", json_boolean(facts->caps.utf8));
    put(object, "requiretls", json_boolean(facts->caps.require_tls));
}

/* An address: what was seen under the demanded profile, the verdicts under all. */
static json_t *try_json(const struct explain *explain, const struct explain_host *host, size_t a)
{
    json_t *object = json_object();
    json_t *verdicts = json_object();

    put_seen(object, &host->tries[explain->demanded][a].facts);
    for (size_t p = 0; p < EXPLAIN_PROFILES; p++) {
        if (host->tries[p][a].judged) {
            put(verdicts, explain_profile_name((enum trust_profile)p), verdict_json(&host->tries[p][a].verdict));
        }
    }
    put(object, "verdicts", verdicts);
    return object;
}

static json_t *records_json(const struct explain_host *host)
{
    struct wire_reader r = wire_reader_of(host->tlsa_records);
    json_t *list = json_array();
    struct msg_tlsa record;

    while (layout_next(&msg_tlsa_layout, &r, &record)) {
        struct buf text;
        buf_init(&text, 256);
        explain_put_tlsa(&text, &record);
        (void)json_array_append_new(list, cli_json_text(buf_slice(&text)));
        buf_free(&text);
    }
    return list;
}

static json_t *host_json(const struct explain *explain, const struct explain_host *host)
{
    json_t *object = json_object();
    json_t *tries = json_array();

    put_text(object, "host", host->name);
    put(object, "preference", json_integer(host->preference));
    put_text(object, "alias_of", host->canonical);
    put_text(object, "dns", trust_dns_name(host->dns));
    put(object, "dnssec", json_boolean(host->secure));
    put_text(object, "tlsa", explain_tlsa_name(host->tlsa));
    put(object, "tlsa_records", records_json(host));
    put(object, "named_by_policy", explain->has_policy ? json_boolean(host->tries[explain->demanded][0].facts.sts_match) : json_null());
    for (size_t a = 0; a == 0 || a < host->count; a++) {
        (void)json_array_append_new(tries, try_json(explain, host, a));
    }
    put(object, "addresses", tries);
    return object;
}

static json_t *sts_json(const struct explain *explain)
{
    json_t *object = json_object();

    put_text(object, "look", explain_sts_look_name(explain->facts.sts_look));
    put(object, "detail", cli_json_text(explain->dossier.sts_detail));
    if (explain->has_policy) {
        const struct msg_policy *policy = &explain->policy;
        put_text(object, "mode", explain_sts_mode_name((enum trust_sts_mode)policy->mode));
        put(object, "id", cli_json_text(policy->id));
        put(object, "fetched", cli_json_time(policy->fetched_us));
        put(object, "max_age", json_integer(policy->max_age_s));
        put(object, "mx", cli_json_lines(policy->hosts));
    }
    return object;
}

static json_t *mends_json(const struct explain *explain)
{
    json_t *list = json_array();
    struct explain_mends mends;

    explain_mends_of(explain, &mends);
    for (size_t i = 0; i < mends.count; i++) {
        json_t *object = json_object();
        put_text(object, "reason", trust_reason_name(mends.item[i].reason));
        put_text(object, "host", mends.item[i].host);
        put_text(object, "mend", mends.item[i].words);
        put(object, "detail", cli_json_text(mends.item[i].detail));
        put_text(object, "documentation", mends.item[i].anchor);
        (void)json_array_append_new(list, object);
    }
    return list;
}

static json_t *memory_json(const struct explain_known *known)
{
    json_t *object;

    if (!known->asked) {
        return json_null();
    }
    object = json_object();
    put_text(object, "level", trust_level_name(known->level));
    put(object, "at", cli_json_time(known->at_us));
    return object;
}

static void put_domain(json_t *object, const struct explain *explain)
{
    put(object, "version", json_integer(EXPLAIN_JSON_VERSION));
    put_text(object, "domain", explain->domain.ascii);
    put_text(object, "written", explain->domain.text);
    put(object, "at", cli_json_time(explain->at_us));
    put_text(object, "mx", trust_dns_name(explain->facts.mx));
    put(object, "dnssec", json_boolean(explain->facts.secure));
    put(object, "implicit", json_boolean(explain->facts.implicit));
    put(object, "hosts_never_reached", json_integer((json_int_t)explain->left_out));
    put(object, "mta_sts", sts_json(explain));
    put(object, "shown_before", memory_json(&explain->known));
    put_text(object, "minimum", trust_level_name(explain->facts.minimum));
    put_text(object, "profile", explain_profile_name(explain->demanded));
    put(object, "pinned", json_boolean(explain->facts.pinned));
}

/* The facts as a document that can be judged again. */
static json_t *evidence_json(const struct explain *explain)
{
    struct trust_attempt attempt;
    struct buf text;
    json_t *value;

    buf_init(&text, TRUST_JSON_MAX);
    explain_attempt(explain, explain->demanded, &attempt);
    trust_json_write(&attempt, &text);
    explain_attempt_free(&attempt);
    value = buf_ok(&text) ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
    buf_free(&text);
    return value == NULL ? json_null() : value;
}

json_t *explain_json(const struct explain *explain)
{
    const struct explain_fate *fate = explain_end(explain);
    json_t *object = json_object();
    json_t *hosts = json_array();
    json_t *ends = json_object();
    struct buf clerk;

    buf_init(&clerk, EXPLAIN_TEXT_MAX);
    explain_text_clerk(explain, &clerk);
    put_domain(object, explain);
    for (size_t h = 0; h < explain->count; h++) {
        (void)json_array_append_new(hosts, host_json(explain, &explain->host[h]));
    }
    put(object, "hosts", hosts);
    for (size_t p = 0; p < EXPLAIN_PROFILES; p++) {
        if (explain->fate[p].judged) {
            put(ends, explain_profile_name((enum trust_profile)p), verdict_json(&explain->fate[p].verdict));
        }
    }
    put(object, "verdicts", ends);
    put_text(object, "end", explain_end_name(fate));
    put(object, "verdict", verdict_json(&fate->verdict));
    put(object, "clerk", cli_json_lines(buf_slice(&clerk)));
    put(object, "mend", mends_json(explain));
    put(object, "evidence", evidence_json(explain));
    buf_free(&clerk);
    return object;
}
