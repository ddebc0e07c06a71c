/* SPDX-License-Identifier: Apache-2.0 */
/* Layout tables of the messages to and from the store: commits, leases, completions. Limits are those of msg.h. */
#include "os/msg.h"

static const struct layout_field msg_open_fields[] = {
    LAYOUT_F(ID, struct msg_open, id),
    LAYOUT_F(U64, struct msg_open, limit),
};
LAYOUT_DEFINE(msg_open_layout, struct msg_open, msg_open_fields);

static const struct layout_field msg_message_fields[] = {
    LAYOUT_F(ID, struct msg_message, id),
    LAYOUT_F(U8, struct msg_message, kind),
    LAYOUT_F(U32, struct msg_message, flags),
    LAYOUT_B(struct msg_message, tenant, MSG_TENANT_MAX),
    LAYOUT_F(ID, struct msg_message, credential),
    LAYOUT_F(I64, struct msg_message, accepted_us),
    LAYOUT_F(I64, struct msg_message, by_us),
    LAYOUT_F(U64, struct msg_message, size),
    LAYOUT_F(TAG, struct msg_message, message_id),
    LAYOUT_B(struct msg_message, header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_message, envelope, MSG_ENVELOPE_MAX),
    LAYOUT_B(struct msg_message, recipients, MSG_LIST_MAX),
    LAYOUT_B(struct msg_message, content, MSG_INLINE_MAX),
    LAYOUT_F(U64, struct msg_message, content_length),
    LAYOUT_F(TAG, struct msg_message, content_tail),
};
LAYOUT_DEFINE(msg_message_layout, struct msg_message, msg_message_fields);

static const struct layout_field msg_recipient_fields[] = {
    LAYOUT_F(U16, struct msg_recipient, index),
    LAYOUT_F(U8, struct msg_recipient, notify),
    LAYOUT_F(TAG, struct msg_recipient, destination),
    LAYOUT_F(TAG, struct msg_recipient, recipient),
    LAYOUT_F(DIGEST, struct msg_recipient, name),
    LAYOUT_B(struct msg_recipient, sealed, MSG_RECIPIENT_MAX),
};
LAYOUT_DEFINE(msg_recipient_layout, struct msg_recipient, msg_recipient_fields);

