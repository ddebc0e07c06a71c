/* SPDX-License-Identifier: Apache-2.0 */
/* The flush thread. Everything shared with the loop lies behind one mutex; the job itself is handed over whole. */
#include "store/flush.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/segment_direct.h"

#define FLUSH_SLICE (1024u * 1024u) /* bytes of a spare written between two looks at the queue: about 1 ms */
#define FLUSH_RETRY_S 5             /* after a spare could not be made */

struct flush {
    struct flush_config config;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work; /* a job came, a spare was taken, or stop */
    pthread_cond_t done; /* a job is finished */
    struct list todo;
    struct list finished;
    size_t running; /* jobs submitted and not yet finished */
    bool stop;
    int event_fd;
    uint32_t spare[FLUSH_SPARES];
    uint32_t spare_count;
    uint32_t spare_next;
    bool spare_failed;
    /* the thread's own */
    int error; /* sticky */
    const char *failed;
    int part_fd; /* spare in the making, or -1 */
    uint32_t part;
    uint64_t part_done;
    uint8_t *memory;
    uint8_t *zeros; /* FLUSH_SLICE bytes within memory, for O_DIRECT */
    bool cached;    /* spares go through the page cache: the file system knows no other way */
    struct segment_direct *direct; /* the segment in use */
    atomic_uint_fast64_t flushes; /* of segments, for waves */
};

static void flush_try(struct flush *f, int errnum, const char *what)
{
    if (f->error == 0 && errnum != 0) {
        f->error = errnum;
        f->failed = what;
    }
}

static void flush_content(struct flush *f, const struct flush_job *job)
{
    const struct store_io *io = f->config.io;
    for (size_t i = 0; f->error == 0 && i < job->content_count; i++) {
        flush_try(f, io->sync(io->ctx, job->content[i]), "flushing a content file");
    }
    for (size_t i = 0; f->error == 0 && i < job->directory_count; i++) {
        flush_try(f, io->sync(io->ctx, job->directories[i]), "flushing a content directory");
    }
}

/* Past the page cache where that can be, which the first write to a segment shows. */
static int flush_write(struct flush *f, const struct flush_job *job, struct slice data, uint64_t offset)
{
    const struct store_io *io = f->config.io;
    if (segment_direct_ready(f->direct)) {
        int errnum = segment_direct_write(f->direct, io, data, offset);
        if (errnum != EINVAL || offset != 0) {
            return errnum;
        }
        segment_direct_end(f->direct);
    }
    return io->write(io->ctx, job->segment_fd, data, offset);
}

static void flush_run(struct flush *f, struct flush_job *job)
{
    const struct store_io *io = f->config.io;
    uint8_t header[SEGMENT_HEADER];
    flush_content(f, job);
    if (job->activate && f->error == 0) {
        segment_header_write(job->segment, job->now_us, header);
        segment_direct_begin(f->direct, f->config.dir_fd, job->segment, f->config.segment_bytes);
        flush_try(f, flush_write(f, job, slice_of(header, sizeof header), 0), "writing a segment header");
    }
    if (f->error == 0 && job->data.len > 0) {
        flush_try(f, flush_write(f, job, job->data, job->offset), "writing the journal");
    }
    if (f->error == 0 && (job->data.len > 0 || job->activate)) {
        flush_try(f, io->datasync(io->ctx, job->segment_fd), "flushing the journal");
        atomic_fetch_add_explicit(&f->flushes, 1, memory_order_relaxed);
    }
    if (job->activate && f->error == 0) {
        flush_try(f, io->sync(io->ctx, f->config.dir_fd), "flushing the journal directory");
    }
    job->error = f->error;
    job->failed = f->failed;
}

/* Gives up a spare that could not be made; another try comes later. */
static void flush_spare_abandon(struct flush *f)
{
    char name[SEGMENT_NAME_MAX];
    segment_spare_name(f->part, false, name);
    if (f->part_fd >= 0) {
        close(f->part_fd);
    }
    unlinkat(f->config.dir_fd, name, 0);
    f->part_fd = -1;
    pthread_mutex_lock(&f->mutex);
    f->spare_failed = true;
    pthread_mutex_unlock(&f->mutex);
}

static int flush_spare_open(struct flush *f, int direct)
{
    char name[SEGMENT_NAME_MAX];
    segment_spare_name(f->part, false, name);
    unlinkat(f->config.dir_fd, name, 0); /* begun by an earlier run that was killed */
    return openat(f->config.dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | direct, 0600);
}

