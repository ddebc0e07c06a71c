/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: ids, whole sealed headers with their derived keys, and the tag keys that go with mail. A maker is kept per
 * purpose, tenant and day; when the day changes all of them go, so that no data key outlives its day. */
#include <openssl/sha.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "keys/crypto.h"
#include "keys/sealed_maker.h"
#include "roles/keyd.h"

struct keyd_batch {
    struct map *makers; /* of struct sealed_maker, by SHA-256 of the wrapping key's name */
    uint32_t day;
};

struct keyd_batch *keyd_batch_create(void)
{
    struct keyd_batch *batch = mem_new(sizeof(*batch));
    batch->makers = map_create(DIGEST_SIZE, KEYD_MAKERS_MAX);
    return batch;
}

static void forget(struct keyd_batch *batch)
{
    size_t cursor = 0;
    const void *key = NULL;
    void *value = NULL;
    while (map_next(batch->makers, &cursor, &key, &value)) {
        struct sealed_maker *maker = value;
        map_remove(batch->makers, key);
        sealed_maker_free(&maker);
    }
}

void keyd_batch_free(struct keyd_batch **batch)
{
    if (batch == NULL || *batch == NULL)
        return;
    forget(*batch);
    map_free(&(*batch)->makers);
    mem_free(*batch);
    *batch = NULL;
}

/* Whether a kind of role may ask for headers of a purpose. */
static bool allowed(enum role_kind kind, uint8_t purpose)
{
    switch (purpose) {
    case MSG_PURPOSE_MAIL: return kind == ROLE_INTAKE || kind == ROLE_COURIER;
    case MSG_PURPOSE_LETTER:
    case MSG_PURPOSE_EVIDENCE: return kind == ROLE_COURIER;
    case MSG_PURPOSE_TRANSIT:
    case MSG_PURPOSE_REPORT: return kind == ROLE_WEB;
    default: return false;
    }
}

/* The wrapping key of a purpose today. */
static bool name_of(const struct msg_batch_ask *ask, uint32_t today, struct key_name *ret_name)
{
    static const enum key_kind kinds[] = {
        [MSG_PURPOSE_MAIL] = KEY_WORK,
        [MSG_PURPOSE_LETTER] = KEY_LETTER,
        [MSG_PURPOSE_TRANSIT] = KEY_TRANSIT,
        [MSG_PURPOSE_EVIDENCE] = KEY_EVIDENCE,
        [MSG_PURPOSE_REPORT] = KEY_EVIDENCE, /* which web cannot have opened again */
    };
    bool letter = ask->purpose == MSG_PURPOSE_LETTER;
    bool center = ask->purpose == MSG_PURPOSE_TRANSIT || ask->purpose == MSG_PURPOSE_REPORT;
    /* web knows no tenants: one key a day for all, so that invented names cannot use up the makers of mail. */
    struct slice tenant = letter ? SLICE_EMPTY : center ? SLICE_LIT("center") : ask->tenant;
    *ret_name = (struct key_name){kinds[ask->purpose], tenant, letter ? ask->day : today};
    return !letter || (ask->day >= today && ask->day - today <= KEYD_LETTER_DAYS_MAX);
}

/* The maker for a wrapping key, made when missing. NULL with the reason; *ret_code says what to answer. */
static struct sealed_maker *maker_of(struct keyd *keyd, const struct key_name *name, enum msg_code *ret_code,
                                     struct err *err)
{
    char text[KEY_NAME_MAX];
    struct digest digest;
    struct key key;
    *ret_code = MSG_REFUSED;
    if (!key_name_text(name, text)) {
        err_set(err, "a batch was asked for a tenant with an impossible name");
        return NULL;
    }
    crypto_must(SHA256((const uint8_t *)text, strlen(text), digest.b) != NULL, "SHA-256");
    struct sealed_maker *maker = map_get(keyd->batch->makers, digest.b);
    if (maker != NULL)
        return maker;
    *ret_code = MSG_BUSY;
    if (map_count(keyd->batch->makers) >= KEYD_MAKERS_MAX) {
        err_set(err, "more than %u purposes and tenants on one day", KEYD_MAKERS_MAX);
        return NULL;
    }
    *ret_code = MSG_UNAVAILABLE;
    if (!hierarchy_key(keyd->hierarchy, name, &key, err))
        return NULL;
    bool escrowed = name->kind == KEY_WORK || name->kind == KEY_EVIDENCE;
    maker = sealed_maker_create(slice_str(text), &key, escrowed ? keyd->escrow : NULL);
    map_put(keyd->batch->makers, digest.b, maker);
    mem_wipe(&key, sizeof(key));
    return maker;
}