static const struct layout_field msg_lease_fields[] = {
    LAYOUT_F(U64, struct msg_lease, lease),
    LAYOUT_F(U64, struct msg_lease, epoch),
    LAYOUT_F(U8, struct msg_lease, kind),
    LAYOUT_F(U8, struct msg_lease, message_kind),
    LAYOUT_F(U32, struct msg_lease, flags),
    LAYOUT_B(struct msg_lease, tenant, MSG_TENANT_MAX),
    LAYOUT_F(ID, struct msg_lease, message),
    LAYOUT_F(U32, struct msg_lease, attempt),
    LAYOUT_F(BOOL, struct msg_lease, must_end),
    LAYOUT_F(BOOL, struct msg_lease, refused_before),
    LAYOUT_F(U16, struct msg_lease, reason),
    LAYOUT_F(I64, struct msg_lease, accepted_us),
    LAYOUT_F(I64, struct msg_lease, by_us),
    LAYOUT_F(I64, struct msg_lease, expires_us),
    LAYOUT_F(U64, struct msg_lease, size),
    LAYOUT_B(struct msg_lease, header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_lease, envelope, MSG_ENVELOPE_MAX),
    LAYOUT_B(struct msg_lease, recipients, MSG_LIST_MAX),
    LAYOUT_B(struct msg_lease, content, MSG_INLINE_MAX),
    LAYOUT_F(U64, struct msg_lease, content_length),
    LAYOUT_F(ID, struct msg_lease, extra_id),
    LAYOUT_B(struct msg_lease, extra_header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_lease, extra, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(msg_lease_layout, struct msg_lease, msg_lease_fields);

static const struct layout_field msg_lease_recipient_fields[] = {
    LAYOUT_F(U16, struct msg_lease_recipient, index),
    LAYOUT_F(U32, struct msg_lease_recipient, generation),
    LAYOUT_F(U8, struct msg_lease_recipient, notify),
    LAYOUT_B(struct msg_lease_recipient, sealed, MSG_RECIPIENT_MAX),
};
LAYOUT_DEFINE(msg_lease_recipient_layout, struct msg_lease_recipient, msg_lease_recipient_fields);

static const struct layout_field msg_complete_fields[] = {
    LAYOUT_F(U64, struct msg_complete, lease),
    LAYOUT_F(U64, struct msg_complete, epoch),
    LAYOUT_F(U8, struct msg_complete, kind),
    LAYOUT_F(ID, struct msg_complete, message),
    LAYOUT_B(struct msg_complete, evidence, MSG_LIST_MAX),
    LAYOUT_B(struct msg_complete, results, MSG_LIST_MAX),
    LAYOUT_B(struct msg_complete, letters, MSG_LIST_MAX),
    LAYOUT_B(struct msg_complete, dsn, MSG_LIST_MAX),
};
LAYOUT_DEFINE(msg_complete_layout, struct msg_complete, msg_complete_fields);

static const struct layout_field msg_result_fields[] = {
    LAYOUT_F(U16, struct msg_result, index),
    LAYOUT_F(U32, struct msg_result, generation),
    LAYOUT_F(U8, struct msg_result, outcome),
    LAYOUT_F(U16, struct msg_result, reason),
    LAYOUT_F(U8, struct msg_result, proof),
    LAYOUT_F(ID, struct msg_result, evidence),
    LAYOUT_B(struct msg_result, text, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(msg_result_layout, struct msg_result, msg_result_fields);

static const struct layout_field msg_evidence_fields[] = {
    LAYOUT_F(ID, struct msg_evidence, id),
    LAYOUT_B(struct msg_evidence, header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_evidence, sealed, MSG_EVIDENCE_MAX),
};
LAYOUT_DEFINE(msg_evidence_layout, struct msg_evidence, msg_evidence_fields);

static const struct layout_field msg_letter_fields[] = {
    LAYOUT_F(U16, struct msg_letter, index),
    LAYOUT_F(ID, struct msg_letter, id),
    LAYOUT_F(BOOL, struct msg_letter, held),
    LAYOUT_F(I64, struct msg_letter, expires_us),
    LAYOUT_F(DIGEST, struct msg_letter, link),
    LAYOUT_B(struct msg_letter, header, MSG_HEADER_MAX),
    LAYOUT_B(struct msg_letter, envelope, MSG_ENVELOPE_MAX),
    LAYOUT_B(struct msg_letter, recipient, MSG_RECIPIENT_MAX),
    LAYOUT_B(struct msg_letter, token, MSG_TEXT_MAX),
    LAYOUT_F(U64, struct msg_letter, content_length),
    LAYOUT_F(TAG, struct msg_letter, content_tail),
};
LAYOUT_DEFINE(msg_letter_layout, struct msg_letter, msg_letter_fields);

static const struct layout_field msg_domain_key_fields[] = {
    LAYOUT_F(KEY, struct msg_domain_key, key),
    LAYOUT_F(KEY, struct msg_domain_key, seal),
};
LAYOUT_DEFINE(msg_domain_key_layout, struct msg_domain_key, msg_domain_key_fields);

static const struct layout_field msg_shown_ask_fields[] = {
    LAYOUT_F(TAG, struct msg_shown_ask, domain),
};
LAYOUT_DEFINE(msg_shown_ask_layout, struct msg_shown_ask, msg_shown_ask_fields);

static const struct layout_field msg_shown_fields[] = {
    LAYOUT_F(U8, struct msg_shown, level),
    LAYOUT_F(I64, struct msg_shown, at_us),
    LAYOUT_B(struct msg_shown, policy, MSG_POLICY_SEALED_MAX),
};
LAYOUT_DEFINE(msg_shown_layout, struct msg_shown, msg_shown_fields);

static const struct layout_field msg_remember_fields[] = {
    LAYOUT_F(TAG, struct msg_remember, domain),
    LAYOUT_F(U8, struct msg_remember, level),
    LAYOUT_F(BOOL, struct msg_remember, has_policy),
    LAYOUT_B(struct msg_remember, policy, MSG_POLICY_SEALED_MAX),
};
LAYOUT_DEFINE(msg_remember_layout, struct msg_remember, msg_remember_fields);

static const struct layout_field msg_held_fields[] = {
    LAYOUT_F(U64, struct msg_held, epoch),
};
LAYOUT_DEFINE(msg_held_layout, struct msg_held, msg_held_fields);
