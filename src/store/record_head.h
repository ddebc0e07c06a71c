/* SPDX-License-Identifier: Apache-2.0 */
/* The heads of journal records: one struct and one layout table for each type (docs/formats-journal.md). What came from
 * another role is kept in the very bytes of its local message where that is a list (recipients, letters, evidence):
 * sealed there, and opaque here. Times are UTC microseconds. */
#ifndef STORE_RECORD_HEAD_H
#define STORE_RECORD_HEAD_H

#include "os/msg.h"
#include "store/record.h"

#define RECORD_LEAVES_MAX 16384u /* one leaf for each of 100 recipients, and room */
#define RECORD_CHANGES_MAX (MSG_LIST_MAX + 8192u) /* a list of msg_result and 61 bytes more for each of 100 */
#define RECORD_COUNTS_MAX 131072u
#define RECORD_TENANTS_MAX 512u /* tenants of one installation: their counters fit one wave-end */
#define RECORD_CENTER_MAX 4096u

/* RECORD_MESSAGE; record id is the message; record content its inline content. */
struct record_message {
    uint8_t kind; /* enum msg_message_kind */
    uint32_t flags;
    struct slice tenant;
    struct id credential;
    int64_t accepted_us;
    int64_t by_us;
    uint64_t size;
    struct tag message_id;
    uint64_t content_length; /* of the file content/<id>; 0: inline */
    struct tag content_tail;
    struct slice header;
    struct slice envelope;
    struct slice recipients; /* msg_recipient */
    struct slice leaves;
};

/* RECORD_TRANSITION; record id is the message. Atomic: a recipient is posted together with its letter. */
struct record_transition {
    int64_t at_us;
    uint64_t message;      /* position of the message's record */
    uint8_t kind;          /* enum msg_message_kind of the message */
    struct slice tenant;
    struct slice changes;  /* record_change */
    struct slice letters;  /* msg_letter */
    struct slice evidence; /* msg_evidence */
    struct slice leaves;
};
struct record_change {
    uint16_t index;
    uint8_t event;  /* enum state_event */
    uint8_t state;  /* after it, as in struct state */
    uint8_t notice;
    uint8_t flags;
    uint32_t generation;
    uint32_t attempt; /* number of the attempt this ended; 0: not an attempt */
    uint16_t reason;
    uint8_t proof;
    int64_t next_us; /* when to try again; 0: not at all */
    struct id letter;   /* the letter it is about; zero: none */
    struct id evidence;
    struct slice text;
};

/* RECORD_CENTER; record id is the letter. */
struct record_center {
    uint8_t act; /* enum center_act */
    uint64_t letter; /* its row in the index; 0: none */
    int64_t at_us;
    struct digest link;    /* a link made by it, or the unknown one that was tried */
    struct digest session; /* a session made by it */
    int64_t until_us;      /* of that link or session */
    struct slice state;    /* the letter's whole center_state after it; empty: unchanged */
    /* CENTER_CODE_ASKED, CENTER_LINK_ASKED: a mail to be sent; TRANSIT_*: what became of it */
    struct id transit;
    uint8_t transit_kind; /* enum msg_center_kind */
    uint8_t transit_end;  /* enum msg_outcome; 0: not ended */
    struct slice header;
    struct slice sealed;
    struct slice leaves;
};

/* RECORD_CREDENTIAL; record id is the credential. */
struct record_credential {
    bool removed;
    int64_t at_us;
    struct slice name;
    struct slice record;
    struct slice leaves;
};

/* RECORD_LOCK. */
struct record_lock {
    struct digest subject;
    int64_t until_us; /* in the past: lifted */
};

/* RECORD_DOMAIN: domain memory, by a tag whose key is not here. Version 1 ends after at_us. */
struct record_domain {
    struct tag domain;
    uint8_t level; /* enum trust_level; 0: nothing was shown now, what is known stays */
    int64_t at_us;
    uint8_t acts;  /* enum record_domain_act bits */
    struct slice policy; /* sealed; empty with RECORD_DOMAIN_POLICY: there is none any more */
};
enum record_domain_act {
    RECORD_DOMAIN_POLICY = 1, /* policy takes the place of the kept one */
    RECORD_DOMAIN_FORGET = 2, /* the operator's word: level and policy are forgotten */
};

/* RECORD_TALLY: counts for a report about TLS, by the domain's tag; record id is the part's. */
struct record_tally {
    struct tag domain;
    uint32_t day;        /* clock_day() */
    int64_t at_us;
    bool done;           /* the report of that domain and day is sent or given up: the parts go, no more come */
    struct slice sealed; /* empty with done */
};

/* RECORD_RECEIVED: a report about TLS that somebody has sent; record id is its own. */
struct record_received {
    int64_t at_us;
    uint32_t size; /* as it came */
    struct slice header;
    struct slice sealed;
};

/* RECORD_ADMIN; record id is what the act was done to, or zero. */
struct record_admin {
    uint8_t act; /* enum record_admin_act */
    int64_t at_us;
    struct slice leaves;
};
enum record_admin_act {
    RECORD_ADMIN_START = 1,
    RECORD_ADMIN_SHOWN = 2, /* addresses were shown to the operator */
    RECORD_ADMIN_RETRY = 3,
    RECORD_ADMIN_DAMAGE = 4,
    RECORD_ADMIN_FORGET = 5, /* what was remembered of a domain */
};

/* RECORD_WAVE_END: cumulative counters of every tenant that has any. */
struct record_wave_end {
    int64_t at_us;
    struct slice counts; /* record_counts */
};
struct record_counts {
    struct slice tenant;
    uint64_t accepted; /* recipients of mail */
    uint64_t delivered;
    uint64_t posted;
    uint64_t returned;
    uint64_t dsn_accepted; /* recipients of DSNs, apart */
    uint64_t dsn_final;
    uint64_t notices_sent;
    uint64_t expansions;   /* recipients made out of lists; none are made yet */
};

extern const struct layout record_message_layout, record_transition_layout, record_change_layout, record_center_layout,
    record_credential_layout, record_lock_layout, record_domain_layout, record_tally_layout, record_received_layout, record_admin_layout, record_wave_end_layout, record_counts_layout;

/* Reads the head of a RECORD_DOMAIN of any version. False when it is malformed. */
bool record_domain_read(const struct record *record, struct record_domain *ret_domain);

#endif
