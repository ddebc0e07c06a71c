/* SPDX-License-Identifier: Apache-2.0 */
/* Submission, as the live role does it. */
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/codec.h"
#include "intake_stage.h"
#include "keys/lookup_tag.h"
#include "keys/scram.h"
#include "mail/envelope.h"
#include "net/tls_server.h"

#define KNOWN "AUTH PLAIN AGFwcABzZWNyZXQ=\r\n" /* app, secret */
#define START "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@z.example>\r\n"
#define STARTED "250 2.1.0\n250 2.1.5\n"
#define HEADER "From: A <a@x.example>\r\nTo: b@z.example\r\nBcc: c@z.example\r\nSubject: s\r\n"

static struct stage *stage_of(void **state)
{
    if (*state == NULL)
        skip();
    return *state;
}

static int setup(void **state)
{
    *state = NULL;
    if (geteuid() != 0) {
        print_message("SKIPPED LOUDLY: the live intake needs root to take its own user id\n");
        return 0;
    }
    struct stage *stage = mem_new(sizeof(*stage));
    stage_start(stage, 3, 64);
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    if (*state == NULL)
        return 0;
    stage_finish(*state);
    mem_free(*state);
    return 0;
}

static struct stage_client *known(struct stage *s, unsigned number)
{
    struct stage_client *c = stage_connect(s, number, STAGE_TLS);
    stage_hear(c, "220 mail.example ESMTP Sealpost");
    stage_ask(c, "EHLO client.example\r\n", "250");
    stage_ask(c, KNOWN, "235 2.7.0");
    return c;
}

static void a_message_is_sealed_and_committed(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    struct msg_message message;
    struct mail_envelope envelope;
    struct buf content;
    struct buf plain;
    stage_say(c, SLICE_LIT("MAIL FROM:<a@x.example> RET=FULL ENVID=e+2B1 BY=60;R\r\nRCPT TO:<b@z.example> NOTIFY=NEVER\r\n"
                           "RCPT TO:<b@z.example>\r\nRCPT TO:<d@Z.example> ORCPT=rfc822;d+40z.example\r\nDATA\r\n"));
    stage_hear(c, STARTED "250 2.1.5\n250 2.1.5\n354");
    stage_ask(c, HEADER "Message-ID: <m1@x.example>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\n..body \xc3\xa4\r\n.\r\n",
              "250 2.0.0 0");
    buf_init_secret(&content, 1 << 20);
    buf_init_secret(&plain, 65536);
    stage_open_commit(s, &message, &content, &plain);
    assert_true(mail_envelope_read(buf_slice(&plain), &envelope));
    assert_slice(envelope.reverse_path, "a@x.example");
    assert_slice(envelope.envid, "e+1");
    assert_slice(envelope.message_id, "<m1@x.example>");
    assert_slice(envelope.credential, "app");
    assert_slice(envelope.mail_from, "a@x.example");
    assert_slice(envelope.date, "Mon, 1 Jan 2024 00:00:00 +0000");
    assert_true(envelope.eight_bit);
    assert_int_equal(message.flags, MSG_FLAG_8BIT);
    assert_int_equal(message.by_us - message.accepted_us, 60 * CLOCK_US_PER_S);
    const char *text = buf_cstr(&content);
    assert_memory_equal(text, "Received: from client.example", 29);
    assert_non_null(strstr(text, "TLSv1.3"));
    const char *from = strstr(text, "From: A <a@x.example>\r\n");
    assert_string_equal(from, "From: A <a@x.example>\r\nTo: b@z.example\r\nSubject: s\r\nMessage-ID: <m1@x.example>\r\n"
                              "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\n.body \xc3\xa4\r\n");
    buf_free(&content);
    buf_free(&plain);
}

