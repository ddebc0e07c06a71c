/* SPDX-License-Identifier: Apache-2.0 */
/* The client against scripted peers. A script is a list of turns: what the client must have said by now, exactly, and
 * what the peer answers. Every script runs with answers whole and with answers cut at every byte. */
#include "unit.h"

#include "base/mem.h"
#include "smtp/smtp_client_transaction.h"

#define TLS_NOW "<TLS>" /* in place of an expectation: the handshake is reported */

struct turn {
    const char *said;
    const char *answer;
};

struct source {
    const char *const *pieces;
    size_t count;
    size_t next;
    bool fail;
};

static enum smtp_read_status read_pieces(void *context, struct slice *ret_piece)
{
    struct source *s = context;
    if (s->fail && s->next == s->count - 1)
        return SMTP_READ_FAIL;
    *ret_piece = slice_str(s->pieces[s->next++]);
    return s->next == s->count ? SMTP_READ_LAST : SMTP_READ_PIECE;
}

static struct buf take(struct smtp_client_connection *conn)
{
    struct buf said;
    buf_init(&said, 1 << 20);
    for (struct slice s = smtp_client_connection_output(conn); s.len > 0; s = smtp_client_connection_output(conn)) {
        buf_append_slice(&said, s);
        smtp_client_connection_sent(conn, s.len);
    }
    return said;
}

static void play(struct smtp_client_connection *conn, const struct turn *turns, size_t step)
{
    for (; turns->said != NULL; turns++) {
        if (strcmp(turns->said, TLS_NOW) == 0) {
            assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_HANDSHAKE);
            smtp_client_connection_tls_started(conn);
            continue;
        }
        struct buf said = take(conn);
        assert_slice(buf_slice(&said), turns->said);
        buf_free(&said);
        struct slice answer = slice_str(turns->answer);
        for (size_t at = 0; at < answer.len; at += step)
            smtp_client_connection_feed(conn, slice_sub(answer, at, step));
    }
}

static const char *const caps_all = "250-mx.example hello\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
                                    "250-SMTPUTF8\r\n250-DSN\r\n250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n";
static const char *const caps_data = "250-mx.example\r\n250-PIPELINING\r\n250 SIZE\r\n";

/* A connection in TLS, READY, with these capabilities. */
static struct smtp_client_connection *ready(const char *caps, size_t step)
{
    struct smtp_client_connection *conn = smtp_client_connection_create("us.example");
    const struct turn hello[] = {{"", "220 mx\r\n"}, {"EHLO us.example\r\n", "250-mx\r\n250 STARTTLS\r\n"}, {NULL, NULL}};
    const struct turn tls[] = {{"STARTTLS\r\n", "220 go\r\n"}, {TLS_NOW, NULL}, {"EHLO us.example\r\n", caps}, {NULL, NULL}};
    play(conn, hello, step);
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_CLEAR);
    assert_true(smtp_client_connection_starttls(conn));
    play(conn, tls, step);
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_READY);
    assert_false(smtp_client_connection_caps(conn)->starttls);
    return conn;
}

struct letter {
    struct source source;
    struct smtp_client_message message;
    struct smtp_client_recipient recipients[3];
    size_t count;
};

static const char *const plain_content[] = {"Subject: x\r\n\r\nhello\r\n"};

static struct letter letter_to(size_t count, const char *const *pieces, size_t piece_count)
{
    static const char *const names[] = {"a@x.example", "b@x.example", "c@x.example"};
    struct letter l = {.source = {.pieces = pieces, .count = piece_count}, .count = count};
    l.message.sender = SLICE_LIT("me@us.example");
    for (size_t i = 0; i < piece_count; i++)
        l.message.size += strlen(pieces[i]);
    l.message.read = read_pieces;
    for (size_t i = 0; i < count; i++)
        l.recipients[i].address = slice_str(names[i]);
    return l;
}

static struct smtp_client_transaction *start(struct smtp_client_connection *conn, struct letter *l)
{
    struct smtp_permit *permit = smtp_permit_proved(conn);
    l->message.read_context = &l->source;
    struct smtp_client_transaction *t =
        smtp_client_transaction_start(conn, &permit, &l->message, l->recipients, l->count);
    assert_null(permit);
    return t;
}

