/* SPDX-License-Identifier: Apache-2.0 */
/* Keys by name: cache, files, rotation of the root. */
#include "keys/hierarchy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/wire.h"
#include "keys/key_file.h"

#define MAGIC SLICE_LIT("SPK1")
#define CACHE_KEY_SIZE 16

struct cached {
    char name[KEY_NAME_MAX];
    struct key key;
};

struct hierarchy {
    int dir_fd;
    struct root *root;
    struct map *cache; /* of struct cached, by two SipHashes of the name; the name is compared */
    uint8_t seed[2][16];
};

struct hierarchy *hierarchy_create(int dir_fd, struct root *root)
{
    struct hierarchy *h = mem_new(sizeof(*h));
    h->dir_fd = dir_fd;
    h->root = root;
    h->cache = map_create(CACHE_KEY_SIZE, HIERARCHY_CACHE_MAX);
    mem_random(h->seed, sizeof(h->seed));
    return h;
}

/* Empties the cache. */
static void forget(struct hierarchy *h)
{
    size_t cursor = 0;
    const void *key = NULL;
    void *value = NULL;
    while (map_next(h->cache, &cursor, &key, &value)) {
        map_remove(h->cache, key);
        mem_free_secret(value, sizeof(struct cached));
    }
}

void hierarchy_free(struct hierarchy **hierarchy)
{
    if (hierarchy == NULL || *hierarchy == NULL)
        return;
    forget(*hierarchy);
    map_free(&(*hierarchy)->cache);
    root_free(&(*hierarchy)->root);
    mem_free(*hierarchy);
    *hierarchy = NULL;
}

static void cache_key(const struct hierarchy *h, const char *name, uint64_t ret_key[2])
{
    ret_key[0] = map_siphash(h->seed[0], slice_str(name));
    ret_key[1] = map_siphash(h->seed[1], slice_str(name));
}

static bool cache_get(const struct hierarchy *h, const char *name, struct key *ret_key)
{
    uint64_t key[2];
    cache_key(h, name, key);
    const struct cached *cached = map_get(h->cache, key);
    if (cached == NULL || strcmp(cached->name, name) != 0)
        return false;
    *ret_key = cached->key;
    return true;
}

static void cache_put(struct hierarchy *h, const char *name, const struct key *value)
{
    uint64_t key[2];
    cache_key(h, name, key);
    if (map_count(h->cache) >= HIERARCHY_CACHE_MAX)
        forget(h);
    struct cached *cached = mem_new(sizeof(*cached));
    memcpy(cached->name, name, strlen(name));
    cached->key = *value;
    mem_free_secret(map_remove(h->cache, key), sizeof(*cached));
    map_put(h->cache, key, cached);
}

static bool write_key(int dir_fd, struct root *root, const char *name, const struct key *key, bool replace,
                      struct err *err)
{
    struct buf file;
    buf_init(&file, KEY_FILE_MAX);
    buf_append_slice(&file, MAGIC);
    buf_append(&file, root->id, ROOT_ID_SIZE);
    bool ok = root->ops->wrap(root, slice_str(name), key, &file, err);
    ok = ok && (replace ? key_file_replace : key_file_write)(dir_fd, name, buf_slice(&file), err);
    buf_free(&file);
    return ok;
}

/* Reads a key file and unwraps it under the one of the roots that wrapped it; *ret_which is its number. */
static bool read_key(int dir_fd, struct root *const *roots, size_t root_count, const char *name, struct key *ret_key,
                     size_t *ret_which, struct err *err)
{
    struct buf file;
    buf_init(&file, KEY_FILE_MAX);
    bool ok = key_file_read(dir_fd, name, &file, err);
    if (ok) {
        struct wire_reader r = wire_reader_of(buf_slice(&file));
        struct slice magic = wire_bytes(&r, MAGIC.len);
        struct slice id = wire_bytes(&r, ROOT_ID_SIZE);
        struct slice wrapped = wire_bytes(&r, wire_left(&r));
        size_t i = 0;
        while (i < root_count && !slice_eq(id, slice_of(roots[i]->id, ROOT_ID_SIZE)))
            i++;
        if (!slice_eq(magic, MAGIC) || i == root_count)
            ok = err_set(err, "the key file %s is damaged or was wrapped under another root key", name);
        else if (!roots[i]->ops->unwrap(roots[i], slice_str(name), wrapped, ret_key, err))
            ok = err_prefix(err, "%s: ", name);
        *ret_which = i;
    }
    buf_free(&file);
    return ok;
}

bool hierarchy_find_text(struct hierarchy *h, struct slice text, struct key *ret_key, bool *ret_missing,
                         struct err *err)
{
    char name[KEY_NAME_MAX] = "";
    struct key_name parsed;
    size_t which = 0;
    *ret_missing = false;
    if (text.len >= KEY_NAME_MAX)
        return err_set(err, "that is no name of a key");
    memcpy(name, text.data, text.len);
    if (cache_get(h, name, ret_key))
        return true;
    if (!key_name_parse(text, &parsed))
        return err_set(err, "that is no name of a key");
    if (!key_file_exists(h->dir_fd, name)) {
        *ret_missing = errno == ENOENT;
        return err_errno(err, errno, "the key %s is not here", name);
    }
    if (!read_key(h->dir_fd, &h->root, 1, name, ret_key, &which, err))
        return false;
    cache_put(h, name, ret_key);
    return true;
}

bool hierarchy_find(struct hierarchy *h, const struct key_name *name, struct key *ret_key, bool *ret_missing,
                    struct err *err)
{
    char text[KEY_NAME_MAX];
    *ret_missing = false;
    if (!key_name_text(name, text))
        return err_set(err, "that is no name of a key");
    return hierarchy_find_text(h, slice_str(text), ret_key, ret_missing, err);
}

bool hierarchy_key(struct hierarchy *h, const struct key_name *name, struct key *ret_key, struct err *err)
{
    char text[KEY_NAME_MAX];
    bool missing = false;
    if (hierarchy_find(h, name, ret_key, &missing, err))
        return true;
    if (!missing || !key_name_text(name, text))
        return false;
    mem_random(ret_key->b, KEY_SIZE);
    if (!write_key(h->dir_fd, h->root, text, ret_key, false, err)) {
        mem_wipe(ret_key, sizeof(*ret_key));
        return false;
    }
    cache_put(h, text, ret_key);
    return true;
}

/* One file of the directory, when it is a key's. */
static bool rewrap_one(int dir_fd, const char *name, struct root *const roots[2], size_t *count, struct err *err)
{
    struct key_name parsed;
    struct key key;
    size_t which = 0;
    if (!key_name_parse(slice_str(name), &parsed))
        return true;
    if (!read_key(dir_fd, roots, 2, name, &key, &which, err))
        return false;
    bool ok = which == 1 || write_key(dir_fd, roots[1], name, &key, true, err);
    if (ok && which == 0)
        *count += 1;
    mem_wipe(&key, sizeof(key));
    return ok;
}

bool hierarchy_rewrap(int dir_fd, struct root *from, struct root *to, size_t *ret_count, struct err *err)
{
    struct root *const roots[2] = {from, to};
    *ret_count = 0;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        err_errno(err, errno, "cannot list the directory of keys");
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool ok = true;
    struct dirent *entry = NULL;
    while (ok && (entry = readdir(dir)) != NULL)
        ok = rewrap_one(dir_fd, entry->d_name, roots, ret_count, err);
    closedir(dir);
    return ok;
}