static void recipients_carry_tags_and_are_sealed(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    struct msg_message message;
    struct msg_recipient recipient;
    struct mail_recipient opened;
    struct buf content;
    struct buf plain;
    struct key key;
    struct tag tag;
    struct hmac *sha256 = hmac_create(HMAC_SHA256);
    stage_ask(c, START "RCPT TO:<\"d\"@Z.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;d+2B\r\nDATA\r\n",
              STARTED "250 2.1.5\n354");
    stage_ask(c, HEADER "\r\n.\r\n", "250 2.0.0 0");
    buf_init_secret(&content, 1 << 20);
    buf_init_secret(&plain, 65536);
    stage_open_commit(s, &message, &content, &plain);
    struct wire_reader r = wire_reader_of(message.recipients);
    assert_true(layout_next(&msg_recipient_layout, &r, &recipient));
    assert_true(layout_next(&msg_recipient_layout, &r, &recipient));
    assert_true(wire_done(&r));
    assert_int_equal(recipient.notify, MAIL_NOTIFY_SUCCESS | MAIL_NOTIFY_DELAY);
    buf_reset(&plain);
    stage_open_recipient(s, &message, &recipient, &plain);
    assert_true(layout_read(&mail_recipient_layout, buf_slice(&plain), &opened));
    assert_slice(opened.canonical, "d@z.example");
    assert_slice(opened.orcpt, "rfc822;d+");
    memset(&key, 7, sizeof(key));
    lookup_tag(sha256, &key, opened.canonical, &tag);
    assert_memory_equal(&tag, &recipient.recipient, sizeof(tag));
    buf_free(&content);
    buf_free(&plain);
    hmac_free(&sha256);
}

static void starttls_and_login(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = stage_connect(s, 0, STAGE_STARTTLS);
    stage_hear(c, "220 mail.example");
    stage_ask(c, "EHLO c\r\n" KNOWN START "DATA\r\n", "250\n530 5.7.0\n530 5.7.0\n530 5.7.0\n530 5.7.0");
    stage_ask(c, "STARTTLS\r\n", "220 2.0.0");
    stage_secure(c);
    stage_ask(c, "AUTH LOGIN\r\n", "503 5.5.1");
    stage_ask(c, "EHLO c\r\nAUTH LOGIN\r\n", "250\n334 VXNlcm5hbWU6");
    stage_ask(c, "YXBw\r\n", "334 UGFzc3dvcmQ6");
    stage_ask(c, "c2VjcmV0\r\n", "235 2.7.0");
    stage_ask(c, START "BDAT 3\r\nA: BDAT 6 LAST\r\nb\r\n\r\ncQUIT\r\n", STARTED "250 2.0.0\n250 2.0.0 0\n221");
    stage_ended(c);
    assert_int_equal(c->end, TLS_CONN_END_CLEAN);
}

static void row_3_plain_bytes_behind_starttls_end_it(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = stage_connect(s, 0, STAGE_STARTTLS);
    stage_hear(c, "220");
    stage_ask(c, "STARTTLS\r\nEHLO evil\r\n", "220 2.0.0");
    stage_ended(c);
}

static void row_9_auth_fails_for_this_session_alone(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = stage_connect(s, 0, STAGE_TLS);
    struct stage_client *other = known(s, 1);
    stage_hear(c, "220");
    stage_ask(c, "EHLO c\r\nAUTH PLAIN AGFwcAB4\r\n", "250\n535 5.7.8");
    stage_ask(c, "AUTH PLAIN eABhcHAAc2VjcmV0\r\n", "535 5.7.8"); /* in another's name */
    stage_ask(c, "AUTH PLAIN YXBw\r\n", "501 5.5.2");
    stage_ask(c, "AUTH CRAM-MD5\r\n", "504 5.5.4");
    stage_ask(c, "AUTH SCRAM-SHA-256 biws\r\n", "501 5.5.2");
    s->auth_code = MSG_LOCKED;
    stage_ask(c, KNOWN, "454 4.7.0 too many");
    s->auth_code = MSG_UNAVAILABLE;
    stage_ask(c, KNOWN, "454 4.7.0 names");
    s->auth_code = MSG_OK;
    stage_ask(c, KNOWN, "235");
    stage_ask(other, START "DATA\r\n", STARTED "354");
}

