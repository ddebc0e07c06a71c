/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox from inside: a child enters it and tries forbidden things; without it the same tries succeed, so that
 * the test would notice a sandbox that does nothing. Once with the kernel's Landlock, once capped to ABI 2. */
#include "os/sandbox.h"

#include "os/file.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct places {
    char dir[64];
    char allowed[80];   /* directory the sandbox opens */
    char forbidden[80]; /* file beside it */
};

static int places_make(void **state)
{
    struct places *p = calloc(1, sizeof(*p));
    snprintf(p->dir, sizeof(p->dir), "/tmp/sealpost-sandbox-XXXXXX");
    if (mkdtemp(p->dir) == NULL)
        return 1;
    chmod(p->dir, 0755);
    snprintf(p->allowed, sizeof(p->allowed), "%s/allowed", p->dir);
    snprintf(p->forbidden, sizeof(p->forbidden), "%s/forbidden", p->dir);
    int fd = open(p->forbidden, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    close(fd);
    chmod(p->forbidden, 0666);
    *state = p;
    return mkdir(p->allowed, 0777) != 0 || chmod(p->allowed, 0777) != 0;
}

static int places_remove(void **state)
{
    struct places *p = *state;
    char name[100];
    snprintf(name, sizeof(name), "%s/new", p->allowed);
    unlink(name);
    unlink(p->forbidden);
    rmdir(p->allowed);
    rmdir(p->dir);
    free(p);
    return 0;
}

typedef int child_fn(const struct places *p, const struct sandbox *sandbox);

/* The exit status of fn in a child; 200 when it died otherwise. */
static int in_child(child_fn *fn, const struct places *p, const struct sandbox *sandbox)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fn(p, sandbox));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

static bool enter(const struct sandbox *sandbox)
{
    struct err err = {""};
    if (sandbox_enter(sandbox, &err))
        return true;
    fprintf(stderr, "sandbox: %s\n", err.text);
    return false;
}

static bool probe(const char *what, const char *path)
{
    char text[200];
    snprintf(text, sizeof(text), "%s%s", what, path);
    return sandbox_probe(text);
}

/* How many of the forbidden things succeed. */
static int tries(const struct places *p)
{
    return probe("socket", "") + probe("socket-local", "") + probe("datagram", "") + probe("exec", "") + probe("ptrace", "") +
           probe("fork", "") + probe("code", "") + probe("read-file ", "/etc/passwd") +
           probe("read-file ", p->forbidden) + probe("write-file ", p->forbidden);
}

static int try_without(const struct places *p, const struct sandbox *sandbox)
{
    (void)sandbox;
    return tries(p);
}

static int try_within(const struct places *p, const struct sandbox *sandbox)
{
    return enter(sandbox) ? tries(p) : 100;
}

static void nothing_works_inside_that_works_outside(void **state)
{
    const struct places *p = *state;
    assert_int_equal(in_child(try_without, p, NULL), 10);
    for (uint32_t abi = 0; abi <= 2; abi += 2) {
        const struct sandbox none = {.uid = UINT32_MAX, .gid = UINT32_MAX, .landlock_abi_max = abi, .files_max = 100};
        assert_int_equal(in_child(try_within, p, &none), 0);
    }
}

/* Landlock alone keeps a role with the FILES group below its paths. */
static int work_with_files(const struct places *p, const struct sandbox *sandbox)
{
    char name[100];
    char moved[100];
    snprintf(name, sizeof(name), "%s/new", p->allowed);
    snprintf(moved, sizeof(moved), "%s/moved", p->dir);
    if (!enter(sandbox))
        return 100;
    if (!probe("write-file ", name) || !probe("read-file ", name))
        return 1;
    if (tries(p) != 0)
        return 2;
    if (rename(name, moved) == 0 || (errno != EACCES && errno != EXDEV))
        return 3;
    int dir = open(p->allowed, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = file_open_at(dir, "new", O_RDWR, 0, NULL);
    if (dir < 0 || fd < 0 || ftruncate(fd, 10) != 0 || fsync(fd) != 0)
        return 4;
    struct err err = {""};
    if (!file_replace(dir, "new", SLICE_LIT("x"), 0600, &err))
        return 5;
    return unlink(name) == 0 && unlink(p->forbidden) != 0 ? 0 : 6;
}

static void files_stay_below_the_paths(void **state)
{
    const struct places *p = *state;
    const struct sandbox_path path = {p->allowed, SANDBOX_PATH_READ | SANDBOX_PATH_WRITE};
    for (uint32_t abi = 0; abi <= 2; abi += 2) {
        const struct sandbox files = {.uid = UINT32_MAX, .gid = UINT32_MAX, .groups = SANDBOX_FILES, .paths = &path,
                                      .path_count = 1, .landlock_abi_max = abi};
        assert_int_equal(in_child(work_with_files, p, &files), 0);
    }
}

static int read_only(const struct places *p, const struct sandbox *sandbox)
{
    return enter(sandbox) && probe("read-file ", p->forbidden) && !probe("write-file ", p->forbidden) ? 0 : 1;
}

static void a_read_path_is_not_written(void **state)
{
    const struct places *p = *state;
    const struct sandbox_path path = {p->forbidden, SANDBOX_PATH_READ};
    const struct sandbox files = {.uid = UINT32_MAX, .gid = UINT32_MAX, .groups = SANDBOX_FILES, .paths = &path,
                                  .path_count = 1};
    assert_int_equal(in_child(read_only, p, &files), 0);
}

static int work_as_client(const struct places *p, const struct sandbox *sandbox)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (!enter(sandbox))
        return 100;
    if (!probe("socket", "") || tries(p) != 1)
        return 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || (errno != ECONNREFUSED && errno != EINPROGRESS))
        return 2;
    return 0;
}

