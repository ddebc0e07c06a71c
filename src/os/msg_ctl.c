/* SPDX-License-Identifier: Apache-2.0 */
/* Layout tables of the messages of the cli on the control sockets. Limits are those of msg.h. */
#include "os/msg.h"

static const struct layout_field msg_ctl_query_fields[] = {
    LAYOUT_F(ID, struct msg_ctl_query, id),
    LAYOUT_F(BOOL, struct msg_ctl_query, by_message_id),
    LAYOUT_F(TAG, struct msg_ctl_query, message_id),
    LAYOUT_F(BOOL, struct msg_ctl_query, by_recipient),
    LAYOUT_F(TAG, struct msg_ctl_query, recipient),
    LAYOUT_F(BOOL, struct msg_ctl_query, attempts),
    LAYOUT_F(BOOL, struct msg_ctl_query, open_only),
    LAYOUT_F(U32, struct msg_ctl_query, limit),
};
LAYOUT_DEFINE(msg_ctl_query_layout, struct msg_ctl_query, msg_ctl_query_fields);

static const struct layout_field msg_ctl_grant_fields[] = {
    LAYOUT_F(U8, struct msg_ctl_grant, code),
    LAYOUT_F(DIGEST, struct msg_ctl_grant, grant),
    LAYOUT_F(U32, struct msg_ctl_grant, rows),
    LAYOUT_F(BOOL, struct msg_ctl_grant, more),
};
LAYOUT_DEFINE(msg_ctl_grant_layout, struct msg_ctl_grant, msg_ctl_grant_fields);

