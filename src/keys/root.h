/* SPDX-License-Identifier: Apache-2.0 */
/* The root of the key hierarchy: something that wraps and unwraps a working key under a name. What it is (a file, a
 * token, a service) is behind this interface; the hierarchy stores whatever wrap() gives. */
#ifndef KEYS_ROOT_H
#define KEYS_ROOT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

#define ROOT_ID_SIZE 8       /* bytes that name a root in every key it wrapped: not secret */
#define ROOT_WRAPPED_MAX 512 /* bytes of one wrapped key, whatever the provider */

struct root;

struct root_ops {
    /* Appends key, wrapped and bound to name, to out. */
    bool (*wrap)(struct root *root, struct slice name, const struct key *key, struct buf *out, struct err *err);
    /* Gives the key back; false when it was changed or wrapped under another name or root. */
    bool (*unwrap)(struct root *root, struct slice name, struct slice wrapped, struct key *ret_key, struct err *err);
    /* Wipes and frees root. */
    void (*free)(struct root *root);
};

/* First member of every provider's struct. */
struct root {
    const struct root_ops *ops;
    uint8_t id[ROOT_ID_SIZE];
};

/* Frees through the provider; accepts NULL and a NULL root. */
void root_free(struct root **root);

#endif
