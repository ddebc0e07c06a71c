/* SPDX-License-Identifier: Apache-2.0 */
/* The root key in a file: one line of text, "sealpost-root-1 " and 64 hex digits, mode 0600 or stricter. */
#ifndef KEYS_ROOT_FILE_H
#define KEYS_ROOT_FILE_H

#include "keys/root.h"

#define ROOT_FILE_NAME "root.key"

/* Makes a new root key below the directory dir_fd under `name`, never over an existing file; on stable storage when it
 * returns true. */
bool root_file_create(int dir_fd, const char *name, struct err *err);

/* Reads the root key from the file `name` below dir_fd. False when it is missing, readable by others, or not whole. */
bool root_file_open(int dir_fd, const char *name, struct root **ret_root, struct err *err);

#endif