static void net_client_may_connect_and_no_more(void **state)
{
    for (uint32_t abi = 0; abi <= 2; abi += 2) {
        const struct sandbox client = {.uid = UINT32_MAX, .gid = UINT32_MAX, .groups = SANDBOX_NET_CLIENT,
                                       .landlock_abi_max = abi};
        assert_int_equal(in_child(work_as_client, *state, &client), 0);
    }
}

static void *thread_main(void *ctx)
{
    return ctx;
}

static int work_with_threads(const struct places *p, const struct sandbox *sandbox)
{
    pthread_t thread;
    void *got = NULL;
    if (!enter(sandbox))
        return 100;
    int rc = pthread_create(&thread, NULL, thread_main, &got);
    if ((sandbox->groups & SANDBOX_THREAD) == 0)
        return rc == 0 ? 1 : 0;
    if (rc != 0 || pthread_join(thread, &got) != 0 || got != &got)
        return 2;
    return tries(p);
}

static void threads_only_with_their_group(void **state)
{
    struct sandbox threads = {.uid = UINT32_MAX, .gid = UINT32_MAX, .groups = SANDBOX_THREAD};
    assert_int_equal(in_child(work_with_threads, *state, &threads), 0);
    threads.groups = 0;
    assert_int_equal(in_child(work_with_threads, *state, &threads), 0);
}

/* scrub: the parent forks, the child narrows itself to its pipe. */
static int work_as_scrub(const struct places *p, const struct sandbox *sandbox)
{
    int pair[2];
    char byte = 0;
    if (!enter(sandbox) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 100;
    pid_t child = fork();
    if (child == 0) {
        struct err err = {""};
        if (!sandbox_enter_pipe_only(UINT64_C(1) << 30, 2, &err)) {
            fprintf(stderr, "pipe: %s\n", err.text);
            _exit(1);
        }
        _exit(tries(p) == 0 && dup(0) < 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 && write(pair[1], "y", 1) == 1 ? 0
                                                                                                                         : 2);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return 3;
    if (read(pair[0], &byte, 1) != 1 || byte != 'y')
        return 4;
    return probe("exec", "") || probe("socket", "") || probe("ptrace", "");
}

static void scrub_forks_but_never_executes(void **state)
{
    const struct sandbox scrub = {.uid = UINT32_MAX, .gid = UINT32_MAX, .groups = SANDBOX_FORK};
    assert_int_equal(in_child(work_as_scrub, *state, &scrub), 0);
}

static int check_marks(const struct places *p, const struct sandbox *sandbox)
{
    struct rlimit core;
    struct rlimit files;
    (void)p;
    if (!enter(sandbox))
        return 100;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
        return 1;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max != 77)
        return 2;
    if (prctl(PR_GET_DUMPABLE) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 3;
    if (sandbox->uid != UINT32_MAX && (getuid() != sandbox->uid || geteuid() != sandbox->uid || getgid() != sandbox->gid))
        return 4;
    return setuid(0) == 0 || setgid(0) == 0 ? 5 : 0;
}

static void marks_limits_and_ids(void **state)
{
    struct sandbox marks = {.uid = UINT32_MAX, .gid = UINT32_MAX, .files_max = 77, .memory_max = UINT64_C(1) << 30};
    if (geteuid() == 0) {
        marks.uid = 64123;
        marks.gid = 64124;
    }
    assert_int_equal(in_child(check_marks, *state, &marks), 0);
}

static int refused(const struct places *p, const struct sandbox *sandbox)
{
    struct err err = {""};
    (void)p;
    return !sandbox_enter(sandbox, &err) && err.text[0] != '\0' ? 0 : 1;
}

static void what_cannot_be_set_up_is_refused(void **state)
{
    const struct sandbox_path nowhere = {"/nonexistent/path", SANDBOX_PATH_READ};
    const struct sandbox no_path = {.uid = UINT32_MAX, .gid = UINT32_MAX, .paths = &nowhere, .path_count = 1};
    const struct sandbox old_kernel = {.uid = UINT32_MAX, .gid = UINT32_MAX, .landlock_abi_max = 1};
    assert_int_equal(in_child(refused, *state, &no_path), 0);
    assert_int_equal(in_child(refused, *state, &old_kernel), 0);
    assert_false(sandbox_probe("no such try"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, places_make, places_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_works_inside_that_works_outside), TEST(files_stay_below_the_paths), TEST(a_read_path_is_not_written),
        TEST(net_client_may_connect_and_no_more),      TEST(threads_only_with_their_group),
        TEST(scrub_forks_but_never_executes),          TEST(marks_limits_and_ids),
        TEST(what_cannot_be_set_up_is_refused),
    };
    if (sandbox_landlock_abi() < 2) {
        fprintf(stderr, "SKIPPED: this kernel has no Landlock of ABI 2\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
