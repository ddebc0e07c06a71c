/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of failed tries, bounded and least recently used. */
#include "keys/guess.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "keys/hmac.h"

#define SECOND_US INT64_C(1000000)

struct counter {
    struct list link; /* in table.used, the longest unused first */
    struct digest subject;
    uint32_t failures;
    int64_t last_us;
    int64_t until_us; /* locked until then */
};

struct table {
    struct map *map;
    struct list used;
};

struct guess {
    struct hmac *hmac;
    struct table failed;
    struct table known; /* pairs that have succeeded */
};

static void table_init(struct table *table)
{
    table->map = map_create(DIGEST_SIZE, GUESS_TABLE_MAX);
    list_init(&table->used);
}

static void table_free(struct table *table)
{
    LIST_FOR(it, tmp, &table->used)
        mem_free(LIST_ENTRY(it, struct counter, link));
    map_free(&table->map);
}

static void drop(struct table *table, struct counter *counter)
{
    list_remove(&counter->link);
    map_remove(table->map, counter->subject.b);
    mem_free(counter);
}

/* The counter of subject, made when missing and `make`; moved to the end of the use order. */
static struct counter *find(struct table *table, const struct digest *subject, bool make)
{
    struct counter *counter = map_get(table->map, subject->b);
    if (counter == NULL && !make)
        return NULL;
    if (counter == NULL) {
        if (map_count(table->map) >= GUESS_TABLE_MAX)
            drop(table, LIST_ENTRY(table->used.next, struct counter, link));
        counter = mem_new(sizeof(*counter));
        list_init(&counter->link);
        counter->subject = *subject;
        map_put(table->map, subject->b, counter);
    }
    list_remove(&counter->link);
    list_push(&table->used, &counter->link);
    return counter;
}

struct guess *guess_create(const struct key *key)
{
    struct guess *guess = mem_new(sizeof(*guess));
    guess->hmac = hmac_create(HMAC_SHA256);
    hmac_key(guess->hmac, slice_of(key->b, KEY_SIZE));
    table_init(&guess->failed);
    table_init(&guess->known);
    return guess;
}

void guess_free(struct guess **guess)
{
    if (guess == NULL || *guess == NULL)
        return;
    hmac_free(&(*guess)->hmac);
    table_free(&(*guess)->failed);
    table_free(&(*guess)->known);
    mem_free(*guess);
    *guess = NULL;
}

/* An IPv4 address whole, an IPv6 address by its /64. */
static struct slice network(struct slice address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address.len != 16)
        return address;
    if (slice_starts(address, slice_of(mapped, sizeof(mapped))))
        return slice_sub(address, 12, 4);
    return slice_sub(address, 0, 8);
}

struct subjects {
    struct digest pair;
    struct digest address;
    struct digest name;
};

static void subject(struct guess *guess, const char *kind, struct slice address, struct slice name,
                    struct digest *ret_subject)
{
    uint8_t len = (uint8_t)address.len;
    struct slice parts[] = {slice_str(kind), slice_of(&len, 1), address, name};
    hmac_sum(guess->hmac, parts, 4, ret_subject->b);
}

static void subjects_of(struct guess *guess, struct slice name, struct slice address, struct subjects *ret)
{
    struct slice net = network(address);
    subject(guess, "guess pair ", net, name, &ret->pair);
    subject(guess, "guess address ", net, SLICE_EMPTY, &ret->address);
    subject(guess, "guess name ", SLICE_EMPTY, name, &ret->name);
}

static uint32_t failures(const struct counter *counter, int64_t now_us)
{
    return counter == NULL || now_us - counter->last_us > GUESS_WINDOW_US ? 0 : counter->failures;
}

static bool locked(const struct counter *counter, int64_t now_us)
{
    return counter != NULL && counter->until_us > now_us;
}

static int64_t delay_of(uint32_t count)
{
    if (count < GUESS_SLOW)
        return 0;
    uint32_t doublings = count - GUESS_SLOW;
    int64_t delay = doublings > 3 ? GUESS_DELAY_MAX_US : SECOND_US << doublings;
    return delay > GUESS_DELAY_MAX_US ? GUESS_DELAY_MAX_US : delay;
}

bool guess_allowed(struct guess *guess, struct slice name, struct slice address, int64_t now_us, int64_t *ret_delay_us)
{
    struct subjects s;
    subjects_of(guess, name, address, &s);
    const struct counter *pair = find(&guess->failed, &s.pair, false);
    bool known = find(&guess->known, &s.pair, false) != NULL;
    *ret_delay_us = delay_of(failures(pair, now_us));
    if (locked(pair, now_us))
        return false;
    if (known)
        return true;
    if (failures(find(&guess->failed, &s.name, false), now_us) >= GUESS_NAME_SLOW &&
        *ret_delay_us < GUESS_NAME_DELAY_US)
        *ret_delay_us = GUESS_NAME_DELAY_US;
    return !locked(find(&guess->failed, &s.address, false), now_us);
}

/* One more failure; a lock when there are `limit` (0: never). The count starts again behind a lock. */
static void fail(struct guess *guess, const struct digest *subject, uint32_t limit, int64_t now_us,
                 struct guess_lock *ret_lock)
{
    struct counter *counter = find(&guess->failed, subject, true);
    counter->failures = failures(counter, now_us) + 1;
    counter->last_us = now_us;
    if (limit == 0 || counter->failures < limit)
        return;
    counter->failures = 0;
    counter->until_us = now_us + GUESS_LOCK_US;
    *ret_lock = (struct guess_lock){*subject, counter->until_us};
}

void guess_result(struct guess *guess, struct slice name, struct slice address, bool success, int64_t now_us,
                  struct guess_lock ret_locks[2])
{
    struct subjects s;
    memset(ret_locks, 0, 2 * sizeof(*ret_locks));
    subjects_of(guess, name, address, &s);
    if (success) {
        struct counter *pair = find(&guess->failed, &s.pair, false);
        if (pair != NULL)
            drop(&guess->failed, pair);
        find(&guess->known, &s.pair, true);
        return;
    }
    fail(guess, &s.pair, GUESS_PAIR_LOCK, now_us, &ret_locks[0]);
    if (find(&guess->known, &s.pair, false) != NULL)
        return;
    fail(guess, &s.address, GUESS_ADDRESS_LOCK, now_us, &ret_locks[1]);
    fail(guess, &s.name, 0, now_us, NULL);
}

void guess_restore(struct guess *guess, const struct digest *subject, int64_t until_us)
{
    struct counter *counter = find(&guess->failed, subject, true);
    if (until_us > counter->until_us)
        counter->until_us = until_us;
}
