/* SPDX-License-Identifier: Apache-2.0 */
/* Members of JSON objects and where their values stand: one table for reading and writing. Private to trust_json. */
#ifndef TRUST_TRUST_JSON_TABLE_H
#define TRUST_TRUST_JSON_TABLE_H

#include <jansson.h>

#include "base/err.h"
#include "trust/trust_attempt.h"

enum trust_json_kind {
    TRUST_JSON_FLAG,  /* bool */
    TRUST_JSON_NAME,  /* an enum: its position in names */
    TRUST_JSON_U16,   /* uint16_t */
    TRUST_JSON_U32,   /* uint32_t */
    TRUST_JSON_U64,   /* uint64_t */
    TRUST_JSON_INT,   /* int */
    TRUST_JSON_COUNT, /* size_t */
    TRUST_JSON_TIME,  /* int64_t */
    TRUST_JSON_TEXT,  /* char *, owned; NULL is "" */
};

struct trust_json_member {
    const char *name;
    enum trust_json_kind kind;
    size_t at;
    uint64_t max;             /* greatest number, or bytes of a text, or names in `names` */
    const char *const *names;
};

struct trust_json_table {
    const char *name; /* for errors */
    const struct trust_json_member *members;
    size_t count;
};

extern const struct trust_json_table trust_json_attempt, trust_json_domain, trust_json_try, trust_json_tls,
    trust_json_cert, trust_json_dane, trust_json_caps, trust_json_needs, trust_json_answer, trust_json_notice;

/* Names of actions, levels and channels, in the order of their enums. */
extern const char *const trust_json_actions[6], *const trust_json_levels[5], *const trust_json_channels[5];

/* Reads the members of a table from an object, all but `others` of whose members must be in the table; what is not there
 * keeps its value. */
bool trust_json_get(const struct trust_json_table *table, const json_t *object, size_t others, void *out,
                    struct err *err);

/* Adds the members of a table to an object. */
void trust_json_put(const struct trust_json_table *table, json_t *object, const void *in);

/* A string for JSON of any bytes; those beyond ASCII are escaped. */
json_t *trust_json_string(struct slice text);

/* Position of a string's text among names; false when it is not there. */
bool trust_json_find(const json_t *value, const char *const *names, size_t count, unsigned *ret_at);

#endif
