/* SPDX-License-Identifier: Apache-2.0 */
/* main() of sealpostd: the supervisor, or one role when the supervisor starts the program again. The roles with programs
 * of their own are in sealpost_scrub.c and sealpost_resolver.c. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/mem.h"
#include "roles/roles.h"
#include "roles/supervisor.h"

#ifndef SEALPOST_VERSION
#define SEALPOST_VERSION "unknown"
#endif

static const struct role_ops *const roles[] = {
    &keyd_role_ops, &store_role_ops, &intake_role_ops, &courier_role_ops, &web_role_ops,
};

static int run_role(const char *name)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
        if (strcmp(roles[i]->name, name) == 0) {
            (void)prctl(PR_SET_NAME, "sealpostd"); /* started as /proc/self/exe, it would be shown as "exe" */
            return role_main(roles[i]);
        }
    }
    (void)fprintf(stderr, "sealpostd: no such role: %s\n", name);
    return 2;
}

static int check_only(const char *path)
{
    struct err err = {{0}};
    struct conf *conf = NULL;
    char *text = NULL;
    struct buf warnings;
    bool ok;

    buf_init(&warnings, CONF_TEXT_MAX);
    ok = supervisor_load(path, &text, &conf, &err) && supervisor_check(conf, &warnings, &err);
    if (!ok) {
        (void)fprintf(stderr, "sealpostd: %s\n", err.text);
    } else {
        (void)printf("%.*sthe configuration is good%s\n", (int)warnings.len, (const char *)warnings.data,
                     warnings.len == 0 ? "" : ", but see above");
    }
    buf_free(&warnings);
    mem_free(text);
    conf_free(&conf);
    return ok ? 0 : 1;
}

static int print_reference(void)
{
    struct buf out;

    buf_init(&out, 1024 * 1024);
    conf_reference(&out);
    (void)fwrite(out.data, 1, out.len, stdout);
    buf_free(&out);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int usage(int status)
{
    (void)fprintf(status == 0 ? stdout : stderr,
                  "usage: sealpostd -c FILE          run in the foreground; prints \"ready\" when mail is taken\n"
                  "       sealpostd --check -c FILE  check the configuration and stop\n"
                  "       sealpostd --reference      print the source of sealpost.conf(5)\n"
                  "       sealpostd --version\n"
                  "Signals: TERM and INT stop within 10 seconds, HUP reads configuration and certificates again.\n");
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},   {"role", required_argument, NULL, 'r'},
        {"reference", no_argument, NULL, 'R'},    {"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    bool check = false;
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': path = optarg; break;
        case 'k': check = true; break;
        case 'r': return run_role(optarg);
        case 'R': return print_reference();
        case 'V': return printf("sealpostd %s\n", SEALPOST_VERSION) > 0 ? 0 : 1;
        case 'h': return usage(0);
        default: return usage(2);
        }
    }
    if (path == NULL || optind != argc) {
        return usage(2);
    }
    return check ? check_only(path) : supervisor_main(path);
}
