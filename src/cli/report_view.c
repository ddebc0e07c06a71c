/* SPDX-License-Identifier: Apache-2.0 */
/* Showing a report about TLS. Every text of it is escaped, so that it cannot begin a line of its own. */
#include "cli/report_view.h"

#include <stdio.h>

#include "base/codec.h"
#include "trust/tlsrpt_reader.h"

static void put(struct buf *out, const char *before, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) {
        return;
    }
    buf_append_str(out, before);
    (void)codec_escape(out, slice_of(json_string_value(value), json_string_length(value)));
}

static long long count_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static void put_failure(struct buf *out, const json_t *failure)
{
    buf_printf(out, "  %8lld  ", count_of(failure, "failed-session-count"));
    put(out, "", failure, "result-type");
    put(out, " at ", failure, "receiving-mx-hostname");
    put(out, " ", failure, "receiving-ip");
    put(out, ", from ", failure, "sending-mta-ip");
    put(out, ": ", failure, "failure-reason-code");
    put(out, ", see ", failure, "additional-information");
    buf_append_str(out, "\n");
}

static void put_policy(struct buf *out, const json_t *entry)
{
    const json_t *policy = json_object_get(entry, "policy");
    const json_t *summary = json_object_get(entry, "summary");
    const json_t *failure = NULL;
    size_t i = 0;
    put(out, "policy    ", policy, "policy-type");
    put(out, " of ", policy, "policy-domain");
    buf_printf(out, ": %lld connections proved themselves, %lld did not\n", count_of(summary, "total-successful-session-count"),
               count_of(summary, "total-failure-session-count"));
    json_array_foreach(json_object_get(entry, "failure-details"), i, failure)
    {
        put_failure(out, failure);
    }
}

static void put_report(struct buf *out, const json_t *report)
{
    const json_t *range = json_object_get(report, "date-range");
    const json_t *entry = NULL;
    size_t i = 0;
    put(out, "from      ", report, "organization-name");
    put(out, ", contact ", report, "contact-info");
    put(out, "\nreport    ", report, "report-id");
    put(out, "\ntime      ", range, "start-datetime");
    put(out, " to ", range, "end-datetime");
    buf_append_str(out, "\n");
    json_array_foreach(json_object_get(report, "policies"), i, entry)
    {
        put_policy(out, entry);
    }
}

static int put_json(const char *data, size_t len, void *out)
{
    return buf_append(out, data, len) ? 0 : -1;
}

bool report_view(struct slice input, bool json, struct buf *out, struct err *err)
{
    struct buf file, text;
    buf_init(&file, TLSRPT_MAIL_MAX);
    buf_init(&text, TLSRPT_PLAIN_MAX);
    json_t *report = tlsrpt_mail_report(input, &file, err) && tlsrpt_reader_unpack(buf_slice(&file), &text, err)
                         ? tlsrpt_reader_json(buf_slice(&text), err)
                         : NULL;
    buf_free(&file);
    buf_free(&text);
    if (report == NULL) {
        return false;
    }
    if (json) {
        (void)json_dump_callback(report, put_json, out, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER);
    } else {
        put_report(out, report);
    }
    json_decref(report);
    return buf_ok(out) || err_set(err, "the report is too long to be shown");
}
