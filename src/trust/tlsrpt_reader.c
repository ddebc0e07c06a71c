/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of strangers' reports: unpack within limits, look at the nesting before the parser does, copy what is known. */
#define ZLIB_CONST
#include "trust/tlsrpt_reader.h"

#include <string.h>
#include <zlib.h>

#include "base/mem.h"

#define GZIP_WINDOW (15 + 16)
#define CHUNK 65536u

/* ---- gzip ---- */

static bool inflate_some(z_stream *z, struct buf *out, int *ret_status, struct err *err)
{
    size_t left = TLSRPT_PLAIN_MAX - out->len;
    size_t room = left < CHUNK ? left : CHUNK;
    uint8_t *at = room == 0 ? NULL : buf_reserve(out, room);
    if (at == NULL)
        return err_set(err, "the report unpacks to more than %zu bytes: refused as a bomb", TLSRPT_PLAIN_MAX);
    z->next_out = at;
    z->avail_out = (uInt)room;
    *ret_status = inflate(z, Z_NO_FLUSH);
    buf_added(out, room - z->avail_out);
    return *ret_status == Z_OK || *ret_status == Z_STREAM_END ||
           err_set(err, "the gzip data is damaged or cut (%s)", z->msg != NULL ? z->msg : "unexpected end");
}

static bool inflate_all(z_stream *z, struct buf *out, struct err *err)
{
    int status = Z_OK;
    while (z->avail_in > 0 || status != Z_STREAM_END) {
        if (!inflate_some(z, out, &status, err))
            return false;
        if (status == Z_STREAM_END && z->avail_in > 0 && inflateReset(z) != Z_OK)
            return err_set(err, "the gzip data cannot be read on");
    }
    return true;
}

bool tlsrpt_reader_unpack(struct slice input, struct buf *out, struct err *err)
{
    if (input.len > TLSRPT_INPUT_MAX)
        return err_set(err, "the report has %zu bytes, at most %zu are read", input.len, TLSRPT_INPUT_MAX);
    if (input.len < 2 || input.data[0] != 0x1f || input.data[1] != 0x8b)
        return buf_append_slice(out, input) || err_set(err, "no room for the report");
    z_stream z = {.next_in = input.data, .avail_in = (uInt)input.len};
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return err_set(err, "gzip could not be started");
    bool ok = inflate_all(&z, out, err);
    (void)inflateEnd(&z);
    return ok;
}

/* ---- JSON ---- */

/* The parser recurses: nesting is counted before it is given anything. */
static bool shallow(struct slice text)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > TLSRPT_DEPTH_MAX)
                return false;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

/* Copies one string member. A missing one is fine unless it is needed. */
static bool copy_text(const json_t *from, json_t *to, const char *name, bool needed, struct err *err)
{
    const json_t *value = json_object_get(from, name);
    if (value == NULL || json_is_null(value))
        return !needed || err_set(err, "%s is missing", name);
    if (!json_is_string(value) || json_string_length(value) > TLSRPT_STRING_MAX)
        return err_set(err, "%s is not a string of at most %u bytes", name, TLSRPT_STRING_MAX);
    (void)json_object_set_new(to, name, json_stringn(json_string_value(value), json_string_length(value)));
    return true;
}

static bool copy_count(const json_t *from, json_t *to, const char *name, struct err *err)
{
    const json_t *value = json_object_get(from, name);
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 0 || n > TLSRPT_COUNT_MAX)
        return err_set(err, "%s is not a count", name);
    (void)json_object_set_new(to, name, json_integer(n));
    return true;
}

static bool copy_lines(const json_t *from, json_t *to, const char *name, struct err *err)
{
    json_t *value = json_object_get(from, name);
    if (value == NULL || json_is_null(value))
        return true;
    json_t *list = json_array();
    (void)json_object_set_new(to, name, list);
    if (json_is_string(value) && json_string_length(value) <= TLSRPT_STRING_MAX)
        return json_array_append_new(list, json_stringn(json_string_value(value), json_string_length(value))) == 0;
    if (!json_is_array(value) || json_array_size(value) > TLSRPT_LINES_MAX)
        return err_set(err, "%s is not a list of at most %u strings", name, TLSRPT_LINES_MAX);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *line = json_array_get(value, i);
        if (!json_is_string(line) || json_string_length(line) > TLSRPT_STRING_MAX)
            return err_set(err, "%s[%zu] is not a string of at most %u bytes", name, i, TLSRPT_STRING_MAX);
        (void)json_array_append_new(list, json_stringn(json_string_value(line), json_string_length(line)));
    }
    return true;
}

