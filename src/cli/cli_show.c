/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt with its evidence, as JSON and for people. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "cli/cli_replay.h"
#include "cli/cli_rows.h"
#include "trust/trust_evidence.h"
#include "trust/trust_reason.h"

#define EVIDENCE_MAX (2u * TRUST_EVIDENCE_SIZE_MAX)
#define TEXT_MAX 65536u
#define LABEL_WIDTH 13

static const char *outcome_name(uint8_t outcome)
{
    switch (outcome) {
    case MSG_OUT_DELIVERED: return "delivered";
    case MSG_OUT_LATER: return "later";
    case MSG_OUT_POSTED: return "posted";
    case MSG_OUT_RETURNED: return "returned";
    case MSG_OUT_REFUSED: return "refused";
    case MSG_OUT_HELD: return "held";
    default: return "?";
    }
}

static json_t *fingerprints(struct slice chain)
{
    json_t *list = json_array();
    struct buf hex;

    buf_init(&hex, 2 * DIGEST_SIZE);
    for (size_t at = 0; at + DIGEST_SIZE <= chain.len; at += DIGEST_SIZE) {
        buf_reset(&hex);
        (void)codec_hex(&hex, slice_sub(chain, at, DIGEST_SIZE));
        (void)json_array_append_new(list, cli_json_text(buf_slice(&hex)));
    }
    buf_free(&hex);
    return list;
}

static json_t *lines_of(struct slice text)
{
    json_t *list = json_array();

    for (size_t at = 0; at < text.len;) {
        size_t end = slice_find(text, at, '\n');
        (void)json_array_append_new(list, cli_json_text(slice_sub(text, at, end - at)));
        at = end + 1;
    }
    return list;
}

static void set_text(json_t *object, const char *key, struct slice text)
{
    (void)json_object_set_new(object, key, text.len == 0 ? json_null() : cli_json_text(text));
}

static void set_connection(json_t *object, const struct trust_evidence *e)
{
    set_text(object, "host", e->host);
    set_text(object, "address", e->address);
    (void)json_object_set_new(object, "port", json_integer(e->port));
    (void)json_object_set_new(object, "at", cli_json_time(e->at_us));
    (void)json_object_set_new(object, "mx", json_string(trust_dns_name((enum trust_dns)e->domain_dns)));
    (void)json_object_set_new(object, "mx_dnssec", json_string(e->domain_secure ? "secure" : "insecure"));
    (void)json_object_set_new(object, "implicit_mx", json_boolean(e->implicit));
    (void)json_object_set_new(object, "host_dns", json_string(trust_dns_name((enum trust_dns)e->host_dns)));
    (void)json_object_set_new(object, "host_dnssec", json_string(e->host_secure ? "secure" : "insecure"));
    (void)json_object_set_new(object, "connect", json_string(trust_connect_name((enum trust_connect)e->connect)));
    (void)json_object_set_new(object, "stage", json_string(smtp_client_stage_name((enum smtp_client_stage)e->stage)));
    (void)json_object_set_new(object, "fault", json_string(smtp_client_fault_name((enum smtp_client_fault)e->fault)));
    (void)json_object_set_new(object, "code", json_integer(e->code));
    set_text(object, "reply", e->reply);
    (void)json_object_set_new(object, "starttls", json_boolean(e->starttls));
}

static void set_proof(json_t *object, const struct trust_evidence *e)
{
    (void)json_object_set_new(object, "tls", json_boolean(e->tls));
    set_text(object, "protocol", e->protocol);
    set_text(object, "suite", e->suite);
    set_text(object, "group", e->group);
    (void)json_object_set_new(object, "bits", json_integer(e->bits));
    (void)json_object_set_new(object, "resumed", json_boolean(e->resumed));
    (void)json_object_set_new(object, "fingerprints", fingerprints(e->chain));
    (void)json_object_set_new(object, "valid_from", cli_json_time(e->valid_from_us));
    (void)json_object_set_new(object, "valid_until", cli_json_time(e->valid_until_us));
    set_text(object, "key", e->key);
    set_text(object, "signature", e->signature);
    (void)json_object_set_new(object, "names", lines_of(e->names));
    set_text(object, "name_checked", e->name_checked);
    set_text(object, "name_matched", e->name_matched);
    set_text(object, "issuer", e->issuer);
    set_text(object, "certificate_detail", e->cert_detail);
}

