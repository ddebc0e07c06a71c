/* SPDX-License-Identifier: Apache-2.0 */
/* What the throw-away process of scrub is asked and answers over its stream: one question, the message, one answer.
 * Both sides hold to the limits here; web trusts nothing in an answer beyond its shape.
 *
 *   web > child:  question (VIEW_QUESTION_SIZE bytes), then message_length bytes of the message
 *   child > web:  u32 length and that many bytes of struct view_answer, then content_length bytes of content */
#ifndef CENTER_VIEW_H
#define CENTER_VIEW_H

#include "base/layout.h"

#define VIEW_TEXT_MAX (1024u * 1024u)  /* bytes of text shown on a page; more is offered as a download */
#define VIEW_FIELD_MAX 4096u           /* bytes of one header shown */
#define VIEW_NAME_MAX 255u             /* bytes of a file name or content type */
#define VIEW_PARTS_MAX 100u            /* attachments listed, as CENTER_ATTACHMENTS_MAX */
#define VIEW_LIST_MAX (VIEW_PARTS_MAX * (2 * VIEW_NAME_MAX + 32))
#define VIEW_MESSAGE_MAX (256u * 1024u * 1024u) /* above any message limit that can be configured */
#define VIEW_ANSWER_MAX (VIEW_TEXT_MAX + 8 * VIEW_FIELD_MAX + VIEW_LIST_MAX)
#define VIEW_CPU_SECONDS 10u /* processor time of a child: 50 MB of base64 take below 1 s */
#define VIEW_WAIT_US INT64_C(20000000) /* web gives a child up after this */

/* Whole process of a child: the message, its parse tree and one decoded part. */
#define VIEW_MEMORY_MAX (UINT64_C(1536) * 1024 * 1024)

enum view_status {
    VIEW_OK = 0,
    VIEW_NO_PART = 1, /* no attachment of that number */
};

struct view_question {
    uint16_t part; /* 0: headers, text and list; from 1: the bytes of that attachment */
    uint64_t message_length;
};
#define VIEW_QUESTION_SIZE 10

/* All text is UTF-8 and cleaned (text_clean.h), not escaped. */
struct view_answer {
    uint8_t status; /* enum view_status */
    bool cut;       /* text or list is longer than what is here */
    bool from_html; /* text was made from HTML */
    struct slice from;
    struct slice to;
    struct slice cc;
    struct slice subject;
    struct slice date;
    struct slice text;
    struct slice parts;      /* struct view_part, one behind another */
    struct slice name;       /* of the attachment asked for */
    uint64_t content_length; /* of the attachment asked for */
};

struct view_part {
    struct slice name; /* file_name.h */
    struct slice type; /* "image/png" */
    uint64_t size;     /* bytes when decoded */
};

extern const struct layout view_question_layout, view_answer_layout, view_part_layout;

#endif
