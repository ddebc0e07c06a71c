/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up rights, in the only order that works: open the Landlock paths (the old uid may reach more), change the
 * uid, drop capabilities, forbid gaining rights anew, limit resources, forbid dumps and tracing, restrict paths,
 * restrict calls. Every step is checked; a role whose sandbox is not whole does not run. */
#include "os/sandbox.h"

#include "os/sandbox_parts.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sanitizers map terabytes of shadow: a limit on address space would stop them at once. */
#ifdef SEALPOST_SANITIZED
#define SANDBOX_LIMIT_MEMORY false
#else
#define SANDBOX_LIMIT_MEMORY true
#endif

static bool sandbox_take_gid(gid_t gid, struct err *err)
{
    gid_t real;
    gid_t effective;
    gid_t saved;
    if (setgroups(0, NULL) != 0 && getgroups(0, NULL) != 0)
        return err_errno(err, errno, "cannot give up supplementary groups (start it as root, or as a user without them)");
    if (setresgid(gid, gid, gid) != 0)
        return err_errno(err, errno, "cannot become gid %u", (unsigned)gid);
    if (getresgid(&real, &effective, &saved) != 0 || real != gid || effective != gid || saved != gid)
        return err_set(err, "gid %u was not taken", (unsigned)gid);
    return true;
}

static bool sandbox_take_uid(uid_t uid, struct err *err)
{
    uid_t real;
    uid_t effective;
    uid_t saved;
    if (setresuid(uid, uid, uid) != 0)
        return err_errno(err, errno, "cannot become uid %u", (unsigned)uid);
    if (getresuid(&real, &effective, &saved) != 0 || real != uid || effective != uid || saved != uid)
        return err_set(err, "uid %u was not taken", (unsigned)uid);
    return true;
}

/* Empties the capability sets: a kept uid may be root in a user namespace. */
static bool sandbox_drop_capabilities(struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 || syscall(SYS_capset, &head, none) != 0)
        return err_errno(err, errno, "cannot give up capabilities");
    return true;
}

static bool sandbox_limit(int resource, uint64_t most, const char *name, struct err *err)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) != 0)
        return err_errno(err, errno, "cannot read the limit of %s", name);
    rlim_t wanted = now.rlim_max != RLIM_INFINITY && now.rlim_max < most ? now.rlim_max : (rlim_t)most;
    const struct rlimit set = {wanted, wanted};
    if (setrlimit((__rlimit_resource_t)resource, &set) != 0)
        return err_errno(err, errno, "cannot limit %s", name);
    return true;
}

static bool sandbox_limits(const struct sandbox *sandbox, struct err *err)
{
    if (!sandbox_limit(RLIMIT_CORE, 0, "core dumps", err))
        return false;
    if (sandbox->files_max > 0 && !sandbox_limit(RLIMIT_NOFILE, sandbox->files_max, "descriptors", err))
        return false;
    return !SANDBOX_LIMIT_MEMORY || sandbox->memory_max == 0 ||
           sandbox_limit(RLIMIT_AS, sandbox->memory_max, "memory", err);
}

bool sandbox_enter(const struct sandbox *sandbox, struct err *err)
{
    struct sandbox_landlock landlock;
    if (!sandbox_landlock_open(&landlock, sandbox, err))
        return false;
    if (sandbox->gid != UINT32_MAX && !sandbox_take_gid(sandbox->gid, err))
        return false;
    if (sandbox->uid != UINT32_MAX && !sandbox_take_uid(sandbox->uid, err))
        return false;
    if (!sandbox_drop_capabilities(err))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(err, errno, "cannot set no_new_privs");
    if (!sandbox_limits(sandbox, err))
        return false;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_errno(err, errno, "cannot forbid dumps");
    return sandbox_landlock_enter(&landlock, (sandbox->groups & SANDBOX_NET_CLIENT) != 0, err) &&
           sandbox_seccomp_enter(sandbox->groups, err);
}

bool sandbox_enter_pipe_only(uint64_t memory_max, uint64_t cpu_seconds, struct err *err)
{
    if (SANDBOX_LIMIT_MEMORY && memory_max > 0 && !sandbox_limit(RLIMIT_AS, memory_max, "memory", err))
        return false;
    if (cpu_seconds > 0 && !sandbox_limit(RLIMIT_CPU, cpu_seconds, "processor time", err))
        return false;
    return sandbox_seccomp_pipe_only(err);
}
