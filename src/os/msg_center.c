/* SPDX-License-Identifier: Apache-2.0 */
/* Layout tables of the messages of the resolver and the Message Center. Limits are those of msg.h. */
#include "os/msg.h"

static const struct layout_field msg_dossier_ask_fields[] = {
    LAYOUT_B(struct msg_dossier_ask, domain, MSG_NAME_MAX),
};
LAYOUT_DEFINE(msg_dossier_ask_layout, struct msg_dossier_ask, msg_dossier_ask_fields);

static const struct layout_field msg_dossier_fields[] = {
    LAYOUT_F(U8, struct msg_dossier, status),
    LAYOUT_F(BOOL, struct msg_dossier, secure),
    LAYOUT_F(BOOL, struct msg_dossier, implicit),
    LAYOUT_F(I64, struct msg_dossier, expires_us),
    LAYOUT_B(struct msg_dossier, hosts, MSG_LIST_MAX),
};
LAYOUT_DEFINE(msg_dossier_layout, struct msg_dossier, msg_dossier_fields);

static const struct layout_field msg_dossier_host_fields[] = {
    LAYOUT_F(U16, struct msg_dossier_host, preference),
    LAYOUT_F(U8, struct msg_dossier_host, status),
    LAYOUT_F(BOOL, struct msg_dossier_host, secure),
    LAYOUT_B(struct msg_dossier_host, name, MSG_NAME_MAX),
    LAYOUT_B(struct msg_dossier_host, addresses, MSG_ADDRESSES_MAX),
};
LAYOUT_DEFINE(msg_dossier_host_layout, struct msg_dossier_host, msg_dossier_host_fields);

static const struct layout_field msg_address_fields[] = {
    LAYOUT_F(U8, struct msg_address, family),
    LAYOUT_F(TAG, struct msg_address, bytes),
};
LAYOUT_DEFINE(msg_address_layout, struct msg_address, msg_address_fields);

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
