/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of a credential's record. */
#include "keys/credential_record.h"

#include "keys/credentials.h"
#include "keys/key_name.h"

static const struct layout_field fields[] = {
    LAYOUT_F(U8, struct credential_record, version),
    LAYOUT_F(I64, struct credential_record, created_us),
    LAYOUT_B(struct credential_record, name, CREDENTIAL_NAME_MAX),
    LAYOUT_B(struct credential_record, tenant, KEY_TENANT_MAX),
    LAYOUT_B(struct credential_record, senders, CREDENTIAL_SENDERS_MAX),
    LAYOUT_F(KEY, struct credential_record, verifier),
    LAYOUT_F(U32, struct credential_record, iterations),
    LAYOUT_B(struct credential_record, salt, SCRAM_SALT_SIZE),
    LAYOUT_F(KEY, struct credential_record, scram_stored),
    LAYOUT_F(KEY, struct credential_record, scram_server),
};

LAYOUT_DEFINE(credential_record_layout, struct credential_record, fields);