/* The client's half of SCRAM-SHA-256 (RFC 5802) for user "app" with password "secret": proof over auth_message. */
static void scram_proof(struct slice auth_message, uint8_t proof[32])
{
    uint8_t salted[32];
    uint8_t stored[32];
    uint8_t signature[32];
    struct hmac *h = hmac_create(HMAC_SHA256);
    PKCS5_PBKDF2_HMAC("secret", 6, (const uint8_t *)"0123456789abcde", 16, (int)SCRAM_ITERATIONS, EVP_sha256(), 32, salted);
    hmac_once(h, slice_of(salted, 32), SLICE_LIT("Client Key"), proof);
    EVP_Digest(proof, 32, stored, NULL, EVP_sha256(), NULL);
    hmac_once(h, slice_of(stored, 32), auth_message, signature);
    for (int i = 0; i < 32; i++)
        proof[i] ^= signature[i];
    hmac_free(&h);
}

static void say_base64(struct stage_client *c, const char *before, struct slice text)
{
    struct buf b;
    buf_init(&b, 8192);
    buf_append_str(&b, before);
    codec_base64(&b, text);
    buf_append_str(&b, "\r\n");
    stage_say(c, buf_slice(&b));
    buf_free(&b);
}

/* Takes the challenge that is to come. */
static void challenge(struct stage_client *c, struct buf *out)
{
    size_t end;
    while ((end = slice_find(buf_slice(&c->got), 0, '\r')) == c->got.len)
        stage_turn(c->stage);
    assert_memory_equal(c->got.data, "334 ", 4);
    assert_true(codec_unbase64(out, slice_sub(buf_slice(&c->got), 4, end - 4)));
    buf_reset(&c->got);
}

static void scram(struct stage_client *c, const char *mechanism, const char *gs2, struct slice binding, const char *outcome)
{
    struct buf first;
    struct buf final;
    struct buf both;
    uint8_t proof[32];
    buf_init(&first, 8192);
    buf_init(&final, 8192);
    buf_init(&both, 8192);
    buf_printf(&both, "AUTH %s ", mechanism);
    buf_printf(&first, "%sn=app,r=nonce", gs2);
    say_base64(c, buf_cstr(&both), buf_slice(&first));
    buf_reset(&first);
    challenge(c, &first);
    buf_reset(&both);
    buf_append_str(&both, gs2);
    buf_append_slice(&both, binding);
    buf_append_str(&final, "c=");
    codec_base64(&final, buf_slice(&both));
    buf_append_byte(&final, ',');
    buf_append(&final, first.data, slice_find(buf_slice(&first), 0, ',')); /* r= */
    buf_reset(&both);
    buf_append_str(&both, "n=app,r=nonce,");
    buf_append_slice(&both, buf_slice(&first));
    buf_append_byte(&both, ',');
    buf_append_slice(&both, buf_slice(&final));
    scram_proof(buf_slice(&both), proof);
    buf_append_str(&final, ",p=");
    codec_base64(&final, slice_of(proof, 32));
    say_base64(c, "", buf_slice(&final));
    stage_hear(c, outcome);
    buf_free(&first);
    buf_free(&final);
    buf_free(&both);
}

static struct stage_client *greeted(struct stage *s)
{
    struct stage_client *c = stage_connect(s, 0, STAGE_TLS);
    stage_hear(c, "220");
    stage_ask(c, "EHLO c\r\n", "250");
    return c;
}

