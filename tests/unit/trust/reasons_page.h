/* SPDX-License-Identifier: Apache-2.0 */
/* docs/reasons.md as the table of reasons makes it: for the test that holds it, and for writing it anew. */
#ifndef TESTS_REASONS_PAGE_H
#define TESTS_REASONS_PAGE_H

#include "base/buf.h"
#include "trust/trust_reason.h"

/* Appends the page. */
static inline void reasons_page(struct buf *out)
{
    uint16_t reason = 0;
    (void)buf_append_str(out,
        "# Reasons\n\nEvery outcome has one of these reasons. `sealpost trace` and `sealpost explain` show them; the number is what "
        "is\nstored and never changes its meaning. Made from the table in `src/trust/trust_reason.h`; a test holds the two "
        "together:\n`test_trust_reason --print > docs/reasons.md` writes it anew.\n\n*Result type* is the word of RFC 8460 section "
        "4.3 that a report about TLS uses for it. *To mend* speaks to the owner of the\nreceiving domain; where it is missing, "
        "nothing is theirs to do.\n");
    for (size_t i = 0; trust_reason_at(i, &reason); i++) {
        (void)buf_printf(out, "\n## %s\n\nNumber %u", trust_reason_name(reason), reason);
        if (*trust_reason_rfc8460(reason) != '\0')
            (void)buf_printf(out, ", result type `%s`", trust_reason_rfc8460(reason));
        (void)buf_printf(out, ". %s\n\n- Technically: %s\n", trust_reason_clerk(reason), trust_reason_engineer(reason));
        if (*trust_reason_mend(reason) != '\0')
            (void)buf_printf(out, "- To mend: %s\n", trust_reason_mend(reason));
    }
}

#endif
