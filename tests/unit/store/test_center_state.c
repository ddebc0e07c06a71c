/* SPDX-License-Identifier: Apache-2.0 */
/* Links, codes and sessions of a letter: what opens it, and everything that must not. */
#include "unit.h"

#include "base/clock.h"
#include "store/center_state.h"

#define T0 INT64_C(1700000000000000)
#define MIN INT64_C(60000000)

static const struct center_limits limits = {100 * MIN, 10 * MIN, 15 * MIN, 3, 6};
static const struct digest link1 = {{1}}, link2 = {{2}}, browser1 = {{11}}, browser2 = {{12}};
static const struct tag code1 = {{21}}, code2 = {{22}};

static struct center_state fresh(void)
{
    struct center_state s;
    center_state_init(&s, &link1, T0, T0 + 1000 * MIN, &limits);
    return s;
}

static enum msg_code verify(struct center_state *s, const struct digest *session, const struct tag *code, int64_t at)
{
    int64_t until = 0;
    return center_state_verify(s, &link1, session, code, at, &limits, &until);
}

static void the_right_code_opens_once(void **ctx)
{
    (void)ctx;
    struct center_state s = fresh();
    bool first = false;
    assert_false(center_state_read(&s, &browser1, T0, &limits, &first));
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0, &limits), MSG_OK);
    assert_int_equal(verify(&s, &browser1, &code1, T0 + MIN), MSG_OK);
    assert_true(center_state_read(&s, &browser1, T0 + 2 * MIN, &limits, &first));
    assert_true(first);
    assert_true(center_state_read(&s, &browser1, T0 + 3 * MIN, &limits, &first));
    assert_false(first);
    assert_false(center_state_read(&s, &browser2, T0 + 3 * MIN, &limits, &first));
    assert_int_equal(verify(&s, &browser1, &code1, T0 + 4 * MIN), MSG_REFUSED); /* replayed */
}

static void a_code_is_bound(void **ctx)
{
    (void)ctx;
    struct center_state s = fresh();
    int64_t until = 0;
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0, &limits), MSG_OK);
    assert_int_equal(verify(&s, &browser2, &code1, T0), MSG_REFUSED); /* another browser */
    assert_int_equal(center_state_ask_link(&s, &link1, &link2, T0, &limits), MSG_OK);
    assert_int_equal(center_state_verify(&s, &link2, &browser1, &code1, T0, &limits, &until), MSG_REFUSED);
    assert_int_equal(verify(&s, &browser1, &code1, T0), MSG_OK);
}

static void codes_links_and_sessions_end(void **ctx)
{
    (void)ctx;
    struct center_state s = fresh();
    bool first = false;
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0, &limits), MSG_OK);
    assert_int_equal(verify(&s, &browser1, &code1, T0 + 10 * MIN), MSG_REFUSED);
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code2, T0 + 11 * MIN, &limits), MSG_OK);
    assert_int_equal(verify(&s, &browser1, &code2, T0 + 12 * MIN), MSG_OK);
    assert_true(center_state_read(&s, &browser1, T0 + 26 * MIN, &limits, &first)); /* idle time begins anew */
    assert_true(center_state_read(&s, &browser1, T0 + 40 * MIN, &limits, &first));
    assert_false(center_state_read(&s, &browser1, T0 + 55 * MIN, &limits, &first));
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0 + 100 * MIN, &limits), MSG_EXPIRED);
    assert_int_equal(center_state_ask_link(&s, &link1, &link2, T0 + 100 * MIN, &limits), MSG_OK); /* an old link may */
    assert_int_equal(center_state_ask_code(&s, &link2, &browser1, &code1, T0 + 101 * MIN, &limits), MSG_OK);
    assert_int_equal(center_state_ask_link(&s, &link1, &link2, T0 + 1000 * MIN, &limits), MSG_UNKNOWN);
}

