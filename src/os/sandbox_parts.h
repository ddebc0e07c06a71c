/* SPDX-License-Identifier: Apache-2.0 */
/* The two kernel mechanisms behind sandbox_enter(): Landlock for paths, seccomp for calls. Used by sandbox.c alone. */
#ifndef OS_SANDBOX_PARTS_H
#define OS_SANDBOX_PARTS_H

#include "os/sandbox.h"

#define SANDBOX_PATHS_MAX 32u /* paths of one role; the store uses most, a handful */

/* Paths opened while the process may still reach them, before it gives up its uid. */
struct sandbox_landlock {
    int fds[SANDBOX_PATHS_MAX];
    unsigned access[SANDBOX_PATHS_MAX];
    size_t count;
    uint32_t abi; /* what is used of the kernel's */
};

/* Opens the paths and settles the ABI: kernel's and cap, at least 2. On failure nothing stays open. */
bool sandbox_landlock_open(struct sandbox_landlock *ll, const struct sandbox *sandbox, struct err *err);

/* Restricts this process to the paths and closes them, also on failure. net_client: TCP connect and bind stay. */
bool sandbox_landlock_enter(struct sandbox_landlock *ll, bool net_client, struct err *err);

/* Loads the allow-list of the groups for all threads. A call that is not on it fails with EPERM. */
bool sandbox_seccomp_enter(unsigned groups, struct err *err);

/* Loads the short list of a process that has only open descriptors and its memory. */
bool sandbox_seccomp_pipe_only(struct err *err);

#endif
