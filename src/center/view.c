/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of the conversation between web and scrub's child. */
#include "center/view.h"

static const struct layout_field question_fields[] = {
    LAYOUT_F(U16, struct view_question, part),
    LAYOUT_F(U64, struct view_question, message_length),
};
LAYOUT_DEFINE(view_question_layout, struct view_question, question_fields);

static const struct layout_field answer_fields[] = {
    LAYOUT_F(U8, struct view_answer, status),
    LAYOUT_F(BOOL, struct view_answer, cut),
    LAYOUT_F(BOOL, struct view_answer, from_html),
    LAYOUT_B(struct view_answer, from, VIEW_FIELD_MAX),
    LAYOUT_B(struct view_answer, to, VIEW_FIELD_MAX),
    LAYOUT_B(struct view_answer, cc, VIEW_FIELD_MAX),
    LAYOUT_B(struct view_answer, subject, VIEW_FIELD_MAX),
    LAYOUT_B(struct view_answer, date, VIEW_FIELD_MAX),
    LAYOUT_B(struct view_answer, text, VIEW_TEXT_MAX),
    LAYOUT_B(struct view_answer, parts, VIEW_LIST_MAX),
    LAYOUT_B(struct view_answer, name, VIEW_NAME_MAX),
    LAYOUT_F(U64, struct view_answer, content_length),
};
LAYOUT_DEFINE(view_answer_layout, struct view_answer, answer_fields);

static const struct layout_field part_fields[] = {
    LAYOUT_B(struct view_part, name, VIEW_NAME_MAX),
    LAYOUT_B(struct view_part, type, VIEW_NAME_MAX),
    LAYOUT_F(U64, struct view_part, size),
};
LAYOUT_DEFINE(view_part_layout, struct view_part, part_fields);
