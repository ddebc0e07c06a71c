/* SPDX-License-Identifier: Apache-2.0 */
/* What every process of Sealpost has in common: it is started by the supervisor with one channel on descriptor 3,
 * is told its number, the configuration and what it may use (descriptors), enters its sandbox, says ready, meets its
 * peers (a fresh channel each time a peer starts), works, and leaves when told to drain or when the supervisor is gone. */
#ifndef OS_ROLE_H
#define OS_ROLE_H

#include "os/chan.h"
#include "os/conf.h"
#include "os/log.h"
#include "os/msg.h"
#include "os/sandbox.h"

#define ROLE_SUPERVISOR_FD 3
#define ROLE_INDEX_MAX 64u /* processes of one kind */
#define ROLE_CENTER_CERTIFICATE 63u /* index of the Message Center's certificate and key, behind the submission sections */

enum role_kind {
    ROLE_SUPERVISOR,
    ROLE_KEYD,
    ROLE_STORE,
    ROLE_INTAKE,
    ROLE_COURIER,
    ROLE_RESOLVER,
    ROLE_WEB,
    ROLE_SCRUB,
    ROLE_CLI, /* a peer on a control socket; never started by the supervisor */
    ROLE_KIND_COUNT
};

/* What a descriptor handed over by the supervisor is. A role runs under its own user id from its first instruction on
 * and may not be able to reach a path of the configuration: it uses these, never the paths. */
enum role_fd {
    ROLE_FD_SUBMISSION,      /* listening socket; index = section * CONF_LISTEN_MAX + address, see struct conf */
    ROLE_FD_CENTER,          /* listening socket, HTTPS; index = address */
    ROLE_FD_CERTIFICATE,     /* PEM chain, read-only file; index = submission section, or ROLE_CENTER_CERTIFICATE */
    ROLE_FD_PRIVATE_KEY,     /* PEM key, read-only file; index likewise */
    ROLE_FD_STORE_DIR,       /* the store's data directory */
    ROLE_FD_KEYS_DIR,        /* keyd's directory */
    ROLE_FD_ESCROW,          /* PEM of public escrow keys, read-only file; index = place in conf.keys_escrow (keyd) */
    ROLE_FD_CA_FILE,         /* PEM bundle of conf.trust_ca_file, read-only file (couriers, resolver) */
    ROLE_FD_TRUST_ANCHOR,    /* conf.resolver_trust_anchor, read-only file; -1 when there is none (resolver) */
    ROLE_FD_STORE_CONTROL,   /* listening local socket of the store for the cli */
    ROLE_FD_KEYD_CONTROL,    /* listening local socket of keyd for the cli */
    ROLE_FD_COUNT
};

struct role;

struct role_ops {
    enum role_kind kind;
    const char *name;
    /* Before the sandbox but already under the role's own user id (uid and gid of *sandbox are preset to "keep"), with
     * configuration and descriptors at hand: read keys, load CA files. May fill *sandbox's groups and paths. False ends the process with the reason. *ret_ctx is the role's own object. */
    bool (*start)(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err);
    /* Inside the sandbox, once, before ready is said: make watches and timers. May be NULL. */
    bool (*sandboxed)(void *ctx, struct err *err);
    /* A peer has (re)started; chan belongs to the role, which made it with role_accept_peer(). */
    void (*peer)(void *ctx, enum role_kind kind, unsigned index, int fd);
    /* The supervisor confirms that a peer process is dead (MSG_GONE). May be NULL. */
    void (*gone)(void *ctx, enum role_kind kind, unsigned index);
    /* New configuration (reload); conf belongs to role. May be NULL. */
    void (*reload)(void *ctx, const struct conf *conf);
    /* Finish: take no new work; call role_drained() when nothing is left. The supervisor kills after its deadline. */
    void (*drain)(void *ctx);
    /* Free everything. */
    void (*stop)(void *ctx);
};

/* Runs the process of a role to its end and exits with its status (0 drained, 1 failed or orphaned, 3 for good) without
 * running exit handlers. Called by sealpostd's main. The sandbox given to start() holds uid and gid of the kind, no
 * groups, no paths, and ROLE_FILES_MAX descriptors. */
int role_main(const struct role_ops *ops);

/* The role's loop. */
struct loop *role_loop(struct role *role);
/* Its log. */
const struct log *role_log(struct role *role);
/* The present configuration; valid until the next reload callback returns. */
const struct conf *role_conf(struct role *role);
/* Its number among processes of its kind, from 0. */
unsigned role_index(struct role *role);
/* How many processes of a kind the supervisor runs. */
unsigned role_count(struct role *role, enum role_kind kind);
/* Number of this start, unique over all starts of this instance and growing (the store uses it as its epoch). */
uint64_t role_epoch(struct role *role);
/* A descriptor handed over, or -1. Still owned by role. */
int role_fd(struct role *role, enum role_fd what, unsigned index);
/* The channel to the supervisor (for requests such as alarms). */
struct chan *role_supervisor(struct role *role);
/* Says that draining is finished; the process then ends with status 0. */
void role_drained(struct role *role);
/* Ends the process at once with one line and status 1; status 3 tells the supervisor not to start the role again. */
_Noreturn void role_fail(struct role *role, bool for_good, const struct err *err);

/* "keyd", "store", ... ; "?" for an unknown kind. */
const char *role_kind_name(enum role_kind kind);

#endif
