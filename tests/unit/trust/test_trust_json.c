/* SPDX-License-Identifier: Apache-2.0 */
/* Facts and verdicts as JSON: they come back as they went, what is not as described is refused, page, schema and code name
 * the same members, and an attempt is judged as docs/formats-trust.md says. */
#include "unit.h"

#include <jansson.h>

#include "base/mem.h"
#include "facts_make.h"
#include "trust/trust_json.h"
#include "trust/trust_replay.h"

#define NOW FACTS_NOW

/* Judges a document; the result as text, to be freed. Quotes are written as ' in the document. */
static char *judged(const char *document)
{
    struct trust_attempt attempt;
    struct trust_attempt_end end;
    struct err err = {{0}};
    struct buf out;
    char *text = mem_strdup(document);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    buf_init(&out, TRUST_JSON_MAX);
    if (!trust_json_read(slice_str(text), &attempt, &err))
        fail_msg("%s: %s", text, err.text);
    trust_attempt_judge(&attempt, &end);
    trust_json_write_end(&end, &out);
    trust_attempt_free(&attempt);
    mem_free(text);
    text = mem_strdup(buf_cstr(&out));
    buf_free(&out);
    return text;
}

/* The verdict of the attempt is this one. */
static void expect(const char *document, const char *action, const char *reason, bool attack)
{
    char *text = judged(document);
    json_t *root = json_loads(text, 0, NULL);
    const json_t *verdict = json_object_get(root, "verdict");
    assert_string_equal(json_string_value(json_object_get(verdict, "reason")), reason);
    assert_string_equal(json_string_value(json_object_get(verdict, "action")), action);
    assert_int_equal(json_is_true(json_object_get(verdict, "attack")), attack);
    json_decref(root);
    mem_free(text);
}

#define GOOD "'connect':'ok','ready':true,'tls':{'established':true,'protocol':772,'bits':256,'aead':true,'ephemeral':true}," \
             "'cert':{'checked':true,'until_us':9}"

static void test_defaults(void **state)
{
    (void)state;
    char *text = judged("{'version':2}");
    assert_string_equal(text, "{\"version\":2,\"hosts\":[],\"verdict\":{\"action\":\"later\",\"reason\":\"dns-failed\","
                              "\"level\":\"none\",\"attack\":false}}");
    mem_free(text);
    text = judged("{'version':2,'hosts':[{" GOOD "}],'notice':{}}");
    assert_string_equal(text, "{\"version\":2,\"hosts\":[{\"action\":\"send\",\"reason\":\"proved\",\"level\":\"pkix\",\"attack\":false,"
                              "\"channel\":\"proved\"}],\"verdict\":{\"action\":\"send\",\"reason\":\"proved\",\"level\":\"pkix\","
                              "\"attack\":false}}");
    mem_free(text);
}

