/* SPDX-License-Identifier: Apache-2.0 */
/* The pools of keys. */
#include "roles/intake_keys.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "os/msg.h"

struct item {
    struct list link;
    int64_t until_us;
    struct intake_key key; /* without the tag keys */
};

struct pool {
    struct intake_keys *keys;
    uint8_t tenant[MSG_TENANT_MAX]; /* padded with zeros: key in the map */
    size_t tenant_len;
    struct list items; /* oldest first */
    size_t count;
    size_t batch;      /* size of the next batch */
    uint64_t call;     /* open question; 0: none */
    struct list waiters;
    int64_t used_us;
    int64_t asked_us;
    uint32_t day;      /* of the destination key */
    struct key message_id_key;
    struct key recipient_key;
    struct key destination_key;
};

struct intake_keys {
    struct map *pools;
    struct chan *keyd;
    struct loop_timer *sweep;
};

void intake_key_wipe(struct intake_key *key)
{
    mem_free(key->header); /* public: wrapped keys and context */
    mem_wipe(key, sizeof(*key));
}

static void item_free(struct pool *pool, struct item *item)
{
    list_remove(&item->link);
    pool->count--;
    intake_key_wipe(&item->key);
    mem_free_secret(item, sizeof(*item));
}

static void pool_empty(struct pool *pool)
{
    LIST_FOR(it, tmp, &pool->items)
        item_free(pool, LIST_ENTRY(it, struct item, link));
}

static void pool_free(struct pool *pool)
{
    struct intake_keys *keys = pool->keys;
    if (pool->call != 0 && keys->keyd != NULL)
        chan_call_forget(keys->keyd, pool->call);
    pool_empty(pool);
    map_remove(keys->pools, pool->tenant);
    mem_free_secret(pool, sizeof(*pool));
}

/* The pool of a tenant, made when missing; NULL when there are too many. */
static struct pool *pool_of(struct intake_keys *keys, struct slice tenant)
{
    uint8_t name[MSG_TENANT_MAX] = {0};
    if (tenant.len == 0 || tenant.len > sizeof(name))
        return NULL;
    memcpy(name, tenant.data, tenant.len);
    struct pool *pool = map_get(keys->pools, name);
    if (pool != NULL)
        return pool;
    pool = mem_new(sizeof(*pool));
    pool->keys = keys;
    memcpy(pool->tenant, name, sizeof(name));
    pool->tenant_len = tenant.len;
    pool->batch = INTAKE_KEYS_FIRST;
    list_init(&pool->items);
    list_init(&pool->waiters);
    if (map_put(keys->pools, pool->tenant, pool))
        return pool;
    mem_free(pool);
    return NULL;
}

/* Tells the first waiters, as many as there are keys, or all of them that there is none. */
static void pool_tell(struct pool *pool, bool ok)
{
    for (size_t n = ok ? pool->count : SIZE_MAX; n > 0 && !list_empty(&pool->waiters); n--) {
        struct intake_keys_waiter *waiter = LIST_ENTRY(pool->waiters.next, struct intake_keys_waiter, link);
        list_remove(&waiter->link);
        waiter->ready(waiter->ctx, ok);
    }
}

static bool pool_add(struct pool *pool, const struct msg_batch *batch)
{
    struct wire_reader r = wire_reader_of(batch->items);
    struct msg_batch_item in;
    int64_t until = clock_wait_us() + INTAKE_KEYS_LIFE_US;
    if (pool->day != batch->destination_day)
        pool_empty(pool);
    pool->day = batch->destination_day;
    pool->message_id_key = batch->message_id_key;
    pool->recipient_key = batch->recipient_key;
    pool->destination_key = batch->destination_key;
    while (layout_next(&msg_batch_item_layout, &r, &in)) {
        struct item *item = mem_new(sizeof(*item));
        item->until_us = until;
        item->key.id = in.id;
        item->key.content_key = in.content_key;
        item->key.field_key = in.field_key;
        item->key.header = mem_new(in.header.len + 1);
        memcpy(item->key.header, in.header.data, in.header.len);
        item->key.header_len = in.header.len;
        list_push(&pool->items, &item->link);
        pool->count++;
    }
    mem_wipe(&in, sizeof(in));
    return wire_done(&r) && pool->count > 0;
}

static void pool_ask(struct pool *pool);

static void on_batch(void *ctx, const struct chan_frame *answer)
{
    struct pool *pool = ctx;
    struct msg_batch batch = {.code = MSG_UNAVAILABLE};
    pool->call = 0;
    bool ok = answer != NULL && layout_read(&msg_batch_layout, answer->payload, &batch) && batch.code == MSG_OK &&
              pool_add(pool, &batch);
    mem_wipe(&batch, sizeof(batch));
    pool_tell(pool, ok);
    if (ok && !list_empty(&pool->waiters))
        pool_ask(pool);
}

