/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from keys of one fixed size to pointers it does not own. Hashing is seeded per map (SipHash), so that a
 * peer cannot choose colliding keys. Bounded: an insert beyond max is refused (P7). */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

struct map;

/* A map for keys of key_size bytes (1 to 64) with at most max entries. */
struct map *map_create(size_t key_size, size_t max);

/* Frees the map, not its values; *map becomes NULL; NULL and a NULL map are accepted. */
void map_free(struct map **map);

/* Number of entries. */
size_t map_count(const struct map *map);

/* The value under key, or NULL. key points to key_size bytes. */
void *map_get(const struct map *map, const void *key);

/* Stores value (not NULL) under a copy of key, replacing an older one. False when the map is full. */
bool map_put(struct map *map, const void *key, void *value);

/* Removes key and returns its value, or NULL when absent. */
void *map_remove(struct map *map, const void *key);

/* Walks all entries: start with *cursor = 0; false at the end. The map must not change in between, except that the
 * entry just returned may be removed. */
bool map_next(const struct map *map, size_t *cursor, const void **ret_key, void **ret_value);

/* SipHash-2-4 of data under 16 bytes of key. */
uint64_t map_siphash(const uint8_t key[16], struct slice data);

#endif
