/* SPDX-License-Identifier: Apache-2.0 */
/* Plays a client's bytes to a server session and writes down what it said and what its handler saw. One script is played
 * many times, cut at every byte boundary, with answers given at once and later: the transcript must not change. */
#ifndef TESTS_SMTP_SERVER_SCRIPT_H
#define TESTS_SMTP_SERVER_SCRIPT_H

#include "base/buf.h"
#include "smtp/smtp_server_session.h"

#define SCRIPT_MESSAGE_MAX 2000
#define SCRIPT_RECIPIENTS_MAX 3

/* What came of one play. */
struct script_result {
    struct buf out;    /* replies */
    struct buf events; /* what the handler saw */
    bool over;
    bool wants_tls;
};

struct script_mode {
    bool tls;   /* the session begins inside TLS */
    bool known; /* "EHLO c" and AUTH are played first and left out of the transcript */
    bool later; /* the handler answers after the feed, not inside it */
};

/* Plays bytes, cut before each offset in cuts (ascending). */
void script_play(struct slice bytes, const size_t *cuts, size_t cut_count, struct script_mode mode,
                 struct script_result *ret_result);
/* Frees a result. */
void script_result_free(struct script_result *result);

/* Plays bytes whole, cut once at every boundary, and byte by byte, each with answers at once and later; fails the test
 * unless replies and events are these every time. NULL for events: not looked at. */
void script_expect(struct slice bytes, struct script_mode mode, const char *out, const char *events, bool over);

#define SCRIPT_CLEAR ((struct script_mode){false, false, false})
#define SCRIPT_TLS ((struct script_mode){true, false, false})
#define SCRIPT_KNOWN ((struct script_mode){true, true, false})

#endif