static void scram_with_and_without_channel_binding(void **state)
{
    struct stage *s = stage_of(state);
    uint8_t binding[64];
    unsigned len = 0;
    struct stage_client *c = greeted(s);
    scram(c, "SCRAM-SHA-256", "n,,", SLICE_EMPTY, "334 dj");
    stage_ask(c, "\r\n", "235 2.7.0");
    stage_ask(c, START, STARTED);
    c = greeted(s);
    assert_true(tls_conn_exporter(c->conn, binding));
    scram(c, "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", slice_of(binding, TLS_EXPORTER_SIZE), "334 dj");
    stage_ask(c, "\r\n", "235 2.7.0");
    c = greeted(s);
    X509 *certificate = SSL_get1_peer_certificate(tls_conn_ssl(c->conn));
    X509_digest(certificate, EVP_sha256(), binding, &len);
    X509_free(certificate);
    scram(c, "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", slice_of(binding, len), "334 dj");
    stage_ask(c, "\r\n", "235 2.7.0");
    c = greeted(s);
    binding[0] ^= 1;
    scram(c, "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", slice_of(binding, len), "535 5.7.8");
    stage_ask(c, "AUTH SCRAM-SHA-256 eSwsbj1hcHAscj14\r\n", "501 5.5.2"); /* 'y': somebody took -PLUS away */
}

static void a_foreign_sender_is_refused(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    stage_ask(c, "MAIL FROM:<a@z.example>\r\n", "550 5.7.1");
    stage_ask(c, "MAIL FROM:<other@y.example>\r\n", "550 5.7.1");
    stage_ask(c, "MAIL FROM:<>\r\n", "550 5.7.1");
    stage_ask(c, "MAIL FROM:<SOLO@Y.example>\r\nRSET\r\n", "250\n250");
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, "From: a@x.example, ceo@z.example\r\n\r\n.\r\n", "550 5.7.1 you may not send in the name");
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, "From: a@x.example\r\nSender: ceo@z.example\r\n\r\nx\r\n.\r\n", "550 5.7.1");
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, "From: a@x.example\r\nFrom: ceo@z.example\r\n\r\nx\r\n.\r\n", "550 5.7.1");
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, "From: a@x.example\r\nResent-From: ceo@z.example\r\n\r\nx\r\n.\r\n", "550 5.7.1");
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, "TLS-Required: No\r\n\r\nx\r\n.\r\n", "550 5.7.1 TLS-Required: No is not possible here");
    stage_ask(c, "MAIL FROM:<a@x.example> REQUIRETLS\r\nRCPT TO:<b@z.example>\r\nDATA\r\n", STARTED "354");
    stage_ask(c, "TLS-Required: Yes\r\nTLS-Required: No\r\n\r\nx\r\n.\r\n", "550 5.7.1 TLS-Required: No is not possible here");
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, "Sealpost-Minimum-Proof: best\r\n\r\nx\r\n.\r\n", "550 5.7.1 Sealpost-Minimum-Proof must be pkix,");
    assert_int_equal(s->commits, 0);
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, HEADER "\r\n.\r\n", "250 2.0.0");
}

/* The credential demands sts (3). A message raises that, and cannot lower it. */
static void minimum_and_requiretls_are_kept_sealed(void **state)
{
    static const struct {
        const char *mail;
        const char *field;
        uint8_t minimum;
        bool require_tls;
    } cases[] = {
        {"MAIL FROM:<a@x.example>\r\n", "", 3, false},
        {"MAIL FROM:<a@x.example> REQUIRETLS\r\n", "Sealpost-Minimum-Proof: dane\r\n", 4, true},
        {"MAIL FROM:<a@x.example> REQUIRETLS\r\n", "Sealpost-Minimum-Proof: pkix\r\n", 3, true},
        {"MAIL FROM:<a@x.example>\r\n", "Sealpost-Minimum-Proof: pkix+dnssec\r\n", 3, false},
    };
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct msg_message message;
        struct mail_envelope envelope;
        struct buf content;
        struct buf plain;
        buf_init_secret(&content, 1 << 20);
        buf_init_secret(&plain, 65536);
        stage_say(c, slice_str(cases[i].mail));
        stage_ask(c, "RCPT TO:<b@z.example>\r\nDATA\r\n", STARTED "354");
        stage_say(c, slice_str(cases[i].field));
        stage_ask(c, HEADER "\r\nbody\r\n.\r\n", "250 2.0.0 0");
        stage_open_commit(s, &message, &content, &plain);
        assert_true(mail_envelope_read(buf_slice(&plain), &envelope));
        assert_int_equal(envelope.version, MAIL_ENVELOPE_VERSION);
        assert_int_equal(envelope.minimum, cases[i].minimum);
        assert_int_equal(envelope.require_tls, cases[i].require_tls);
        assert_null(strstr(buf_cstr(&content), "Minimum-Proof"));
        buf_free(&content);
        buf_free(&plain);
    }
}