static void set_verdict(json_t *object, const struct trust_evidence *e)
{
    (void)json_object_set_new(object, "verdict", json_string(trust_action_name((enum trust_action)e->action)));
    (void)json_object_set_new(object, "reason", json_string(trust_reason_name(e->reason)));
    (void)json_object_set_new(object, "result_type", json_string(trust_reason_rfc8460(e->reason)));
    (void)json_object_set_new(object, "text", json_string(trust_reason_clerk(e->reason)));
    (void)json_object_set_new(object, "detail", json_string(trust_reason_engineer(e->reason)));
    (void)json_object_set_new(object, "mend", json_string(trust_reason_mend(e->reason)));
    (void)json_object_set_new(object, "anchor", json_string(trust_reason_anchor(e->reason)));
    (void)json_object_set_new(object, "level", json_string(trust_level_name((enum trust_level)e->level)));
    (void)json_object_set_new(object, "attack", json_boolean(e->attack));
}

static json_t *name_of(const char *const *names, size_t count, uint8_t at)
{
    return at < count ? json_string(names[at]) : json_null();
}

/* What the domain says of itself and what was demanded of it, and what came of both; names as in docs/formats-trust.md. */
static void set_policy(json_t *object, const struct trust_evidence *e)
{
    static const char *const tlsa[] = {"unasked", "none", "usable", "unusable", "failed", "bogus"};
    static const char *const sts[] = {"none", "testing", "enforce"};
    static const char *const profile[] = {"strict", "nist", "fips"};
    static const char *const pin[] = {"none", "match", "mismatch"};
    static const char *const ocsp[] = {"none", "good", "revoked", "unknown", "invalid", "stale"};

    (void)json_object_set_new(object, "minimum", json_string(trust_level_name((enum trust_level)e->minimum)));
    (void)json_object_set_new(object, "shown", json_string(trust_level_name((enum trust_level)e->shown)));
    (void)json_object_set_new(object, "profile", name_of(profile, 3, e->profile));
    (void)json_object_set_new(object, "tlsa", name_of(tlsa, 6, e->tlsa));
    set_text(object, "tlsa_base", e->dane_base);
    set_text(object, "tlsa_record", e->dane_record);
    (void)json_object_set_new(object, "dane", e->dane_checked ? json_boolean(e->dane_matched && e->dane_fault == TRUST_CERT_FINE) : json_null());
    (void)json_object_set_new(object, "sts", name_of(sts, 3, e->sts));
    (void)json_object_set_new(object, "sts_match", json_boolean(e->sts_match));
    (void)json_object_set_new(object, "pin", e->pinned ? name_of(pin, 3, e->pin) : json_null());
    (void)json_object_set_new(object, "ocsp", name_of(ocsp, 6, e->ocsp));
    (void)json_object_set_new(object, "must_staple", json_boolean(e->must_staple));
}

/* An entry of the record: a try, or how the attempt ended without one that serves. */
static json_t *entry_json(const struct trust_evidence *e)
{
    json_t *object = json_object();
    struct buf text;

    if (e->kind == TRUST_EVIDENCE_TRY) {
        set_connection(object, e);
        set_proof(object, e);
        set_policy(object, e);
    }
    set_verdict(object, e);
    buf_init(&text, TEXT_MAX);
    trust_evidence_text(e, "", &text);
    (void)json_object_set_new(object, "story", lines_of(buf_slice(&text)));
    buf_free(&text);
    return object;
}

/* Sets "hosts" (the tries) and "conclusion" (how it ended without one that serves, or null). */
static void set_evidence(json_t *object, struct slice record)
{
    struct trust_evidence_reader r;
    struct trust_evidence one;
    json_t *hosts = NULL;
    json_t *conclusion = json_null();

    if (trust_evidence_open(record, &r)) {
        hosts = json_array();
        while (trust_evidence_next(&r, &one)) {
            if (one.kind == TRUST_EVIDENCE_TRY) {
                (void)json_array_append_new(hosts, entry_json(&one));
            } else {
                json_decref(conclusion);
                conclusion = entry_json(&one);
            }
        }
    }
    (void)json_object_set_new(object, "hosts", hosts == NULL ? json_null() : hosts);
    (void)json_object_set_new(object, "conclusion", conclusion);
}

