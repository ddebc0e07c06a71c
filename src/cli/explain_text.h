/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people: a few sentences for whoever sends the letter, what the domain's owner should mend, and everything
 * that was seen for whoever runs mail servers. What strangers said is escaped here; print it with cli_print_text() all the
 * same. */
#ifndef CLI_EXPLAIN_TEXT_H
#define CLI_EXPLAIN_TEXT_H

#include "cli/explain.h"

#define EXPLAIN_TEXT_MAX ((size_t)1048576) /* 16 hosts at 4 addresses under 3 profiles, with all their names and records */
#define EXPLAIN_SOON_US (14 * INT64_C(86400000000)) /* a certificate that ends within it is spoken of */

/* Appends the whole report, lines ended by LF. */
void explain_text(const struct explain *explain, struct buf *out);

/* Appends the short answer only: one or two lines. */
void explain_text_clerk(const struct explain *explain, struct buf *out);

/* Appends what the owner should mend, a line each; nothing when there is nothing. */
void explain_text_mend(const struct explain *explain, struct buf *out);

/* "delivered", "posted", "later" or "returned": how mail would end now. */
const char *explain_end_name(const struct explain_fate *fate);

#endif
