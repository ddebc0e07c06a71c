/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of an envelope, sealed: written by intake (and by couriers for DSNs and letters), read by couriers, by
 * the CLI against an operator grant, and by web for the letter it may show. The layouts are formats: a change is a new
 * version byte. */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include "base/layout.h"

/* Kinds of sealed fields, bound into their AAD with the id of their message and an index: no field can take the place
 * of another. */
enum mail_field {
    MAIL_FIELD_ENVELOPE = 1,  /* index 0 */
    MAIL_FIELD_RECIPIENT = 2, /* index of the recipient */
    MAIL_FIELD_TEXT = 3,      /* index of the recipient: reply and reason of its last attempt */
    MAIL_FIELD_TOKEN = 4,     /* index 0: link token of a letter or of a renewal */
    MAIL_FIELD_CODE = 5,      /* index 0: one-time code on its way */
    MAIL_FIELD_EVIDENCE = 6,  /* index 0 */
    MAIL_FIELD_DKIM = 9,      /* index 0; no id: keyd's key that signs reports about TLS */
    MAIL_FIELD_REPORT = 10,   /* index 0: a report about TLS that somebody has sent, as it came */
    MAIL_FIELD_TALLY = 8,     /* index the day; the id is the domain's tag: counts for a report about TLS */
    MAIL_FIELD_POLICY = 7,    /* index 0; the id is the domain's tag: a kept MTA-STS policy */
};

/* NOTIFY of RFC 3461; 0 stands for "not given", which means FAILURE (and DELAY at our discretion). */
enum mail_notify { MAIL_NOTIFY_NEVER = 1, MAIL_NOTIFY_SUCCESS = 2, MAIL_NOTIFY_FAILURE = 4, MAIL_NOTIFY_DELAY = 8 };

#define MAIL_ENVELOPE_VERSION 2 /* 1: without minimum and require_tls */
#define MAIL_RECIPIENT_VERSION 1
#define MAIL_PATH_MAX 320u       /* local part 64, "@", domain 255: octets */
#define MAIL_ENVID_MAX 100u      /* RFC 3461 section 4.4 */
#define MAIL_ORCPT_MAX 500u      /* RFC 3461 section 4.2 */
#define MAIL_MESSAGE_ID_MAX 998u /* one header line */

struct mail_envelope {
    uint8_t version;
    struct slice reverse_path; /* without brackets; empty: the null path */
    struct slice envid;        /* decoded; empty: none */
    struct slice message_id;   /* with brackets, as in the header */
    struct slice date;         /* Date field's value, for DSNs */
    struct slice credential;   /* name of the credential that sent it */
    struct slice mail_from;    /* first mailbox of From:, for the letter page and replies */
    uint8_t ret;               /* 0 none, 1 FULL, 2 HDRS */
    bool smtputf8;
    bool eight_bit;
    uint8_t minimum;           /* enum trust_level; the higher of what credential and message demand; 0: neither does */
    bool require_tls;          /* RFC 8689; a report of such a message is one too */
};

struct mail_recipient {
    uint8_t version;
    struct slice address;   /* as given at RCPT, without brackets */
    struct slice canonical; /* mail_address_canonical() of it: what tags and digests are made of */
    struct slice orcpt;     /* decoded "type;address"; empty: none */
    struct key salt;        /* of the audit leaf's name digest */
};

extern const struct layout mail_envelope_layout, mail_recipient_layout;

/* Reads an envelope of this version or an earlier one, whose missing fields are zero. False when it is neither. Slices
 * point into plain. */
bool mail_envelope_read(struct slice plain, struct mail_envelope *ret_envelope);

/* SHA-256 over salt and canonical: how an audit leaf names a person. */
void mail_recipient_name(const struct mail_recipient *recipient, struct digest *ret_name);

#endif
