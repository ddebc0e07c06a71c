/* SPDX-License-Identifier: Apache-2.0 */
/* What a survey keeps of each domain, and what they are together. */
#ifndef CLI_EXPLAIN_SURVEY_H
#define CLI_EXPLAIN_SURVEY_H

#include <jansson.h>

#include "cli/explain.h"

#define EXPLAIN_DETAIL_MAX 512u /* bytes kept of what was seen */
#define EXPLAIN_LEVELS 5u       /* enum trust_level */
#define EXPLAIN_REASONS_MAX 128u /* different reasons: more than the table has */
#define EXPLAIN_UNREAD_MAX 1000u /* unreadable lines that are told one by one in the files */

enum explain_end { EXPLAIN_DELIVERED, EXPLAIN_POSTED, EXPLAIN_LATER, EXPLAIN_RETURNED, EXPLAIN_ENDS };

/* One domain. */
struct explain_row {
    char *domain;
    char *host;    /* that decided; NULL: none */
    char *detail;  /* what was seen, escaped; "" when there is nothing to add */
    enum explain_end end;
    uint16_t reason;
    enum trust_level level;
    bool attack;
    bool dnssec;
    enum trust_sts_mode sts;
    enum trust_dns mx;
};

struct explain_unread {
    size_t line;
    char *reason;
};

struct explain_survey {
    struct explain_row *row; /* as many as the list has domains, in its order */
    size_t count;
    size_t done;
    struct explain_unread *unread; /* at most EXPLAIN_UNREAD_MAX */
    size_t unread_kept;
    size_t unread_count;
    size_t twice;
    size_t connections;
    int64_t at_us;
};

/* How many domains had one reason. */
struct explain_count {
    uint16_t reason;
    enum explain_end end;
    size_t count;
};

struct explain_summary {
    size_t end[EXPLAIN_ENDS];
    size_t level[EXPLAIN_LEVELS]; /* of those that would be delivered */
    size_t attack;
    struct explain_count reason[EXPLAIN_REASONS_MAX]; /* of the others, the most frequent first */
    size_t reasons;
};

/* An empty survey of count domains. */
void explain_survey_init(struct explain_survey *survey, size_t count);

/* Frees all and zeroes. */
void explain_survey_free(struct explain_survey *survey);

/* Remembers a line that could not be read. */
void explain_survey_unread(struct explain_survey *survey, size_t line, const char *reason);

/* Takes what was found about the domain in this place of the list. */
void explain_survey_take(struct explain_survey *survey, size_t place, const struct explain *explain);

/* Counts. */
void explain_survey_sum(const struct explain_survey *survey, struct explain_summary *ret_summary);

/* "delivered", "posted", "later", "returned". */
const char *explain_survey_end_name(enum explain_end end);

/* "would be delivered", ... */
const char *explain_survey_end_words(enum explain_end end);

/* Appends the summary for people. */
void explain_survey_text(const struct explain_survey *survey, struct buf *out);

/* The whole as JSON; the caller owns it. */
json_t *explain_survey_json(const struct explain_survey *survey);

/* Appends CSV (RFC 4180): a title line, a line for each domain. No field can be read as a formula by a spreadsheet. */
void explain_survey_csv(const struct explain_survey *survey, struct buf *out);

/* Appends one page that stands for itself: no script, nothing from elsewhere, a chart as inline SVG. */
void explain_survey_html(const struct explain_survey *survey, struct buf *out);

#endif
