/* SPDX-License-Identifier: Apache-2.0 */
/* The live store: commits, leases, letters and their readers, the operator, restarts and sudden death. After every
 * scene `check --deep` must say that nothing was lost. */
#include "store_stage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/state.h"
#include "trust/trust_facts.h"
#include "trust/trust_reason.h"

static int setup(void **state)
{
    struct stage *p = stage_open();
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    if (*state != NULL) {
        stage_close(*state);
    }
    return 0;
}

#define STAGE(p, state)                                                                                                  \
    struct stage *p = *(state);                                                                                          \
    if (p == NULL)                                                                                                       \
    skip()

static void mail_is_kept_leased_and_finished(void **state)
{
    STAGE(p, state);
    stage_meet_all(p);
    assert_int_equal(stage_commit(p, 1, 3), MSG_OK);
    assert_int_equal(stage_commit(p, 1, 3), MSG_REFUSED); /* the same id twice */
    stage_await_leases(p, 1);
    struct stage_lease *lease = &p->lease[0];
    assert_int_equal(lease->recipients, 3);
    assert_int_equal(lease->content, 10000);
    assert_int_equal(lease->content_first, 42);
    assert_int_equal(lease->attempt, 1);
    assert_false(lease->must_end);
    assert_int_equal(stage_complete(p, lease, MSG_OUT_LATER), MSG_OK);
    stage_await_leases(p, 2);
    assert_int_equal(stage_complete(p, lease, MSG_OUT_DELIVERED), MSG_OK); /* stale: nothing changes */
    assert_int_equal(stage_status(p).delivered, 0);
    lease = &p->lease[1];
    assert_int_equal(lease->attempt, 2);
    assert_int_equal(stage_complete(p, lease, MSG_OUT_DELIVERED), MSG_OK);
    struct msg_ctl_counts counts = stage_status(p);
    assert_int_equal(counts.accepted, 3);
    assert_int_equal(counts.delivered, 3);
    assert_int_equal(counts.queued, 0);
    struct msg_ctl_query ask = {.id = stage_id(1), .attempts = true};
    assert_int_equal(stage_query(p, &ask), 3);
    assert_int_equal(p->attempts, 6);
    assert_int_equal(p->row.state, STATE_DELIVERED);
    const struct msg_ctl_wait wait = {stage_id(1), 1000000};
    struct msg_status status;
    assert_true(stage_ask(p, CLI, MSG_CTL_WAIT, &msg_ctl_wait_layout, &wait, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    stage_check(p);
}

static void nothing_is_leased_before_couriers_reported(void **state)
{
    STAGE(p, state);
    stage_meet(p, INTAKE);
    stage_meet(p, COURIER);
    assert_int_equal(stage_commit(p, 1, 1), MSG_OK);
    stage_turn(p, 300000);
    assert_int_equal(p->leases, 0);
    stage_held(p);
    stage_await_leases(p, 1);
    /* the courier dies: nothing before the supervisor says so */
    chan_free(&p->chan[COURIER]);
    stage_meet(p, COURIER);
    stage_turn(p, 200000);
    assert_int_equal(p->leases, 1);
    stage_held(p);
    stage_await_leases(p, 2);
    const struct msg_peer gone = {ROLE_COURIER, 0};
    chan_free(&p->chan[COURIER]);
    stage_send(p, SUPERVISOR, MSG_GONE, &msg_peer_layout, &gone);
    stage_meet(p, COURIER);
    stage_turn(p, 100000);
    assert_int_equal(p->leases, 2);
    stage_held(p);
    stage_await_leases(p, 3);
    stage_meet(p, KEYD);
    stage_cli(p);
    assert_int_equal(stage_complete(p, &p->lease[2], MSG_OUT_DELIVERED), MSG_OK);
    stage_check(p);
}

static void garbage_drops_the_peer_alone(void **state)
{
    STAGE(p, state);
    stage_meet_all(p);
    static const uint16_t types[] = {MSG_COMMIT, MSG_OPEN, MSG_COMPLETE, MSG_CENTER_SEND, 999};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (int who = INTAKE; who <= CLI; who++) {
            struct msg_status status;
            if (i == 0) { /* a descriptor nobody wants is closed once */
                chan_send(p->chan[who], types[i], SLICE_EMPTY, STDERR_FILENO);
            }
            assert_false(stage_ask(p, (enum player)who, types[i], &msg_text_layout,
                                   &(struct msg_text){SLICE_LIT("nonsense")}, &msg_status_layout, &status));
            if (who == CLI) {
                stage_cli(p);
            } else {
                stage_meet(p, (enum player)who);
            }
        }
    }
    stage_held(p);
    assert_int_equal(stage_commit(p, 5, 1), MSG_OK);
    stage_await_leases(p, 1);
    stage_check(p);
}

static int open_file(struct stage *p, enum player who, struct id id)
{
    const struct msg_open open = {id, 1000000};
    struct msg_status status;
    assert_true(stage_ask(p, who, MSG_OPEN, &msg_open_layout, &open, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    assert_true(p->answer_fd >= 0);
    return p->answer_fd;
}

static void large_content_is_a_file(void **state)
{
    STAGE(p, state);
    char path[128];
    struct buf list;
    struct msg_status status;
    stage_meet_all(p);
    int fd = open_file(p, INTAKE, stage_id(9));
    assert_int_equal(write(fd, "0123456789", 10), 10);
    close(fd);
    struct msg_message m = {.id = stage_id(9), .kind = MSG_KIND_MAIL, .tenant = SLICE_LIT("default"), .accepted_us = 5,
                            .header = SLICE_LIT("h"), .envelope = SLICE_LIT("e"), .content_length = 11};
    const struct msg_recipient r = {.index = 0, .sealed = SLICE_LIT("s")};
    buf_init(&list, 1000);
    layout_write(&msg_recipient_layout, &list, &r);
    m.recipients = buf_slice(&list);
    assert_true(stage_ask(p, INTAKE, MSG_COMMIT, &msg_message_layout, &m, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_REFUSED); /* not the length it says */
    m.content_length = 10;
    assert_true(stage_ask(p, INTAKE, MSG_COMMIT, &msg_message_layout, &m, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    stage_await_leases(p, 1);
    char text[11] = {0};
    assert_true(p->lease[0].fd >= 0);
    assert_true(p->lease[0].must_end); /* accepted long ago */
    assert_int_equal(pread(p->lease[0].fd, text, 10, 0), 10);
    assert_string_equal(text, "0123456789");
    assert_int_equal(stage_complete(p, &p->lease[0], MSG_OUT_DELIVERED), MSG_OK);
    stage_turn(p, 50000);
    snprintf(path, sizeof path, "%s/store/content", p->path);
    assert_int_not_equal(rmdir(path), -2);
    buf_free(&list);
    stage_check(p);
}

/* Posts the lease's one recipient with a letter of id n. */
static uint8_t post(struct stage *p, struct stage_lease *lease, uint32_t n, bool held)
{
    struct buf results, letters;
    struct msg_status status;
    int fd = open_file(p, COURIER, stage_id(n));
    assert_int_equal(write(fd, "sealed letter", 13), 13);
    close(fd);
    buf_init(&results, 10000);
    buf_init(&letters, 10000);
    const struct msg_result r = {.index = lease->index[0], .generation = lease->generation[0], .outcome = MSG_OUT_POSTED,
                                 .reason = 41};
    struct msg_letter l = {.index = lease->index[0], .id = stage_id(n), .held = held,
                           .expires_us = clock_utc_us() + CLOCK_US_PER_DAY, .header = SLICE_LIT("letter header"),
                           .envelope = SLICE_LIT("letter envelope"), .recipient = SLICE_LIT("letter recipient"),
                           .token = SLICE_LIT("token"), .content_length = 13};
    memcpy(l.link.b, &n, sizeof n);
    l.link.b[31] = 1;
    layout_write(&msg_result_layout, &results, &r);
    layout_write(&msg_letter_layout, &letters, &l);
    const struct msg_complete c = {.lease = lease->lease, .epoch = lease->epoch, .kind = lease->kind,
                                   .message = lease->message, .results = buf_slice(&results), .letters = buf_slice(&letters)};
    assert_true(stage_ask(p, COURIER, MSG_COMPLETE, &msg_complete_layout, &c, &msg_status_layout, &status));
    buf_free(&results);
    buf_free(&letters);
    return status.code;
}

/* "Later" for a reason. */
static void put_off(struct stage *p, const struct stage_lease *lease, uint16_t reason)
{
    struct buf results;
    struct msg_status status;
    buf_init(&results, 1000);
    const struct msg_result r = {.index = lease->index[0], .generation = lease->generation[0], .outcome = MSG_OUT_LATER,
                                 .reason = reason};
    layout_write(&msg_result_layout, &results, &r);
    const struct msg_complete c = {.lease = lease->lease, .epoch = lease->epoch, .kind = lease->kind,
                                   .message = lease->message, .results = buf_slice(&results)};
    assert_true(stage_ask(p, COURIER, MSG_COMPLETE, &msg_complete_layout, &c, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    buf_free(&results);
}

/* Once seen, a sign of attack goes with every later lease, also after sudden death. */
static void a_sign_of_attack_is_remembered(void **state)
{
    static const uint16_t reasons[] = {TRUST_REASON_REFUSED, TRUST_REASON_LEVEL_FELL, TRUST_REASON_REFUSED};
    STAGE(p, state);
    stage_meet_all(p);
    assert_int_equal(stage_commit(p, 1, 1), MSG_OK);
    for (size_t i = 0; i < 3; i++) {
        stage_await_leases(p, i + 1);
        assert_int_equal(p->lease[i].flags & MSG_FLAG_ATTACK, i < 2 ? 0 : MSG_FLAG_ATTACK);
        put_off(p, &p->lease[i], reasons[i]);
    }
    stage_kill(p);
    stage_start(p);
    stage_meet_all(p);
    size_t before = p->leases;
    stage_await_leases(p, before + 1);
    assert_int_equal(p->lease[before].flags & MSG_FLAG_ATTACK, MSG_FLAG_ATTACK);
    assert_int_equal(stage_complete(p, &p->lease[before], MSG_OUT_DELIVERED), MSG_OK);
    stage_check(p);
}

static struct msg_shown shown(struct stage *p, enum player who, uint8_t name)
{
    struct msg_shown answer;
    struct msg_ctl_domain ask = {.forget = false};
    memset(ask.domain.b, name, TAG_SIZE);
    const struct msg_shown_ask courier = {ask.domain};
    if (who == COURIER)
        assert_true(stage_ask(p, COURIER, MSG_SHOWN, &msg_shown_ask_layout, &courier, &msg_shown_layout, &answer));
    else
        assert_true(stage_ask(p, CLI, MSG_CTL_DOMAIN, &msg_ctl_domain_layout, &ask, &msg_shown_layout, &answer));
    return answer;
}

static void remember(struct stage *p, uint32_t n, uint8_t name, uint8_t level, const char *policy)
{
    struct msg_remember remember = {.level = level, .has_policy = policy != NULL, .policy = slice_str(policy)};
    memset(remember.domain.b, name, TAG_SIZE);
    stage_send(p, COURIER, MSG_REMEMBER, &msg_remember_layout, &remember);
    (void)shown(p, COURIER, 99); /* it was read: it goes with the next wave */
    assert_int_equal(stage_commit(p, n, 1), MSG_OK);
}

static void is_remembered(struct stage *p, uint8_t name, uint8_t level, const char *policy)
{
    for (enum player who = COURIER; who != PLAYERS; who = who == COURIER ? CLI : PLAYERS) {
        struct msg_shown found = shown(p, who, name);
        assert_int_equal(found.level, level);
        assert_true(slice_eq(found.policy, slice_str(policy)));
    }
}

/* Level and policy of a domain are kept apart, outlive sudden death, and end at the operator's word, everywhere. */
static void a_domain_is_remembered_and_forgotten(void **state)
{
    struct msg_status status;
    struct msg_ctl_domain forget = {.forget = true};
    STAGE(p, state);
    stage_meet_all(p);
    stage_cli(p);
    is_remembered(p, 1, 0, "");
    remember(p, 1, 1, 0, "sealed policy");
    is_remembered(p, 1, 0, "sealed policy");
    remember(p, 2, 1, TRUST_LEVEL_STS, NULL);
    remember(p, 3, 2, TRUST_LEVEL_DANE, NULL);
    stage_kill(p);
    stage_start(p);
    stage_meet_all(p);
    stage_cli(p);
    is_remembered(p, 1, TRUST_LEVEL_STS, "sealed policy");
    is_remembered(p, 2, TRUST_LEVEL_DANE, "");
    remember(p, 4, 1, 0, "newer");
    is_remembered(p, 1, TRUST_LEVEL_STS, "newer");
    remember(p, 5, 1, 0, "");
    is_remembered(p, 1, TRUST_LEVEL_STS, "");
    remember(p, 6, 1, 0, "again");
    memset(forget.domain.b, 1, TAG_SIZE);
    assert_true(stage_ask(p, CLI, MSG_CTL_DOMAIN, &msg_ctl_domain_layout, &forget, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    while (p->forgotten == 0)
        stage_turn(p, 10000);
    is_remembered(p, 1, 0, "");
    assert_true(stage_ask(p, CLI, MSG_CTL_DOMAIN, &msg_ctl_domain_layout, &forget, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_UNKNOWN);
    stage_kill(p);
    stage_start(p);
    stage_meet_all(p);
    stage_cli(p);
    is_remembered(p, 1, 0, "");
    is_remembered(p, 2, TRUST_LEVEL_DANE, "");
    stage_check(p);
}

/* A courier that is not itself any more cannot write what none could surpass, and what readers would take for nothing. */
static void a_level_that_does_not_exist_is_not_remembered(void **state)
{
    const struct msg_remember remember_more = {.domain = {{1, 1}}, .level = TRUST_LEVEL_DANE + 1};
    STAGE(p, state);
    stage_meet_all(p);
    stage_send(p, COURIER, MSG_REMEMBER, &msg_remember_layout, &remember_more);
    while (!p->closed[COURIER])
        stage_turn(p, 10000);
    stage_check(p);
}

/* What couriers alarm stands in the status, each word once. */
static void a_courier_raises_an_alarm(void **state)
{
    const struct msg_text text = {SLICE_LIT("a thing has come to pass")};
    STAGE(p, state);
    stage_meet_all(p);
    for (int i = 0; i < 3; i++)
        stage_send(p, COURIER, MSG_ALARM, &msg_text_layout, &text);
    (void)shown(p, COURIER, 1);
    const struct msg_ctl_counts counts = stage_status(p);
    assert_true(slice_eq(slice_sub(counts.alarms, 0, text.text.len), text.text));
    assert_true(counts.alarms.len <= text.text.len + 1);
}

static struct digest link_of(uint32_t n)
{
    struct digest d = {{0}};
    memcpy(d.b, &n, sizeof n);
    d.b[31] = 1;
    return d;
}

static void a_letter_is_noticed_and_read(void **state)
{
    STAGE(p, state);
    struct msg_status status;
    struct msg_center_access access;
    struct msg_center_letter letter;
    stage_meet_all(p);
    assert_int_equal(stage_commit(p, 1, 1), MSG_OK);
    stage_await_leases(p, 1);
    assert_int_equal(post(p, &p->lease[0], 100, false), MSG_OK);
    stage_await_leases(p, 2);
    assert_int_equal(p->lease[1].kind, MSG_LEASE_NOTICE);
    assert_int_equal(p->lease[1].extra, 5);
    assert_int_equal(stage_complete(p, &p->lease[1], MSG_OUT_DELIVERED), MSG_OK);
    struct msg_center_send send = {.kind = MSG_CENTER_CODE, .link = link_of(100), .session = {{9}}, .code = {{8}},
                                   .id = stage_id(200), .header = SLICE_LIT("th"), .sealed = SLICE_LIT("code")};
    assert_true(stage_ask(p, WEB, MSG_CENTER_SEND, &msg_center_send_layout, &send, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    stage_await_leases(p, 3);
    assert_int_equal(p->lease[2].kind, MSG_LEASE_CODE);
    assert_int_equal(p->lease[2].extra, 4);
    struct id transit = stage_id(200);
    assert_memory_equal(&p->lease[2].extra_id, &transit, sizeof transit);
    assert_int_equal(stage_complete(p, &p->lease[2], MSG_OUT_DELIVERED), MSG_OK);
    struct msg_center_verify verify = {.link = link_of(100), .session = {{9}}, .code = {{7}}};
    assert_true(stage_ask(p, WEB, MSG_CENTER_VERIFY, &msg_center_verify_layout, &verify, &msg_center_access_layout, &access));
    assert_int_equal(access.code, MSG_REFUSED);
    struct msg_center_ask ask = {.session = {{9}}, .letter = stage_id(100)};
    assert_true(stage_ask(p, WEB, MSG_CENTER_LETTER, &msg_center_ask_layout, &ask, &msg_center_letter_layout, &letter));
    assert_int_equal(letter.code, MSG_UNKNOWN);
    verify.code = send.code;
    assert_true(stage_ask(p, WEB, MSG_CENTER_VERIFY, &msg_center_verify_layout, &verify, &msg_center_access_layout, &access));
    assert_int_equal(access.code, MSG_OK);
    assert_true(stage_ask(p, WEB, MSG_CENTER_LETTER, &msg_center_ask_layout, &ask, &msg_center_letter_layout, &letter));
    assert_int_equal(letter.code, MSG_OK);
    assert_slice(letter.envelope, "letter envelope");
    assert_int_equal(letter.content_length, 13);
    assert_true(p->answer_fd >= 0);
    close(p->answer_fd);
    /* a restart keeps session and letter */
    stage_kill(p);
    stage_start(p);
    stage_meet_all(p);
    assert_true(stage_ask(p, WEB, MSG_CENTER_LETTER, &msg_center_ask_layout, &ask, &msg_center_letter_layout, &letter));
    assert_int_equal(letter.code, MSG_OK);
    close(p->answer_fd);
    assert_true(stage_ask(p, WEB, MSG_CENTER_LOGOUT, &msg_center_ask_layout, &ask, &msg_status_layout, &status));
    assert_true(stage_ask(p, WEB, MSG_CENTER_LETTER, &msg_center_ask_layout, &ask, &msg_center_letter_layout, &letter));
    assert_int_equal(letter.code, MSG_UNKNOWN);
    send.link = link_of(101); /* unknown: the same answer, and nothing is sent */
    assert_true(stage_ask(p, WEB, MSG_CENTER_SEND, &msg_center_send_layout, &send, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    struct msg_ctl_query query = {.id = stage_id(1)};
    assert_int_equal(stage_query(p, &query), 1);
    assert_int_equal(p->row.state, STATE_POSTED);
    assert_int_equal(p->row.notice, STATE_NOTICE_SENT);
    assert_int_equal(p->row.reason, 41);
    assert_true(p->row.opened_us > 0);
    assert_int_equal(stage_status(p).notices_sent, 1);
    stage_check(p);
}

/* A DSN as the courier hands it over: message n of kind DSN. */
static void write_dsn(struct buf *out, uint32_t n)
{
    struct buf list;
    const struct msg_recipient r = {.index = 0, .destination = {{3}}, .sealed = SLICE_LIT("sender")};
    buf_init(&list, 1000);
    layout_write(&msg_recipient_layout, &list, &r);
    const struct msg_message m = {.id = stage_id(n), .kind = MSG_KIND_DSN, .tenant = SLICE_LIT("default"),
                                  .accepted_us = clock_utc_us(), .header = SLICE_LIT("h"), .envelope = SLICE_LIT("e"),
                                  .content = SLICE_LIT("dsn"), .recipients = buf_slice(&list)};
    layout_write(&msg_message_layout, out, &m);
    buf_free(&list);
}

static uint8_t complete_with_dsn(struct stage *p, const struct stage_lease *lease, uint32_t n)
{
    struct buf results, dsn;
    struct msg_status status;
    buf_init(&results, 10000);
    buf_init(&dsn, 10000);
    const struct msg_result r = {.index = lease->index[0], .generation = lease->generation[0], .outcome = MSG_OUT_RETURNED,
                                 .reason = 61};
    layout_write(&msg_result_layout, &results, &r);
    write_dsn(&dsn, n);
    const struct msg_complete c = {.lease = lease->lease, .epoch = lease->epoch, .kind = lease->kind,
                                   .message = lease->message, .results = buf_slice(&results), .dsn = buf_slice(&dsn)};
    assert_true(stage_ask(p, COURIER, MSG_COMPLETE, &msg_complete_layout, &c, &msg_status_layout, &status));
    buf_free(&results);
    buf_free(&dsn);
    return status.code;
}

static void a_refused_notice_ends_in_a_return(void **state)
{
    STAGE(p, state);
    stage_meet_all(p);
    assert_int_equal(stage_commit(p, 1, 1), MSG_OK);
    stage_await_leases(p, 1);
    assert_int_equal(post(p, &p->lease[0], 100, false), MSG_OK);
    stage_await_leases(p, 2);
    assert_false(p->lease[1].refused_before);
    assert_int_equal(stage_complete(p, &p->lease[1], MSG_OUT_REFUSED), MSG_OK);
    stage_await_leases(p, 3);
    assert_true(p->lease[2].refused_before);
    assert_int_equal(stage_status(p).posted, 1);
    assert_int_equal(stage_complete(p, &p->lease[2], MSG_OUT_REFUSED), MSG_OK);
    stage_await_leases(p, 4);
    assert_int_equal(p->lease[3].kind, MSG_LEASE_RETURN);
    assert_int_equal(p->lease[3].reason, 71);
    assert_int_equal(stage_status(p).posted, 0);
    assert_int_equal(stage_status(p).returned, 1);
    stage_kill(p); /* the answer to the sender is still owed after a death */
    stage_start(p);
    stage_meet_all(p);
    stage_await_leases(p, 5);
    assert_int_equal(p->lease[4].kind, MSG_LEASE_RETURN);
    assert_int_equal(complete_with_dsn(p, &p->lease[4], 300), MSG_OK);
    stage_await_leases(p, 6);
    assert_int_equal(p->lease[5].message_kind, MSG_KIND_DSN);
    assert_int_equal(p->lease[5].content, 3);
    assert_int_equal(stage_complete(p, &p->lease[5], MSG_OUT_DELIVERED), MSG_OK);
    struct msg_ctl_counts counts = stage_status(p);
    assert_int_equal(counts.accepted, 1);
    assert_int_equal(counts.returned, 1);
    assert_int_equal(counts.dsn_accepted, 1);
    assert_int_equal(counts.dsn_final, 1);
    stage_check(p);
}

static void a_held_notice_waits_for_the_operator(void **state)
{
    STAGE(p, state);
    struct msg_status status;
    stage_meet_all(p);
    assert_int_equal(stage_commit(p, 1, 1), MSG_OK);
    stage_await_leases(p, 1);
    assert_int_equal(post(p, &p->lease[0], 100, true), MSG_OK);
    stage_await_leases(p, 2);
    assert_int_equal(p->lease[1].flags & MSG_FLAG_ATTACK, MSG_FLAG_ATTACK);
    assert_int_equal(stage_complete(p, &p->lease[1], MSG_OUT_HELD), MSG_OK);
    stage_turn(p, 300000);
    assert_int_equal(p->leases, 2);
    assert_int_equal(stage_status(p).notices_held, 1);
    stage_kill(p);
    stage_start(p);
    stage_meet_all(p);
    struct msg_ctl_target target = {stage_id(1)};
    assert_true(stage_ask(p, CLI, MSG_CTL_RETRY, &msg_ctl_target_layout, &target, &msg_status_layout, &status));
    stage_turn(p, 200000);
    assert_int_equal(p->leases, 2); /* a retry is no release */
    target.id = stage_id(2);
    assert_true(stage_ask(p, CLI, MSG_CTL_RELEASE, &msg_ctl_target_layout, &target, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_UNKNOWN);
    target.id = stage_id(1);
    assert_true(stage_ask(p, CLI, MSG_CTL_RELEASE, &msg_ctl_target_layout, &target, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    stage_await_leases(p, 3);
    assert_int_equal(p->lease[2].flags & MSG_FLAG_ATTACK, 0);
    assert_int_equal(stage_complete(p, &p->lease[2], MSG_OUT_DELIVERED), MSG_OK);
    stage_check(p);
}

static void credentials_and_locks_outlive_a_death(void **state)
{
    STAGE(p, state);
    struct msg_status status;
    struct msg_ctl_list list;
    stage_meet_all(p);
    struct msg_credential c = {.id = stage_id(7), .name = SLICE_LIT("app"), .record = SLICE_LIT("sealed record")};
    assert_true(stage_ask(p, CLI, MSG_CTL_CREDENTIAL, &msg_credential_layout, &c, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_OK);
    const struct msg_lock lock = {{{1}}, clock_utc_us() + CLOCK_US_PER_DAY};
    stage_send(p, KEYD, MSG_LOCK, &msg_lock_layout, &lock);
    stage_turn(p, 100000);
    assert_int_equal(p->credentials, 1);
    stage_kill(p);
    p->credentials = p->credentials_end = 0;
    stage_start(p);
    stage_meet_all(p);
    stage_turn(p, 100000);
    assert_int_equal(p->credentials, 1);
    assert_int_equal(p->credentials_end, 1);
    assert_true(stage_ask(p, CLI, MSG_CTL_CREDENTIALS, NULL, NULL, &msg_ctl_list_layout, &list));
    assert_true(list.items.len > 20);
    c = (struct msg_credential){.id = stage_id(7), .removed = true};
    assert_true(stage_ask(p, CLI, MSG_CTL_CREDENTIAL, &msg_credential_layout, &c, &msg_status_layout, &status));
    assert_true(stage_ask(p, CLI, MSG_CTL_CREDENTIALS, NULL, NULL, &msg_ctl_list_layout, &list));
    assert_int_equal(list.items.len, 0);
}

/* Below the space reserve intake is told so, while what is queued goes on, letters and reports too. */
/* Strangers who ask get their answers, and write nothing but the ends of waves. */
static void ask_for_unknown_links(struct stage *p, unsigned count)
{
    const struct msg_center_verify verify = {.link = link_of(77), .session = {{9}}, .code = {{8}}};
    const struct msg_center_send send = {.kind = MSG_CENTER_CODE, .link = link_of(77), .session = {{9}}, .id = stage_id(600),
                                         .header = SLICE_LIT("header"), .sealed = SLICE_LIT("sealed")};
    struct msg_center_access access;
    struct msg_status status;
    uint64_t before = stage_status(p).journal_bytes;
    for (unsigned i = 0; i < count; i++) {
        assert_true(stage_ask(p, WEB, MSG_CENTER_VERIFY, &msg_center_verify_layout, &verify, &msg_center_access_layout, &access));
        assert_true(stage_ask(p, WEB, MSG_CENTER_SEND, &msg_center_send_layout, &send, &msg_status_layout, &status));
    }
    assert_true(stage_status(p).journal_bytes - before < 2 * count * 100);
}

static void a_full_disk_stops_intake_alone(void **state)
{
    STAGE(p, state);
    stage_meet(p, INTAKE);
    assert_int_equal(stage_commit(p, 1, 1), MSG_OK);
    assert_int_equal(stage_commit(p, 2, 1), MSG_OK);
    stage_kill(p);
    p->reserve = "1000GiB";
    stage_start(p);
    stage_meet_all(p);
    assert_int_equal(stage_commit(p, 3, 1), MSG_FULL);
    const struct msg_open open = {stage_id(4), 1000};
    struct msg_status status;
    assert_true(stage_ask(p, INTAKE, MSG_OPEN, &msg_open_layout, &open, &msg_status_layout, &status));
    assert_int_equal(status.code, MSG_FULL);
    assert_true(p->alarms > 0);
    ask_for_unknown_links(p, 100);
    stage_await_leases(p, 2);
    assert_int_equal(post(p, &p->lease[0], 100, false), MSG_OK);
    assert_int_equal(complete_with_dsn(p, &p->lease[1], 300), MSG_OK);
    stage_await_leases(p, 4);
    assert_int_equal(stage_complete(p, &p->lease[2], MSG_OUT_DELIVERED), MSG_OK);
    assert_int_equal(stage_complete(p, &p->lease[3], MSG_OUT_DELIVERED), MSG_OK);
    assert_int_equal(stage_status(p).queued, 0);
    stage_check(p);
}

/* A byte of a queued message's content changes on the disk while the store is down: it is never sent, it is told. */
static void damaged_content_is_returned_never_sent(void **state)
{
    STAGE(p, state);
    char path[128];
    stage_meet(p, INTAKE);
    assert_int_equal(stage_commit(p, 1, 2), MSG_OK);
    stage_kill(p);
    snprintf(path, sizeof path, "%s/store/journal/00000001.seg", p->path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    uint8_t *bytes = mem_new(65536);
    ssize_t n = pread(fd, bytes, 65536, 0);
    ssize_t at = 4096; /* behind the header page: 42 and then zeros is the content alone */
    static const uint8_t zeros[1000];
    while (at + 1001 < n && (bytes[at] != 42 || memcmp(bytes + at + 1, zeros, 1000) != 0)) {
        at++;
    }
    assert_true(at + 1001 < n);
    bytes[at + 500] = 1;
    assert_int_equal(pwrite(fd, bytes + at + 500, 1, at + 500), 1);
    close(fd);
    mem_free(bytes);
    stage_start(p);
    stage_meet_all(p);
    stage_await_leases(p, 2);
    assert_true(p->alarms > 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(p->lease[i].kind, MSG_LEASE_RETURN);
        assert_int_equal(p->lease[i].content, 0);
        assert_int_equal(complete_with_dsn(p, &p->lease[i], (uint32_t)(300 + i)), MSG_OK);
    }
    struct msg_ctl_counts counts = stage_status(p);
    assert_int_equal(counts.returned, 2);
    assert_int_equal(counts.queued, 0);
    assert_int_equal(counts.dsn_accepted, 2);
}

/* kill -9 with commits and completions under way, again and again: what was acknowledged is there, what was completed
 * is not leased again, nothing is lost. */
static void sudden_death_loses_nothing(void **state)
{
    STAGE(p, state);
    uint32_t sent = 0;
    uint32_t acknowledged = 0;
    stage_meet_all(p);
    for (uint32_t round = 0; round < 8; round++) {
        size_t first = p->leases;
        p->commits_done = 0;
        for (uint32_t i = 0; i < 60; i++) {
            stage_commit_start(p, 1000 + sent++);
        }
        while (p->commits_done + p->commits_refused < 20 + round * 5) {
            loop_run(p->loop);
            for (size_t i = first; i < p->leases && i < first + 30; i++) {
                if (!p->lease[i].done) {
                    p->lease[i].done = true;
                    stage_complete_start(p, &p->lease[i], i % 3 == 0 ? MSG_OUT_LATER : MSG_OUT_DELIVERED);
                }
            }
        }
        assert_int_equal(p->commits_refused, 0);
        acknowledged += p->commits_done;
        stage_kill(p);
        stage_start(p);
        stage_meet_all(p);
        struct msg_ctl_counts counts = stage_status(p);
        assert_true(counts.accepted >= acknowledged);
        acknowledged = (uint32_t)counts.accepted; /* those whose answer died with the store */
        stage_check(p);
    }
    /* everything is leased again and ends */
    size_t done = 0;
    while (stage_status(p).queued > 0) {
        for (; done < p->leases; done++) {
            if (p->lease[done].epoch == p->epoch) {
                stage_complete_start(p, &p->lease[done], MSG_OUT_DELIVERED);
            }
        }
        stage_turn(p, 20000);
    }
    assert_int_equal(stage_status(p).delivered, acknowledged);
    stage_check(p);
}

/* A courier that outlived the store reports what it had finished: taken, though the number of the lease is unknown. */
static void completions_of_an_earlier_run_are_taken(void **state)
{
    STAGE(p, state);
    stage_meet_all(p);
    assert_int_equal(stage_commit(p, 1, 1), MSG_OK);
    stage_await_leases(p, 1);
    stage_kill(p);
    stage_start(p);
    stage_meet(p, INTAKE);
    stage_meet(p, COURIER);
    stage_meet(p, KEYD);
    stage_cli(p);
    assert_int_equal(stage_complete(p, &p->lease[0], MSG_OUT_DELIVERED), MSG_OK);
    stage_held(p);
    assert_int_equal(stage_status(p).delivered, 1);
    stage_turn(p, 200000);
    assert_int_equal(p->leases, 1); /* no second delivery */
    assert_int_equal(stage_complete(p, &p->lease[0], MSG_OUT_DELIVERED), MSG_OK); /* told twice: harmless */
    assert_int_equal(stage_status(p).delivered, 1);
    assert_int_equal(stage_drain(p), 0);
    stage_start(p);
    stage_meet_all(p);
    stage_check(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mail_is_kept_leased_and_finished, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_leased_before_couriers_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sign_of_attack_is_remembered, setup, teardown),
        cmocka_unit_test_setup_teardown(a_domain_is_remembered_and_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(a_level_that_does_not_exist_is_not_remembered, setup, teardown),
        cmocka_unit_test_setup_teardown(a_courier_raises_an_alarm, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage_drops_the_peer_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(large_content_is_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_letter_is_noticed_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_notice_ends_in_a_return, setup, teardown),
        cmocka_unit_test_setup_teardown(a_held_notice_waits_for_the_operator, setup, teardown),
        cmocka_unit_test_setup_teardown(credentials_and_locks_outlive_a_death, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_stops_intake_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_content_is_returned_never_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(completions_of_an_earlier_run_are_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(sudden_death_loses_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
