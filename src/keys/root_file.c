/* SPDX-License-Identifier: Apache-2.0 */
/* File root: AES-256-GCM under the file's key, bound to the name of the wrapped key. */
#include "keys/root_file.h"

#include <openssl/sha.h>

#include "base/codec.h"
#include "base/mem.h"
#include "keys/crypto.h"
#include "keys/gcm.h"
#include "keys/key_file.h"

#define HEAD SLICE_LIT("sealpost-root-1 ")
#define LINE_MAX_BYTES 128
#define AAD_MAX 256
#define WRAPPED_SIZE (GCM_IV_SIZE + KEY_SIZE + GCM_TAG_SIZE)

struct root_file {
    struct root root;
    struct gcm *seal;
    struct gcm *open;
};

void root_free(struct root **root)
{
    if (root == NULL || *root == NULL)
        return;
    (*root)->ops->free(*root);
    *root = NULL;
}

static void aad_of(struct slice name, struct buf *out)
{
    buf_init(out, AAD_MAX);
    buf_append_str(out, "sealpost-key-1 ");
    buf_append_slice(out, name);
}

static bool file_wrap(struct root *root, struct slice name, const struct key *key, struct buf *out, struct err *err)
{
    struct root_file *file = (struct root_file *)(void *)root;
    struct buf aad;
    aad_of(name, &aad);
    uint8_t *at = buf_reserve(out, WRAPPED_SIZE);
    bool ok = at != NULL && buf_ok(&aad);
    if (ok) {
        mem_random(at, GCM_IV_SIZE);
        gcm_seal(file->seal, at, buf_slice(&aad), slice_of(key->b, KEY_SIZE), at + GCM_IV_SIZE,
                 at + GCM_IV_SIZE + KEY_SIZE);
        buf_added(out, WRAPPED_SIZE);
    }
    buf_free(&aad);
    return ok || err_set(err, "a key's name is too long");
}

static bool file_unwrap(struct root *root, struct slice name, struct slice wrapped, struct key *ret_key,
                        struct err *err)
{
    struct root_file *file = (struct root_file *)(void *)root;
    struct buf aad;
    if (wrapped.len != WRAPPED_SIZE)
        return err_set(err, "a wrapped key has the wrong length");
    aad_of(name, &aad);
    bool ok = buf_ok(&aad) && gcm_open(file->open, wrapped.data, buf_slice(&aad),
                                       slice_sub(wrapped, GCM_IV_SIZE, KEY_SIZE),
                                       wrapped.data + GCM_IV_SIZE + KEY_SIZE, ret_key->b);
    buf_free(&aad);
    return ok || err_set(err, "the wrapped key was changed or belongs to another root key");
}

static void file_free(struct root *root)
{
    struct root_file *file = (struct root_file *)(void *)root;
    gcm_free(&file->seal);
    gcm_free(&file->open);
    mem_free_secret(file, sizeof(*file));
}

static const struct root_ops file_ops = {file_wrap, file_unwrap, file_free};

static struct root *make(const struct key *key)
{
    struct root_file *file = mem_new(sizeof(*file));
    uint8_t hashed[16 + KEY_SIZE] = "sealpost-root-id";
    uint8_t sum[SHA256_DIGEST_LENGTH];
    file->root.ops = &file_ops;
    file->seal = gcm_create(GCM_SEAL);
    file->open = gcm_create(GCM_OPEN);
    gcm_key(file->seal, key);
    gcm_key(file->open, key);
    memcpy(hashed + 16, key->b, KEY_SIZE);
    crypto_must(SHA256(hashed, sizeof(hashed), sum) != NULL, "SHA-256");
    memcpy(file->root.id, sum, ROOT_ID_SIZE);
    mem_wipe(hashed, sizeof(hashed));
    return &file->root;
}

bool root_file_create(int dir_fd, const char *name, struct err *err)
{
    struct key key;
    struct buf line;
    buf_init_secret(&line, LINE_MAX_BYTES);
    mem_random(key.b, KEY_SIZE);
    buf_append_slice(&line, HEAD);
    codec_hex(&line, slice_of(key.b, KEY_SIZE));
    buf_append_byte(&line, '\n');
    bool ok = key_file_write(dir_fd, name, buf_slice(&line), err);
    buf_free(&line);
    mem_wipe(&key, sizeof(key));
    return ok;
}

bool root_file_open(int dir_fd, const char *name, struct root **ret_root, struct err *err)
{
    struct buf line, raw;
    buf_init_secret(&line, LINE_MAX_BYTES);
    buf_init_secret(&raw, KEY_SIZE);
    bool ok = key_file_read(dir_fd, name, &line, err);
    struct slice text = buf_slice(&line);
    if (ok) {
        if (text.len > 0 && text.data[text.len - 1] == '\n')
            text.len--;
        ok = slice_starts(text, HEAD) && codec_unhex(&raw, slice_sub(text, HEAD.len, text.len)) && raw.len == KEY_SIZE;
        if (!ok)
            err_set(err, "%s is no root key file (one line, \"sealpost-root-1\" and 64 hex digits)", name);
    }
    if (ok) {
        struct key key;
        memcpy(key.b, raw.data, KEY_SIZE);
        *ret_root = make(&key);
        mem_wipe(&key, sizeof(key));
    }
    buf_free(&line);
    buf_free(&raw);
    return ok;
}
