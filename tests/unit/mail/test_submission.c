/* SPDX-License-Identifier: Apache-2.0 */
/* The submission filter: exact bytes, exact additions, every refusal, at every cut (rows 1, 2, 18). */
#include "unit.h"

#include "base/clock.h"
#include "submission_run.h"

/* Runs the message whole, byte by byte, and cut once at every place; the result must always be the same. */
static void assert_result(struct slice message, const struct mail_trace *trace, enum mail_refusal refusal,
                          struct slice expected)
{
    struct buf out;
    buf_init(&out, 1u << 20);
    for (size_t cut = 0; cut <= message.len; cut++) {
        struct mail_submission s;
        size_t piece = cut == 0 ? 1 : message.len;
        bool ok = run_submission(&s, trace, message, cut, piece, &out);
        assert_int_equal(s.refusal, refusal);
        assert_true(ok == (refusal == MAIL_REFUSAL_NONE));
        assert_true(ok == (s.state == MAIL_SUBMISSION_BODY));
        if (ok && !slice_eq(buf_slice(&out), expected))
            fail_msg("cut at %zu gave\n%s", cut, buf_cstr(&out));
        mail_submission_free(&s);
    }
    buf_free(&out);
}

static void assert_passes(const char *message, const char *expected)
{
    assert_result(slice_str(message), &RUN_TRACE, MAIL_REFUSAL_NONE, slice_str(expected));
}

static void assert_refused(struct slice message, enum mail_refusal refusal)
{
    assert_result(message, &RUN_TRACE, refusal, SLICE_EMPTY);
}

static void test_exact(void **state)
{
    (void)state;
    const char *whole = "Date: x\r\nMessage-ID: <y@z>\r\nFrom: a@b.example\r\n\r\nbody\r\n.\r\n\r\n";
    struct buf expected;
    buf_init(&expected, 4096);
    buf_printf(&expected, "%s%s", RUN_RECEIVED, whole);
    assert_passes(whole, buf_cstr(&expected));
    buf_free(&expected);
    assert_passes("From: a@b.example\r\n\r\nx\r\n", RUN_RECEIVED RUN_DATE RUN_ID "From: a@b.example\r\n\r\nx\r\n");
    assert_passes("", RUN_RECEIVED RUN_DATE RUN_ID);
    assert_passes("\r\n", RUN_RECEIVED RUN_DATE RUN_ID "\r\n");
    assert_passes("\r\nbody", RUN_RECEIVED RUN_DATE RUN_ID "\r\nbody");
    assert_passes("Subject: no end", RUN_RECEIVED RUN_DATE RUN_ID "Subject: no end");
    assert_passes("date: d\r\nMESSAGE-id: m\r\n", RUN_RECEIVED "date: d\r\nMESSAGE-id: m\r\n");
}

static void test_bcc_goes(void **state)
{
    (void)state;
    assert_passes("Bcc: a@b.example,\r\n\tc@d.example\r\n e\r\nSubject: s\r\nBCC : f\r\nResent-Bcc: g\r\nX-Bcc: h\r\n\r\nBcc: body\r\n",
                  RUN_RECEIVED RUN_DATE RUN_ID "Subject: s\r\nX-Bcc: h\r\n\r\nBcc: body\r\n");
    assert_passes("Subject: s\r\nBcc: last", RUN_RECEIVED RUN_DATE RUN_ID "Subject: s\r\n");
    assert_passes("Sealpost-Minimum-Proof: dane\r\nSubject: s\r\nSEALPOST-MINIMUM-PROOF :\r\n\tpkix (x)\r\nX-Sealpost-Minimum-Proof: y\r\n\r\nSealpost-Minimum-Proof: sts\r\n",
                  RUN_RECEIVED RUN_DATE RUN_ID "Subject: s\r\nX-Sealpost-Minimum-Proof: y\r\n\r\nSealpost-Minimum-Proof: sts\r\n");
    assert_passes("Bcc:\r\n\r\n", RUN_RECEIVED RUN_DATE RUN_ID "\r\n");
}

