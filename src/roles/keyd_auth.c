/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: the store sends them all when it connects, intake asks, the operator makes new ones. A store that
 * connects anew fills a second table, which takes the first one's place when it is complete: what was removed
 * meanwhile is gone, and nobody is refused in between. */
#include "base/clock.h"
#include "base/mem.h"
#include "roles/keyd.h"

bool keyd_auth_table(struct keyd *keyd, struct credentials **ret_table, struct err *err)
{
    const struct key_name names[2] = {{KEY_CREDENTIAL, SLICE_EMPTY, 0}, {KEY_RECORD, SLICE_EMPTY, 0}};
    struct key keys[2];
    bool ok = hierarchy_key(keyd->hierarchy, &names[0], &keys[0], err) &&
              hierarchy_key(keyd->hierarchy, &names[1], &keys[1], err);
    if (ok)
        *ret_table = credentials_create(&keys[0], &keys[1]);
    if (ok && keyd->guess == NULL)
        keyd->guess = guess_create(&keys[0]);
    mem_wipe(keys, sizeof(keys));
    return ok;
}

static bool address_ok(struct slice address)
{
    return address.len == 4 || address.len == 16;
}

/* Before a password is looked at; fills the answer when it must not be. */
static bool may_try(struct keyd *keyd, struct slice name, struct slice address, struct msg_auth_answer *ret_answer)
{
    *ret_answer = (struct msg_auth_answer){.code = MSG_UNAVAILABLE};
    if (keyd->credentials == NULL)
        return false;
    ret_answer->code = MSG_LOCKED;
    return guess_allowed(keyd->guess, name, address, clock_utc_us(), &ret_answer->delay_us);
}

/* Counts the outcome, has new locks written down, completes the answer. */
static void tried(struct keyd *keyd, struct slice name, struct slice address, bool ok,
                  const struct credential *credential, struct msg_auth_answer *answer)
{
    struct guess_lock locks[2];
    guess_result(keyd->guess, name, address, ok, clock_utc_us(), locks);
    for (size_t i = 0; i < 2; i++) {
        if (locks[i].until_us == 0)
            continue;
        log_warn(role_log(keyd->role), "too many wrong passwords: %s is locked for a quarter of an hour",
                 i == 0 ? "a credential, for one address," : "an address");
        struct msg_lock lock = {locks[i].subject, locks[i].until_us};
        struct buf payload;
        buf_init(&payload, 256);
        layout_write(&msg_lock_layout, &payload, &lock);
        if (keyd->store != NULL)
            chan_send(keyd->store->chan, MSG_LOCK, buf_slice(&payload), -1);
        buf_free(&payload);
    }
    answer->code = ok ? MSG_OK : MSG_REFUSED;
    if (!ok)
        return;
    answer->credential = credential->id;
    answer->tenant = credential->tenant;
    answer->senders = credential->senders;
    answer->minimum = credential->minimum;
}

bool keyd_auth_plain(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_auth_plain msg;
    struct msg_auth_answer answer;
    struct credential credential = {.name = SLICE_EMPTY};
    if (!layout_read(&msg_auth_plain_layout, frame->payload, &msg) || !address_ok(msg.address))
        return false;
    if (may_try(keyd, msg.name, msg.address, &answer)) {
        bool ok = credentials_plain(keyd->credentials, msg.name, msg.password, &credential);
        tried(keyd, msg.name, msg.address, ok, &credential, &answer);
    }
    keyd_answer(peer, frame, &msg_auth_answer_layout, &answer);
    return true;
}

bool keyd_auth_scram_start(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_scram_start msg;
    struct msg_auth_answer answer;
    struct msg_scram_challenge challenge = {.code = MSG_OK};
    uint8_t salt[SCRAM_SALT_SIZE];
    if (!layout_read(&msg_scram_start_layout, frame->payload, &msg) || !address_ok(msg.address))
        return false;
    if (may_try(keyd, msg.name, msg.address, &answer)) {
        credentials_scram_start(keyd->credentials, msg.name, salt, &challenge.iterations);
        challenge.salt = slice_of(salt, sizeof(salt));
    } else {
        challenge.code = answer.code;
    }
    keyd_answer(peer, frame, &msg_scram_challenge_layout, &challenge);
    return true;
}

