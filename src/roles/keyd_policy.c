/* SPDX-License-Identifier: Apache-2.0 */
/* The operator reads what is kept of a domain: the store has it sealed, keyd opens it. */
#include "base/mem.h"
#include "keys/sealed_field.h"
#include "mail/envelope.h"
#include "roles/keyd.h"

bool keyd_policy_open(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_cli_policy msg;
    struct msg_cli_policy_open answer = {.code = MSG_UNAVAILABLE};
    struct key key;
    struct id id;
    struct buf plain;
    if (!layout_read(&msg_cli_policy_layout, frame->payload, &msg))
        return false;
    memcpy(id.b, msg.domain.b, ID_SIZE);
    buf_init_secret(&plain, MSG_POLICY_MAX);
    if (keyd_batch_lasting_key(keyd, KEY_POLICY, &key)) {
        struct sealed_field *field = sealed_field_create();
        answer.code = sealed_field_open(field, &key, &id, MAIL_FIELD_POLICY, 0, msg.sealed, &plain, NULL) ? MSG_OK : MSG_BROKEN;
        answer.policy = buf_slice(&plain);
        sealed_field_free(&field);
        mem_wipe(&key, sizeof(key));
    }
    keyd_answer(peer, frame, &msg_cli_policy_open_layout, &answer);
    buf_free(&plain);
    return true;
}
