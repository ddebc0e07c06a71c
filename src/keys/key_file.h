/* SPDX-License-Identifier: Apache-2.0 */
/* Small secret files below one directory: read with their mode checked, written so that after a crash either the old
 * or the new file is there whole (temporary file, fsync, link or rename, fsync of the directory). */
#ifndef KEYS_KEY_FILE_H
#define KEYS_KEY_FILE_H

#include "base/buf.h"
#include "base/err.h"

#define KEY_FILE_MAX 4096 /* bytes */

/* Writes a new file of mode 0600; false when it exists already or cannot be made durable. */
bool key_file_write(int dir_fd, const char *name, struct slice bytes, struct err *err);

/* Writes a file of mode 0600 in place of an older one, if there is one. */
bool key_file_replace(int dir_fd, const char *name, struct slice bytes, struct err *err);

/* Appends the content of a regular file to out (secret). False when it is missing, is no regular file, may be read by
 * anybody but its owner, or is longer than KEY_FILE_MAX. */
bool key_file_read(int dir_fd, const char *name, struct buf *out, struct err *err);

/* True when a file of this name exists; otherwise errno tells why not. */
bool key_file_exists(int dir_fd, const char *name);

#endif
