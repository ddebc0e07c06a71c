/* SPDX-License-Identifier: Apache-2.0 */
/* The engineer's part of the report: everything that was seen, by the names it has in the RFCs. */
#ifndef CLI_EXPLAIN_DETAIL_H
#define CLI_EXPLAIN_DETAIL_H

#include "cli/explain.h"

/* Appends it, every line indented by two spaces and ended by LF. */
void explain_detail(const struct explain *explain, struct buf *out);

/* "none", "usable", ... */
const char *explain_tlsa_name(enum trust_tlsa_state state);

/* "none", "good", ... */
const char *explain_ocsp_name(enum trust_ocsp ocsp);

/* "none", "testing", "enforce". */
const char *explain_sts_mode_name(enum trust_sts_mode mode);

/* "absent", "found", ... */
const char *explain_sts_look_name(enum trust_sts_look look);

/* Appends "3 1 1 0123..." of a record. */
void explain_put_tlsa(struct buf *out, const struct msg_tlsa *record);

#endif