static void expect(const struct smtp_client_transaction *t, size_t i, enum smtp_client_stage stage,
                   enum smtp_client_fault fault, uint16_t code)
{
    const struct smtp_client_outcome *o = smtp_client_transaction_outcome(t, i);
    assert_int_equal(smtp_client_transaction_state(t), SMTP_TRANSACTION_DONE);
    assert_int_equal(o->stage, stage);
    assert_int_equal(o->fault, fault);
    assert_int_equal(o->code, code);
}

static void finish(struct smtp_client_connection **conn, struct smtp_client_transaction **t)
{
    smtp_client_transaction_free(t);
    smtp_client_connection_free(conn);
}

static void test_pipelined_chunked_with_everything(void **state)
{
    (void)state;
    for (size_t step = 1; step < 400; step += 57) {
        struct smtp_client_connection *conn = ready(caps_all, step);
        struct letter l = letter_to(2, plain_content, 1);
        l.message.eight_bit = l.message.utf8 = true;
        l.message.envid = SLICE_LIT("e1");
        l.recipients[0].notify = SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY;
        l.recipients[0].orcpt = SLICE_LIT("rfc822;a@x.example");
        struct smtp_client_transaction *t = start(conn, &l);
        const struct turn turns[] = {
            {"MAIL FROM:<me@us.example> SIZE=21 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e1\r\n"
             "RCPT TO:<a@x.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@x.example\r\n"
             "RCPT TO:<b@x.example>\r\nBDAT 21 LAST\r\nSubject: x\r\n\r\nhello\r\n",
             "250 ok\r\n250 ok\r\n550 5.1.1 no b\r\n250 2.0.0 queued\r\n"},
            {NULL, NULL}};
        play(conn, turns, step);
        expect(t, 0, SMTP_STAGE_FINAL, SMTP_FAULT_NONE, 250);
        expect(t, 1, SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 550);
        assert_string_equal(smtp_client_transaction_outcome(t, 1)->text, "550 5.1.1 no b");
        assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_READY);
        finish(&conn, &t);
    }
}

static void test_data_stuffs_dots_across_pieces(void **state)
{
    (void)state;
    static const char *const pieces[] = {".one\r\n.", ".two\r", "\n..three\r\nfour.\r\n", ".", "\r\n"};
    struct smtp_client_connection *conn = ready(caps_data, 4096);
    struct letter l = letter_to(1, pieces, 5);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {
        {"MAIL FROM:<me@us.example> SIZE=32\r\nRCPT TO:<a@x.example>\r\nDATA\r\n", "250 a\r\n250 b\r\n354 go\r\n"},
        {"..one\r\n...two\r\n...three\r\nfour.\r\n..\r\n.\r\n", "250 2.0.0 ok\r\n"},
        {NULL, NULL}};
    play(conn, turns, 1);
    expect(t, 0, SMTP_STAGE_FINAL, SMTP_FAULT_NONE, 250);
    finish(&conn, &t);
}

static void test_data_ends_an_unfinished_last_line(void **state)
{
    (void)state;
    static const char *const pieces[] = {"one\r\ntwo"};
    struct smtp_client_connection *conn = ready("250 mx\r\n", 4096);
    struct letter l = letter_to(1, pieces, 1);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {{"MAIL FROM:<me@us.example>\r\n", "250 a\r\n"}, {"RCPT TO:<a@x.example>\r\n", "250 a\r\n"},
        {"DATA\r\n", "354 go\r\n"}, {"one\r\ntwo\r\n.\r\n", "450 4.3.0 later\r\n"}, {NULL, NULL}};
    play(conn, turns, 2);
    expect(t, 0, SMTP_STAGE_FINAL, SMTP_FAULT_REPLY, 450);
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_READY);
    finish(&conn, &t);
}