bool keyd_auth_scram_finish(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_scram_finish msg;
    struct msg_auth_answer answer;
    struct credential credential = {.name = SLICE_EMPTY};
    uint8_t signature[SCRAM_HASH_SIZE];
    if (!layout_read(&msg_scram_finish_layout, frame->payload, &msg) || !address_ok(msg.address) ||
        msg.proof.len != SCRAM_HASH_SIZE)
        return false;
    if (may_try(keyd, msg.name, msg.address, &answer)) {
        bool ok = credentials_scram_finish(keyd->credentials, msg.name, msg.auth_message, msg.proof.data, signature,
                                           &credential);
        tried(keyd, msg.name, msg.address, ok, &credential, &answer);
        if (ok)
            answer.server_signature = slice_of(signature, sizeof(signature));
    }
    keyd_answer(peer, frame, &msg_auth_answer_layout, &answer);
    return true;
}

/* Who is logged in with a credential that was removed or changed is not known any more, and has to log in anew. */
static void tell_intakes(struct keyd *keyd, const struct id *id)
{
    const struct msg_credential gone = {.id = *id, .removed = true};
    struct buf payload;
    buf_init(&payload, 256);
    layout_write(&msg_credential_layout, &payload, &gone);
    LIST_FOR(it, tmp, &keyd->peers) {
        struct keyd_peer *peer = LIST_ENTRY(it, struct keyd_peer, link);
        if (peer->kind == ROLE_INTAKE)
            chan_send(peer->chan, MSG_CREDENTIAL_GONE, buf_slice(&payload), -1);
    }
    buf_free(&payload);
}

bool keyd_auth_credential(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_credential msg;
    struct err err = {""};
    struct credentials *table = keyd->incoming != NULL ? keyd->incoming : keyd->credentials;
    (void)peer;
    if (table == NULL || !layout_read(&msg_credential_layout, frame->payload, &msg))
        return false;
    if (msg.removed) {
        credentials_remove(table, &msg.id);
        tell_intakes(keyd, &msg.id);
        return true;
    }
    bool known = credentials_known(table, &msg.id);
    if (!credentials_put(table, &msg.id, msg.name, msg.record, &err))
        log_error(role_log(keyd->role), "%s", err.text);
    else if (known)
        tell_intakes(keyd, &msg.id);
    return true;
}

bool keyd_auth_credentials_end(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    (void)peer;
    if (frame->payload.len != 0 || keyd->incoming == NULL)
        return false;
    credentials_free(&keyd->credentials);
    keyd->credentials = keyd->incoming;
    keyd->incoming = NULL;
    log_info(role_log(keyd->role), "%zu credentials", credentials_count(keyd->credentials));
    return true;
}

bool keyd_auth_lock(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_lock msg;
    (void)peer;
    if (!layout_read(&msg_lock_layout, frame->payload, &msg))
        return false;
    guess_restore(keyd->guess, &msg.subject, msg.until_us);
    return true;
}

static bool make_or_change(struct keyd *keyd, const struct msg_cli_credential *msg, struct id *ret_id, struct buf *password,
                           struct buf *record, struct err *err)
{
    const struct credential wish = {.tenant = msg->tenant, .name = msg->name, .senders = msg->senders, .minimum = msg->minimum};
    if (msg->change)
        return credentials_change(keyd->credentials, msg->name, msg->minimum, ret_id, record, err);
    return credentials_make(keyd->credentials, &wish, clock_utc_us(), ret_id, password, record, err);
}

bool keyd_auth_describe(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_cli_user msg;
    struct msg_cli_described described = {.code = MSG_UNAVAILABLE};
    struct credential found = {.minimum = 0};
    if (!layout_read(&msg_cli_user_layout, frame->payload, &msg))
        return false;
    if (keyd->credentials != NULL) {
        described.code = credentials_find(keyd->credentials, msg.name, &found) ? MSG_OK : MSG_UNKNOWN;
        described.minimum = found.minimum;
    }
    keyd_answer(peer, frame, &msg_cli_described_layout, &described);
    return true;
}

bool keyd_auth_make(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_cli_credential msg;
    struct msg_cli_password made = {.code = MSG_UNAVAILABLE, .text = SLICE_LIT("the store has not sent the credentials yet")};
    struct err err = {""};
    struct buf password, record;
    if (!layout_read(&msg_cli_credential_layout, frame->payload, &msg))
        return false;
    buf_init_secret(&password, CREDENTIAL_PASSWORD_SIZE);
    buf_init(&record, CREDENTIAL_RECORD_MAX);
    if (keyd->credentials != NULL) {
        bool ok = make_or_change(keyd, &msg, &made.id, &password, &record, &err);
        made.code = ok ? MSG_OK : MSG_REFUSED;
        made.text = slice_str(err.text);
        made.password = buf_slice(&password);
        made.record = buf_slice(&record);
    }
    keyd_answer(peer, frame, &msg_cli_password_layout, &made);
    buf_free(&password);
    buf_free(&record);
    return true;
}
