/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, items, tenants, the heap of due times. Leases and destinations are in queue_lease.c. */
#include "store/queue.h"

#include "base/mem.h"
#include "store/queue_impl.h"

/* Key of the map of jobs. */
struct queue_key {
    uint8_t kind;
    struct id id;
};

static struct queue_key queue_key_of(uint8_t kind, const struct id *id)
{
    struct queue_key key;
    memset(&key, 0, sizeof key);
    key.kind = kind;
    key.id = *id;
    return key;
}

struct queue *queue_create(uint32_t per_destination)
{
    struct queue *q = mem_new(sizeof *q);
    q->per_destination = per_destination;
    q->jobs = map_create(sizeof(struct queue_key), QUEUE_JOBS_MAX);
    q->dests = map_create(TAG_SIZE, QUEUE_JOBS_MAX);
    q->leases = map_create(sizeof(uint64_t), QUEUE_LEASES_MAX);
    q->tenant = mem_new_array(RECORD_TENANTS_MAX, sizeof *q->tenant);
    list_init(&q->ring);
    return q;
}

static void queue_job_free(struct queue_job *job)
{
    mem_free(job->item);
    mem_free(job);
}

void queue_free(struct queue **queue)
{
    struct queue *q = queue == NULL ? NULL : *queue;
    size_t cursor = 0;
    if (q == NULL) {
        return;
    }
    void *value = NULL;
    while (map_next(q->leases, &cursor, NULL, &value)) {
        struct queue_lease *lease = value;
        mem_free(lease->item);
        mem_free(lease);
    }
    for (cursor = 0; map_next(q->dests, &cursor, NULL, &value);) {
        queue_dest_free(value);
    }
    for (cursor = 0; map_next(q->jobs, &cursor, NULL, &value);) {
        queue_job_free(value);
    }
    for (size_t i = 0; i < q->tenant_count; i++) {
        mem_free(q->tenant[i]->name);
        mem_free(q->tenant[i]);
    }
    map_free(&q->jobs);
    map_free(&q->dests);
    map_free(&q->leases);
    mem_free(q->tenant);
    mem_free(q->heap);
    mem_free(q);
    *queue = NULL;
}

void queue_set_limit(struct queue *q, uint32_t per_destination)
{
    q->per_destination = per_destination;
}

struct queue_tenant *queue_tenant_at(struct queue *q, size_t n)
{
    return n < q->tenant_count ? q->tenant[n] : NULL;
}

struct queue_tenant *queue_tenant(struct queue *q, struct slice name)
{
    for (size_t i = 0; i < q->tenant_count; i++) {
        if (slice_eq(slice_str(q->tenant[i]->name), name)) {
            return q->tenant[i];
        }
    }
    if (q->tenant_count == RECORD_TENANTS_MAX) {
        return NULL;
    }
    struct queue_tenant *tenant = mem_new(sizeof *tenant);
    tenant->name = mem_strndup(name.data, name.len);
    tenant->number = (uint32_t)q->tenant_count;
    q->tenant[q->tenant_count++] = tenant;
    return tenant;
}

/* --- the heap of waiting items, by due time --- */

static void heap_set(struct queue *q, size_t at, struct queue_item *item)
{
    q->heap[at] = (struct queue_heap){item->due_us, item};
    item->heap = (uint32_t)(at + 1);
}

static void heap_up(struct queue *q, size_t at, struct queue_item *item)
{
    while (at > 0 && q->heap[(at - 1) / 2].due_us > item->due_us) {
        heap_set(q, at, q->heap[(at - 1) / 2].item);
        at = (at - 1) / 2;
    }
    heap_set(q, at, item);
}

static void heap_down(struct queue *q, size_t at, struct queue_item *item)
{
    size_t child = at * 2 + 1;
    while (child < q->heap_count) {
        if (child + 1 < q->heap_count && q->heap[child + 1].due_us < q->heap[child].due_us) {
            child++;
        }
        if (q->heap[child].due_us >= item->due_us) {
            break;
        }
        heap_set(q, at, q->heap[child].item);
        at = child;
        child = at * 2 + 1;
    }
    heap_set(q, at, item);
}

