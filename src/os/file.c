/* SPDX-License-Identifier: Apache-2.0 */
/* Opening against races, reading whole and bounded, replacing atomically. */
#include "os/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILE_TEMP_MAX 300 /* NAME_MAX and our ending */

int file_open_dir(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        err_errno(err, errno, "cannot open directory %s", path);
    return fd;
}

int file_open_at(int dir, const char *name, int flags, mode_t mode, struct err *err)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC | O_NOFOLLOW,
        .mode = (flags & O_CREAT) != 0 ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
    if (fd < 0) {
        int cause = errno;
        err_errno(err, cause, "cannot open %s", name);
        errno = cause;
        return -1;
    }
    return (int)fd;
}

int file_open_dir_at(int dir, const char *name, bool create, struct err *err)
{
    if (create && mkdirat(dir, name, 0700) < 0 && errno != EEXIST) {
        err_errno(err, errno, "cannot make directory %s", name);
        return -1;
    }
    return file_open_at(dir, name, O_RDONLY | O_DIRECTORY, 0, err);
}

bool file_read_path(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not stop us */
    if (fd < 0)
        return err_errno(err, errno, "cannot open %s", path);
    bool good = file_read_fd(fd, path, out, err);
    close(fd);
    return good;
}

bool file_read_fd(int fd, const char *name, struct buf *out, struct err *err)
{
    struct stat st;
    off_t at = 0;
    if (fstat(fd, &st) < 0)
        return err_errno(err, errno, "cannot read %s", name);
    if (!S_ISREG(st.st_mode))
        return err_set(err, "%s is not a regular file", name);
    if (st.st_size > 0 && buf_reserve(out, (size_t)st.st_size) == NULL)
        return err_set(err, "%s is longer than %zu bytes", name, out->max);
    while (true) {
        /* one byte more than is left shows a file that has grown */
        uint8_t chunk[4096];
        ssize_t n = pread(fd, chunk, sizeof(chunk), at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "cannot read %s", name);
        bool kept = buf_append(out, chunk, (size_t)n);
        if (out->secret)
            mem_wipe(chunk, sizeof(chunk));
        if (n == 0)
            return true;
        if (!kept)
            return err_set(err, "%s is longer than %zu bytes", name, out->max);
        at += n;
    }
}

bool file_read(int dir, const char *name, struct buf *out, struct err *err)
{
    int fd = file_open_at(dir, name, O_RDONLY | O_NONBLOCK, 0, err); /* a FIFO must not stop us */
    if (fd < 0)
        return false;
    bool good = file_read_fd(fd, name, out, err);
    close(fd);
    return good;
}

bool file_write_all(int fd, struct slice s, struct err *err)
{
    while (s.len > 0) {
        ssize_t n = write(fd, s.data, s.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_errno(err, n < 0 ? errno : EIO, "cannot write");
        s = slice_sub(s, (size_t)n, s.len);
    }
    return true;
}

/* Creates `name` anew with content, flushed; nothing of it is left on failure. */
static bool file_make(int dir, const char *name, struct slice content, mode_t mode, struct err *err)
{
    int fd = file_open_at(dir, name, O_WRONLY | O_CREAT | O_EXCL, mode, err);
    if (fd < 0)
        return false;
    bool good = file_write_all(fd, content, err);
    if (good && fsync(fd) < 0)
        good = err_errno(err, errno, "cannot flush");
    if (close(fd) < 0 && good)
        good = err_errno(err, errno, "cannot close");
    if (!good) {
        unlinkat(dir, name, 0);
        err_prefix(err, "%s: ", name);
    }
    return good;
}

bool file_create(int dir, const char *name, struct slice content, mode_t mode, struct err *err)
{
    return file_make(dir, name, content, mode, err) && file_sync_dir(dir, err);
}

bool file_replace(int dir, const char *name, struct slice content, mode_t mode, struct err *err)
{
    char temp[FILE_TEMP_MAX];
    uint64_t nonce;
    mem_random(&nonce, sizeof(nonce));
    int len = snprintf(temp, sizeof(temp), "%s.%016llx.new", name, (unsigned long long)nonce);
    if (len < 0 || (size_t)len >= sizeof(temp))
        return err_set(err, "%s: the name is too long", name);
    if (!file_make(dir, temp, content, mode, err))
        return false;
    if (renameat(dir, temp, dir, name) < 0) {
        err_errno(err, errno, "cannot rename to %s", name);
        unlinkat(dir, temp, 0);
        return false;
    }
    return file_sync_dir(dir, err);
}

bool file_remove(int dir, const char *name, bool durable, struct err *err)
{
    if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
        return err_errno(err, errno, "cannot remove %s", name);
    return !durable || file_sync_dir(dir, err);
}

bool file_sync_dir(int dir, struct err *err)
{
    return fsync(dir) == 0 || err_errno(err, errno, "cannot flush a directory");
}
