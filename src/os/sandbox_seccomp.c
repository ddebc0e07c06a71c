/* SPDX-License-Identifier: Apache-2.0 */
/* The allow-lists of system calls. A call that is on no list fails with EPERM and does not kill: the library that
 * tried it reports its own error, and a test can see each forbidden thing fail. Calls whose newer form is tried first
 * by the C library (clone3, faccessat2) answer ENOSYS, so that it falls back to the form that can be checked. */
#include "os/sandbox_parts.h"

#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SANDBOX_COUNT(a) (sizeof(a) / sizeof(*(a)))
#define SANDBOX_CALL(name) SCMP_SYS(name)
#define SANDBOX_SOCKET_TYPE 0xfu /* the bits of socketpair()'s second argument that are a type; the others are flags */

/* What a process needs that only works with memory and open descriptors. */
static const int sandbox_calls_pipe[] = {
    SANDBOX_CALL(read),           SANDBOX_CALL(readv),         SANDBOX_CALL(write),          SANDBOX_CALL(writev),
    SANDBOX_CALL(close),          SANDBOX_CALL(fstat),         SANDBOX_CALL(lseek),          SANDBOX_CALL(poll),
    SANDBOX_CALL(ppoll),          SANDBOX_CALL(select),        SANDBOX_CALL(pselect6),       SANDBOX_CALL(recvfrom),
    SANDBOX_CALL(sendto),         SANDBOX_CALL(shutdown),
    SANDBOX_CALL(munmap),         SANDBOX_CALL(mremap),        SANDBOX_CALL(madvise),        SANDBOX_CALL(brk),
    SANDBOX_CALL(futex),          SANDBOX_CALL(rt_sigaction),  SANDBOX_CALL(rt_sigprocmask), SANDBOX_CALL(rt_sigreturn),
    SANDBOX_CALL(sigaltstack),    SANDBOX_CALL(exit),          SANDBOX_CALL(exit_group),     SANDBOX_CALL(clock_gettime),
    SANDBOX_CALL(clock_getres),   SANDBOX_CALL(gettimeofday),  SANDBOX_CALL(time),           SANDBOX_CALL(nanosleep),
    SANDBOX_CALL(clock_nanosleep), SANDBOX_CALL(getrandom),    SANDBOX_CALL(getpid),         SANDBOX_CALL(gettid),
    SANDBOX_CALL(getuid),         SANDBOX_CALL(geteuid),       SANDBOX_CALL(getgid),         SANDBOX_CALL(getegid),
    SANDBOX_CALL(restart_syscall), SANDBOX_CALL(sched_yield),  SANDBOX_CALL(set_robust_list), SANDBOX_CALL(rseq),
    SANDBOX_CALL(getrusage),      SANDBOX_CALL(sysinfo),       SANDBOX_CALL(getrlimit),
};

/* What every role needs besides: events, messages with descriptors, reading and flushing what was handed over. */
static const int sandbox_calls_base[] = {
    SANDBOX_CALL(pread64),      SANDBOX_CALL(preadv),       SANDBOX_CALL(pwrite64),          SANDBOX_CALL(pwritev),
    SANDBOX_CALL(epoll_create1), SANDBOX_CALL(epoll_ctl),   SANDBOX_CALL(epoll_wait),        SANDBOX_CALL(epoll_pwait),
    SANDBOX_CALL(eventfd2),     SANDBOX_CALL(pipe2),        SANDBOX_CALL(recvmsg),           SANDBOX_CALL(sendmsg),
    SANDBOX_CALL(getsockopt),   SANDBOX_CALL(fsync),        SANDBOX_CALL(fdatasync),         SANDBOX_CALL(sync_file_range),
    SANDBOX_CALL(fadvise64),    SANDBOX_CALL(mlock),        SANDBOX_CALL(munlock),           SANDBOX_CALL(membarrier),
    SANDBOX_CALL(uname),        SANDBOX_CALL(sched_getaffinity), SANDBOX_CALL(getcpu),       SANDBOX_CALL(umask),
    SANDBOX_CALL(timerfd_create), SANDBOX_CALL(timerfd_settime),
};

static const int sandbox_calls_net_client[] = {
    SANDBOX_CALL(connect),  SANDBOX_CALL(bind),     SANDBOX_CALL(getsockname), SANDBOX_CALL(getpeername),
    SANDBOX_CALL(setsockopt), SANDBOX_CALL(sendmmsg), SANDBOX_CALL(recvmmsg),
};

static const int sandbox_calls_net_server[] = {
    SANDBOX_CALL(accept), SANDBOX_CALL(accept4), SANDBOX_CALL(getsockname), SANDBOX_CALL(getpeername),
    SANDBOX_CALL(setsockopt),
};

