/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a path of certificates: the kind for trust_verdict, a sentence for the engineer. */
#ifndef TRUST_TRUST_FLAW_H
#define TRUST_TRUST_FLAW_H

#include "trust/trust_facts.h"

struct trust_flaw {
    enum trust_cert_fault fault; /* FINE: nothing */
    const char *detail;          /* static text; NULL when fine */
};

#define TRUST_FLAW_NONE ((struct trust_flaw){TRUST_CERT_FINE, NULL})

#endif
