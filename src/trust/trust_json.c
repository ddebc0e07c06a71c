/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of facts and of verdicts; plain members are in trust_json_table.c. */
#include "trust/trust_json.h"

#include "base/codec.h"
#include "base/mem.h"
#include "trust/trust_json_table.h"

#define COUNT(names) (sizeof(names) / sizeof(*(names)))

/* ---- reading ---- */

static bool get_enhanced(const json_t *object, struct smtp_enhanced *out, struct err *err)
{
    const json_t *value = json_object_get(object, "enhanced");
    struct slice text = slice_of(json_string_value(value), json_string_length(value));
    uint64_t part[3];
    size_t at = 0;
    if (value == NULL || (json_is_string(value) && text.len == 0))
        return true;
    for (size_t i = 0; i < 3; i++) {
        size_t end = slice_find(text, at, '.');
        if ((end == text.len) != (i == 2) || end - at > 3 || !slice_u64(slice_sub(text, at, end - at), 999, &part[i]))
            return err_set(err, "enhanced: not a status like 5.7.1");
        at = end + 1;
    }
    if (part[0] != 2 && part[0] != 4 && part[0] != 5)
        return err_set(err, "enhanced: its class is 2, 4 or 5");
    *out = (struct smtp_enhanced){(uint16_t)part[0], (uint16_t)part[1], (uint16_t)part[2]};
    return true;
}

/* A name of TLS that the facts borrow. */
static bool get_name(const json_t *tls, const char *member, char *out, const char **ret_name, size_t *found, struct err *err)
{
    const json_t *value = json_object_get(tls, member);
    if (value == NULL)
        return true;
    *found += 1;
    if (!json_is_string(value) || json_string_length(value) > TRUST_SUITE_MAX)
        return err_set(err, "tls.%s: no value that it can have", member);
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    *ret_name = out;
    return true;
}

static bool get_tls(const json_t *object, struct trust_try *try, struct err *err)
{
    struct trust_tls *tls = &try->facts.tls;
    size_t found = 0;
    return get_name(object, "protocol_name", try->protocol, &tls->protocol_name, &found, err) &&
           get_name(object, "suite", try->suite, &tls->suite, &found, err) &&
           get_name(object, "group", try->group, &tls->group, &found, err) &&
           trust_json_get(&trust_json_tls, object, found, tls, err);
}

static bool get_digests(const json_t *list, struct digest *out, size_t *ret_count, struct err *err)
{
    struct buf bytes;
    const json_t *one;
    size_t i;
    bool ok = json_is_array(list) && json_array_size(list) <= TRUST_CHAIN_MAX;
    json_array_foreach(list, i, one) {
        buf_init(&bytes, DIGEST_SIZE);
        ok = ok && json_is_string(one) && codec_unhex(&bytes, slice_of(json_string_value(one), json_string_length(one))) &&
             bytes.len == DIGEST_SIZE;
        if (ok)
            memcpy(out[i].b, bytes.data, DIGEST_SIZE);
        buf_free(&bytes);
    }
    *ret_count = ok ? json_array_size(list) : 0;
    return ok || err_set(err, "chain or spki: not a list of at most %u SHA-256 digests", TRUST_CHAIN_MAX);
}

static bool get_names(const json_t *list, char **out, struct err *err)
{
    struct buf lines;
    const json_t *one;
    size_t i;
    bool ok = json_is_array(list);
    buf_init(&lines, TRUST_NAMES_MAX);
    json_array_foreach(list, i, one) {
        struct slice name = slice_of(json_string_value(one), json_string_length(one));
        ok = ok && json_is_string(one) && slice_find(name, 0, '\n') == name.len && (i == 0 || buf_append_byte(&lines, '\n')) &&
             buf_append_slice(&lines, name);
    }
    if (ok && lines.len > 0)
        *out = mem_strndup(lines.data, lines.len);
    buf_free(&lines);
    return ok || err_set(err, "cert.names: not a list of at most %u bytes of names", TRUST_NAMES_MAX);
}

static bool get_cert(const json_t *object, struct trust_cert *cert, struct err *err)
{
    const json_t *chain = json_object_get(object, "chain"), *spki = json_object_get(object, "spki");
    const json_t *names = json_object_get(object, "names");
    size_t others = (chain != NULL) + (size_t)(spki != NULL) + (names != NULL);
    return trust_json_get(&trust_json_cert, object, others, cert, err) &&
           (chain == NULL || get_digests(chain, cert->chain, &cert->chain_count, err)) &&
           (spki == NULL || get_digests(spki, cert->spki, &cert->path_count, err)) &&
           (names == NULL || get_names(names, &cert->names, err));
}

