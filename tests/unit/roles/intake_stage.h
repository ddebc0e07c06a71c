/* SPDX-License-Identifier: Apache-2.0 */
/* The live role intake, sandbox and all, in a child process; this side plays supervisor, keyd, store and the clients. */
#ifndef TESTS_INTAKE_STAGE_H
#define TESTS_INTAKE_STAGE_H

#include <sys/types.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keys/sealed_maker.h"
#include "net/tls_conn.h"
#include "os/role.h"

#define STAGE_KEYS_MAX 4096
#define STAGE_CLIENTS_MAX 4
#define STAGE_HELD_MAX 8
#define STAGE_DEADLINE_US (20 * CLOCK_US_PER_S)

enum stage_port { STAGE_TLS, STAGE_STARTTLS };

struct stage;

struct stage_client {
    struct stage *stage;
    struct tls_conn *conn;
    struct buf got; /* not yet looked at */
    bool secured;
    bool closed;
    enum tls_conn_end end;
};

struct stage {
    pid_t pid;
    struct loop *loop;
    struct loop_timer *timer;
    bool timed_out;
    struct tls_scratch *scratch;
    SSL_CTX *client_ctx;
    struct chan *supervisor;
    struct chan *keyd;
    struct chan *store;
    bool ready;
    bool gone; /* the child closed its channel */
    int ports[2];
    char path[64];
    /* keyd's part */
    struct sealed_maker *maker;
    struct msg_batch_item keys[STAGE_KEYS_MAX]; /* handed out; headers not kept */
    size_t key_count;
    unsigned batches;
    uint8_t auth_code; /* instead of looking at the password, unless MSG_OK */
    bool keyd_silent;
    /* the store's part */
    uint8_t commit_code;
    uint8_t open_code;
    bool hold_commits;     /* keep the answer back */
    bool hold_opens;
    struct {
        uint64_t request;
        uint16_t type;
    } held[STAGE_HELD_MAX];
    unsigned held_count;
    int file; /* the last one opened, -1: none */
    unsigned opens;
    unsigned drops;
    unsigned commits;
    struct buf commit; /* payload of the last one */
    struct stage_client clients[STAGE_CLIENTS_MAX];
};

/* Starts intake with that many sessions allowed; processes: how many of its kind it is told there are. */
void stage_start(struct stage *stage, unsigned sessions, unsigned processes);
/* Ends everything; the child is killed when it still lives. */
void stage_finish(struct stage *stage);
/* Lets things happen for that long. */
void stage_pause(struct stage *stage, int64_t us);
/* One event of any kind, or the test fails after STAGE_DEADLINE_US. */
void stage_turn(struct stage *stage);
/* Gives intake a keyd, or a store; an earlier one is closed. */
void stage_meet(struct stage *stage, enum role_kind kind);
/* Answers the oldest question held back: an open with its file, a commit with commit_code. */
void stage_release(struct stage *stage);

/* A client that is connected, and inside TLS on STAGE_TLS. number below STAGE_CLIENTS_MAX. */
struct stage_client *stage_connect(struct stage *stage, unsigned number, enum stage_port port);
/* Sends bytes. */
void stage_say(struct stage_client *client, struct slice bytes);
/* Waits for one line. */
void stage_line(struct stage_client *c, char out[2048]);
/* Waits for as many replies as text has lines, and fails unless the last line of each begins as that line says. */
void stage_hear(struct stage_client *client, const char *text);
/* say, then hear. */
void stage_ask(struct stage_client *client, const char *bytes, const char *text);
/* Moves a STARTTLS client into TLS. */
void stage_secure(struct stage_client *client);
/* Waits for the end of the connection. */
void stage_ended(struct stage_client *client);
/* Closes without goodbye. */
void stage_cut(struct stage_client *client);

/* The last commit, opened: content as plaintext into content (a secret buf), envelope likewise; *ret_message borrows from
 * stage->commit. */
void stage_open_commit(struct stage *stage, struct msg_message *ret_message, struct buf *content, struct buf *envelope);
/* The sealed recipient's plaintext into out. */
void stage_open_recipient(struct stage *stage, const struct msg_message *message, const struct msg_recipient *recipient,
                          struct buf *out);

#endif
