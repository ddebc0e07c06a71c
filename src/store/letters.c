/* SPDX-License-Identifier: Apache-2.0 */
/* Content files by id. */
#include "store/letters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* A file that is being filled. */
struct letters_file {
    struct id id;
    int fd;
    const void *owner;
};

void letters_init(struct letters *l, int dir_fd)
{
    l->dir_fd = dir_fd;
    l->open = map_create(ID_SIZE, LETTERS_OPEN_MAX);
}

void letters_free(struct letters *l)
{
    size_t cursor = 0;
    void *value = NULL;
    while (l->open != NULL && map_next(l->open, &cursor, NULL, &value)) {
        struct letters_file *file = value;
        close(file->fd);
        mem_free(file);
    }
    map_free(&l->open);
    if (l->dir_fd >= 0) {
        close(l->dir_fd);
    }
    l->dir_fd = -1;
}

int letters_create(struct letters *l, const struct id *id, const void *owner)
{
    char name[ID_TEXT_SIZE];
    if (map_count(l->open) >= LETTERS_OPEN_MAX) {
        errno = EMFILE;
        return -1;
    }
    id_text(id, name);
    int fd = openat(l->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        struct letters_file *file = mem_new(sizeof *file);
        *file = (struct letters_file){*id, fd, owner};
        map_put(l->open, id->b, file);
    }
    return fd;
}

int letters_take(struct letters *l, const struct id *id, uint64_t length)
{
    struct stat st;
    struct letters_file *file = map_get(l->open, id->b);
    if (file == NULL || fstat(file->fd, &st) != 0 || st.st_size < 0 || (uint64_t)st.st_size != length) {
        return -1;
    }
    int fd = file->fd;
    map_remove(l->open, id->b);
    mem_free(file);
    return fd;
}

int letters_read(const struct letters *l, const struct id *id)
{
    char name[ID_TEXT_SIZE];
    id_text(id, name);
    return openat(l->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

void letters_remove(struct letters *l, const struct id *id)
{
    char name[ID_TEXT_SIZE];
    struct letters_file *file = map_remove(l->open, id->b);
    if (file != NULL) {
        close(file->fd);
        mem_free(file);
    }
    id_text(id, name);
    unlinkat(l->dir_fd, name, 0);
}

void letters_forget(struct letters *l, const void *owner)
{
    size_t cursor = 0;
    void *value = NULL;
    while (map_next(l->open, &cursor, NULL, &value)) {
        const struct letters_file *file = value;
        if (file->owner == owner) {
            const struct id id = file->id;
            letters_remove(l, &id);
            cursor = 0; /* the map may have moved its entries */
        }
    }
}

static bool letters_wanted(const char *name, const struct map *live)
{
    struct id id;
    char exact[ID_TEXT_SIZE];
    if (!id_parse(slice_str(name), &id)) {
        return false;
    }
    id_text(&id, exact);
    return strcmp(exact, name) == 0 && map_get(live, id.b) != NULL;
}

size_t letters_sweep(struct letters *l, const struct map *live)
{
    size_t removed = 0;
    int fd = openat(l->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return 0;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        bool dot = entry->d_name[0] == '.';
        if (!dot && !letters_wanted(entry->d_name, live) && unlinkat(l->dir_fd, entry->d_name, 0) == 0) {
            removed++;
        }
    }
    closedir(dir);
    return removed;
}