static void heap_insert(struct queue *q, struct queue_item *item)
{
    if (q->heap_count == q->heap_cap) {
        q->heap_cap = q->heap_cap == 0 ? 1024 : q->heap_cap * 2;
        q->heap = mem_resize_array(q->heap, q->heap_cap, sizeof *q->heap);
    }
    q->heap_count++;
    heap_up(q, q->heap_count - 1, item);
}

static void heap_remove(struct queue *q, struct queue_item *item)
{
    if (item->heap == 0) {
        return;
    }
    size_t at = item->heap - 1;
    struct queue_item *last = q->heap[--q->heap_count].item;
    item->heap = 0;
    if (last == item) {
        return;
    }
    if (at > 0 && q->heap[(at - 1) / 2].due_us > last->due_us) {
        heap_up(q, at, last);
    } else {
        heap_down(q, at, last);
    }
}

/* --- jobs --- */

static void queue_fill(struct queue *q, struct queue_job *job, const struct queue_entry *entries)
{
    for (uint16_t i = 0; i < job->count; i++) {
        struct queue_item *item = &job->item[i];
        *item = (struct queue_item){
            .job = job,
            .dest = queue_dest_get(q, &entries[i].destination),
            .state = entries[i].state,
            .attempts = entries[i].attempts,
            .index = entries[i].index,
            .reason = entries[i].reason,
            .notify = entries[i].notify,
        };
        item->dest->items++;
        list_init(&item->link);
        queue_wait(q, item, entries[i].due_us);
    }
}

struct queue_job *queue_add(struct queue *q, const struct queue_job *from, const struct queue_entry *entries,
                            size_t count)
{
    struct queue_key key = queue_key_of(from->kind, &from->id);
    if (count == 0 || count > MSG_RECIPIENTS_MAX || map_get(q->jobs, &key) != NULL ||
        map_count(q->dests) + count > QUEUE_JOBS_MAX) {
        return NULL;
    }
    struct queue_job *job = mem_new(sizeof *job);
    *job = *from;
    if (!map_put(q->jobs, &key, job)) {
        mem_free(job);
        return NULL;
    }
    job->count = (uint16_t)count;
    job->live = job->count;
    job->item = mem_new_array(count, sizeof *job->item);
    queue_fill(q, job, entries);
    return job;
}

struct queue_job *queue_find(struct queue *q, uint8_t kind, const struct id *id)
{
    struct queue_key key = queue_key_of(kind, id);
    return map_get(q->jobs, &key);
}

struct queue_item *queue_find_item(struct queue_job *job, uint16_t index)
{
    for (uint16_t i = 0; i < job->count; i++) {
        if (job->item[i].index == index && !job->item[i].removed) {
            return &job->item[i];
        }
    }
    return NULL;
}

size_t queue_count(const struct queue *q)
{
    return map_count(q->jobs);
}

struct queue_job *queue_next(struct queue *q, size_t *cursor)
{
    void *value = NULL;
    return map_next(q->jobs, cursor, NULL, &value) ? value : NULL;
}

void queue_wait(struct queue *q, struct queue_item *item, int64_t due_us)
{
    heap_remove(q, item);
    queue_dest_unready(q, item);
    item->due_us = due_us;
    if (due_us != QUEUE_NEVER) {
        heap_insert(q, item);
    }
}

bool queue_remove(struct queue *q, struct queue_item *item)
{
    struct queue_job *job = item->job;
    if (item->lease != NULL) {
        queue_lease_settle(q, item);
    }
    heap_remove(q, item);
    queue_dest_unready(q, item);
    queue_dest_put(q, item->dest);
    item->dest = NULL;
    item->removed = true;
    job->live--;
    if (job->live > 0) {
        return false;
    }
    struct queue_key key = queue_key_of(job->kind, &job->id);
    map_remove(q->jobs, &key);
    queue_job_free(job);
    return true;
}

int64_t queue_tick(struct queue *q, int64_t now_us)
{
    while (q->heap_count > 0 && q->heap[0].due_us <= now_us) {
        struct queue_item *item = q->heap[0].item;
        heap_remove(q, item);
        queue_dest_ready(q, item);
    }
    return q->heap_count == 0 ? QUEUE_NEVER : q->heap[0].due_us;
}