/* Row 2: bare CR, bare LF, NUL never reach the wire; the message is never completed at the peer. */
static void test_row2_unfit_content_is_cut_off_before_its_end(void **state)
{
    (void)state;
    static const char *const bad[][2] = {{"a\nb\r\n", ""}, {"a\rb\r\n", ""}, {"a\r", "b\r\n"}, {"a\r\n", "\nb\r\n"},
                                         {"a\r\nb\r", ""}, {"\n.\r\n", ""}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        for (size_t chunked = 0; chunked < 2; chunked++) {
            struct smtp_client_connection *conn = ready(chunked ? "250-mx\r\n250 CHUNKING\r\n" : "250 mx\r\n", 4096);
            struct letter l = letter_to(1, bad[i], 2);
            struct smtp_client_transaction *t = start(conn, &l);
            const struct turn turns[] = {{"MAIL FROM:<me@us.example>\r\n", "250 a\r\n"},
                                         {"RCPT TO:<a@x.example>\r\n", "250 a\r\n"}, {NULL, NULL}};
            play(conn, turns, 4096);
            for (size_t n = 0; n < 3; n++) {
                struct buf said = take(conn);
                assert_true(said.len == 0 || memmem(said.data, said.len, "\r\n.\r\n", 5) == NULL);
                assert_true(said.len == 0 || memmem(said.data, said.len, "LAST", 4) == NULL);
                smtp_client_connection_feed(conn, chunked ? SLICE_LIT("250 ok\r\n") : SLICE_LIT("354 ok\r\n"));
                buf_free(&said);
                if (smtp_client_connection_state(conn) == SMTP_CLIENT_ENDED)
                    break;
            }
            expect(t, 0, SMTP_STAGE_CONTENT, SMTP_FAULT_LOCAL, 0);
            finish(&conn, &t);
        }
    }
}

static void test_unreadable_content_never_gets_its_end(void **state)
{
    (void)state;
    static const char *const pieces[] = {"one\r\n", "two\r\n"};
    struct smtp_client_connection *conn = ready(caps_data, 4096);
    struct letter l = letter_to(1, pieces, 2);
    l.source.fail = true;
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {
        {"MAIL FROM:<me@us.example> SIZE=10\r\nRCPT TO:<a@x.example>\r\nDATA\r\n", "250 a\r\n250 b\r\n354 go\r\n"},
        {"", ""}, {NULL, NULL}};
    play(conn, turns, 1);
    expect(t, 0, SMTP_STAGE_CONTENT, SMTP_FAULT_LOCAL, 0);
    finish(&conn, &t);
}

static void test_sender_refused(void **state)
{
    (void)state;
    struct smtp_client_connection *conn = ready(caps_data, 4096);
    struct letter l = letter_to(2, plain_content, 1);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {{"MAIL FROM:<me@us.example> SIZE=21\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n",
         "451 4.7.0 grey\r\n503 5.5.1 x\r\n503 5.5.1 x\r\n503 5.5.1 x\r\n"}, {"RSET\r\n", "250 ok\r\n"}, {NULL, NULL}};
    play(conn, turns, 1);
    expect(t, 0, SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 451);
    expect(t, 1, SMTP_STAGE_MAIL, SMTP_FAULT_REPLY, 451);
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_READY);
    finish(&conn, &t);
}

/* A dot behind a 354 that nobody's RCPT allowed would be an empty message. */
static void test_data_accepted_without_recipients_is_left_without_a_dot(void **state)
{
    (void)state;
    struct smtp_client_connection *conn = ready(caps_data, 4096);
    struct letter l = letter_to(1, plain_content, 1);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {{"MAIL FROM:<me@us.example> SIZE=21\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
                                  "250 a\r\n550 no\r\n354 go\r\n"}, {"", ""}, {NULL, NULL}};
    play(conn, turns, 1);
    expect(t, 0, SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 550);
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_ENDED);
    finish(&conn, &t);
}

