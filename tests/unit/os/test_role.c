/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a role, with this test as its supervisor: boot, descriptors, sandbox, ready, peers, reload, drain; and
 * what the role does when the supervisor talks nonsense or dies. */
#include "os/role.h"

#include "base/clock.h"
#include "base/mem.h"
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_US (10 * CLOCK_US_PER_S)

#define CONF_REST                                                                                                        \
    "notice { from = \"a@relay.example\" }\n"                                                                             \
    "keys { escrow = {\"e.pem\"} }\n"                                                                                     \
    "center { listen = {\"127.0.0.1:1\"} base-url = \"https://x\" certificate = c key = k }\n"                           \
    "submission { listen = {\"127.0.0.1:2\"} certificate = c key = k }\n"

static const char test_conf[] = "hostname = \"relay.example\"\n" CONF_REST;
/* The role under test asks for a path that is not there: its sandbox cannot be set up. */
static const char no_sandbox_conf[] = "hostname = \"nosandbox.example\"\n" CONF_REST;

/* --- the role under test: answers each question of its peer with what it finds about itself --- */

struct probed {
    struct role *role;
    struct chan *peer;
    unsigned gone;
    unsigned reloads;
};

static bool probed_start(struct role *role, struct sandbox *sandbox, void **ret_ctx, struct err *err)
{
    static const struct sandbox_path nowhere = {"/nonexistent/path", SANDBOX_PATH_READ};
    struct probed *p = mem_new(sizeof(*p));
    p->role = role;
    if (strcmp(role_conf(role)->hostname, "nosandbox.example") == 0) {
        sandbox->paths = &nowhere;
        sandbox->path_count = 1;
    }
    *ret_ctx = p;
    if (geteuid() != 0)
        sandbox->uid = sandbox->gid = UINT32_MAX; /* a test run by nobody special */
    if (role_fd(role, ROLE_FD_CERTIFICATE, 2) < 0 || role_fd(role, ROLE_FD_CERTIFICATE, 1) >= 0)
        return err_set(err, "the descriptor is not where it belongs");
    return true;
}

static bool probed_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct probed *p = ctx;
    char text[200];
    snprintf(text, sizeof(text), "%u of %u, epoch %llu, %s, gone %u, reloads %u, socket %d, exec %d", role_index(p->role),
             role_count(p->role, ROLE_RESOLVER), (unsigned long long)role_epoch(p->role), role_conf(p->role)->hostname, p->gone,
             p->reloads, sandbox_probe("socket"), sandbox_probe("exec"));
    chan_answer(chan, frame->type, frame->request, slice_str(text), -1);
    return true;
}

static void probed_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct probed *p = ctx;
    (void)chan;
    (void)reason;
    chan_free(&p->peer);
}

static void probed_peer(void *ctx, enum role_kind kind, unsigned index, int fd)
{
    static const struct chan_ops ops = {probed_frame, probed_closed};
    struct probed *p = ctx;
    (void)kind;
    (void)index;
    p->peer = chan_create(role_loop(p->role), fd, "peer", &ops, p);
}

static void probed_gone(void *ctx, enum role_kind kind, unsigned index)
{
    struct probed *p = ctx;
    p->gone = (unsigned)kind * 100 + index;
}

static void probed_reload(void *ctx, const struct conf *conf)
{
    struct probed *p = ctx;
    (void)conf;
    p->reloads++;
}

static void probed_drain(void *ctx)
{
    struct probed *p = ctx;
    role_drained(p->role);
}

static void probed_stop(void *ctx)
{
    struct probed *p = ctx;
    chan_free(&p->peer);
    mem_free(p);
}

static const struct role_ops probed_ops = {.kind = ROLE_RESOLVER, .name = "resolver", .start = probed_start,
                                           .peer = probed_peer, .gone = probed_gone, .reload = probed_reload,
                                           .drain = probed_drain, .stop = probed_stop};

/* --- the supervisor --- */

struct boss {
    struct loop *loop;
    struct chan *role;
    struct chan *peer;
    pid_t child;
    int ready;
    int closed;
    char answer[200];
};