static bool copy_failure(const json_t *from, json_t *to, struct err *err)
{
    static const char *const optional[] = {"sending-mta-ip", "receiving-mx-hostname", "receiving-mx-helo", "receiving-ip",
                                           "additional-information", "failure-reason-code"};
    if (!json_is_object(from))
        return err_set(err, "not an object");
    for (size_t i = 0; i < sizeof(optional) / sizeof(*optional); i++) {
        if (!copy_text(from, to, optional[i], false, err))
            return false;
    }
    return copy_text(from, to, "result-type", true, err) && copy_count(from, to, "failed-session-count", err);
}

static bool copy_failures(const json_t *from, json_t *to, size_t *total, struct err *err)
{
    const json_t *value = json_object_get(from, "failure-details");
    json_t *list = json_array();
    (void)json_object_set_new(to, "failure-details", list);
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_array(value))
        return err_set(err, "failure-details is not a list");
    *total += json_array_size(value);
    if (*total > TLSRPT_FAILURES_MAX)
        return err_set(err, "more than %u failures", TLSRPT_FAILURES_MAX);
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *one = json_object();
        (void)json_array_append_new(list, one);
        if (!copy_failure(json_array_get(value, i), one, err))
            return err_prefix(err, "failure-details[%zu]: ", i);
    }
    return true;
}

static bool copy_described(const json_t *from, json_t *to, struct err *err)
{
    const json_t *policy = json_object_get(from, "policy");
    json_t *copy = json_object();
    (void)json_object_set_new(to, "policy", copy);
    if (!json_is_object(policy))
        return err_set(err, "policy is missing or not an object");
    return (copy_text(policy, copy, "policy-type", true, err) && copy_text(policy, copy, "policy-domain", true, err) &&
            copy_lines(policy, copy, "policy-string", err) && copy_lines(policy, copy, "mx-host", err)) ||
           err_prefix(err, "policy.");
}

static bool copy_summary(const json_t *from, json_t *to, struct err *err)
{
    const json_t *summary = json_object_get(from, "summary");
    json_t *copy = json_object();
    (void)json_object_set_new(to, "summary", copy);
    return (copy_count(summary, copy, "total-successful-session-count", err) &&
            copy_count(summary, copy, "total-failure-session-count", err)) ||
           err_prefix(err, "summary.");
}

static bool copy_policies(const json_t *from, json_t *to, struct err *err)
{
    const json_t *value = json_object_get(from, "policies");
    json_t *list = json_array();
    size_t failures = 0;
    (void)json_object_set_new(to, "policies", list);
    if (!json_is_array(value) || json_array_size(value) > TLSRPT_POLICIES_MAX)
        return err_set(err, "policies is not a list of at most %u", TLSRPT_POLICIES_MAX);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *one = json_array_get(value, i);
        json_t *copy = json_object();
        (void)json_array_append_new(list, copy);
        if (!copy_described(one, copy, err) || !copy_summary(one, copy, err) || !copy_failures(one, copy, &failures, err))
            return err_prefix(err, "policies[%zu].", i);
    }
    return true;
}

static bool copy_dates(const json_t *from, json_t *to, struct err *err)
{
    const json_t *range = json_object_get(from, "date-range");
    json_t *copy = json_object();
    (void)json_object_set_new(to, "date-range", copy);
    return (copy_text(range, copy, "start-datetime", true, err) && copy_text(range, copy, "end-datetime", true, err)) ||
           err_prefix(err, "date-range.");
}

json_t *tlsrpt_reader_json(struct slice text, struct err *err)
{
    json_error_t error;
    if (!shallow(text)) {
        (void)err_set(err, "nested deeper than %u: no report of RFC 8460", TLSRPT_DEPTH_MAX);
        return NULL;
    }
    json_t *from = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(from)) {
        (void)(from == NULL ? err_set(err, "not JSON: %s (line %d)", error.text, error.line) : err_set(err, "not a JSON object"));
        json_decref(from);
        return NULL;
    }
    json_t *to = json_object();
    bool ok = copy_text(from, to, "organization-name", false, err) && copy_dates(from, to, err) &&
              copy_text(from, to, "contact-info", false, err) && copy_text(from, to, "report-id", true, err) &&
              copy_policies(from, to, err);
    json_decref(from);
    if (ok)
        return to;
    json_decref(to);
    return NULL;
}
