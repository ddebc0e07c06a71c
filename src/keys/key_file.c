/* SPDX-License-Identifier: Apache-2.0 */
/* Durable small files. */
#include "keys/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY ".new" /* one writer: keyd, or `sealpost init` before it */

static bool write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = slice_sub(bytes, (size_t)n, bytes.len);
    }
    return true;
}

/* The content under the temporary name, flushed. A leftover of a crash is removed first. */
static bool write_temporary(int dir_fd, struct slice bytes)
{
    if (unlinkat(dir_fd, TEMPORARY, 0) != 0 && errno != ENOENT)
        return false;
    int fd = openat(dir_fd, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, bytes) && fsync(fd) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return ok;
}

bool key_file_write(int dir_fd, const char *name, struct slice bytes, struct err *err)
{
    bool ok = write_temporary(dir_fd, bytes) && renameat2(dir_fd, TEMPORARY, dir_fd, name, RENAME_NOREPLACE) == 0 &&
              fsync(dir_fd) == 0;
    return ok || err_errno(err, errno, "cannot write the key file %s", name);
}

bool key_file_replace(int dir_fd, const char *name, struct slice bytes, struct err *err)
{
    bool ok = write_temporary(dir_fd, bytes) && renameat(dir_fd, TEMPORARY, dir_fd, name) == 0 && fsync(dir_fd) == 0;
    return ok || err_errno(err, errno, "cannot replace the key file %s", name);
}

static bool read_all(int fd, struct buf *out)
{
    uint8_t *at = buf_reserve(out, KEY_FILE_MAX < out->max - out->len ? KEY_FILE_MAX : out->max - out->len);
    size_t room = KEY_FILE_MAX < out->max - out->len ? KEY_FILE_MAX : out->max - out->len;
    size_t got = 0;
    ssize_t n = 1;
    while (at != NULL && got < room && n > 0) {
        n = read(fd, at + got, room - got);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            got += (size_t)n;
    }
    if (at == NULL || n < 0)
        return false;
    buf_added(out, got);
    return true;
}

bool key_file_read(int dir_fd, const char *name, struct buf *out, struct err *err)
{
    struct stat st;
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_errno(err, errno, "cannot open the key file %s", name);
    bool ok = fstat(fd, &st) == 0 && read_all(fd, out);
    if (!ok)
        err_errno(err, errno, "cannot read the key file %s", name);
    else if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        ok = err_set(err, "the key file %s may be read by others: chmod 600 it", name);
    else if ((size_t)st.st_size > KEY_FILE_MAX)
        ok = err_set(err, "the key file %s is too long", name);
    close(fd);
    return ok;
}

bool key_file_exists(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}
