/* SPDX-License-Identifier: Apache-2.0 */
/* One buffer of whole pages; its beginning is the part of a page that the last write ended in. */
#include "store/segment_direct.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/segment.h"

struct segment_direct {
    int fd;
    uint64_t at;  /* end of what was written */
    size_t tail;  /* bytes of the last page, at the beginning of pages */
    uint8_t *memory;
    uint8_t *pages; /* SEGMENT_DIRECT_STEP bytes within memory */
};

uint8_t *segment_direct_align(uint8_t *memory)
{
    return memory + (SEGMENT_PAGE - (uintptr_t)memory % SEGMENT_PAGE) % SEGMENT_PAGE;
}

struct segment_direct *segment_direct_create(void)
{
    struct segment_direct *d = mem_new(sizeof *d);
    d->fd = -1;
    d->memory = mem_new_array(SEGMENT_DIRECT_STEP + SEGMENT_PAGE, 1);
    d->pages = segment_direct_align(d->memory);
    return d;
}

void segment_direct_free(struct segment_direct **direct)
{
    if (direct == NULL || *direct == NULL) {
        return;
    }
    segment_direct_end(*direct);
    mem_free((*direct)->memory);
    mem_free(*direct);
    *direct = NULL;
}

void segment_direct_end(struct segment_direct *d)
{
    if (d->fd >= 0) {
        close(d->fd);
    }
    d->fd = -1;
    d->at = 0;
    d->tail = 0;
}

void segment_direct_begin(struct segment_direct *d, int dir_fd, uint32_t number, size_t segment_bytes)
{
    segment_direct_end(d);
    if (segment_bytes % SEGMENT_PAGE == 0) { /* otherwise the last page would make the file longer */
        d->fd = segment_open(dir_fd, number, O_WRONLY | O_DIRECT);
    }
}

bool segment_direct_ready(const struct segment_direct *d)
{
    return d->fd >= 0;
}

int segment_direct_write(struct segment_direct *d, const struct store_io *io, struct slice data, uint64_t offset)
{
    int errnum = offset == d->at ? 0 : ESPIPE;
    while (errnum == 0 && data.len > 0) {
        size_t room = SEGMENT_DIRECT_STEP - d->tail;
        size_t take = data.len < room ? data.len : room;
        size_t filled = d->tail + take;
        size_t whole = (filled + SEGMENT_PAGE - 1) / SEGMENT_PAGE * SEGMENT_PAGE;
        memcpy(d->pages + d->tail, data.data, take);
        memset(d->pages + filled, 0, whole - filled);
        errnum = io->write(io->ctx, d->fd, slice_of(d->pages, whole), d->at - d->tail);
        d->at += take;
        d->tail = filled % SEGMENT_PAGE;
        memmove(d->pages, d->pages + filled - d->tail, d->tail);
        data = slice_sub(data, take, data.len);
    }
    return errnum;
}
