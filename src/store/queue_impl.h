/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the queue, shared by queue.c and queue_lease.c. No other file includes it. */
#ifndef STORE_QUEUE_IMPL_H
#define STORE_QUEUE_IMPL_H

#include "store/queue.h"

struct queue_heap {
    int64_t due_us; /* beside the pointer: comparing touches the array alone */
    struct queue_item *item;
};

struct queue {
    uint32_t per_destination;
    struct map *jobs;   /* queue_job by kind and id */
    struct map *dests;  /* queue_dest by tag */
    struct map *leases; /* queue_lease by number */
    struct list ring;   /* destinations with ready items and room for a lease */
    struct queue_tenant **tenant;
    size_t tenant_count;
    struct queue_heap *heap;
    size_t heap_count;
    size_t heap_cap;
    uint64_t lease_next;
};

/* The destination of that tag, made when it is new. */
struct queue_dest *queue_dest_get(struct queue *queue, const struct tag *tag);

/* Gives one reference back; frees the destination with the last one. */
void queue_dest_put(struct queue *queue, struct queue_dest *dest);

/* Frees a destination with its flows. */
void queue_dest_free(struct queue_dest *dest);

/* Puts an item that is due behind the others of its tenant. */
void queue_dest_ready(struct queue *queue, struct queue_item *item);

/* Takes an item out of its flow; harmless when it is in none. */
void queue_dest_unready(struct queue *queue, struct queue_item *item);

#endif
