/* SPDX-License-Identifier: Apache-2.0 */
/* Files: nothing leads out of the directory, reading is bounded, replacing is whole. */
#include "os/file.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_dir(void **state)
{
    char *path = strdup("/tmp/sealpost-file-XXXXXX");
    assert_non_null(mkdtemp(path));
    *state = path;
    return 0;
}

static int remove_dir(void **state)
{
    static const char *const names[] = {"a", "link", "dirlink", "fifo", "sub/x"};
    int dir = open(*state, O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unlinkat(dir, names[i], 0);
    unlinkat(dir, "sub", AT_REMOVEDIR);
    close(dir);
    int rc = rmdir(*state); /* fails when a temporary file was left */
    free(*state);
    return rc;
}

static void creates_replaces_reads_removes(void **state)
{
    struct err err = {""};
    struct buf b;
    int dir = file_open_dir(*state, &err);
    buf_init(&b, 10);
    assert_true(file_create(dir, "a", SLICE_LIT("first"), 0600, &err));
    assert_false(file_create(dir, "a", SLICE_LIT("other"), 0600, &err));
    assert_true(file_read(dir, "a", &b, &err));
    assert_slice(buf_slice(&b), "first");
    buf_reset(&b);
    assert_true(file_replace(dir, "a", SLICE_LIT("0123456789"), 0600, &err));
    assert_true(file_read(dir, "a", &b, &err));
    assert_slice(buf_slice(&b), "0123456789");
    buf_reset(&b);
    assert_true(file_replace(dir, "a", SLICE_LIT("0123456789x"), 0600, &err));
    assert_false(file_read(dir, "a", &b, &err));
    assert_string_equal(err.text, "a is longer than 10 bytes");
    assert_true(file_remove(dir, "a", true, &err));
    assert_true(file_remove(dir, "a", false, &err));
    buf_reset(&b);
    assert_false(file_read(dir, "a", &b, &err));
    assert_string_equal(err.text, "cannot open a: No such file or directory");
    buf_free(&b);
    close(dir);
}

static void nothing_leads_out(void **state)
{
    static const char *const out[] = {"../etc/passwd", "/etc/passwd", "link", "dirlink/passwd", "sub/../../etc/passwd"};
    struct err err = {""};
    int dir = file_open_dir(*state, &err);
    int sub = file_open_dir_at(dir, "sub", true, &err);
    assert_true(sub >= 0);
    close(sub);
    sub = file_open_dir_at(dir, "sub", true, &err);
    assert_true(sub >= 0);
    close(sub);
    assert_int_equal(symlinkat("/etc/passwd", dir, "link"), 0);
    assert_int_equal(symlinkat("/etc", dir, "dirlink"), 0);
    for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++) {
        assert_int_equal(file_open_at(dir, out[i], O_RDONLY, 0, &err), -1);
        assert_true(errno == EXDEV || errno == ELOOP);
    }
    assert_true(file_create(dir, "sub/x", SLICE_LIT("y"), 0600, &err));
    close(dir);
}

static void only_regular_files_are_read(void **state)
{
    struct err err = {""};
    struct buf b;
    int dir = file_open_dir(*state, &err);
    buf_init(&b, 10);
    assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
    assert_false(file_read(dir, "fifo", &b, &err));
    assert_string_equal(err.text, "fifo is not a regular file");
    assert_int_equal(file_open_dir("/nonexistent", &err), -1);
    buf_free(&b);
    close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(creates_replaces_reads_removes, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(nothing_leads_out, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(only_regular_files_are_read, make_dir, remove_dir)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