static void test_lines(void **state)
{
    (void)state;
    assert_refused(SLICE_LIT("A: b\r\n\r\nx\ny\r\n"), MAIL_REFUSAL_BARE_LF);
    assert_refused(SLICE_LIT("A: b\n\r\nx\r\n"), MAIL_REFUSAL_BARE_LF);
    assert_refused(SLICE_LIT("\nA: b\r\n"), MAIL_REFUSAL_BARE_LF);
    assert_refused(SLICE_LIT("A: b\r\n\r\nx\r\n\n.\r\nMAIL FROM:<a@b>\r\n"), MAIL_REFUSAL_BARE_LF);
    assert_refused(SLICE_LIT("A: b\r\n\r\nx\n.\nMAIL FROM:<a@b>\r\n"), MAIL_REFUSAL_BARE_LF);
    assert_refused(SLICE_LIT("A: b\r\n\r\nx\ry\r\n"), MAIL_REFUSAL_BARE_CR);
    assert_refused(SLICE_LIT("A: b\r\n\r\nx\r\r\n"), MAIL_REFUSAL_BARE_CR);
    assert_refused(SLICE_LIT("A: b\r\n\r\nx\r"), MAIL_REFUSAL_BARE_CR);
    assert_refused(SLICE_LIT("A: b\r"), MAIL_REFUSAL_BARE_CR);
    assert_refused(SLICE_LIT("A: b\r\rB: c\r\n"), MAIL_REFUSAL_BARE_CR);
    assert_refused(SLICE_LIT("A: b\0\r\n\r\n"), MAIL_REFUSAL_NUL);
    assert_refused(SLICE_LIT("A: b\r\n\r\nx\0y\rz\r\n"), MAIL_REFUSAL_NUL);
    assert_refused(SLICE_LIT("A: b\r\n\r\nx\r\0\r\n"), MAIL_REFUSAL_BARE_CR);
}

static void test_line_length(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1u << 16);
    for (size_t extra = 0; extra < 2; extra++) {
        for (size_t part = 0; part < 2; part++) {
            buf_reset(&b);
            buf_append_str(&b, part == 0 ? "A: " : "A: b\r\n\r\n...");
            for (size_t i = 3; i < MAIL_LINE_MAX + extra; i++)
                buf_append_byte(&b, 'x');
            buf_append_str(&b, "\r\n");
            struct mail_submission s;
            struct buf out;
            buf_init(&out, 1u << 16);
            for (size_t piece = 1; piece < 1300; piece += 7) {
                assert_true(run_submission(&s, &RUN_TRACE, buf_slice(&b), 0, piece, &out) == (extra == 0));
                assert_int_equal(s.refusal, extra == 0 ? MAIL_REFUSAL_NONE : MAIL_REFUSAL_LINE_LENGTH);
                mail_submission_free(&s);
            }
            buf_free(&out);
        }
    }
    buf_free(&b);
}

static void test_header_limits(void **state)
{
    (void)state;
    struct buf b;
    struct buf out;
    struct mail_submission s;
    buf_init(&b, 1u << 20);
    buf_init(&out, 1u << 20);
    while (b.len + 500 < MAIL_HEADER_MAX) {
        buf_append_str(&b, "X: ");
        for (size_t i = 0; i < 900; i++)
            buf_append_byte(&b, 'x');
        buf_append_str(&b, "\r\n");
    }
    buf_append_str(&b, "\r\nbody\r\n");
    assert_true(run_submission(&s, &RUN_TRACE, buf_slice(&b), 0, b.len, &out) == (b.len < MAIL_HEADER_MAX));
    mail_submission_free(&s);
    buf_consume(&b, 905);
    assert_true(run_submission(&s, &RUN_TRACE, buf_slice(&b), 0, 4096, &out));
    mail_submission_free(&s);
    buf_reset(&b);
    for (size_t i = 0; i < 100000; i++)
        buf_append_str(&b, "X:\r\n");
    for (size_t piece = 1; piece < 70000; piece = piece * 3 + 1) {
        assert_false(run_submission(&s, &RUN_TRACE, buf_slice(&b), 0, piece, &out));
        assert_int_equal(s.refusal, MAIL_REFUSAL_HEADER_SIZE);
        mail_submission_free(&s);
    }
    buf_free(&b);
    buf_free(&out);
}

