/* SPDX-License-Identifier: Apache-2.0 */
/* Layout tables of the record heads. The order of fields is the order on the disk: add only a new version. */
#include "store/record_head.h"

static const struct layout_field record_message_fields[] = {
    LAYOUT_F(U8, struct record_message, kind),
    LAYOUT_F(U32, struct record_message, flags),
    LAYOUT_B(struct record_message, tenant, MSG_TENANT_MAX),
    LAYOUT_F(ID, struct record_message, credential),
    LAYOUT_F(I64, struct record_message, accepted_us),
    LAYOUT_F(I64, struct record_message, by_us),
    LAYOUT_F(U64, struct record_message, size),
    LAYOUT_F(TAG, struct record_message, message_id),
    LAYOUT_F(U64, struct record_message, content_length),
    LAYOUT_F(TAG, struct record_message, content_tail),
    LAYOUT_B(struct record_message, header, MSG_HEADER_MAX),
    LAYOUT_B(struct record_message, envelope, MSG_ENVELOPE_MAX),
    LAYOUT_B(struct record_message, recipients, MSG_LIST_MAX),
    LAYOUT_B(struct record_message, leaves, RECORD_LEAVES_MAX),
};
LAYOUT_DEFINE(record_message_layout, struct record_message, record_message_fields);

static const struct layout_field record_transition_fields[] = {
    LAYOUT_F(I64, struct record_transition, at_us),
    LAYOUT_F(U64, struct record_transition, message),
    LAYOUT_F(U8, struct record_transition, kind),
    LAYOUT_B(struct record_transition, tenant, MSG_TENANT_MAX),
    LAYOUT_B(struct record_transition, changes, RECORD_CHANGES_MAX),
    LAYOUT_B(struct record_transition, letters, MSG_LIST_MAX),
    LAYOUT_B(struct record_transition, evidence, MSG_LIST_MAX),
    LAYOUT_B(struct record_transition, leaves, RECORD_LEAVES_MAX),
};
LAYOUT_DEFINE(record_transition_layout, struct record_transition, record_transition_fields);

