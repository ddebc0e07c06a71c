/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and reading public test vectors: below SEALPOST_VECTORS, or beside the checkout. */
#ifndef TESTS_UNIT_MAIL_VECTORS_H
#define TESTS_UNIT_MAIL_VECTORS_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

/* Reads a whole vector file into out (at most 4 MB); false when it is not there. */
static inline bool vectors_read(const char *name, struct buf *out)
{
    const char *root = getenv("SEALPOST_VECTORS");
    struct buf path;
    buf_init(&path, 4096);
    buf_printf(&path, "%s/%s", root != NULL ? root : VECTORS_DEFAULT, name);
    FILE *file = fopen(buf_cstr(&path), "rb");
    buf_free(&path);
    buf_init(out, 4u << 20);
    if (file == NULL)
        return false;
    char chunk[4096];
    size_t n = 0;
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_append(out, chunk, n);
    fclose(file);
    return buf_ok(out);
}

#endif
