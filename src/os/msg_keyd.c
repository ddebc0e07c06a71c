/* SPDX-License-Identifier: Apache-2.0 */
/* Layout tables of the messages to and from keyd. Limits are those of msg.h. */
#include "os/msg.h"

static const struct layout_field msg_batch_ask_fields[] = {
    LAYOUT_F(U8, struct msg_batch_ask, purpose),
    LAYOUT_B(struct msg_batch_ask, tenant, MSG_TENANT_MAX),
    LAYOUT_F(U16, struct msg_batch_ask, count),
    LAYOUT_F(U32, struct msg_batch_ask, day),
};
LAYOUT_DEFINE(msg_batch_ask_layout, struct msg_batch_ask, msg_batch_ask_fields);

static const struct layout_field msg_batch_fields[] = {
    LAYOUT_F(U8, struct msg_batch, code),
    LAYOUT_F(KEY, struct msg_batch, message_id_key),
    LAYOUT_F(KEY, struct msg_batch, recipient_key),
    LAYOUT_F(KEY, struct msg_batch, destination_key),
    LAYOUT_F(U32, struct msg_batch, destination_day),
    LAYOUT_B(struct msg_batch, items, MSG_LIST_MAX),
};
LAYOUT_DEFINE(msg_batch_layout, struct msg_batch, msg_batch_fields);

static const struct layout_field msg_batch_item_fields[] = {
    LAYOUT_F(ID, struct msg_batch_item, id),
    LAYOUT_F(KEY, struct msg_batch_item, content_key),
    LAYOUT_F(KEY, struct msg_batch_item, field_key),
    LAYOUT_B(struct msg_batch_item, header, MSG_HEADER_MAX),
};
LAYOUT_DEFINE(msg_batch_item_layout, struct msg_batch_item, msg_batch_item_fields);

static const struct layout_field msg_auth_plain_fields[] = {
    LAYOUT_B(struct msg_auth_plain, name, MSG_NAME_MAX),
    LAYOUT_B(struct msg_auth_plain, password, MSG_PASSWORD_MAX),
    LAYOUT_B(struct msg_auth_plain, address, MSG_ADDRESS_MAX),
};
LAYOUT_DEFINE(msg_auth_plain_layout, struct msg_auth_plain, msg_auth_plain_fields);

static const struct layout_field msg_auth_answer_fields[] = {
    LAYOUT_F(U8, struct msg_auth_answer, code),
    LAYOUT_F(I64, struct msg_auth_answer, delay_us),
    LAYOUT_F(ID, struct msg_auth_answer, credential),
    LAYOUT_B(struct msg_auth_answer, tenant, MSG_TENANT_MAX),
    LAYOUT_B(struct msg_auth_answer, senders, MSG_SENDERS_MAX),
    LAYOUT_F(U8, struct msg_auth_answer, minimum),
    LAYOUT_B(struct msg_auth_answer, server_signature, MSG_PROOF_MAX),
};
LAYOUT_DEFINE(msg_auth_answer_layout, struct msg_auth_answer, msg_auth_answer_fields);

static const struct layout_field msg_scram_start_fields[] = {
    LAYOUT_B(struct msg_scram_start, name, MSG_NAME_MAX),
    LAYOUT_B(struct msg_scram_start, address, MSG_ADDRESS_MAX),
};
LAYOUT_DEFINE(msg_scram_start_layout, struct msg_scram_start, msg_scram_start_fields);

static const struct layout_field msg_scram_challenge_fields[] = {
    LAYOUT_F(U8, struct msg_scram_challenge, code),
    LAYOUT_B(struct msg_scram_challenge, salt, MSG_SALT_MAX),
    LAYOUT_F(U32, struct msg_scram_challenge, iterations),
};
LAYOUT_DEFINE(msg_scram_challenge_layout, struct msg_scram_challenge, msg_scram_challenge_fields);

static const struct layout_field msg_scram_finish_fields[] = {
    LAYOUT_B(struct msg_scram_finish, name, MSG_NAME_MAX),
    LAYOUT_B(struct msg_scram_finish, address, MSG_ADDRESS_MAX),
    LAYOUT_B(struct msg_scram_finish, auth_message, MSG_SCRAM_MAX),
    LAYOUT_B(struct msg_scram_finish, proof, MSG_PROOF_MAX),
};
LAYOUT_DEFINE(msg_scram_finish_layout, struct msg_scram_finish, msg_scram_finish_fields);

static const struct layout_field msg_key_open_fields[] = {
    LAYOUT_B(struct msg_key_open, header, MSG_HEADER_MAX),
};
LAYOUT_DEFINE(msg_key_open_layout, struct msg_key_open, msg_key_open_fields);

static const struct layout_field msg_keys_fields[] = {
    LAYOUT_F(U8, struct msg_keys, code),
    LAYOUT_F(ID, struct msg_keys, id),
    LAYOUT_F(KEY, struct msg_keys, content_key),
    LAYOUT_F(KEY, struct msg_keys, field_key),
};
LAYOUT_DEFINE(msg_keys_layout, struct msg_keys, msg_keys_fields);

static const struct layout_field msg_letter_open_fields[] = {
    LAYOUT_F(DIGEST, struct msg_letter_open, session),
    LAYOUT_F(ID, struct msg_letter_open, letter),
    LAYOUT_B(struct msg_letter_open, header, MSG_HEADER_MAX),
};
LAYOUT_DEFINE(msg_letter_open_layout, struct msg_letter_open, msg_letter_open_fields);

static const struct layout_field msg_center_keys_fields[] = {
    LAYOUT_F(KEY, struct msg_center_keys, code_key),
};
LAYOUT_DEFINE(msg_center_keys_layout, struct msg_center_keys, msg_center_keys_fields);

static const struct layout_field msg_grant_fields[] = {
    LAYOUT_F(DIGEST, struct msg_grant, session),
    LAYOUT_F(ID, struct msg_grant, letter),
    LAYOUT_F(U32, struct msg_grant, seconds),
};
LAYOUT_DEFINE(msg_grant_layout, struct msg_grant, msg_grant_fields);

static const struct layout_field msg_operator_grant_fields[] = {
    LAYOUT_F(DIGEST, struct msg_operator_grant, grant),
    LAYOUT_F(U32, struct msg_operator_grant, seconds),
};
LAYOUT_DEFINE(msg_operator_grant_layout, struct msg_operator_grant, msg_operator_grant_fields);

static const struct layout_field msg_credential_fields[] = {
    LAYOUT_F(ID, struct msg_credential, id),
    LAYOUT_F(BOOL, struct msg_credential, removed),
    LAYOUT_B(struct msg_credential, name, MSG_NAME_MAX),
    LAYOUT_B(struct msg_credential, record, MSG_RECORD_MAX),
};
LAYOUT_DEFINE(msg_credential_layout, struct msg_credential, msg_credential_fields);

static const struct layout_field msg_lock_fields[] = {
    LAYOUT_F(DIGEST, struct msg_lock, subject),
    LAYOUT_F(I64, struct msg_lock, until_us),
};
LAYOUT_DEFINE(msg_lock_layout, struct msg_lock, msg_lock_fields);