static bool boss_frame(void *ctx, struct chan *chan, const struct chan_frame *frame)
{
    struct boss *boss = ctx;
    (void)chan;
    boss->ready += frame->type == MSG_READY;
    loop_stop(boss->loop);
    return frame->fd < 0;
}

static void boss_closed(void *ctx, struct chan *chan, const char *reason)
{
    struct boss *boss = ctx;
    (void)reason;
    boss->closed += chan == boss->role;
    chan_free(chan == boss->role ? &boss->role : &boss->peer);
    loop_stop(boss->loop);
}

static const struct chan_ops boss_ops = {boss_frame, boss_closed};

static void out_of_patience(void *ctx)
{
    (void)ctx;
    fail_msg("the role did nothing");
}

static void boss_run(struct boss *boss)
{
    struct loop_timer *patience = loop_timer_create(boss->loop, out_of_patience, NULL);
    loop_timer_start(patience, PATIENCE_US);
    loop_run(boss->loop);
    loop_timer_free(&patience);
}

static int boss_start(void **state)
{
    struct boss *boss = mem_new(sizeof(*boss));
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return 1;
    boss->child = fork();
    if (boss->child == 0) {
        close(fds[0]);
        dup2(fds[1], ROLE_SUPERVISOR_FD);
        close_range(ROLE_SUPERVISOR_FD + 1, ~0u, 0);
        _exit(role_main(&probed_ops));
    }
    close(fds[1]);
    boss->loop = loop_create();
    boss->role = chan_create(boss->loop, fds[0], "role", &boss_ops, boss);
    *state = boss;
    return 0;
}

static int boss_end(void **state)
{
    struct boss *boss = *state;
    chan_free(&boss->role);
    chan_free(&boss->peer);
    loop_free(&boss->loop);
    mem_free(boss);
    return 0;
}

