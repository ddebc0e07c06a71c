/* SPDX-License-Identifier: Apache-2.0 */
/* Writing of reports. */
#define ZLIB_CONST
#include "trust/tlsrpt_report.h"

#include <jansson.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"

#define GZIP_WINDOW (15 + 16) /* zlib's way to ask for gzip */
#define LINE_BYTES 57u        /* 76 characters of base64 */

static const char *const policy_names[] = {"no-policy-found", "sts", "tlsa"};

static json_t *text_json(struct slice text)
{
    json_t *value = json_stringn((const char *)text.data, text.len);
    return value != NULL ? value : json_string("?"); /* not UTF-8 */
}

static json_t *lines_json(struct slice lines)
{
    json_t *list = json_array();
    for (size_t at = 0, end; at < lines.len; at = end + 1) {
        end = slice_find(lines, at, '\n');
        (void)json_array_append_new(list, text_json(slice_sub(lines, at, end - at)));
    }
    return list;
}

static void set_text(json_t *object, const char *name, struct slice text)
{
    if (text.len > 0)
        (void)json_object_set_new(object, name, text_json(text));
}

static void day_bounds(uint32_t day, char start[CLOCK_DATE_MAX], char end[CLOCK_DATE_MAX])
{
    int64_t from = (int64_t)day * CLOCK_US_PER_DAY;
    clock_rfc3339(from, start);
    clock_rfc3339(from + CLOCK_US_PER_DAY - CLOCK_US_PER_S, end);
}

static json_t *failure_json(const struct tlsrpt_row *row)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "result-type", json_string(trust_reason_rfc8460(row->reason)));
    set_text(object, "sending-mta-ip", row->from_ip);
    set_text(object, "receiving-mx-hostname", row->mx);
    set_text(object, "receiving-ip", row->mx_ip);
    (void)json_object_set_new(object, "failed-session-count", json_integer((json_int_t)row->count));
    (void)json_object_set_new(object, "failure-reason-code", json_string(trust_reason_name(row->reason)));
    return object;
}

static bool same_policy(const struct tlsrpt_row *a, const struct tlsrpt_row *b)
{
    return a->policy == b->policy && slice_eq(a->strings, b->strings) && slice_eq(a->hosts, b->hosts);
}

/* True when an earlier row has the policy of row i. */
static bool told(const struct tlsrpt_tally *tally, size_t i)
{
    const struct tlsrpt_row row = tlsrpt_tally_row(tally, i);
    for (size_t j = 0; j < i; j++) {
        const struct tlsrpt_row other = tlsrpt_tally_row(tally, j);
        if (same_policy(&row, &other))
            return true;
    }
    return false;
}

static json_t *policy_json(const struct tlsrpt_about *about, const struct tlsrpt_row *row)
{
    json_t *policy = json_object();
    (void)json_object_set_new(policy, "policy-type", json_string(policy_names[row->policy <= TLSRPT_TLSA ? row->policy : 0]));
    if (row->strings.len > 0)
        (void)json_object_set_new(policy, "policy-string", lines_json(row->strings));
    (void)json_object_set_new(policy, "policy-domain", text_json(about->domain));
    if (row->hosts.len > 0)
        (void)json_object_set_new(policy, "mx-host", lines_json(row->hosts));
    return policy;
}

/* The entry of the policy of row i: everything that was seen under it. */
static json_t *entry_json(const struct tlsrpt_about *about, const struct tlsrpt_tally *tally, size_t i)
{
    const struct tlsrpt_row first = tlsrpt_tally_row(tally, i);
    json_t *failures = json_array();
    uint64_t good = 0, bad = 0;
    for (size_t j = i; j < tlsrpt_tally_rows(tally); j++) {
        const struct tlsrpt_row row = tlsrpt_tally_row(tally, j);
        if (!same_policy(&first, &row))
            continue;
        *(row.reason == TRUST_REASON_PROVED ? &good : &bad) += row.count;
        if (row.reason != TRUST_REASON_PROVED)
            (void)json_array_append_new(failures, failure_json(&row));
    }
    json_t *entry = json_pack("{s:o,s:{s:I,s:I}}", "policy", policy_json(about, &first), "summary",
                              "total-successful-session-count", (json_int_t)good, "total-failure-session-count", (json_int_t)bad);
    if (json_array_size(failures) > 0)
        (void)json_object_set(entry, "failure-details", failures);
    json_decref(failures);
    return entry;
}

