/* SPDX-License-Identifier: Apache-2.0 */
/* The TXT record _smtp._tls.DOMAIN, by which a domain asks for reports about TLS (RFC 8460 section 3). */
#ifndef TRUST_TLSRPT_RECORD_H
#define TRUST_TLSRPT_RECORD_H

#include "base/slice.h"

#define TLSRPT_RUA_MAX 4u        /* addresses a report is sent to: domains name one or two; the rest is left out */
#define TLSRPT_URI_MAX 512u      /* bytes of one of them */
#define TLSRPT_RECORD_MAX 2048u  /* bytes of a record */

enum tlsrpt_way { TLSRPT_MAILTO, TLSRPT_HTTPS };

/* Where one report goes: a mailbox (decoded, no headers of the URI) or an https address as it stands. */
struct tlsrpt_rua {
    enum tlsrpt_way way;
    char text[TLSRPT_URI_MAX + 1];
};

struct tlsrpt_record {
    size_t count;
    struct tlsrpt_rua rua[TLSRPT_RUA_MAX];
};

/* Reads the TXT records (strings of each joined) found at the name. True when exactly one of them is of version
 * TLSRPTv1 and names an address of a kind known here; fields and addresses of other kinds are passed over. */
bool tlsrpt_record_read(const struct slice *records, size_t count, struct tlsrpt_record *ret_record);

#endif
