/* SPDX-License-Identifier: Apache-2.0 */
/* A probe is QUEUED, LOOKING (connected or on its way), LEAVING (facts are known, QUIT is said) and at last DONE: its facts
 * are kept, its connection is gone. */
#include "cli/explain_pool.h"

#include <openssl/evp.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define KEY_BYTES_MAX ((size_t)262144) /* of what is hashed into a key: names and records of one host */

enum probe_state { PROBE_QUEUED, PROBE_LOOKING, PROBE_LEAVING, PROBE_DONE };

struct explain_probe {
    struct list link;  /* in queued, running or done */
    struct explain_pool *pool;
    enum probe_state state;
    struct peer_want want;
    char *host;
    char *helo;
    char *tlsa_base;
    uint8_t *records;
    char **names;
    struct peer *peer;
    struct trust_session facts; /* from LEAVING on; its pointers are ours from DONE on */
};

struct explain_pool {
    const struct peer_home *homes;
    void (*settled)(void *ctx);
    void *ctx;
    struct map *by_key;
    struct list queued;
    struct list running;
    struct list done;
    struct loop_idle *turn;
    size_t running_count;
    size_t connections;
    bool news;
};

static void on_turn(void *ctx);

struct explain_pool *explain_pool_create(struct loop *loop, const struct peer_home *homes, void (*settled)(void *ctx), void *ctx)
{
    struct explain_pool *pool = mem_new(sizeof(*pool));

    pool->homes = homes;
    pool->settled = settled;
    pool->ctx = ctx;
    pool->by_key = map_create(DIGEST_SIZE, EXPLAIN_PROBES_MAX);
    list_init(&pool->queued);
    list_init(&pool->running);
    list_init(&pool->done);
    pool->turn = loop_idle_create(loop, on_turn, pool);
    return pool;
}

static void free_probe(struct explain_probe *probe)
{
    list_remove(&probe->link);
    if (probe->peer != NULL) {
        peer_free(&probe->peer);
    } else {
        trust_session_clear(&probe->facts);
    }
    for (size_t i = 0; i < probe->want.name_count; i++) {
        mem_free(probe->names[i]);
    }
    mem_free(probe->names);
    mem_free(probe->records);
    mem_free(probe->tlsa_base);
    mem_free(probe->helo);
    mem_free(probe->host);
    mem_free(probe);
}

void explain_pool_free(struct explain_pool **pool)
{
    struct list *heads[3];

    if (pool == NULL || *pool == NULL) {
        return;
    }
    heads[0] = &(*pool)->queued;
    heads[1] = &(*pool)->running;
    heads[2] = &(*pool)->done;
    for (size_t i = 0; i < 3; i++) {
        LIST_FOR(it, tmp, heads[i])
        {
            free_probe(LIST_ENTRY(it, struct explain_probe, link));
        }
    }
    map_free(&(*pool)->by_key);
    loop_idle_free(&(*pool)->turn);
    mem_free(*pool);
    *pool = NULL;
}

/* --- the same question twice --- */

/* Names matter only where a certificate of usage 2 may be for one of them. */
static bool names_matter(const struct peer_want *want)
{
    struct wire_reader r = wire_reader_of(want->tlsa_records);
    struct msg_tlsa record;
    bool found = false;

    while (want->tlsa == TRUST_TLSA_USABLE && layout_next(&msg_tlsa_layout, &r, &record)) {
        found = found || record.usage == 2;
    }
    return found;
}

static struct digest key_of(const struct peer_want *want)
{
    struct digest key = {{0}};
    struct buf b;

    buf_init(&b, KEY_BYTES_MAX);
    wire_put_blob32(&b, slice_str(want->host));
    wire_put_u8(&b, want->address.family);
    (void)buf_append(&b, want->address.bytes.b, sizeof(want->address.bytes.b));
    wire_put_u8(&b, (uint8_t)want->profile);
    wire_put_u8(&b, (uint8_t)want->tlsa);
    wire_put_blob32(&b, slice_str(want->tlsa_base));
    wire_put_blob32(&b, want->tlsa_records);
    for (size_t i = 0; names_matter(want) && i < want->name_count; i++) {
        wire_put_blob32(&b, slice_str(want->names[i]));
    }
    if (EVP_Digest(b.data, b.len, key.b, NULL, EVP_sha256(), NULL) != 1) {
        mem_random(key.b, sizeof(key.b)); /* then it is looked at twice */
    }
    buf_free(&b);
    return key;
}

static struct explain_probe *make_probe(struct explain_pool *pool, const struct peer_want *want)
{
    struct explain_probe *probe = mem_new(sizeof(*probe));

