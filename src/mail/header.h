/* SPDX-License-Identifier: Apache-2.0 */
/* A header block cut into fields (RFC 5322 2.2). Nothing is copied or decoded: a field is three slices of the block. */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/err.h"
#include "base/slice.h"
#include "mail/limits.h"

#define MAIL_MINIMUM_FIELD "Sealpost-Minimum-Proof" /* read at submission, never sent on */

struct mail_header_field {
    struct slice whole; /* from the name to the line end of the last folded line */
    struct slice name;  /* without the white space that old mail puts before the colon */
    struct slice value; /* behind the colon, folds kept, without the last line end */
};

struct mail_header {
    struct mail_header_field *fields;
    size_t count;
    size_t capacity;
};

/* What a TLS-Required field asks for (RFC 8689 5). Values other than "No" are to be ignored. */
enum mail_tls_required {
    MAIL_TLS_REQUIRED_ABSENT,
    MAIL_TLS_REQUIRED_NO,
    MAIL_TLS_REQUIRED_OTHER,
};

/* Cuts `block`, which must outlive *ret_header: whole lines ending in CRLF (the last may lack it), without the empty line
 * behind them. Line lengths and stray CR, LF, NUL are the feeder's business (mail_submission). False with a reason in
 * err: a line that is neither a field nor the continuation of one, a name with a character outside 33 to 126, more
 * than MAIL_FIELDS_MAX fields. *ret_header is then empty. Otherwise free it with mail_header_free(). */
bool mail_header_scan(struct slice block, struct mail_header *ret_header, struct err *err);

/* Releases the table; the header is empty again. NULL is accepted. */
void mail_header_free(struct mail_header *header);

/* Index of the first field called `name` (ASCII case ignored) at or behind index `from`; header->count when none. */
size_t mail_header_find(const struct mail_header *header, struct slice name, size_t from);

/* How many fields are called `name`. */
size_t mail_header_count(const struct mail_header *header, struct slice name);

/* What the TLS-Required fields say together: one "No" among several counts. Comments around the word are skipped. */
enum mail_tls_required mail_header_tls_required(const struct mail_header *header);

/* What the Sealpost-Minimum-Proof fields demand together: 1 pkix, 2 pkix+dnssec, 3 sts, 4 dane (enum trust_level), the
 * highest of several; 0 when there is none. Comments around the word are skipped, case is ignored. False when a value is
 * none of these. */
bool mail_header_minimum(const struct mail_header *header, uint8_t *ret_minimum);

#endif
