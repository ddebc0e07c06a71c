/* SPDX-License-Identifier: Apache-2.0 */
/* Segments written past the page cache hold the same bytes as segments written through it, whatever the sizes of the
 * waves, and a file system that refuses is written to as usual. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/flush.h"
#include "store/segment_direct.h"

#define BYTES (4u * 1024u * 1024u)
#define NUMBER 1u

struct room {
    char path[64];
    int dir;
    int fd;
    uint8_t *wanted;
    struct store_io io;
    unsigned refused;
};

/* A file system that lets itself be opened with O_DIRECT and then refuses. */
static int refuse_direct(void *ctx, int fd, struct slice data, uint64_t offset)
{
    struct room *room = ctx;
    if ((fcntl(fd, F_GETFL) & O_DIRECT) != 0) {
        room->refused++;
        return EINVAL;
    }
    return store_io_system.write(NULL, fd, data, offset);
}

static struct room *room_open(void)
{
    struct room *room = mem_new(sizeof *room);
    snprintf(room->path, sizeof room->path, "./sealpost-direct-XXXXXX");
    assert_non_null(mkdtemp(room->path));
    room->dir = open(room->path, O_RDONLY | O_DIRECTORY);
    room->fd = segment_open(room->dir, NUMBER, O_RDWR | O_CREAT);
    assert_true(room->fd >= 0);
    assert_int_equal(posix_fallocate(room->fd, 0, BYTES), 0);
    room->wanted = mem_new_array(BYTES, 1);
    room->io = store_io_system;
    return room;
}

static void room_close(struct room *room)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(NUMBER, name);
    assert_int_equal(unlinkat(room->dir, name, 0), 0);
    close(room->fd);
    close(room->dir);
    assert_int_equal(rmdir(room->path), 0);
    mem_free(room->wanted);
    mem_free(room);
}

static void assert_file(struct room *room)
{
    uint8_t *found = mem_new_array(BYTES, 1);
    struct stat st;
    assert_int_equal(fstat(room->fd, &st), 0);
    assert_int_equal(st.st_size, BYTES);
    assert_int_equal(pread(room->fd, found, BYTES, 0), BYTES);
    assert_memory_equal(found, room->wanted, BYTES);
    mem_free(found);
}

static const size_t sizes[] = {4096, 1, 4095, 4096, 5000, 3, 70000, 1048576, 12, 1500000, 4084, 8, 8192, 77777};

static void any_sizes_one_behind_another(void **state)
{
    (void)state;
    struct room *room = room_open();
    struct segment_direct *d = segment_direct_create();
    uint64_t at = 0;
    assert_false(segment_direct_ready(d));
    segment_direct_begin(d, room->dir, NUMBER, BYTES);
    if (!segment_direct_ready(d)) {
        print_message("this file system knows no O_DIRECT: not tried\n");
        segment_direct_free(&d);
        room_close(room);
        skip();
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(room->wanted + at, (int)i + 1, sizes[i]);
        assert_int_equal(segment_direct_write(d, &room->io, slice_of(room->wanted + at, sizes[i]), at), 0);
        at += sizes[i];
        assert_file(room);
    }
    assert_int_equal(segment_direct_write(d, &room->io, slice_of(room->wanted, 1), 0), ESPIPE);
    segment_direct_end(d);
    assert_false(segment_direct_ready(d));
    segment_direct_begin(d, room->dir, NUMBER, BYTES + 1);
    assert_false(segment_direct_ready(d));
    segment_direct_free(&d);
    segment_direct_free(&d);
    room_close(room);
}

/* The header and three waves through the flush thread. */
static void flush_waves(struct room *room)
{
    struct flush_config config = {.dir_fd = room->dir, .segment_bytes = BYTES, .io = &room->io};
    struct flush *flush = NULL;
    struct err err;
    uint64_t at = SEGMENT_HEADER;
    assert_true(flush_start(&config, &flush, &err));
    segment_header_write(NUMBER, 7, room->wanted);
    for (uint8_t i = 0; i < 3; i++) {
        struct flush_job job = {.segment_fd = room->fd, .segment = NUMBER, .offset = at, .activate = i == 0, .now_us = 7};
        memset(room->wanted + at, i + 1, 9999);
        job.data = slice_of(room->wanted + at, 9999);
        at += 9999;
        flush_submit(flush, &job);
        flush_wait(flush);
        assert_ptr_equal(flush_take(flush), &job);
        assert_int_equal(job.error, 0);
    }
    assert_int_equal(flush_count(flush), 3);
    flush_stop(&flush);
    assert_file(room);
}

static void the_flush_thread_writes_so(void **state)
{
    (void)state;
    struct room *room = room_open();
    flush_waves(room);
    room_close(room);
}

static void a_refusal_falls_back(void **state)
{
    (void)state;
    struct room *room = room_open();
    room->io.write = refuse_direct;
    room->io.ctx = room;
    flush_waves(room);
    assert_true(room->refused <= 1);
    room_close(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sizes_one_behind_another),
        cmocka_unit_test(the_flush_thread_writes_so),
        cmocka_unit_test(a_refusal_falls_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
