/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of what couriers and the resolver say to each other. */
#include "os/msg.h"

static const struct layout_field msg_dossier_ask_fields[] = {
    LAYOUT_B(struct msg_dossier_ask, domain, MSG_NAME_MAX),
    LAYOUT_B(struct msg_dossier_ask, policy, MSG_POLICY_MAX),
    LAYOUT_F(BOOL, struct msg_dossier_ask, fresh),
    LAYOUT_F(BOOL, struct msg_dossier_ask, forget),
};
LAYOUT_DEFINE(msg_dossier_ask_layout, struct msg_dossier_ask, msg_dossier_ask_fields);

static const struct layout_field msg_dossier_fields[] = {
    LAYOUT_F(U8, struct msg_dossier, status),
    LAYOUT_F(BOOL, struct msg_dossier, secure),
    LAYOUT_F(BOOL, struct msg_dossier, implicit),
    LAYOUT_F(I64, struct msg_dossier, expires_us),
    LAYOUT_B(struct msg_dossier, hosts, MSG_LIST_MAX),
    LAYOUT_F(U8, struct msg_dossier, sts_look),
    LAYOUT_B(struct msg_dossier, policy, MSG_POLICY_MAX),
    LAYOUT_F(BOOL, struct msg_dossier, policy_changed),
    LAYOUT_B(struct msg_dossier, sts_detail, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(msg_dossier_layout, struct msg_dossier, msg_dossier_fields);

static const struct layout_field msg_dossier_host_fields[] = {
    LAYOUT_F(U16, struct msg_dossier_host, preference),
    LAYOUT_F(U8, struct msg_dossier_host, status),
    LAYOUT_F(BOOL, struct msg_dossier_host, secure),
    LAYOUT_B(struct msg_dossier_host, name, MSG_NAME_MAX),
    LAYOUT_B(struct msg_dossier_host, addresses, MSG_ADDRESSES_MAX),
    LAYOUT_B(struct msg_dossier_host, canonical, MSG_NAME_MAX),
    LAYOUT_F(U8, struct msg_dossier_host, tlsa_state),
    LAYOUT_B(struct msg_dossier_host, tlsa_base, MSG_NAME_MAX),
    LAYOUT_B(struct msg_dossier_host, tlsa, MSG_TLSA_MAX),
};
LAYOUT_DEFINE(msg_dossier_host_layout, struct msg_dossier_host, msg_dossier_host_fields);

static const struct layout_field msg_address_fields[] = {
    LAYOUT_F(U8, struct msg_address, family),
    LAYOUT_F(TAG, struct msg_address, bytes),
};
LAYOUT_DEFINE(msg_address_layout, struct msg_address, msg_address_fields);

static const struct layout_field msg_policy_fields[] = {
    LAYOUT_F(U8, struct msg_policy, mode),
    LAYOUT_B(struct msg_policy, id, MSG_POLICY_ID_MAX),
    LAYOUT_F(I64, struct msg_policy, fetched_us),
    LAYOUT_F(U32, struct msg_policy, max_age_s),
    LAYOUT_B(struct msg_policy, hosts, MSG_POLICY_HOSTS_MAX),
};
LAYOUT_DEFINE(msg_policy_layout, struct msg_policy, msg_policy_fields);

static const struct layout_field msg_tlsa_fields[] = {
    LAYOUT_F(U8, struct msg_tlsa, usage),
    LAYOUT_F(U8, struct msg_tlsa, selector),
    LAYOUT_F(U8, struct msg_tlsa, matching),
    LAYOUT_B(struct msg_tlsa, data, MSG_TLSA_DATA_MAX),
};
LAYOUT_DEFINE(msg_tlsa_layout, struct msg_tlsa, msg_tlsa_fields);