static void test_mixed_recipients_and_data_refused(void **state)
{
    (void)state;
    struct smtp_client_connection *conn = ready(caps_data, 4096);
    struct letter l = letter_to(3, plain_content, 1);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {
        {"MAIL FROM:<me@us.example> SIZE=21\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n",
         "250 m\r\n250 a\r\n450 b\r\n550 c\r\n451 data\r\n"}, {"RSET\r\n", "250 ok\r\n"}, {NULL, NULL}};
    play(conn, turns, 1);
    expect(t, 0, SMTP_STAGE_DATA, SMTP_FAULT_REPLY, 451);
    expect(t, 1, SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 450);
    expect(t, 2, SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 550);
    finish(&conn, &t);
}

static void test_421_ends_the_connection(void **state)
{
    (void)state;
    struct smtp_client_connection *conn = ready(caps_data, 4096);
    struct letter l = letter_to(2, plain_content, 1);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {{"MAIL FROM:<me@us.example> SIZE=21\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n",
                                  "250 a\r\n550 no\r\n421 4.3.2 bye\r\n"}, {NULL, NULL}};
    play(conn, turns, 1);
    expect(t, 0, SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 550);
    expect(t, 1, SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 421);
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_ENDED);
    finish(&conn, &t);
}

static void test_lost_before_and_after_the_end(void **state)
{
    (void)state;
    for (size_t after = 0; after < 2; after++) {
        struct smtp_client_connection *conn = ready(caps_data, 4096);
        struct letter l = letter_to(1, plain_content, 1);
        struct smtp_client_transaction *t = start(conn, &l);
        const struct turn turns[] = {{"MAIL FROM:<me@us.example> SIZE=21\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
                                      "250 a\r\n250 b\r\n354 go\r\n"}, {NULL, NULL}};
        play(conn, turns, 1);
        struct slice s = smtp_client_connection_output(conn);
        assert_int_equal(s.len, 24);
        smtp_client_connection_sent(conn, after ? s.len : s.len - 1);
        assert_int_equal(smtp_client_transaction_state(t), after ? SMTP_TRANSACTION_AFTER_END : SMTP_TRANSACTION_CONTENT);
        assert_int_equal(smtp_client_connection_stage(conn), after ? SMTP_STAGE_FINAL : SMTP_STAGE_CONTENT);
        assert_true(smtp_client_transaction_heard(t));
        smtp_client_connection_broken(conn, SMTP_FAULT_TRUNCATED);
        expect(t, 0, after ? SMTP_STAGE_FINAL : SMTP_STAGE_CONTENT, SMTP_FAULT_TRUNCATED, 0);
        finish(&conn, &t);
    }
}

static void test_large_content_waits_for_recipients_and_goes_in_place(void **state)
{
    (void)state;
    char *big = mem_new(70001);
    for (size_t i = 0; i < 70000; i += 10)
        memcpy(big + i, "12345678\r\n", 10);
    const char *const pieces[] = {big};
    struct smtp_client_connection *conn = ready("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n", 4096);
    struct letter l = letter_to(1, pieces, 1);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {{"MAIL FROM:<me@us.example>\r\nRCPT TO:<a@x.example>\r\n", "250 a\r\n250 b\r\n"}, {NULL, NULL}};
    play(conn, turns, 1);
    assert_slice(smtp_client_connection_output(conn), "BDAT 70000 LAST\r\n");
    smtp_client_connection_sent(conn, 17);
    assert_ptr_equal(smtp_client_connection_output(conn).data, big);
    smtp_client_connection_sent(conn, 70000);
    smtp_client_connection_feed(conn, SLICE_LIT("250 ok\r\n"));
    expect(t, 0, SMTP_STAGE_FINAL, SMTP_FAULT_NONE, 250);
    finish(&conn, &t);
    mem_free(big);
}

static void test_failed_chunk_ends_the_content(void **state)
{
    (void)state;
    static const char *const pieces[] = {"one\r\n", "two\r\n", "three\r\n"};
    struct smtp_client_connection *conn = ready("250-mx\r\n250 CHUNKING\r\n", 4096);
    struct letter l = letter_to(1, pieces, 3);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {{"MAIL FROM:<me@us.example>\r\n", "250 a\r\n"}, {"RCPT TO:<a@x.example>\r\n", "250 a\r\n"},
        {"BDAT 5\r\none\r\n", "250 a\r\n"}, {"BDAT 5\r\ntwo\r\n", "552 5.3.4 full\r\n"}, {"", ""}, {NULL, NULL}};
    play(conn, turns, 1);
    expect(t, 0, SMTP_STAGE_CONTENT, SMTP_FAULT_REPLY, 552);
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_ENDED);
    finish(&conn, &t);
}

