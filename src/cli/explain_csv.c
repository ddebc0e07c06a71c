/* SPDX-License-Identifier: Apache-2.0 */
/* A survey as CSV. Every field is quoted; one that a spreadsheet would take for a formula gets an apostrophe in front, and
 * bytes that are no printable ASCII are escaped. */
#include "base/codec.h"
#include "cli/explain_detail.h"
#include "cli/explain_survey.h"

#define FIELD_MAX ((size_t)4096) /* bytes of one field, escaped */

static void put(struct buf *out, struct slice text, bool last)
{
    struct buf clean;

    buf_init(&clean, FIELD_MAX);
    (void)codec_escape(&clean, text);
    (void)buf_append_byte(out, '"');
    if (clean.len > 0 && strchr("=+-@|%", clean.data[0]) != NULL) {
        (void)buf_append_byte(out, '\'');
    }
    for (size_t i = 0; i < clean.len; i++) {
        if (clean.data[i] == '"') {
            (void)buf_append_byte(out, '"');
        }
        (void)buf_append_byte(out, clean.data[i]);
    }
    (void)buf_append_str(out, last ? "\"\r\n" : "\",");
    buf_free(&clean);
}

static void put_str(struct buf *out, const char *text)
{
    put(out, slice_str(text), false);
}

void explain_survey_csv(const struct explain_survey *survey, struct buf *out)
{
    static const char *const titles[] = {"domain", "end", "level", "reason", "attack", "host", "mx", "dnssec", "mta_sts",
                                         "clerk", "mend", "detail"};

    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++) {
        put_str(out, titles[i]);
    }
    put(out, SLICE_LIT("documentation"), true);
    for (size_t i = 0; i < survey->count; i++) {
        const struct explain_row *row = &survey->row[i];
        if (row->domain == NULL) {
            continue;
        }
        put_str(out, row->domain);
        put_str(out, explain_survey_end_name(row->end));
        put_str(out, trust_level_name(row->level));
        put_str(out, trust_reason_name(row->reason));
        put_str(out, row->attack ? "yes" : "no");
        put_str(out, row->host);
        put_str(out, trust_dns_name(row->mx));
        put_str(out, row->dnssec ? "secure" : "insecure");
        put_str(out, explain_sts_mode_name(row->sts));
        put_str(out, trust_reason_clerk(row->reason));
        put_str(out, trust_reason_mend(row->reason));
        put_str(out, row->detail);
        put(out, slice_str(trust_reason_anchor(row->reason)), true);
    }
}