static void test_an_attempt_is_judged_as_the_page_says(void **state)
{
    (void)state;
    /* the domain's own verdict makes hosts not matter */
    expect("{'version':2,'domain':{'mx':'null-mx'},'hosts':[{" GOOD "}]}", "return", "null-mx", false);
    expect("{'version':2,'domain':{'hosts':2,'dangling':2},'must_end':true}", "return", "dangling-mx", false);
    expect("{'version':2,'domain':{'mx':'bogus'},'must_end':true}", "post", "dns-bogus", true);
    /* the first SEND wins, and takes away marks of others */
    expect("{'version':2,'hosts':[{'dns':'bogus'},{" GOOD "},{'dns':'bogus'}]}", "send", "proved", false);
    expect("{'version':2,'hosts':[{'dns':'bogus'},{'connect':'private'}]}", "later", "dns-bogus", true);
    expect("{'version':2,'hosts':[{'connect':'private'},{'connect':'ok'}],'domain':{'sts':'enforce'}}", "post", "sts-host-mismatch", true);
    expect("{'version':2,'hosts':[{" GOOD "},{" GOOD ",'caps':{'utf8':true}}],'needs':{'utf8':true}}", "post", "no-smtputf8", false);
    /* needs, answer, REQUIRETLS */
    expect("{'version':2,'hosts':[{" GOOD "}],'needs':{'utf8':true}}", "post", "no-smtputf8", false);
    expect("{'version':2,'hosts':[{" GOOD ",'caps':{'require_tls':true}}],'needs':{'require_tls':true}}", "post", "proof-below-minimum", false);
    expect("{'version':2,'hosts':[{" GOOD ",'sts_match':true}],'domain':{'sts':'enforce'},'needs':{'require_tls':true}}", "post",
           "no-requiretls", false);
    expect("{'version':2,'hosts':[{" GOOD "}],'answer':{'stage':'final'}}", "send", "delivered", false);
    expect("{'version':2,'hosts':[{" GOOD "}],'answer':{'stage':'rcpt','fault':'reply','code':550,'enhanced':'5.1.1'}}", "return", "server-5xx", false);
    expect("{'version':2,'hosts':[{" GOOD "}],'answer':{'stage':'rcpt','fault':'reply','code':552,'enhanced':'5.2.3'}}", "post", "too-big", false);
    expect("{'version':2,'hosts':[{" GOOD "}],'answer':{'fault':'local'},'must_end':true}", "return", "local-failure", false);
    /* neighbours of one name are one host; names apart, or none, are several */
    expect("{'version':2,'hosts':[{'host':'a','connect':'refused'},{'host':'a','connect':'private'}]}", "post", "private-address", false);
    expect("{'version':2,'hosts':[{'host':'a','connect':'refused'},{'host':'b','connect':'private'}]}", "later", "connection-refused", false);
    expect("{'version':2,'hosts':[{'connect':'refused'},{'connect':'private'}]}", "later", "connection-refused", false);
    expect("{'version':2,'hosts':[{'host':'a','dns':'servfail'},{'host':'a','connect':'private'}]}", "later", "dns-failed", false);
    /* what does not count, and a time of its own */
    expect("{'version':2,'hosts':[{'dns':'bogus','counted':false},{'connect':'private'}]}", "post", "private-address", false);
    expect("{'version':2,'now_us':5,'hosts':[{'now_us':10," GOOD "}]}", "post", "certificate-expired", false);
    /* memory */
    expect("{'version':2,'hosts':[{'connect':'ok'}],'domain':{'shown':'pkix'},'must_end':true}", "post", "proof-fell", true);
}

/* Which channel a notice may take, by the same documents. */
static void test_channels(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *domain;
        const char *notice;
        const char *channel;
    } rows[] = {
        {"'connect':'ok'", "", "", "clear"},
        {"'connect':'ok'", "'shown':'pkix'", "", "none"},
        {"'connect':'ok'", "'sts':'enforce'", "", "none"},
        {"'connect':'ok'", "", "'attack':true", "none"},
        {"'connect':'ok','sts_match':true", "'sts':'enforce'", "", "none"},
        {"'connect':'ok','sts_match':true", "'sts':'testing'", "", "clear"},
        {"'connect':'ok','dane':{'tlsa':'usable'}", "'secure':true", "", "none"},
        {"'connect':'ok','dane':{'tlsa':'usable'}", "", "", "clear"},
        {"'connect':'ok','dane':{'tlsa':'failed'}", "'secure':true", "", "none"},
        {"'connect':'ok','dns':'servfail'", "", "", "none"},
        {"'connect':'ok','stage':'starttls','fault':'reply','code':500", "", "", "retry"},
        {"'connect':'ok','stage':'starttls','fault':'reply','code':499", "", "", "none"},
        {"'connect':'ok','sts_match':true,'stage':'starttls','fault':'reply','code':500", "'sts':'enforce'", "", "none"},
        {GOOD, "'minimum':'dane'", "", "proved"},
        {GOOD, "'shown':'dane'", "", "none"},
        {"'connect':'ok','stage':'handshake','fault':'tls'", "", "", "retry"},
        {"'connect':'ok','stage':'handshake','fault':'tls'", "", "'clear':true", "none"},
        {"'connect':'ok','ready':true,'tls':{'established':true,'protocol':771}", "", "", "tls"},
        {"'connect':'ok','ready':true,'tls':{'established':true,'protocol':770}", "", "", "none"},
        {"'connect':'ok','ready':false,'tls':{'established':true,'protocol':771}", "", "", "none"},
        {"'connect':'ok','ready':true,'tls':{'established':true,'protocol':771,'bits':128,'aead':true,'ephemeral':true},'cert':{'checked':true}",
         "'pinned':true", "", "none"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char document[512], wanted[64];
        (void)snprintf(document, sizeof(document), "{'version':2,'domain':{%s},'hosts':[{%s}],'notice':{%s}}", rows[i].domain,
                       rows[i].host, rows[i].notice);
        (void)snprintf(wanted, sizeof(wanted), "\"channel\":\"%s\"", rows[i].channel);
        char *text = judged(document);
        if (strstr(text, wanted) == NULL)
            fail_msg("%s gives %s", document, text);
        mem_free(text);
    }
}

