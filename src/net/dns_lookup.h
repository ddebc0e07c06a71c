/* SPDX-License-Identifier: Apache-2.0 */
/* The look-up of one domain, from the MX question to the TLSA records of the last host. Used by dns_dossier.c alone. */
#ifndef NET_DNS_LOOKUP_H
#define NET_DNS_LOOKUP_H

#include "net/dns_dossier.h"

/* A look-up starts in MX. MX records (or their absence) lead to HOSTS, where both address questions of each host are
 * open at once. A secure MX answer leads on to TLSA, where each host with an address is asked about (dns_tlsa.h). An MX question that a server fails leads to ALIASES, which follows the domain's CNAMEs one by one to tell a loop from a
 * broken server. Every way ends in DONE. One function changes the state: lookup_enter(). */
enum dns_lookup_state {
    DNS_LOOKUP_MX,
    DNS_LOOKUP_ALIASES,
    DNS_LOOKUP_HOSTS,
    DNS_LOOKUP_TLSA,
    DNS_LOOKUP_DONE,
};

struct dns_lookup;

/* The look-up is done. The callee may take the dossier's hosts (leaving none) and frees the look-up. */
typedef void dns_lookup_fn(void *ctx, struct dns_lookup *lookup);

/* A look-up of domain that is not started. */
struct dns_lookup *dns_lookup_create(const char *domain, dns_ask_fn *ask, void *ask_ctx, uint16_t port, dns_lookup_fn *fn,
                                     void *ctx);

/* Starts it; fn is called once, perhaps before this returns. */
void dns_lookup_start(struct dns_lookup *lookup);

/* What was found, once done. */
struct dns_dossier *dns_lookup_dossier(struct dns_lookup *lookup);

/* Frees a look-up, with what is left of its dossier; its questions must be answered or never be answered any more. *lookup becomes NULL; NULL is accepted. */
void dns_lookup_free(struct dns_lookup **lookup);

#endif
