/* SPDX-License-Identifier: Apache-2.0 */
/* All that the DNS says about where a domain's mail goes: MX set with its DNSSEC state (RFC 5321 5.1, RFC 7505), the
 * addresses of each host with theirs, and its TLSA records where all of that is secure (RFC 7672 2.2). Dossiers are kept in memory for as long as their records live; the same domain
 * asked for twice at once is looked up once. */
#ifndef NET_DNS_DOSSIER_H
#define NET_DNS_DOSSIER_H

#include "net/dns.h"
#include "net/dns_tlsa.h"

/* Hosts of one domain, best preference first; large domains have a dozen. */
#define DNS_HOSTS_MAX 32
/* Addresses of one family of one host; more are never tried. */
#define DNS_ADDRESSES_MAX 16
/* Dossiers held, done or under way; a host takes about a kilobyte and its TLSA records, a domain has two in the mean. */
#define DNS_DOSSIERS_MAX 10240
/* Bytes of hosts and records held, so that domains with 32 hosts of two dozen records do not fill the memory. */
#define DNS_DOSSIERS_BYTES_MAX (48u * 1024u * 1024u)
/* Bytes of TLSA records of one dossier: with its hosts it must fit one list of a local message (MSG_LIST_MAX). */
#define DNS_TLSA_BYTES_MAX (128u * 1024u)
/* Domains looked up at once: each has at most 2 * DNS_HOSTS_MAX open questions. */
#define DNS_LOOKUPS_MAX 512
/* Whoever asks is answered by then, with TIMEOUT if need be; below MSG_DEADLINE_US. */
#define DNS_LOOKUP_US INT64_C(8000000)
/* Aliases followed when a look-up failed, to tell a loop from a broken server. */
#define DNS_ALIASES_MAX 9

struct dns_address {
    uint8_t family; /* 4 or 6 */
    uint8_t bytes[16];
};

struct dns_host {
    char name[DNS_NAME_MAX];      /* as the MX record says; the name that the certificate must show */
    char canonical[DNS_NAME_MAX]; /* where aliases of the name end; empty when there are none */
    uint16_t preference;
    enum msg_dns status; /* OK when there is an address */
    bool secure;         /* every answer about its addresses, with the aliases on the way, was validated */
    struct dns_address addresses[2 * DNS_ADDRESSES_MAX];
    size_t address_count;
    struct dns_tlsa tlsa; /* UNASKED unless the MX answer and this host's addresses are secure, see net/dns_tlsa.h */
};

/* status: of the MX question; when there is no MX (implicit) and the domain itself has no address, of that. OK with
 * hosts that have no address is possible: each host has its own status. */
struct dns_dossier {
    enum msg_dns status;
    bool secure;   /* MX answer, or its denial, was validated */
    bool implicit; /* no MX: the one host is the domain itself */
    int64_t expires_us; /* utc */
    size_t count;
    struct dns_host *hosts; /* by preference; equal ones in no order */
};

/* The dossier lives until the callback returns. */
typedef void dns_dossier_fn(void *ctx, const struct dns_dossier *dossier);

struct dns_dossiers;

/* An empty store that asks through ask (ask_ctx must outlive it). port: where the hosts take mail, for TLSA names. */
struct dns_dossiers *dns_dossiers_create(dns_ask_fn *ask, void *ask_ctx, uint16_t port);

/* Calls fn exactly once with the dossier of domain (lower-case A-labels, no last dot), perhaps before returning. A domain that is
 * no host name gives MALFORMED, too much work at once SERVFAIL. */
void dns_dossiers_ask(struct dns_dossiers *dossiers, struct slice domain, dns_dossier_fn *fn, void *ctx);

/* Forgets the dossiers that are done. Not from inside a callback. */
void dns_dossiers_empty(struct dns_dossiers *dossiers);

/* Drops the asks of ctx: their fn will not be called. */
void dns_dossiers_forget(struct dns_dossiers *dossiers, const void *ctx);

/* Answers those who have waited too long. To be called a few times a second while dns_dossiers_busy(). */
void dns_dossiers_tick(struct dns_dossiers *dossiers);

/* Frees what a dossier owns: hosts and their records. */
void dns_dossier_clear(struct dns_dossier *dossier);

/* Domains being looked up. */
size_t dns_dossiers_busy(const struct dns_dossiers *dossiers);

/* Frees everything; asks still open are not answered. Whatever answers questions must be stopped before. *dossiers
 * becomes NULL; NULL is accepted. */
void dns_dossiers_free(struct dns_dossiers **dossiers);

#endif