static void test_what_is_not_as_described_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "[]", "{}", "{'version':1}", "{'version':3}", "{'version':2.0}", "{'version':'2'}", "{'version':2,'version':2}", "{'version':2}x",
        "{'version':2,'more':1}", "{'version':2,'now_us':1.5}", "{'version':2,'now_us':'1'}", "{'version':2,'now_us':9223372036854775808}",
        "{'version':2,'must_end':1}", "{'version':2,'must_end':null}", "{'version':2,'domain':[]}", "{'version':2,'domain':{'mx':'OK'}}",
        "{'version':2,'domain':{'mx':0}}", "{'version':2,'domain':{'hosts':-1}}", "{'version':2,'domain':{'hosts':65536}}",
        "{'version':2,'domain':{'mx':'ok','mx':'ok'}}", "{'version':2,'domain':{'minimum':'all'}}", "{'version':2,'domain':{'colour':1}}",
        "{'version':2,'hosts':{}}", "{'version':2,'hosts':[1]}", "{'version':2,'hosts':[{'code':1000}]}", "{'version':2,'hosts':[{'tls':1}]}",
        "{'version':2,'hosts':[{'tls':{'suite':1}}]}", "{'version':2,'hosts':[{'tls':{'protocol':65536}}]}", "{'version':2,'hosts':[{'counted':1}]}",
        "{'version':2,'hosts':[{'enhanced':'5.7'}]}", "{'version':2,'hosts':[{'enhanced':'3.1.1'}]}", "{'version':2,'hosts':[{'enhanced':'5.1.1.1'}]}",
        "{'version':2,'hosts':[{'enhanced':5}]}", "{'version':2,'hosts':[{'cert':{'chain':['00']}}]}", "{'version':2,'hosts':[{'cert':{'names':'a'}}]}",
        "{'version':2,'hosts':[{'cert':{'fault':'bad'}}]}", "{'version':2,'hosts':[{'now_us':'1'}]}", "{'version':2,'hosts':[{'dane':{'tlsa':'yes'}}]}",
        "{'version':2,'hosts':[{'caps':{'size_max':-1}}]}", "{'version':2,'needs':{'size':-1}}", "{'version':2,'answer':{'stage':'end'}}",
        "{'version':2,'answer':1}", "{'version':2,'notice':{'clear':'no'}}", "{'version':2,'notice':[]}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct trust_attempt attempt;
        struct err err = {{0}};
        char *text = mem_strdup(bad[i]);
        for (char *at = text; *at != '\0'; at++)
            *at = *at == '\'' ? '"' : *at;
        if (trust_json_read(slice_str(text), &attempt, &err))
            fail_msg("%s was read", text);
        assert_true(strlen(err.text) > 5);
        mem_free(text);
    }
}

