/* SPDX-License-Identifier: Apache-2.0 */
/* The report in a mail (RFC 8460 section 5.3): finds the attachment of type application/tlsrpt+gzip or +json, or a file named
 * *.json or *.json.gz, in multiparts that are not nested deep. Only that much of MIME is understood. */
#ifndef TRUST_TLSRPT_MAIL_H
#define TRUST_TLSRPT_MAIL_H

#include "base/buf.h"
#include "base/err.h"

#define TLSRPT_MAIL_MAX ((size_t)2097152) /* bytes of a mail around TLSRPT_INPUT_MAX in base64 */
#define TLSRPT_MAIL_DEPTH 4u              /* multiparts in multiparts: forwarded reports have two */
#define TLSRPT_MAIL_PARTS 64u             /* parts that are looked at */

/* Appends the report in input, as it was attached. Input that is itself gzip or JSON is appended as it is. False with the
 * reason when there is none. */
bool tlsrpt_mail_report(struct slice input, struct buf *out, struct err *err);

#endif
