/* SPDX-License-Identifier: Apache-2.0 */
/* Tries of forbidden things. "Succeeded" means that the call got past the sandbox, even where the kernel then finds
 * the arguments wanting: a try must not replace or stop the process that makes it. */
#include "os/sandbox.h"

#include "base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static bool sandbox_try_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool sandbox_try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* A datagram to a path, by one of a pair of sockets: the answer that no socket is there shows that nothing stopped it. */
static bool sandbox_try_datagram(void)
{
    const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/null"};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    bool sent = sendto(pair[0], "x", 1, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof(to)) == 1 || errno == ECONNREFUSED;
    close(pair[0]);
    close(pair[1]);
    return sent;
}

/* The empty path cannot be executed: ENOENT shows that the call itself was open to us. */
static bool sandbox_try_exec(void)
{
    static char *const argv[] = {NULL};
    execve("", argv, argv);
    return errno != EPERM && errno != EACCES;
}

static bool sandbox_try_ptrace(void)
{
    return ptrace(PTRACE_PEEKUSER, 0, NULL, NULL) != -1 || errno != EPERM;
}

static bool sandbox_try_fork(void)
{
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, NULL, 0) == child;
}

static bool sandbox_try_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && munmap(p, 4096) == 0;
}

/* The path behind a prefix, or NULL. */
static const char *sandbox_argument(const char *what, const char *prefix)
{
    return slice_starts(slice_str(what), slice_str(prefix)) ? what + strlen(prefix) : NULL;
}

bool sandbox_probe(const char *what)
{
    const char *path = sandbox_argument(what, "read-file ");
    if (path != NULL)
        return sandbox_try_open(path, O_RDONLY);
    path = sandbox_argument(what, "write-file ");
    if (path != NULL)
        return sandbox_try_open(path, O_WRONLY | O_CREAT);
    if (strcmp(what, "socket") == 0)
        return sandbox_try_socket(AF_INET);
    if (strcmp(what, "socket-local") == 0)
        return sandbox_try_socket(AF_UNIX);
    if (strcmp(what, "datagram") == 0)
        return sandbox_try_datagram();
    if (strcmp(what, "exec") == 0)
        return sandbox_try_exec();
    if (strcmp(what, "ptrace") == 0)
        return sandbox_try_ptrace();
    if (strcmp(what, "fork") == 0)
        return sandbox_try_fork();
    if (strcmp(what, "code") == 0)
        return sandbox_try_code();
    return false;
}
