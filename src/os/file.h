/* SPDX-License-Identifier: Apache-2.0 */
/* Files below a directory descriptor. Names are relative; no component may be a symbolic link or lead out of the
 * directory, even when somebody changes the tree meanwhile (openat2 with RESOLVE_BENEATH). All descriptors are
 * close-on-exec. Names appear in errors: they are the operator's or ids, never private text. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Opens the directory at an absolute path (symbolic links on the way are the operator's). -1 with the reason. */
int file_open_dir(const char *path, struct err *err);

/* Opens directory `name` below dir, made with mode 0700 when absent and create is set. -1 with the reason. */
int file_open_dir_at(int dir, const char *name, bool create, struct err *err);

/* Opens `name` below dir with open(2) flags (O_CREAT with mode). -1 with the reason; errno is kept. */
int file_open_at(int dir, const char *name, int flags, mode_t mode, struct err *err);

/* Appends the whole of the file to out, whose maximum is the limit. False with the reason: absent, too long, not a
 * regular file. */
bool file_read(int dir, const char *name, struct buf *out, struct err *err);

/* As file_read() for a path of the operator's: it may be absolute and lead over links. */
bool file_read_path(const char *path, struct buf *out, struct err *err);

/* As file_read() for an open descriptor, from its start, without moving its position. name is for the error text. */
bool file_read_fd(int fd, const char *name, struct buf *out, struct err *err);

/* Writes all of s at the descriptor's position. False with the reason. */
bool file_write_all(int fd, struct slice s, struct err *err);

/* Replaces `name` below dir so that after a crash either the old or the new content is there whole: a new file, fsync,
 * rename, fsync of the directory. A failed fsync is an error and is not tried again. */
bool file_replace(int dir, const char *name, struct slice content, mode_t mode, struct err *err);

/* Creates `name` with this content; false when it exists already. On stable storage when true. */
bool file_create(int dir, const char *name, struct slice content, mode_t mode, struct err *err);

/* Removes `name`; absent is fine. durable: the directory is flushed too. */
bool file_remove(int dir, const char *name, bool durable, struct err *err);

/* Flushes a directory, so that names made or removed in it survive a crash. */
bool file_sync_dir(int dir, struct err *err);

#endif
