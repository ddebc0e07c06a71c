/* SPDX-License-Identifier: Apache-2.0 */
/* A MIME message as a person reads it: five headers, the text, a list of attachments, or the bytes of one of them.
 * Works on hostile input with GMime, in scrub's throw-away process only; what it costs is bounded there by processor
 * time and memory, here by depth and number of parts (row 19). */
#ifndef CENTER_MIME_VIEW_H
#define CENTER_MIME_VIEW_H

#include "base/buf.h"
#include "center/view.h"

#define MIME_VIEW_DEPTH_MAX 32u /* real mail nests 5 deep; deeper parts are listed as one attachment */

/* Longer header fields of a message are left out: a thousand addresses fit. */
#define MIME_VIEW_FIELD_MAX 65536u

/* Starts GMime. Once in a process, before the sandbox; charset_load() goes beside it. */
void mime_view_setup(void);

/* An answer with the memory its slices point into. */
struct mime_view {
    struct view_answer answer;
    struct buf from, to, cc, subject, date, text, parts, name;
    struct buf content; /* the attachment asked for */
};

/* Takes message apart for question part number `part` (struct view_question). Always fills *ret_view, which is freed
 * with mime_view_free(). */
void mime_view_read(struct slice message, unsigned part, struct mime_view *ret_view);

/* Wipes and frees. NULL is accepted. */
void mime_view_free(struct mime_view *view);

#endif