static bool flush_spare_begin(struct flush *f)
{
    f->part = f->spare_next++;
    f->part_done = 0;
    f->part_fd = flush_spare_open(f, f->cached ? 0 : O_DIRECT);
    if (f->part_fd < 0 && errno == EINVAL) {
        f->cached = true;
        f->part_fd = flush_spare_open(f, 0);
    }
    return f->part_fd >= 0 && posix_fallocate(f->part_fd, 0, (off_t)f->config.segment_bytes) == 0;
}

static bool flush_spare_finish(struct flush *f)
{
    char part[SEGMENT_NAME_MAX];
    char ready[SEGMENT_NAME_MAX];
    segment_spare_name(f->part, false, part);
    segment_spare_name(f->part, true, ready);
    if (fsync(f->part_fd) != 0 || renameat(f->config.dir_fd, part, f->config.dir_fd, ready) != 0) {
        return false;
    }
    close(f->part_fd);
    f->part_fd = -1;
    pthread_mutex_lock(&f->mutex);
    f->spare[f->spare_count++] = f->part;
    f->spare_failed = false;
    pthread_mutex_unlock(&f->mutex);
    return true;
}

/* Writes zeros where the last slice ended. A file system that refuses to go past the page cache only here makes the spare
 * begin anew. */
static bool flush_spare_write(struct flush *f, size_t n)
{
    int errnum = store_io_system.write(NULL, f->part_fd, slice_of(f->zeros, n), f->part_done);
    if (errnum == EINVAL && !f->cached) {
        f->cached = true;
        f->part_done = 0;
        close(f->part_fd);
        f->part_fd = flush_spare_open(f, 0);
        return f->part_fd >= 0 && posix_fallocate(f->part_fd, 0, (off_t)f->config.segment_bytes) == 0;
    }
    f->part_done += n;
    return errnum == 0 && (!f->cached || fdatasync(f->part_fd) == 0); /* nothing piles up in the page cache */
}

/* One slice of work on the next spare. A failure here is no failure of the journal: nothing was promised yet. */
static void flush_spare_step(struct flush *f)
{
    if (f->part_fd < 0) {
        if (!flush_spare_begin(f)) {
            flush_spare_abandon(f);
        }
        return;
    }
    uint64_t left = f->config.segment_bytes - f->part_done;
    size_t n = left < FLUSH_SLICE ? (size_t)left : FLUSH_SLICE;
    if (n > 0) {
        if (!flush_spare_write(f, n)) {
            flush_spare_abandon(f);
        }
        return;
    }
    if (!flush_spare_finish(f)) {
        flush_spare_abandon(f);
    }
}

static bool flush_spare_wanted(const struct flush *f)
{
    return f->config.prepare && f->error == 0 && f->spare_count < FLUSH_SPARES && !f->spare_failed;
}

