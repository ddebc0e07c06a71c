/* SPDX-License-Identifier: Apache-2.0 */
/* The one thread of the store: it writes and flushes, so that the loop never waits for the disk. A job is: flush these
 * content files and the directories that name them, then write the wave and make one fdatasync of the segment; in
 * this order, so that a record on stable storage never names content that is not. The first failure of any call ends
 * the thread's work for good (P2: the page cache may lie afterwards); every later job fails with the same error. In
 * idle time the thread prepares spare segments, a slice at a time. */
#ifndef STORE_FLUSH_H
#define STORE_FLUSH_H

#include "base/list.h"
#include "store/segment.h"

#define FLUSH_SPARES 2u /* one in use soon, one kept so that delivery and audit go on when the disk is full */

struct flush;

struct flush_job {
    struct list link; /* private while submitted */
    int segment_fd;
    uint64_t offset;
    struct slice data;
    bool activate;       /* the segment is new: write its header page and flush the directory */
    uint32_t segment;
    int64_t now_us;      /* for the header */
    const int *content;  /* files to fsync first; not owned */
    size_t content_count;
    const int *directories; /* directories to fsync behind them; not owned */
    size_t directory_count;
    int error;           /* result: 0 or an errno */
    const char *failed;  /* what failed */
};

struct flush_config {
    int dir_fd;               /* the journal directory; must outlive the thread */
    size_t segment_bytes;
    const struct store_io *io;
    const uint32_t *spares; /* ready spares found at start */
    size_t spare_count;
    bool prepare;             /* make spares (false in tests that want none) */
};

/* Starts the thread. False with the reason. */
bool flush_start(const struct flush_config *config, struct flush **ret_flush, struct err *err);

/* Finishes submitted jobs, stops the thread, frees. *flush becomes NULL; NULL is accepted. */
void flush_stop(struct flush **flush);

/* Hands a job over; it and what it points to stay untouched until flush_take() returns it. Jobs are done in order. */
void flush_submit(struct flush *flush, struct flush_job *job);

/* A descriptor that is readable while finished jobs wait. */
int flush_event_fd(const struct flush *flush);

/* The next finished job, or NULL. */
struct flush_job *flush_take(struct flush *flush);

/* Waits until a job is finished (for the end and for tests). */
void flush_wait(struct flush *flush);

/* Takes the number of a ready spare; false when there is none. */
bool flush_take_spare(struct flush *flush, uint32_t *ret_spare);

/* How many spares are ready, and whether making another one failed for want of space. */
uint32_t flush_spares(struct flush *flush, bool *ret_failed);

/* How often a segment was flushed for a job. Content files, directories and spares are not counted. */
uint64_t flush_count(const struct flush *flush);

#endif