static void guessing_locks_and_kills_the_codes(void **ctx)
{
    (void)ctx;
    struct center_state s = fresh();
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0, &limits), MSG_OK);
    assert_int_equal(verify(&s, &browser1, &code2, T0), MSG_REFUSED);
    assert_int_equal(verify(&s, &browser1, &code2, T0), MSG_REFUSED);
    assert_int_equal(verify(&s, &browser1, &code2, T0), MSG_LOCKED);
    assert_int_equal(verify(&s, &browser1, &code1, T0 + 1), MSG_LOCKED); /* right, but too late */
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0 + MIN, &limits), MSG_LOCKED);
    assert_int_equal(verify(&s, &browser1, &code1, T0 + 16 * MIN), MSG_REFUSED); /* it died with the lock */
    assert_int_equal(verify(&s, &browser1, &code2, T0 + 16 * MIN), MSG_REFUSED);
    assert_int_equal(verify(&s, &browser1, &code2, T0 + 16 * MIN), MSG_LOCKED);
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0 + 45 * MIN, &limits), MSG_LOCKED);
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0 + 47 * MIN, &limits), MSG_OK);
    assert_int_equal(verify(&s, &browser1, &code1, T0 + 47 * MIN), MSG_OK);
}

static void mails_are_limited_by_the_day(void **ctx)
{
    (void)ctx;
    struct center_state s = fresh();
    for (int i = 0; i < 6; i++) {
        assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0, &limits), MSG_OK);
    }
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0, &limits), MSG_BUSY);
    assert_int_equal(center_state_ask_link(&s, &link1, &link2, T0, &limits), MSG_BUSY);
}

static void unknown_zero_and_closed_open_nothing(void **ctx)
{
    (void)ctx;
    static const struct digest zero;
    struct center_state s = fresh();
    bool first = false;
    assert_int_equal(center_state_ask_code(&s, &link2, &browser1, &code1, T0, &limits), MSG_UNKNOWN);
    assert_int_equal(center_state_ask_code(&s, &zero, &browser1, &code1, T0, &limits), MSG_UNKNOWN);
    assert_int_equal(center_state_ask_code(&s, &link1, &zero, &code1, T0, &limits), MSG_UNKNOWN);
    assert_false(center_state_read(&s, &zero, T0, &limits, &first));
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0, &limits), MSG_OK);
    assert_int_equal(verify(&s, &browser1, &code1, T0), MSG_OK);
    assert_true(center_state_logout(&s, &browser1));
    assert_false(center_state_logout(&s, &browser1));
    assert_false(center_state_read(&s, &browser1, T0, &limits, &first));
    center_state_close(&s);
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0, &limits), MSG_UNKNOWN);
    assert_int_equal(center_state_ask_link(&s, &link1, &link2, T0, &limits), MSG_UNKNOWN);
}

static void bytes_are_read_back_whole_or_not_at_all(void **ctx)
{
    (void)ctx;
    struct center_state s = fresh();
    struct center_state read;
    struct buf b;
    buf_init(&b, 4096);
    assert_int_equal(center_state_ask_code(&s, &link1, &browser1, &code1, T0, &limits), MSG_OK);
    assert_int_equal(verify(&s, &browser1, &code2, T0), MSG_REFUSED);
    assert_int_equal(verify(&s, &browser1, &code1, T0), MSG_OK);
    center_state_write(&s, &b);
    memset(&read, 0, sizeof read);
    assert_true(center_state_parse(buf_slice(&b), &read));
    struct buf again;
    buf_init(&again, 4096);
    center_state_write(&read, &again);
    assert_int_equal(again.len, b.len);
    assert_memory_equal(again.data, b.data, b.len);
    for (size_t n = 0; n < b.len; n++) {
        assert_false(center_state_parse(slice_of(b.data, n), &read));
    }
    buf_free(&b);
    buf_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_code_opens_once),
        cmocka_unit_test(a_code_is_bound),
        cmocka_unit_test(codes_links_and_sessions_end),
        cmocka_unit_test(guessing_locks_and_kills_the_codes),
        cmocka_unit_test(mails_are_limited_by_the_day),
        cmocka_unit_test(unknown_zero_and_closed_open_nothing),
        cmocka_unit_test(bytes_are_read_back_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
