/* SPDX-License-Identifier: Apache-2.0 */
/* The role store, the only writer. Its parts, one file each: store.c (life and peers), store_open.c (start from the
 * disk), store_turn.c (waves, index, timers), store_commit.c (intake), store_lease.c (to couriers), store_complete.c
 * (from couriers), store_notice.c (letters' notices and their end), store_center.c (web), store_keyd.c (credentials,
 * locks, grants), store_control.c (the operator). It sees ciphertext, tags, digests, ids, times, sizes, states and
 * reason codes, nothing else.
 *
 * One rule binds all parts: memory may be ahead of the disk, an answer never. Whoever is to be told something gets it
 * from a struct store_after, left with the wave that carries the record. */
#ifndef ROLES_STORE_H
#define ROLES_STORE_H

#include "base/list.h"
#include "base/map.h"
#include "os/role.h"
#include "store/index.h"
#include "store/journal.h"
#include "store/letters.h"
#include "store/queue.h"

#define STORE_LEASES_PER_COURIER 512u   /* handed out to one courier: about 20 ms of work at full speed */
#define STORE_COURIER_PENDING (4u * 1024u * 1024u) /* output waiting for one courier; beyond it leases wait */
#define STORE_CLI_MAX 32u               /* control connections */
#define STORE_WAITS_MAX 1024u           /* `sealpost wait` at once */
#define STORE_ALARMS_MAX 32u            /* kept for `sealpost status` */
#define STORE_CENTER_CACHE 4096u        /* letters with a reader, in memory */
#define STORE_WAL_PAGES 8192u           /* 32 MB: then the index is checkpointed */
#define STORE_INDEX_BATCH 512u          /* records indexed between two looks at the peers */
#define STORE_INDEX_GAP_US INT64_C(5000)
#define STORE_INDEX_TX_US INT64_C(200000) /* a transaction of the index lasts at most this long */
#define STORE_INDEX_BEHIND (24u * 1024u * 1024u) /* waves in memory beyond which the index is brought up at once */
#define STORE_HOUSE_US INT64_C(1000000) /* housekeeping */
#define STORE_EXPIRE_BATCH 64u
#define STORE_RECEIVED_US INT64_C(3600000000) /* between two looks for reports of others whose time is over */
#define STORE_DAMAGE_RETRY_US INT64_C(60000000)

struct store_peer {
    struct list link;
    struct store *store;
    enum role_kind kind;
    unsigned index;
    struct chan *chan; /* NULL once it is gone */
    uint32_t refs;     /* answers under way, and the list */
    bool cleared;      /* courier: has said that nothing more comes of older leases */
};

/* What is known of one courier process by number. */
struct store_courier {
    struct store_peer *peer;
    bool clear; /* nothing of an earlier run of the store can be under way there */
    struct list leases;
    uint32_t lease_count;
};

/* A job to wake once its record is durable. */
struct store_wake {
    uint8_t kind;
    struct id id;
};

/* What to do when a wave is durable. */
struct store_after {
    struct store *store;
    struct store_peer *peer; /* to be answered; may be NULL */
    uint16_t type;
    uint64_t request;
    enum msg_code code;
    void (*then)(struct store_after *after); /* instead of the plain answer; may be NULL */
    struct id id;            /* for then */
    struct digest digest;    /* for then */
    int64_t time_us;         /* for then */
    bool remove_content;
    bool remove_letter;
    struct id remove;
    uint32_t wake_count;
    struct store_wake wake[];
};

struct store_wait {
    struct list link;
    struct store_peer *peer;
    uint64_t request;
    struct id id;
    int64_t until_us;
};

struct store {
    struct role *role;
    int dir_fd;
    struct sandbox_path path;
    char path_name[64];
    struct journal *journal;
    struct index *index;
    struct queue *queue;
    struct letters content;
    struct letters letters;
    struct list peers;
    uint32_t cli_count;
    struct store_courier courier[ROLE_INDEX_MAX];
    bool leasing;  /* every courier of an earlier run has reported or is dead */
    bool draining;
    bool full;     /* below the space reserve */
    uint64_t free_bytes;
    struct store_peer *keyd;
    /* loop */
    struct loop_watch *durable;
    struct loop_watch *control;
    struct loop_timer *wave_timer;
    struct loop_timer *due_timer;
    struct loop_timer *index_timer;
    struct loop_timer *house_timer;
    int64_t demand_us; /* UTC: pins that ended until then were told */
    struct loop_idle *idle;
    int64_t index_tx_us; /* when its open transaction began; 0: none */
    uint64_t index_durable; /* position the index has on stable storage, as far as known */
    uint64_t index_at;   /* position up to which the journal's memory was taken */
    bool paused;         /* intake is not read */
    uint64_t last_position; /* of the record appended last */
    /* scratch, kept for its memory */
    struct buf head;
    struct buf frame;
    struct buf list;
    struct state_writer writer;
    /* others */
    struct map *center;  /* store_center_entry by row of the letter */
    struct map *mails;   /* mails of today by tag */
    uint32_t mails_day;
    uint32_t received_day;   /* clock_day() of received_count; 0: not looked yet */
    uint64_t received_count; /* reports of others taken that day */
    int64_t received_us;     /* UTC: when old ones were dropped last */
    struct store_deep *deep; /* a deep check at work, or NULL */
    struct loop_idle *deep_idle;
    struct list waits;
    uint32_t wait_count;
    char *alarm[STORE_ALARMS_MAX];
    uint32_t alarm_count;
};

