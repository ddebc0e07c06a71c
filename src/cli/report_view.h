/* SPDX-License-Identifier: Apache-2.0 */
/* A report about TLS in words. Runs in a child without rights: the input is a stranger's. */
#ifndef CLI_REPORT_VIEW_H
#define CLI_REPORT_VIEW_H

#include "trust/tlsrpt_mail.h"

#define REPORT_VIEW_INPUT_MAX TLSRPT_MAIL_MAX
#define REPORT_VIEW_MAX ((size_t)33554432) /* bytes of what is shown: the largest report in JSON with its spaces */

/* Reads the report in input (mail, gzip or JSON) and appends it as lines, or as JSON in ASCII. False with the reason. */
bool report_view(struct slice input, bool json, struct buf *out, struct err *err);

#endif
