/* SPDX-License-Identifier: Apache-2.0 */
/* The index: an SQLite database (WAL, synchronous=NORMAL) that is fed by journal records alone and can always be
 * brought up to date from them. It answers the operator's questions, loads the queue at start, and keeps what outlives
 * the journal's segments: rows of messages, evidence, letters, credentials, locks. One connection, prepared statements,
 * and one transaction for many waves, always behind the 250s; the journal position reached is stored in the same
 * transaction, so that replay begins exactly there. Rows are numbered by journal position, so that tables grow at
 * their end: a message has its record's position, its recipient n that position plus n.
 *
 * Look-up tags are stored as the first 8 bytes of the tag. Everything that names a person is sealed. */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "base/clock.h"
#include "base/err.h"
#include "store/center_state.h"
#include "store/state.h"

#define INDEX_SCHEMA 4
#define INDEX_ROWS_MAX 10000u /* rows of one answer to the operator */

struct index;

/* Opens or makes the database. A relative path is used as it is, from the working directory at every opening of a file
 * (SQLite alone would make it absolute, and the folders above may be closed to this user). False with the reason; a
 * newer schema names the way out. */
bool index_open(const char *path, struct index **ret_index, struct err *err);

/* Commits what is applied, closes and frees. *index becomes NULL; NULL is accepted. */
void index_close(struct index **index);

/* Position behind the last record applied; 0: none. */
uint64_t index_position(const struct index *index);

/* Applies one record; begins a transaction when none is open. The record's position must be at or behind
 * index_position(); an earlier one is skipped (replay is idempotent). False with err when the database fails or the head
 * is malformed. */
bool index_apply(struct index *index, const struct record *record, struct err *err);

/* Commits the open transaction with the position reached. */
bool index_commit(struct index *index, struct err *err);

/* Writes the WAL back into the database and makes it durable. *ret_position is what is then on stable storage (for
 * journal_drop()). */
bool index_checkpoint(struct index *index, uint64_t *ret_position, struct err *err);

/* --- loading at start --- */

/* One live recipient with what a job of it needs. */
struct index_live {
    uint64_t message; /* position */
    uint64_t letter;  /* row; 0: none */
    struct id id;     /* of the message */
    struct id letter_id;
    uint8_t kind;
    uint32_t flags;
    struct slice tenant;
    int64_t accepted_us;
    int64_t by_us;
    uint64_t size;
    uint64_t content_length;
    uint16_t index;
    uint8_t notify;
    struct tag destination;
    struct state state;
    uint32_t attempts;
    uint16_t reason;
    int64_t next_us;
    int64_t letter_at_us; /* when it was posted */
};
/* Called for each live recipient, those of one message one behind another. */
typedef bool index_live_fn(void *ctx, const struct index_live *live);
/* Walks all live recipients. False with err, also when fn returns false. */
bool index_load(struct index *index, index_live_fn *fn, void *ctx, struct err *err);

/* Cumulative counters by tenant, kept with the rows. */
typedef void index_counts_fn(void *ctx, struct slice tenant, const struct state_counts *counts);
/* Walks the tenants. */
void index_counts(struct index *index, index_counts_fn *fn, void *ctx);

/* How many wave-ends said other counters than the rows: records are missing or were applied wrongly. Alarm. */
uint64_t index_mismatches(const struct index *index);

/* Pages in the WAL, for the caller to decide on index_checkpoint(). */
uint32_t index_wal_pages(const struct index *index);

/* A mail of the Message Center that is still to be sent. */
struct index_transit {
    struct id id;
    uint8_t kind; /* enum msg_center_kind */
    uint64_t letter;
    int64_t created_us;
    struct slice header;
    struct slice sealed;
};
typedef bool index_transit_fn(void *ctx, const struct index_transit *transit);
/* Walks those not ended. */
bool index_transits(struct index *index, index_transit_fn *fn, void *ctx, struct err *err);
/* One by id; false when there is none. The slices live until the next call. */
bool index_transit(struct index *index, const struct id *id, struct index_transit *ret_transit);

/* How long the best level of a domain is remembered unless index_set_memory() says otherwise. */
#define INDEX_DOMAIN_LIFE_US (90 * CLOCK_US_PER_DAY)
/* How long a policy is kept after it was last fetched: a little longer than the longest max_age (RFC 8461 3.2). Couriers
 * know when it really ends; it is sealed here. */
#define INDEX_POLICY_LIFE_US (366 * CLOCK_US_PER_DAY)

/* trust.memory: after this time without a proof the level of a domain may fall, or go. */
void index_set_memory(struct index *index, int64_t memory_us);

typedef void index_credential_fn(void *ctx, const struct msg_credential *credential);
/* Walks all credentials. */
bool index_credentials(struct index *index, index_credential_fn *fn, void *ctx, struct err *err);
/* What a domain has shown (struct msg_shown; its policy lives until the next call); false when nothing is remembered or it
 * cannot be read. */