static void row_1_smuggling_commits_nothing(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, HEADER "\r\nx\n.\r\n" START "DATA\r\nevil\r\n.\r\n", "554 5.6.0");
    stage_ended(c);
    assert_int_equal(s->commits, 0);
}

static void say_many(struct stage_client *c, size_t bytes)
{
    static const char line[] = "0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    struct buf b;
    buf_init(&b, 1 << 20);
    while (b.len + 72 <= 720000)
        buf_append(&b, line, 72);
    for (; bytes > b.len; bytes -= b.len)
        stage_say(c, buf_slice(&b));
    stage_say(c, slice_sub(buf_slice(&b), 0, bytes - bytes % 72));
    buf_free(&b);
}

static void a_large_message_goes_to_a_file(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    struct msg_message message;
    struct buf content;
    struct buf plain;
    static const size_t sizes[] = {60000, 65536, 66000, 80000, 3000000};
    for (size_t i = 0; i < 5; i++) {
        for (int held = 0; held < 2; held++) {
            s->hold_opens = held != 0;
            stage_ask(c, START "DATA\r\n", STARTED "354");
            stage_say(c, SLICE_LIT(HEADER "\r\n"));
            say_many(c, sizes[i]);
            stage_say(c, SLICE_LIT(".\r\n"));
            if (held != 0 && message.content_length > 0) { /* as the time before */
                while (s->held_count == 0)
                    stage_turn(s);
                stage_release(s);
            }
            stage_hear(c, "250 2.0.0");
            buf_init_secret(&content, 4 << 20);
            buf_init_secret(&plain, 65536);
            stage_open_commit(s, &message, &content, &plain);
            assert_true(content.len > sizes[i] && content.len < sizes[i] + 500);
            assert_memory_equal(content.data + content.len - 6, "6789\r\n", 6);
            buf_free(&content);
            buf_free(&plain);
        }
    }
    assert_int_equal(s->opens, 8);
    assert_int_equal(s->drops, 0);
}

static long resident(const struct stage *s)
{
    char path[64];
    char text[256];
    char *second = NULL;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)s->pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    fclose(f);
    (void)strtol(text, &second, 10); /* the whole; resident pages follow */
    long pages = strtol(second, NULL, 10);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void fifty_megabytes_cost_no_more_memory_than_fifty_kilobytes(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    long before = 0;
    for (int i = 0; i < 2; i++) {
        stage_ask(c, START "DATA\r\n", STARTED "354");
        stage_say(c, SLICE_LIT(HEADER "\r\n"));
        say_many(c, i == 0 ? 200000 : 50000000);
        stage_say(c, SLICE_LIT(".\r\n"));
        stage_hear(c, "250 2.0.0");
        if (i == 0)
            before = resident(s);
    }
    long growth = resident(s) - before;
    print_message("50 MB message: %ld KB more resident memory\n", growth);
#ifndef SEALPOST_SANITIZED
    assert_true(growth < 1024);
#endif
}

static void limits_are_answered_with_a_sentence(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    stage_ask(c, "MAIL FROM:<a@x.example> SIZE=99000000\r\n", "552 5.3.4");
    stage_ask(c, START "RCPT TO:<c@z.example>\r\nRCPT TO:<d@z.example>\r\nRCPT TO:<e@z.example>\r\nRSET\r\n",
              STARTED "250\n250\n452 4.5.3\n250");
    s->commit_code = MSG_FULL;
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, HEADER "\r\n.\r\n", "452 4.3.1");
    s->open_code = MSG_FULL;
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_say(c, SLICE_LIT("\r\n"));
    say_many(c, 700000);
    stage_ask(c, ".\r\n", "452 4.3.1");
    known(s, 1);
    known(s, 2);
    c = stage_connect(s, 3, STAGE_TLS);
    stage_hear(c, "421 4.3.2 too many sessions");
    stage_ended(c);
}

