/* SPDX-License-Identifier: Apache-2.0 */
/* The journal under cuts, changed bytes, failing calls and sudden death: what was acknowledged is there, what is
 * damaged is set aside and told, and nothing is ever changed. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/journal.h"

#define SMALL (64u * 1024u)

struct bench {
    char path[64];
    int dir;
    int quarantine;
    struct journal_config config;
    struct journal_scan_report report;
    struct journal *journal;
    uint32_t seen[512]; /* how often record number n was replayed */
    uint32_t records;
    uint32_t content_damaged;
    uint32_t acknowledged;
    uint64_t read; /* position up to which bench_read_on() has read */
    struct store_io io;
    uint32_t fail_sync_at; /* 0: never */
    uint32_t syncs;
    uint32_t fail_write_at;
    uint32_t writes;
};

static void bench_clear(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY);
    DIR *d = fdopendir(fd);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        unlinkat(dir, e->d_name, 0);
    }
    closedir(d);
}

static struct bench *bench_open(void)
{
    struct bench *b = mem_new(sizeof *b);
    char quarantine[80];
    snprintf(b->path, sizeof b->path, "/tmp/sealpost-journal-XXXXXX");
    assert_non_null(mkdtemp(b->path));
    snprintf(quarantine, sizeof quarantine, "%s.bad", b->path);
    assert_int_equal(mkdir(quarantine, 0700), 0);
    b->dir = open(b->path, O_RDONLY | O_DIRECTORY);
    b->quarantine = open(quarantine, O_RDONLY | O_DIRECTORY);
    b->config = (struct journal_config){b->dir, b->quarantine, SMALL, JOURNAL_SEGMENT_AGE_US, &store_io_system, false,
                                        NULL, NULL, 0};
    return b;
}

static void bench_close(struct bench *b)
{
    char quarantine[80];
    journal_close(&b->journal);
    snprintf(quarantine, sizeof quarantine, "%s.bad", b->path);
    bench_clear(b->dir);
    bench_clear(b->quarantine);
    close(b->dir);
    close(b->quarantine);
    rmdir(b->path);
    rmdir(quarantine);
    mem_free(b);
}

/* Record number n has n in its id, and head and content made from it. */
static uint64_t bench_append(struct bench *b, uint32_t n)
{
    uint8_t bytes[300];
    struct record record = {.type = RECORD_MESSAGE, .version = 1};
    memset(bytes, (int)(n & 0xff), sizeof bytes);
    memcpy(record.id.b, &n, sizeof n);
    record.head = slice_of(bytes, 10 + n % 50);
    record.content = slice_of(bytes, n % 200);
    return journal_append(b->journal, &record, false, clock_wait_us());
}

static bool bench_visit(void *ctx, const struct record *record, bool content_damaged, struct err *err)
{
    struct bench *b = ctx;
    uint32_t n = 0;
    (void)err;
    if (record->type != RECORD_MESSAGE) {
        return true;
    }
    memcpy(&n, record->id.b, sizeof n);
    assert_true(n < 512);
    assert_int_equal(record->head.len, 10 + n % 50);
    for (size_t i = 0; i < record->head.len; i++) {
        assert_int_equal(record->head.data[i], n & 0xff);
    }
    if (content_damaged) {
        b->content_damaged++;
    } else {
        assert_int_equal(record->content.len, n % 200);
        for (size_t i = 0; i < record->content.len; i++) {
            assert_int_equal(record->content.data[i], n & 0xff);
        }
    }
    b->seen[n]++;
    b->records++;
    return true;
}

static void bench_start(struct bench *b, uint64_t from)
{
    struct err err = {{0}};
    memset(b->seen, 0, sizeof b->seen);
    b->records = 0;
    b->content_damaged = 0;
    if (!journal_open(&b->config, from, bench_visit, b, &b->journal, &b->report, &err)) {
        fail_msg("%s", err.text);
    }
}

static void bench_acknowledge(void *ctx)
{
    struct bench *b = ctx;
    b->acknowledged++;
}

static void bench_wave(struct bench *b, uint32_t from, uint32_t count)
{
    struct err err;
    for (uint32_t n = from; n < from + count; n++) {
        assert_int_not_equal(bench_append(b, n), 0);
        journal_on_durable(b->journal, bench_acknowledge, b);
    }
    assert_true(journal_settle(b->journal, &err));
}

