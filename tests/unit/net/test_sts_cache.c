/* SPDX-License-Identifier: Apache-2.0 */
/* Which policy is in force: records and files from a script, on a clock that a test moves. Every failure beside a kept
 * policy keeps it; what is asked for and fetched when, and how often. */
#include "unit.h"

#include "base/clock.h"
#include "fake_clock.h"
#include "net/sts_cache.h"

#define SECOND CLOCK_US_PER_S
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define FILE_OF(mode, age) "version: STSv1\nmode: " mode "\nmx: mx.a.test\nmax_age: " age "\n"
#define WEEK FILE_OF("enforce", "604800")
#define ONE "v=STSv1; id=1"
#define TWO "v=STSv1; id=2"

struct world {
    struct sts_cache *cache;
    /* the DNS */
    enum msg_dns status;
    const char *txt[3];
    uint32_t ttl_s;
    bool hold_dns;
    dns_answer_fn *dns_fn;
    void *dns_ctx;
    unsigned asked;
    unsigned asked_fresh;
    char name[300];
    /* the policy host */
    enum sts_fetch_result result;
    const char *file;
    bool hold_file;
    bool untried;
    sts_fetch_fn *file_fn;
    void *file_ctx;
    unsigned fetched;
    /* the last answer */
    unsigned answers;
    enum sts_look look;
    bool changed;
    int64_t life_us;
    char detail[200];
    uint8_t bytes[MSG_POLICY_MAX];
    struct slice policy;
    struct msg_policy read;
};

/* A DNS client. */
struct client {
    struct world *world;
    bool fresh;
};

static void answer_dns(struct world *w)
{
    uint8_t rdata[3][256];
    struct dns_answer answer = {.status = w->status, .ttl_s = w->ttl_s};
    for (size_t i = 0; i < 3 && w->txt[i] != NULL && w->status == MSG_DNS_OK; i++) {
        size_t len = strlen(w->txt[i]);
        rdata[i][0] = (uint8_t)len;
        memcpy(rdata[i] + 1, w->txt[i], len);
        answer.rdata[answer.count++] = slice_of(rdata[i], len + 1);
    }
    w->dns_fn(w->dns_ctx, &answer);
}

static bool ask(void *ctx, const char *name, int type, dns_answer_fn *fn, void *fn_ctx)
{
    struct client *client = ctx;
    struct world *w = client->world;
    assert_int_equal(type, DNS_TYPE_TXT);
    snprintf(w->name, sizeof(w->name), "%s", name);
    w->asked++;
    w->asked_fresh += client->fresh ? 1 : 0;
    w->dns_fn = fn;
    w->dns_ctx = fn_ctx;
    if (!w->hold_dns)
        answer_dns(w);
    return true;
}

static void answer_file(struct world *w)
{
    bool ok = w->result == STS_FETCH_OK;
    const struct sts_fetch_answer answer = {.result = w->result, .text = ok ? slice_str(w->file) : SLICE_EMPTY,
        .detail = ok ? NULL : "the host is broken", .untried = w->untried};
    w->file_fn(w->file_ctx, &answer);
}

static void get(void *ctx, const char *domain, sts_fetch_fn *fn, void *fn_ctx)
{
    struct world *w = ctx;
    assert_string_equal(domain, w->name + strlen("_mta-sts."));
    w->fetched++;
    w->file_fn = fn;
    w->file_ctx = fn_ctx;
    if (!w->hold_file)
        answer_file(w);
}

static void on_answer(void *ctx, const struct sts_answer *answer)
{
    struct world *w = ctx;
    w->answers++;
    w->look = answer->look;
    w->changed = answer->changed;
    w->life_us = answer->expires_us - clock_utc_us();
    snprintf(w->detail, sizeof(w->detail), "%s", answer->detail);
    if (answer->policy.len > 0)
        memcpy(w->bytes, answer->policy.data, answer->policy.len);
    w->policy = slice_of(w->bytes, answer->policy.len);
    w->read = (struct msg_policy){.mode = 0xff};
    if (answer->policy.len > 0)
        assert_true(layout_read(&msg_policy_layout, w->policy, &w->read));
}