/* Asks again and again until the reply behind `skipped` others begins with text: a new peer reaches intake on a channel
 * of its own, nobody knows when. */
static void until(struct stage_client *c, const char *bytes, unsigned skipped, const char *text)
{
    char reply[2048];
    do {
        stage_say(c, slice_str(bytes));
        for (unsigned i = 0; i <= skipped; i++)
            stage_line(c, reply);
    } while (reply[0] == '4');
    assert_memory_equal(reply, text, strlen(text));
}

static void the_store_dies_and_returns(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    s->hold_commits = true;
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_say(c, SLICE_LIT(HEADER "\r\n.\r\n" START "DATA\r\n"));
    while (s->held_count == 0)
        stage_turn(s);
    chan_free(&s->store);
    stage_hear(c, "451 4.3.0\n" STARTED "354");
    stage_ask(c, HEADER "\r\n.\r\n", "451 4.3.0");
    stage_ask(c, START "DATA\r\n", STARTED "451 4.3.0");
    s->hold_commits = false;
    stage_meet(s, ROLE_STORE);
    until(c, START "DATA\r\n", 2, "354");
    stage_ask(c, HEADER "\r\n.\r\n", "250 2.0.0");
    /* in the middle of a large message */
    s->hold_opens = true;
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_say(c, SLICE_LIT("\r\n"));
    say_many(c, 300000);
    while (s->opens == 0)
        stage_turn(s);
    chan_free(&s->store);
    say_many(c, 300000);
    stage_ask(c, ".\r\n", "451 4.3.0");
}

static void keyd_dies_and_returns(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    while (s->batches == 0)
        stage_turn(s);
    s->keyd_silent = true;
    for (int i = 0; i < 10; i++) { /* what was asked ahead is used up, then there is none */
        stage_ask(c, START "DATA\r\n", STARTED "");
        if (i == 4)
            chan_free(&s->keyd);
        if (i >= 4) {
            stage_hear(c, "451 4.3.0");
            continue;
        }
        stage_hear(c, "354");
        stage_ask(c, HEADER "\r\n.\r\n", "250 2.0.0");
    }
    struct stage_client *other = stage_connect(s, 1, STAGE_TLS);
    stage_hear(other, "220");
    stage_ask(other, "EHLO c\r\n" KNOWN, "250\n454 4.7.0");
    s->keyd_silent = false;
    stage_meet(s, ROLE_KEYD);
    until(other, KNOWN, 0, "235");
    stage_ask(c, START "DATA\r\n", STARTED "354");
}

static void row_6_a_cut_in_the_middle_leaves_nothing(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    stage_ask(c, START "BDAT 500000 LAST\r\n\r\n", STARTED "");
    say_many(c, 200000);
    while (s->opens == 0)
        stage_turn(s);
    stage_cut(c);
    while (s->drops == 0)
        stage_turn(s);
    assert_int_equal(s->commits, 0);
    c = known(s, 0);
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, HEADER "\r\n.\r\n", "250 2.0.0");
}

static void a_session_that_leaves_while_its_message_is_committed(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    s->hold_commits = true;
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_say(c, SLICE_LIT(HEADER "\r\n.\r\n"));
    while (s->held_count == 0)
        stage_turn(s);
    stage_cut(c);
    stage_release(s);
    s->hold_commits = false;
    c = known(s, 0);
    stage_ask(c, START "DATA\r\n", STARTED "354");
    stage_ask(c, HEADER "\r\n.\r\n", "250 2.0.0");
}