static void keeps_what_it_acknowledged(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    bench_start(b, 0);
    assert_false(journal_scan_damaged(&b->report));
    bench_wave(b, 0, 10);
    bench_wave(b, 10, 1);
    assert_int_equal(b->acknowledged, 11);
    journal_close(&b->journal);
    bench_start(b, 0);
    assert_int_equal(b->records, 11);
    assert_false(journal_scan_damaged(&b->report));
    bench_wave(b, 11, 3);
    journal_close(&b->journal);
    bench_start(b, 0);
    assert_int_equal(b->records, 14);
    for (uint32_t n = 0; n < 14; n++) {
        assert_int_equal(b->seen[n], 1);
    }
    bench_close(b);
}

static void bench_read_on(void *ctx)
{
    struct bench *b = ctx;
    struct record record;
    while (journal_next(b->journal, &b->read, &record)) {
        b->records++;
    }
}

/* Who waited for a record finds it, and may append the next one. */
static void what_is_acknowledged_can_be_read(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    struct err err;
    bench_start(b, 0);
    for (uint32_t n = 0; n < 3; n++) {
        bench_append(b, n);
        journal_on_durable(b->journal, bench_read_on, b);
        assert_true(journal_settle(b->journal, &err));
        assert_int_equal(b->read, journal_durable(b->journal));
    }
    bench_close(b);
}

/* A spare that the flush thread is making is not in the way of a look at the journal; one of an earlier run goes. */
static void unfinished_spares_stay_until_a_start(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    struct err err = {{0}};
    uint32_t segment = 0;
    bench_start(b, 0);
    bench_wave(b, 0, 3);
    close(openat(b->dir, "spare-7.part", O_RDWR | O_CREAT, 0600));
    while (journal_verify(b->journal, &segment, &b->report, &err)) {
    }
    assert_string_equal(err.text, "");
    assert_int_equal(faccessat(b->dir, "spare-7.part", F_OK, 0), 0);
    journal_close(&b->journal);
    bench_start(b, 0);
    assert_int_not_equal(faccessat(b->dir, "spare-7.part", F_OK, 0), 0);
    bench_close(b);
}

static void replays_from_a_position(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    bench_start(b, 0);
    bench_wave(b, 0, 5);
    uint64_t middle = journal_durable(b->journal);
    bench_wave(b, 5, 2);
    journal_close(&b->journal);
    bench_start(b, middle);
    assert_int_equal(b->records, 2);
    assert_int_equal(b->seen[4], 0);
    assert_int_equal(b->seen[5], 1);
    bench_close(b);
}

static void fills_segments_and_drops_them(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    struct journal_stats stats;
    bench_start(b, 0);
    uint64_t held = 0;
    for (uint32_t wave = 0; wave < 100; wave++) {
        for (uint32_t i = 0; i < 20; i++) {
            uint64_t at = bench_append(b, wave);
            held = wave == 30 && i == 0 ? at : held;
        }
        struct err err;
        assert_true(journal_settle(b->journal, &err));
    }
    journal_stats(b->journal, &stats);
    assert_in_range(stats.waves, 100, 110); /* a full segment ends a wave */
    assert_int_equal(stats.flushes, stats.waves); /* twenty records share one */
    assert_true(stats.segments > 4);
    journal_hold(b->journal, held);
    size_t before = (size_t)stats.segments;
    assert_int_equal(journal_drop(b->journal, 0), 0);
    assert_int_equal(journal_drop(b->journal, journal_durable(b->journal)), before - 2);
    struct record record;
    assert_int_equal(journal_read(b->journal, held, &record), RECORD_OK);
    journal_release(b->journal, held);
    assert_int_equal(journal_drop(b->journal, journal_durable(b->journal)), 1);
    uint64_t indexed = journal_durable(b->journal);
    journal_close(&b->journal);
    bench_start(b, indexed);
    assert_int_equal(b->records, 0);
    assert_false(journal_scan_damaged(&b->report));
    bench_close(b);
}

