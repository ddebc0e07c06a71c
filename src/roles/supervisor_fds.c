/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is opened with the supervisor's rights and used with fewer. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/inet.h"
#include "roles/supervisor.h"

static bool add(struct supervisor_fds *fds, enum role_fd what, uint32_t index, int fd, struct err *err)
{
    if (fd < 0) {
        return false;
    }
    if (fds->count == SUPERVISOR_FDS_MAX) {
        (void)close(fd);
        return err_set(err, "too many listeners");
    }
    fds->item[fds->count++] = (struct supervisor_fd){what, index, fd};
    return true;
}

static int open_file(const char *path, const char *what, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ELOOP) {
        fd = open(path, O_RDONLY | O_CLOEXEC); /* certificates are often links */
    }
    if (fd < 0) {
        (void)err_errno(err, errno, "cannot read %s %s", what, path);
    }
    return fd;
}

static bool add_pair(struct supervisor_fds *fds, uint32_t index, const char *certificate, const char *key, struct err *err)
{
    return add(fds, ROLE_FD_CERTIFICATE, index, open_file(certificate, "the certificate", err), err) &&
           add(fds, ROLE_FD_PRIVATE_KEY, index, open_file(key, "the private key", err), err);
}

/* The index of the Message Center's certificate stands behind those of the submission sections. */
static bool add_certificates(struct supervisor_fds *fds, const struct conf *conf, struct err *err)
{
    for (size_t i = 0; i < conf->submission_count; i++) {
        if (!add_pair(fds, (uint32_t)i, conf->submission[i].certificate, conf->submission[i].key, err)) {
            return false;
        }
    }
    return add_pair(fds, ROLE_CENTER_CERTIFICATE, conf->center_certificate, conf->center_key, err);
}

/* Files that processes read under user ids which may not reach them by path. */
static bool add_files(struct supervisor_fds *fds, const struct conf *conf, struct err *err)
{
    for (size_t i = 0; i < conf->keys_escrow.count; i++) {
        int fd = open_file(conf->keys_escrow.item[i], "the escrow key", err);
        if (!add(fds, ROLE_FD_ESCROW, (uint32_t)i, fd, err)) {
            return false;
        }
    }
    if (conf->resolver_trust_anchor != NULL &&
        !add(fds, ROLE_FD_TRUST_ANCHOR, 0, open_file(conf->resolver_trust_anchor, "the trust anchor", err), err)) {
        return false;
    }
    return add(fds, ROLE_FD_CA_FILE, 0, open_file(conf->trust_ca_file, "the CA bundle", err), err);
}

static bool add_listeners(struct supervisor_fds *fds, const struct conf *conf, struct err *err)
{
    for (size_t i = 0; i < conf->submission_count; i++) {
        for (size_t k = 0; k < conf->submission[i].listen.count; k++) {
            int fd = inet_listen(conf->submission[i].listen.item[k], err);
            if (!add(fds, ROLE_FD_SUBMISSION, (uint32_t)(i * CONF_LISTEN_MAX + k), fd, err)) {
                return err_prefix(err, "submission.listen: ");
            }
        }
    }
    for (size_t k = 0; k < conf->center_listen.count; k++) {
        if (!add(fds, ROLE_FD_CENTER, (uint32_t)k, inet_listen(conf->center_listen.item[k], err), err)) {
            return err_prefix(err, "center.listen: ");
        }
    }
    return true;
}

#define OWNED_DEPTH_MAX 3 /* store/<letters>/<file> */