/* Row 4 (CVE-2021-38371): what stands behind the 220 of STARTTLS was not said inside TLS. */
static void test_row4_injected_reply_behind_starttls(void **state)
{
    (void)state;
    static const char *const bad[] = {"220 go\r\n250 fake\r\n", "220 go\r\n\r\n", "220 go\r\n2"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t step = 1; step < 30; step++) {
            struct smtp_client_connection *conn = smtp_client_connection_create("us.example");
            const struct turn turns[] = {{"", "220 mx\r\n"}, {"EHLO us.example\r\n", "250-mx\r\n250 STARTTLS\r\n"}, {NULL, NULL}};
            play(conn, turns, step);
            smtp_client_connection_starttls(conn);
            const struct turn tls[] = {{"STARTTLS\r\n", bad[i]}, {NULL, NULL}};
            play(conn, tls, step);
            assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_ENDED);
            assert_int_equal(smtp_client_connection_fault(conn), SMTP_FAULT_INJECTED);
            assert_int_equal(smtp_client_connection_output(conn).len, 0);
            smtp_client_connection_free(&conn);
        }
    }
}

/* All replies sent ahead of the questions, so that a stolen session would look answered. */
static void test_row4_replies_before_the_question(void **state)
{
    (void)state;
    struct smtp_client_connection *conn = smtp_client_connection_create("us.example");
    smtp_client_connection_feed(conn, SLICE_LIT("220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n"));
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_ENDED);
    assert_int_equal(smtp_client_connection_fault(conn), SMTP_FAULT_INJECTED);
    smtp_client_connection_free(&conn);
    conn = smtp_client_connection_create("us.example"); /* one reply too early is enough */
    smtp_client_connection_feed(conn, SLICE_LIT("220 mx\r\n"));
    smtp_client_connection_sent(conn, smtp_client_connection_output(conn).len - 1);
    smtp_client_connection_feed(conn, SLICE_LIT("250 mx\r\n"));
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_ENDED);
    assert_int_equal(smtp_client_connection_fault(conn), SMTP_FAULT_INJECTED);
    smtp_client_connection_free(&conn);
}

/* A 250 to content of which a part has not been handed over yet is nobody's word that it was taken. */
static void test_acceptance_before_the_end_counts_for_nothing(void **state)
{
    (void)state;
    char *big = mem_new(70001);
    for (size_t i = 0; i < 70000; i += 10)
        memcpy(big + i, "12345678\r\n", 10);
    const char *const pieces[] = {big};
    for (int chunking = 0; chunking < 2; chunking++) {
        struct smtp_client_connection *conn =
            ready(chunking ? "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n" : "250-mx\r\n250 PIPELINING\r\n", 4096);
        struct letter l = letter_to(1, pieces, 1);
        struct smtp_client_transaction *t = start(conn, &l);
        const struct turn chunks[] = {{"MAIL FROM:<me@us.example>\r\nRCPT TO:<a@x.example>\r\n", "250 a\r\n250 b\r\n"},
                                      {NULL, NULL}};
        const struct turn data[] = {{"MAIL FROM:<me@us.example>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
                                     "250 a\r\n250 b\r\n354 go\r\n"}, {NULL, NULL}};
        play(conn, chunking ? chunks : data, 4096);
        struct slice out = smtp_client_connection_output(conn);
        smtp_client_connection_sent(conn, out.len);
        out = smtp_client_connection_output(conn);
        smtp_client_connection_sent(conn, out.len - 1); /* one octet stays here */
        smtp_client_connection_feed(conn, SLICE_LIT("250 taken\r\n"));
        expect(t, 0, SMTP_STAGE_CONTENT, SMTP_FAULT_MALFORMED, 0);
        finish(&conn, &t);
    }
    mem_free(big);
}