static void reads_from_memory_and_disk(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    struct record record;
    bench_start(b, 0);
    uint64_t first = bench_append(b, 7);
    bench_wave(b, 1, 3);
    assert_int_equal(journal_read(b->journal, first, &record), RECORD_OK);
    assert_int_equal(record.content.len, 7);
    uint64_t at = 0;
    uint32_t count = 0;
    while (journal_next(b->journal, &at, &record)) {
        count++;
    }
    assert_int_equal(count, 4);
    assert_int_equal(at, journal_durable(b->journal));
    journal_close(&b->journal);
    bench_start(b, 0);
    assert_int_equal(journal_read(b->journal, first, &record), RECORD_OK);
    assert_int_equal(record.content.len, 7);
    assert_int_equal(journal_read(b->journal, first + 8, &record), RECORD_NONE);
    assert_int_equal(journal_read(b->journal, UINT64_C(99) << 32 | 4096, &record), RECORD_NONE);
    bench_close(b);
}

/* A small journal of three waves in memory, with its file's name. */
struct image {
    uint8_t *data;
    size_t len;
};

static uint64_t image_wave_end(void *ctx)
{
    struct bench *b = ctx;
    return journal_durable(b->journal);
}

static void bench_wave_end(void *ctx, struct buf *head)
{
    (void)ctx;
    buf_append_str(head, "counts");
}

static struct image image_make(struct bench *b, uint64_t ends[3])
{
    struct err err;
    struct image image;
    b->config.wave_end = bench_wave_end;
    b->config.wave_end_max = 64;
    bench_start(b, 0);
    for (uint32_t wave = 0; wave < 3; wave++) {
        bench_wave(b, wave * 3, 3);
        ends[wave] = image_wave_end(b);
    }
    journal_close(&b->journal);
    assert_true(segment_load(b->dir, 1, SMALL, &image.data, &image.len, &err));
    image.len = record_offset(ends[2]);
    return image;
}

static void image_write(struct bench *b, struct slice bytes)
{
    bench_clear(b->dir);
    bench_clear(b->quarantine);
    int fd = segment_open(b->dir, 1, O_RDWR | O_CREAT | O_EXCL);
    assert_int_equal(store_io_system.write(NULL, fd, bytes, 0), 0);
    close(fd);
}

/* Cut at every byte: all of the waves that end before the cut are there, and no start is refused. */
static void every_cut_keeps_the_whole_waves(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    uint64_t ends[3];
    struct image image = image_make(b, ends);
    for (size_t cut = SEGMENT_HEADER; cut <= image.len; cut++) {
        image_write(b, slice_of(image.data, cut));
        bench_start(b, 0);
        for (uint32_t wave = 0; wave < 3; wave++) {
            for (uint32_t n = wave * 3; record_offset(ends[wave]) <= cut && n < wave * 3 + 3; n++) {
                assert_int_equal(b->seen[n], 1);
            }
        }
        assert_false(journal_scan_damaged(&b->report));
        bool whole = cut == b->report.end_offset;
        assert_int_equal(b->report.torn, !whole);
        journal_close(&b->journal);
        bench_start(b, 0); /* the cut was closed: a second start finds nothing torn */
        assert_false(b->report.torn);
        assert_false(journal_scan_damaged(&b->report));
        journal_close(&b->journal);
    }
    mem_free(image.data);
    bench_close(b);
}

/* Change every byte: at most the record it lies in is lost, and then it is told, unless it was the very last. */
static void every_changed_byte_costs_one_record_at_most(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    uint64_t ends[3];
    struct image image = image_make(b, ends);
    for (size_t at = 0; at < image.len; at++) {
        image.data[at] ^= 0x11;
        image_write(b, slice_of(image.data, image.len));
        image.data[at] ^= 0x11;
        bench_start(b, 0);
        assert_true(b->records >= 8);
        if (b->records < 9 || b->content_damaged > 0) {
            assert_true(journal_scan_damaged(&b->report));
        }
        if (b->report.gaps > 0) {
            assert_true(b->report.gap_bytes > 0);
        }
        if (b->records == 9 && b->content_damaged == 0) {
            bool told = journal_scan_damaged(&b->report) || b->report.torn;
            assert_true(told);
        }
        journal_close(&b->journal);
    }
    mem_free(image.data);
    bench_close(b);
}

