/* SPDX-License-Identifier: Apache-2.0 */
/* Slows and locks the guessing of passwords. Three counters, each over an hour without a failure forgotten:
 * - pair (name and client address): from GUESS_SLOW failures on each answer waits longer, at GUESS_PAIR_LOCK the pair is
 *   locked for GUESS_LOCK_US;
 * - address: at GUESS_ADDRESS_LOCK failures, whatever the names, it is locked likewise;
 * - name: from GUESS_NAME_SLOW failures from anywhere on, answers to addresses new to it wait GUESS_NAME_DELAY_US.
 * A pair that has once succeeded is known: neither the address lock nor the name's delay holds for it, and nobody
 * else's failures count for it, so that a stranger elsewhere can neither lock out nor slow down a user at his own place.
 * Unknown names are counted like known ones. An address is an IPv4 address or an IPv6 /64. Subjects are keyed hashes:
 * no address is kept. */
#ifndef KEYS_GUESS_H
#define KEYS_GUESS_H

#include "base/id.h"

#define GUESS_TABLE_MAX 65536u /* subjects with failures, and as many known pairs; the longest unused one gives way */
#define GUESS_SLOW 3u
#define GUESS_PAIR_LOCK 10u
#define GUESS_ADDRESS_LOCK 50u
#define GUESS_NAME_SLOW 20u
#define GUESS_NAME_DELAY_US INT64_C(5000000)
#define GUESS_DELAY_MAX_US INT64_C(8000000)
#define GUESS_LOCK_US INT64_C(900000000)
#define GUESS_WINDOW_US INT64_C(3600000000)

struct guess;

/* A new lock, to be written down; until_us is 0 when there is none. */
struct guess_lock {
    struct digest subject;
    int64_t until_us;
};

/* Empty tables; key makes subjects out of names and addresses. */
struct guess *guess_create(const struct key *key);

/* Wipes and frees; accepts NULL and a NULL guess. */
void guess_free(struct guess **guess);

/* Before a password is looked at: false when locked. *ret_delay_us: how long to wait before the answer, whatever it
 * is. address is 4 or 16 bytes. now_us is clock_utc_us(). */
bool guess_allowed(struct guess *guess, struct slice name, struct slice address, int64_t now_us, int64_t *ret_delay_us);

/* After it was looked at. Fills ret_locks[0..1] with new locks (pair, address). */
void guess_result(struct guess *guess, struct slice name, struct slice address, bool success, int64_t now_us,
                  struct guess_lock ret_locks[2]);

/* A lock that was written down before. */
void guess_restore(struct guess *guess, const struct digest *subject, int64_t until_us);

#endif
