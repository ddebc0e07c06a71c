/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence records of either version: read, told, replayed, made into an attempt. */
#include <assert.h>

#include "trust/trust_json.h"
#include "trust/trust_replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(struct slice record)
{
    struct trust_evidence_reader reader;
    struct trust_evidence e;
    struct trust_replay all;
    struct trust_verdict v;
    struct buf text;
    if (!trust_evidence_open(record, &reader))
        return;
    buf_init(&text, 1u << 20);
    trust_replay_init(&all);
    while (trust_evidence_next(&reader, &e)) {
        trust_evidence_text(&e, "  ", &text);
        (void)trust_replay_add(&all, &e, &v);
    }
    assert(trust_replay_end(&all, TRUST_REASON_DELIVERED, 1) <= TRUST_REPLAY_DIFFERS);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice record = slice_of(data, size);
    struct trust_attempt attempt;
    struct buf text;
    if (size > TRUST_EVIDENCE_SIZE_MAX)
        return 0;
    replay(record);
    (void)trust_evidence_digest(record);
    if (!trust_replay_attempt(record, &attempt))
        return 0;
    buf_init(&text, 4 * TRUST_JSON_MAX);
    trust_json_write(&attempt, &text);
    buf_free(&text);
    trust_attempt_free(&attempt);
    return 0;
}
