/* SPDX-License-Identifier: Apache-2.0 */
/* What `sealpost explain` knows of one domain: what was found (resolver, probes, memory, configuration), and what trust
 * makes of it under each profile. Collected by explain_run, judged here with the functions the couriers use, told by
 * explain_text, explain_json and the survey. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "cli/explain_pool.h"
#include "mail/address.h"
#include "roles/courier.h"
#include "trust/trust_attempt.h"

#define EXPLAIN_PROFILES 3u /* enum trust_profile */

/* What the domain has shown before. */
struct explain_known {
    bool asked;   /* sealpostd was there to be asked */
    enum trust_level level;
    int64_t at_us;
    struct slice policy; /* msg_policy that is kept of it; empty: none. Borrowed */
};

/* One address of a host, under one profile. */
struct explain_try {
    const struct explain_probe *probe; /* NULL: not looked at */
    struct trust_session facts;        /* the probe's, with this domain's own part; all pointers are borrowed */
    struct trust_verdict verdict;
    bool judged;
    bool reached; /* a courier would come so far */
};

struct explain_host {
    char *name;
    uint16_t preference;
    enum trust_dns dns;
    bool secure;
    char *canonical;          /* where secure aliases of the name end; NULL: the name itself */
    enum trust_tlsa_state tlsa;
    char *tlsa_base;          /* NULL: none */
    struct slice tlsa_records; /* msg_tlsa, borrowed from the dossier */
    size_t offered;           /* addresses, also those that are not looked at */
    size_t count;
    struct msg_address address[COURIER_ADDRESSES_MAX];
    struct explain_try tries[EXPLAIN_PROFILES][COURIER_ADDRESSES_MAX];
    struct trust_verdict verdict[EXPLAIN_PROFILES]; /* action 0: not judged */
};

/* How mail would end under one profile. */
struct explain_fate {
    bool judged;
    struct trust_verdict verdict;
    const struct explain_host *host; /* that would take it, or gave the reason; NULL: none */
};

struct explain {
    struct mail_domain domain;
    bool has_address;
    struct mail_address address;
    struct explain_known known;
    struct buf payload;         /* what dossier and policy point into */
    struct msg_dossier dossier; /* zero for an address literal */
    struct msg_policy policy;
    bool has_policy;
    struct trust_domain facts;
    enum trust_profile demanded; /* by the configuration */
    struct conf_list pins;      /* in force, borrowed from the configuration */
    int64_t pins_until;
    int64_t hold_us;
    unsigned port;
    struct explain_host *host;
    size_t count;
    size_t left_out;            /* hosts beyond COURIER_HOSTS_MAX, which are never reached */
    bool profiles[EXPLAIN_PROFILES]; /* that are looked at */
    struct explain_fate fate[EXPLAIN_PROFILES];
    int64_t at_us;              /* when it was judged */
};

/* Starts with the domain (A-labels or U-labels, or a literal in brackets) or, when it holds an at sign, the domain of that
 * address. address, which may be NULL, is the full address and must be of the same domain. profile is demanded, and
 * looked at. False with the reason. */
bool explain_init(struct explain *explain, const char *domain, const char *address, struct err *err);

/* Frees everything and zeroes. */
void explain_free(struct explain *explain);

/* Takes what the configuration demands of the domain. conf must outlive explain. */
void explain_demand(struct explain *explain, const struct conf *conf, int64_t now_us);

/* Reads the resolver's answer (a msg_dossier) into hosts, policy and facts. A payload that cannot be read counts as a
 * malformed answer. */
void explain_take_dossier(struct explain *explain, struct slice payload, bool allow_private);

/* The resolver has not answered, or is gone: what a courier makes of no answer. */
void explain_take_silence(struct explain *explain);

/* The hosts of an address literal, which needs no resolver. */
void explain_take_literal(struct explain *explain, bool allow_private);

/* Asks pool for every address of every host under a profile. Under another than the first, only where the first one's
 * handshake cannot tell (explain_judge() has been called for it). */
void explain_probe_all(struct explain *explain, struct explain_pool *pool, const char *helo, enum trust_profile profile,
                       enum trust_profile first);

/* True when every probe of that profile has been answered. */
bool explain_probed(const struct explain *explain, enum trust_profile profile);

/* Judges domain, hosts and end under a profile, as a courier walks: what it would not have reached is judged too, for people
 * to see, but does not count. */
void explain_judge(struct explain *explain, enum trust_profile profile, int64_t now_us);

/* The facts that count, in the order of a courier's tries. Their pointers are borrowed: free with explain_attempt_free(). */
void explain_attempt(const struct explain *explain, enum trust_profile profile, struct trust_attempt *ret_attempt);

/* Frees the attempt, not what its facts borrow. */
void explain_attempt_free(struct trust_attempt *attempt);

/* The demanded profile's fate. */
const struct explain_fate *explain_end(const struct explain *explain);

/* "strict", "nist", "fips". */
const char *explain_profile_name(enum trust_profile profile);

#endif
