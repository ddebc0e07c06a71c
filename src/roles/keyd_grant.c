/* SPDX-License-Identifier: Apache-2.0 */
/* Grants: the store alone says which session may open which letter and which operator's question may open fields.
 * They live in memory and end with their time or with keyd. */
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "roles/keyd.h"

#define LETTER_KEY_SIZE (DIGEST_SIZE + ID_SIZE)

/* One grant, of either kind. */
struct grant {
    struct list link; /* by the order of making */
    uint8_t key[LETTER_KEY_SIZE];
    int64_t until_us;
};

struct table {
    struct map *map;
    struct list all;
    size_t key_size;
    size_t max;
};

struct keyd_grant {
    struct table letters;
    struct table operators;
};

static void table_init(struct table *table, size_t key_size, size_t max)
{
    table->map = map_create(key_size, max);
    list_init(&table->all);
    table->key_size = key_size;
    table->max = max;
}

static void drop(struct table *table, struct grant *grant)
{
    list_remove(&grant->link);
    map_remove(table->map, grant->key);
    mem_free(grant);
}

static void table_free(struct table *table)
{
    LIST_FOR(it, tmp, &table->all)
        drop(table, LIST_ENTRY(it, struct grant, link));
    map_free(&table->map);
}

struct keyd_grant *keyd_grant_create(void)
{
    struct keyd_grant *grants = mem_new(sizeof(*grants));
    table_init(&grants->letters, LETTER_KEY_SIZE, KEYD_GRANTS_MAX);
    table_init(&grants->operators, DIGEST_SIZE, KEYD_OPERATOR_GRANTS_MAX);
    return grants;
}

void keyd_grant_free(struct keyd_grant **grants)
{
    if (grants == NULL || *grants == NULL)
        return;
    table_free(&(*grants)->letters);
    table_free(&(*grants)->operators);
    mem_free(*grants);
    *grants = NULL;
}

/* Drops what has ended. Grants of equal length end in the order of making, so the walk stops at the first live one
 * unless the table is full. */
static void expire(struct table *table, int64_t now_us)
{
    bool full = map_count(table->map) >= table->max;
    LIST_FOR(it, tmp, &table->all) {
        struct grant *grant = LIST_ENTRY(it, struct grant, link);
        if (grant->until_us <= now_us)
            drop(table, grant);
        else if (!full)
            return;
    }
}

/* A full table refuses: the store asks again when something has ended. */
static enum msg_code put(struct table *table, const uint8_t *key, uint32_t seconds)
{
    int64_t now_us = clock_wait_us();
    struct grant *grant = map_get(table->map, key);
    if (seconds > KEYD_GRANT_SECONDS_MAX)
        return MSG_REFUSED;
    expire(table, now_us);
    if (grant != NULL && (grant = map_get(table->map, key)) != NULL)
        drop(table, grant);
    if (map_count(table->map) >= table->max)
        return MSG_BUSY;
    grant = mem_new(sizeof(*grant));
    list_init(&grant->link);
    memcpy(grant->key, key, table->key_size);
    grant->until_us = now_us + (int64_t)seconds * CLOCK_US_PER_S;
    map_put(table->map, grant->key, grant);
    list_push(&table->all, &grant->link);
    return MSG_OK;
}

static bool lasts(struct table *table, const uint8_t *key, int64_t now_us)
{
    const struct grant *grant = map_get(table->map, key);
    return grant != NULL && grant->until_us > now_us;
}

static void letter_key(const struct digest *session, const struct id *letter, uint8_t out[LETTER_KEY_SIZE])
{
    memcpy(out, session->b, DIGEST_SIZE);
    memcpy(out + DIGEST_SIZE, letter->b, ID_SIZE);
}

bool keyd_grant_letter(struct keyd_grant *grants, const struct digest *session, const struct id *letter, int64_t now_us)
{
    uint8_t key[LETTER_KEY_SIZE];
    letter_key(session, letter, key);
    return lasts(&grants->letters, key, now_us);
}

bool keyd_grant_operator(struct keyd_grant *grants, const struct digest *grant, int64_t now_us)
{
    return lasts(&grants->operators, grant->b, now_us);
}

bool keyd_grant_add(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_grant msg;
    uint8_t key[LETTER_KEY_SIZE];
    if (!layout_read(&msg_grant_layout, frame->payload, &msg))
        return false;
    letter_key(&msg.session, &msg.letter, key);
    keyd_answer_code(peer, frame, put(&keyd->grants->letters, key, msg.seconds));
    return true;
}

bool keyd_grant_remove(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_grant msg;
    struct table *table = &keyd->grants->letters;
    (void)peer;
    if (!layout_read(&msg_grant_layout, frame->payload, &msg))
        return false;
    LIST_FOR(it, tmp, &table->all) {
        struct grant *grant = LIST_ENTRY(it, struct grant, link);
        bool session = memcmp(grant->key, msg.session.b, DIGEST_SIZE) == 0;
        bool letter = id_is_zero(&msg.letter) || memcmp(grant->key + DIGEST_SIZE, msg.letter.b, ID_SIZE) == 0;
        if (session && letter)
            drop(table, grant);
    }
    return true;
}

bool keyd_grant_add_operator(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame)
{
    struct msg_operator_grant msg;
    if (!layout_read(&msg_operator_grant_layout, frame->payload, &msg))
        return false;
    keyd_answer_code(peer, frame, put(&keyd->grants->operators, msg.grant.b, msg.seconds));
    return true;
}