/* Waits for something to do, the mutex held. */
static void flush_sleep(struct flush *f)
{
    if (!f->spare_failed) {
        pthread_cond_wait(&f->work, &f->mutex);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FLUSH_RETRY_S;
    if (pthread_cond_timedwait(&f->work, &f->mutex, &until) == ETIMEDOUT) {
        f->spare_failed = false;
    }
}

static void flush_finish(struct flush *f, struct flush_job *job)
{
    uint64_t one = 1;
    list_push(&f->finished, &job->link);
    f->running--;
    pthread_cond_broadcast(&f->done);
    if (write(f->event_fd, &one, sizeof one) < 0) {
        abort(); /* an eventfd of our own cannot fail; without it acknowledgements would stop silently */
    }
}

/* Under load the queue is never empty for long: with no spare left, one slice is made between two waves. */
static void flush_when_busy(struct flush *f)
{
    if (flush_spare_wanted(f) && f->spare_count == 0 && !f->stop) {
        pthread_mutex_unlock(&f->mutex);
        flush_spare_step(f);
        pthread_mutex_lock(&f->mutex);
    }
}

static void *flush_main(void *ctx)
{
    struct flush *f = ctx;
    pthread_mutex_lock(&f->mutex);
    while (!f->stop || !list_empty(&f->todo)) {
        if (!list_empty(&f->todo)) {
            struct flush_job *job = LIST_ENTRY(f->todo.next, struct flush_job, link);
            list_remove(&job->link);
            pthread_mutex_unlock(&f->mutex);
            flush_run(f, job);
            pthread_mutex_lock(&f->mutex);
            flush_finish(f, job);
            flush_when_busy(f);
        } else if (flush_spare_wanted(f)) {
            pthread_mutex_unlock(&f->mutex);
            flush_spare_step(f);
            pthread_mutex_lock(&f->mutex);
        } else {
            flush_sleep(f);
        }
    }
    pthread_mutex_unlock(&f->mutex);
    return NULL;
}

static void flush_take_over_spares(struct flush *f)
{
    for (size_t i = 0; i < f->config.spare_count; i++) {
        uint32_t n = f->config.spares[i];
        f->spare_next = n >= f->spare_next ? n + 1 : f->spare_next;
        if (f->spare_count < FLUSH_SPARES) {
            f->spare[f->spare_count++] = n;
        }
    }
    f->config.spares = NULL; /* the caller's, only good until now */
}

static void flush_free(struct flush *f)
{
    if (f->part_fd >= 0) {
        close(f->part_fd);
    }
    if (f->event_fd >= 0) {
        close(f->event_fd);
    }
    mem_free(f->memory);
    segment_direct_free(&f->direct);
    pthread_cond_destroy(&f->work);
    pthread_cond_destroy(&f->done);
    pthread_mutex_destroy(&f->mutex);
    mem_free(f);
}

bool flush_start(const struct flush_config *config, struct flush **ret_flush, struct err *err)
{
    struct flush *f = mem_new(sizeof *f);
    f->config = *config;
    f->part_fd = -1;
    list_init(&f->todo);
    list_init(&f->finished);
    pthread_mutex_init(&f->mutex, NULL);
    pthread_cond_init(&f->work, NULL);
    pthread_cond_init(&f->done, NULL);
    f->memory = mem_new_array(FLUSH_SLICE + SEGMENT_PAGE, 1);
    f->zeros = segment_direct_align(f->memory);
    f->direct = segment_direct_create();
    flush_take_over_spares(f);
    f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int errnum = f->event_fd < 0 ? errno : pthread_create(&f->thread, NULL, flush_main, f);
    if (errnum != 0) {
        flush_free(f);
        return err_errno(err, errnum, "cannot start the flush thread");
    }
    *ret_flush = f;
    return true;
}

void flush_stop(struct flush **flush)
{
    struct flush *f = flush == NULL ? NULL : *flush;
    if (f == NULL) {
        return;
    }
    pthread_mutex_lock(&f->mutex);
    f->stop = true;
    pthread_cond_signal(&f->work);
    pthread_mutex_unlock(&f->mutex);
    pthread_join(f->thread, NULL);
    flush_free(f);
    *flush = NULL;
}

void flush_submit(struct flush *f, struct flush_job *job)
{
    pthread_mutex_lock(&f->mutex);
    list_push(&f->todo, &job->link);
    f->running++;
    pthread_cond_signal(&f->work);
    pthread_mutex_unlock(&f->mutex);
}

int flush_event_fd(const struct flush *f)
{
    return f->event_fd;
}

struct flush_job *flush_take(struct flush *f)
{
    struct flush_job *job = NULL;
    uint64_t count = 0;
    if (read(f->event_fd, &count, sizeof count) < 0) {
        count = 0; /* nothing new was told; the list is the truth */
    }
    pthread_mutex_lock(&f->mutex);
    if (!list_empty(&f->finished)) {
        job = LIST_ENTRY(f->finished.next, struct flush_job, link);
        list_remove(&job->link);
    }
    pthread_mutex_unlock(&f->mutex);
    return job;
}

void flush_wait(struct flush *f)
{
    pthread_mutex_lock(&f->mutex);
    while (f->running > 0 && list_empty(&f->finished)) {
        pthread_cond_wait(&f->done, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
}

bool flush_take_spare(struct flush *f, uint32_t *ret_spare)
{
    pthread_mutex_lock(&f->mutex);
    bool found = f->spare_count > 0;
    if (found) {
        *ret_spare = f->spare[0];
        f->spare_count--;
        for (uint32_t i = 0; i < f->spare_count; i++) {
            f->spare[i] = f->spare[i + 1];
        }
        pthread_cond_signal(&f->work);
    }
    pthread_mutex_unlock(&f->mutex);
    return found;
}

uint32_t flush_spares(struct flush *f, bool *ret_failed)
{
    pthread_mutex_lock(&f->mutex);
    uint32_t count = f->spare_count;
    *ret_failed = f->spare_failed;
    pthread_mutex_unlock(&f->mutex);
    return count;
}

uint64_t flush_count(const struct flush *f)
{
    return atomic_load_explicit(&f->flushes, memory_order_relaxed);
}
