/* SPDX-License-Identifier: Apache-2.0 */
/* Opening of sealed headers: who may have which derived key. Couriers open mail, letters and transit objects; web opens
 * letters against a grant; the operator's questions get field keys against a grant. Evidence opens for the operator
 * alone. */
#include "base/clock.h"
#include "base/mem.h"
#include "keys/lookup_tag.h"
#include "roles/keyd.h"

#define OPENS(kind) (1u << (kind))
#define OPENS_LEASE (OPENS(KEY_WORK) | OPENS(KEY_LETTER) | OPENS(KEY_TRANSIT))
#define OPENS_OPERATOR (OPENS(KEY_WORK) | OPENS(KEY_LETTER) | OPENS(KEY_TRANSIT) | OPENS(KEY_EVIDENCE))

/* Opens a header whose wrapping key is of one of the kinds. Fills ret_keys with its keys, or with zero keys and the
 * code: a key that is gone has EXPIRED, what does not open is BROKEN. */
static void open_header(struct keyd *keyd, struct slice bytes, unsigned kinds, struct msg_keys *ret_keys)
{
    struct err err = {""};
    struct sealed_header header;
    struct key wrapping;
    bool missing = false;
    *ret_keys = (struct msg_keys){.code = MSG_BROKEN};
    if (!sealed_header_parse(bytes, &header, &err)) {
        log_warn(role_log(keyd->role), "%s", err.text);
        return;
    }
    struct slice name = sealed_opener_key_name(&header);
    enum key_kind kind = key_name_kind(name);
    ret_keys->id = header.id;
    if (kind == KEY_KIND_COUNT || (kinds & OPENS(kind)) == 0) {
        ret_keys->code = MSG_REFUSED;
        return;
    }
    if (!hierarchy_find_text(keyd->hierarchy, name, &wrapping, &missing, &err)) {
        ret_keys->code = missing ? MSG_EXPIRED : MSG_BROKEN;
        log_warn(role_log(keyd->role), "%s", err.text);
        return;
    }
    if (sealed_opener_open(keyd->opener, &header, &wrapping, &ret_keys->content_key, &ret_keys->field_key, &err))
        ret_keys->code = MSG_OK;
    else
        log_error(role_log(keyd->role), "%s", err.text);
    mem_wipe(&wrapping, sizeof(wrapping));
}

static void answer(struct keyd_peer *peer, const struct chan_frame *frame, struct msg_keys *keys)
{
    keyd_answer(peer, frame, &msg_keys_layout, keys);
    mem_wipe(keys, sizeof(*keys));
}

bool keyd_open_lease(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_key_open msg;
    struct msg_keys keys;
    if (!layout_read(&msg_key_open_layout, frame->payload, &msg))
        return false;
    open_header(keyd, msg.header, OPENS_LEASE, &keys);
    answer(peer, frame, &keys);
    return true;
}

bool keyd_open_letter(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_letter_open msg;
    struct msg_keys keys = {.code = MSG_REFUSED};
    if (!layout_read(&msg_letter_open_layout, frame->payload, &msg))
        return false;
    if (keyd_grant_letter(keyd->grants, &msg.session, &msg.letter, clock_wait_us()))
        open_header(keyd, msg.header, OPENS(KEY_LETTER), &keys);
    /* A grant for one letter must not open another one's header. */
    if (keys.code == MSG_OK && !id_eq(&keys.id, &msg.letter)) {
        mem_wipe(&keys, sizeof(keys));
        keys.code = MSG_REFUSED;
    }
    answer(peer, frame, &keys);
    return true;
}

bool keyd_open_operator(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_cli_open msg;
    struct msg_keys keys = {.code = MSG_REFUSED};
    if (!layout_read(&msg_cli_open_layout, frame->payload, &msg))
        return false;
    if (keyd_grant_operator(keyd->grants, &msg.grant, clock_wait_us()))
        open_header(keyd, msg.header, OPENS_OPERATOR, &keys);
    mem_wipe(&keys.content_key, sizeof(keys.content_key));
    answer(peer, frame, &keys);
    return true;
}

/* The key of a table of look-ups; that of domains is made when no courier has asked for it yet. */
static bool tag_key(struct keyd *keyd, const struct msg_cli_tag *msg, struct key *ret_key)
{
    struct err err = {""};
    bool missing = false;
    if (msg->table == 3)
        return keyd_batch_lasting_key(keyd, KEY_TAG_DOMAIN, ret_key);
    struct key_name name = {msg->table == 1 ? KEY_TAG_MESSAGE : KEY_TAG_PERSON, msg->tenant, 0};
    return (msg->table == 1 || msg->table == 2) && hierarchy_find(keyd->hierarchy, &name, ret_key, &missing, &err);
}

bool keyd_open_tag(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_cli_tag msg;
    struct msg_cli_tags tags = {.code = MSG_UNKNOWN};
    struct key key;
    if (!layout_read(&msg_cli_tag_layout, frame->payload, &msg))
        return false;
    if (tag_key(keyd, &msg, &key)) {
        lookup_tag(keyd->sha256, &key, msg.text, &tags.tag);
        tags.code = MSG_OK;
        mem_wipe(&key, sizeof(key));
    }
    keyd_answer(peer, frame, &msg_cli_tags_layout, &tags);
    return true;
}
