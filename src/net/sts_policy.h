/* SPDX-License-Identifier: Apache-2.0 */
/* An MTA-STS policy file (RFC 8461 section 3.2), and whether it names a mail host (section 4.1). Hostile input. */
#ifndef NET_STS_POLICY_H
#define NET_STS_POLICY_H

#include "base/buf.h"
#include "base/err.h"

#define STS_POLICY_FILE_MAX (64u * 1024u) /* bytes: RFC 8461 3.3 suggests it */
#define STS_POLICY_HOSTS 64u              /* patterns: large senders list a dozen */
#define STS_POLICY_AGE_MAX 31557600u      /* seconds: a year, RFC 8461 3.2 */
#define STS_POLICY_BYTES_MAX 16384u       /* all patterns, LF between */

/* The numbers are those of enum trust_sts_mode. */
enum sts_policy_mode { STS_POLICY_NONE = 0, STS_POLICY_TESTING = 1, STS_POLICY_ENFORCE = 2 };

struct sts_policy {
    enum sts_policy_mode mode;
    uint32_t max_age_s;
    struct buf hosts; /* patterns in lower case, LF between: "mx.example.org", "*.example.org"; perhaps none in mode none */
};

/* Reads a whole file, lines ended by LF or CRLF. Unknown keys are passed over; of a repeated key other than mx the first
 * counts. False with what is wrong, in words for the domain's owner. Pair with sts_policy_clear() either way. */
bool sts_policy_parse(struct slice text, struct sts_policy *ret_policy, struct err *err);

/* Frees what it owns. */
void sts_policy_clear(struct sts_policy *policy);

/* True when one of the patterns (as in struct sts_policy) names the host: equal without case, or "*." in place of exactly
 * its leftmost label. A dot at the end of host is passed over. */
bool sts_policy_matches(struct slice hosts, struct slice host);

/* "none", "testing", "enforce". */
const char *sts_policy_mode_name(enum sts_policy_mode mode);

#endif
