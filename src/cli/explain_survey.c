/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and sums. */
#include "cli/explain_survey.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/explain_detail.h"
#include "cli/explain_mend.h"
#include "cli/explain_text.h"

const char *explain_survey_end_name(enum explain_end end)
{
    static const char *const names[EXPLAIN_ENDS] = {"delivered", "posted", "later", "returned"};
    return names[end];
}

const char *explain_survey_end_words(enum explain_end end)
{
    static const char *const words[EXPLAIN_ENDS] = {"would be delivered", "would be kept in the Message Center",
                                                    "could not be delivered now", "would be returned to the sender"};
    return words[end];
}

void explain_survey_init(struct explain_survey *survey, size_t count)
{
    memset(survey, 0, sizeof(*survey));
    survey->row = mem_new_array(count + 1, sizeof(*survey->row));
    survey->count = count;
    survey->at_us = clock_utc_us();
}

void explain_survey_free(struct explain_survey *survey)
{
    for (size_t i = 0; i < survey->count; i++) {
        mem_free(survey->row[i].domain);
        mem_free(survey->row[i].host);
        mem_free(survey->row[i].detail);
    }
    for (size_t i = 0; i < survey->unread_kept; i++) {
        mem_free(survey->unread[i].reason);
    }
    mem_free(survey->row);
    mem_free(survey->unread);
    memset(survey, 0, sizeof(*survey));
}

void explain_survey_unread(struct explain_survey *survey, size_t line, const char *reason)
{
    survey->unread_count++;
    if (survey->unread_kept < EXPLAIN_UNREAD_MAX) {
        survey->unread = mem_resize_array(survey->unread, survey->unread_kept + 1, sizeof(*survey->unread));
        survey->unread[survey->unread_kept++] = (struct explain_unread){line, mem_strdup(reason)};
    }
}

static enum explain_end end_of(enum trust_action action)
{
    switch (action) {
    case TRUST_SEND: return EXPLAIN_DELIVERED;
    case TRUST_LATER: return EXPLAIN_LATER;
    case TRUST_RETURN: return EXPLAIN_RETURNED;
    default: return EXPLAIN_POSTED;
    }
}

/* What was seen where the reason comes from, as the owner is told it. */
static char *detail_of(const struct explain *explain, uint16_t reason)
{
    struct explain_mends mends;
    struct buf text;
    char *kept;

    buf_init(&text, 4 * (size_t)EXPLAIN_DETAIL_MAX);
    explain_mends_of(explain, &mends);
    for (size_t i = 0; i < mends.count && text.len == 0; i++) {
        if (mends.item[i].reason == reason) {
            (void)codec_escape(&text, slice_sub(mends.item[i].detail, 0, EXPLAIN_DETAIL_MAX));
        }
    }
    kept = mem_strndup(text.len == 0 ? (const void *)"" : text.data, text.len);
    buf_free(&text);
    return kept;
}

void explain_survey_take(struct explain_survey *survey, size_t place, const struct explain *explain)
{
    const struct explain_fate *fate = explain_end(explain);
    struct explain_row *row = &survey->row[place];

    row->domain = mem_strdup(explain->domain.ascii);
    row->host = fate->host == NULL ? NULL : mem_strdup(fate->host->name);
    row->end = end_of(fate->verdict.action);
    row->reason = (uint16_t)fate->verdict.reason;
    row->level = fate->verdict.action == TRUST_SEND ? fate->verdict.level : TRUST_LEVEL_NONE;
    row->attack = fate->verdict.attack;
    row->dnssec = explain->facts.secure;
    row->sts = explain->facts.sts;
    row->mx = explain->facts.mx;
    row->detail = detail_of(explain, row->reason);
    survey->done++;
}

static void count_reason(struct explain_summary *summary, const struct explain_row *row)
{
    size_t i = 0;

    while (i < summary->reasons && (summary->reason[i].reason != row->reason || summary->reason[i].end != row->end)) {
        i++;
    }
    if (i == EXPLAIN_REASONS_MAX) {
        return;
    }
    if (i == summary->reasons) {
        summary->reason[summary->reasons++] = (struct explain_count){row->reason, row->end, 0};
    }
    summary->reason[i].count++;
    for (; i > 0 && summary->reason[i].count > summary->reason[i - 1].count; i--) {
        struct explain_count kept = summary->reason[i];
        summary->reason[i] = summary->reason[i - 1];
        summary->reason[i - 1] = kept;
    }
}

void explain_survey_sum(const struct explain_survey *survey, struct explain_summary *ret_summary)
{
    memset(ret_summary, 0, sizeof(*ret_summary));
    for (size_t i = 0; i < survey->count; i++) {
        const struct explain_row *row = &survey->row[i];
        if (row->domain == NULL) {
            continue;
        }
        ret_summary->end[row->end]++;
        ret_summary->attack += row->attack ? 1 : 0;
        if (row->end == EXPLAIN_DELIVERED) {
            ret_summary->level[row->level]++;
        } else {
            count_reason(ret_summary, row);
        }
    }
}

