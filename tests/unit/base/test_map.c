/* SPDX-License-Identifier: Apache-2.0 */
/* The map against a plain array as its model, its limit, and SipHash against its authors' vectors. */
#include "base/map.h"
#include "unit.h"

#define KEYS 512

static void siphash_vectors(void **state)
{
    (void)state;
    uint8_t key[16];
    uint8_t data[15];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        data[i] = i;
    assert_true(map_siphash(key, slice_of(data, 15)) == 0xa129ca6149be45e5);
    assert_true(map_siphash(key, SLICE_EMPTY) == 0x726fdb47dd0e0e31);
    assert_true(map_siphash(key, slice_of(data, 8)) == 0x93f5f5799a932462);
}

static void behaves_as_a_plain_array(void **state)
{
    (void)state;
    struct map *map = map_create(sizeof(uint32_t), KEYS);
    void *model[KEYS] = {NULL};
    size_t count = 0;
    uint32_t seed = 1;
    int values[7];
    for (int step = 0; step < 200000; step++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t key = seed >> 16 & (KEYS - 1);
        if (seed >> 30 < 2) {
            count += model[key] == NULL;
            model[key] = &values[seed % 7];
            assert_true(map_put(map, &key, model[key]));
        } else {
            assert_ptr_equal(map_remove(map, &key), model[key]);
            count -= model[key] != NULL;
            model[key] = NULL;
        }
        assert_ptr_equal(map_get(map, &key), model[key]);
        assert_int_equal(map_count(map), count);
    }
    for (uint32_t key = 0; key < KEYS; key++)
        assert_ptr_equal(map_get(map, &key), model[key]);
    map_free(&map);
    assert_null(map);
    map_free(&map);
    map_free(NULL);
}

static void full_map_refuses_new_keys_only(void **state)
{
    (void)state;
    struct map *map = map_create(1, 3);
    int v = 0;
    int w = 0;
    assert_true(map_put(map, "a", &v) && map_put(map, "b", &v) && map_put(map, "c", &v));
    assert_false(map_put(map, "d", &v));
    assert_true(map_put(map, "a", &w));
    assert_ptr_equal(map_get(map, "a"), &w);
    assert_ptr_equal(map_remove(map, "b"), &v);
    assert_true(map_put(map, "d", &v));
    map_free(&map);
}

static void walk_may_remove(void **state)
{
    (void)state;
    struct map *map = map_create(sizeof(uint32_t), 1000);
    uint32_t seen[1000] = {0};
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(map_put(map, &i, &seen[i]));
    size_t cursor = 0;
    const void *key;
    void *value;
    while (map_next(map, &cursor, &key, &value)) {
        ++*(uint32_t *)value;
        assert_ptr_equal(map_remove(map, key), value);
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(map_count(map), 0);
    cursor = 0;
    assert_false(map_next(map, &cursor, NULL, NULL));
    map_free(&map);
}

static void empty_map(void **state)
{
    (void)state;
    struct map *map = map_create(64, 0);
    uint8_t key[64] = {0};
    size_t cursor = 0;
    assert_null(map_get(map, key));
    assert_null(map_remove(map, key));
    assert_false(map_put(map, key, key));
    assert_false(map_next(map, &cursor, NULL, NULL));
    map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(siphash_vectors), cmocka_unit_test(behaves_as_a_plain_array),
                                       cmocka_unit_test(full_map_refuses_new_keys_only),
                                       cmocka_unit_test(walk_may_remove), cmocka_unit_test(empty_map)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