static void test_too_many_or_too_long(void **state)
{
    (void)state;
    struct trust_attempt attempt;
    struct err err = {{0}};
    struct buf text;
    for (unsigned count = 64; count <= 65; count++) {
        buf_init(&text, TRUST_JSON_MAX);
        (void)buf_append_str(&text, "{\"version\":2,\"hosts\":[");
        for (unsigned i = 0; i < count; i++)
            (void)buf_append_str(&text, i == 0 ? "{}" : ",{}");
        (void)buf_append_str(&text, "]}");
        bool ok = trust_json_read(buf_slice(&text), &attempt, &err);
        assert_int_equal(ok, count == 64);
        if (ok)
            trust_attempt_free(&attempt);
        buf_free(&text);
    }
    for (int len = 255; len <= 256; len++) {
        buf_init(&text, TRUST_JSON_MAX);
        (void)buf_printf(&text, "{\"version\":2,\"hosts\":[{\"host\":\"%0*d\"}]}", len, 1);
        bool ok = trust_json_read(buf_slice(&text), &attempt, &err);
        assert_int_equal(ok, len == 255);
        if (ok)
            trust_attempt_free(&attempt);
        buf_free(&text);
    }
}

/* Fills in what is only told, so that nothing is lost on the way. */
static void tell(struct facts_random *r, struct trust_try *try)
{
    struct trust_session *s = &try->facts;
    s->host = mem_strdup("mx.example");
    s->address = mem_strdup("192.0.2.1");
    s->reply = mem_strdup("550 no \\x22here\\x22");
    s->port = 25;
    s->at_us = (int64_t)facts_pick(r, 1000);
    s->enhanced = (struct smtp_enhanced){5, 7, (uint16_t)facts_pick(r, 100)};
    s->cert.detail = mem_strdup("a \"detail\"");
    s->cert.names = mem_strdup("a.example\n*.example");
    s->cert.issuer = mem_strdup("CN=x");
    s->cert.chain_count = facts_pick(r, TRUST_CHAIN_MAX + 1);
    s->cert.path_count = facts_pick(r, TRUST_CHAIN_MAX + 1);
    for (size_t i = 0; i < TRUST_CHAIN_MAX; i++)
        s->cert.chain[i].b[i] = s->cert.spki[i].b[31 - i] = (uint8_t)facts_pick(r, 256);
    s->dane.record = mem_strdup("3 1 1 00");
    s->dane.records = facts_pick(r, 30);
    s->dane.path_count = facts_pick(r, TRUST_CHAIN_MAX + 1);
    try->now_us = facts_often(r, 1, 2) ? NOW : NOW + 1;
    try->counted = facts_often(r, 1, 2);
}

static void test_facts_and_verdicts_come_back(void **state)
{
    (void)state;
    struct facts_random r = {99};
    for (unsigned round = 0; round < 2000; round++) {
        struct trust_attempt attempt, back;
        struct trust_attempt_end end, end_back;
        struct err err = {{0}};
        struct buf first, second;
        buf_init(&first, TRUST_JSON_MAX);
        buf_init(&second, TRUST_JSON_MAX);
        trust_attempt_init(&attempt, facts_pick(&r, 4));
        attempt.now_us = NOW;
        attempt.domain = facts_random_domain(&r);
        attempt.needs.size = facts_pick(&r, 1000);
        attempt.has_answer = facts_often(&r, 1, 2);
        attempt.answer = (struct trust_answer){SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 550, {5, 1, 1}};
        attempt.has_notice = facts_often(&r, 1, 2);
        attempt.must_end = facts_often(&r, 1, 2);
        for (size_t i = 0; i < attempt.count; i++) {
            attempt.tries[i].facts = facts_random_session(&r);
            tell(&r, &attempt.tries[i]);
        }
        trust_json_write(&attempt, &first);
        assert_true(trust_json_read(buf_slice(&first), &back, &err));
        trust_json_write(&back, &second);
        assert_string_equal(buf_cstr(&first), buf_cstr(&second));
        trust_attempt_judge(&attempt, &end);
        buf_reset(&first);
        trust_json_write_end(&end, &first);
        trust_attempt_judge(&back, &end_back);
        buf_reset(&second);
        trust_json_write_end(&end_back, &second);
        assert_string_equal(buf_cstr(&first), buf_cstr(&second));
        assert_true(trust_json_read_end(buf_slice(&first), &end_back, &err));
        buf_reset(&second);
        trust_json_write_end(&end_back, &second);
        assert_string_equal(buf_cstr(&first), buf_cstr(&second));
        trust_attempt_free(&attempt);
        trust_attempt_free(&back);
        buf_free(&first);
        buf_free(&second);
    }
}

