/* SPDX-License-Identifier: Apache-2.0 */
/* Server sessions by script, each cut at every byte boundary. Names say which row of the table of past failures
 * (docs/threats) a case stands for. */
#include "unit.h"

#include "smtp_server_script.h"

#define OK_MAIL "250 2.0.0 OK\r\n"
#define OK_END "250 2.0.0 ID\r\n"
#define R354 "354 send it, end with a dot on a line of its own\r\n"
#define START "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\n"
#define STARTED "MAIL a@x.example\nRCPT b@y.example\n"

#define EHLO_HEAD                                                                                                 \
    "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 2000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n"       \
    "250-DSN\r\n250-DELIVERBY\r\n250-LIMITS RCPTMAX=3\r\n"
#define EHLO_TAIL "250 ENHANCEDSTATUSCODES\r\n"

static void ehlo_offers_starttls_in_the_clear_and_auth_only_inside_tls(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("EHLO c\r\n"), SCRIPT_CLEAR, EHLO_HEAD "250-STARTTLS\r\n" EHLO_TAIL, "", false);
    script_expect(SLICE_LIT("EHLO c\r\n"), SCRIPT_TLS, EHLO_HEAD "250-REQUIRETLS\r\n250-AUTH PLAIN LOGIN\r\n" EHLO_TAIL, "", false);
}

static void only_a_few_commands_work_before_tls(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("HELO c\r\nNOOP\r\nAUTH PLAIN AHUAcA==\r\nMAIL FROM:<a@x.example>\r\nHELP\r\nXX\r\nRSET\r\n"
                            "BDAT 6\r\nQUIT\r\nQUIT\r\n"),
                  SCRIPT_CLEAR,
                  "250 mx.example\r\n250 2.0.0 at your service\r\n530 5.7.0 STARTTLS comes first\r\n"
                  "530 5.7.0 STARTTLS comes first\r\n530 5.7.0 STARTTLS comes first\r\n"
                  "530 5.7.0 STARTTLS comes first\r\n250 2.0.0 forgotten\r\n530 5.7.0 STARTTLS comes first\r\n"
                  "221 2.0.0 goodbye\r\n",
                  "", true);
}

static void row_3_bytes_behind_starttls_end_the_session_unread(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("STARTTLS\r\nEHLO evil\r\n"), SCRIPT_CLEAR, "220 2.0.0 start TLS now\r\n", "", true);
    script_expect(SLICE_LIT("STARTTLS\r\n\r\n"), SCRIPT_CLEAR, "220 2.0.0 start TLS now\r\n", "", true);
    script_expect(SLICE_LIT("STARTTLS\r\n"), SCRIPT_CLEAR, "220 2.0.0 start TLS now\r\n", "", false);
    script_expect(SLICE_LIT("STARTTLS now\r\n"), SCRIPT_CLEAR, "501 5.5.4 STARTTLS takes no argument\r\n", "", false);
    script_expect(SLICE_LIT("STARTTLS\r\n"), SCRIPT_TLS, "503 5.5.1 TLS is on already\r\n", "", false);
}

