/* SPDX-License-Identifier: Apache-2.0 */
/* The domain of an address: a host name (LDH labels, or U-labels with SMTPUTF8) or an address literal in brackets.
 * Everything behind this door (policy, DNS, tags, comparing) uses the lower-case A-label form in `ascii` only. */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H

#include "base/err.h"
#include "base/slice.h"
#include "mail/limits.h"

/* Flag of the parsers of this room: the client asked for SMTPUTF8 (RFC 6531), so UTF-8 may stand in addresses. */
#define MAIL_SMTPUTF8 0x1u

enum mail_domain_kind {
    MAIL_DOMAIN_NAME,
    MAIL_DOMAIN_IPV4, /* [192.0.2.1] */
    MAIL_DOMAIN_IPV6, /* [IPv6:2001:db8::1] */
};

/* A value: no memory behind it. Texts are NUL-terminated and hold no NUL. */
struct mail_domain {
    enum mail_domain_kind kind;
    char text[MAIL_DOMAIN_MAX + 1];  /* as written */
    char ascii[MAIL_DOMAIN_MAX + 1]; /* lower-case A-labels; a literal in its one normal spelling, with brackets */
    uint8_t ip[16];                  /* network order; 4 bytes for IPv4; zero for a name */
};

/* Reads the whole of s as a Domain or address-literal of RFC 5321 4.1.2. Refused: empty labels, a dot at either end,
 * labels over 63 octets, hyphens at a label's end, underscores, General-address-literal, zone ids, numbers with
 * leading zeros in an IPv4 literal (read as octal by some), UTF-8 without MAIL_SMTPUTF8 in flags. U-labels are mapped
 * by UTS 46 (non-transitional) and the result must again be a host name. False leaves *ret_domain zeroed and a reason
 * in err, which quotes nothing of s. */
bool mail_domain_parse(struct slice s, unsigned flags, struct mail_domain *ret_domain, struct err *err);

/* True when both are the same domain, however written. */
bool mail_domain_eq(const struct mail_domain *a, const struct mail_domain *b);

#endif
