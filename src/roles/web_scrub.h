/* SPDX-License-Identifier: Apache-2.0 */
/* Web's side of the conversation with a throw-away process of scrub (center/view.h): the message goes in, an answer
 * and perhaps the bytes of an attachment come out. Nothing here waits; nothing in an answer is trusted beyond its shape. */
#ifndef ROLES_WEB_SCRUB_H
#define ROLES_WEB_SCRUB_H

#include "center/view.h"
#include "os/loop.h"
#include "roles/web_source.h"

struct web_scrub;

struct web_scrub_ops {
    /* The answer is here; its slices live until this returns. May free the conversation. */
    void (*answer)(void *ctx, const struct view_answer *answer);
    /* Bytes of the attachment. False: the conversation was freed. */
    bool (*content)(void *ctx, struct slice bytes);
    /* It cannot go on: the process ended, broke its word, or took too long. May free the conversation. */
    void (*failed)(void *ctx, const char *reason);
};

/* Makes a stream pair; *ret_other is the end for scrub, closed by the caller once it is sent. source is borrowed.
 * NULL when the system refuses. */
struct web_scrub *web_scrub_create(struct loop *loop, struct web_source *source, unsigned part,
                                   const struct web_scrub_ops *ops, void *ctx, int *ret_other);

/* Starts to talk: the process exists. */
void web_scrub_go(struct web_scrub *scrub);

/* Stops (false) or goes on (true) reading an attachment's bytes. */
void web_scrub_reading(struct web_scrub *scrub, bool on);

/* Hangs up, wipes, frees. *scrub becomes NULL; NULL is accepted. */
void web_scrub_free(struct web_scrub **scrub);

#endif
