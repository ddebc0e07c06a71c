/* SPDX-License-Identifier: Apache-2.0 */
/* The list of a survey: a domain or an address a line, or the first column of a CSV file. What cannot be read is told
 * with its line and does not stop the rest; a domain that stands twice is looked at once. */
#ifndef CLI_EXPLAIN_LIST_H
#define CLI_EXPLAIN_LIST_H

#include "mail/domain.h"

#define EXPLAIN_LIST_BYTES ((size_t)33554432) /* of a list file: 100,000 lines with some columns */
#define EXPLAIN_LIST_MAX 100000u              /* domains of one survey */

struct explain_list {
    struct mail_domain *domain; /* in the order of the file */
    size_t *line;               /* where each stood first */
    size_t count;
    size_t bad;                 /* lines that could not be read */
    size_t twice;               /* lines with a domain that was there before */
};

/* Reads text. Empty lines, and lines that begin with #, are passed over; a first line that is only a title ("domain",
 * "email", ...) too. told() is called for each line that cannot be read, with its number from 1 and the reason. False when
 * there are more than EXPLAIN_LIST_MAX domains. Freed with explain_list_free(). */
bool explain_list_read(struct explain_list *list, struct slice text, void (*told)(void *ctx, size_t line, const char *reason),
                       void *ctx, struct err *err);

/* Frees and zeroes. */
void explain_list_free(struct explain_list *list);

#endif
