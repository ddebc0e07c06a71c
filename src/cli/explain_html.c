/* SPDX-License-Identifier: Apache-2.0 */
/* A survey as one page, readable without colours: every bar has its number and its words. All data goes through the writers
 * of center/html.h, which escape. */
#include "base/clock.h"
#include "center/html.h"
#include "cli/explain_detail.h"
#include "cli/explain_survey.h"

#define BAR_HEIGHT 22u
#define BAR_STEP 30u
#define BAR_LEFT 300u
#define BAR_WIDTH 420u

static void put_head(const struct explain_survey *survey, struct buf *out)
{
    char at[CLOCK_DATE_MAX];

    clock_rfc3339(survey->at_us, at);
    html_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<title>How mail would go</title>\n<style>\n"
                  "body{font:16px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;margin:2rem auto;max-width:76rem;padding:0 1rem}\n"
                  "table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
                  "border-bottom:1px solid #ccc;overflow-wrap:anywhere}th{overflow-wrap:normal;position:sticky;top:0;background:#fff}\n"
                  ".delivered{fill:#2c7a4b}.posted{fill:#b4690e}.later{fill:#5a6b8c}.returned{fill:#a32c2c}\n"
                  "svg text{font:14px system-ui,sans-serif;fill:#1b1b1b}svg{max-width:100%;height:auto}\n"
                  "</style>\n</head>\n<body>\n<h1>How mail would go</h1>\n<p>");
    html_number(out, survey->done);
    html_put(out, " domains, looked at on ");
    html_text(out, slice_str(at));
    html_put(out, " without sending mail.</p>\n");
}

/* One bar with its words and its number. class is a name of ours. */
static void put_bar(struct buf *out, size_t place, const char *class, const char *words, size_t count, size_t most)
{
    size_t y = place * BAR_STEP + 4;

    html_put(out, "<text x=\"");
    html_number(out, BAR_LEFT - 8);
    html_put(out, "\" y=\"");
    html_number(out, y + 16);
    html_put(out, "\" text-anchor=\"end\">");
    html_text(out, slice_str(words));
    html_put(out, "</text><rect");
    html_attribute(out, "class", slice_str(class));
    html_put(out, " x=\"");
    html_number(out, BAR_LEFT);
    html_put(out, "\" y=\"");
    html_number(out, y);
    html_put(out, "\" height=\"");
    html_number(out, BAR_HEIGHT);
    html_put(out, "\" width=\"");
    html_number(out, most == 0 ? 0 : count * BAR_WIDTH / most);
    html_put(out, "\"/><text x=\"");
    html_number(out, BAR_LEFT + 8 + (most == 0 ? 0 : count * BAR_WIDTH / most));
    html_put(out, "\" y=\"");
    html_number(out, y + 16);
    html_put(out, "\">");
    html_number(out, count);
    html_put(out, "</text>\n");
}

static void put_chart(const struct explain_survey *survey, const struct explain_summary *sum, struct buf *out)
{
    size_t place = 0;
    size_t bars = EXPLAIN_ENDS + sum->reasons;

    for (unsigned level = 1; level < EXPLAIN_LEVELS; level++) {
        bars += sum->level[level] > 0 ? 1 : 0;
    }
    html_put(out, "<svg role=\"img\" aria-label=\"How many domains end how, and why\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 ");
    html_number(out, bars * BAR_STEP + 8);
    html_put(out, "\">\n");
    for (unsigned end = 0; end < EXPLAIN_ENDS; end++) {
        put_bar(out, place++, explain_survey_end_name((enum explain_end)end), explain_survey_end_words((enum explain_end)end),
                sum->end[end], survey->done);
    }
    for (unsigned level = EXPLAIN_LEVELS - 1; level > 0; level--) {
        if (sum->level[level] > 0) {
            put_bar(out, place++, "delivered", trust_level_name((enum trust_level)level), sum->level[level], survey->done);
        }
    }
    for (size_t i = 0; i < sum->reasons; i++) {
        put_bar(out, place++, explain_survey_end_name(sum->reason[i].end), trust_reason_name(sum->reason[i].reason),
                sum->reason[i].count, survey->done);
    }
    html_put(out, "</svg>\n");
}

static void put_reasons(const struct explain_summary *sum, struct buf *out)
{
    html_put(out, "<h2>Why not</h2>\n<table>\n<tr><th>Domains</th><th>Reason</th><th>In words</th><th>What the owner should mend</th>"
                  "<th>More</th></tr>\n");
    for (size_t i = 0; i < sum->reasons; i++) {
        html_put(out, "<tr><td>");
        html_number(out, sum->reason[i].count);
        html_put(out, "</td><td>");
        html_text(out, slice_str(trust_reason_name(sum->reason[i].reason)));
        html_put(out, "</td><td>");
        html_text(out, slice_str(trust_reason_clerk(sum->reason[i].reason)));
        html_put(out, "</td><td>");
        html_text(out, slice_str(trust_reason_mend(sum->reason[i].reason)));
        html_put(out, "</td><td>");
        html_text(out, slice_str(trust_reason_anchor(sum->reason[i].reason)));
        html_put(out, "</td></tr>\n");
    }
    html_put(out, "</table>\n");
}

static void put_row(const struct explain_row *row, struct buf *out)
{
    const char *cells[] = {row->domain, explain_survey_end_words(row->end),
                           row->end == EXPLAIN_DELIVERED ? trust_level_name(row->level) : trust_reason_name(row->reason),
                           row->attack ? "yes" : "", row->host, row->dnssec ? "secure" : "insecure",
                           explain_sts_mode_name(row->sts), row->detail};

    html_put(out, "<tr>");
    for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
        html_put(out, "<td>");
        html_text(out, slice_str(cells[i]));
        html_put(out, "</td>");
    }
    html_put(out, "</tr>\n");
}

void explain_survey_html(const struct explain_survey *survey, struct buf *out)
{
    struct explain_summary sum;

    explain_survey_sum(survey, &sum);
    put_head(survey, out);
    put_chart(survey, &sum, out);
    put_reasons(&sum, out);
    html_put(out, "<h2>Every domain</h2>\n<table>\n<tr><th>Domain</th><th>Mail</th><th>Proof or reason</th><th>Sign of attack</th>"
                  "<th>Host</th><th>DNSSEC</th><th>MTA-STS</th><th>Seen</th></tr>\n");
    for (size_t i = 0; i < survey->count; i++) {
        if (survey->row[i].domain != NULL) {
            put_row(&survey->row[i], out);
        }
    }
    html_put(out, "</table>\n</body>\n</html>\n");
}
