/* SPDX-License-Identifier: Apache-2.0 */
/* The TXT record at _mta-sts.DOMAIN that says there is an MTA-STS policy, and which (RFC 8461 section 3.1). Strict: what
 * is not in the grammar there is no record. */
#ifndef NET_STS_RECORD_H
#define NET_STS_RECORD_H

#include "base/err.h"
#include "base/slice.h"

#define STS_RECORD_ID_MAX 32u /* RFC 8461 3.1 */

enum sts_record_kind {
    STS_RECORD_OTHER,   /* does not begin with "v=STSv1;": some other text, not counted */
    STS_RECORD_VALID,
    STS_RECORD_INVALID, /* begins so, and goes on against the grammar */
};

/* Reads the text of one TXT record, its strings put together. *ret_id points into text: letters and digits. err says what is
 * wrong with an invalid one. Unknown fields are passed over; of a repeated field the first counts. */
enum sts_record_kind sts_record_parse(struct slice text, struct slice *ret_id, struct err *err);

#endif