struct opening {
    const char *greeting;
    const char *ehlo;
    const char *starttls;
    enum smtp_client_stage stage;
    enum smtp_client_fault fault;
    uint16_t code;
};

/* Row 5: stripped or odd replies end the session; what is said never goes beyond EHLO, STARTTLS and QUIT. */
static void test_row5_odd_openings(void **state)
{
    (void)state;
    static const struct opening cases[] = {
        {"554 no\r\n", NULL, NULL, SMTP_STAGE_GREETING, SMTP_FAULT_REPLY, 554},
        {"421 busy\r\n", NULL, NULL, SMTP_STAGE_GREETING, SMTP_FAULT_REPLY, 421},
        {"250 hi\r\n", NULL, NULL, SMTP_STAGE_GREETING, SMTP_FAULT_MALFORMED, 0},
        {"354 hi\r\n", NULL, NULL, SMTP_STAGE_GREETING, SMTP_FAULT_MALFORMED, 0},
        {"220-a\r\n221 b\r\n", NULL, NULL, SMTP_STAGE_GREETING, SMTP_FAULT_MALFORMED, 0},
        {"220 a\r\n", "502 what\r\n", NULL, SMTP_STAGE_EHLO, SMTP_FAULT_REPLY, 502},
        {"220 a\r\n", "220 what\r\n", NULL, SMTP_STAGE_EHLO, SMTP_FAULT_MALFORMED, 0},
        {"220 a\r\n", "250-a\r\n250 STARTTLS\r\n", "454 no\r\n", SMTP_STAGE_STARTTLS, SMTP_FAULT_REPLY, 454},
        {"220 a\r\n", "250-a\r\n250 STARTTLS\r\n", "250 ok\r\n", SMTP_STAGE_STARTTLS, SMTP_FAULT_MALFORMED, 0},
        {"220 a\r\n", "250-a\r\n250 STARTTLS\r\n", "500 XXXX\r\n", SMTP_STAGE_STARTTLS, SMTP_FAULT_REPLY, 500},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct smtp_client_connection *conn = smtp_client_connection_create("us.example");
        const struct turn hello[] = {{"", cases[i].greeting}, {cases[i].ehlo == NULL ? NULL : "EHLO us.example\r\n", cases[i].ehlo}, {NULL, NULL}};
        play(conn, hello, 1);
        if (cases[i].starttls != NULL) {
            assert_true(smtp_client_connection_starttls(conn));
            const struct turn tls[] = {{"STARTTLS\r\n", cases[i].starttls}, {NULL, NULL}};
            play(conn, tls, 1);
        }
        assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_ENDED);
        assert_int_equal(smtp_client_connection_stage(conn), cases[i].stage);
        assert_int_equal(smtp_client_connection_fault(conn), cases[i].fault);
        assert_int_equal(smtp_client_connection_reply(conn)->code, cases[i].code);
        smtp_client_connection_free(&conn);
    }
}

static void test_row5_stripped_starttls_leaves_no_way_on(void **state)
{
    (void)state;
    struct smtp_client_connection *conn = smtp_client_connection_create("us.example");
    const struct turn hello[] = {{"", "220 mx\r\n"}, {"EHLO us.example\r\n", "250-mx\r\n250 XXXXXXXA\r\n"}, {NULL, NULL}};
    play(conn, hello, 1);
    assert_int_equal(smtp_client_connection_state(conn), SMTP_CLIENT_CLEAR);
    assert_false(smtp_client_connection_starttls(conn));
    smtp_client_connection_quit(conn);
    const struct turn bye[] = {{"QUIT\r\n", "221 bye\r\n"}, {NULL, NULL}};
    play(conn, bye, 1);
    assert_int_equal(smtp_client_connection_fault(conn), SMTP_FAULT_NONE);
    smtp_client_connection_free(&conn);
}

