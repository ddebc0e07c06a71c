/* SPDX-License-Identifier: Apache-2.0 */
/* Replay for the command line. */
#include "cli/cli_replay.h"

#include "trust/trust_json.h"
#include "trust/trust_replay.h"

static json_t *entry_json(enum trust_replay_result result, const struct trust_verdict *v)
{
    json_t *object = json_object();

    (void)json_object_set_new(object, "result", json_string(trust_replay_name(result)));
    if (v->action != 0) {
        (void)json_object_set_new(object, "action", json_string(trust_action_name(v->action)));
        (void)json_object_set_new(object, "reason", json_string(trust_reason_name((uint16_t)v->reason)));
        (void)json_object_set_new(object, "level", json_string(trust_level_name(v->action == TRUST_SEND ? v->level : TRUST_LEVEL_NONE)));
        (void)json_object_set_new(object, "attack", json_boolean(v->attack));
    }
    return object;
}

static json_t *facts_json(struct slice record)
{
    struct trust_attempt attempt;
    json_t *facts = NULL;
    struct buf text;

    if (trust_replay_attempt(record, &attempt)) {
        buf_init(&text, TRUST_JSON_MAX);
        trust_json_write(&attempt, &text);
        facts = json_loadb((const char *)text.data, text.len, 0, NULL);
        buf_free(&text);
        trust_attempt_free(&attempt);
    }
    return facts == NULL ? json_null() : facts;
}

json_t *cli_replay_record(struct slice record, uint16_t reason, uint8_t level, bool *ret_differs)
{
    json_t *object = json_object();
    json_t *entries = json_array();
    enum trust_replay_result result = TRUST_REPLAY_IMPOSSIBLE;
    struct trust_evidence_reader reader;
    struct trust_evidence one;
    struct trust_replay replay;
    struct trust_verdict v;

    trust_replay_init(&replay);
    if (record.len > 0 && trust_evidence_open(record, &reader)) {
        while (trust_evidence_next(&reader, &one)) {
            result = trust_replay_add(&replay, &one, &v);
            (void)json_array_append_new(entries, entry_json(result, &v));
        }
        result = reader.wire.bad ? TRUST_REPLAY_DIFFERS : trust_replay_end(&replay, reason, level);
    }
    *ret_differs = *ret_differs || result == TRUST_REPLAY_DIFFERS;
    (void)json_object_set_new(object, "result", json_string(record.len == 0 ? "nothing kept" : trust_replay_name(result)));
    (void)json_object_set_new(object, "entries", entries);
    (void)json_object_set_new(object, "facts", facts_json(record));
    return object;
}
