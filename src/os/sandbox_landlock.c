/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock: no file but those below the given paths, from ABI 2 on. Later ABIs add truncation (3), TCP ports (4),
 * device ioctls (5), abstract sockets and signals (6); their numbers are written here because the headers of the
 * oldest supported system end at ABI 2. */
#include "os/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SANDBOX_ABI_MIN 2u /* below it files cannot be renamed between directories, which the store does */

#define SANDBOX_FS_ABI1 ((UINT64_C(1) << 13) - 1)
#define SANDBOX_FS_REFER (UINT64_C(1) << 13)
#define SANDBOX_FS_TRUNCATE (UINT64_C(1) << 14)
#define SANDBOX_FS_IOCTL_DEV (UINT64_C(1) << 15)
#define SANDBOX_NET_BIND_CONNECT UINT64_C(3)
#define SANDBOX_SCOPE_ABSTRACT_SIGNAL UINT64_C(3)

/* The kernel's struct as of ABI 6; an older kernel is told the smaller size. */
struct sandbox_ruleset {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};

uint32_t sandbox_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : (uint32_t)abi;
}

static void sandbox_landlock_close(struct sandbox_landlock *ll)
{
    for (size_t i = 0; i < ll->count; i++)
        close(ll->fds[i]);
    ll->count = 0;
}

bool sandbox_landlock_open(struct sandbox_landlock *ll, const struct sandbox *sandbox, struct err *err)
{
    *ll = (struct sandbox_landlock){.abi = sandbox_landlock_abi()};
    if (sandbox->landlock_abi_max > 0 && ll->abi > sandbox->landlock_abi_max)
        ll->abi = sandbox->landlock_abi_max;
    if (ll->abi < SANDBOX_ABI_MIN)
        return err_set(err, "the kernel's Landlock has ABI %u, needed is %u: use Linux 5.19 or newer with lsm=landlock",
                       ll->abi, SANDBOX_ABI_MIN);
    if (sandbox->path_count > SANDBOX_PATHS_MAX)
        return err_set(err, "more than %u paths for the sandbox", SANDBOX_PATHS_MAX);
    for (size_t i = 0; i < sandbox->path_count; i++) {
        int fd = open(sandbox->paths[i].path, O_PATH | O_CLOEXEC);
        if (fd < 0) {
            err_errno(err, errno, "cannot open %s for the sandbox", sandbox->paths[i].path);
            sandbox_landlock_close(ll);
            return false;
        }
        ll->fds[ll->count] = fd;
        ll->access[ll->count++] = sandbox->paths[i].access;
    }
    return true;
}

static uint64_t sandbox_handled_fs(uint32_t abi)
{
    return SANDBOX_FS_ABI1 | SANDBOX_FS_REFER | (abi >= 3 ? SANDBOX_FS_TRUNCATE : 0) |
           (abi >= 5 ? SANDBOX_FS_IOCTL_DEV : 0);
}

/* Rights below one path: never execute, never devices or sockets. A file takes only the rights that fit a file. */
static uint64_t sandbox_path_rights(unsigned access, bool is_dir, uint32_t abi)
{
    uint64_t rights = 0;
    if ((access & SANDBOX_PATH_READ) != 0)
        rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    if ((access & SANDBOX_PATH_WRITE) != 0)
        rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | SANDBOX_FS_REFER | SANDBOX_FS_TRUNCATE;
    if (!is_dir)
        rights &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | SANDBOX_FS_TRUNCATE;
    return rights & sandbox_handled_fs(abi);
}

static bool sandbox_landlock_rule(int ruleset, int fd, unsigned access, uint32_t abi, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(err, errno, "cannot look at a path of the sandbox");
    struct landlock_path_beneath_attr rule = {
        .allowed_access = sandbox_path_rights(access, S_ISDIR(st.st_mode), abi), .parent_fd = fd};
    if (rule.allowed_access != 0 &&
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return err_errno(err, errno, "Landlock refuses a path");
    return true;
}

bool sandbox_landlock_enter(struct sandbox_landlock *ll, bool net_client, struct err *err)
{
    struct sandbox_ruleset attr = {sandbox_handled_fs(ll->abi), 0, 0};
    size_t size = sizeof(attr.fs);
    if (ll->abi >= 4 && !net_client)
        attr.net = SANDBOX_NET_BIND_CONNECT;
    if (ll->abi >= 6)
        attr.scoped = SANDBOX_SCOPE_ABSTRACT_SIGNAL;
    if (ll->abi >= 4)
        size = ll->abi >= 6 ? sizeof(attr) : sizeof(attr.fs) + sizeof(attr.net);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    bool good = ruleset >= 0 || err_errno(err, errno, "Landlock cannot be set up");
    for (size_t i = 0; good && i < ll->count; i++)
        good = sandbox_landlock_rule(ruleset, ll->fds[i], ll->access[i], ll->abi, err);
    if (good && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        good = err_errno(err, errno, "Landlock cannot be entered");
    if (ruleset >= 0)
        close(ruleset);
    sandbox_landlock_close(ll);
    return good;
}