static void a_pipelined_message_is_taken(void **state)
{
    (void)state;
    script_expect(SLICE_LIT(START "DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nNOOP\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL R354 OK_END "250 2.0.0 at your service\r\n",
                  STARTED "BEGIN\nEND Subject: x\\x0d\\x0a\\x0d\\x0a.dot\\x0d\\x0a\n", false);
}

static void an_empty_message_and_two_in_a_row(void **state)
{
    (void)state;
    script_expect(SLICE_LIT(START "DATA\r\n.\r\n" START "DATA\r\n...\r\n.\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL R354 OK_END OK_MAIL OK_MAIL R354 OK_END,
                  STARTED "BEGIN\nEND \n" STARTED "BEGIN\nEND ..\\x0d\\x0a\n", false);
}

static void chunks_make_a_message(void **state)
{
    (void)state;
    script_expect(SLICE_LIT(START "BDAT 5\r\nab\r\ncBDAT 4\r\n\r\n.\rBDAT 1\r\n\nBDAT 0 LAST\r\nNOOP\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL "250 2.0.0 chunk taken\r\n250 2.0.0 chunk taken\r\n250 2.0.0 chunk taken\r\n" OK_END
                                  "250 2.0.0 at your service\r\n",
                  STARTED "BEGIN\nEND ab\\x0d\\x0ac\\x0d\\x0a.\\x0d\\x0a\n", false);
    script_expect(SLICE_LIT(START "BDAT 3 LAST\r\na.b"), SCRIPT_KNOWN, OK_MAIL OK_MAIL OK_END,
                  STARTED "BEGIN\nEND a.b\\x0d\\x0a\n", false);
}

/* The four smuggling ends and their kin: each message is refused whole, and what follows is never a command. */
static void row_1_no_other_end_of_data_is_one(void **state)
{
    static const char *const ends[] = {"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\n.\r", "\r\n\0.\r\n"};
    static const char *const faults[] = {"line feed without carriage return", "line feed without carriage return",
                                         "carriage return without line feed", "line feed without carriage return",
                                         "carriage return without line feed", "carriage return without line feed",
                                         "line feed without carriage return", "NUL byte"};
    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct buf in;
        struct buf out;
        buf_init(&in, 4096);
        buf_init(&out, 4096);
        buf_append_str(&in, START "DATA\r\nx");
        if (i == 7)
            buf_append(&in, ends[i], 6);
        else
            buf_append_str(&in, ends[i]);
        buf_append_str(&in, "MAIL FROM:<evil@x.example>\r\nRCPT TO:<v@y.example>\r\nDATA\r\nevil\r\n.\r\nNOOP\r\n");
        buf_printf(&out, OK_MAIL OK_MAIL R354 "554 5.6.0 message refused: it holds a %s; closing\r\n", faults[i]);
        script_expect(buf_slice(&in), SCRIPT_KNOWN, buf_cstr(&out), STARTED "BEGIN\nFORGET\n", true);
        buf_free(&in);
        buf_free(&out);
    }
}

static void row_1_smuggling_by_chunk_is_refused(void **state)
{
    (void)state;
    script_expect(SLICE_LIT(START "BDAT 4\r\na\nb\nBDAT 3 LAST\r\nabcNOOP\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL "554 5.6.0 message refused: it holds a line feed without carriage return; closing\r\n",
                  STARTED "BEGIN\nFORGET\n", true);
    script_expect(SLICE_LIT(START "BDAT 2 LAST\r\na\rNOOP\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL "554 5.6.0 message refused: it holds a carriage return without line feed; closing\r\n",
                  STARTED "BEGIN\nFORGET\n", true);
}

static void row_1_a_bare_line_feed_ends_no_command(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("NOOP\nQUIT\r\n"), SCRIPT_TLS,
                  "500 5.5.2 a line must end with carriage return and line feed; closing\r\n", "", true);
    script_expect(SLICE_LIT("NOOP\rQUIT\r\nNOOP\r\n"), SCRIPT_TLS,
                  "500 5.5.2 the line is empty or holds a control character\r\n250 2.0.0 at your service\r\n", "",
                  false);
}

static void row_2_a_long_line_is_refused_and_the_session_lives(void **state)
{
    struct buf in;
    (void)state;
    for (size_t len = 998; len <= 999; len++) {
        buf_init(&in, 4096);
        buf_append_str(&in, START "DATA\r\n.");
        for (size_t i = 0; i < len; i++)
            buf_append_byte(&in, i == 0 ? '.' : 'x');
        buf_append_str(&in, "\r\n.\r\nNOOP\r\n");
        script_expect(buf_slice(&in), SCRIPT_KNOWN,
                      len == 998 ? OK_MAIL OK_MAIL R354 OK_END "250 2.0.0 at your service\r\n"
                                 : OK_MAIL OK_MAIL R354 "554 5.6.0 message refused: it holds a line of more than 998 "
                                                        "bytes\r\n250 2.0.0 at your service\r\n",
                      NULL, false);
        buf_free(&in);
    }
}

static void row_6_and_7_bdat_errors_leave_nothing_behind(void **state)
{
    (void)state;
    /* Chunks of a refused message are read and dropped, each with 503, and never seen as commands. */
    script_expect(SLICE_LIT(START "BDAT 3\r\n!!!BDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL "550 5.7.1 no shouting\r\n503 5.5.1 MAIL comes first\r\n503 5.5.1 MAIL comes first\r\n"
                                  "250 2.0.0 at your service\r\n",
                  STARTED "BEGIN\nFORGET\n", false);
    script_expect(SLICE_LIT("MAIL FROM:<a@x.example>\r\nBDAT 6\r\nNOOP\r\nDATA\r\nRCPT TO:<b@y.example>\r\n"), SCRIPT_KNOWN,
                  OK_MAIL "503 5.5.1 there is no valid recipient\r\n503 5.5.1 MAIL comes first\r\n"
                          "503 5.5.1 MAIL comes first\r\n",
                  "MAIL a@x.example\nFORGET\n", false);
    script_expect(SLICE_LIT(START "BDAT x\r\nNOOP\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL "501 5.5.4 BDAT needs a size, and nothing but LAST behind it; closing\r\n",
                  STARTED "FORGET\n", true);
    script_expect(SLICE_LIT(START "BDAT 2001\r\nNOOP\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL "552 5.3.4 the message is larger than SIZE allows, its chunk is not read; closing\r\n",
                  STARTED "FORGET\n", true);
}

static void row_7_data_and_bdat_do_not_mix(void **state)
{
    (void)state;
    script_expect(SLICE_LIT(START "BDAT 1\r\naDATA\r\nBDAT 1 LAST\r\nbNOOP\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL "250 2.0.0 chunk taken\r\n503 5.5.1 DATA and BDAT cannot be mixed; the message is "
                                  "forgotten\r\n503 5.5.1 MAIL comes first\r\n250 2.0.0 at your service\r\n",
                  STARTED "BEGIN\nFORGET\n", false);
    script_expect(SLICE_LIT(START "BDAT 1\r\naRCPT TO:<c@y.example>\r\nMAIL FROM:<c@y.example>\r\nEHLO [\r\nRSET\r\n"),
                  SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL "250 2.0.0 chunk taken\r\n503 5.5.1 the message has begun already\r\n503 5.5.1 a message "
                                  "is under way already\r\n" EHLO_HEAD "250-REQUIRETLS\r\n250-AUTH PLAIN LOGIN\r\n" EHLO_TAIL
                                  "250 2.0.0 forgotten\r\n",
                  STARTED "BEGIN\nFORGET\n", false);
}

static void row_7_commands_out_of_order_are_503(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("RCPT TO:<b@y.example>\r\nDATA\r\nMAIL FROM:<bad@x.example>\r\nRCPT TO:<b@y.example>\r\n"
                            "DATA\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<bad@y.example>\r\nDATA\r\n"),
                  SCRIPT_KNOWN,
                  "503 5.5.1 MAIL comes first\r\n503 5.5.1 MAIL comes first\r\n550 5.7.1 no\r\n"
                  "503 5.5.1 MAIL comes first\r\n503 5.5.1 MAIL comes first\r\n" OK_MAIL "550 5.7.1 no\r\n"
                  "503 5.5.1 there is no valid recipient\r\n",
                  "MAIL bad@x.example\nMAIL a@x.example\nRCPT bad@y.example\n", false);
    script_expect(SLICE_LIT("MAIL FROM:<a@x.example>\r\nAUTH PLAIN AHUAcA==\r\nEHLO c\r\nMAIL FROM:<a@x.example>\r\n"),
                  SCRIPT_TLS,
                  "503 5.5.1 EHLO comes first\r\n503 5.5.1 EHLO comes first\r\n" EHLO_HEAD
                  "250-REQUIRETLS\r\n250-AUTH PLAIN LOGIN\r\n" EHLO_TAIL "530 5.7.0 AUTH comes first\r\n",
                  "", false);
}

static void the_handler_may_refuse_in_the_middle(void **state)
{
    (void)state;
    script_expect(SLICE_LIT(START "DATA\r\nhello!\r\nmore\r\n.\r\nNOOP\r\n"), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL R354 "550 5.7.1 no shouting\r\n250 2.0.0 at your service\r\n",
                  STARTED "BEGIN\nFORGET\n", false);
}

static void limits_are_answered(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("MAIL FROM:<a@x.example> SIZE=2001\r\n" START "RCPT TO:<c@y.example>\r\n"
                            "RCPT TO:<d@y.example>\r\nRCPT TO:<e@y.example>\r\n"),
                  SCRIPT_KNOWN,
                  "552 5.3.4 the message is larger than SIZE allows\r\n" OK_MAIL OK_MAIL OK_MAIL OK_MAIL
                  "452 4.5.3 too many recipients; send the message again for the rest\r\n",
                  NULL, false);
    struct buf in;
    buf_init(&in, 65536);
    buf_append_str(&in, START "DATA\r\n");
    for (int i = 0; i < 41; i++)
        buf_append_str(&in, "0123456789012345678901234567890123456789012345678\r\n");
    buf_append_str(&in, ".\r\nNOOP\r\n");
    script_expect(buf_slice(&in), SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL R354
                  "552 5.3.4 the message is larger than SIZE allows\r\n250 2.0.0 at your service\r\n",
                  STARTED "BEGIN\nFORGET\n", false);
    buf_free(&in);
}

static void row_8_long_and_endless_lines(void **state)
{
    (void)state;
    struct buf in;
    buf_init(&in, 1 << 20);
    buf_append_str(&in, "NOOP ");
    while (in.len < 3000)
        buf_append_byte(&in, 'x');
    buf_append_str(&in, "\r\nNOOP\r\n");
    script_expect(buf_slice(&in), SCRIPT_TLS, "500 5.5.6 the line is too long\r\n250 2.0.0 at your service\r\n", "",
                  false);
    struct script_result result;
    size_t cuts[200];
    buf_reset(&in);
    while (in.len < 200000)
        buf_append_byte(&in, 'x');
    for (size_t i = 0; i < 200; i++)
        cuts[i] = i * 1000;
    script_play(buf_slice(&in), cuts, 200, SCRIPT_TLS, &result);
    assert_string_equal(buf_cstr(&result.out), "421 4.7.0 a line has no end\r\n");
    assert_true(result.over);
    script_result_free(&result);
    buf_free(&in);
}

/* A million one-byte feeds of content, and chunks of one byte without end. */
static void row_8_tiny_chunks_are_bounded(void **state)
{
    struct buf in;
    struct script_result result;
    (void)state;
    buf_init(&in, 1 << 22);
    buf_append_str(&in, START);
    for (unsigned i = 0; i <= SMTP_SERVER_CHUNKS_MAX; i++)
        buf_append_str(&in, "BDAT 0\r\n");
    size_t cuts[4] = {40000, 80000, 120000, 160000};
    script_play(buf_slice(&in), cuts, 4, SCRIPT_KNOWN, &result);
    assert_true(result.over);
    script_result_free(&result);
    buf_reset(&in);
    for (unsigned i = 0; i <= SMTP_SERVER_COMMANDS_MAX; i++)
        buf_append_str(&in, "NOOP\r\n");
    script_play(buf_slice(&in), NULL, 0, SCRIPT_KNOWN, &result);
    assert_true(result.over);
    assert_non_null(strstr(buf_cstr(&result.out), "421 4.7.0 too many commands"));
    script_result_free(&result);
    buf_free(&in);
}

static void row_8_errors_run_out(void **state)
{
    struct buf in;
    struct script_result result;
    (void)state;
    buf_init(&in, 1 << 20);
    for (unsigned i = 0; i < 30; i++)
        buf_append_str(&in, "FOO\r\n");
    script_play(buf_slice(&in), NULL, 0, SCRIPT_TLS, &result);
    assert_true(result.over);
    assert_non_null(strstr(buf_cstr(&result.out), "421 4.7.0 too many errors\r\n"));
    script_result_free(&result);
    buf_free(&in);
}

static void row_9_malformed_auth_fails_alone(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("EHLO c\r\nAUTH\r\nAUTH PLAIN a b\r\nAUTH PLAIN A\r\nAUTH PLAIN AHUAcB==\r\nAUTH PLAIN =\r\n"
                            "AUTH LOGIN\r\n*\r\nAUTH LOGIN\r\n!!!\r\nAUTH LOGIN\r\neWVz\r\nAUTH PLAIN =\r\n"),
                  SCRIPT_TLS,
                  EHLO_HEAD "250-REQUIRETLS\r\n250-AUTH PLAIN LOGIN\r\n" EHLO_TAIL
                            "501 5.5.4 AUTH takes a mechanism and at most one response\r\n"
                            "501 5.5.4 AUTH takes a mechanism and at most one response\r\n"
                            "501 5.5.2 the initial response is not base64\r\n"
                            "501 5.5.2 the initial response is not base64\r\n535 5.7.8 no\r\n334 VXNlcm5hbWU6\r\n"
                            "501 5.7.0 AUTH is cancelled\r\n334 VXNlcm5hbWU6\r\n501 5.5.2 the response is not base64\r\n"
                            "334 VXNlcm5hbWU6\r\n235 2.7.0 you are known\r\n503 5.5.1 you are known already\r\n",
                  "AUTH PLAIN +\nAUTH LOGIN\nAUTH FORGET\nAUTH LOGIN\nAUTH FORGET\nAUTH LOGIN\nRESPONSE\n", false);
}

static void row_9_an_endless_auth_line_is_refused(void **state)
{
    struct buf in;
    struct script_result result;
    (void)state;
    buf_init(&in, 1 << 20);
    buf_append_str(&in, "EHLO c\r\nAUTH LOGIN\r\n");
    for (unsigned i = 0; i < 12290; i++)
        buf_append_byte(&in, 'A');
    buf_append_str(&in, "\r\nQUIT\r\n");
    script_play(buf_slice(&in), NULL, 0, SCRIPT_TLS, &result);
    assert_non_null(strstr(buf_cstr(&result.out), "334 VXNlcm5hbWU6\r\n500 5.5.6 the line is too long\r\n221 "));
    assert_string_equal(buf_cstr(&result.events), "AUTH LOGIN\nAUTH FORGET\n");
    script_result_free(&result);
    buf_free(&in);
}

static void row_13_addresses_are_data(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("MAIL FROM:<$(id)@x.example>\r\nMAIL FROM:<\"${x}%n';--\"@x.example>\r\nEHLO ${x}\r\n"),
                  SCRIPT_KNOWN,
                  "501 5.1.3 the local part holds a character that must be quoted\r\n" OK_MAIL
                  "501 5.5.4 EHLO and HELO need a host name or an address in brackets\r\n",
                  "MAIL \"${x}%n';--\"@x.example\n", false);
}

static void row_14_xtext_and_utf8_tricks_are_501(void **state)
{
    static const char *const bad[] = {
        "MAIL FROM:<a@x.example> ENVID=a+0D+0A",     "MAIL FROM:<a@x.example> ENVID=+0d",
        "MAIL FROM:<a@x.example> ENVID=a+2",         "MAIL FROM:<a@x.example> ENVID=+00",
        "MAIL FROM:<a@x.example> ENVID=+C3+A4",      "MAIL FROM:<a@x.example> ENVID=",
        "MAIL FROM:<a@x.example> ENVID=a=b",         "MAIL FROM:<a@x.example> ENVID=a ENVID=b",
        "MAIL FROM:<a@x.example> AUTH=+0A",          "MAIL FROM:<a@x.example> SIZE=-1",
        "MAIL FROM:<a@x.example> SIZE=99999999999999999999", "MAIL FROM:<a@x.example> BODY=BINARYMIME",
        "MAIL FROM:<a@x.example> RET=ALL",           "MAIL FROM:<a@x.example> SMTPUTF8=1",
        "MAIL FROM:<a@x.example> BY=0;R",            "MAIL FROM:<a@x.example> BY=-5;R",
        "MAIL FROM:<a@x.example> BY=1234567890;R",   "MAIL FROM:<a@x.example> BY=60;N",
        "MAIL FROM:<a@x.example> BY=60",             "MAIL FROM:<\"a@x.example>",
        "MAIL FROM:<a@x.example",                    "MAIL FROM:a@x.example",
        "MAIL FROM:<a@x.example>SIZE=1",             "MAIL FROM:<\"a\\\"@x.example>",
        "MAIL FROM:<\xc3\xa4@x.example>",            "MAIL FROM:<a@\xc3\xa4.example>",
        "MAIL FROM:<\xc3@x.example> SMTPUTF8",       "MAIL FROM",
        "MAIL TO:<a@x.example>",                     "MAIL FROM:<a@x.example> =1",
        "MAIL FROM:<a@x.example> REQUIRETLS=YES",    "MAIL FROM:<a@x.example> REQUIRETLS=",
        "MAIL FROM:<a@x.example> REQUIRETLS REQUIRETLS", "MAIL FROM:<a@x.example> requiretls=No",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct buf in;
        struct script_result result;
        buf_init(&in, 4096);
        buf_printf(&in, "%s\r\n", bad[i]);
        script_play(buf_slice(&in), NULL, 0, SCRIPT_KNOWN, &result);
        if (strncmp(buf_cstr(&result.out), "501 5.", 6) != 0)
            fail_msg("%s: %s", bad[i], buf_cstr(&result.out));
        assert_int_equal(result.events.len, 0);
        script_result_free(&result);
        buf_free(&in);
    }
}

/* RFC 8689: no value, any case, any place among the others; only inside TLS (see above), and not with RCPT. */
static void requiretls_is_taken_and_told(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("MAIL FROM:<a@x.example> SIZE=10 RequireTLS BODY=8BITMIME\r\nRCPT TO:<b@y.example> REQUIRETLS\r\n"
                            "RSET\r\nMAIL FROM:<a@x.example>\r\nRSET\r\nMAIL FROM:<a@x.example> REQUIRETLSX\r\n"),
                  SCRIPT_KNOWN,
                  OK_MAIL "555 5.5.4 a parameter is not known here\r\n250 2.0.0 forgotten\r\n" OK_MAIL
                          "250 2.0.0 forgotten\r\n555 5.5.4 a parameter is not known here\r\n",
                  "MAIL a@x.example REQUIRETLS\nFORGET\nMAIL a@x.example\nFORGET\n", false);
}

static void row_14_rcpt_parameters(void **state)
{
    static const char *const lines[] = {
        "501 NOTIFY=NEVER,FAILURE", "501 NOTIFY=",          "501 NOTIFY=SUCCESS,",
        "501 NOTIFY=ALWAYS",        "501 ORCPT=rfc822",     "501 ORCPT=rfc822;a+0D+0Ab",
        "501 ORCPT=;a",             "501 ORCPT=rf c822;a",  "501 ORCPT=rfc822;+C3+A4",
        "501 NOTIFY=NEVER NOTIFY=NEVER", "555 SIZE=1",      "555 X-FOO=1",
        "250 NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2Bb@y.example", "250 notify=never",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct buf in;
        struct script_result result;
        buf_init(&in, 4096);
        buf_printf(&in, "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example> %s\r\n", lines[i] + 4);
        script_play(buf_slice(&in), NULL, 0, SCRIPT_KNOWN, &result);
        if (strncmp(buf_cstr(&result.out) + strlen(OK_MAIL), lines[i], 3) != 0)
            fail_msg("%s: %s", lines[i], buf_cstr(&result.out));
        script_result_free(&result);
        buf_free(&in);
    }
}

static void row_16_one_parser_decides_the_domain(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("MAIL FROM:<a@x.example>\r\nRCPT TO:<\"a@evil x\"@y.example>\r\n"
                            "RCPT TO:<@r.example:b@y.example>\r\nRCPT TO:<b@y.example,c@z.example>\r\n"
                            "RCPT TO:<\"b>\"@y.example>\r\n"),
                  SCRIPT_KNOWN,
                  OK_MAIL OK_MAIL "501 5.1.3 the local part is missing or ends in a dot\r\n"
                                  "501 5.1.3 the domain is not a host name\r\n" OK_MAIL,
                  "MAIL a@x.example\nRCPT \"a@evil x\"@y.example\nRCPT \"b>\"@y.example\n", false);
}

static void row_18_control_bytes_are_refused_everywhere(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0x20; c++) {
        struct buf in;
        struct script_result result;
        buf_init(&in, 4096);
        buf_append_str(&in, "MAIL FROM:<a");
        buf_append_byte(&in, (uint8_t)c);
        buf_append_str(&in, "@x.example>\r\n");
        script_play(buf_slice(&in), NULL, 0, SCRIPT_KNOWN, &result);
        assert_memory_equal(buf_cstr(&result.out), "500 5.5.2 ", 10);
        assert_int_equal(result.events.len, 0);
        script_result_free(&result);
        buf_free(&in);
    }
}

