/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations with their flows, and leases. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/queue_impl.h"

/* Ready items of one tenant at one destination. */
struct queue_flow {
    struct list link; /* in queue_dest.flows */
    struct list items;
    const struct queue_tenant *tenant;
};

struct queue_dest *queue_dest_get(struct queue *q, const struct tag *tag)
{
    struct queue_dest *dest = map_get(q->dests, tag);
    if (dest == NULL) {
        dest = mem_new(sizeof *dest);
        dest->tag = *tag;
        dest->courier = QUEUE_NO_COURIER;
        list_init(&dest->flows);
        list_init(&dest->ring);
        if (!map_put(q->dests, tag, dest)) {
            abort(); /* as large as the map of jobs, each of which has passed its limit before */
        }
    }
    return dest;
}

void queue_dest_free(struct queue_dest *dest)
{
    LIST_FOR(it, tmp, &dest->flows)
    {
        mem_free(LIST_ENTRY(it, struct queue_flow, link));
    }
    mem_free(dest);
}

void queue_dest_put(struct queue *q, struct queue_dest *dest)
{
    dest->items--;
    if (dest->items == 0 && dest->leased == 0) {
        map_remove(q->dests, &dest->tag);
        list_remove(&dest->ring);
        queue_dest_free(dest);
    }
}

/* In the ring exactly while a lease could be made. */
static void queue_dest_place(struct queue *q, struct queue_dest *dest)
{
    bool wanted = dest->ready > 0 && dest->leased < q->per_destination;
    if (wanted && list_empty(&dest->ring)) {
        list_push(&q->ring, &dest->ring);
    } else if (!wanted) {
        list_remove(&dest->ring);
    }
}

static struct queue_flow *queue_dest_flow(struct queue_dest *dest, const struct queue_tenant *tenant)
{
    LIST_FOR(it, tmp, &dest->flows)
    {
        struct queue_flow *flow = LIST_ENTRY(it, struct queue_flow, link);
        if (flow->tenant == tenant) {
            return flow;
        }
    }
    struct queue_flow *flow = mem_new(sizeof *flow);
    flow->tenant = tenant;
    list_init(&flow->items);
    list_init(&flow->link);
    list_push(&dest->flows, &flow->link);
    return flow;
}

void queue_dest_ready(struct queue *q, struct queue_item *item)
{
    struct queue_flow *flow = queue_dest_flow(item->dest, item->job->tenant);
    list_push(&flow->items, &item->link);
    item->dest->ready++;
    queue_dest_place(q, item->dest);
}

void queue_dest_unready(struct queue *q, struct queue_item *item)
{
    if (list_empty(&item->link)) {
        return;
    }
    struct list *head = item->link.prev;
    list_remove(&item->link);
    item->dest->ready--;
    if (list_empty(head)) { /* it was the last of its flow: what is left is the flow's own head */
        struct queue_flow *flow = LIST_ENTRY(head, struct queue_flow, items);
        list_remove(&flow->link);
        mem_free(flow);
    }
    queue_dest_place(q, item->dest);
}

static bool queue_dest_suits(const struct queue_dest *dest, uint32_t courier, int64_t now_us)
{
    return dest->courier == courier || dest->courier == QUEUE_NO_COURIER || dest->ready > QUEUE_SPREAD ||
           (dest->leased == 0 && now_us - dest->served_us > QUEUE_AFFINITY_US);
}

static struct queue_dest *queue_dest_choose(struct queue *q, uint32_t courier, int64_t now_us)
{
    LIST_FOR(it, tmp, &q->ring)
    {
        struct queue_dest *dest = LIST_ENTRY(it, struct queue_dest, ring);
        if (queue_dest_suits(dest, courier, now_us)) {
            return dest;
        }
    }
    return NULL;
}

static void queue_lease_add(struct queue *q, struct queue_lease *lease, struct queue_item *item)
{
    queue_dest_unready(q, item);
    item->lease = lease;
    lease->item[lease->count++] = item;
    lease->open++;
}

/* All ready items of the job at this destination; the one whose turn it is among them. */
static void queue_lease_fill(struct queue *q, struct queue_lease *lease, struct queue_job *job, struct queue_dest *dest)
{
    lease->item = mem_new_array(job->live, sizeof(struct queue_item *));
    for (uint16_t i = 0; i < job->count; i++) {
        struct queue_item *item = &job->item[i];
        if (item->dest == dest && !list_empty(&item->link)) {
            queue_lease_add(q, lease, item);
        }
    }
}

struct queue_lease *queue_lease_take(struct queue *q, uint32_t courier, int64_t now_us)
{
    struct queue_dest *dest = map_count(q->leases) < QUEUE_LEASES_MAX ? queue_dest_choose(q, courier, now_us) : NULL;
    if (dest == NULL) {
        return NULL;
    }
    struct queue_flow *flow = LIST_ENTRY(dest->flows.next, struct queue_flow, link);
    struct queue_job *job = LIST_ENTRY(flow->items.next, struct queue_item, link)->job;
    list_remove(&flow->link); /* its turn is over: behind the other tenants, if it lives on */
    list_push(&dest->flows, &flow->link);
    struct queue_lease *lease = mem_new(sizeof *lease);
    lease->number = ++q->lease_next;
    lease->courier = courier;
    lease->job = job;
    lease->dest = dest;
    list_init(&lease->link);
    queue_lease_fill(q, lease, job, dest);
    map_put(q->leases, &lease->number, lease);
    dest->leased++;
    dest->courier = courier;
    dest->served_us = now_us;
    list_remove(&dest->ring); /* and the destination's */
    queue_dest_place(q, dest);
    return lease;
}

struct queue_lease *queue_lease_find(struct queue *q, uint64_t number)
{
    return map_get(q->leases, &number);
}

static void queue_lease_free(struct queue *q, struct queue_lease *lease)
{
    struct queue_dest *dest = lease->dest;
    map_remove(q->leases, &lease->number);
    list_remove(&lease->link);
    mem_free(lease->item);
    mem_free(lease);
    dest->leased--;
    queue_dest_place(q, dest);
}

bool queue_lease_settle(struct queue *q, struct queue_item *item)
{
    struct queue_lease *lease = item->lease;
    item->lease = NULL;
    for (uint16_t i = 0; i < lease->count; i++) {
        if (lease->item[i] == item) {
            lease->item[i] = NULL;
            lease->open--;
        }
    }
    if (lease->open > 0) {
        return false;
    }
    queue_lease_free(q, lease);
    return true;
}

void queue_lease_end(struct queue *q, struct queue_lease *lease, int64_t due_us)
{
    uint16_t left = lease->open;
    for (uint16_t i = 0; left > 0; i++) {
        struct queue_item *item = lease->item[i];
        if (item != NULL) {
            left--;
            queue_lease_settle(q, item); /* frees the lease with the last one */
            queue_wait(q, item, due_us);
        }
    }
}

void queue_forget_courier(struct queue *q, uint32_t courier)
{
    size_t cursor = 0;
    void *value = NULL;
    while (map_next(q->dests, &cursor, NULL, &value)) {
        struct queue_dest *dest = value;
        dest->courier = dest->courier == courier ? QUEUE_NO_COURIER : dest->courier;
    }
}

size_t queue_leases(const struct queue *q)
{
    return map_count(q->leases);
}