/* This process's share of 8 MB is 128 KB here. */
static void a_slow_store_stops_the_reading_of_content(void **state)
{
    struct stage *s = stage_of(state);
    s->hold_commits = true;
    for (unsigned i = 0; i < 2; i++) {
        struct stage_client *c = known(s, i);
        stage_ask(c, START "DATA\r\n", STARTED "354");
        stage_say(c, SLICE_LIT(HEADER "\r\n"));
        say_many(c, 64800);
        stage_say(c, SLICE_LIT(".\r\n"));
        while (s->held_count == i)
            stage_turn(s);
    }
    struct stage_client *third = known(s, 2);
    stage_ask(third, START "DATA\r\n", STARTED "354");
    stage_say(third, SLICE_LIT(HEADER "\r\n"));
    say_many(third, 400000);
    stage_pause(s, 200000);
    assert_int_equal(s->opens, 0);
    stage_release(s);
    stage_release(s);
    s->hold_commits = false;
    stage_ask(third, ".\r\n", "250 2.0.0");
    assert_int_equal(s->opens, 1);
}

static void draining_tells_everybody_and_loses_no_answer(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *idle = known(s, 0);
    struct stage_client *busy = known(s, 1);
    struct stage_client *content = known(s, 2);
    int status = 0;
    s->hold_commits = true;
    stage_ask(content, START "DATA\r\n", STARTED "354");
    stage_ask(busy, START "DATA\r\n", STARTED "354");
    stage_say(busy, SLICE_LIT(HEADER "\r\n.\r\n"));
    while (s->held_count == 0)
        stage_turn(s);
    chan_send(s->supervisor, MSG_DRAIN, SLICE_EMPTY, -1);
    stage_hear(idle, "421 4.3.2 the service stops");
    stage_hear(content, "421 4.3.2 the service stops");
    stage_ended(idle);
    stage_ended(content);
    stage_release(s);
    stage_hear(busy, "250 2.0.0 0\n421 4.3.2 the service stops");
    stage_ended(busy);
    while (!s->gone)
        stage_turn(s);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_int_equal(status, 0);
    s->pid = fork(); /* something for the end of the stage to reap */
    if (s->pid == 0)
        _exit(0);
}

static void row_22_garbage_from_peers_is_no_harm(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = known(s, 0);
    chan_send(s->store, MSG_COMMIT, SLICE_LIT("?"), -1);
    while (s->store != NULL)
        stage_turn(s);
    stage_ask(c, START "DATA\r\n", STARTED "451 4.3.0");
    stage_meet(s, ROLE_STORE);
    until(c, START "DATA\r\n", 2, "354");
    stage_ask(c, HEADER "\r\n.\r\n", "250 2.0.0");
}

static void row_30_http_ends_the_session(void **state)
{
    struct stage *s = stage_of(state);
    struct stage_client *c = stage_connect(s, 0, STAGE_TLS);
    stage_hear(c, "220");
    stage_ask(c, "POST / HTTP/1.1\r\nHost: x\r\n\r\n", "421");
    stage_ended(c);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_message_is_sealed_and_committed),
        CASE(minimum_and_requiretls_are_kept_sealed),
        CASE(recipients_carry_tags_and_are_sealed),
        CASE(starttls_and_login),
        CASE(row_3_plain_bytes_behind_starttls_end_it),
        CASE(row_9_auth_fails_for_this_session_alone),
        CASE(scram_with_and_without_channel_binding),
        CASE(a_foreign_sender_is_refused),
        CASE(row_1_smuggling_commits_nothing),
        CASE(a_large_message_goes_to_a_file),
        CASE(fifty_megabytes_cost_no_more_memory_than_fifty_kilobytes),
        CASE(limits_are_answered_with_a_sentence),
        CASE(the_store_dies_and_returns),
        CASE(keyd_dies_and_returns),
        CASE(row_6_a_cut_in_the_middle_leaves_nothing),
        CASE(a_session_that_leaves_while_its_message_is_committed),
        CASE(a_slow_store_stops_the_reading_of_content),
        CASE(draining_tells_everybody_and_loses_no_answer),
        CASE(row_22_garbage_from_peers_is_no_harm),
        CASE(row_30_http_ends_the_session),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
