/* SPDX-License-Identifier: Apache-2.0 */
/* The plaintext of a credential's record, before it is sealed. A format: a change is a new version byte. */
#ifndef KEYS_CREDENTIAL_RECORD_H
#define KEYS_CREDENTIAL_RECORD_H

#include "base/layout.h"

#define CREDENTIAL_RECORD_VERSION 2 /* 1: without minimum */

struct credential_record {
    uint8_t version;
    int64_t created_us;
    struct slice name;
    struct slice tenant;
    struct slice senders;     /* blob16 strings */
    struct key verifier;      /* HMAC over id and password under KEY_CREDENTIAL */
    uint32_t iterations;
    struct slice salt;        /* SCRAM_SALT_SIZE bytes */
    struct key scram_stored;
    struct key scram_server;
    uint8_t minimum;          /* enum trust_level demanded for what it sends; 0: none */
};

extern const struct layout credential_record_layout;

/* Reads a record of this version or an earlier one, whose missing fields are zero. False when it is neither. Slices
 * point into plain. */
bool credential_record_read(struct slice plain, struct credential_record *ret_record);

#endif
