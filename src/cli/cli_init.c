/* SPDX-License-Identifier: Apache-2.0 */
/* `sealpost init DIR`: configuration, keys and a first certificate, below DIR only, never over anything that exists. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cli_tls.h"
#include "keys/escrow.h"
#include "keys/root_file.h"
#include "os/role.h"

#define FIRST_UID 61440u /* as the schema's default of roles.uid */
#define CERTIFICATE_DAYS 398u
#define FILE_TEXT_MAX 65536u

static int make_folder(int base, const char *name, uint32_t uid, mode_t mode, struct err *err)
{
    int fd;

    if (mkdirat(base, name, mode) != 0 && errno != EEXIST) {
        (void)err_errno(err, errno, "cannot make the folder %s", name);
        return -1;
    }
    fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fchmod(fd, mode) != 0 || (geteuid() == 0 && fchown(fd, uid, uid) != 0)) {
        (void)err_errno(err, errno, "cannot use the folder %s", name);
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

static bool write_new(int base, const char *name, struct slice content, mode_t mode, struct err *err)
{
    int fd = openat(base, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    bool ok = fd >= 0 && write(fd, content.data, content.len) == (ssize_t)content.len && fsync(fd) == 0;

    if (!ok) {
        (void)err_errno(err, errno, "cannot write %s", name);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

static bool make_keys(int base, struct err *err)
{
    int fd = make_folder(base, "keys", FIRST_UID + ROLE_KEYD, 0700, err);
    bool ok = fd >= 0 && root_file_create(fd, ROOT_FILE_NAME, err);

    if (ok && geteuid() == 0 && fchownat(fd, ROOT_FILE_NAME, FIRST_UID + ROLE_KEYD, FIRST_UID + ROLE_KEYD, 0) != 0) {
        ok = err_errno(err, errno, "cannot give the root key to keyd");
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

static bool make_escrow(int base, struct err *err)
{
    int fd = make_folder(base, "escrow", 0, 0755, err);
    struct buf private_pem;
    struct buf public_pem;
    bool ok;

    buf_init_secret(&private_pem, FILE_TEXT_MAX);
    buf_init(&public_pem, FILE_TEXT_MAX);
    ok = fd >= 0 && escrow_generate(&private_pem, &public_pem, err) &&
         write_new(fd, "private.pem", buf_slice(&private_pem), 0600, err) &&
         write_new(fd, "public.pem", buf_slice(&public_pem), 0644, err);
    buf_free(&private_pem);
    buf_free(&public_pem);
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

static bool make_tls(int base, const char *hostname, struct err *err)
{
    int fd = make_folder(base, "tls", 0, 0755, err);
    bool ok = fd >= 0 && cli_tls_make(fd, hostname, CERTIFICATE_DAYS, err);

    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

static bool make_conf(int base, const char *directory, const char *hostname, struct err *err)
{
    struct buf text;
    bool ok;

    buf_init(&text, CONF_TEXT_MAX);
    conf_example(&text, directory, hostname);
    ok = write_new(base, "sealpost.conf", buf_slice(&text), 0644, err);
    buf_free(&text);
    return ok;
}

static void say(struct cli *cli, const char *directory)
{
    json_t *object;
    char text[4200];

    if (cli->json) {
        object = json_object();
        (void)json_object_set_new(object, "directory", json_string(directory));
        (void)snprintf(text, sizeof(text), "%s/sealpost.conf", directory);
        (void)json_object_set_new(object, "configuration", json_string(text));
        (void)snprintf(text, sizeof(text), "%s/escrow/private.pem", directory);
        (void)json_object_set_new(object, "escrow_private_key", json_string(text));
        (void)cli_print_json(object);
        return;
    }
    (void)printf("Made a new instance below %s.\n\n"
                 "1. Take %s/escrow/private.pem off this machine and keep it safe: it opens every message.\n"
                 "2. Read and complete %s/sealpost.conf (the certificate in tls/ is self-signed: replace it).\n"
                 "3. Check:           sealpostd --check -c %s/sealpost.conf\n"
                 "4. Start:           sealpostd -c %s/sealpost.conf\n"
                 "5. Add a sender:    sealpost -c %s/sealpost.conf user add NAME --from DOMAIN\n",
                 directory, directory, directory, directory, directory, directory);
}

static int run_init(struct cli *cli, int argc, char **argv)
{
    char *directory = NULL;
    char hostname[256] = {0};
    struct err err = {{0}};
    int base = -1;
    bool ok = false;

    if ((argc != 2 && argc != 4) || argv[1][0] == '-' || (argc == 4 && strcmp(argv[2], "--hostname") != 0)) {
        return CLI_USAGE;
    }
    if (argc == 4) {
        (void)snprintf(hostname, sizeof(hostname), "%s", argv[3]);
    } else if (gethostname(hostname, sizeof(hostname) - 1) != 0 || hostname[0] == '\0') {
        (void)snprintf(hostname, sizeof(hostname), "localhost");
    }
    if (mkdir(argv[1], 0755) != 0 && errno != EEXIST) {
        return cli_fail(CLI_FAILED, "cannot make %s: %s", argv[1], strerror(errno));
    }
    directory = realpath(argv[1], NULL);
    base = directory == NULL ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (base < 0) {
        (void)err_errno(&err, errno, "cannot use %s", argv[1]);
    } else if (faccessat(base, "sealpost.conf", F_OK, 0) == 0) {
        (void)err_set(&err, "%s/sealpost.conf exists already: nothing was changed", directory);
    } else {
        ok = make_keys(base, &err) && make_escrow(base, &err) && make_tls(base, hostname, &err) &&
             make_conf(base, directory, hostname, &err);
    }
    if (ok) {
        say(cli, directory);
    }
    if (base >= 0) {
        (void)close(base);
    }
    free(directory);
    return ok ? CLI_OK : cli_fail(CLI_FAILED, "%s", err.text);
}

const struct cli_command cli_init_command = {"init", "DIR [--hostname NAME]",
                                             "Make configuration, keys and a first certificate below DIR.", false, run_init};