static const int sandbox_calls_local[] = {SANDBOX_CALL(accept4), SANDBOX_CALL(getsockname)};

/* Paths are Landlock's business; here only the calls. Neither chown nor mknod nor links: nothing needs them; fchmod is
 * SQLite's, for its own new files. */
static const int sandbox_calls_files[] = {
    SANDBOX_CALL(open),       SANDBOX_CALL(openat),     SANDBOX_CALL(openat2),  SANDBOX_CALL(stat),
    SANDBOX_CALL(lstat),      SANDBOX_CALL(newfstatat), SANDBOX_CALL(statx),    SANDBOX_CALL(access),
    SANDBOX_CALL(faccessat),  SANDBOX_CALL(readlink),   SANDBOX_CALL(readlinkat), SANDBOX_CALL(getdents64),
    SANDBOX_CALL(mkdir),      SANDBOX_CALL(mkdirat),    SANDBOX_CALL(unlink),   SANDBOX_CALL(unlinkat),
    SANDBOX_CALL(rmdir),      SANDBOX_CALL(rename),     SANDBOX_CALL(renameat), SANDBOX_CALL(renameat2),
    SANDBOX_CALL(ftruncate),  SANDBOX_CALL(fallocate),  SANDBOX_CALL(flock),    SANDBOX_CALL(fstatfs),
    SANDBOX_CALL(getcwd),     SANDBOX_CALL(utimensat),  SANDBOX_CALL(fchmod),
};

static const int sandbox_calls_fork[] = {
    SANDBOX_CALL(wait4), SANDBOX_CALL(waitid), SANDBOX_CALL(kill), SANDBOX_CALL(prlimit64), SANDBOX_CALL(setrlimit),
    SANDBOX_CALL(seccomp),
};

#ifdef SEALPOST_SANITIZED
/* Added in sanitizer builds only: their reports look for memory maps and symbols. Landlock still refuses every path. */
static const int sandbox_calls_sanitizer[] = {
    SANDBOX_CALL(pipe), SANDBOX_CALL(open), SANDBOX_CALL(openat), SANDBOX_CALL(readlink), SANDBOX_CALL(stat),
    SANDBOX_CALL(newfstatat), SANDBOX_CALL(sched_getaffinity),
};
#endif

/* A filter being made; the first failure sticks in rc. */
struct sandbox_filter {
    scmp_filter_ctx ctx;
    int rc;
};

static void sandbox_allow(struct sandbox_filter *f, const int *calls, size_t count)
{
    for (size_t i = 0; i < count && f->rc == 0; i++)
        f->rc = seccomp_rule_add(f->ctx, SCMP_ACT_ALLOW, calls[i], 0);
}

/* Allows a call when (argument & mask) == value. */
static void sandbox_allow_masked(struct sandbox_filter *f, int call, unsigned argument, uint64_t mask, uint64_t value)
{
    const struct scmp_arg_cmp cmp = {argument, SCMP_CMP_MASKED_EQ, mask, value};
    if (f->rc == 0)
        f->rc = seccomp_rule_add_array(f->ctx, SCMP_ACT_ALLOW, call, 1, &cmp);
}

/* Allows a call when the argument, taken as an int, is one of the values. */
static void sandbox_allow_ints(struct sandbox_filter *f, int call, unsigned argument, const unsigned *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sandbox_allow_masked(f, call, argument, UINT32_MAX, values[i]);
}

/* Makes a call fail with ENOSYS. */
static void sandbox_absent(struct sandbox_filter *f, int call)
{
    if (f->rc == 0)
        f->rc = seccomp_rule_add(f->ctx, SCMP_ACT_ERRNO(ENOSYS), call, 0);
}

/* Calls allowed with some arguments only, for every kind of process: memory that is never executable, descriptors'
 * own flags, our own signals (abort), our own name. */