static void row_30_http_ends_the_session(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO c\r\n"), SCRIPT_CLEAR,
                  "421 4.7.0 this is not a web server\r\n", "", true);
    script_expect(SLICE_LIT("GET / HTTP/1.1\r\n\r\n"), SCRIPT_TLS, "421 4.7.0 this is not a web server\r\n", "", true);
}

static void the_rest_of_the_commands(void **state)
{
    (void)state;
    script_expect(SLICE_LIT("VRFY a\r\nEXPN l\r\nHELP\r\nXX\r\n\r\nDATA x\r\nNOOP foo bar\r\nRSET\r\nquit\r\n"), SCRIPT_KNOWN,
                  "252 2.5.2 send the message, then it will show\r\n502 5.5.1 EXPN is not offered\r\n"
                  "214 2.0.0 this is mail submission: EHLO AUTH MAIL RCPT DATA BDAT RSET NOOP QUIT\r\n"
                  "500 5.5.2 the command is not known\r\n500 5.5.2 the line is empty or holds a control character\r\n"
                  "501 5.5.4 DATA takes no argument\r\n250 2.0.0 at your service\r\n250 2.0.0 forgotten\r\n"
                  "221 2.0.0 goodbye\r\n",
                  "", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ehlo_offers_starttls_in_the_clear_and_auth_only_inside_tls),
        cmocka_unit_test(only_a_few_commands_work_before_tls),
        cmocka_unit_test(row_3_bytes_behind_starttls_end_the_session_unread),
        cmocka_unit_test(a_pipelined_message_is_taken),
        cmocka_unit_test(an_empty_message_and_two_in_a_row),
        cmocka_unit_test(chunks_make_a_message),
        cmocka_unit_test(row_1_no_other_end_of_data_is_one),
        cmocka_unit_test(row_1_smuggling_by_chunk_is_refused),
        cmocka_unit_test(row_1_a_bare_line_feed_ends_no_command),
        cmocka_unit_test(row_2_a_long_line_is_refused_and_the_session_lives),
        cmocka_unit_test(row_6_and_7_bdat_errors_leave_nothing_behind),
        cmocka_unit_test(row_7_data_and_bdat_do_not_mix),
        cmocka_unit_test(row_7_commands_out_of_order_are_503),
        cmocka_unit_test(the_handler_may_refuse_in_the_middle),
        cmocka_unit_test(limits_are_answered),
        cmocka_unit_test(row_8_long_and_endless_lines),
        cmocka_unit_test(row_8_tiny_chunks_are_bounded),
        cmocka_unit_test(row_8_errors_run_out),
        cmocka_unit_test(row_9_malformed_auth_fails_alone),
        cmocka_unit_test(row_9_an_endless_auth_line_is_refused),
        cmocka_unit_test(row_13_addresses_are_data),
        cmocka_unit_test(row_14_xtext_and_utf8_tricks_are_501),
        cmocka_unit_test(requiretls_is_taken_and_told),
        cmocka_unit_test(row_14_rcpt_parameters),
        cmocka_unit_test(row_16_one_parser_decides_the_domain),
        cmocka_unit_test(row_18_control_bytes_are_refused_everywhere),
        cmocka_unit_test(row_30_http_ends_the_session),
        cmocka_unit_test(the_rest_of_the_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