static void pool_ask(struct pool *pool)
{
    int64_t now = clock_wait_us();
    if (pool->call != 0 || pool->keys->keyd == NULL)
        return;
    /* Asking again within a second says that the batch was too small. */
    if (pool->asked_us != 0)
        pool->batch = now - pool->asked_us < CLOCK_US_PER_S ? pool->batch * 2 : INTAKE_KEYS_FIRST;
    if (pool->batch > MSG_BATCH_MAX)
        pool->batch = MSG_BATCH_MAX;
    pool->asked_us = now;
    struct msg_batch_ask ask = {MSG_PURPOSE_MAIL, slice_of(pool->tenant, pool->tenant_len), (uint16_t)pool->batch, 0};
    struct buf payload;
    buf_init(&payload, 256);
    layout_write(&msg_batch_ask_layout, &payload, &ask);
    pool->call = chan_call(pool->keys->keyd, MSG_KEY_BATCH, buf_slice(&payload), -1, MSG_DEADLINE_US, on_batch, pool);
    buf_free(&payload);
}

/* Wipes what is too old, and pools nobody uses. */
static void on_sweep(void *ctx)
{
    struct intake_keys *keys = ctx;
    int64_t now = clock_wait_us();
    size_t cursor = 0;
    const void *name = NULL;
    void *value = NULL;
    while (map_next(keys->pools, &cursor, &name, &value)) {
        struct pool *pool = value;
        LIST_FOR(it, tmp, &pool->items) {
            struct item *item = LIST_ENTRY(it, struct item, link);
            if (item->until_us <= now)
                item_free(pool, item);
        }
        if (pool->count == 0 && pool->call == 0 && list_empty(&pool->waiters) &&
            now - pool->used_us > INTAKE_KEYS_LIFE_US)
            pool_free(pool);
    }
    loop_timer_start(keys->sweep, INTAKE_KEYS_SWEEP_US);
}

struct intake_keys *intake_keys_create(struct loop *loop)
{
    struct intake_keys *keys = mem_new(sizeof(*keys));
    keys->pools = map_create(MSG_TENANT_MAX, INTAKE_KEYS_TENANTS_MAX);
    keys->sweep = loop_timer_create(loop, on_sweep, keys);
    loop_timer_start(keys->sweep, INTAKE_KEYS_SWEEP_US);
    return keys;
}

void intake_keys_free(struct intake_keys **keys)
{
    if (keys == NULL || *keys == NULL)
        return;
    size_t cursor = 0;
    const void *name = NULL;
    void *value = NULL;
    while (map_next((*keys)->pools, &cursor, &name, &value))
        pool_free(value);
    map_free(&(*keys)->pools);
    loop_timer_free(&(*keys)->sweep);
    mem_free(*keys);
    *keys = NULL;
}

void intake_keys_channel(struct intake_keys *keys, struct chan *keyd)
{
    keys->keyd = keyd;
}

void intake_keys_prepare(struct intake_keys *keys, struct slice tenant)
{
    struct pool *pool = pool_of(keys, tenant);
    if (pool == NULL)
        return;
    pool->used_us = clock_wait_us();
    if (pool->count == 0)
        pool_ask(pool);
}

bool intake_keys_take(struct intake_keys *keys, struct slice tenant, struct intake_key *ret_key)
{
    struct pool *pool = pool_of(keys, tenant);
    if (pool == NULL)
        return false;
    if (pool->day != clock_day(clock_utc_us()))
        pool_empty(pool);
    pool->used_us = clock_wait_us();
    bool found = pool->count > 0;
    if (found) {
        struct item *item = LIST_ENTRY(pool->items.next, struct item, link);
        *ret_key = item->key;
        ret_key->message_id_key = pool->message_id_key;
        ret_key->recipient_key = pool->recipient_key;
        ret_key->destination_key = pool->destination_key;
        item->key.header = NULL;
        item_free(pool, item);
    }
    if (pool->count <= pool->batch / 2)
        pool_ask(pool);
    return found;
}

void intake_keys_wait(struct intake_keys *keys, struct slice tenant, struct intake_keys_waiter *waiter)
{
    struct pool *pool = pool_of(keys, tenant);
    list_init(&waiter->link);
    if (pool != NULL)
        pool_ask(pool);
    if (pool == NULL || pool->call == 0)
        waiter->ready(waiter->ctx, false);
    else
        list_push(&pool->waiters, &waiter->link);
}

void intake_keys_forget(struct intake_keys_waiter *waiter)
{
    if (waiter->link.next != NULL)
        list_remove(&waiter->link);
}
