/* SPDX-License-Identifier: Apache-2.0 */
/* What the fields of an MTA-STS record and of a policy file have in common (RFC 8461 sections 3.1 and 3.2). */
#ifndef NET_STS_FIELD_H
#define NET_STS_FIELD_H

#include "base/slice.h"

#define STS_FIELD_NAME_MAX 32u /* bytes of a field's name */

/* True for an ASCII letter or digit. */
bool sts_field_is_alnum(uint8_t c);

/* True when name may be a field's: a letter or digit, then those, "_", "-" or ".". */
bool sts_field_name_ok(struct slice name);

#endif