static void test_header_syntax(void **state)
{
    (void)state;
    assert_refused(SLICE_LIT("no field\r\n\r\nx\r\n"), MAIL_REFUSAL_HEADER_SYNTAX);
    assert_refused(SLICE_LIT(" folded\r\n\r\nx\r\n"), MAIL_REFUSAL_HEADER_SYNTAX);
    assert_refused(SLICE_LIT("A: b\r\nFrom a@b.example\r\n"), MAIL_REFUSAL_HEADER_SYNTAX);
    assert_refused(SLICE_LIT("From: a@b.example\r\nFrom: c@d.example\r\n\r\n"), MAIL_REFUSAL_FROM);
    assert_refused(SLICE_LIT("From: a@b.example\r\nFROM : c@d.example\r\n\r\n"), MAIL_REFUSAL_FROM);
    assert_refused(SLICE_LIT("From: a@b.example x@y\r\n\r\n"), MAIL_REFUSAL_FROM);
    assert_refused(SLICE_LIT("Sender: a@b.example, c@d.example\r\n\r\n"), MAIL_REFUSAL_FROM);
    assert_refused(SLICE_LIT("From: j\303\266@b.example\r\n\r\n"), MAIL_REFUSAL_FROM);
    assert_refused(SLICE_LIT("TLS-Required: No\r\n\r\n"), MAIL_REFUSAL_TLS_OPTIONAL);
    assert_refused(SLICE_LIT("TLS-Required: Yes\r\nSubject: x\r\ntls-required: (x) nO\r\n\r\n"), MAIL_REFUSAL_TLS_OPTIONAL);
    assert_refused(SLICE_LIT("Sealpost-Minimum-Proof: high\r\n\r\n"), MAIL_REFUSAL_MINIMUM);
    assert_refused(SLICE_LIT("Sealpost-Minimum-Proof:\r\n\r\n"), MAIL_REFUSAL_MINIMUM);
    assert_refused(SLICE_LIT("Sealpost-Minimum-Proof: dane\r\nsealpost-minimum-proof: none\r\n\r\n"), MAIL_REFUSAL_MINIMUM);
}

static void test_smtputf8(void **state)
{
    (void)state;
    struct mail_trace trace = RUN_TRACE;
    trace.smtputf8 = true;
    assert_result(SLICE_LIT("From: j\303\266@b.example\r\nSubject: \374\r\n\r\n"), &trace, MAIL_REFUSAL_HEADER_UTF8,
                  SLICE_EMPTY);
    struct mail_submission s;
    struct buf out;
    buf_init(&out, 65536);
    assert_true(run_submission(&s, &trace, SLICE_LIT("From: j\303\266@b.example\r\n\r\n\303\266\r\n"), 0, 100, &out));
    assert_true(s.header_8bit && s.body_8bit);
    assert_true(s.from.count == 1 && s.from.addresses[0].utf8_local);
    assert_non_null(strstr(buf_cstr(&out), "with UTF8SMTPSA id"));
    mail_submission_free(&s);
    buf_free(&out);
}

