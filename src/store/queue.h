/* SPDX-License-Identifier: Apache-2.0 */
/* The active queue, in memory: everything that is to be tried again, in slim rows (about 300 bytes for a message with
 * one recipient; 200,000 fit 64 MB). The journal and the index are the truth on disk; the queue is loaded from the index
 * at start. It sees tags, ids and times only.
 *
 * A job is one message, or one letter whose notice, code or return is to be sent; its items are recipients. An item
 * waits (in a heap, by due time), is ready (in its destination's flow of its tenant), or is leased. Leases of one
 * destination are bounded; its tenants are taken in turn, within a tenant the oldest due first. All ready items of one
 * job at one destination travel in one lease. */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "base/list.h"
#include "base/map.h"
#include "store/state.h"

#define QUEUE_JOBS_MAX 4000000u        /* entries of the maps; the operator's limit is lower */
#define QUEUE_LEASES_MAX 65536u        /* at once, all couriers */
#define QUEUE_NEVER INT64_MAX          /* waits for a word, not for a time (a held notice) */
#define QUEUE_NO_COURIER UINT32_MAX
#define QUEUE_AFFINITY_US INT64_C(30000000) /* how long after its last lease a destination stays with its courier */
#define QUEUE_SPREAD 32u               /* more ready items than this at one destination may go to any courier */

struct queue;
struct queue_lease;

struct queue_tenant {
    uint32_t number; /* the index's row */
    char *name;
    struct state_counts counts;
    bool counted; /* changed since the last wave-end */
};

struct queue_dest {
    struct tag tag;
    struct list flows;   /* queue_flow with ready items, in turn */
    struct list ring;    /* link in the queue's ring while it has ready items and room */
    uint32_t ready;
    uint32_t leased;
    uint32_t items;      /* references */
    uint32_t courier;    /* that served it last */
    int64_t served_us;
};

struct queue_job {
    struct id id;         /* of the message, letter or transit object */
    uint8_t kind;         /* enum msg_lease_kind */
    uint8_t message_kind; /* enum msg_message_kind */
    uint16_t live;        /* items not yet removed */
    uint16_t count;
    uint16_t retry;       /* tries of a notice or return since the start, for the pause before the next */
    uint32_t flags;
    struct queue_tenant *tenant;
    uint64_t message;     /* position of the message's record */
    struct id message_id; /* of the message; for mail the same as id */
    uint64_t letter;      /* row of the letter; 0 for mail */
    int64_t accepted_us;
    int64_t by_us;        /* MAIL: DELIVERBY; NOTICE, CODE: end of its lifetime */
    uint64_t size;
    uint64_t content_length;
    struct queue_item *item;
};

struct queue_item {
    struct list link;  /* in a flow, or of no ring */
    struct queue_job *job;
    struct queue_dest *dest;
    struct queue_lease *lease;
    int64_t due_us;    /* UTC */
    struct state state;
    uint32_t heap;     /* place in the heap + 1; 0: not in it */
    uint32_t attempts;
    uint16_t index;
    uint16_t reason;   /* of the last end */
    uint8_t notify;
    bool removed;
};

struct queue_lease {
    struct list link; /* of its courier's leases; the caller's */
    uint64_t number;
    uint32_t courier;
    uint16_t count;
    uint16_t open;    /* items without a result yet */
    struct queue_job *job;
    struct queue_dest *dest;
    struct queue_item **item;
};

/* What one item of a new job is. */
struct queue_entry {
    uint16_t index;
    uint8_t notify;
    struct tag destination;
    struct state state;
    uint32_t attempts;
    uint16_t reason;
    int64_t due_us;
};

/* An empty queue; at most per_destination leases of one destination at once. */
struct queue *queue_create(uint32_t per_destination);
/* Frees everything, leases too. *queue becomes NULL; NULL is accepted. */
void queue_free(struct queue **queue);
/* Changes the limit (reload). */
void queue_set_limit(struct queue *queue, uint32_t per_destination);

/* The tenant of that name, made when it is new; NULL when there are RECORD_TENANTS_MAX. */
struct queue_tenant *queue_tenant(struct queue *queue, struct slice name);
/* Walks the tenants: start with 0; NULL at the end. */
struct queue_tenant *queue_tenant_at(struct queue *queue, size_t n);

/* Adds a job, a copy of *job with these items (1 to MSG_RECIPIENTS_MAX). NULL when one of that kind and id is there or
 * the queue is full. Leases are made from it at the next queue_tick(). */
struct queue_job *queue_add(struct queue *queue, const struct queue_job *job, const struct queue_entry *entries,
                            size_t count);

/* The job of that kind and id, or NULL. */
struct queue_job *queue_find(struct queue *queue, uint8_t kind, const struct id *id);

/* The live item with that index, or NULL. */
struct queue_item *queue_find_item(struct queue_job *job, uint16_t index);

/* Jobs of every kind. */
size_t queue_count(const struct queue *queue);
/* Walks all jobs: start with *cursor = 0; NULL at the end. Nothing may be added or removed in between. */
struct queue_job *queue_next(struct queue *queue, size_t *cursor);

/* Sets when an item, which is not leased, is to be tried next (QUEUE_NEVER: held). */
void queue_wait(struct queue *queue, struct queue_item *item, int64_t due_us);

/* Ends an item: out of its lease, the heap and its flow. The job is freed with its last item: returns true then, and
 * item and job are gone (the lease, if any, lives until queue_lease_end()). */
bool queue_remove(struct queue *queue, struct queue_item *item);

/* Makes ready what is due. Returns the next due time, or QUEUE_NEVER. */
int64_t queue_tick(struct queue *queue, int64_t now_us);

/* Takes the next lease in turn for a courier: of a destination that is its own, is nobody's, or has so much ready that
 * it may be spread. NULL when there is none for it. */
struct queue_lease *queue_lease_take(struct queue *queue, uint32_t courier, int64_t now_us);

/* The open lease of that number, or NULL. */
struct queue_lease *queue_lease_find(struct queue *queue, uint64_t number);

/* Takes an item out of its lease (its result is known); it is then neither waiting nor ready: queue_wait() or
 * queue_remove() must follow. True when it was the last one: the lease has been freed. */
bool queue_lease_settle(struct queue *queue, struct queue_item *item);

/* Ends a lease whose courier is dead or has nothing more to say: its items are due at due_us. Frees it. */
void queue_lease_end(struct queue *queue, struct queue_lease *lease, int64_t due_us);

/* Forgets that a courier serves destinations (it is gone). */
void queue_forget_courier(struct queue *queue, uint32_t courier);

/* Open leases. */
size_t queue_leases(const struct queue *queue);

#endif