bool index_domain(struct index *index, const struct tag *domain, struct msg_shown *ret_shown);
/* Counts for reports about TLS are dropped after so many days, sent or not; which domains' days were reported too. */
#define INDEX_TALLY_DAYS 7u
#define INDEX_TALLIES_AT_ONCE 256u
typedef bool index_tally_fn(void *ctx, const struct msg_tally *tally);
/* Walks the parts of a day in order of domain and part, from behind (domain, part), until fn says false, at most
 * INDEX_TALLIES_AT_ONCE. */
bool index_tallies(struct index *index, const struct msg_tally_take *from, index_tally_fn *fn, void *ctx, struct err *err);

/* Reports about TLS that others have sent are kept for so long, and so many of them: the oldest go. */
#define INDEX_RECEIVED_LIFE_US (30 * CLOCK_US_PER_DAY)
#define INDEX_RECEIVED_MAX 5000u
typedef void index_received_fn(void *ctx, const struct msg_received *received);
/* Walks those that came since then, newest first, without their bytes; with an id (else NULL) the one of it, with them. */
bool index_received(struct index *index, const struct id *id, int64_t since_us, index_received_fn *fn, void *ctx,
                    struct err *err);
/* How many came since then. False with err. */
bool index_received_count(struct index *index, int64_t since_us, uint64_t *ret_count, struct err *err);
/* Drops those whose time is over. */
bool index_received_forget(struct index *index, int64_t now_us, struct err *err);

typedef void index_lock_fn(void *ctx, const struct msg_lock *lock);
/* Walks all locks that end after now_us; others are removed. */
bool index_locks(struct index *index, int64_t now_us, index_lock_fn *fn, void *ctx, struct err *err);

/* Messages with content files, and letters, that must be kept. */
typedef void index_file_fn(void *ctx, const struct id *id);
/* Walks ids of live content files (letters false) or of letters not closed. */
bool index_files(struct index *index, bool letters, int64_t now_us, index_file_fn *fn, void *ctx, struct err *err);

/* --- letters --- */

struct index_letter {
    uint64_t row;
    struct id id;
    uint64_t message;
    struct id message_id;
    uint16_t index;
    struct slice tenant;
    struct tag destination;   /* erased (zero) once the recipient is final */
    struct tag recipient_tag; /* first 8 bytes; the rest zero */
    struct state recipient_state;
    int64_t accepted_us;
    uint8_t message_kind;
    uint32_t flags;
    uint64_t size;
    uint16_t reason;
    int64_t at_us;
    int64_t expires_us;
    bool held;
    struct slice header;
    struct slice envelope;
    struct slice recipient;
    struct slice token;
    uint64_t content_length;
    int64_t sent_us;          /* when its notice was sent; 0: not yet */
    bool fresh;               /* nothing happened to it yet: center is to be made from first_link */
    struct digest first_link;
    struct center_state center;
};
/* Finds a letter by its row, its id, a link or a session. The slices live until the next call. */
bool index_letter_by_row(struct index *index, uint64_t row, struct index_letter *ret_letter);
/* As above, by id. */
bool index_letter_by_id(struct index *index, const struct id *id, struct index_letter *ret_letter);
/* As above, by a link's digest. */
bool index_letter_by_link(struct index *index, const struct digest *link, struct index_letter *ret_letter);

/* Letters whose time is over and whose files may go: up to max ids into *ids; how many. They are marked. */
size_t index_letters_expired(struct index *index, int64_t now_us, struct id *ids, size_t max);

/* Notices and code mails made since a time, by the tags of their recipient and destination (zero where it is erased). */
typedef void index_mail_fn(void *ctx, const struct tag *recipient, const struct tag *destination);
/* Walks them, for the daily limits. */
bool index_mails(struct index *index, int64_t since_us, index_mail_fn *fn, void *ctx, struct err *err);

/* --- the operator's questions --- */

typedef void index_row_fn(void *ctx, const struct msg_row *row);
typedef void index_attempt_fn(void *ctx, const struct msg_attempt *attempt);
/* Walks the rows asked for, newest first, at most limit; *ret_more when there are others. attempts is called for each
 * row's attempts when the query asks for them. */
bool index_query(struct index *index, const struct msg_ctl_query *query, index_row_fn *row, index_attempt_fn *attempt,
                 void *ctx, uint32_t *ret_rows, bool *ret_more, struct err *err);

/* The sealed fields of one recipient (message position, index): what a return is written from when there is no letter.
 * The slices live until the next call. */
bool index_recipient(struct index *index, uint64_t message, uint16_t recipient, struct slice *ret_header,
                     struct slice *ret_envelope, struct slice *ret_sealed);

/* True when no recipient of the message is queued; *ret_known false when there is no such message. */
bool index_message_final(struct index *index, const struct id *id, bool *ret_known);

/* Recipient rows by state, to compare the counters with. */
struct index_sums {
    uint64_t mail[5]; /* by enum state_recipient; [0]: all */
    uint64_t dsn[5];
};
/* Counts every recipient row. */
bool index_sums(struct index *index, struct index_sums *ret_sums, struct err *err);

#endif
