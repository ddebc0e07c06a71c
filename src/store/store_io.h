/* SPDX-License-Identifier: Apache-2.0 */
/* The three calls on which P2 rests, as a table, so that tests can fail each of them at will. Everything the store
 * writes and must keep goes through this table; reading and naming files does not. */
#ifndef STORE_STORE_IO_H
#define STORE_STORE_IO_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct store_io {
    /* As pwrite(2) but whole: writes all of data at offset. 0, or an errno (ENOSPC for a short write). */
    int (*write)(void *ctx, int fd, struct slice data, uint64_t offset);
    /* As fdatasync(2): 0 or an errno. Never called again for a descriptor for which it failed. */
    int (*datasync)(void *ctx, int fd);
    /* As fsync(2), for directories and new files: 0 or an errno. */
    int (*sync)(void *ctx, int fd);
    void *ctx;
};

/* The system's own calls. */
extern const struct store_io store_io_system;

#endif
