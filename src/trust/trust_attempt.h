/* SPDX-License-Identifier: Apache-2.0 */
/* A whole attempt judged at once, from facts that are all there: what docs/formats-trust.md describes, what is replayed
 * from evidence, and what other judges are compared with. Couriers meet the same rules one by one. */
#ifndef TRUST_TRUST_ATTEMPT_H
#define TRUST_TRUST_ATTEMPT_H

#include "trust/trust_notice.h"
#include "trust/trust_walk.h"

#define TRUST_ATTEMPT_TRIES_MAX 64u /* more than a courier makes */
#define TRUST_SUITE_MAX 64u         /* bytes of the names of a suite or group that are kept */

/* One address of one host. The names that facts.tls borrows are kept beside it. */
struct trust_try {
    struct trust_session facts;
    int64_t now_us; /* time of judging */
    bool counted;   /* false: a kept session that proved nothing any more */
    char protocol[TRUST_SUITE_MAX + 1];
    char suite[TRUST_SUITE_MAX + 1];
    char group[TRUST_SUITE_MAX + 1];
};

/* Freed with trust_attempt_free(). */
struct trust_attempt {
    int64_t now_us;
    struct trust_domain domain;
    struct trust_try *tries;
    size_t count;
    struct trust_needs needs;
    bool has_answer;
    struct trust_answer answer;
    bool has_notice; /* say which channel a notice may take */
    bool clear;
    bool attack;
    bool must_end;
};

struct trust_attempt_end {
    size_t count;
    struct trust_verdict tries[TRUST_ATTEMPT_TRIES_MAX]; /* each on its own */
    bool has_channels;
    enum trust_channel channels[TRUST_ATTEMPT_TRIES_MAX];
    struct trust_verdict verdict; /* SEND, LATER, POST or RETURN */
};

/* An attempt of count tries (at most TRUST_ATTEMPT_TRIES_MAX), every fact at its default. */
void trust_attempt_init(struct trust_attempt *attempt, size_t count);

/* Frees what it owns, the facts' strings with it. NULL and an unused attempt are accepted. */
void trust_attempt_free(struct trust_attempt *attempt);

/* Judges every try, and the attempt. */
void trust_attempt_judge(const struct trust_attempt *attempt, struct trust_attempt_end *ret_end);

#endif
