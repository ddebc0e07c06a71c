/* SPDX-License-Identifier: Apache-2.0 */
/* A channel: typed frames between two roles over a local stream socket, with at most one descriptor per frame.
 * Frame: u32 length of the payload, u16 type, u8 version (MSG_VERSION), u8 flags (1: answer, 2: carries a descriptor),
 * u64 request id; then the payload, at most CHAN_PAYLOAD_MAX bytes. A malformed frame, a wrong version or an answer
 * nobody asked for closes the channel with a reason: the peer is dropped, never the daemon (row 22). Output is
 * gathered and written once per loop turn. */
#ifndef OS_CHAN_H
#define OS_CHAN_H

#include "base/err.h"
#include "base/slice.h"
#include "os/loop.h"

#define CHAN_PAYLOAD_MAX (256u * 1024u)
#define CHAN_PENDING_MAX (64u * 1024u * 1024u) /* output waiting for a slow peer; beyond it the channel is closed */
#define CHAN_CALLS_MAX 65536u                  /* calls waiting for an answer */

struct chan;

/* One frame. payload lives until the callback returns. fd is -1 or belongs to the callee, who must close or keep it. */
struct chan_frame {
    uint16_t type;
    uint64_t request; /* 0: no answer is expected */
    struct slice payload;
    int fd;
};

struct chan_ops {
    /* A frame that is not an answer. Returning false says "this is not in the protocol": the channel closes, and closes
     * frame->fd itself. */
    bool (*frame)(void *ctx, struct chan *chan, const struct chan_frame *frame);
    /* The peer is gone or was dropped. All open calls have been answered with NULL before. The callee frees chan. */
    void (*closed)(void *ctx, struct chan *chan, const char *reason);
};

/* Takes over fd (a connected local stream socket). ops and name must outlive the channel. */
struct chan *chan_create(struct loop *loop, int fd, const char *name, const struct chan_ops *ops, void *ctx);

/* Closes and frees; answers every open call with NULL first; no closed() callback. May be called from any callback of this
 * channel. *chan becomes NULL; NULL is accepted. */
void chan_free(struct chan **chan);

/* Sends a frame that wants no answer. fd is -1 or is duplicated into the frame (the caller keeps its own). A payload
 * over CHAN_PAYLOAD_MAX closes the channel: check lists before. On a closed channel nothing happens. */
void chan_send(struct chan *chan, uint16_t type, struct slice payload, int fd);

/* answer is NULL when the channel closed or deadline_us passed. */
typedef void chan_answer_fn(void *ctx, const struct chan_frame *answer);
/* Sends a request; fn is called exactly once, never from inside chan_call() (unless the channel is being freed). The
 * answer has deadline_us from now; 0: no deadline. A late answer is dropped quietly. Returns the request id. */
uint64_t chan_call(struct chan *chan, uint16_t type, struct slice payload, int fd, int64_t deadline_us,
                   chan_answer_fn *fn, void *ctx);
/* Forgets a call: its fn will not be called. Harmless when already answered. */
void chan_call_forget(struct chan *chan, uint64_t request);

/* Answers frame->request with the same type. */
void chan_answer(struct chan *chan, uint16_t type, uint64_t request, struct slice payload, int fd);

/* Stops (false) or resumes (true) reading, for back-pressure. */
void chan_reading(struct chan *chan, bool on);

/* Bytes of output not yet taken by the kernel. */
size_t chan_pending(const struct chan *chan);

/* The peer's uid by SO_PEERCRED. */
uint32_t chan_peer_uid(const struct chan *chan);

/* Writes what is gathered now, as far as the kernel takes it (for a role that is about to leave). */
void chan_flush(struct chan *chan);

#endif
