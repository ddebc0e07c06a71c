/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the segment in use past the page cache (O_DIRECT): a journal is written once and hardly ever read, so that
 * copies in the page cache only cost memory and time. Whole pages are written; the page in which a wave ends is written
 * again, with the same beginning, by the next one. Where a file system does not do it, the caller writes as usual. */
#ifndef STORE_SEGMENT_DIRECT_H
#define STORE_SEGMENT_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store_io.h"

#define SEGMENT_PAGE 4096u                /* at least the block of every disk there is */
#define SEGMENT_DIRECT_STEP (1024u * 1024u) /* bytes of one write: a usual wave */

struct segment_direct;

/* Writes to nothing yet. */
struct segment_direct *segment_direct_create(void);

/* Closes its descriptor and frees. *direct becomes NULL; NULL is accepted. */
void segment_direct_free(struct segment_direct **direct);

/* Turns to a new segment of segment_bytes, which must be there and hold zeros. segment_direct_ready() tells whether it
 * can be written here. */
void segment_direct_begin(struct segment_direct *direct, int dir_fd, uint32_t number, size_t segment_bytes);

/* Leaves the segment. */
void segment_direct_end(struct segment_direct *direct);

/* True between a begin that worked and the end. */
bool segment_direct_ready(const struct segment_direct *direct);

/* Writes all of data behind what was written before; offset, the same as a check, begins at 0. 0 or an errno; EINVAL at
 * offset 0 says that the file system does not do it and that nothing was written. */
int segment_direct_write(struct segment_direct *direct, const struct store_io *io, struct slice data, uint64_t offset);

/* The first address in memory of at least size + SEGMENT_PAGE bytes that may be written from. */
uint8_t *segment_direct_align(uint8_t *memory);

#endif