/* Gives everything below a folder to another user id, after roles.uid was changed. Links are not followed. */
static bool give(int folder, uint32_t uid, int depth, struct err *err)
{
    DIR *dir = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const struct dirent *entry;
    bool ok = dir != NULL && depth > 0;

    while (ok && (entry = readdir(dir)) != NULL) {
        int below;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        ok = fchownat(folder, entry->d_name, uid, uid, AT_SYMLINK_NOFOLLOW) == 0;
        below = ok && entry->d_type == DT_DIR ? openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
        if (below >= 0) {
            ok = give(below, uid, depth - 1, err);
            (void)close(below);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return ok || err_errno(err, errno, "cannot give the state folder to user id %u", uid);
}

/* A folder below the state folder, made when missing, owned by uid and closed to all others. */
static int open_folder(const struct conf *conf, const char *name, uint32_t uid, mode_t mode, struct err *err)
{
    char path[4096];
    struct stat st;
    int fd;

    if (snprintf(path, sizeof(path), "%s/%s", conf->directory, name) >= (int)sizeof(path)) {
        (void)err_set(err, "the path of 'directory' is too long");
        return -1;
    }
    if (mkdir(path, mode) != 0 && errno != EEXIST) {
        (void)err_errno(err, errno, "cannot make %s", path);
        return -1;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0 || fchown(fd, uid, uid) != 0 || fchmod(fd, mode) != 0 ||
        (st.st_uid != uid && !give(fd, uid, OWNED_DEPTH_MAX, err))) {
        (void)err_errno(err, errno, "cannot use %s", path);
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

/* A local listener below run/: bound through the folder's descriptor, because sun_path is short. */
static int listen_local(int folder, const char *name, struct err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", folder, name);
    (void)unlinkat(folder, name, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || fchmodat(folder, name, 0600, 0) != 0 ||
        listen(fd, 64) != 0) {
        (void)err_errno(err, errno, "cannot make the control socket %s", name);
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

static bool add_folders(struct supervisor_fds *fds, const struct conf *conf, struct err *err)
{
    uint32_t uid = (uint32_t)conf->roles_uid;
    int run = open_folder(conf, "run", 0, 0700, err);
    bool ok = run >= 0 &&
              add(fds, ROLE_FD_STORE_DIR, 0, open_folder(conf, "store", uid + ROLE_STORE, 0700, err), err) &&
              add(fds, ROLE_FD_KEYS_DIR, 0, open_folder(conf, "keys", uid + ROLE_KEYD, 0700, err), err) &&
              add(fds, ROLE_FD_STORE_CONTROL, 0, listen_local(run, "store.sock", err), err) &&
              add(fds, ROLE_FD_KEYD_CONTROL, 0, listen_local(run, "keyd.sock", err), err);

    if (run >= 0) {
        (void)close(run);
    }
    return ok;
}

bool supervisor_fds_open(struct supervisor_fds *fds, const struct conf *conf, struct err *err)
{
    return add_listeners(fds, conf, err) && add_certificates(fds, conf, err) && add_files(fds, conf, err) &&
           add_folders(fds, conf, err);
}

/* Takes a renewed file over: into the place of the old one, or behind the others when there was none. */
static bool take_over(struct supervisor_fds *fds, struct supervisor_fd *item, struct err *err)
{
    int fd = item->fd;

    item->fd = -1;
    for (size_t i = 0; i < fds->count; i++) {
        if (fds->item[i].what == item->what && fds->item[i].index == item->index) {
            (void)close(fds->item[i].fd);
            fds->item[i].fd = fd;
            return true;
        }
    }
    return add(fds, item->what, item->index, fd, err);
}

bool supervisor_fds_renew(struct supervisor_fds *fds, const struct conf *conf, struct err *err)
{
    struct supervisor_fds fresh = {.count = 0};
    bool ok = add_certificates(&fresh, conf, err) && add_files(&fresh, conf, err);

    for (size_t k = 0; ok && k < fresh.count; k++) {
        ok = take_over(fds, &fresh.item[k], err);
    }
    supervisor_fds_close(&fresh);
    return ok;
}

void supervisor_fds_close(struct supervisor_fds *fds)
{
    for (size_t i = 0; i < fds->count; i++) {
        if (fds->item[i].fd >= 0) {
            (void)close(fds->item[i].fd);
        }
    }
    fds->count = 0;
}

bool supervisor_fd_is_for(enum role_fd what, uint32_t index, enum role_kind kind)
{
    switch (what) {
    case ROLE_FD_SUBMISSION: return kind == ROLE_INTAKE;
    case ROLE_FD_CENTER: return kind == ROLE_WEB;
    case ROLE_FD_CERTIFICATE:
    case ROLE_FD_PRIVATE_KEY: return kind == (index == ROLE_CENTER_CERTIFICATE ? ROLE_WEB : ROLE_INTAKE);
    case ROLE_FD_STORE_DIR:
    case ROLE_FD_STORE_CONTROL: return kind == ROLE_STORE;
    case ROLE_FD_KEYS_DIR:
    case ROLE_FD_KEYD_CONTROL: return kind == ROLE_KEYD;
    case ROLE_FD_ESCROW: return kind == ROLE_KEYD;
    case ROLE_FD_CA_FILE: return kind == ROLE_COURIER || kind == ROLE_RESOLVER;
    case ROLE_FD_TRUST_ANCHOR: return kind == ROLE_RESOLVER;
    case ROLE_FD_COUNT: break;
    }
    return false;
}
