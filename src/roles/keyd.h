/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the role keyd: what its files share. keyd holds the key hierarchy and the credentials, answers each kind
 * of role its own list of requests, has no network, and never sees message content. */
#ifndef ROLES_KEYD_H
#define ROLES_KEYD_H

#include "base/list.h"
#include "keys/credentials.h"
#include "keys/escrow.h"
#include "keys/guess.h"
#include "keys/hierarchy.h"
#include "keys/sealed_opener.h"
#include "os/role.h"

#define KEYD_CLI_MAX 32u                 /* control connections at once */
#define KEYD_MAKERS_MAX 1024u            /* purpose, tenant and day in use on one day; beyond it a batch is BUSY */
#define KEYD_LETTER_DAYS_MAX 400u        /* a letter's day of expiry lies at most so far ahead (letter-lifetime is a year) */
#define KEYD_GRANTS_MAX 65536u           /* letters open to browser sessions at once */
#define KEYD_GRANT_SECONDS_MAX 86400u    /* a day: the longest a session may idle */
#define KEYD_OPERATOR_GRANTS_MAX 4096u   /* answers of the store of the last minute: a script traces dozens in a second */

struct keyd;
struct keyd_batch;
struct keyd_grant;

/* One connected process. */
struct keyd_peer {
    struct list link; /* in keyd.peers */
    struct keyd *keyd;
    struct chan *chan;
    enum role_kind kind;
};

struct keyd {
    struct role *role;
    char keys_path[64]; /* the keys directory by its descriptor, for the sandbox */
    struct sandbox_path path;
    struct escrow *escrow;
    struct hierarchy *hierarchy;
    struct sealed_opener *opener;
    struct hmac *sha256;
    struct keyd_batch *batch;
    struct keyd_grant *grants;
    struct guess *guess;
    struct credentials *credentials; /* NULL until the store has sent them all once */
    struct credentials *incoming;    /* being sent by a store that has just connected */
    struct list peers;
    struct keyd_peer *store; /* NULL: not there */
    struct loop_watch *control;
    size_t cli_count;
};

/* A request handler: reads frame->payload, answers on peer->chan where the type wants an answer. False: malformed, the
 * peer is dropped. Buffers that carry keys are wiped by the handlers. */
typedef bool keyd_handler(struct keyd *keyd, struct keyd_peer *peer, const struct chan_frame *frame);

/* Answers frame with the object by its layout, through a buffer that is wiped. */
void keyd_answer(struct keyd_peer *peer, const struct chan_frame *frame, const struct layout *layout,
                 const void *object);

/* Answers frame with a msg_status without text. */
void keyd_answer_code(struct keyd_peer *peer, const struct chan_frame *frame, enum msg_code code);

/* --- keyd_batch.c: sealed headers and tag keys --- */

/* The table of header makers. */
struct keyd_batch *keyd_batch_create(void);
/* Wipes and frees; accepts NULL and a NULL table. */
void keyd_batch_free(struct keyd_batch **batch);
/* MSG_KEY_BATCH of intake (mail), couriers (mail, letters, evidence) and web (transit). */
keyd_handler keyd_batch_ask;
/* MSG_CENTER_KEYS of web. */
keyd_handler keyd_batch_center_keys;
/* A key of all tenants that has no day; made when it is asked for the first time. False when it cannot be had (logged). */
bool keyd_batch_lasting_key(struct keyd *keyd, enum key_kind kind, struct key *ret_key);

/* MSG_DOMAIN_KEY of couriers. */
keyd_handler keyd_batch_domain_key;

/* --- keyd_auth.c: credentials --- */

/* An empty table of credentials under the hierarchy's keys. False with the reason. */
bool keyd_auth_table(struct keyd *keyd, struct credentials **ret_table, struct err *err);
/* MSG_AUTH_PLAIN of intake. */
keyd_handler keyd_auth_plain;
/* MSG_SCRAM_START of intake. */
keyd_handler keyd_auth_scram_start;
/* MSG_SCRAM_FINISH of intake. */
keyd_handler keyd_auth_scram_finish;
/* MSG_CREDENTIAL of the store. */
keyd_handler keyd_auth_credential;
/* MSG_CREDENTIALS_END of the store. */
keyd_handler keyd_auth_credentials_end;
/* MSG_LOCK of the store: a lock written down before a restart. */
keyd_handler keyd_auth_lock;
/* MSG_CLI_CREDENTIAL of the cli. */
keyd_handler keyd_auth_make;
/* MSG_CLI_USER of the cli. */
keyd_handler keyd_auth_describe;

/* --- keyd_open.c: opening headers --- */

/* MSG_KEY_OPEN of couriers. */
keyd_handler keyd_open_lease;
/* MSG_LETTER_OPEN of web, against a grant. */
keyd_handler keyd_open_letter;
/* MSG_CLI_OPEN of the cli, against an operator grant: the field key only. */
keyd_handler keyd_open_operator;
/* MSG_CLI_TAG of the cli. */
keyd_handler keyd_open_tag;

/* --- keyd_policy.c --- */

/* MSG_CLI_POLICY of the cli: opens the MTA-STS policy that is kept of a domain. */
keyd_handler keyd_policy_open;

/* --- keyd_dkim.c: signing reports about TLS --- */

/* MSG_DKIM_SIGN of couriers. */
keyd_handler keyd_dkim_sign;
/* MSG_CLI_DKIM of the cli: the public key. */
keyd_handler keyd_dkim_show;

/* --- keyd_grant.c: what the store has allowed --- */

/* An empty table of grants. */
struct keyd_grant *keyd_grant_create(void);
/* Frees; accepts NULL and a NULL table. */
void keyd_grant_free(struct keyd_grant **grants);
/* True while the store's grant of this letter to this session lasts. now_us is clock_wait_us(). */
bool keyd_grant_letter(struct keyd_grant *grants, const struct digest *session, const struct id *letter, int64_t now_us);
/* True while this operator grant lasts. */
bool keyd_grant_operator(struct keyd_grant *grants, const struct digest *grant, int64_t now_us);
/* MSG_GRANT of the store. */
keyd_handler keyd_grant_add;
/* MSG_UNGRANT of the store; a zero letter takes back all of the session. */
keyd_handler keyd_grant_remove;
/* MSG_OPERATOR_GRANT of the store. */
keyd_handler keyd_grant_add_operator;

#endif