    probe->pool = pool;
    probe->want = *want;
    probe->want.host = probe->host = mem_strdup(want->host);
    probe->want.helo = probe->helo = mem_strdup(want->helo);
    probe->want.tlsa_base = probe->tlsa_base = mem_strdup(want->tlsa_base);
    probe->records = mem_new(want->tlsa_records.len + 1);
    if (want->tlsa_records.len > 0) {
        memcpy(probe->records, want->tlsa_records.data, want->tlsa_records.len);
    }
    probe->want.tlsa_records = slice_of(probe->records, want->tlsa_records.len);
    probe->names = mem_new_array(want->name_count + 1, sizeof(*probe->names));
    for (size_t i = 0; i < want->name_count; i++) {
        probe->names[i] = mem_strdup(want->names[i]);
    }
    probe->want.names = (const char *const *)probe->names;
    list_init(&probe->link);
    list_push(&pool->queued, &probe->link);
    return probe;
}

struct explain_probe *explain_pool_ask(struct explain_pool *pool, const struct peer_want *want)
{
    struct digest key = key_of(want);
    struct explain_probe *probe = map_get(pool->by_key, key.b);

    if (probe == NULL) {
        probe = make_probe(pool, want);
        if (!map_put(pool->by_key, key.b, probe)) {
            free_probe(probe);
            return NULL;
        }
    }
    pool->news = pool->news || probe->state >= PROBE_LEAVING;
    loop_idle_request(pool->turn);
    return probe;
}

const struct trust_session *explain_probe_facts(const struct explain_probe *probe)
{
    return probe->state >= PROBE_LEAVING ? &probe->facts : NULL;
}

bool explain_pool_is_idle(const struct explain_pool *pool)
{
    return pool->running_count == 0 && list_empty(&pool->queued);
}

size_t explain_pool_connections(const struct explain_pool *pool)
{
    return pool->connections;
}

/* --- looking --- */

/* The one place that changes the state. */
static void probe_become(struct explain_probe *probe, enum probe_state state)
{
    struct explain_pool *pool = probe->pool;
    struct list *to = state == PROBE_DONE ? &pool->done : &pool->running;

    pool->running_count += state == PROBE_LOOKING ? 1 : 0;
    pool->running_count -= state == PROBE_DONE ? 1 : 0;
    probe->state = state;
    list_remove(&probe->link);
    list_push(to, &probe->link);
}

static void on_settled(void *ctx)
{
    struct explain_probe *probe = ctx;

    loop_idle_request(probe->pool->turn);
}

/* The facts are known: others may read them while the server is told goodbye. */
static void leave(struct explain_probe *probe)
{
    probe_become(probe, PROBE_LEAVING);
    probe->facts = *peer_facts(probe->peer);
    probe->pool->news = true;
    if (peer_is_open(probe->peer)) {
        peer_goodbye(probe->peer);
    }
}

/* The connection is over; what was seen stays with the probe. */
static void finish(struct explain_probe *probe)
{
    struct trust_session *facts = peer_facts(probe->peer);

    probe->facts = *facts;
    memset(facts, 0, sizeof(*facts));
    peer_free(&probe->peer);
    probe_become(probe, PROBE_DONE);
    probe->pool->news = true;
}

static bool may_start(const struct explain_pool *pool, const struct explain_probe *probe)
{
    size_t same = 0;

    LIST_FOR(it, tmp, &pool->running)
    {
        const struct explain_probe *other = LIST_ENTRY(it, struct explain_probe, link);
        same += other->want.address.family == probe->want.address.family &&
                        memcmp(other->want.address.bytes.b, probe->want.address.bytes.b, TAG_SIZE) == 0
                    ? 1
                    : 0;
    }
    return same < EXPLAIN_PER_ADDRESS;
}

static void start_queued(struct explain_pool *pool)
{
    static const struct peer_ops ops = {.settled = on_settled, .moved = on_settled};

    LIST_FOR(it, tmp, &pool->queued)
    {
        struct explain_probe *probe = LIST_ENTRY(it, struct explain_probe, link);
        if (pool->running_count >= EXPLAIN_CONNECTIONS_MAX) {
            return;
        }
        if (may_start(pool, probe)) {
            probe_become(probe, PROBE_LOOKING);
            pool->connections++;
            probe->peer = peer_open(&pool->homes[probe->want.profile], &probe->want, &ops, probe);
        }
    }
}

static void on_turn(void *ctx)
{
    struct explain_pool *pool = ctx;
    bool news;

    LIST_FOR(it, tmp, &pool->running)
    {
        struct explain_probe *probe = LIST_ENTRY(it, struct explain_probe, link);
        if (probe->state == PROBE_LOOKING && peer_is_settled(probe->peer)) {
            leave(probe);
        }
        if (probe->state == PROBE_LEAVING && !peer_is_open(probe->peer)) {
            finish(probe);
        }
    }
    start_queued(pool);
    news = pool->news;
    pool->news = false;
    if (news) {
        pool->settled(pool->ctx);
    }
}
