/* SPDX-License-Identifier: Apache-2.0 */
/* The reading half of a channel: bytes and descriptors from a local stream socket, cut into frames. Whatever is not a
 * well-formed frame is refused with a reason; descriptors that belong to no frame are closed. */
#ifndef OS_CHAN_IN_H
#define OS_CHAN_IN_H

#include "base/buf.h"

#define CHAN_HEADER_SIZE 16u
#define CHAN_FLAG_ANSWER 1u
#define CHAN_FLAG_FD 2u
#define CHAN_IN_FDS_MAX 4u /* descriptors read ahead of their frames; an honest peer needs one */

struct chan_in {
    struct buf bytes;
    size_t at; /* start of the first frame not yet handed out */
    int fds[CHAN_IN_FDS_MAX];
    size_t fd_count;
    const char *reason; /* why the peer is to be dropped, after CHAN_IN_BAD */
};

struct chan_in_frame {
    uint16_t type;
    uint8_t flags;
    uint64_t request;
    struct slice payload; /* until the next chan_in_fill() or chan_in_compact() */
    int fd;               /* -1, or the caller's to close */
};

enum chan_in_result {
    CHAN_IN_OK,   /* a frame, or bytes were read */
    CHAN_IN_MORE, /* nothing (more) at present */
    CHAN_IN_END,  /* the peer closed */
    CHAN_IN_BAD,  /* drop the peer; see reason */
};

/* An empty reader. */
void chan_in_init(struct chan_in *in);

/* Releases bytes (wiped) and descriptors. */
void chan_in_free(struct chan_in *in);

/* Reads once from the non-blocking socket. *ret_full tells that the kernel may have more. */
enum chan_in_result chan_in_fill(struct chan_in *in, int socket, bool *ret_full);

/* The next whole frame. */
enum chan_in_result chan_in_next(struct chan_in *in, struct chan_in_frame *ret_frame);

/* Forgets the frames handed out. */
void chan_in_compact(struct chan_in *in);

#endif
