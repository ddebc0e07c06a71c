/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of applications: random passwords, what is kept of them, and their checks. keyd holds the only open copy;
 * the store keeps each record sealed under a key of keyd's, so that its copy neither opens the door nor tells who may
 * send as whom. A user that does not exist costs the same steps and gets the same kind of answers (row 11). */
#ifndef KEYS_CREDENTIALS_H
#define KEYS_CREDENTIALS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "keys/scram.h"

#define CREDENTIALS_MAX 100000u           /* entries in memory, about 1 KB each */
#define CREDENTIAL_NAME_MAX 64u           /* bytes */
#define CREDENTIAL_SENDERS_MAX 8192u      /* as MSG_SENDERS_MAX */
#define CREDENTIAL_SENDER_MAX 320u        /* bytes of one address or domain */
#define CREDENTIAL_RECORD_MAX 12288u      /* bytes of a sealed record */
#define CREDENTIAL_PASSWORD_SIZE 28       /* characters of 5 bits: 140 bits */
#define CREDENTIAL_MINIMUM_MAX 4u         /* the highest enum trust_level */
#define CREDENTIAL_FIELD_KIND 100         /* of the sealed record; no mail_field has it */

struct credentials;

/* An open credential, owned by the table and valid until the table changes. */
struct credential {
    struct id id;
    struct slice name;
    struct slice tenant;
    struct slice senders; /* blob16 strings: "a@b.example" or "@b.example" */
    uint8_t minimum;      /* enum trust_level demanded for what it sends; 0: none */
};

/* An empty table. credential_key and record_key are the hierarchy's KEY_CREDENTIAL and KEY_RECORD (copied). */
struct credentials *credentials_create(const struct key *credential_key, const struct key *record_key);

/* Wipes and frees; accepts NULL and a NULL table. */
void credentials_free(struct credentials **credentials);

/* Makes a credential without adding it: appends its password (shown once) and its sealed record. The name is 1 to
 * CREDENTIAL_NAME_MAX of letters, digits and ". _ - + @"; senders and minimum as in struct credential. False with a reason
 * when one of them is not so or the name is taken. now_us is clock_utc_us(). */
bool credentials_make(struct credentials *credentials, const struct credential *wish, int64_t now_us, struct id *ret_id,
                      struct buf *ret_password, struct buf *ret_record, struct err *err);

/* Seals the record of a credential anew with another minimum, without changing the table; its password stays. False with
 * a reason when there is none of that name. */
bool credentials_change(struct credentials *credentials, struct slice name, uint8_t minimum, struct id *ret_id,
                        struct buf *ret_record, struct err *err);

/* The credential of that name; false when there is none. */
bool credentials_find(struct credentials *credentials, struct slice name, struct credential *ret_credential);

/* True when there is a credential of that id. */
bool credentials_known(const struct credentials *credentials, const struct id *id);

/* Adds or replaces a credential from its sealed record. False with a reason when the record does not open for this id
 * and name, or the table is full. */
bool credentials_put(struct credentials *credentials, const struct id *id, struct slice name, struct slice record,
                     struct err *err);

/* Forgets a credential; harmless when unknown. */
void credentials_remove(struct credentials *credentials, const struct id *id);

/* Number of credentials. */
size_t credentials_count(const struct credentials *credentials);

/* Checks a password given by PLAIN or LOGIN. False for an unknown name and a wrong password alike. */
bool credentials_plain(struct credentials *credentials, struct slice name, struct slice password,
                       struct credential *ret_credential);

/* The salt and iterations SCRAM tells a client; an unknown name has its own salt, always the same. */
void credentials_scram_start(struct credentials *credentials, struct slice name, uint8_t ret_salt[SCRAM_SALT_SIZE],
                             uint32_t *ret_iterations);

/* Checks a SCRAM proof of SCRAM_HASH_SIZE bytes; on success gives the server's signature too. */
bool credentials_scram_finish(struct credentials *credentials, struct slice name, struct slice auth_message,
                              const uint8_t *proof, uint8_t ret_signature[SCRAM_HASH_SIZE],
                              struct credential *ret_credential);

#endif