static void test_facts(void **state)
{
    (void)state;
    struct mail_submission s;
    struct buf out;
    buf_init(&out, 65536);
    struct slice m = SLICE_LIT("From: A <a@b.example>, c@d.example\r\nSender: e@f.example\r\nMessage-ID:\r\n <m@n>\r\n\r\nx\r\n");
    assert_true(run_submission(&s, &RUN_TRACE, m, 0, 5, &out));
    assert_int_equal(s.from.count, 2);
    assert_string_equal(s.from.addresses[1].domain.ascii, "d.example");
    assert_string_equal(s.sender.addresses[0].local, "e");
    assert_slice(s.message_id, "m@n");
    assert_false(s.header_8bit || s.body_8bit);
    mail_submission_free(&s);
    assert_true(run_submission(&s, &RUN_TRACE, SLICE_LIT("From: Whomever\r\n\r\n\377\r\n"), 0, 5, &out));
    assert_int_equal(s.from.count, 0);
    assert_slice(s.message_id, "ID1@relay.example");
    assert_true(s.body_8bit);
    mail_submission_free(&s);
    buf_free(&out);
    mail_submission_free(NULL);
}

/* Who sent a message again is shown by some programs as its author: all of them are told to the caller. */
static void test_resent(void **state)
{
    (void)state;
    struct mail_submission s;
    struct buf out;
    buf_init(&out, 65536);
    struct slice m = SLICE_LIT("Resent-From: a@b.example\r\nresent-sender:\r\n c@d.example\r\nResent-From: e@f.example\r\n"
                               "From: g@h.example\r\n\r\n");
    assert_true(run_submission(&s, &RUN_TRACE, m, 0, 5, &out));
    assert_int_equal(s.from.count, 1);
    assert_int_equal(s.resent.count, 3);
    mail_submission_free(&s);
    assert_false(run_submission(&s, &RUN_TRACE, SLICE_LIT("Resent-From: \"a@b.example\"\r\n\r\n"), 0, 5, &out));
    assert_int_equal(s.refusal, MAIL_REFUSAL_FROM);
    mail_submission_free(&s);
    buf_free(&out);
}

static void test_refusal_is_final(void **state)
{
    (void)state;
    struct mail_submission s;
    struct mail_submission_output o;
    mail_submission_init(&s, &RUN_TRACE);
    assert_false(mail_submission_feed(&s, SLICE_LIT("x\n"), &o));
    assert_false(mail_submission_feed(&s, SLICE_LIT("A: b\r\n\r\n"), &o));
    assert_false(mail_submission_finish(&s, &o));
    assert_int_equal(o.head.len + o.body.len, 0);
    assert_int_equal(s.refusal, MAIL_REFUSAL_BARE_LF);
    mail_submission_free(&s);
    for (int r = MAIL_REFUSAL_NONE + 1; r < MAIL_REFUSAL_COUNT; r++) {
        const struct mail_refusal_reply *reply = mail_refusal_reply((enum mail_refusal)r);
        assert_true(reply->code >= 550 && reply->enhanced[0] == '5' && reply->text[0] != '\0');
    }
}

static void test_body_is_not_copied(void **state)
{
    (void)state;
    struct mail_submission s;
    struct mail_submission_output o;
    mail_submission_init(&s, &RUN_TRACE);
    struct slice in = SLICE_LIT("A: b\r\n\r\nbody\r\n");
    assert_true(mail_submission_feed(&s, in, &o));
    assert_ptr_equal(o.body.data, in.data + 8);
    size_t held = s.header.cap + s.top.cap;
    for (size_t i = 0; i < 50000; i++)
        assert_true(mail_submission_feed(&s, SLICE_LIT("more of it, line by line\r\n"), &o));
    assert_int_equal(s.header.cap + s.top.cap, held);
    mail_submission_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),         cmocka_unit_test(test_bcc_goes),
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_line_length),
        cmocka_unit_test(test_header_limits), cmocka_unit_test(test_header_syntax),
        cmocka_unit_test(test_smtputf8),      cmocka_unit_test(test_facts),
        cmocka_unit_test(test_resent),
        cmocka_unit_test(test_refusal_is_final), cmocka_unit_test(test_body_is_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
