/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of the sealed envelope fields. */
#include "mail/envelope.h"

#include "base/mem.h"

#include <openssl/sha.h>

static const struct layout_field envelope_fields[] = {
    LAYOUT_F(U8, struct mail_envelope, version),
    LAYOUT_B(struct mail_envelope, reverse_path, MAIL_PATH_MAX),
    LAYOUT_B(struct mail_envelope, envid, MAIL_ENVID_MAX),
    LAYOUT_B(struct mail_envelope, message_id, MAIL_MESSAGE_ID_MAX),
    LAYOUT_B(struct mail_envelope, date, 128),
    LAYOUT_B(struct mail_envelope, credential, 255),
    LAYOUT_B(struct mail_envelope, mail_from, MAIL_PATH_MAX),
    LAYOUT_F(U8, struct mail_envelope, ret),
    LAYOUT_F(BOOL, struct mail_envelope, smtputf8),
    LAYOUT_F(BOOL, struct mail_envelope, eight_bit),
    LAYOUT_F(U8, struct mail_envelope, minimum),
    LAYOUT_F(BOOL, struct mail_envelope, require_tls),
};
LAYOUT_DEFINE(mail_envelope_layout, struct mail_envelope, envelope_fields);

#define ADDED_IN_2 2u
static const struct layout envelope_1_layout = {"struct mail_envelope (1)", envelope_fields,
                                                sizeof(envelope_fields) / sizeof(*envelope_fields) - ADDED_IN_2,
                                                sizeof(struct mail_envelope)};

static const struct layout_field recipient_fields[] = {
    LAYOUT_F(U8, struct mail_recipient, version),
    LAYOUT_B(struct mail_recipient, address, MAIL_PATH_MAX),
    LAYOUT_B(struct mail_recipient, canonical, MAIL_PATH_MAX),
    LAYOUT_B(struct mail_recipient, orcpt, MAIL_ORCPT_MAX),
    LAYOUT_F(KEY, struct mail_recipient, salt),
};
LAYOUT_DEFINE(mail_recipient_layout, struct mail_recipient, recipient_fields);

bool mail_envelope_read(struct slice plain, struct mail_envelope *ret_envelope)
{
    bool first = plain.len > 0 && plain.data[0] == 1;
    bool ok = layout_read(first ? &envelope_1_layout : &mail_envelope_layout, plain, ret_envelope) &&
              (first || ret_envelope->version == MAIL_ENVELOPE_VERSION);

    if (!ok) {
        *ret_envelope = (struct mail_envelope){0};
    }
    return ok;
}

void mail_recipient_name(const struct mail_recipient *recipient, struct digest *ret_name)
{
    uint8_t in[KEY_SIZE + MAIL_PATH_MAX];
    size_t len = recipient->canonical.len;

    if (len > MAIL_PATH_MAX) {
        len = MAIL_PATH_MAX;
    }
    memcpy(in, recipient->salt.b, KEY_SIZE);
    if (len > 0) {
        memcpy(in + KEY_SIZE, recipient->canonical.data, len);
    }
    SHA256(in, KEY_SIZE + len, ret_name->b);
    mem_wipe(in, sizeof(in));
}