/* P1: a permit is for one session only. */
static void test_p1_permit_of_another_session_opens_nothing(void **state)
{
    (void)state;
    struct smtp_client_connection *one = ready(caps_data, 4096);
    struct smtp_client_connection *two = ready(caps_data, 4096);
    struct smtp_permit *permit = smtp_permit_proved(one);
    struct letter l = letter_to(1, plain_content, 1);
    assert_null(smtp_client_transaction_start(two, &permit, &l.message, l.recipients, 1));
    assert_null(permit);
    assert_null(smtp_client_transaction_start(two, &permit, &l.message, l.recipients, 1));
    assert_int_equal(smtp_client_connection_output(two).len, 0);
    smtp_client_connection_free(&one);
    smtp_client_connection_free(&two);
}

/* Row 14 and 13: no byte of an address can become a command. */
static void test_row14_addresses_that_would_break_the_line(void **state)
{
    (void)state;
    static const char *const bad[] = {"a\r\nDATA@x", "a\nb@x", "a\x7f@x", "", "\xc3\xa4@x.example"};
    struct smtp_client_connection *conn = ready(caps_data, 4096);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct letter l = letter_to(1, plain_content, 1);
        l.recipients[0].address = slice_str(bad[i]);
        assert_null(start(conn, &l));
    }
    struct letter l = letter_to(1, plain_content, 1);
    l.recipients[0].orcpt = SLICE_LIT("rfc822;a b");
    assert_null(start(conn, &l));
    smtp_client_connection_free(&conn);
}

static void test_capabilities_decide_what_fits(void **state)
{
    (void)state;
    struct smtp_client_connection *conn = ready(caps_all, 1);
    const struct smtp_client_caps *caps = smtp_client_connection_caps(conn);
    struct letter l = letter_to(1, plain_content, 1);
    const char *missing = NULL;
    assert_int_equal(caps->size_max, 1000);
    l.message.size = 1000;
    assert_true(smtp_client_transaction_fits(caps, &l.message, &missing));
    l.message.size = 1001;
    assert_false(smtp_client_transaction_fits(caps, &l.message, &missing));
    assert_string_equal(missing, "SIZE");
    smtp_client_connection_free(&conn);
    conn = ready("250-mx\r\n250-SIZE\r\n250 LIMITS RCPTMAX=20 MAILMAX=5\r\n", 1);
    caps = smtp_client_connection_caps(conn);
    assert_int_equal(caps->rcpt_max, 20);
    assert_int_equal(caps->mail_max, 5);
    assert_true(smtp_client_transaction_fits(caps, &l.message, &missing));
    l.message.eight_bit = true;
    assert_false(smtp_client_transaction_fits(caps, &l.message, &missing));
    assert_string_equal(missing, "8BITMIME");
    l.message.utf8 = true;
    assert_false(smtp_client_transaction_fits(caps, &l.message, &missing));
    assert_string_equal(missing, "SMTPUTF8");
    smtp_client_connection_free(&conn);
    conn = ready("250-mx\r\n250-XREQUIRETLS\r\n250 REQUIRETLSX\r\n", 1);
    l = letter_to(1, plain_content, 1);
    l.message.require_tls = true;
    assert_false(smtp_client_transaction_fits(smtp_client_connection_caps(conn), &l.message, &missing));
    assert_string_equal(missing, "REQUIRETLS");
    struct smtp_client_transaction *t = start(conn, &l);
    assert_null(t); /* never without it, whoever asks */
    smtp_client_connection_free(&conn);
    conn = ready("250-mx\r\n250 RequireTLS\r\n", 1);
    assert_true(smtp_client_transaction_fits(smtp_client_connection_caps(conn), &l.message, &missing));
    smtp_client_connection_free(&conn);
}

/* RFC 8689 4.2.1: said to a host that offers it, and for no other message. */
static void test_requiretls_is_said_when_it_is_asked_for(void **state)
{
    (void)state;
    for (int asked = 0; asked < 2; asked++) {
        struct smtp_client_connection *conn = ready("250-mx\r\n250-REQUIRETLS\r\n250 PIPELINING\r\n", 4096);
        struct letter l = letter_to(1, plain_content, 1);
        l.message.require_tls = asked == 1;
        struct smtp_client_transaction *t = start(conn, &l);
        const struct turn turns[] = {{asked == 1 ? "MAIL FROM:<me@us.example> REQUIRETLS\r\nRCPT TO:<a@x.example>\r\nDATA\r\n"
                                                 : "MAIL FROM:<me@us.example>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
                                      "250 ok\r\n250 ok\r\n354 go\r\n"},
                                     {"Subject: x\r\n\r\nhello\r\n.\r\n", "250 2.0.0 queued\r\n"},
                                     {NULL, NULL}};
        play(conn, turns, 4096);
        expect(t, 0, SMTP_STAGE_FINAL, SMTP_FAULT_NONE, 250);
        finish(&conn, &t);
    }
}