static void a_lost_segment_is_told(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    bench_start(b, 0);
    uint64_t first = bench_append(b, 1);
    for (uint32_t wave = 0; wave < 60; wave++) {
        bench_wave(b, 180, 20);
    }
    journal_close(&b->journal);
    char name[SEGMENT_NAME_MAX];
    segment_name(2, name);
    assert_int_equal(unlinkat(b->dir, name, 0), 0);
    bench_start(b, first);
    assert_int_equal(b->report.missing, 1);
    assert_true(journal_scan_damaged(&b->report));
    bench_close(b);
}

static void an_unknown_record_stops_the_start(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    struct err err;
    bench_start(b, 0);
    struct record record = {.type = (enum record_type)77, .version = 1};
    assert_int_not_equal(journal_append(b->journal, &record, false, clock_wait_us()), 0);
    assert_true(journal_settle(b->journal, &err));
    journal_close(&b->journal);
    assert_false(journal_open(&b->config, 0, bench_visit, b, &b->journal, &b->report, &err));
    assert_non_null(strstr(err.text, "newer Sealpost"));
    b->journal = NULL;
    bench_close(b);
}

static int bench_io_sync(void *ctx, int fd)
{
    struct bench *b = ctx;
    b->syncs++;
    return b->syncs == b->fail_sync_at ? EIO : store_io_system.datasync(NULL, fd);
}

static int bench_io_write(void *ctx, int fd, struct slice data, uint64_t offset)
{
    struct bench *b = ctx;
    b->writes++;
    return b->writes == b->fail_write_at ? ENOSPC : store_io_system.write(NULL, fd, data, offset);
}

/* P2: each write and flush fails in turn; nobody waiting in that wave or behind it is told "kept", the failure stays,
 * and the failed call is not tried again. */
static void a_failed_flush_is_the_end(void **state)
{
    (void)state;
    for (uint32_t step = 1; step <= 14; step++) {
        struct bench *b = bench_open();
        struct err err;
        b->io = (struct store_io){bench_io_write, bench_io_sync, bench_io_sync, b};
        b->config.io = &b->io;
        b->fail_sync_at = step <= 7 ? step : 0;
        b->fail_write_at = step > 7 ? step - 7 : 0;
        bench_start(b, 0);
        bool ok = true;
        uint32_t kept = 0;
        for (uint32_t n = 0; n < 8; n++) {
            bench_append(b, n);
            journal_on_durable(b->journal, bench_acknowledge, b);
            bool now = journal_settle(b->journal, &err);
            assert_false(!ok && now);
            ok = now;
            kept += ok ? 1 : 0;
        }
        assert_false(ok);
        assert_int_equal(b->acknowledged, kept);
        uint32_t syncs = b->syncs;
        assert_int_equal(bench_append(b, 9), 0);
        assert_false(journal_settle(b->journal, &err));
        assert_int_equal(b->syncs, syncs);
        journal_close(&b->journal);
        b->config.io = &store_io_system;
        bench_start(b, 0);
        for (uint32_t n = 0; n < kept; n++) {
            assert_int_equal(b->seen[n], 1);
        }
        bench_close(b);
    }
}

static void content_is_flushed_before_its_record(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    struct err err;
    b->io = (struct store_io){bench_io_write, bench_io_sync, bench_io_sync, b};
    b->config.io = &b->io;
    bench_start(b, 0);
    int fd = openat(b->quarantine, "content", O_RDWR | O_CREAT, 0600);
    b->fail_sync_at = b->syncs + 1; /* the content file: nothing of the wave may be written */
    uint32_t writes = b->writes;
    journal_attach(b->journal, fd, b->quarantine);
    bench_append(b, 3);
    journal_on_durable(b->journal, bench_acknowledge, b);
    assert_false(journal_settle(b->journal, &err));
    assert_int_equal(b->acknowledged, 0);
    assert_int_equal(b->writes, writes);
    bench_close(b);
}