/* Evidence keeps every fact that a document has, those that are only told with them (but the enhanced status). */
static void test_evidence_keeps_every_fact(void **state)
{
    (void)state;
    struct facts_random r = {7};
    for (unsigned round = 0; round < 2000; round++) {
        struct trust_attempt attempt, back;
        struct buf record, first, second;
        buf_init(&record, TRUST_EVIDENCE_SIZE_MAX);
        buf_init(&first, TRUST_JSON_MAX);
        buf_init(&second, TRUST_JSON_MAX);
        trust_attempt_init(&attempt, 1);
        struct trust_try *try = attempt.tries;
        attempt.domain = facts_random_domain(&r);
        try->facts = facts_random_session(&r);
        tell(&r, try);
        try->facts.enhanced = (struct smtp_enhanced){0};
        attempt.now_us = try->now_us;
        struct trust_evidence e = trust_evidence_of(&attempt.domain, &try->facts, try->now_us,
                                                    trust_verdict_session(&attempt.domain, &try->facts, try->now_us));
        e.counted = try->counted;
        trust_evidence_begin(&record);
        assert_true(trust_evidence_add(&record, &e));
        assert_true(trust_replay_attempt(buf_slice(&record), &back));
        trust_json_write(&attempt, &first);
        trust_json_write(&back, &second);
        assert_string_equal(buf_cstr(&first), buf_cstr(&second));
        trust_attempt_free(&attempt);
        trust_attempt_free(&back);
        buf_free(&record);
        buf_free(&first);
        buf_free(&second);
    }
}

static void test_verdicts_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"version\":2}", "{\"version\":2,\"hosts\":[],\"verdict\":{}}", "{\"version\":2,\"hosts\":[{}],\"verdict\":{}}",
        "{\"version\":2,\"hosts\":[],\"verdict\":{\"action\":\"?\",\"reason\":\"proved\",\"level\":\"none\",\"attack\":false}}",
        "{\"version\":2,\"hosts\":[],\"verdict\":{\"action\":\"send\",\"reason\":\"what\",\"level\":\"none\",\"attack\":false}}",
        "{\"version\":2,\"hosts\":[],\"verdict\":{\"action\":\"send\",\"reason\":\"proved\",\"level\":\"none\",\"attack\":0}}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct trust_attempt_end end;
        struct err err = {{0}};
        assert_false(trust_json_read_end(slice_str(bad[i]), &end, &err));
    }
}

static json_t *load_schema(void)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/docs/formats-trust.schema.json", getenv("SEALPOST_SOURCE"));
    json_t *schema = json_load_file(path, 0, NULL);
    assert_non_null(schema);
    return schema;
}

/* Both have the same members, in an object of the schema and in one that was written. */
static void same_members(const json_t *schema, const json_t *written, const char *optional)
{
    const json_t *properties = json_object_get(schema, "properties");
    const char *key;
    json_t *value;
    assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    json_object_foreach((json_t *)(uintptr_t)written, key, value) {
        if (json_object_get(properties, key) == NULL)
            fail_msg("the schema does not know %s", key);
    }
    json_object_foreach((json_t *)(uintptr_t)properties, key, value) {
        if (json_object_get(written, key) == NULL && strcmp(key, optional) != 0)
            fail_msg("%s is never written", key);
    }
}