static bool get_dane(const json_t *object, struct trust_dane *dane, struct err *err)
{
    const json_t *spki = json_object_get(object, "spki");
    return trust_json_get(&trust_json_dane, object, spki != NULL, dane, err) &&
           (spki == NULL || get_digests(spki, dane->spki, &dane->path_count, err));
}

static bool get_own_time(const json_t *object, const char *name, int64_t *out, struct err *err)
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL)
        return true;
    *out = json_integer_value(value);
    return json_is_integer(value) || err_set(err, "host.%s: no value that it can have", name);
}

static bool get_try(const json_t *object, int64_t now_us, struct trust_try *try, struct err *err)
{
    const json_t *tls = json_object_get(object, "tls"), *cert = json_object_get(object, "cert");
    const json_t *dane = json_object_get(object, "dane"), *caps = json_object_get(object, "caps");
    const json_t *counted = json_object_get(object, "counted");
    size_t others = (tls != NULL) + (size_t)(cert != NULL) + (dane != NULL) + (caps != NULL) + (counted != NULL) +
                    (json_object_get(object, "enhanced") != NULL) + (json_object_get(object, "now_us") != NULL);
    if (counted != NULL && !json_is_boolean(counted))
        return err_set(err, "host.counted: no value that it can have");
    try->counted = counted == NULL || json_is_true(counted);
    try->now_us = now_us;
    return trust_json_get(&trust_json_try, object, others, &try->facts, err) &&
           get_own_time(object, "now_us", &try->now_us, err) && get_enhanced(object, &try->facts.enhanced, err) &&
           (tls == NULL || get_tls(tls, try, err)) && (cert == NULL || get_cert(cert, &try->facts.cert, err)) &&
           (dane == NULL || get_dane(dane, &try->facts.dane, err)) &&
           (caps == NULL || trust_json_get(&trust_json_caps, caps, 0, &try->facts.caps, err));
}

static bool get_parts(const json_t *root, struct trust_attempt *attempt, struct err *err)
{
    const json_t *domain = json_object_get(root, "domain"), *needs = json_object_get(root, "needs");
    const json_t *answer = json_object_get(root, "answer"), *notice = json_object_get(root, "notice");
    size_t others = (domain != NULL) + (size_t)(needs != NULL) + (answer != NULL) + (notice != NULL) +
                    (json_object_get(root, "hosts") != NULL) + 1;
    size_t enhanced = json_object_get(answer, "enhanced") != NULL;
    attempt->has_answer = answer != NULL;
    attempt->has_notice = notice != NULL;
    return trust_json_get(&trust_json_attempt, root, others, attempt, err) &&
           (domain == NULL || trust_json_get(&trust_json_domain, domain, 0, &attempt->domain, err)) &&
           (needs == NULL || trust_json_get(&trust_json_needs, needs, 0, &attempt->needs, err)) &&
           (notice == NULL || trust_json_get(&trust_json_notice, notice, 0, attempt, err)) &&
           (answer == NULL || (trust_json_get(&trust_json_answer, answer, enhanced, &attempt->answer, err) &&
                               get_enhanced(answer, &attempt->answer.enhanced, err)));
}

static bool get_attempt(const json_t *root, struct trust_attempt *attempt, struct err *err)
{
    const json_t *hosts = json_object_get(root, "hosts");
    if (hosts != NULL && (!json_is_array(hosts) || json_array_size(hosts) > TRUST_ATTEMPT_TRIES_MAX))
        return err_set(err, "hosts: not a list of at most %u", TRUST_ATTEMPT_TRIES_MAX);
    trust_attempt_init(attempt, json_array_size(hosts));
    bool ok = get_parts(root, attempt, err);
    for (size_t i = 0; ok && i < attempt->count; i++) {
        ok = get_try(json_array_get(hosts, i), attempt->now_us, &attempt->tries[i], err);
        if (!ok)
            (void)err_prefix(err, "hosts[%zu]: ", i);
    }
    if (!ok)
        trust_attempt_free(attempt);
    return ok;
}

