/* SPDX-License-Identifier: Apache-2.0 */
/* The escrow public keys: every data key of mail and evidence is also wrapped for them, so that the archive opens with
 * the public SDK and a private key that is kept off this machine. RSA-OAEP with SHA-256 for hash and mask. */
#ifndef KEYS_ESCROW_H
#define KEYS_ESCROW_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

#define ESCROW_KEYS_MAX 3      /* each costs an RSA operation per data key and up to 512 bytes per message */
#define ESCROW_BITS_MIN 2048   /* SP 800-131A: the least still approved */
#define ESCROW_BITS_MAX 4096   /* a larger block would not fit a header */
#define ESCROW_BITS_NEW 3072
#define ESCROW_NAME_SIZE 17    /* 16 hex characters and NUL: half of half a SHA-256 of the public key */

struct escrow;

/* An empty set. */
struct escrow *escrow_create(void);

/* Frees; accepts NULL and a NULL set. */
void escrow_free(struct escrow **escrow);

/* Adds the public keys of a PEM text (`name` is shown in errors). False when there is none, when one is no RSA key of
 * ESCROW_BITS_MIN to ESCROW_BITS_MAX, when it is a private key, or when there would be more than ESCROW_KEYS_MAX. */
bool escrow_add_pem(struct escrow *escrow, struct slice pem, const char *name, struct err *err);

/* Number of keys. */
size_t escrow_count(const struct escrow *escrow);

/* Name of key number i (< escrow_count()): the key name of its raw RSA keyring. */
const char *escrow_name(const struct escrow *escrow, size_t i);

/* Appends the wrapped-key fields of a sealed header for every key, each with the data key under it. */
bool escrow_wrap(struct escrow *escrow, const struct key *data_key, struct buf *out, struct err *err);

/* Makes a new pair: PEM of the private key (PKCS#8, not encrypted) and of the public key (SubjectPublicKeyInfo). Both
 * buffers should be secret for the private part. */
bool escrow_generate(struct buf *ret_private_pem, struct buf *ret_public_pem, struct err *err);

#endif
