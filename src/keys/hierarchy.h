/* SPDX-License-Identifier: Apache-2.0 */
/* The key hierarchy: root wraps the keys named in key_name.h, one file each below one directory. keyd holds the only
 * one. Keys are made when first asked for and kept in a bounded cache. File: "SPK1", root id (8 bytes), wrapped key. */
#ifndef KEYS_HIERARCHY_H
#define KEYS_HIERARCHY_H

#include "keys/key_name.h"
#include "keys/root.h"

#define HIERARCHY_CACHE_MAX 4096 /* keys in memory: a thousand tenants' kinds of today; the rest is read again */

struct hierarchy;

/* A hierarchy over the directory dir_fd (borrowed, must stay open) under root, which it takes over. */
struct hierarchy *hierarchy_create(int dir_fd, struct root *root);

/* Wipes and frees, root too; accepts NULL and a NULL hierarchy. */
void hierarchy_free(struct hierarchy **hierarchy);

/* The key of that name, made durable first when it does not exist yet. The caller wipes *ret_key. False with a reason
 * when the name is not well formed or the directory fails. */
bool hierarchy_key(struct hierarchy *hierarchy, const struct key_name *name, struct key *ret_key, struct err *err);

/* As hierarchy_key(), for reading: a key that does not exist is not made. False with *ret_missing set when it is
 * absent (destroyed, or never made here). */
bool hierarchy_find(struct hierarchy *hierarchy, const struct key_name *name, struct key *ret_key, bool *ret_missing,
                    struct err *err);

/* As hierarchy_find() for the text of a name as it stands in a sealed header; cheap for a key in the cache. */
bool hierarchy_find_text(struct hierarchy *hierarchy, struct slice text, struct key *ret_key, bool *ret_missing,
                         struct err *err);

/* Wraps every key in the directory dir_fd, held by root `from`, anew under root `to`; keys already under `to` are left,
 * so that an interrupted run is simply run again. Nothing else may use the directory meanwhile. *ret_count: keys
 * rewrapped. */
bool hierarchy_rewrap(int dir_fd, struct root *from, struct root *to, size_t *ret_count, struct err *err);

#endif
