/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts computed again from the evidence that was kept of them, and compared. */
#ifndef TRUST_TRUST_REPLAY_H
#define TRUST_TRUST_REPLAY_H

#include "trust/trust_evidence.h"

enum trust_replay_result {
    TRUST_REPLAY_AGREES = 0,
    TRUST_REPLAY_IMPOSSIBLE = 1, /* version 1, numbers that no fact can have, or tries that found no room in the record */
    TRUST_REPLAY_DIFFERS = 2,
};

/* Goes through a record entry by entry. */
struct trust_replay {
    struct trust_walk walk;
    bool lost;                    /* a try could not be replayed: nothing can be said of the end */
    size_t entries;
    struct trust_verdict last;    /* of the entry that ended the attempt (DOMAIN, END, NEEDS); action 0: none did */
    enum trust_replay_result worst;
};

/* Computes the verdict of an entry again (kind TRY, DOMAIN or NEEDS). False when the entry does not hold what that takes. */
bool trust_evidence_replay(const struct trust_evidence *evidence, struct trust_verdict *ret_verdict);

/* Starts. */
void trust_replay_init(struct trust_replay *replay);

/* The next entry of a record, which must outlive the replay: *ret_verdict is what comes out now (action 0: nothing).
 * Differs when action, reason, level or mark are not those that were kept. */
enum trust_replay_result trust_replay_add(struct trust_replay *replay, const struct trust_evidence *evidence,
                                          struct trust_verdict *ret_verdict);

/* When all entries were added: does the outcome that was kept of one recipient follow from them? reason and level are
 * the outcome's (enum trust_reason; level NONE unless delivered). Delivered demands a proved host, at that level; an
 * attempt that ended without one must bear the reason of its end. The worst of this and all entries. */
enum trust_replay_result trust_replay_end(const struct trust_replay *replay, uint16_t reason, uint8_t level);

/* A record as one attempt, as docs/formats-trust.md has it: what was answered is not in it.
 * False when it cannot be replayed; else *ret_attempt is to be freed with trust_attempt_free(). */
bool trust_replay_attempt(struct slice record, struct trust_attempt *ret_attempt);

/* "agrees", "cannot be replayed", "differs". */
const char *trust_replay_name(enum trust_replay_result result);

#endif
