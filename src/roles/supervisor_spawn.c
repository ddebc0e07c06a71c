/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a role: this program again, or the program beside it for roles that stand on large foreign libraries (GMime,
 * libunbound), so that none of that is even loaded where keys or mail are handled. User and groups are given up before
 * the new program starts, so that not one instruction of a role runs as root. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "roles/supervisor.h"
#ifdef SEALPOST_PROBE
#include "os/role_probe.h"
#endif

bool supervisor_joined(enum role_kind a, enum role_kind b)
{
    static const enum role_kind pairs[][2] = {
        {ROLE_INTAKE, ROLE_KEYD},     {ROLE_INTAKE, ROLE_STORE}, {ROLE_COURIER, ROLE_KEYD}, {ROLE_COURIER, ROLE_STORE},
        {ROLE_COURIER, ROLE_RESOLVER}, {ROLE_STORE, ROLE_KEYD},   {ROLE_WEB, ROLE_STORE},    {ROLE_WEB, ROLE_KEYD},
        {ROLE_WEB, ROLE_SCRUB},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        if ((pairs[i][0] == a && pairs[i][1] == b) || (pairs[i][0] == b && pairs[i][1] == a)) {
            return true;
        }
    }
    return false;
}

/* The file that runs a role, opened for execution, or -1 with the reason. */
static int open_program(enum role_kind kind, struct err *err)
{
    const char *beside = kind == ROLE_SCRUB ? "sealpost-scrub" : kind == ROLE_RESOLVER ? "sealpost-resolver" : NULL;
    char path[4096 + 32];
    ssize_t len;
    char *slash;
    int fd;

    if (beside == NULL) {
        (void)snprintf(path, sizeof(path), "/proc/self/exe");
    } else {
        len = readlink("/proc/self/exe", path, 4096);
        path[len < 0 ? 0 : len] = '\0';
        slash = strrchr(path, '/');
        (void)snprintf(slash == NULL ? path : slash + 1, 32, "%s", beside);
    }
    fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        (void)err_errno(err, errno, "cannot find the program %s", path);
    }
    return fd;
}

/* In the child, between fork and exec: only async-signal-safe calls. */
static _Noreturn void become(const char *name, int program, uint32_t uid, int fd)
{
    char *const argv[] = {(char *)(uintptr_t) "sealpostd", (char *)(uintptr_t) "--role", (char *)(uintptr_t)name, NULL};
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (program == ROLE_SUPERVISOR_FD && (program = fcntl(program, F_DUPFD_CLOEXEC, ROLE_SUPERVISOR_FD + 1)) < 0) {
        _exit(127); /* its place is taken by the channel */
    }
    if (fd == ROLE_SUPERVISOR_FD) {
        (void)fcntl(fd, F_SETFD, 0);
    } else if (dup2(fd, ROLE_SUPERVISOR_FD) < 0) {
        _exit(127);
    }
    if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
        _exit(126);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cleared by the change of user */
    (void)fexecve(program, argv, environ);
    _exit(127);
}

pid_t supervisor_spawn(enum role_kind kind, unsigned index, uint32_t uid, int fd, struct err *err)
{
    const char *name = role_kind_name(kind);
    int program = open_program(kind, err);
    pid_t pid;

    if (program < 0) {
        return -1;
    }
    pid = fork();
#ifdef SEALPOST_PROBE
    uid = role_probe_as_root() ? 0 : uid;
#endif
    if (pid == 0) {
        become(name, program, uid, fd);
    }
    (void)close(program);
    if (pid < 0) {
        (void)err_errno(err, errno, "cannot start %s.%u", name, index);
    }
    return pid;
}
