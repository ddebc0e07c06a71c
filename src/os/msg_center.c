/* SPDX-License-Identifier: Apache-2.0 */
/* Layout tables of the messages of the resolver and the Message Center. Limits are those of msg.h. */
#include "os/msg.h"

static const struct layout_field msg_center_send_fields[] = {
    LAYOUT_F(U8, struct msg_center_send, kind),
    LAYOUT_F(DIGEST, struct msg_center_send, link),
    LAYOUT_F(DIGEST, struct msg_center_send, session),
    LAYOUT_F(TAG, struct msg_center_send, code),
    LAYOUT_F(DIGEST, struct msg_center_send, new_link),
    LAYOUT_F(ID, struct msg_center_send, id),
    LAYOUT_B(struct msg_center_send, header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_center_send, sealed, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(msg_center_send_layout, struct msg_center_send, msg_center_send_fields);

static const struct layout_field msg_center_verify_fields[] = {
    LAYOUT_F(DIGEST, struct msg_center_verify, link),
    LAYOUT_F(DIGEST, struct msg_center_verify, session),
    LAYOUT_F(TAG, struct msg_center_verify, code),
};
LAYOUT_DEFINE(msg_center_verify_layout, struct msg_center_verify, msg_center_verify_fields);

static const struct layout_field msg_center_access_fields[] = {
    LAYOUT_F(U8, struct msg_center_access, code),
    LAYOUT_F(ID, struct msg_center_access, letter),
    LAYOUT_F(I64, struct msg_center_access, expires_us),
};
LAYOUT_DEFINE(msg_center_access_layout, struct msg_center_access, msg_center_access_fields);

static const struct layout_field msg_center_ask_fields[] = {
    LAYOUT_F(DIGEST, struct msg_center_ask, session),
    LAYOUT_F(ID, struct msg_center_ask, letter),
};
LAYOUT_DEFINE(msg_center_ask_layout, struct msg_center_ask, msg_center_ask_fields);

static const struct layout_field msg_center_letter_fields[] = {
    LAYOUT_F(U8, struct msg_center_letter, code),
    LAYOUT_F(I64, struct msg_center_letter, expires_us),
    LAYOUT_B(struct msg_center_letter, header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_center_letter, envelope, MSG_ENVELOPE_MAX),
    LAYOUT_B(struct msg_center_letter, recipient, MSG_RECIPIENT_MAX),
    LAYOUT_F(U64, struct msg_center_letter, content_length),
};
LAYOUT_DEFINE(msg_center_letter_layout, struct msg_center_letter, msg_center_letter_fields);
