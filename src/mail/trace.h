/* SPDX-License-Identifier: Apache-2.0 */
/* The Received field that a submission gets (RFC 5321 4.4): who handed the message in and over what TLS. There is no "for":
 * it would show one recipient to another. */
#ifndef MAIL_TRACE_H
#define MAIL_TRACE_H

#include "base/buf.h"

/* The facts; slices are borrowed for the call. */
struct mail_trace {
    struct slice helo;        /* argument of EHLO */
    struct slice client_ip;   /* as text, "192.0.2.1" or "2001:db8::1"; empty: not shown */
    struct slice host;        /* our own name */
    struct slice id;          /* our id of the message */
    struct slice tls_version; /* "TLSv1.3" */
    struct slice tls_cipher;  /* "TLS_AES_256_GCM_SHA384" */
    unsigned tls_bits;
    bool smtputf8;            /* MAIL FROM had SMTPUTF8: "with UTF8SMTPSA" (RFC 6531 4.3) instead of ESMTPSA (RFC 3848) */
    int64_t utc_us;
};

/* Appends the field with its folds and CRLF. Every fact is held to the characters that may stand in its place; others
 * become "?", so that no fact can start another line or comment (row 13). */
bool mail_trace_append(struct buf *out, const struct mail_trace *trace);

/* Appends one fact so held, at most 255 bytes of it; "unknown" when it is empty. */
void mail_trace_put_fact(struct buf *out, struct slice fact);

#endif
