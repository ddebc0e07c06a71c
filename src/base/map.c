/* SPDX-License-Identifier: Apache-2.0 */
/* The seeded hash map: open addressing with linear probing. A removed slot becomes a grave (value NULL, used), so that
 * removal never moves an entry and a walk may remove what it just saw; graves vanish when the table is rebuilt. */
#include "base/map.h"

#include "base/mem.h"

#include <assert.h>
#include <endian.h>

#define MAP_KEY_MAX 64
#define MAP_FIRST_SLOTS 16

struct map_slot {
    uint64_t hash;
    void *value; /* NULL: empty or a grave */
    bool used;
};

struct map {
    size_t key_size;
    size_t max;
    size_t count;
    size_t used;  /* entries and graves */
    size_t slots; /* a power of two, or 0 */
    struct map_slot *slot;
    uint8_t *keys; /* slots * key_size */
    uint8_t seed[16];
};

static uint64_t map_rotl(uint64_t v, int bits)
{
    return v << bits | v >> (64 - bits);
}

static void map_sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = map_rotl(v[1], 13) ^ v[0];
    v[3] = map_rotl(v[3], 16) ^ v[2];
    v[0] = map_rotl(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = map_rotl(v[3], 21) ^ v[0];
    v[1] = map_rotl(v[1], 17) ^ v[2];
    v[2] = map_rotl(v[2], 32);
}

static uint64_t map_load(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

static void map_sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    map_sip_round(v);
    map_sip_round(v);
    v[0] ^= word;
}

uint64_t map_siphash(const uint8_t key[16], struct slice data)
{
    uint64_t k0 = map_load(key);
    uint64_t k1 = map_load(key + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
    size_t at = 0;
    for (; data.len - at >= 8; at += 8)
        map_sip_word(v, map_load(data.data + at));
    uint8_t tail[8] = {0};
    if (data.len > at)
        memcpy(tail, data.data + at, data.len - at);
    tail[7] = (uint8_t)data.len;
    map_sip_word(v, map_load(tail));
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        map_sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *map_create(size_t key_size, size_t max)
{
    assert(key_size >= 1 && key_size <= MAP_KEY_MAX);
    struct map *map = mem_new(sizeof(*map));
    map->key_size = key_size;
    map->max = max;
    mem_random(map->seed, sizeof(map->seed));
    return map;
}

static void map_drop_table(struct map *map)
{
    mem_free(map->slot);
    mem_free_secret(map->keys, map->slots * map->key_size);
}

void map_free(struct map **map)
{
    if (map == NULL || *map == NULL)
        return;
    map_drop_table(*map);
    mem_free(*map);
    *map = NULL;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

static uint8_t *map_key(const struct map *map, size_t i)
{
    return map->keys + i * map->key_size;
}

static uint64_t map_hash(const struct map *map, const void *key)
{
    return map_siphash(map->seed, slice_of(key, map->key_size));
}

/* The slot that holds key, or map->slots when absent. */
static size_t map_find(const struct map *map, const void *key, uint64_t hash)
{
    size_t mask = map->slots - 1;
    if (map->slots == 0)
        return 0;
    for (size_t i = hash & mask; map->slot[i].used; i = (i + 1) & mask)
        if (map->slot[i].value != NULL && map->slot[i].hash == hash && memcmp(map_key(map, i), key, map->key_size) == 0)
            return i;
    return map->slots;
}

/* Puts an absent key into a table that has a slot left. */
static void map_insert(struct map *map, const void *key, uint64_t hash, void *value)
{
    size_t mask = map->slots - 1;
    size_t i = hash & mask;
    while (map->slot[i].value != NULL)
        i = (i + 1) & mask;
    map->used += map->slot[i].used ? 0 : 1;
    map->slot[i] = (struct map_slot){hash, value, true};
    memcpy(map_key(map, i), key, map->key_size);
    map->count++;
}

/* Moves all entries to a table that is at most half full. */
static void map_rebuild(struct map *map)
{
    struct map old = *map;
    size_t slots = MAP_FIRST_SLOTS;
    while (slots / 2 < map->count + 1)
        slots *= 2;
    map->slots = slots;
    map->slot = mem_new_array(slots, sizeof(*map->slot));
    map->keys = mem_new_array(slots, map->key_size);
    map->count = map->used = 0;
    for (size_t i = 0; i < old.slots; i++)
        if (old.slot[i].value != NULL)
            map_insert(map, map_key(&old, i), old.slot[i].hash, old.slot[i].value);
    map_drop_table(&old);
}

void *map_get(const struct map *map, const void *key)
{
    size_t i = map_find(map, key, map_hash(map, key));
    return i == map->slots ? NULL : map->slot[i].value;
}

bool map_put(struct map *map, const void *key, void *value)
{
    assert(value != NULL);
    uint64_t hash = map_hash(map, key);
    size_t i = map_find(map, key, hash);
    if (i < map->slots) {
        map->slot[i].value = value;
        return true;
    }
    if (map->count >= map->max)
        return false;
    if ((map->used + 1) > map->slots / 4 * 3)
        map_rebuild(map);
    map_insert(map, key, hash, value);
    return true;
}

void *map_remove(struct map *map, const void *key)
{
    size_t i = map_find(map, key, map_hash(map, key));
    if (i == map->slots)
        return NULL;
    void *value = map->slot[i].value;
    map->slot[i].value = NULL;
    mem_wipe(map_key(map, i), map->key_size);
    map->count--;
    if (!map->slot[(i + 1) & (map->slots - 1)].used) {
        map->slot[i].used = false; /* nothing is probed past it: no grave needed */
        map->used--;
    }
    return value;
}

bool map_next(const struct map *map, size_t *cursor, const void **ret_key, void **ret_value)
{
    for (size_t i = *cursor; i < map->slots; i++) {
        if (map->slot[i].value == NULL)
            continue;
        *cursor = i + 1;
        if (ret_key != NULL)
            *ret_key = map_key(map, i);
        if (ret_value != NULL)
            *ret_value = map->slot[i].value;
        return true;
    }
    *cursor = map->slots;
    return false;
}
