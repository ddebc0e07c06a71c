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
    LAYOUT_F(U8, struct credential_record, minimum),
};

LAYOUT_DEFINE(credential_record_layout, struct credential_record, fields);

#define ADDED_IN_2 1u
static const struct layout layout_1 = {"struct credential_record (1)", fields, sizeof(fields) / sizeof(*fields) - ADDED_IN_2,
                                       sizeof(struct credential_record)};

bool credential_record_read(struct slice plain, struct credential_record *ret_record)
{
    bool first = plain.len > 0 && plain.data[0] == 1;
    return layout_read(first ? &layout_1 : &credential_record_layout, plain, ret_record) &&
           (first || ret_record->version == CREDENTIAL_RECORD_VERSION);
}