static void test_schema_names_the_same_members(void **state)
{
    (void)state;
    json_t *schema = load_schema();
    const json_t *defs = json_object_get(schema, "$defs");
    struct trust_attempt attempt;
    struct buf text;
    trust_attempt_init(&attempt, 1);
    attempt.has_answer = attempt.has_notice = true;
    buf_init(&text, TRUST_JSON_MAX);
    trust_json_write(&attempt, &text);
    json_t *written = json_loads(buf_cstr(&text), 0, NULL);
    const json_t *host = json_array_get(json_object_get(written, "hosts"), 0);
    const json_t *top = json_object_get(schema, "properties");
    same_members(schema, written, "");
    same_members(json_object_get(defs, "domain"), json_object_get(written, "domain"), "");
    same_members(json_object_get(defs, "host"), host, "now_us");
    static const char *const parts[] = {"tls", "cert", "dane", "caps"};
    for (size_t i = 0; i < 4; i++)
        same_members(json_object_get(defs, parts[i]), json_object_get(host, parts[i]), "");
    static const char *const others[] = {"needs", "answer", "notice"};
    for (size_t i = 0; i < 3; i++)
        same_members(json_object_get(top, others[i]), json_object_get(written, others[i]), "");
    json_decref(written);
    json_decref(schema);
    buf_free(&text);
    trust_attempt_free(&attempt);
}

/* Every name that the schema allows is read, and no other. */
static void names_of(const char *before, const char *after, const json_t *schema)
{
    const json_t *names = json_object_get(schema, "enum");
    const json_t *name;
    size_t i;
    assert_true(json_array_size(names) > 1);
    json_array_foreach(names, i, name) {
        char document[512];
        (void)snprintf(document, sizeof(document), "%s'%s'%s", before, json_string_value(name), after);
        mem_free(judged(document));
    }
}

static void test_schema_allows_the_same_names(void **state)
{
    (void)state;
    json_t *schema = load_schema();
    const json_t *defs = json_object_get(schema, "$defs");
#define PART(part, member) json_object_get(json_object_get(json_object_get(defs, part), "properties"), member)
    names_of("{'version':2,'domain':{'mx':", "}}", PART("domain", "mx"));
    names_of("{'version':2,'domain':{'minimum':", "}}", PART("domain", "minimum"));
    names_of("{'version':2,'domain':{'shown':", "}}", PART("domain", "shown"));
    names_of("{'version':2,'domain':{'profile':", "}}", PART("domain", "profile"));
    names_of("{'version':2,'domain':{'sts':", "}}", PART("domain", "sts"));
    names_of("{'version':2,'domain':{'sts_look':", "}}", PART("domain", "sts_look"));
    names_of("{'version':2,'hosts':[{'dns':", "}]}", PART("host", "dns"));
    names_of("{'version':2,'hosts':[{'connect':", "}]}", PART("host", "connect"));
    names_of("{'version':2,'hosts':[{'stage':", "}]}", PART("host", "stage"));
    names_of("{'version':2,'hosts':[{'fault':", "}]}", PART("host", "fault"));
    names_of("{'version':2,'hosts':[{'pin':", "}]}", PART("host", "pin"));
    names_of("{'version':2,'hosts':[{'tls':{'failure':", "}}]}", PART("tls", "failure"));
    names_of("{'version':2,'hosts':[{'tls':{'cipher':", "}}]}", PART("tls", "cipher"));
    names_of("{'version':2,'hosts':[{'cert':{'fault':", "}}]}", PART("cert", "fault"));
    names_of("{'version':2,'hosts':[{'cert':{'ocsp':", "}}]}", PART("cert", "ocsp"));
    names_of("{'version':2,'hosts':[{'dane':{'tlsa':", "}}]}", PART("dane", "tlsa"));
    names_of("{'version':2,'hosts':[{'dane':{'fault':", "}}]}", PART("dane", "fault"));
#undef PART
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_an_attempt_is_judged_as_the_page_says),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_what_is_not_as_described_is_refused),
        cmocka_unit_test(test_too_many_or_too_long),
        cmocka_unit_test(test_facts_and_verdicts_come_back),
        cmocka_unit_test(test_evidence_keeps_every_fact),
        cmocka_unit_test(test_verdicts_that_are_none),
        cmocka_unit_test(test_schema_names_the_same_members),
        cmocka_unit_test(test_schema_allows_the_same_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