void explain_survey_text(const struct explain_survey *survey, struct buf *out)
{
    struct explain_summary sum;

    explain_survey_sum(survey, &sum);
    (void)buf_printf(out, "domains looked at: %zu, connections: %zu", survey->done, survey->connections);
    if (survey->twice > 0) {
        (void)buf_printf(out, ", lines that named a domain again: %zu", survey->twice);
    }
    if (survey->unread_count > 0) {
        (void)buf_printf(out, ", lines that could not be read: %zu", survey->unread_count);
    }
    (void)buf_append_byte(out, '\n');
    for (unsigned end = 0; end < EXPLAIN_ENDS; end++) {
        (void)buf_printf(out, "%8zu  %s\n", sum.end[end], explain_survey_end_words((enum explain_end)end));
        for (unsigned level = EXPLAIN_LEVELS; end == EXPLAIN_DELIVERED && level > 0; level--) {
            if (sum.level[level - 1] > 0) {
                (void)buf_printf(out, "%16zu  %s\n", sum.level[level - 1], trust_level_name((enum trust_level)(level - 1)));
            }
        }
        for (size_t i = 0; i < sum.reasons; i++) {
            if (sum.reason[i].end == (enum explain_end)end) {
                (void)buf_printf(out, "%16zu  %s: %s\n", sum.reason[i].count, trust_reason_name(sum.reason[i].reason),
                                 trust_reason_clerk(sum.reason[i].reason));
            }
        }
    }
    if (sum.attack > 0) {
        (void)buf_printf(out, "%zu of them with a sign of attack\n", sum.attack);
    }
}

/* --- JSON --- */

static json_t *row_json(const struct explain_row *row)
{
    json_t *object = json_object();

    (void)json_object_set_new(object, "domain", cli_json_text(slice_str(row->domain)));
    (void)json_object_set_new(object, "end", json_string(explain_survey_end_name(row->end)));
    (void)json_object_set_new(object, "level", json_string(trust_level_name(row->level)));
    (void)json_object_set_new(object, "reason", json_string(trust_reason_name(row->reason)));
    (void)json_object_set_new(object, "attack", json_boolean(row->attack));
    (void)json_object_set_new(object, "host", row->host == NULL ? json_null() : cli_json_text(slice_str(row->host)));
    (void)json_object_set_new(object, "mx", json_string(trust_dns_name(row->mx)));
    (void)json_object_set_new(object, "dnssec", json_boolean(row->dnssec));
    (void)json_object_set_new(object, "mta_sts", json_string(explain_sts_mode_name(row->sts)));
    (void)json_object_set_new(object, "clerk", json_string(trust_reason_clerk(row->reason)));
    (void)json_object_set_new(object, "mend", json_string(trust_reason_mend(row->reason)));
    (void)json_object_set_new(object, "detail", cli_json_text(slice_str(row->detail)));
    (void)json_object_set_new(object, "documentation", json_string(trust_reason_anchor(row->reason)));
    return object;
}

static json_t *summary_json(const struct explain_survey *survey)
{
    json_t *object = json_object();
    json_t *levels = json_object();
    json_t *reasons = json_object();
    struct explain_summary sum;

    explain_survey_sum(survey, &sum);
    (void)json_object_set_new(object, "domains", json_integer((json_int_t)survey->done));
    for (unsigned end = 0; end < EXPLAIN_ENDS; end++) {
        (void)json_object_set_new(object, explain_survey_end_name((enum explain_end)end), json_integer((json_int_t)sum.end[end]));
    }
    for (unsigned level = 1; level < EXPLAIN_LEVELS; level++) {
        (void)json_object_set_new(levels, trust_level_name((enum trust_level)level), json_integer((json_int_t)sum.level[level]));
    }
    for (size_t i = 0; i < sum.reasons; i++) {
        const char *name = trust_reason_name(sum.reason[i].reason);
        json_int_t before = json_integer_value(json_object_get(reasons, name));
        (void)json_object_set_new(reasons, name, json_integer(before + (json_int_t)sum.reason[i].count));
    }
    (void)json_object_set_new(object, "levels", levels);
    (void)json_object_set_new(object, "reasons", reasons);
    (void)json_object_set_new(object, "attack", json_integer((json_int_t)sum.attack));
    (void)json_object_set_new(object, "connections", json_integer((json_int_t)survey->connections));
    (void)json_object_set_new(object, "lines_twice", json_integer((json_int_t)survey->twice));
    (void)json_object_set_new(object, "lines_unreadable", json_integer((json_int_t)survey->unread_count));
    return object;
}

json_t *explain_survey_json(const struct explain_survey *survey)
{
    json_t *object = json_object();
    json_t *rows = json_array();
    json_t *unread = json_array();

    for (size_t i = 0; i < survey->count; i++) {
        if (survey->row[i].domain != NULL) {
            (void)json_array_append_new(rows, row_json(&survey->row[i]));
        }
    }
    for (size_t i = 0; i < survey->unread_kept; i++) {
        json_t *one = json_object();
        (void)json_object_set_new(one, "line", json_integer((json_int_t)survey->unread[i].line));
        (void)json_object_set_new(one, "reason", cli_json_text(slice_str(survey->unread[i].reason)));
        (void)json_array_append_new(unread, one);
    }
    (void)json_object_set_new(object, "version", json_integer(1));
    (void)json_object_set_new(object, "at", cli_json_time(survey->at_us));
    (void)json_object_set_new(object, "summary", summary_json(survey));
    (void)json_object_set_new(object, "domains", rows);
    (void)json_object_set_new(object, "unreadable", unread);
    return object;
}
