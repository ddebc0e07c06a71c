/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a recipient (P3). The story:
 *
 * A recipient is accepted as QUEUED. Attempts that end in "later" leave it queued, with a time for the next one. It
 * leaves the queue by one of three doors: DELIVERED, when a proved host took it; POSTED, when it became a letter in the
 * Message Center; RETURNED, when the sender is told why it could not be.
 *
 * Delivered and returned are final. Posted is final once the recipient has been told, and until then the letter's
 * notice has a story of its own: it is PENDING and is tried like mail. When posting was caused by a sign of attack and
 * no proof can be had, it is HELD until the operator's word makes it pending again. It ends SENT. When
 * every host refused it in two tries (the first is remembered in refused_once), it ends REFUSED, and when its lifetime
 * passed first (held or not) it ends WITHDRAWN; in both cases the letter is closed, and the recipient goes from posted
 * to RETURNED.
 *
 * A recipient returned by the store's own doing (a letter withdrawn, content found damaged) still owes the sender an
 * answer: tell is set, and a courier is asked to write it; TOLD clears it.
 *
 * Every change raises the generation by one. A lease carries the generation it was made for, and a completion for
 * another one is stale: refused, nothing changes. Only state_change() changes a state; it writes the transition and
 * the audit leaf, and moves the counters, in the same breath. */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include "store/record_head.h"

enum state_recipient {
    STATE_QUEUED = 1,
    STATE_DELIVERED = 2,
    STATE_POSTED = 3,
    STATE_RETURNED = 4,
};

enum state_notice {
    STATE_NOTICE_NONE = 0,
    STATE_NOTICE_PENDING = 1,
    STATE_NOTICE_SENT = 2,
    STATE_NOTICE_REFUSED = 3,
    STATE_NOTICE_HELD = 4,
    STATE_NOTICE_WITHDRAWN = 5,
};

/* Numbers are on disk. */
enum state_event {
    STATE_DELIVER = 1,
    STATE_LATER = 2,
    STATE_POST = 3,
    STATE_RETURN = 5,        /* the courier handed over the answer to the sender, or none is owed */
    STATE_RETURN_UNTOLD = 6, /* the store's doing: the answer is still to be written */
    STATE_NOTICE_DELIVER = 7,
    STATE_NOTICE_LATER = 8,
    STATE_NOTICE_REFUSE_ONCE = 9,
    STATE_NOTICE_REFUSE = 10,
    STATE_NOTICE_HOLD = 11,
    STATE_NOTICE_RELEASE = 12,
    STATE_NOTICE_WITHDRAW = 13,
    STATE_TELL = 14,       /* the answer was written */
    STATE_TELL_LATER = 15,
    STATE_EVENT_COUNT
};

enum {
    STATE_FLAG_REFUSED_ONCE = 1,
    STATE_FLAG_TELL = 2,
    STATE_FLAG_RELEASED = 8, /* the operator let a held notice go: it and the codes after it need no proof */
    STATE_FLAG_ATTACK = 4, /* an attempt saw a sign of attack: remembered, for the attacker chooses the last attempt's reason */
};

/* One recipient, in the queue's memory. */
struct state {
    uint32_t generation;
    uint8_t recipient; /* enum state_recipient */
    uint8_t notice;    /* enum state_notice */
    uint8_t flags;
    uint8_t kind;      /* enum msg_message_kind: which counters */
};

/* Counters of one tenant since the first start; queued is what is left. */
struct state_counts {
    uint64_t accepted;
    uint64_t delivered;
    uint64_t posted;
    uint64_t returned;
    uint64_t dsn_accepted;
    uint64_t dsn_final;
    uint64_t notices_sent;
    uint64_t expansions;
};

/* What happened to whom, and why. */
struct state_cause {
    enum state_event event;
    uint32_t generation; /* of the lease; must be the recipient's */
    uint16_t index;
    struct id message;
    int64_t at_us;
    uint32_t attempt;
    uint16_t reason;
    uint8_t proof;
    bool attack; /* a sign of attack */
    int64_t next_us;
    struct id letter;
    struct id evidence;
    struct slice text;
};

/* Where a change is written: lists of record_change and of leaves, for one RECORD_TRANSITION. */
struct state_writer {
    struct buf changes;
    struct buf leaves;
};

enum state_result {
    STATE_CHANGED,
    STATE_STALE,     /* another generation: an old lease speaks */
    STATE_FORBIDDEN, /* no such way from this state */
};

/* A writer for one record. Freed with state_writer_free(). */
void state_writer_init(struct state_writer *writer);
/* Frees both buffers. */
void state_writer_free(struct state_writer *writer);

/* A new recipient: counts it and appends its leaf (LEAF_ACCEPTED, with its salted name). */
void state_accept(struct state *ret_state, uint8_t kind, const struct id *message, const struct msg_recipient *recipient,
                  int64_t at_us, struct state_counts *counts, struct buf *leaves);

/* The one function that changes a state. On STATE_CHANGED *state is the new one, one change and one leaf are appended
 * to *writer, and *counts moved with it; otherwise nothing was touched. */
enum state_result state_change(struct state *state, const struct state_cause *cause, struct state_counts *counts,
                               struct state_writer *writer);

/* What an attempt that ended so is called to the operator (enum msg_outcome; 0: not an attempt). */
uint8_t state_outcome(enum state_event event);

/* True when the queue must keep it: it is queued, its notice is on its way or held, or the sender is to be told. */
bool state_is_live(const struct state *state);

/* Moves counters for a change between two states (before 0: accepted). */
void state_count(struct state_counts *counts, uint8_t kind, uint8_t before, uint8_t after, enum state_event event);

/* Applies to counters what a written change says, as state_change() did. False for an event that does not exist. */
bool state_count_change(struct state_counts *counts, uint8_t kind, const struct record_change *change);

/* Recipients still queued by the counters; false when they do not add up. */
bool state_queued(const struct state_counts *counts, uint64_t *ret_mail, uint64_t *ret_dsn);

/* "queued", "delivered", ...; "?" otherwise. */
const char *state_recipient_name(uint8_t state);
/* "", "pending", "sent", ...; "?" otherwise. */
const char *state_notice_name(uint8_t notice);

#endif