static const struct layout_field msg_row_fields[] = {
    LAYOUT_F(ID, struct msg_row, message),
    LAYOUT_F(U8, struct msg_row, kind),
    LAYOUT_B(struct msg_row, tenant, MSG_TENANT_MAX),
    LAYOUT_F(U16, struct msg_row, index),
    LAYOUT_F(U8, struct msg_row, state),
    LAYOUT_F(U8, struct msg_row, notice),
    LAYOUT_F(U16, struct msg_row, reason),
    LAYOUT_F(U8, struct msg_row, proof),
    LAYOUT_F(U32, struct msg_row, attempts),
    LAYOUT_F(I64, struct msg_row, accepted_us),
    LAYOUT_F(I64, struct msg_row, next_us),
    LAYOUT_F(ID, struct msg_row, letter),
    LAYOUT_F(I64, struct msg_row, opened_us),
    LAYOUT_B(struct msg_row, header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_row, envelope, MSG_ENVELOPE_MAX),
    LAYOUT_B(struct msg_row, recipient, MSG_RECIPIENT_MAX),
    LAYOUT_B(struct msg_row, text, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(msg_row_layout, struct msg_row, msg_row_fields);

static const struct layout_field msg_attempt_fields[] = {
    LAYOUT_F(ID, struct msg_attempt, message),
    LAYOUT_F(U16, struct msg_attempt, index),
    LAYOUT_F(U32, struct msg_attempt, number),
    LAYOUT_F(I64, struct msg_attempt, at_us),
    LAYOUT_F(U8, struct msg_attempt, outcome),
    LAYOUT_F(U16, struct msg_attempt, reason),
    LAYOUT_F(U8, struct msg_attempt, proof),
    LAYOUT_B(struct msg_attempt, text, MSG_TEXT_MAX),
    LAYOUT_F(ID, struct msg_attempt, evidence),
    LAYOUT_B(struct msg_attempt, evidence_header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_attempt, evidence_sealed, MSG_EVIDENCE_MAX),
};
LAYOUT_DEFINE(msg_attempt_layout, struct msg_attempt, msg_attempt_fields);

static const struct layout_field msg_ctl_wait_fields[] = {
    LAYOUT_F(ID, struct msg_ctl_wait, id),
    LAYOUT_F(I64, struct msg_ctl_wait, timeout_us),
};
LAYOUT_DEFINE(msg_ctl_wait_layout, struct msg_ctl_wait, msg_ctl_wait_fields);

static const struct layout_field msg_ctl_target_fields[] = {
    LAYOUT_F(ID, struct msg_ctl_target, id),
};
LAYOUT_DEFINE(msg_ctl_target_layout, struct msg_ctl_target, msg_ctl_target_fields);

static const struct layout_field msg_ctl_check_fields[] = {
    LAYOUT_F(BOOL, struct msg_ctl_check, deep),
};
LAYOUT_DEFINE(msg_ctl_check_layout, struct msg_ctl_check, msg_ctl_check_fields);

static const struct layout_field msg_ctl_report_fields[] = {
    LAYOUT_F(U8, struct msg_ctl_report, code),
    LAYOUT_B(struct msg_ctl_report, text, MSG_LINES_MAX),
};
LAYOUT_DEFINE(msg_ctl_report_layout, struct msg_ctl_report, msg_ctl_report_fields);

static const struct layout_field msg_ctl_counts_fields[] = {
    LAYOUT_F(U64, struct msg_ctl_counts, accepted),
    LAYOUT_F(U64, struct msg_ctl_counts, delivered),
    LAYOUT_F(U64, struct msg_ctl_counts, posted),
    LAYOUT_F(U64, struct msg_ctl_counts, returned),
    LAYOUT_F(U64, struct msg_ctl_counts, queued),
    LAYOUT_F(U64, struct msg_ctl_counts, dsn_accepted),
    LAYOUT_F(U64, struct msg_ctl_counts, dsn_final),
    LAYOUT_F(U64, struct msg_ctl_counts, notices_sent),
    LAYOUT_F(U64, struct msg_ctl_counts, notices_pending),
    LAYOUT_F(U64, struct msg_ctl_counts, notices_held),
    LAYOUT_F(U64, struct msg_ctl_counts, messages_held),
    LAYOUT_F(U64, struct msg_ctl_counts, journal_bytes),
    LAYOUT_F(U64, struct msg_ctl_counts, waves),
    LAYOUT_F(U64, struct msg_ctl_counts, flushes),
    LAYOUT_F(U64, struct msg_ctl_counts, free_bytes),
    LAYOUT_B(struct msg_ctl_counts, alarms, MSG_LINES_MAX),
};
LAYOUT_DEFINE(msg_ctl_counts_layout, struct msg_ctl_counts, msg_ctl_counts_fields);

static const struct layout_field msg_ctl_list_fields[] = {
    LAYOUT_B(struct msg_ctl_list, items, MSG_LIST_MAX),
};
LAYOUT_DEFINE(msg_ctl_list_layout, struct msg_ctl_list, msg_ctl_list_fields);

static const struct layout_field msg_ctl_domain_fields[] = {
    LAYOUT_F(TAG, struct msg_ctl_domain, domain),
    LAYOUT_F(BOOL, struct msg_ctl_domain, forget),
};
LAYOUT_DEFINE(msg_ctl_domain_layout, struct msg_ctl_domain, msg_ctl_domain_fields);

static const struct layout_field msg_cli_tag_fields[] = {
    LAYOUT_F(U8, struct msg_cli_tag, table),
    LAYOUT_B(struct msg_cli_tag, tenant, MSG_TENANT_MAX),
    LAYOUT_B(struct msg_cli_tag, text, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(msg_cli_tag_layout, struct msg_cli_tag, msg_cli_tag_fields);

static const struct layout_field msg_cli_tags_fields[] = {
    LAYOUT_F(U8, struct msg_cli_tags, code),
    LAYOUT_F(TAG, struct msg_cli_tags, tag),
};
LAYOUT_DEFINE(msg_cli_tags_layout, struct msg_cli_tags, msg_cli_tags_fields);

static const struct layout_field msg_cli_open_fields[] = {
    LAYOUT_F(DIGEST, struct msg_cli_open, grant),
    LAYOUT_B(struct msg_cli_open, header, MSG_HEADER_MAX),
};
LAYOUT_DEFINE(msg_cli_open_layout, struct msg_cli_open, msg_cli_open_fields);

static const struct layout_field msg_cli_credential_fields[] = {
    LAYOUT_B(struct msg_cli_credential, name, MSG_NAME_MAX),
    LAYOUT_B(struct msg_cli_credential, tenant, MSG_TENANT_MAX),
    LAYOUT_B(struct msg_cli_credential, senders, MSG_SENDERS_MAX),
    LAYOUT_F(U8, struct msg_cli_credential, minimum),
    LAYOUT_F(BOOL, struct msg_cli_credential, change),
};
LAYOUT_DEFINE(msg_cli_credential_layout, struct msg_cli_credential, msg_cli_credential_fields);

static const struct layout_field msg_cli_user_fields[] = {
    LAYOUT_B(struct msg_cli_user, name, MSG_NAME_MAX),
};
LAYOUT_DEFINE(msg_cli_user_layout, struct msg_cli_user, msg_cli_user_fields);

static const struct layout_field msg_cli_described_fields[] = {
    LAYOUT_F(U8, struct msg_cli_described, code),
    LAYOUT_F(U8, struct msg_cli_described, minimum),
};
LAYOUT_DEFINE(msg_cli_described_layout, struct msg_cli_described, msg_cli_described_fields);

static const struct layout_field msg_cli_policy_fields[] = {
    LAYOUT_F(TAG, struct msg_cli_policy, domain),
    LAYOUT_B(struct msg_cli_policy, sealed, MSG_POLICY_MAX),
};
LAYOUT_DEFINE(msg_cli_policy_layout, struct msg_cli_policy, msg_cli_policy_fields);

static const struct layout_field msg_cli_policy_open_fields[] = {
    LAYOUT_F(U8, struct msg_cli_policy_open, code),
    LAYOUT_B(struct msg_cli_policy_open, policy, MSG_POLICY_MAX),
};
LAYOUT_DEFINE(msg_cli_policy_open_layout, struct msg_cli_policy_open, msg_cli_policy_open_fields);

static const struct layout_field msg_cli_password_fields[] = {
    LAYOUT_F(U8, struct msg_cli_password, code),
    LAYOUT_F(ID, struct msg_cli_password, id),
    LAYOUT_B(struct msg_cli_password, password, MSG_PASSWORD_MAX),
    LAYOUT_B(struct msg_cli_password, record, MSG_RECORD_MAX),
    LAYOUT_B(struct msg_cli_password, text, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(msg_cli_password_layout, struct msg_cli_password, msg_cli_password_fields);
