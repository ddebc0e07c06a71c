/* SPDX-License-Identifier: Apache-2.0 */
/* A stage for the live role store, sandbox and all, in a child process: the test plays supervisor and every peer, kills
 * the store at will and starts it again. */
#ifndef TESTS_STORE_STAGE_H
#define TESTS_STORE_STAGE_H

#include "unit.h"

#include <sys/types.h>

#include "base/clock.h"
#include "roles/roles.h"

#define STAGE_DEADLINE_US (20 * CLOCK_US_PER_S)
#define STAGE_LEASES_MAX 4096u

enum player { SUPERVISOR, INTAKE, COURIER, KEYD, WEB, CLI, PLAYERS };

/* What the courier remembers of a lease. */
struct stage_lease {
    uint64_t lease;
    uint64_t epoch;
    uint8_t kind;
    uint8_t message_kind;
    uint32_t flags;
    struct id message;
    struct id extra_id;
    uint32_t attempt;
    bool must_end;
    bool refused_before;
    uint16_t reason;
    size_t recipients;
    struct msg_lease_recipient first;
    uint16_t index[8];
    uint32_t generation[8];
    size_t content;
    uint8_t content_first;
    size_t extra;
    int fd;
    bool done;
};

struct stage {
    char path[64];
    pid_t pid;
    struct loop *loop;
    struct loop_timer *timer;
    struct chan *chan[PLAYERS];
    bool closed[PLAYERS];
    bool ready;
    bool timed_out;
    uint64_t epoch;
    const char *reserve; /* limits.disk-reserve at the next start */
    struct buf answer;
    int answer_fd;
    bool answered;
    struct stage_lease lease[STAGE_LEASES_MAX];
    size_t leases;
    uint32_t alarms;
    uint32_t forgotten;   /* domains the courier was told to forget */
    uint32_t credentials; /* told to keyd */
    uint32_t credentials_end;
    uint32_t rows;
    struct msg_row row; /* the last one; its slices are not kept */
    uint32_t attempts;
    uint32_t commits_done;
    uint32_t commits_refused;
    uint32_t completes_done;
};

/* Makes a stage with a running store; NULL (said loudly) without root. */
struct stage *stage_open(void);
/* Kills the store and removes everything. */
void stage_close(struct stage *stage);
/* Starts the store and waits until it is ready; no peers yet. */
void stage_start(struct stage *stage);
/* kill -9, peers forgotten. */
void stage_kill(struct stage *stage);
/* Asks the store to drain and waits for its end; its exit status. */
int stage_drain(struct stage *stage);
/* Joins a peer (not CLI). */
void stage_meet(struct stage *stage, enum player who);
/* Connects the control socket. */
void stage_cli(struct stage *stage);
/* All peers; the courier says HELD. */
void stage_meet_all(struct stage *stage);
/* MSG_HELD. */
void stage_held(struct stage *stage);
/* Sends a frame. */
void stage_send(struct stage *stage, enum player who, uint16_t type, const struct layout *layout, const void *object);
/* Asks and waits; false when the store dropped the player. Slices of *ret_answer live until the next call. */
bool stage_ask(struct stage *stage, enum player who, uint16_t type, const struct layout *layout, const void *object,
               const struct layout *answer_layout, void *ret_answer);
/* Turns the loop until there are `count` leases in all. */
void stage_await_leases(struct stage *stage, size_t count);
/* Turns the loop for some time. */
void stage_turn(struct stage *stage, int64_t us);

/* A message with that many recipients (tags and ids made from n). Returns its id. */
struct id stage_id(uint32_t n);
/* Commits message n; the answer's code. */
uint8_t stage_commit(struct stage *stage, uint32_t n, uint16_t recipients);
/* Commits without waiting; stage->commits_done counts the answers OK. */
void stage_commit_start(struct stage *stage, uint32_t n);
/* The code of a completion of the whole lease with that outcome. */
uint8_t stage_complete(struct stage *stage, struct stage_lease *lease, uint8_t outcome);
/* As above, without waiting. */
void stage_complete_start(struct stage *stage, struct stage_lease *lease, uint8_t outcome);
/* `sealpost check --deep` says that everything adds up. */
void stage_check(struct stage *stage);
/* Counters. */
struct msg_ctl_counts stage_status(struct stage *stage);
/* Rows of a question. */
uint32_t stage_query(struct stage *stage, const struct msg_ctl_query *query);

#endif