/* Row 7: a session after an error begins from nothing. */
static void test_row7_two_messages_on_one_session(void **state)
{
    (void)state;
    struct smtp_client_connection *conn = ready(caps_data, 4096);
    struct letter l = letter_to(1, plain_content, 1);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn refused[] = {{"MAIL FROM:<me@us.example> SIZE=21\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
         "250 a\r\n550 no\r\n503 no\r\n"}, {"RSET\r\n", "250 ok\r\n"}, {NULL, NULL}};
    play(conn, refused, 1);
    expect(t, 0, SMTP_STAGE_RCPT, SMTP_FAULT_REPLY, 550);
    smtp_client_transaction_free(&t);
    l = letter_to(1, plain_content, 1);
    t = start(conn, &l);
    const struct turn good[] = {{"MAIL FROM:<me@us.example> SIZE=21\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
         "250 a\r\n250 b\r\n354 go\r\n"}, {"Subject: x\r\n\r\nhello\r\n.\r\n", "250 ok\r\n"}, {NULL, NULL}};
    play(conn, good, 1);
    expect(t, 0, SMTP_STAGE_FINAL, SMTP_FAULT_NONE, 250);
    finish(&conn, &t);
}

static void test_surplus_reply_ends_the_session(void **state)
{
    (void)state;
    struct smtp_client_connection *conn = ready(caps_data, 4096);
    struct letter l = letter_to(1, plain_content, 1);
    struct smtp_client_transaction *t = start(conn, &l);
    const struct turn turns[] = {{"MAIL FROM:<me@us.example> SIZE=21\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
         "250 a\r\n250 b\r\n250 c\r\n"}, {NULL, NULL}};
    play(conn, turns, 1);
    expect(t, 0, SMTP_STAGE_DATA, SMTP_FAULT_MALFORMED, 0);
    finish(&conn, &t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipelined_chunked_with_everything),
        cmocka_unit_test(test_data_stuffs_dots_across_pieces),
        cmocka_unit_test(test_data_ends_an_unfinished_last_line),
        cmocka_unit_test(test_row2_unfit_content_is_cut_off_before_its_end),
        cmocka_unit_test(test_unreadable_content_never_gets_its_end),
        cmocka_unit_test(test_sender_refused),
        cmocka_unit_test(test_data_accepted_without_recipients_is_left_without_a_dot),
        cmocka_unit_test(test_mixed_recipients_and_data_refused),
        cmocka_unit_test(test_421_ends_the_connection),
        cmocka_unit_test(test_lost_before_and_after_the_end),
        cmocka_unit_test(test_large_content_waits_for_recipients_and_goes_in_place),
        cmocka_unit_test(test_failed_chunk_ends_the_content),
        cmocka_unit_test(test_row4_injected_reply_behind_starttls),
        cmocka_unit_test(test_row4_replies_before_the_question),
        cmocka_unit_test(test_acceptance_before_the_end_counts_for_nothing),
        cmocka_unit_test(test_row5_odd_openings),
        cmocka_unit_test(test_row5_stripped_starttls_leaves_no_way_on),
        cmocka_unit_test(test_p1_permit_of_another_session_opens_nothing),
        cmocka_unit_test(test_row14_addresses_that_would_break_the_line),
        cmocka_unit_test(test_capabilities_decide_what_fits),
        cmocka_unit_test(test_requiretls_is_said_when_it_is_asked_for),
        cmocka_unit_test(test_row7_two_messages_on_one_session),
        cmocka_unit_test(test_surplus_reply_ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
