/* SPDX-License-Identifier: Apache-2.0 */
/* Facts and verdicts as JSON, version 2, as docs/formats-trust.md describes them member by member. For replay, for people
 * who want to ask their own programs, and for judges written by others. */
#ifndef TRUST_TRUST_JSON_H
#define TRUST_TRUST_JSON_H

#include "base/err.h"
#include "trust/trust_attempt.h"

#define TRUST_JSON_VERSION 2
#define TRUST_JSON_MAX ((size_t)1048576) /* bytes of a document: 64 tries with every text at its limit fit */

/* Reads one document of facts into *ret_attempt, which the caller frees with trust_attempt_free() when true was returned.
 * False with the reason for anything that is not exactly as described. */
bool trust_json_read(struct slice text, struct trust_attempt *ret_attempt, struct err *err);

/* Appends the document, all members, without a line end. */
void trust_json_write(const struct trust_attempt *attempt, struct buf *out);

/* Reads the verdicts back. Their order is that of the tries. */
bool trust_json_read_end(struct slice text, struct trust_attempt_end *ret_end, struct err *err);

/* Appends the verdicts as one document, without a line end. */
void trust_json_write_end(const struct trust_attempt_end *end, struct buf *out);

#endif