static int put(const char *buffer, size_t size, void *data)
{
    return buf_append(data, buffer, size) ? 0 : -1;
}

void tlsrpt_report_json(const struct tlsrpt_about *about, const struct tlsrpt_tally *tally, struct buf *out)
{
    char start[CLOCK_DATE_MAX], end[CLOCK_DATE_MAX];
    json_t *policies = json_array();
    json_t *report = json_object();
    day_bounds(about->day, start, end);
    set_text(report, "organization-name", about->organization);
    (void)json_object_set_new(report, "date-range", json_pack("{s:s,s:s}", "start-datetime", start, "end-datetime", end));
    set_text(report, "contact-info", about->contact);
    set_text(report, "report-id", about->unique);
    for (size_t i = 0; i < tlsrpt_tally_rows(tally); i++) {
        if (!told(tally, i))
            (void)json_array_append_new(policies, entry_json(about, tally, i));
    }
    (void)json_object_set_new(report, "policies", policies);
    (void)json_dump_callback(report, put, out, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(report);
}

bool tlsrpt_report_gzip(struct slice bytes, struct buf *out)
{
    z_stream z = {.next_in = bytes.data, .avail_in = (uInt)bytes.len};
    if (bytes.len > TLSRPT_REPORT_MAX || deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t room = deflateBound(&z, (uLong)bytes.len);
    uint8_t *at = buf_reserve(out, room);
    z.next_out = at;
    z.avail_out = (uInt)room;
    bool ok = at != NULL && deflate(&z, Z_FINISH) == Z_STREAM_END;
    if (ok)
        buf_added(out, (size_t)z.total_out);
    (void)deflateEnd(&z);
    return ok;
}

/* ---- the mail ---- */

#define S(s) (int)(s).len, (const char *)(s).data

static void put_header(const struct tlsrpt_about *about, struct slice to, int64_t date_us, const char *boundary, struct buf *out)
{
    char date[CLOCK_DATE_MAX];
    clock_rfc5322(date_us, date);
    buf_printf(out, "From: <%.*s>\r\nTo: <%.*s>\r\nDate: %s\r\nMessage-ID: <%.*s@%.*s>\r\n", S(about->contact), S(to), date,
               S(about->unique), S(about->submitter));
    buf_printf(out, "Subject: Report Domain: %.*s Submitter: %.*s Report-ID: <%.*s@%.*s>\r\n", S(about->domain),
               S(about->submitter), S(about->unique), S(about->submitter));
    buf_printf(out, "TLS-Report-Domain: %.*s\r\nTLS-Report-Submitter: %.*s\r\nAuto-Submitted: auto-generated\r\n",
               S(about->domain), S(about->submitter));
    buf_printf(out, "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"%s\"\r\n\r\n", boundary);
}

static void put_base64(struct slice bytes, struct buf *out)
{
    for (size_t at = 0; at < bytes.len; at += LINE_BYTES) {
        codec_base64(out, slice_sub(bytes, at, LINE_BYTES));
        buf_append_str(out, "\r\n");
    }
}

void tlsrpt_report_mail(const struct tlsrpt_about *about, struct slice to, struct slice gzip, int64_t date_us,
                        struct buf *out)
{
    static const char *const boundary = "sealpost-tlsrpt"; /* "-" is not in base64 and no line of ours begins so */
    long long begin = (long long)about->day * (CLOCK_US_PER_DAY / CLOCK_US_PER_S);
    long long end = begin + CLOCK_US_PER_DAY / CLOCK_US_PER_S - 1;
    put_header(about, to, date_us, boundary, out);
    buf_printf(out, "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
               "This is a report about encrypted connections to the mail servers of %.*s,\r\nmade by %.*s.\r\n", boundary,
               S(about->domain), S(about->submitter));
    buf_printf(out, "--%s\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n", boundary);
    buf_printf(out, "Content-Disposition: attachment;\r\n filename=\"%.*s!%.*s!%lld!%lld!%.*s.json.gz\"\r\n\r\n", S(about->submitter),
               S(about->domain), begin, end, S(about->unique));
    put_base64(gzip, out);
    buf_printf(out, "--%s--\r\n", boundary);
}