/* A domain whose record says id 1 and whose policy is in mode enforce for a week. */
static struct world *world(void)
{
    struct world *w = calloc(1, sizeof(*w));
    struct client *clients = calloc(2, sizeof(*clients));
    clients[0] = (struct client){w, false};
    clients[1] = (struct client){w, true};
    fake_clock_set(INT64_C(1790000000000000));
    *w = (struct world){.status = MSG_DNS_OK, .txt = {ONE}, .ttl_s = 60, .file = WEEK};
    const struct sts_cache_ops ops = {.ask = ask, .ask_ctx = &clients[0], .fresh_ctx = &clients[1], .get = get, .get_ctx = w};
    w->cache = sts_cache_create(&ops);
    w->dns_ctx = clients;
    return w;
}

static void end(struct world *w, struct client *clients)
{
    sts_cache_free(&w->cache);
    free(clients);
    free(w);
}

#define BEGIN \
    struct world *w = world(); \
    struct client *clients = w->dns_ctx; \
    (void)state
#define END end(w, clients)

static void look_with(struct world *w, struct slice kept, bool fresh)
{
    unsigned before = w->answers;
    sts_cache_ask(w->cache, SLICE_LIT("a.test"), kept, fresh, on_answer, w);
    assert_int_equal(w->answers, before + 1);
    assert_int_equal(sts_cache_busy(w->cache), w->hold_file || w->hold_dns ? 1 : 0);
}

static void look(struct world *w)
{
    look_with(w, SLICE_EMPTY, false);
}

/* After the record's life. */
static void look_later(struct world *w)
{
    fake_clock_advance(61 * SECOND);
    look(w);
}

static void put_policy(struct buf *out, const char *id, int64_t fetched_us, uint32_t max_age_s)
{
    const struct msg_policy policy = {.mode = 2, .id = slice_str(id), .fetched_us = fetched_us, .max_age_s = max_age_s,
        .hosts = SLICE_LIT("mx.kept.test")};
    buf_init(out, MSG_POLICY_MAX);
    layout_write(&msg_policy_layout, out, &policy);
}

static void test_found(void **state)
{
    BEGIN;
    look(w);
    assert_string_equal(w->name, "_mta-sts.a.test");
    assert_int_equal(w->look, STS_FOUND);
    assert_int_equal(w->read.mode, 2);
    assert_int_equal(w->read.max_age_s, 604800);
    assert_int_equal(w->read.fetched_us, clock_utc_us());
    assert_slice(w->read.id, "1");
    assert_slice(w->read.hosts, "mx.a.test");
    assert_true(w->changed);
    assert_string_equal(w->detail, "");
    assert_int_equal(w->life_us, 60 * SECOND);
    uint8_t mine[MSG_POLICY_MAX];
    struct slice kept = slice_of(memcpy(mine, w->bytes, w->policy.len), w->policy.len);
    look_with(w, kept, false); /* from memory; the asker has it */
    assert_false(w->changed);
    assert_int_equal(w->asked, 1);
    look_later(w); /* the id says that it still holds */
    assert_int_equal(w->look, STS_FOUND);
    assert_int_equal(w->asked, 2);
    assert_int_equal(w->fetched, 1);
    END;
}

static void test_absent(void **state)
{
    BEGIN;
    static const enum msg_dns statuses[] = {MSG_DNS_NXDOMAIN, MSG_DNS_NODATA, MSG_DNS_OK};
    for (size_t i = 0; i < 3; i++) {
        w->status = statuses[i];
        w->txt[0] = "v=spf1 -all";
        look_later(w);
        assert_int_equal(w->look, STS_ABSENT);
        assert_int_equal(w->policy.len, 0);
        assert_false(w->changed);
        assert_string_equal(w->detail, "");
        assert_int_equal(w->life_us, 60 * SECOND); /* absence is remembered too */
        look(w);
        assert_int_equal(w->asked, i + 1);
    }
    assert_int_equal(w->fetched, 0);
    END;
}

