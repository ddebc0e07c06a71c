/* SPDX-License-Identifier: Apache-2.0 */
/* The writing half of a channel: frames gathered in one buffer, each with at most one descriptor, written when the
 * turn ends as far as the kernel takes them. */
#ifndef OS_CHAN_OUT_H
#define OS_CHAN_OUT_H

#include "base/buf.h"

#define CHAN_OUT_FDS_MAX 1024u /* descriptors waiting for a slow peer */

struct chan_out_mark;

struct chan_out {
    struct buf bytes;
    size_t sent; /* bytes the kernel has taken */
    struct chan_out_mark *marks;
    size_t mark_count;
    size_t mark_cap;
};

enum chan_out_result { CHAN_OUT_DONE, CHAN_OUT_BLOCKED, CHAN_OUT_BROKEN };

/* Empty output of at most max bytes. */
void chan_out_init(struct chan_out *out, size_t max);

/* Releases bytes (wiped) and descriptors not sent. */
void chan_out_free(struct chan_out *out);

/* Gathers one frame; fd is -1 or duplicated. False when a limit is reached: bytes waiting, descriptors waiting, or
 * descriptors of this process. */
bool chan_out_frame(struct chan_out *out, uint16_t type, uint8_t flags, uint64_t request, struct slice payload, int fd);

/* Writes to the non-blocking socket until all is gone, it would block, or it is broken. */
enum chan_out_result chan_out_write(struct chan_out *out, int socket);

/* Bytes not yet taken. */
size_t chan_out_pending(const struct chan_out *out);

#endif
