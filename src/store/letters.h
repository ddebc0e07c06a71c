/* SPDX-License-Identifier: Apache-2.0 */
/* Content in files of its own: messages above 64 KB in content/, every letter in letters/. The store makes the file
 * (O_EXCL, O_APPEND), hands the descriptor to the role that fills it, and before the record that names it checks the
 * length and flushes file and directory (journal_attach()). The name is the id, in its text form, and nothing else.
 * docs/decisions/0005-letters-as-files.md tells why letters are files. */
#ifndef STORE_LETTERS_H
#define STORE_LETTERS_H

#include "base/err.h"
#include "base/id.h"
#include "base/map.h"

#define LETTERS_OPEN_MAX 4096u /* files being filled at once, all peers */

/* One directory of content files. */
struct letters {
    int dir_fd;
    struct map *open; /* files handed out and not yet committed: letters_file */
};

/* Takes over dir_fd. */
void letters_init(struct letters *letters, int dir_fd);

/* Closes and frees. */
void letters_free(struct letters *letters);

/* Makes the file of id; its append-only descriptor stays owned by *letters until commit or drop. owner: who fills it
 * (only compared). -1 with errno: EEXIST when it is there, EMFILE over LETTERS_OPEN_MAX, ENOSPC. */
int letters_create(struct letters *letters, const struct id *id, const void *owner);

/* Removes what this owner was filling: it is gone. */
void letters_forget(struct letters *letters, const void *owner);

/* Takes the descriptor of a file being filled, when its length is the one given; the caller owns it then and hands it
 * to journal_attach(). -1: no such file, or another length. */
int letters_take(struct letters *letters, const struct id *id, uint64_t length);

/* Opens a finished file for reading; -1 with errno. */
int letters_read(const struct letters *letters, const struct id *id);

/* Removes a file, open or finished. Harmless when it is not there. */
void letters_remove(struct letters *letters, const struct id *id);

/* Removes every file whose id is not in `live` (a map of struct id), and files of other names. Returns how many. */
size_t letters_sweep(struct letters *letters, const struct map *live);

#endif