/* Every way to fail, first without a policy and then beside one that is kept. */
static void test_failures(void **state)
{
    static const struct {
        enum msg_dns status;
        const char *txt[2];
        enum sts_fetch_result result;
        const char *file;
        enum sts_look look;
        const char *detail;
        int64_t life_us;
    } table[] = {
        {MSG_DNS_SERVFAIL, {ONE}, STS_FETCH_OK, WEEK, STS_DNS_FAILED, "cannot be looked up", STS_LIFE_FAILED_US},
        {MSG_DNS_TIMEOUT, {ONE}, STS_FETCH_OK, WEEK, STS_DNS_FAILED, "cannot be looked up", STS_LIFE_FAILED_US},
        {MSG_DNS_BOGUS, {ONE}, STS_FETCH_OK, WEEK, STS_DNS_FAILED, "signatures", STS_LIFE_FAILED_US},
        {MSG_DNS_OK, {ONE, TWO}, STS_FETCH_OK, WEEK, STS_BAD_RECORD, "more than one", 60 * SECOND},
        {MSG_DNS_OK, {"v=STSv1; x=y"}, STS_FETCH_OK, WEEK, STS_BAD_RECORD, "no id", 60 * SECOND},
        {MSG_DNS_OK, {TWO}, STS_FETCH_FAILED, "", STS_NO_FETCH, "broken", 60 * SECOND},
        {MSG_DNS_OK, {TWO}, STS_FETCH_UNTRUSTED, "", STS_BAD_CERT, "broken", 60 * SECOND},
        {MSG_DNS_OK, {TWO}, STS_FETCH_OK, "version: STSv1\n", STS_BAD_POLICY, "no mode", 60 * SECOND},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        for (int kept = 0; kept < 2; kept++) {
            BEGIN;
            if (kept == 1)
                look(w);
            fake_clock_advance(61 * SECOND);
            w->status = table[i].status;
            memcpy(w->txt, table[i].txt, sizeof(table[i].txt));
            w->result = table[i].result;
            w->file = table[i].file;
            look(w);
            assert_int_equal(w->look, kept == 1 ? STS_KEPT : table[i].look);
            assert_int_equal(w->read.mode, kept == 1 ? 2 : 0xff);
            assert_non_null(strstr(w->detail, table[i].detail));
            assert_int_equal(w->life_us, table[i].life_us);
            END;
        }
    }
}

/* RFC 8461 5.1: without a record a kept policy stays in force until it ends; only mode none ends it earlier. */
static void test_record_gone(void **state)
{
    BEGIN;
    look(w);
    w->status = MSG_DNS_NXDOMAIN;
    fake_clock_advance(6 * DAY);
    look(w);
    assert_int_equal(w->look, STS_KEPT);
    assert_int_equal(w->read.mode, 2);
    assert_non_null(strstr(w->detail, "no record"));
    fake_clock_advance(DAY - 10 * SECOND);
    look(w);
    assert_int_equal(w->life_us, 10 * SECOND); /* not beyond its end */
    uint8_t mine[MSG_POLICY_MAX];
    struct slice kept = slice_of(memcpy(mine, w->bytes, w->policy.len), w->policy.len);
    fake_clock_advance(10 * SECOND);
    look_with(w, kept, false);
    assert_int_equal(w->look, STS_ABSENT);
    assert_int_equal(w->policy.len, 0);
    assert_true(w->changed); /* forget the kept one */
    END;
}

static void test_id_changes(void **state)
{
    BEGIN;
    look(w);
    w->txt[0] = TWO;
    w->file = FILE_OF("none", "86400");
    look_later(w);
    assert_int_equal(w->fetched, 2);
    assert_int_equal(w->look, STS_FOUND);
    assert_int_equal(w->read.mode, 0);
    assert_slice(w->read.id, "2");
    w->txt[0] = ONE;
    w->result = STS_FETCH_FAILED;
    look_later(w);
    assert_int_equal(w->look, STS_KEPT);
    assert_slice(w->read.id, "2"); /* until the fetch succeeds */
    w->result = STS_FETCH_OK;
    w->file = WEEK;
    fake_clock_advance(STS_PAUSE_FAILED_US);
    look(w);
    assert_slice(w->read.id, "1");
    assert_int_equal(w->read.mode, 2);
    END;
}