static json_t *reply_json(struct cli_opener *opener, struct slice row_header, const struct msg_attempt *attempt)
{
    struct buf plain;
    json_t *value = NULL;

    buf_init_secret(&plain, TEXT_MAX);
    if (cli_opener_field(opener, row_header, MAIL_FIELD_TEXT, attempt->index, attempt->text, &plain)) {
        value = cli_json_text(buf_slice(&plain));
    }
    buf_free(&plain);
    return value == NULL ? json_null() : value;
}

json_t *cli_show_attempt(struct cli_opener *opener, struct slice row_header, const struct msg_attempt *attempt, bool *differs)
{
    json_t *object = json_object();
    char id[ID_TEXT_SIZE];
    struct buf record;

    (void)json_object_set_new(object, "number", json_integer(attempt->number));
    (void)json_object_set_new(object, "at", cli_json_time(attempt->at_us));
    (void)json_object_set_new(object, "outcome", json_string(outcome_name(attempt->outcome)));
    (void)json_object_set_new(object, "reason", json_string(trust_reason_name(attempt->reason)));
    (void)json_object_set_new(object, "text", json_string(trust_reason_clerk(attempt->reason)));
    (void)json_object_set_new(object, "detail", json_string(trust_reason_engineer(attempt->reason)));
    (void)json_object_set_new(object, "proof", attempt->proof == TRUST_LEVEL_NONE
                                                   ? json_null()
                                                   : json_string(trust_level_name((enum trust_level)attempt->proof)));
    (void)json_object_set_new(object, "reply", reply_json(opener, row_header, attempt));
    buf_init_secret(&record, EVIDENCE_MAX);
    if (!id_is_zero(&attempt->evidence)) {
        id_text(&attempt->evidence, id);
        (void)json_object_set_new(object, "evidence", json_string(id));
        (void)cli_opener_field(opener, attempt->evidence_header, MAIL_FIELD_EVIDENCE, 0, attempt->evidence_sealed, &record);
        set_evidence(object, buf_slice(&record));
    }
    if (differs != NULL) {
        (void)json_object_set_new(object, "replay", cli_replay_record(buf_slice(&record), attempt->reason, attempt->proof, differs));
    }
    buf_free(&record);
    return object;
}

static void print_story(const json_t *entry)
{
    const json_t *line;
    size_t k;

    json_array_foreach(json_object_get(entry, "story"), k, line) {
        (void)printf("      ");
        cli_print_text(slice_str(json_string_value(line)));
        (void)printf("\n");
    }
}

static void print_line(const char *indent, const char *label, const json_t *value)
{
    const char *text = json_string_value(value);

    if (text != NULL && *text != '\0') {
        (void)printf("%s%-*s ", indent, LABEL_WIDTH, label);
        cli_print_text(slice_str(text));
        (void)printf("\n");
    }
}

void cli_print_attempt(const json_t *attempt)
{
    const json_t *host;
    size_t i;

    (void)printf("  attempt %lld\n", json_integer_value(json_object_get(attempt, "number")));
    print_line("    ", "time", json_object_get(attempt, "at"));
    print_line("    ", "outcome", json_object_get(attempt, "outcome"));
    print_line("    ", "why", json_object_get(attempt, "text"));
    print_line("    ", "detail", json_object_get(attempt, "detail"));
    print_line("    ", "proof", json_object_get(attempt, "proof"));
    print_line("    ", "reply", json_object_get(attempt, "reply"));
    json_array_foreach(json_object_get(attempt, "hosts"), i, host) {
        print_story(host);
    }
    print_story(json_object_get(attempt, "conclusion"));
    print_line("    ", "replay", json_object_get(json_object_get(attempt, "replay"), "result"));
}