/* The wave rule, by the clock handed in. */
static void waves_start_by_the_rule(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    struct err err;
    struct record record = {.type = RECORD_MESSAGE, .version = 1};
    int64_t t = 1000000;
    bench_start(b, 0);
    journal_append(b->journal, &record, false, t);
    assert_int_equal(journal_turn(b->journal, t), 0); /* at once: the last one held no more than one record */
    journal_append(b->journal, &record, false, t);
    journal_append(b->journal, &record, false, t + 10);
    assert_true(journal_settle(b->journal, &err));
    t = clock_wait_us();
    journal_append(b->journal, &record, false, t);
    journal_append(b->journal, &record, false, t);
    assert_true(journal_settle(b->journal, &err)); /* two records, began now */
    int64_t began = clock_wait_us();
    journal_append(b->journal, &record, false, began);
    int64_t due = journal_turn(b->journal, began);
    assert_true(due == 0 || (due > began && due <= began + JOURNAL_WAVE_GAP_US));
    assert_true(journal_settle(b->journal, &err));
    t = clock_wait_us() + 5000;
    journal_append(b->journal, &record, true, t);
    assert_int_equal(journal_turn(b->journal, t), t + JOURNAL_WAVE_LAZY_US); /* completions alone wait */
    journal_append(b->journal, &record, false, t + 500);
    assert_int_equal(journal_turn(b->journal, t + 500), 0); /* until somebody waits */
    assert_true(journal_settle(b->journal, &err));
    for (uint32_t i = 0; i < JOURNAL_WAVE_RECORDS; i++) {
        journal_append(b->journal, &record, true, t);
    }
    assert_int_equal(journal_turn(b->journal, t), 0);
    assert_true(journal_settle(b->journal, &err));
    bench_close(b);
}

/* Death in the middle: a child acknowledges over a pipe and is killed; all it acknowledged is there. */
static void survives_sudden_death(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 10; round++) {
        struct bench *b = bench_open();
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            bench_start(b, 0);
            for (uint32_t n = 0; n < 500; n++) {
                bench_wave(b, n, 1);
                uint8_t byte = 1;
                if (write(pipes[1], &byte, 1) != 1) {
                    _exit(1);
                }
            }
            pause();
            _exit(0);
        }
        close(pipes[1]);
        uint32_t acknowledged = 0;
        uint8_t byte;
        while (acknowledged < 20 + round * 31 && read(pipes[0], &byte, 1) == 1) {
            acknowledged++;
        }
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &byte, 1) == 1) {
            acknowledged++;
        }
        close(pipes[0]);
        bench_start(b, 0);
        assert_true(b->records >= acknowledged);
        for (uint32_t n = 0; n < acknowledged; n++) {
            assert_int_equal(b->seen[n], 1);
        }
        assert_false(journal_scan_damaged(&b->report));
        bench_close(b);
    }
}

static void spares_are_made_and_used(void **state)
{
    (void)state;
    struct bench *b = bench_open();
    struct journal_stats stats;
    b->config.prepare_spares = true;
    bench_start(b, 0);
    for (int i = 0; i < 200; i++) {
        journal_stats(b->journal, &stats);
        if (stats.spares == 2) {
            break;
        }
        usleep(5000);
    }
    assert_int_equal(stats.spares, 2);
    assert_true(journal_has_room(b->journal));
    journal_close(&b->journal);
    bench_start(b, 0);
    journal_stats(b->journal, &stats);
    assert_true(stats.spares >= 1); /* one of those found was taken at once */
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_it_acknowledged),
        cmocka_unit_test(what_is_acknowledged_can_be_read),
        cmocka_unit_test(unfinished_spares_stay_until_a_start),
        cmocka_unit_test(replays_from_a_position),
        cmocka_unit_test(fills_segments_and_drops_them),
        cmocka_unit_test(reads_from_memory_and_disk),
        cmocka_unit_test(every_cut_keeps_the_whole_waves),
        cmocka_unit_test(every_changed_byte_costs_one_record_at_most),
        cmocka_unit_test(a_lost_segment_is_told),
        cmocka_unit_test(an_unknown_record_stops_the_start),
        cmocka_unit_test(a_failed_flush_is_the_end),
        cmocka_unit_test(content_is_flushed_before_its_record),
        cmocka_unit_test(waves_start_by_the_rule),
        cmocka_unit_test(survives_sudden_death),
        cmocka_unit_test(spares_are_made_and_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