static void test_failed_fetch_pauses(void **state)
{
    BEGIN;
    w->result = STS_FETCH_FAILED;
    look(w);
    for (int i = 0; i < 4; i++)
        look_later(w);
    assert_int_equal(w->fetched, 1);
    assert_int_equal(w->look, STS_NO_FETCH);
    w->result = STS_FETCH_OK;
    fake_clock_advance(55 * SECOND);
    look(w);
    assert_int_equal(w->fetched, 1);
    assert_int_equal(w->life_us, SECOND); /* ask again when the pause is over */
    fake_clock_advance(SECOND);
    look(w);
    assert_int_equal(w->fetched, 2);
    assert_int_equal(w->look, STS_FOUND);
    w->txt[0] = TWO;
    w->result = STS_FETCH_FAILED;
    w->untried = true; /* its address could not be looked up: no reason to leave it alone for long */
    look_later(w);
    assert_int_equal(w->life_us, STS_LIFE_FAILED_US);
    look(w);
    assert_int_equal(w->fetched, 3);
    fake_clock_advance(STS_LIFE_FAILED_US);
    look(w);
    assert_int_equal(w->fetched, 4);
    END;
}

/* A refresh goes on behind the asker's back, and its failure is told while the policy holds. */
static void test_refresh(void **state)
{
    BEGIN;
    look(w);
    fake_clock_advance(STS_REFRESH_US - SECOND);
    look(w);
    assert_int_equal(w->fetched, 1);
    fake_clock_advance(SECOND);
    w->hold_file = true;
    look(w); /* answered although the file is not there */
    assert_int_equal(w->fetched, 2);
    assert_int_equal(w->look, STS_FOUND);
    assert_int_equal(w->read.fetched_us, clock_utc_us() - STS_REFRESH_US);
    look(w);
    assert_int_equal(w->fetched, 2); /* one at a time */
    w->hold_file = false;
    fake_clock_advance(5 * SECOND);
    answer_file(w);
    look(w);
    assert_int_equal(w->read.fetched_us, clock_utc_us());
    assert_true(w->changed);
    fake_clock_advance(STS_REFRESH_US);
    w->result = STS_FETCH_UNTRUSTED;
    look(w);
    look(w);
    assert_int_equal(w->look, STS_KEPT);
    assert_non_null(strstr(w->detail, "broken"));
    assert_int_equal(w->read.mode, 2);
    assert_int_equal(w->fetched, 3);
    END;
}

static void test_short_lives(void **state)
{
    BEGIN;
    w->file = FILE_OF("enforce", "3600");
    look(w);
    fake_clock_advance(1799 * SECOND);
    look(w);
    assert_int_equal(w->fetched, 1);
    fake_clock_advance(SECOND);
    look(w); /* half of it is over */
    assert_int_equal(w->fetched, 2);
    w->txt[0] = TWO;
    w->file = FILE_OF("enforce", "0");
    look_later(w);
    assert_int_equal(w->fetched, 3);
    assert_int_equal(w->policy.len, 0); /* max_age 0 ends a policy */
    assert_int_equal(w->look, STS_FOUND);
    look(w);
    assert_int_equal(w->fetched, 3);
    END;
}

static void test_waiting(void **state)
{
    BEGIN;
    int other = 0;
    w->hold_file = true;
    sts_cache_ask(w->cache, SLICE_LIT("a.test"), SLICE_EMPTY, false, on_answer, w);
    sts_cache_ask(w->cache, SLICE_LIT("a.test"), SLICE_EMPTY, false, on_answer, w);
    sts_cache_ask(w->cache, SLICE_LIT("a.test"), SLICE_EMPTY, false, on_answer, &other); /* would crash if it were called */
    sts_cache_forget(w->cache, &other);
    assert_int_equal(w->answers, 0);
    assert_int_equal(w->fetched, 1);
    sts_cache_tick(w->cache);
    assert_int_equal(w->answers, 0);
    fake_clock_advance(STS_WAIT_US);
    sts_cache_tick(w->cache);
    assert_int_equal(w->answers, 2);
    assert_int_equal(w->look, STS_NO_FETCH);
    assert_int_equal(w->policy.len, 0);
    assert_int_equal(w->life_us, DNS_LIFE_FAILED_US);
    assert_int_equal(sts_cache_busy(w->cache), 1); /* it goes on */
    w->hold_file = false;
    answer_file(w);
    assert_int_equal(w->answers, 2);
    assert_int_equal(sts_cache_busy(w->cache), 0);
    look(w); /* and serves the next */
    assert_int_equal(w->look, STS_FOUND);
    assert_int_equal(w->fetched, 1);
    w->hold_dns = true;
    fake_clock_advance(61 * SECOND);
    sts_cache_ask(w->cache, SLICE_LIT("a.test"), SLICE_EMPTY, false, on_answer, w);
    fake_clock_advance(STS_WAIT_US);
    sts_cache_tick(w->cache);
    assert_int_equal(w->look, STS_KEPT);
    assert_non_null(strstr(w->detail, "in time"));
    END; /* freed while open */
}

