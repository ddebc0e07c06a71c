/* SPDX-License-Identifier: Apache-2.0 */
/* The same judge once more. */
#include "trust/trust_replay.h"

static struct trust_verdict judge_needs(const struct trust_evidence *e, const struct smtp_client_caps *caps)
{
    const struct trust_needs needs = {.utf8 = e->need_utf8, .eight_bit = e->need_eight_bit, .size = e->need_size,
                                      .require_tls = e->need_require_tls};
    return trust_verdict_needs(caps, &needs);
}

bool trust_evidence_replay(const struct trust_evidence *evidence, struct trust_verdict *ret_verdict)
{
    struct trust_try try = {.counted = true};
    struct trust_domain domain;
    *ret_verdict = (struct trust_verdict){0};
    if (!trust_evidence_facts(evidence, &domain, &try))
        return false;
    switch (evidence->kind) {
    case TRUST_EVIDENCE_TRY: *ret_verdict = trust_verdict_session(&domain, &try.facts, evidence->judged_us); break;
    case TRUST_EVIDENCE_DOMAIN: *ret_verdict = trust_verdict_domain(&domain); break;
    case TRUST_EVIDENCE_NEEDS: *ret_verdict = judge_needs(evidence, &try.facts.caps); break;
    default: break;
    }
    trust_session_clear(&try.facts);
    return ret_verdict->action != 0;
}

static enum trust_replay_result compare(const struct trust_evidence *e, const struct trust_verdict *v)
{
    bool same = e->action == (uint8_t)v->action && e->reason == (uint16_t)v->reason && e->attack == v->attack &&
                (v->action != TRUST_SEND || e->level == (uint8_t)v->level);
    return same ? TRUST_REPLAY_AGREES : TRUST_REPLAY_DIFFERS;
}

void trust_replay_init(struct trust_replay *replay)
{
    memset(replay, 0, sizeof(*replay));
    trust_walk_init(&replay->walk);
}

/* The end follows from the tries as they come out now; each of them was compared itself. */
static bool replay_end(struct trust_replay *replay, const struct trust_evidence *evidence, struct trust_verdict *ret_verdict)
{
    struct trust_domain domain;
    if (replay->lost || evidence->left_out > 0 || !trust_evidence_facts(evidence, &domain, NULL))
        return false;
    *ret_verdict = trust_walk_end(&replay->walk, &domain);
    return true;
}

enum trust_replay_result trust_replay_add(struct trust_replay *replay, const struct trust_evidence *evidence,
                                          struct trust_verdict *ret_verdict)
{
    enum trust_replay_result result = TRUST_REPLAY_IMPOSSIBLE;
    bool is_end = evidence->kind == TRUST_EVIDENCE_END;
    *ret_verdict = (struct trust_verdict){0};
    replay->entries++;
    if (is_end ? replay_end(replay, evidence, ret_verdict) : trust_evidence_replay(evidence, ret_verdict))
        result = compare(evidence, ret_verdict);
    else if (!is_end)
        replay->lost = true;
    if (result != TRUST_REPLAY_IMPOSSIBLE && evidence->kind == TRUST_EVIDENCE_TRY)
        trust_walk_add(&replay->walk, evidence->host, *ret_verdict, evidence->counted);
    else if (result != TRUST_REPLAY_IMPOSSIBLE)
        replay->last = *ret_verdict;
    if (result > replay->worst)
        replay->worst = result;
    return result;
}

enum trust_replay_result trust_replay_end(const struct trust_replay *replay, uint16_t reason, uint8_t level)
{
    const struct trust_verdict *found = &replay->walk.found;
    bool follows = true;
    if (replay->entries == 0 || replay->lost)
        return replay->worst > TRUST_REPLAY_IMPOSSIBLE ? replay->worst : TRUST_REPLAY_IMPOSSIBLE;
    if (reason == TRUST_REASON_DELIVERED)
        follows = replay->last.action == 0 && found->action == TRUST_SEND && (uint8_t)found->level == level;
    else if (replay->last.action != 0)
        follows = reason == (uint16_t)replay->last.reason;
    return follows ? replay->worst : TRUST_REPLAY_DIFFERS;
}

static size_t count_tries(struct slice record)
{
    struct trust_evidence_reader reader;
    struct trust_evidence e;
    size_t count = 0;
    if (!trust_evidence_open(record, &reader))
        return 0;
    while (trust_evidence_next(&reader, &e))
        count += e.kind == TRUST_EVIDENCE_TRY;
    return count < TRUST_ATTEMPT_TRIES_MAX ? count : TRUST_ATTEMPT_TRIES_MAX;
}

bool trust_replay_attempt(struct slice record, struct trust_attempt *ret_attempt)
{
    struct trust_evidence_reader reader;
    struct trust_evidence e;
    size_t tries = 0, entries = 0;
    bool ok = trust_evidence_open(record, &reader);
    trust_attempt_init(ret_attempt, ok ? count_tries(record) : 0);
    while (ok && trust_evidence_next(&reader, &e)) {
        bool is_try = e.kind == TRUST_EVIDENCE_TRY;
        struct trust_try *try = is_try && tries < ret_attempt->count ? &ret_attempt->tries[tries] : NULL;
        ok = trust_evidence_facts(&e, &ret_attempt->domain, try) && e.left_out == 0 && e.kind <= TRUST_EVIDENCE_NEEDS &&
             is_try == (try != NULL);
        if (ok && e.kind == TRUST_EVIDENCE_NEEDS)
            ret_attempt->needs = (struct trust_needs){.utf8 = e.need_utf8, .eight_bit = e.need_eight_bit,
                                                      .size = e.need_size, .require_tls = e.need_require_tls};
        tries += ok && is_try;
        if (entries++ == 0)
            ret_attempt->now_us = e.judged_us;
    }
    if (ok && entries > 0 && !reader.wire.bad)
        return true;
    trust_attempt_free(ret_attempt);
    return false;
}

const char *trust_replay_name(enum trust_replay_result result)
{
    switch (result) {
    case TRUST_REPLAY_AGREES: return "agrees";
    case TRUST_REPLAY_IMPOSSIBLE: return "cannot be replayed";
    default: return "differs";
    }
}