/* --- store.c --- */

/* Raises an alarm: log, supervisor, and `sealpost status`. */
void store_alarm(struct store *store, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The store must end: nothing is answered any more. for_good: the operator must look first. */
_Noreturn void store_end(struct store *store, bool for_good, const struct err *err);
/* Answers with one layout's object. */
void store_answer(struct store_peer *peer, uint16_t type, uint64_t request, const struct layout *layout,
                  const void *object, int fd);
/* Answers msg_status without text. */
void store_answer_code(struct store_peer *peer, uint16_t type, uint64_t request, enum msg_code code);
/* Answers msg_status with text. */
void store_answer_text(struct store_peer *peer, uint16_t type, uint64_t request, enum msg_code code, const char *text);
/* Keeps a peer's memory while an answer is under way. */
struct store_peer *store_peer_ref(struct store_peer *peer);
/* Gives it back. */
void store_peer_unref(struct store_peer *peer);
/* Asks for the end-of-turn work. */
void store_touch(struct store *store);

/* --- store_open.c --- */

/* Opens what is in the directory: index, journal (replay), queue, content files. */
bool store_open(struct store *store, struct err *err);
/* Closes it again. */
void store_close(struct store *store);
/* Appends the head of a wave-end: counters of tenants that changed. For journal_config. */
void store_wave_end(void *ctx, struct buf *head);
/* What a queued recipient has in common with the notice or the return that follows it; letter fields are still empty. */
struct index_live store_live_of(const struct queue_item *item);

/* Adds a letter's notice, or the return of a withdrawn one, to the queue; due QUEUE_NEVER until it is durable. */
struct queue_job *store_add_letter_job(struct store *store, uint8_t kind, const struct index_live *live);

/* --- store_turn.c --- */

/* End of a turn: leases, the wave, timers. */
void store_turn(void *ctx);
/* The journal has flushed something. */
void store_on_durable(void *ctx, unsigned events);
/* Timers. */
void store_on_wave(void *ctx);
/* As above. */
void store_on_due(void *ctx);
/* As above. */
void store_on_index(void *ctx);
/* As above. */
void store_on_house(void *ctx);
/* Brings the index up to everything durable, now. */
void store_index_catch_up(struct store *store);
/* Appends a record of that head; ends the store when the journal cannot. Returns its position. */
uint64_t store_append(struct store *store, enum record_type type, const struct id *id, const struct layout *layout,
                      const void *head, struct slice content, bool lazy);
/* Must come before counters are changed: see journal_prepare(). */
void store_prepare(struct store *store);
/* Leaves what is to be done with the open wave. */
void store_after(struct store_after *after);
/* A new one, for a peer's frame (peer may be NULL). */
struct store_after *store_after_new(struct store *store, struct store_peer *peer, const struct chan_frame *frame,
                                    enum msg_code code, uint32_t wakes);
/* True when a new message or letter may be taken. */
bool store_has_room(struct store *store);

/* --- store_demand.c --- */

/* Raises the alarm for pins that have ended since the last call; anew: for all that have. */
void store_demand_look(struct store *store, bool anew);

/* --- store_commit.c --- */

/* MSG_OPEN of intake or courier. */
bool store_commit_open(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_DROP. */
bool store_commit_drop(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_COMMIT. */
bool store_commit(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* Journals and queues an accepted message; its job waits for the wave. False when it is malformed (nothing was done).
 * *ret_job is NULL when the message is known already. */
bool store_commit_message(struct store *store, const struct msg_message *message, bool lazy,
                          struct queue_job **ret_job);

/* --- store_lease.c --- */

/* Hands out leases while couriers have room. */
void store_lease_pump(struct store *store);
/* MSG_HELD. */
bool store_lease_held(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* A courier process is dead. */
void store_lease_gone(struct store *store, unsigned index);
/* A courier's lease is over. */
void store_lease_over(struct store *store, struct queue_lease *lease);
/* When to try an item again after its attempt number `attempt`. */
int64_t store_lease_next(const struct store *store, const struct queue_job *job, uint32_t attempt, int64_t now_us);

/* --- store_complete.c --- */

/* MSG_COMPLETE. */
bool store_complete(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* Writes what stands in store->writer as one transition of job's message. */
void store_complete_write(struct store *store, const struct queue_job *job, struct slice letters, struct slice evidence,
                          int64_t now_us, bool lazy);
/* Ends an item whose state is not live any more; what is to be removed from the disk goes to *after. */
void store_complete_remove(struct store *store, struct queue_item *item, struct store_after *after);
/* Puts a job on the list of those to wake. */
void store_complete_wake(struct store_after *after, const struct queue_job *job);

/* --- store_notice.c --- */

/* Results of NOTICE and RETURN leases: one item. */
void store_notice_result(struct store *store, struct queue_item *item, const struct msg_result *result,
                         const struct msg_complete *complete, struct store_after *after);
/* A notice whose lifetime is over: the letter is withdrawn, the return is queued. The item is not leased. */
void store_notice_withdraw(struct store *store, struct queue_item *item);
/* Content that cannot be read any more: its recipients are returned. */
void store_notice_damaged(struct store *store, struct queue_job *job);
/* The operator's word for held notices of a letter or message; how many. */
uint32_t store_notice_release(struct store *store, const struct id *id, struct store_after *after);

/* --- store_center.c --- */

/* MSG_CENTER_SEND. */
bool store_center_send(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CENTER_VERIFY. */
bool store_center_verify(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CENTER_LETTER. */
bool store_center_letter(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CENTER_LOGOUT. */
bool store_center_logout(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* Result of a CODE lease. */
void store_center_result(struct store *store, struct queue_item *item, const struct msg_result *result);
/* Ends a mail of the Message Center. */
void store_center_transit_end(struct store *store, struct queue_item *item, uint8_t outcome, uint16_t reason);
/* Closes a letter to its readers, with a record. */
void store_center_close_letter(struct store *store, uint64_t row, const struct id *letter);
/* Queues a transit object. */
bool store_center_add_transit(struct store *store, const struct index_transit *transit);
/* Counts a mail to these tags today; false when a limit is reached (nothing is counted then). */
bool store_center_mail_allowed(struct store *store, const struct tag *recipient, const struct tag *destination);
/* Counts one that was sent before a restart. */
void store_center_mail_count(void *ctx, const struct tag *recipient, const struct tag *destination);
/* Frees the caches. */
void store_center_free(struct store *store);

/* --- store_keyd.c --- */

/* keyd has (re)started: tells it credentials and locks. */
void store_keyd_tell(struct store *store);
/* Tells it one: as it is now, or that it is gone. */
void store_keyd_tell_one(struct store *store, const struct id *id);
/* MSG_LOCK. */
bool store_keyd_lock(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CTL_CREDENTIAL. */
bool store_keyd_credential(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CTL_CREDENTIALS. */
bool store_keyd_credentials(struct store *store, struct store_peer *peer, const struct chan_frame *frame);

/* --- store_memory.c --- */

/* MSG_SHOWN. */
bool store_memory_shown(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_REMEMBER. */
bool store_memory_remember(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_ALARM of couriers. */
bool store_memory_alarm(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CTL_DOMAIN. */
bool store_memory_control(struct store *store, struct store_peer *peer, const struct chan_frame *frame);

/* --- store_report.c --- */

/* MSG_TALLY. */
bool store_report_tally(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_TALLY_TAKE. */
bool store_report_take(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_TALLY_DONE. */
bool store_report_done(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CTL_REPORT. */
bool store_report_order(struct store *store, struct store_peer *peer, const struct chan_frame *frame);

/* --- store_received.c --- */

/* MSG_CENTER_REPORT. */
bool store_received_take(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CTL_REPORTS. */
bool store_received_show(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* Drops those whose time is over, now and then. */
void store_received_forget(struct store *store);

/* --- store_control.c --- */

/* A control connection. */
void store_control_accept(void *ctx, unsigned events);
/* MSG_CTL_QUERY. */
bool store_control_query(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* Answers a question with a grant for what its rows sent before; when keyd has it. */
void store_control_grant(struct store *store, struct store_peer *peer, const struct chan_frame *frame, uint32_t rows);
/* MSG_CTL_WAIT. */
bool store_control_wait(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CTL_RETRY. */
bool store_control_retry(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CTL_RELEASE. */
bool store_control_release(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CTL_STATUS. */
bool store_control_status(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* MSG_CTL_CHECK. */
bool store_control_check(struct store *store, struct store_peer *peer, const struct chan_frame *frame);
/* One slice of a deep check. */
void store_control_deep(struct store *store);
/* Forgets a deep check. */
void store_control_stop(struct store *store);
/* Answers the waits that are over. */
void store_control_waits(struct store *store);
/* Journals an act of the operator with its leaf. */
void store_control_note(struct store *store, uint8_t act, const struct id *id);
/* Forgets the waits of a peer that is gone. */
void store_control_forget(struct store *store, const struct store_peer *peer);

#endif