/* What the store kept over a restart is in force at once, whatever the domain answers now. */
static void test_kept_over_a_restart(void **state)
{
    BEGIN;
    struct buf kept;
    put_policy(&kept, "old", clock_utc_us() - DAY, 2 * 86400);
    w->status = MSG_DNS_SERVFAIL;
    look_with(w, buf_slice(&kept), false);
    assert_int_equal(w->look, STS_KEPT);
    assert_slice(w->read.hosts, "mx.kept.test");
    assert_false(w->changed);
    w->status = MSG_DNS_OK;
    w->txt[0] = "v=STSv1; id=old";
    w->result = STS_FETCH_FAILED;
    fake_clock_advance(STS_LIFE_FAILED_US);
    look_with(w, buf_slice(&kept), false);
    assert_slice(w->read.hosts, "mx.kept.test"); /* confirmed by its id; half its life is over, and the refresh fails */
    assert_int_equal(w->fetched, 1);
    look_with(w, buf_slice(&kept), false);
    assert_int_equal(w->look, STS_KEPT);
    buf_free(&kept);
    put_policy(&kept, "older", clock_utc_us() - 3 * DAY, 30 * 86400); /* another courier's, older than ours */
    look_with(w, buf_slice(&kept), false);
    assert_slice(w->read.id, "old");
    assert_true(w->changed);
    buf_free(&kept);
    END;
}

static void test_what_is_kept_may_be_over_or_broken(void **state)
{
    BEGIN;
    struct buf kept;
    w->status = MSG_DNS_SERVFAIL;
    put_policy(&kept, "old", clock_utc_us() - DAY, 86400);
    look_with(w, buf_slice(&kept), false);
    assert_int_equal(w->look, STS_DNS_FAILED);
    assert_int_equal(w->policy.len, 0);
    assert_true(w->changed);
    buf_append_byte(&kept, 1);
    look_with(w, buf_slice(&kept), false);
    assert_int_equal(w->policy.len, 0);
    buf_free(&kept);
    END;
}

/* The clock was ahead by ten years when a policy was fetched: it ends a max_age after it was put right, and is told to be
 * kept so. It is not taken for newer than what was fetched by the right clock. */
static void test_clock_set_back(void **state)
{
    BEGIN;
    struct buf kept;
    w->status = MSG_DNS_SERVFAIL;
    put_policy(&kept, "1", clock_utc_us() + 3650 * DAY, 86400);
    look_with(w, buf_slice(&kept), false);
    assert_slice(w->read.hosts, "mx.kept.test");
    assert_int_equal(w->read.fetched_us, clock_utc_us());
    assert_true(w->changed);
    fake_clock_advance(DAY);
    look_with(w, SLICE_EMPTY, false);
    assert_int_equal(w->policy.len, 0);
    w->status = MSG_DNS_OK;
    look_later(w);
    assert_slice(w->read.hosts, "mx.a.test");
    look_with(w, buf_slice(&kept), false);
    assert_slice(w->read.hosts, "mx.a.test");
    fake_clock_set(clock_utc_us() - 3650 * DAY);
    look(w);
    assert_slice(w->read.hosts, "mx.a.test");
    assert_int_equal(w->read.fetched_us, clock_utc_us());
    buf_free(&kept);
    END;
}

/* Past every cache and pause, but never below what is kept. */
static void test_fresh(void **state)
{
    BEGIN;
    look(w);
    w->file = FILE_OF("testing", "604800");
    look_with(w, SLICE_EMPTY, true);
    assert_int_equal(w->asked_fresh, 1);
    assert_int_equal(w->fetched, 2);
    assert_int_equal(w->read.mode, 1);
    w->result = STS_FETCH_FAILED;
    look_with(w, SLICE_EMPTY, true);
    assert_int_equal(w->look, STS_KEPT);
    assert_int_equal(w->read.mode, 1);
    w->result = STS_FETCH_OK;
    look_with(w, SLICE_EMPTY, true); /* within the pause */
    assert_int_equal(w->look, STS_FOUND);
    assert_int_equal(w->fetched, 4);
    w->hold_file = true;
    sts_cache_ask(w->cache, SLICE_LIT("a.test"), SLICE_EMPTY, true, on_answer, w);
    assert_int_equal(w->answers, 4); /* it waits for the file although the id is the same */
    answer_file(w);
    assert_int_equal(w->answers, 5);
    assert_int_equal(w->asked, 5);
    assert_int_equal(w->asked_fresh, 4);
    END;
}