/* The role's exit status. */
static int boss_wait(const struct boss *boss)
{
    int status = 0;
    assert_int_equal(waitpid(boss->child, &status, 0), boss->child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

static void boss_send(struct boss *boss, uint16_t type, const struct layout *layout, const void *msg, int fd)
{
    struct buf b;
    buf_init(&b, CHAN_PAYLOAD_MAX);
    if (layout != NULL)
        layout_write(layout, &b, msg);
    assert_true(buf_ok(&b));
    chan_send(boss->role, type, buf_slice(&b), fd);
    buf_free(&b);
}

static void boss_boot(struct boss *boss, enum role_kind kind, const char *text)
{
    struct buf counts;
    buf_init(&counts, 256);
    for (uint32_t i = 0; i < ROLE_KIND_COUNT; i++)
        wire_put_u32(&counts, i * 10);
    const struct msg_boot boot = {.kind = (uint8_t)kind, .index = 7, .epoch = 1234567890123, .counts = buf_slice(&counts),
                                  .name = SLICE_LIT("/etc/sealpost/sealpost.conf"), .text = slice_str(text)};
    boss_send(boss, MSG_BOOT, &msg_boot_layout, &boot, -1);
    buf_free(&counts);
}

static void boss_descriptor(struct boss *boss)
{
    const struct msg_fd fd = {ROLE_FD_CERTIFICATE, 2};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    boss_send(boss, MSG_FD, &msg_fd_layout, &fd, null);
    close(null);
}

static void boss_until_ready(struct boss *boss)
{
    boss_boot(boss, ROLE_RESOLVER, test_conf);
    boss_descriptor(boss);
    boss_send(boss, MSG_START, NULL, NULL, -1);
    boss_run(boss);
    assert_int_equal(boss->ready, 1);
}

static void take_answer(void *ctx, const struct chan_frame *answer)
{
    struct boss *boss = ctx;
    assert_non_null(answer);
    snprintf(boss->answer, sizeof(boss->answer), "%.*s", (int)answer->payload.len, (const char *)answer->payload.data);
    loop_stop(boss->loop);
}

static void boots_works_and_drains(void **state)
{
    struct boss *boss = *state;
    const struct msg_peer peer = {ROLE_COURIER, 3};
    int fds[2];
    boss_until_ready(boss);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    boss_send(boss, MSG_PEER, &msg_peer_layout, &peer, fds[1]);
    close(fds[1]);
    boss_send(boss, MSG_GONE, &msg_peer_layout, &peer, -1);
    struct msg_conf conf = {SLICE_LIT("/etc/sealpost/sealpost.conf"), slice_str(test_conf)};
    boss_send(boss, MSG_RELOAD, &msg_conf_layout, &conf, -1);
    conf.text = SLICE_LIT("nonsense {");
    boss_send(boss, MSG_RELOAD, &msg_conf_layout, &conf, -1);
    boss->peer = chan_create(boss->loop, fds[0], "peer", &boss_ops, boss);
    chan_call(boss->peer, 1, SLICE_EMPTY, -1, 0, take_answer, boss);
    chan_flush(boss->role);
    boss_run(boss);
    /* the question may overtake the supervisor's frames, which travel on a socket of their own: ask again */
    chan_call(boss->peer, 1, SLICE_EMPTY, -1, 0, take_answer, boss);
    boss_run(boss);
    assert_string_equal(boss->answer,
                        "7 of 50, epoch 1234567890123, relay.example, gone 403, reloads 1, socket 0, exec 0");
    kill(boss->child, SIGTERM); /* ignored: the supervisor decides */
    boss_send(boss, MSG_DRAIN, NULL, NULL, -1);
    boss_run(boss);
    assert_int_equal(boss_wait(boss), 0);
}

static void nonsense_ends_the_role_not_worse(void **state)
{
    struct boss *boss = *state;
    boss_send(boss, MSG_START, NULL, NULL, -1); /* before boot */
    boss_run(boss);
    assert_int_equal(boss->ready, 0);
    assert_int_equal(boss_wait(boss), 1);
}

static void boot_for_another_role_is_refused(void **state)
{
    struct boss *boss = *state;
    boss_boot(boss, ROLE_KEYD, test_conf);
    boss_run(boss);
    assert_int_equal(boss_wait(boss), 1);
}

static void bad_configuration_ends_it_for_good(void **state)
{
    struct boss *boss = *state;
    boss_boot(boss, ROLE_RESOLVER, "nonsense {");
    boss_run(boss);
    assert_int_equal(boss_wait(boss), 3);
}

static void failed_start_ends_it_for_good(void **state)
{
    struct boss *boss = *state;
    boss_boot(boss, ROLE_RESOLVER, test_conf);
    boss_send(boss, MSG_START, NULL, NULL, -1); /* the descriptor is missing */
    boss_run(boss);
    assert_int_equal(boss_wait(boss), 3);
}

static void no_sandbox_no_start(void **state)
{
    struct boss *boss = *state;
    boss_boot(boss, ROLE_RESOLVER, no_sandbox_conf);
    boss_descriptor(boss);
    boss_send(boss, MSG_START, NULL, NULL, -1);
    boss_run(boss);
    assert_int_equal(boss->ready, 0);
    assert_int_equal(boss_wait(boss), 3);
}

static void leaves_when_the_supervisor_dies(void **state)
{
    struct boss *boss = *state;
    boss_until_ready(boss);
    chan_free(&boss->role);
    assert_int_equal(boss_wait(boss), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(boots_works_and_drains, boss_start, boss_end),
        cmocka_unit_test_setup_teardown(nonsense_ends_the_role_not_worse, boss_start, boss_end),
        cmocka_unit_test_setup_teardown(boot_for_another_role_is_refused, boss_start, boss_end),
        cmocka_unit_test_setup_teardown(bad_configuration_ends_it_for_good, boss_start, boss_end),
        cmocka_unit_test_setup_teardown(failed_start_ends_it_for_good, boss_start, boss_end),
        cmocka_unit_test_setup_teardown(no_sandbox_no_start, boss_start, boss_end),
        cmocka_unit_test_setup_teardown(leaves_when_the_supervisor_dies, boss_start, boss_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