/* Tag keys go with mail only: nobody else makes tags. */
static bool tag_keys(struct keyd *keyd, const struct msg_batch_ask *ask, uint32_t today, struct msg_batch *batch,
                     struct err *err)
{
    batch->destination_day = today;
    if (ask->purpose != MSG_PURPOSE_MAIL)
        return true;
    struct key_name message = {KEY_TAG_MESSAGE, ask->tenant, 0};
    struct key_name person = {KEY_TAG_PERSON, ask->tenant, 0};
    struct key_name target = {KEY_TAG_TARGET, SLICE_EMPTY, today};
    return hierarchy_key(keyd->hierarchy, &message, &batch->message_id_key, err) &&
           hierarchy_key(keyd->hierarchy, &person, &batch->recipient_key, err) &&
           hierarchy_key(keyd->hierarchy, &target, &batch->destination_key, err);
}

/* One id with its header and keys onto the list. */
static bool add_item(struct sealed_maker *maker, struct slice tenant, int64_t utc_us, struct buf *header,
                     struct buf *items, struct err *err)
{
    struct msg_batch_item item = {.id = id_make(utc_us)};
    buf_reset(header);
    bool ok = sealed_maker_make(maker, tenant, &item.id, clock_wait_us(), header, &item.content_key, &item.field_key,
                                err);
    if (ok) {
        item.header = buf_slice(header);
        layout_write(&msg_batch_item_layout, items, &item);
    }
    mem_wipe(&item, sizeof(item));
    return ok && (buf_ok(items) || err_set(err, "a batch does not fit its message"));
}

/* Fills batch and items; the code to answer. */
static enum msg_code fill(struct keyd *keyd, const struct msg_batch_ask *ask, struct buf *items,
                          struct msg_batch *batch, struct err *err)
{
    int64_t utc_us = clock_utc_us();
    uint32_t today = clock_day(utc_us);
    enum msg_code code = MSG_REFUSED;
    struct key_name name;
    struct buf header;
    if (today != keyd->batch->day)
        forget(keyd->batch);
    keyd->batch->day = today;
    if (!name_of(ask, today, &name)) {
        err_set(err, "a batch was asked for letters that expire on an impossible day");
        return MSG_REFUSED;
    }
    struct sealed_maker *maker = maker_of(keyd, &name, &code, err);
    if (maker == NULL)
        return code;
    if (!tag_keys(keyd, ask, today, batch, err))
        return MSG_UNAVAILABLE;
    buf_init(&header, SEALED_HEADER_MAX);
    bool ok = true;
    for (uint16_t i = 0; ok && i < ask->count; i++)
        ok = add_item(maker, ask->tenant, utc_us, &header, items, err);
    buf_free(&header);
    return ok ? MSG_OK : MSG_UNAVAILABLE;
}

bool keyd_batch_ask(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_batch_ask ask;
    struct msg_batch batch = {.code = MSG_OK};
    struct err err = {""};
    struct buf items;
    if (!layout_read(&msg_batch_ask_layout, frame->payload, &ask) || ask.count == 0 || ask.count > MSG_BATCH_MAX ||
        !allowed(peer->kind, ask.purpose))
        return false;
    buf_init_secret(&items, MSG_LIST_MAX);
    batch.code = (uint8_t)fill(keyd, &ask, &items, &batch, &err);
    if (batch.code == MSG_OK) {
        batch.items = buf_slice(&items);
        keyd_answer(peer, frame, &msg_batch_layout, &batch);
    } else {
        log_error(role_log(keyd->role), "%s", err.text);
        struct msg_batch none = {.code = batch.code};
        keyd_answer(peer, frame, &msg_batch_layout, &none);
    }
    mem_wipe(&batch, sizeof(batch));
    buf_free(&items);
    return true;
}

bool keyd_batch_lasting_key(struct keyd *keyd, enum key_kind kind, struct key *ret_key)
{
    const struct key_name name = {kind, SLICE_EMPTY, 0};
    struct err err = {""};
    if (hierarchy_key(keyd->hierarchy, &name, ret_key, &err))
        return true;
    log_error(role_log(keyd->role), "%s", err.text);
    return false;
}

bool keyd_batch_center_keys(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_center_keys keys = {.code_key = {{0}}};
    if (frame->payload.len != 0 || !keyd_batch_lasting_key(keyd, KEY_CODE, &keys.code_key))
        return false;
    keyd_answer(peer, frame, &msg_center_keys_layout, &keys);
    mem_wipe(&keys, sizeof(keys));
    return true;
}

bool keyd_batch_domain_key(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_domain_key answer = {.key = {{0}}};
    if (frame->payload.len != 0 || !keyd_batch_lasting_key(keyd, KEY_TAG_DOMAIN, &answer.key) ||
        !keyd_batch_lasting_key(keyd, KEY_POLICY, &answer.seal))
        return false;
    keyd_answer(peer, frame, &msg_domain_key_layout, &answer);
    mem_wipe(&answer, sizeof(answer));
    return true;
}
