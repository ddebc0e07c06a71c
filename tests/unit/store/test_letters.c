/* SPDX-License-Identifier: Apache-2.0 */
/* Content files: made once, taken only when whole, swept when nobody names them. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/letters.h"

static void files_live_and_die(void **ctx)
{
    (void)ctx;
    char path[] = "/tmp/sealpost-letters-XXXXXX";
    struct letters l;
    const struct id a = {{1, 2, 3}};
    const struct id b = {{4, 5, 6}};
    assert_non_null(mkdtemp(path));
    letters_init(&l, open(path, O_RDONLY | O_DIRECTORY));
    int fd = letters_create(&l, &a, &l);
    assert_true(fd >= 0);
    assert_int_equal(letters_create(&l, &a, &l), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(write(fd, "sealed", 6), 6);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(write(fd, "more", 4), 4); /* append only, wherever the peer seeks */
    assert_int_equal(letters_take(&l, &a, 9), -1);
    assert_int_equal(letters_take(&l, &b, 0), -1);
    int taken = letters_take(&l, &a, 10);
    assert_int_equal(taken, fd);
    assert_int_equal(letters_take(&l, &a, 10), -1);
    close(taken);
    int reading = letters_read(&l, &a);
    char text[11] = {0};
    assert_int_equal(read(reading, text, 10), 10);
    assert_string_equal(text, "sealedmore");
    close(reading);
    assert_true(letters_create(&l, &b, &l) >= 0);
    letters_remove(&l, &b);
    assert_int_equal(letters_read(&l, &b), -1);
    const struct id c = {{7}};
    assert_true(letters_create(&l, &b, &a) >= 0);
    assert_true(letters_create(&l, &c, &a) >= 0);
    letters_forget(&l, &a); /* who filled them is gone */
    assert_int_equal(map_count(l.open), 0);
    assert_int_equal(letters_read(&l, &c), -1);
    struct map *live = map_create(ID_SIZE, 10);
    map_put(live, a.b, live);
    assert_true(letters_create(&l, &b, &l) >= 0);
    close(openat(l.dir_fd, "stranger", O_CREAT | O_WRONLY, 0600));
    assert_int_equal(letters_sweep(&l, live), 2);
    reading = letters_read(&l, &a);
    assert_true(reading >= 0);
    close(reading);
    map_free(&live);
    letters_remove(&l, &a);
    letters_remove(&l, &b);
    letters_free(&l);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_live_and_die)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
