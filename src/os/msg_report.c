/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of what is said about counts, and reports about TLS made of them. */
#include "os/msg.h"

static const struct layout_field msg_tally_fields[] = {
    LAYOUT_F(ID, struct msg_tally, part),
    LAYOUT_F(TAG, struct msg_tally, domain),
    LAYOUT_F(U32, struct msg_tally, day),
    LAYOUT_B(struct msg_tally, sealed, MSG_TALLY_MAX),
};
LAYOUT_DEFINE(msg_tally_layout, struct msg_tally, msg_tally_fields);

static const struct layout_field msg_tally_take_fields[] = {
    LAYOUT_F(U32, struct msg_tally_take, day),
    LAYOUT_F(TAG, struct msg_tally_take, domain),
    LAYOUT_F(ID, struct msg_tally_take, part),
};
LAYOUT_DEFINE(msg_tally_take_layout, struct msg_tally_take, msg_tally_take_fields);

static const struct layout_field msg_tally_taken_fields[] = {
    LAYOUT_F(TAG, struct msg_tally_taken, domain),
    LAYOUT_B(struct msg_tally_taken, parts, MSG_LIST_MAX),
};
LAYOUT_DEFINE(msg_tally_taken_layout, struct msg_tally_taken, msg_tally_taken_fields);

static const struct layout_field msg_tally_done_fields[] = {
    LAYOUT_F(TAG, struct msg_tally_done, domain),
    LAYOUT_F(U32, struct msg_tally_done, day),
};
LAYOUT_DEFINE(msg_tally_done_layout, struct msg_tally_done, msg_tally_done_fields);

static const struct layout_field msg_report_now_fields[] = {
    LAYOUT_F(U32, struct msg_report_now, day),
};
LAYOUT_DEFINE(msg_report_now_layout, struct msg_report_now, msg_report_now_fields);

static const struct layout_field msg_received_fields[] = {
    LAYOUT_F(ID, struct msg_received, id),
    LAYOUT_F(I64, struct msg_received, at_us),
    LAYOUT_F(U32, struct msg_received, size),
    LAYOUT_B(struct msg_received, header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_received, sealed, MSG_RECEIVED_MAX),
};
LAYOUT_DEFINE(msg_received_layout, struct msg_received, msg_received_fields);

static const struct layout_field msg_dkim_ask_fields[] = {
    LAYOUT_F(DIGEST, struct msg_dkim_ask, digest),
};
LAYOUT_DEFINE(msg_dkim_ask_layout, struct msg_dkim_ask, msg_dkim_ask_fields);

static const struct layout_field msg_dkim_fields[] = {
    LAYOUT_F(U8, struct msg_dkim, code),
    LAYOUT_B(struct msg_dkim, bytes, MSG_SIGNATURE_MAX),
};
LAYOUT_DEFINE(msg_dkim_layout, struct msg_dkim, msg_dkim_fields);

static const struct layout_field msg_txt_ask_fields[] = {
    LAYOUT_B(struct msg_txt_ask, name, MSG_NAME_MAX),
};
LAYOUT_DEFINE(msg_txt_ask_layout, struct msg_txt_ask, msg_txt_ask_fields);

static const struct layout_field msg_txt_fields[] = {
    LAYOUT_F(U8, struct msg_txt, status),
    LAYOUT_B(struct msg_txt, records, MSG_LIST_MAX),
};
LAYOUT_DEFINE(msg_txt_layout, struct msg_txt, msg_txt_fields);

static const struct layout_field msg_post_fields[] = {
    LAYOUT_B(struct msg_post, url, MSG_URL_MAX),
    LAYOUT_B(struct msg_post, body, MSG_POST_MAX),
};
LAYOUT_DEFINE(msg_post_layout, struct msg_post, msg_post_fields);
