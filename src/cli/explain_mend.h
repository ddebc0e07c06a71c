/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner of a domain should mend: each reason that stood in the way on any host, once, and what stands in nobody's
 * way today but will. The words are trust_reason's. */
#ifndef CLI_EXPLAIN_MEND_H
#define CLI_EXPLAIN_MEND_H

#include "cli/explain.h"

#define EXPLAIN_MENDS_MAX 64u /* one for each address that may be tried */

struct explain_mend {
    uint16_t reason;
    const char *host;   /* NULL: the domain itself */
    const char *words;
    const char *anchor;
    struct slice detail; /* what was seen; empty: nothing to add. Not escaped */
};

struct explain_mends {
    size_t count;
    struct explain_mend item[EXPLAIN_MENDS_MAX];
};

/* Fills *ret_mends for the demanded profile; everything in it is borrowed from explain. */
void explain_mends_of(const struct explain *explain, struct explain_mends *ret_mends);

#endif