/* The root of a document of our version; NULL with the reason otherwise. */
static json_t *open_document(struct slice text, struct err *err)
{
    json_error_t error;
    json_t *root = json_loadb(text.data == NULL ? "" : (const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        (void)err_set(err, "not JSON: %s", error.text);
        return NULL;
    }
    if (json_integer_value(json_object_get(root, "version")) != TRUST_JSON_VERSION) {
        (void)err_set(err, "version: not %d", TRUST_JSON_VERSION);
        json_decref(root);
        return NULL;
    }
    return root;
}

bool trust_json_read(struct slice text, struct trust_attempt *ret_attempt, struct err *err)
{
    json_t *root = open_document(text, err);
    bool ok = root != NULL && get_attempt(root, ret_attempt, err);
    json_decref(root);
    return ok;
}

static bool get_verdict(const json_t *object, struct trust_verdict *out, enum trust_channel *ret_channel, bool *ret_has,
                        struct err *err)
{
    const json_t *channel = json_object_get(object, "channel"), *attack = json_object_get(object, "attack");
    const char *reason = json_string_value(json_object_get(object, "reason"));
    unsigned action = 0, level = 0, at = 0;
    uint16_t number = 0;
    bool ok = trust_json_find(json_object_get(object, "action"), trust_json_actions, COUNT(trust_json_actions), &action) &&
              action > 0 && trust_json_find(json_object_get(object, "level"), trust_json_levels, COUNT(trust_json_levels), &level) &&
              reason != NULL && trust_reason_find(reason, &number) && json_is_boolean(attack) &&
              (channel == NULL || trust_json_find(channel, trust_json_channels, COUNT(trust_json_channels), &at)) &&
              json_object_size(object) == 4 + (size_t)(channel != NULL);
    *out = (struct trust_verdict){.action = (enum trust_action)action, .reason = (enum trust_reason)number,
                                  .level = (enum trust_level)level, .attack = json_is_true(attack)};
    out->dangling = out->reason == TRUST_REASON_DANGLING && out->action == TRUST_LATER;
    *ret_channel = (enum trust_channel)at;
    *ret_has = channel != NULL;
    return ok || err_set(err, "not a verdict");
}

static bool get_end(const json_t *root, struct trust_attempt_end *end, struct err *err)
{
    const json_t *hosts = json_object_get(root, "hosts");
    enum trust_channel channel;
    bool has = false;
    memset(end, 0, sizeof(*end));
    if (!json_is_array(hosts) || json_array_size(hosts) > TRUST_ATTEMPT_TRIES_MAX || json_object_size(root) != 3)
        return err_set(err, "not a document of verdicts");
    end->count = json_array_size(hosts);
    for (size_t i = 0; i < end->count; i++) {
        if (!get_verdict(json_array_get(hosts, i), &end->tries[i], &end->channels[i], &has, err))
            return err_prefix(err, "hosts[%zu]: ", i);
        end->has_channels = has;
    }
    return get_verdict(json_object_get(root, "verdict"), &end->verdict, &channel, &has, err);
}

bool trust_json_read_end(struct slice text, struct trust_attempt_end *ret_end, struct err *err)
{
    json_t *root = open_document(text, err);
    bool ok = root != NULL && get_end(root, ret_end, err);
    json_decref(root);
    return ok;
}

/* ---- writing ---- */

static json_t *object_of(const struct trust_json_table *table, const void *in)
{
    json_t *object = json_object();
    trust_json_put(table, object, in);
    return object;
}

static void put_enhanced(json_t *object, const struct smtp_enhanced *status)
{
    json_t *text = status->class_digit == 0
                       ? json_string("")
                       : json_sprintf("%d.%d.%d", status->class_digit, status->subject, status->detail);
    (void)json_object_set_new(object, "enhanced", text);
}

static json_t *digests(const struct digest *list, size_t count)
{
    json_t *array = json_array();
    struct buf hex;
    for (size_t i = 0; i < count; i++) {
        buf_init(&hex, (size_t)2 * DIGEST_SIZE);
        (void)codec_hex(&hex, slice_of(list[i].b, DIGEST_SIZE));
        (void)json_array_append_new(array, json_stringn((const char *)hex.data, hex.len));
        buf_free(&hex);
    }
    return array;
}

static json_t *names_of(struct slice lines)
{
    json_t *array = json_array();
    for (size_t at = 0; at < lines.len;) {
        size_t end = slice_find(lines, at, '\n');
        (void)json_array_append_new(array, trust_json_string(slice_sub(lines, at, end - at)));
        at = end + 1;
    }
    return array;
}

static json_t *cert_of(const struct trust_cert *cert)
{
    json_t *object = object_of(&trust_json_cert, cert);
    (void)json_object_set_new(object, "chain", digests(cert->chain, cert->chain_count));
    (void)json_object_set_new(object, "spki", digests(cert->spki, cert->path_count));
    (void)json_object_set_new(object, "names", names_of(slice_str(cert->names)));
    return object;
}

static json_t *dane_of(const struct trust_dane *dane)
{
    json_t *object = object_of(&trust_json_dane, dane);
    (void)json_object_set_new(object, "spki", digests(dane->spki, dane->path_count));
    return object;
}

static json_t *tls_of(const struct trust_tls *tls)
{
    json_t *object = object_of(&trust_json_tls, tls);
    (void)json_object_set_new(object, "protocol_name", trust_json_string(slice_str(tls->protocol_name)));
    (void)json_object_set_new(object, "suite", trust_json_string(slice_str(tls->suite)));
    (void)json_object_set_new(object, "group", trust_json_string(slice_str(tls->group)));
    return object;
}

static json_t *try_of(const struct trust_try *try, int64_t now_us)
{
    json_t *object = object_of(&trust_json_try, &try->facts);
    put_enhanced(object, &try->facts.enhanced);
    (void)json_object_set_new(object, "counted", json_boolean(try->counted));
    if (try->now_us != now_us)
        (void)json_object_set_new(object, "now_us", json_integer(try->now_us));
    (void)json_object_set_new(object, "tls", tls_of(&try->facts.tls));
    (void)json_object_set_new(object, "cert", cert_of(&try->facts.cert));
    (void)json_object_set_new(object, "dane", dane_of(&try->facts.dane));
    (void)json_object_set_new(object, "caps", object_of(&trust_json_caps, &try->facts.caps));
    return object;
}

static void close_document(json_t *root, struct buf *out)
{
    char *text = json_dumps(root, JSON_COMPACT);
    if (text != NULL)
        (void)buf_append_str(out, text);
    free(text);
    json_decref(root);
}

void trust_json_write(const struct trust_attempt *attempt, struct buf *out)
{
    json_t *root = json_object(), *hosts = json_array();
    (void)json_object_set_new(root, "version", json_integer(TRUST_JSON_VERSION));
    trust_json_put(&trust_json_attempt, root, attempt);
    (void)json_object_set_new(root, "domain", object_of(&trust_json_domain, &attempt->domain));
    (void)json_object_set_new(root, "needs", object_of(&trust_json_needs, &attempt->needs));
    for (size_t i = 0; i < attempt->count; i++)
        (void)json_array_append_new(hosts, try_of(&attempt->tries[i], attempt->now_us));
    (void)json_object_set_new(root, "hosts", hosts);
    if (attempt->has_answer) {
        json_t *answer = object_of(&trust_json_answer, &attempt->answer);
        put_enhanced(answer, &attempt->answer.enhanced);
        (void)json_object_set_new(root, "answer", answer);
    }
    if (attempt->has_notice)
        (void)json_object_set_new(root, "notice", object_of(&trust_json_notice, attempt));
    close_document(root, out);
}

/* Every text here is one of our own names: nothing to escape. This is on the way of millions of comparisons. */
static void put_verdict(struct trust_verdict v, struct buf *out)
{
    (void)buf_append_str(out, "{\"action\":\"");
    (void)buf_append_str(out, trust_action_name(v.action));
    (void)buf_append_str(out, "\",\"reason\":\"");
    (void)buf_append_str(out, trust_reason_name((uint16_t)v.reason));
    (void)buf_append_str(out, "\",\"level\":\"");
    (void)buf_append_str(out, trust_level_name(v.action == TRUST_SEND ? v.level : TRUST_LEVEL_NONE));
    (void)buf_append_str(out, v.attack ? "\",\"attack\":true" : "\",\"attack\":false");
}

void trust_json_write_end(const struct trust_attempt_end *end, struct buf *out)
{
    (void)buf_append_str(out, "{\"version\":2,\"hosts\":[");
    for (size_t i = 0; i < end->count; i++) {
        if (i > 0)
            (void)buf_append_byte(out, ',');
        put_verdict(end->tries[i], out);
        if (end->has_channels)
            (void)buf_printf(out, ",\"channel\":\"%s\"", trust_json_channels[end->channels[i]]);
        (void)buf_append_byte(out, '}');
    }
    (void)buf_append_str(out, "],\"verdict\":");
    put_verdict(end->verdict, out);
    (void)buf_append_str(out, "}}");
}