/* The operator's word: what is kept goes at once; what is still published is found again, what has vanished is not. */
static void test_dropped(void **state)
{
    BEGIN;
    sts_cache_drop(w->cache, SLICE_LIT("a.test")); /* nothing is known yet */
    look(w);
    sts_cache_drop(w->cache, SLICE_LIT("a.test"));
    look(w);
    assert_int_equal(w->fetched, 2);
    assert_int_equal(w->look, STS_FOUND);
    w->result = STS_FETCH_FAILED;
    look_later(w);
    assert_true(w->policy.len > 0);
    sts_cache_drop(w->cache, SLICE_LIT("a.test"));
    look(w);
    assert_int_equal(w->look, STS_NO_FETCH);
    assert_int_equal(w->policy.len, 0);
    END;
}

static void test_names(void **state)
{
    BEGIN;
    sts_cache_ask(w->cache, SLICE_LIT("[192.0.2.1]"), SLICE_EMPTY, false, on_answer, w);
    assert_int_equal(w->look, STS_UNASKED);
    assert_int_equal(w->asked, 0);
    char name[254];
    memset(name, 'a', sizeof(name));
    for (size_t i = 50; i < sizeof(name); i += 51)
        name[i] = '.';
    sts_cache_ask(w->cache, slice_of(name, 250), SLICE_EMPTY, false, on_answer, w);
    assert_int_equal(w->look, STS_ABSENT); /* no room for the label */
    assert_int_equal(w->asked, 0);
    END;
}

/* The least used domain leaves; too many looks at once are told so, and what was kept still holds. */
static void test_bounds(void **state)
{
    BEGIN;
    char name[32];
    look(w);
    for (unsigned i = 0; i < STS_DOMAINS_MAX; i++) {
        snprintf(name, sizeof(name), "x%u.test", i);
        sts_cache_ask(w->cache, slice_str(name), SLICE_EMPTY, false, on_answer, w);
    }
    unsigned asked = w->asked;
    sts_cache_ask(w->cache, SLICE_LIT("x5.test"), SLICE_EMPTY, false, on_answer, w);
    assert_int_equal(w->asked, asked);
    look(w);
    assert_int_equal(w->asked, asked + 1);
    w->hold_dns = true;
    unsigned answers = w->answers;
    for (unsigned i = 0; i < STS_BUSY_MAX; i++) {
        snprintf(name, sizeof(name), "y%u.test", i);
        sts_cache_ask(w->cache, slice_str(name), SLICE_EMPTY, false, on_answer, w);
    }
    assert_int_equal(w->answers, answers);
    struct buf kept;
    put_policy(&kept, "old", clock_utc_us(), 60);
    sts_cache_ask(w->cache, SLICE_LIT("z.test"), buf_slice(&kept), false, on_answer, w);
    assert_int_equal(w->look, STS_KEPT);
    assert_false(w->changed);
    sts_cache_ask(w->cache, SLICE_LIT("z.test"), SLICE_EMPTY, false, on_answer, w);
    assert_int_equal(w->look, STS_DNS_FAILED);
    buf_free(&kept);
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),      cmocka_unit_test(test_absent),
        cmocka_unit_test(test_failures),   cmocka_unit_test(test_record_gone),
        cmocka_unit_test(test_id_changes), cmocka_unit_test(test_failed_fetch_pauses),
        cmocka_unit_test(test_refresh),    cmocka_unit_test(test_short_lives),
        cmocka_unit_test(test_waiting),    cmocka_unit_test(test_kept_over_a_restart),
        cmocka_unit_test(test_fresh),      cmocka_unit_test(test_what_is_kept_may_be_over_or_broken),
        cmocka_unit_test(test_names),      cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_dropped),    cmocka_unit_test(test_clock_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
