/* SPDX-License-Identifier: Apache-2.0 */
/* The system's calls behind store_io. */
#include "store/store_io.h"

#include <errno.h>
#include <unistd.h>

static int store_io_write(void *ctx, int fd, struct slice data, uint64_t offset)
{
    (void)ctx;
    while (data.len > 0) {
        ssize_t n = pwrite(fd, data.data, data.len, (off_t)offset);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n == 0) {
            return ENOSPC;
        }
        if (n > 0) {
            data = slice_sub(data, (size_t)n, data.len);
            offset += (uint64_t)n;
        }
    }
    return 0;
}

static int store_io_datasync(void *ctx, int fd)
{
    (void)ctx;
    return fdatasync(fd) == 0 ? 0 : errno;
}

static int store_io_sync(void *ctx, int fd)
{
    (void)ctx;
    return fsync(fd) == 0 ? 0 : errno;
}

const struct store_io store_io_system = {store_io_write, store_io_datasync, store_io_sync, NULL};
