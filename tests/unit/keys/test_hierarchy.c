/* SPDX-License-Identifier: Apache-2.0 */
/* The key hierarchy on a real directory: keys come back, names bind, damage and foreign roots are refused, the root can
 * be changed half way and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "keys/hierarchy.h"
#include "keys/key_file.h"
#include "keys/root_file.h"

struct place {
    char path[64];
    int fd;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int setup(void **state)
{
    struct place *place = mem_new(sizeof(*place));
    snprintf(place->path, sizeof(place->path), "/tmp/test-keys-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(place->fd >= 0);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    close(place->fd);
    nftw(place->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    mem_free(place);
    return 0;
}

static struct hierarchy *open_hierarchy(const struct place *place)
{
    struct err err;
    struct root *root = NULL;
    if (!key_file_exists(place->fd, "root.key"))
        assert_true(root_file_create(place->fd, "root.key", &err));
    assert_true(root_file_open(place->fd, "root.key", &root, &err));
    return hierarchy_create(place->fd, root);
}

static const struct key_name work = {KEY_WORK, {(const uint8_t *)"default", 7}, 20781};
static const struct key_name letter = {KEY_LETTER, {NULL, 0}, 20781};

static void test_names(void **state)
{
    static const char *const bad[] = {"",          "work",          "work.default",   "work.default.2026-11-31",
                                      "work..2026-11-24", "work.a/b.2026-11-24", "work.Default.2026-11-24",
                                      "letter.a.2026-11-24", "letter.2026-11-24.x", "code.", "code.x", "../root.key",
                                      "work.default.2026-11-24 ", "letter.1969-12-31", "letter.2026-1-024"};
    char text[KEY_NAME_MAX];
    struct key_name parsed;
    (void)state;
    assert_true(key_name_text(&work, text));
    assert_string_equal(text, "work.default.2026-11-24");
    assert_true(key_name_parse(slice_str(text), &parsed));
    assert_int_equal(parsed.kind, KEY_WORK);
    assert_int_equal(parsed.day, 20781);
    assert_true(slice_eq(parsed.tenant, work.tenant));
    assert_true(key_name_text(&letter, text));
    assert_string_equal(text, "letter.2026-11-24");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(key_name_parse(slice_str(bad[i]), &parsed));
    for (int kind = 0; kind < KEY_KIND_COUNT; kind++) {
        struct key_name name = {(enum key_kind)kind, SLICE_LIT("t-1"), 3};
        if (!key_name_text(&name, text)) {
            name.tenant = SLICE_EMPTY;
            assert_true(key_name_text(&name, text));
        }
        assert_true(key_name_parse(slice_str(text), &parsed));
        assert_int_equal(parsed.kind, kind);
    }
}

static void test_keys_survive_a_restart(void **state)
{
    struct err err;
    struct key first, second, other;
    struct stat st;
    bool missing = false;
    struct hierarchy *h = open_hierarchy(*state);
    assert_false(hierarchy_find(h, &work, &first, &missing, &err));
    assert_true(missing);
    assert_true(hierarchy_key(h, &work, &first, &err));
    assert_true(hierarchy_key(h, &letter, &other, &err));
    assert_memory_not_equal(&first, &other, KEY_SIZE);
    hierarchy_free(&h);
    h = open_hierarchy(*state);
    assert_true(hierarchy_find(h, &work, &second, &missing, &err));
    assert_memory_equal(&first, &second, KEY_SIZE);
    assert_true(hierarchy_find_text(h, SLICE_LIT("work.default.2026-11-24"), &second, &missing, &err));
    assert_memory_equal(&first, &second, KEY_SIZE);
    assert_false(hierarchy_find_text(h, SLICE_LIT("../root.key"), &second, &missing, &err));
    assert_false(missing);
    hierarchy_free(&h);
    const struct place *place = *state;
    assert_int_equal(fstatat(place->fd, "work.default.2026-11-24", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_false(root_file_create(place->fd, "root.key", &err));
}

static void test_damage_and_exchange(void **state)
{
    const struct place *place = *state;
    struct err err;
    struct key key;
    struct buf file;
    bool missing = false;
    struct hierarchy *h = open_hierarchy(place);
    assert_true(hierarchy_key(h, &work, &key, &err));
    assert_true(hierarchy_key(h, &letter, &key, &err));
    hierarchy_free(&h);
    buf_init(&file, KEY_FILE_MAX);
    assert_true(key_file_read(place->fd, "letter.2026-11-24", &file, &err));
    for (size_t i = 0; i < file.len; i++) {
        file.data[i] ^= 1;
        assert_true(key_file_replace(place->fd, "letter.2026-11-24", buf_slice(&file), &err));
        file.data[i] ^= 1;
        h = open_hierarchy(place);
        assert_false(hierarchy_key(h, &letter, &key, &err));
        assert_false(hierarchy_find(h, &letter, &key, &missing, &err));
        assert_false(missing);
        hierarchy_free(&h);
    }
    assert_true(key_file_replace(place->fd, "work.default.2026-11-24", buf_slice(&file), &err));
    h = open_hierarchy(place);
    assert_false(hierarchy_key(h, &work, &key, &err));
    hierarchy_free(&h);
    buf_free(&file);
}

static void test_open_files_are_refused(void **state)
{
    const struct place *place = *state;
    struct err err;
    struct root *root = NULL;
    assert_true(root_file_create(place->fd, "root.key", &err));
    assert_int_equal(fchmodat(place->fd, "root.key", 0640, 0), 0);
    assert_false(root_file_open(place->fd, "root.key", &root, &err));
    assert_int_equal(fchmodat(place->fd, "root.key", 0600, 0), 0);
    assert_int_equal(symlinkat("root.key", place->fd, "link.key"), 0);
    assert_false(root_file_open(place->fd, "link.key", &root, &err));
    assert_true(key_file_replace(place->fd, "root.key", SLICE_LIT("sealpost-root-1 abcd\n"), &err));
    assert_false(root_file_open(place->fd, "root.key", &root, &err));
}

static void test_root_is_changed(void **state)
{
    const struct place *place = *state;
    struct err err;
    struct key first, second;
    struct root *from = NULL;
    struct root *to = NULL;
    size_t count = 0;
    bool missing = false;
    struct hierarchy *h = open_hierarchy(place);
    assert_true(hierarchy_key(h, &work, &first, &err));
    assert_true(hierarchy_key(h, &letter, &second, &err));
    hierarchy_free(&h);
    assert_true(root_file_create(place->fd, "next.key", &err));
    assert_true(root_file_open(place->fd, "root.key", &from, &err));
    assert_true(root_file_open(place->fd, "next.key", &to, &err));
    assert_true(hierarchy_rewrap(place->fd, from, to, &count, &err));
    assert_int_equal(count, 2);
    assert_true(hierarchy_rewrap(place->fd, from, to, &count, &err));
    assert_int_equal(count, 0);
    root_free(&from);
    h = open_hierarchy(place);
    assert_false(hierarchy_find(h, &work, &second, &missing, &err));
    hierarchy_free(&h);
    h = hierarchy_create(place->fd, to);
    assert_true(hierarchy_find(h, &work, &second, &missing, &err));
    assert_memory_equal(&first, &second, KEY_SIZE);
    hierarchy_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_keys_survive_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_and_exchange, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_is_changed, setup, teardown),
    };
    return cmocka_run_group_tests_name("keys/hierarchy", tests, NULL, NULL);
}
