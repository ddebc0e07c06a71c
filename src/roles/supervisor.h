/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor: reads the configuration, opens what the other processes may use, starts them, joins them, starts
 * again what died, reloads and stops. It parses nothing that comes from a network. */
#ifndef ROLES_SUPERVISOR_H
#define ROLES_SUPERVISOR_H

#include <sys/types.h>

#include "os/role.h"

#define SUPERVISOR_FDS_MAX 160u
#define SUPERVISOR_CHILDREN_MAX 256u

/* A descriptor kept open to be handed to processes of the kinds that may have it. */
struct supervisor_fd {
    enum role_fd what;
    uint32_t index;
    int fd;
};

struct supervisor_fds {
    struct supervisor_fd item[SUPERVISOR_FDS_MAX];
    size_t count;
};

/* Opens listeners, folders, certificates and control sockets named by conf; makes missing folders and gives them to
 * their processes' user ids. False with the reason; what was opened stays in *fds for supervisor_fds_close(). */
bool supervisor_fds_open(struct supervisor_fds *fds, const struct conf *conf, struct err *err);

/* Opens certificates, keys, authorities and trust anchors anew in place of the old ones (reload). On error the old ones stay. */
bool supervisor_fds_renew(struct supervisor_fds *fds, const struct conf *conf, struct err *err);

/* Closes all. */
void supervisor_fds_close(struct supervisor_fds *fds);

/* Whether processes of a kind may be handed such a descriptor. */
bool supervisor_fd_is_for(enum role_fd what, uint32_t index, enum role_kind kind);

/* Whether two kinds talk to each other. */
bool supervisor_joined(enum role_kind a, enum role_kind b);

/* Starts this program again as a role with fd as its channel, under uid and gid `uid`. The pid, or -1 with the reason. */
pid_t supervisor_spawn(enum role_kind kind, unsigned index, uint32_t uid, int fd, struct err *err);

/* Reads and checks a configuration file. *ret_text is freed with mem_free(), *ret_conf with conf_free(). */
bool supervisor_load(const char *path, char **ret_text, struct conf **ret_conf, struct err *err);

/* Looks at what a configuration names: the code of trust.profile comes up, certificates fit their keys and the profile,
 * escrow keys and CA bundle can be read, mailboxes are mailboxes. False with what is wrong. What works but should not stay so is appended to warnings, a line each. */
bool supervisor_check(const struct conf *conf, struct buf *warnings, struct err *err);

/* Runs sealpostd with this configuration file until it is told to stop. Returns the exit status. */
int supervisor_main(const char *conf_path);

#endif