static const struct layout_field record_change_fields[] = {
    LAYOUT_F(U16, struct record_change, index),
    LAYOUT_F(U8, struct record_change, event),
    LAYOUT_F(U8, struct record_change, state),
    LAYOUT_F(U8, struct record_change, notice),
    LAYOUT_F(U8, struct record_change, flags),
    LAYOUT_F(U32, struct record_change, generation),
    LAYOUT_F(U32, struct record_change, attempt),
    LAYOUT_F(U16, struct record_change, reason),
    LAYOUT_F(U8, struct record_change, proof),
    LAYOUT_F(I64, struct record_change, next_us),
    LAYOUT_F(ID, struct record_change, letter),
    LAYOUT_F(ID, struct record_change, evidence),
    LAYOUT_B(struct record_change, text, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(record_change_layout, struct record_change, record_change_fields);

static const struct layout_field record_center_fields[] = {
    LAYOUT_F(U8, struct record_center, act),
    LAYOUT_F(U64, struct record_center, letter),
    LAYOUT_F(I64, struct record_center, at_us),
    LAYOUT_F(DIGEST, struct record_center, link),
    LAYOUT_F(DIGEST, struct record_center, session),
    LAYOUT_F(I64, struct record_center, until_us),
    LAYOUT_B(struct record_center, state, RECORD_CENTER_MAX),
    LAYOUT_F(ID, struct record_center, transit),
    LAYOUT_F(U8, struct record_center, transit_kind),
    LAYOUT_F(U8, struct record_center, transit_end),
    LAYOUT_B(struct record_center, header, MSG_HEADER_MAX),
    LAYOUT_B(struct record_center, sealed, MSG_RECIPIENT_MAX),
    LAYOUT_B(struct record_center, leaves, RECORD_LEAVES_MAX),
};
LAYOUT_DEFINE(record_center_layout, struct record_center, record_center_fields);

static const struct layout_field record_credential_fields[] = {
    LAYOUT_F(BOOL, struct record_credential, removed),
    LAYOUT_F(I64, struct record_credential, at_us),
    LAYOUT_B(struct record_credential, name, MSG_NAME_MAX),
    LAYOUT_B(struct record_credential, record, MSG_LIST_MAX),
    LAYOUT_B(struct record_credential, leaves, RECORD_LEAVES_MAX),
};
LAYOUT_DEFINE(record_credential_layout, struct record_credential, record_credential_fields);

static const struct layout_field record_lock_fields[] = {
    LAYOUT_F(DIGEST, struct record_lock, subject),
    LAYOUT_F(I64, struct record_lock, until_us),
};
LAYOUT_DEFINE(record_lock_layout, struct record_lock, record_lock_fields);

static const struct layout_field record_domain_fields[] = {
    LAYOUT_F(TAG, struct record_domain, domain),
    LAYOUT_F(U8, struct record_domain, level),
    LAYOUT_F(I64, struct record_domain, at_us),
    LAYOUT_F(U8, struct record_domain, acts),
    LAYOUT_B(struct record_domain, policy, MSG_POLICY_SEALED_MAX),
};
LAYOUT_DEFINE(record_domain_layout, struct record_domain, record_domain_fields);

static const struct layout_field record_tally_fields[] = {
    LAYOUT_F(TAG, struct record_tally, domain),
    LAYOUT_F(U32, struct record_tally, day),
    LAYOUT_F(I64, struct record_tally, at_us),
    LAYOUT_F(BOOL, struct record_tally, done),
    LAYOUT_B(struct record_tally, sealed, MSG_TALLY_MAX),
};
LAYOUT_DEFINE(record_tally_layout, struct record_tally, record_tally_fields);

static const struct layout_field record_received_fields[] = {
    LAYOUT_F(I64, struct record_received, at_us),
    LAYOUT_F(U32, struct record_received, size),
    LAYOUT_B(struct record_received, header, MSG_HEADER_MAX),
    LAYOUT_B(struct record_received, sealed, MSG_RECEIVED_MAX),
};
LAYOUT_DEFINE(record_received_layout, struct record_received, record_received_fields);

/* Version 1: the first three fields. */
bool record_domain_read(const struct record *record, struct record_domain *ret_domain)
{
    static const struct layout first = {"struct record_domain", record_domain_fields, 3, sizeof(struct record_domain)};
    memset(ret_domain, 0, sizeof(*ret_domain));
    return layout_read(record->version == 1 ? &first : &record_domain_layout, record->head, ret_domain);
}

static const struct layout_field record_admin_fields[] = {
    LAYOUT_F(U8, struct record_admin, act),
    LAYOUT_F(I64, struct record_admin, at_us),
    LAYOUT_B(struct record_admin, leaves, RECORD_LEAVES_MAX),
};
LAYOUT_DEFINE(record_admin_layout, struct record_admin, record_admin_fields);

static const struct layout_field record_wave_end_fields[] = {
    LAYOUT_F(I64, struct record_wave_end, at_us),
    LAYOUT_B(struct record_wave_end, counts, RECORD_COUNTS_MAX),
};
LAYOUT_DEFINE(record_wave_end_layout, struct record_wave_end, record_wave_end_fields);

static const struct layout_field record_counts_fields[] = {
    LAYOUT_B(struct record_counts, tenant, MSG_TENANT_MAX),
    LAYOUT_F(U64, struct record_counts, accepted),
    LAYOUT_F(U64, struct record_counts, delivered),
    LAYOUT_F(U64, struct record_counts, posted),
    LAYOUT_F(U64, struct record_counts, returned),
    LAYOUT_F(U64, struct record_counts, dsn_accepted),
    LAYOUT_F(U64, struct record_counts, dsn_final),
    LAYOUT_F(U64, struct record_counts, notices_sent),
    LAYOUT_F(U64, struct record_counts, expansions),
};
LAYOUT_DEFINE(record_counts_layout, struct record_counts, record_counts_fields);
