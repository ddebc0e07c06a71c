/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS that others wrote (RFC 8460 section 4.4), read strictly: a stranger's file, perhaps a bomb. Every
 * limit below is far above what large senders write. Everything read is given on as text that was checked for its
 * length only: escape it before it is shown. */
#ifndef TRUST_TLSRPT_READER_H
#define TRUST_TLSRPT_READER_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

#define TLSRPT_INPUT_MAX ((size_t)1048576)   /* bytes of a report as it comes, compressed or not */
#define TLSRPT_PLAIN_MAX ((size_t)8388608)   /* bytes after gzip: real reports stay below 1 MB */
#define TLSRPT_DEPTH_MAX 8u                  /* nesting: a report has 6 */
#define TLSRPT_POLICIES_MAX 1000u
#define TLSRPT_FAILURES_MAX 10000u           /* of a whole report */
#define TLSRPT_LINES_MAX 1000u               /* of one policy-string or mx-host */
#define TLSRPT_STRING_MAX 4096u              /* bytes of any string */
#define TLSRPT_COUNT_MAX INT64_C(1000000000000)

/* Unpacks gzip (one member or several, RFC 1952) or takes plain JSON as it is; appends to out, which must allow
 * TLSRPT_PLAIN_MAX. False with the reason: too big in or out, damaged, or neither of the two. */
bool tlsrpt_reader_unpack(struct slice input, struct buf *out, struct err *err);

/* Reads a report. The result has exactly the members of RFC 8460 that were there, each checked for its type and limits
 * ("organization-name", "date-range", "contact-info", "report-id", "policies"); members that the RFC does not know are
 * left out. mx-host is an array in it, whether one or several came. NULL with the reason and the path to it
 * ("policies[3].summary: ..."). The caller frees it with json_decref(). */
json_t *tlsrpt_reader_json(struct slice text, struct err *err);

#endif
