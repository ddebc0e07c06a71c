/* SPDX-License-Identifier: Apache-2.0 */
/* The one audited function in which a role gives up what it does not need. Order: uid and gid, no_new_privs, resource
 * limits, no dumps, Landlock, seccomp. Cannot be undone. */
#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Groups of system calls above the base list (memory, epoll, timers, read/write, sendmsg/recvmsg on open sockets,
 * getrandom, futex, exit). execve, ptrace, mount, bpf and the like are in no group. */
enum sandbox_group {
    SANDBOX_NET_CLIENT = 1, /* socket(AF_INET, AF_INET6), connect, bind, getsockname, setsockopt */
    SANDBOX_NET_SERVER = 2, /* accept4, getpeername, setsockopt */
    SANDBOX_FILES = 4,      /* openat, renameat, unlinkat, fsync, ftruncate, ... below the Landlock paths */
    SANDBOX_THREAD = 8,     /* clone with CLONE_THREAD only */
    SANDBOX_FORK = 16,      /* fork without exec: scrub's parent */
    SANDBOX_LOCAL = 32,     /* accept4 on a local listener handed in */
};

enum sandbox_access { SANDBOX_PATH_READ = 1, SANDBOX_PATH_WRITE = 2 }; /* write: create, remove, rename below it */

struct sandbox_path {
    const char *path;
    unsigned access;
};

struct sandbox {
    uint32_t uid; /* real ids to take; UINT32_MAX: keep (already there) */
    uint32_t gid;
    unsigned groups;
    const struct sandbox_path *paths;
    size_t path_count;
    uint32_t landlock_abi_max; /* 0: what the kernel has; tests cap it to 2 */
    uint64_t files_max;        /* RLIMIT_NOFILE */
    uint64_t memory_max;       /* RLIMIT_AS in bytes; 0: none (sanitizer builds take none) */
};

/* Enters the sandbox. From then on a call outside the groups fails with EPERM (not a kill, so that a library reports
 * its own error and a probe can see the refusal). At least Landlock ABI 2 is needed. False with the reason when any part
 * cannot be set up; the caller must then exit. */
bool sandbox_enter(const struct sandbox *sandbox, struct err *err);

/* Narrows an already sandboxed process to read, write, memory and exit on what is open (scrub's child). */
bool sandbox_enter_pipe_only(uint64_t memory_max, uint64_t cpu_seconds, struct err *err);

/* The Landlock ABI of this kernel, 0 when absent. */
uint32_t sandbox_landlock_abi(void);

/* One try of a forbidden thing, for tests that run inside a live role (build option `probe`): tries
 * `what` ("socket", "socket-local", "datagram": to a path, "read-file PATH", "write-file PATH", "exec", "ptrace", "fork",
 * "code": executable memory) and returns true when it got past the sandbox. */
bool sandbox_probe(const char *what);

#endif
