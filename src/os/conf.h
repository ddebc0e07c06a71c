/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: one schema (conf_schema.c) that parses, checks, gives defaults and writes the reference page.
 * libconfuse syntax. Every role parses the same text, handed over by the supervisor; nothing in it is secret. */
#ifndef OS_CONF_H
#define OS_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CONF_TEXT_MAX (128u * 1024u) /* bytes of a configuration file: it travels in one local message */
#define CONF_LISTEN_MAX 8u           /* addresses of one listener */
#define CONF_SUBMISSION_MAX 8u       /* submission sections */
#define CONF_LIST_MAX 32u            /* other lists */
#define CONF_PINS_MAX 16u            /* pins of a domain: as trust_pin compares */
#define CONF_DEMANDS_MAX 1000u       /* domain sections, and tenant sections: as many as the text has room for */

/* A list of strings. */
struct conf_list {
    char **item;
    size_t count;
};

struct conf_submission {
    struct conf_list listen; /* "127.0.0.1:465", "[::1]:465" */
    bool starttls;           /* mode "starttls"; otherwise "tls" (implicit) */
    char *certificate;       /* PEM chain file */
    char *key;               /* PEM key file */
};

/* A section `domain "NAME"` or `tenant "NAME"`; looked up by conf_demand.h. */
struct conf_demand {
    char *name;            /* the title: A-labels in lower case, or a tenant */
    uint64_t minimum;      /* 0: not set; otherwise as conf.trust_minimum */
    struct conf_list pins; /* domains only */
    int64_t pins_until;    /* microseconds UTC, exclusive; 0 without pins */
};

/* All sections of a kind, sorted by name. */
struct conf_demands {
    struct conf_demand *item;
    size_t count;
};

/* Every duration is in microseconds, every size in bytes; paths are absolute (relative ones are taken from the folder
 * of the configuration file). */
struct conf {
    char *hostname;  /* our name in greetings, Received and the default helo */
    char *directory; /* state: <directory>/store, keys, run */
    char *operator_name; /* `operator`: shown in notices and pages */
    char *postmaster; /* mailbox of the operator: alarms name it, pages show it */
    char *log_level;

    struct conf_submission submission[CONF_SUBMISSION_MAX];
    size_t submission_count;
    uint64_t message_max;          /* limits { message-size } */
    uint64_t sessions_max;         /* limits { sessions } per intake process */
    uint64_t recipients_max;       /* limits { recipients } of one message, at most 100 */
    uint64_t store_reserve;        /* limits { disk-reserve }: below this free space intake answers 452 */
    uint64_t queue_max;            /* limits { queue }: messages held */

    struct conf_list resolver_forward; /* "127.0.0.1:5300"; empty: iterate from the root */
    char *resolver_trust_anchor;       /* file of DS or DNSKEY records; NULL: none, everything counts as insecure */
    uint64_t resolver_sts_port;        /* of MTA-STS policy hosts */
    char *trust_ca_file;               /* PEM bundle */
    uint64_t trust_profile;            /* enum trust_profile: 0 strict, 1 nist, 2 fips */
    char *trust_fips_config;           /* what `openssl fipsinstall` wrote; read with profile fips only */
    uint64_t trust_minimum;            /* enum trust_level: 1 pkix, 2 pkix+dnssec, 3 sts, 4 dane */
    int64_t trust_memory;              /* how long the best level a domain has shown is kept */
    struct conf_demands domain;
    struct conf_demands tenant;

    uint64_t courier_port;
    struct conf_list courier_source; /* local addresses to send from, at most one of each family */
    char *courier_helo;
    bool courier_allow_private;
    int64_t courier_retry[CONF_LIST_MAX]; /* delay before the next attempt; the last one repeats */
    size_t courier_retry_count;
    int64_t courier_hold;            /* holding limit: after this, post */
    int64_t courier_connect_timeout;
    int64_t courier_command_timeout;
    uint64_t courier_per_destination; /* concurrent leases of one destination */

    char *notice_from;         /* From: of notices and codes */
    char *notice_reverse_path; /* MAIL FROM of notices and codes; "" is the null path */
    char *notice_helo;         /* EHLO name of the notice route */
    char *notice_subject;
    char *notice_text;         /* template with {link} {expires} {operator} */
    int64_t notice_lifetime;   /* not delivered within it: the letter is withdrawn and returned */
    int64_t notice_refusal_gap; /* between the two tries that make a refusal final */
    uint64_t notice_daily_recipient; /* notices and codes to one recipient in a day */
    uint64_t notice_daily_domain;

    struct conf_list center_listen;
    char *center_base_url; /* "https://host:port" without a slash at the end */
    char *center_certificate;
    char *center_key;
    int64_t center_letter_lifetime;
    int64_t center_link_lifetime;
    int64_t center_code_lifetime;
    int64_t center_session_idle;
    uint64_t center_code_tries;

    char *report_contact;      /* mailbox for reports about TLS (RFC 8460); NULL: nothing is counted and none is sent */
    char *report_organization; /* NULL: operator_name */
    char *report_domain;       /* signs and submits; NULL: the contact's */
    char *report_selector;     /* of the DKIM key */
    int64_t report_spread;     /* reports leave within it after midnight UTC */
    uint64_t report_daily;     /* reports of others taken in a day (UTC) */
    int64_t report_count_every; /* how often couriers hand over what they counted */

    struct conf_list keys_escrow; /* PEM public keys; at least one */

    uint64_t roles_uid;    /* first numeric uid and gid; role kind k runs as uid + k */
    uint64_t roles_intake; /* processes; 0: one per core */
    uint64_t roles_courier;
    uint64_t roles_web;
};

/* Parses text (name is shown in errors, base is the folder for relative paths). False with "name:line: what is wrong,
 * what to do"; an unknown key names the nearest known one. On success *ret_conf is to be freed with conf_free(). */
bool conf_parse(const char *text, const char *name, const char *base, struct conf **ret_conf, struct err *err);

/* Frees everything. *conf becomes NULL; NULL is accepted. */
void conf_free(struct conf **conf);

/* Appends the reference page (scdoc source of sealpost.conf(5)), made from the schema. */
void conf_reference(struct buf *out);

/* Appends a first configuration file with these values, every key explained in a comment. */
void conf_example(struct buf *out, const char *directory, const char *hostname);

#endif