static void sandbox_allow_bounded(struct sandbox_filter *f)
{
    static const unsigned fcntls[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL};
    static const unsigned ioctls[] = {FIONBIO, FIOCLEX, FIONREAD};
    static const unsigned prctls[] = {PR_SET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP};
    sandbox_allow_masked(f, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
    sandbox_allow_masked(f, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
    sandbox_allow_masked(f, SCMP_SYS(newfstatat), 3, UINT32_MAX, AT_EMPTY_PATH);
    sandbox_allow_masked(f, SCMP_SYS(tgkill), 0, UINT32_MAX, (uint64_t)getpid());
    sandbox_allow_masked(f, SCMP_SYS(prlimit64), 2, UINT64_MAX, 0);
    sandbox_allow_ints(f, SCMP_SYS(fcntl), 1, fcntls, SANDBOX_COUNT(fcntls));
    sandbox_allow_ints(f, SCMP_SYS(ioctl), 1, ioctls, SANDBOX_COUNT(ioctls));
    sandbox_allow_ints(f, SCMP_SYS(prctl), 0, prctls, SANDBOX_COUNT(prctls));
    sandbox_absent(f, SCMP_SYS(clone3));
    sandbox_absent(f, SCMP_SYS(faccessat2));
}

static void sandbox_allow_net_client(struct sandbox_filter *f)
{
    static const unsigned families[] = {AF_INET, AF_INET6};
    static const unsigned flags[] = {F_SETFL};
    sandbox_allow(f, sandbox_calls_net_client, SANDBOX_COUNT(sandbox_calls_net_client));
    sandbox_allow_ints(f, SCMP_SYS(socket), 0, families, SANDBOX_COUNT(families));
    sandbox_allow_ints(f, SCMP_SYS(fcntl), 1, flags, SANDBOX_COUNT(flags)); /* libunbound makes its sockets so */
}

static void sandbox_allow_files(struct sandbox_filter *f)
{
    static const unsigned locks[] = {F_GETLK, F_SETLK, F_SETLKW};
    sandbox_allow(f, sandbox_calls_files, SANDBOX_COUNT(sandbox_calls_files));
    sandbox_allow_ints(f, SCMP_SYS(fcntl), 1, locks, SANDBOX_COUNT(locks));
}

static void sandbox_allow_fork(struct sandbox_filter *f)
{
    static const unsigned prctls[] = {PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP};
    const uint64_t plain = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CSIGNAL;
    sandbox_allow(f, sandbox_calls_fork, SANDBOX_COUNT(sandbox_calls_fork));
    sandbox_allow_masked(f, SCMP_SYS(clone), 0, ~plain, 0);
    sandbox_allow_ints(f, SCMP_SYS(prctl), 0, prctls, SANDBOX_COUNT(prctls));
}

/* Pairs of streams only: a datagram socket, even one of a pair, can write to every datagram socket whose path its user may
 * reach (the system log's, say), and Landlock does not look. */
static void sandbox_allow_pairs(struct sandbox_filter *f)
{
    const struct scmp_arg_cmp stream[] = {
        {0, SCMP_CMP_MASKED_EQ, UINT32_MAX, AF_UNIX},
        {1, SCMP_CMP_MASKED_EQ, SANDBOX_SOCKET_TYPE, SOCK_STREAM},
    };
    if (f->rc == 0)
        f->rc = seccomp_rule_add_array(f->ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), SANDBOX_COUNT(stream), stream);
}

static void sandbox_allow_groups(struct sandbox_filter *f, unsigned groups)
{
    sandbox_allow(f, sandbox_calls_base, SANDBOX_COUNT(sandbox_calls_base));
    sandbox_allow_pairs(f);
    if ((groups & SANDBOX_NET_CLIENT) != 0)
        sandbox_allow_net_client(f);
    if ((groups & SANDBOX_NET_SERVER) != 0)
        sandbox_allow(f, sandbox_calls_net_server, SANDBOX_COUNT(sandbox_calls_net_server));
    if ((groups & SANDBOX_LOCAL) != 0)
        sandbox_allow(f, sandbox_calls_local, SANDBOX_COUNT(sandbox_calls_local));
    if ((groups & SANDBOX_FILES) != 0)
        sandbox_allow_files(f);
    if ((groups & SANDBOX_THREAD) != 0)
        sandbox_allow_masked(f, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
    if ((groups & SANDBOX_FORK) != 0)
        sandbox_allow_fork(f);
}

static bool sandbox_load(bool pipe_only, unsigned groups, struct err *err)
{
    struct sandbox_filter f = {.ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM))};
    if (f.ctx == NULL)
        return err_set(err, "seccomp cannot be set up");
    f.rc = seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    if (f.rc == 0)
        f.rc = seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    sandbox_allow(&f, sandbox_calls_pipe, SANDBOX_COUNT(sandbox_calls_pipe));
    sandbox_allow_bounded(&f);
    if (!pipe_only)
        sandbox_allow_groups(&f, groups);
#ifdef SEALPOST_SANITIZED
    sandbox_allow(&f, sandbox_calls_sanitizer, SANDBOX_COUNT(sandbox_calls_sanitizer));
#endif
    if (f.rc == 0)
        f.rc = seccomp_load(f.ctx);
    seccomp_release(f.ctx);
    return f.rc == 0 || err_errno(err, -f.rc, "the list of system calls cannot be loaded");
}

bool sandbox_seccomp_enter(unsigned groups, struct err *err)
{
    return sandbox_load(false, groups, err);
}

bool sandbox_seccomp_pipe_only(struct err *err)
{
    return sandbox_load(true, 0, err);
}
