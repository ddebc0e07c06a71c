/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction keeps two counters over its list of commands (MAIL, RCPT 1..n, then DATA or chunks): how many were
 * said and how many were answered. Everything else follows from them. */
#include "smtp/smtp_client_transaction.h"

#include "base/mem.h"
#include "smtp/smtp_client_internal.h"

/* Content up to this size is sent along with the envelope when BDAT and PIPELINING allow; larger content waits until
 * somebody was accepted. */
#define EAGER_MAX ((uint64_t)65536)
/* Pieces at least this long are handed out in place rather than copied behind the commands. */
#define DIRECT_MIN ((size_t)8192)

struct smtp_client_transaction {
    struct smtp_client_connection *conn;
    enum smtp_transaction_state state;
    struct smtp_client_message message;
    struct smtp_client_recipient *recipients;
    struct smtp_client_outcome *outcomes;
    size_t count;
    struct smtp_client_content content;
    size_t said;      /* commands of the envelope said: 1 + recipients */
    size_t answered;  /* of them */
    size_t accepted;  /* recipients with 2xx */
    bool mail_failed;
    bool chunking;
    bool data_said;
    bool data_go;     /* 354 came */
    bool end_said;    /* the end of the content is in the output */
    bool chunk_failed;
    size_t chunks_said;
    size_t chunks_answered;
};

bool smtp_client_transaction_fits(const struct smtp_client_caps *caps, const struct smtp_client_message *message,
                                  const char **ret_missing)
{
    const char *missing = NULL;
    if (message->utf8 && !caps->utf8)
        missing = "SMTPUTF8";
    else if (message->eight_bit && !caps->eight_bit)
        missing = "8BITMIME";
    else if (caps->size && caps->size_max != 0 && message->size > caps->size_max)
        missing = "SIZE";
    else if (message->require_tls && !caps->require_tls)
        missing = "REQUIRETLS";
    if (ret_missing != NULL)
        *ret_missing = missing;
    return missing == NULL;
}

/* Between < and >: no control byte ever; bytes above 127 only with SMTPUTF8. */
static bool path_fit(struct slice s, bool utf8)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < 0x20 || s.data[i] == 0x7f || (s.data[i] > 0x7f && !utf8))
            return false;
    }
    return s.len <= 1024;
}

/* xtext (RFC 3461 4): printable ASCII without space. */
static bool xtext_fit(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] <= 0x20 || s.data[i] >= 0x7f)
            return false;
    }
    return s.len <= 1536;
}

static bool envelope_fit(const struct smtp_client_message *message, const struct smtp_client_recipient *recipients,
                         size_t count)
{
    if (!path_fit(message->sender, message->utf8) || !xtext_fit(message->envid))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (recipients[i].address.len == 0 || !path_fit(recipients[i].address, message->utf8) ||
            !xtext_fit(recipients[i].orcpt))
            return false;
    }
    return count >= 1 && count <= SMTP_CLIENT_RECIPIENTS_MAX;
}

struct smtp_client_transaction *smtp_client_transaction_start(struct smtp_client_connection *conn,
                                                              struct smtp_permit **permit,
                                                              const struct smtp_client_message *message,
                                                              const struct smtp_client_recipient *recipients,
                                                              size_t count)
{
    bool good = smtp_permit_holds(*permit, conn) &&
                (conn->state == SMTP_CLIENT_READY || conn->state == SMTP_CLIENT_CLEAR) &&
                envelope_fit(message, recipients, count) &&
                smtp_client_transaction_fits(&conn->caps, message, NULL);
    smtp_permit_free(permit);
    if (!good)
        return NULL;
    struct smtp_client_transaction *t = mem_new(sizeof(*t));
    t->conn = conn;
    t->message = *message;
    t->count = count;
    t->recipients = mem_new_array(count, sizeof(*t->recipients));
    memcpy(t->recipients, recipients, count * sizeof(*recipients));
    t->outcomes = mem_new_array(count, sizeof(*t->outcomes));
    t->chunking = conn->caps.chunking;
    smtp_client_content_init(&t->content, message->read, message->read_context);
    conn->transaction = t;
    smtp_client_connection_go(conn, SMTP_CLIENT_BUSY, SMTP_STAGE_MAIL);
    return t;
}

void smtp_client_transaction_free(struct smtp_client_transaction **transaction)
{
    if (transaction == NULL || *transaction == NULL)
        return;
    struct smtp_client_transaction *t = *transaction;
    if (t->state != SMTP_TRANSACTION_DONE)
        smtp_client_connection_end(t->conn, SMTP_FAULT_LOCAL);
    for (size_t i = 0; i < t->count; i++)
        mem_free(t->outcomes[i].text);
    mem_free(t->outcomes);
    mem_free(t->recipients);
    mem_free(t);
    *transaction = NULL;
}

/* ---- what is said ---- */

static void say_mail(struct smtp_client_transaction *t)
{
    const struct smtp_client_caps *caps = &t->conn->caps;
    struct buf *out = &t->conn->out;
    buf_append_str(out, "MAIL FROM:<");
    buf_append_slice(out, t->message.sender);
    buf_append_byte(out, '>');
    if (caps->size)
        buf_printf(out, " SIZE=%llu", (unsigned long long)t->message.size);
    if (t->message.eight_bit)
        buf_append_str(out, " BODY=8BITMIME");
    if (t->message.utf8)
        buf_append_str(out, " SMTPUTF8");
    if (t->message.require_tls)
        buf_append_str(out, " REQUIRETLS");
    if (caps->dsn) {
        buf_append_str(out, " RET=HDRS");
        if (t->message.envid.len > 0) {
            buf_append_str(out, " ENVID=");
            buf_append_slice(out, t->message.envid);
        }
    }
    if (caps->deliver_by && t->message.deliver_by > 0)
        buf_printf(out, " BY=%u;R", t->message.deliver_by);
    buf_append_str(out, "\r\n");
}

static void say_notify(struct buf *out, uint8_t notify)
{
    static const char *const names[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
    const char *comma = "";
    buf_append_str(out, " NOTIFY=");
    for (size_t i = 0; i < 4; i++) {
        if ((notify >> i & 1) == 0)
            continue;
        buf_append_str(out, comma);
        buf_append_str(out, names[i]);
        comma = ",";
    }
}

static void say_rcpt(struct smtp_client_transaction *t, const struct smtp_client_recipient *r)
{
    struct buf *out = &t->conn->out;
    buf_append_str(out, "RCPT TO:<");
    buf_append_slice(out, r->address);
    buf_append_byte(out, '>');
    if (t->conn->caps.dsn && r->notify != 0)
        say_notify(out, r->notify);
    if (t->conn->caps.dsn && r->orcpt.len > 0) {
        buf_append_str(out, " ORCPT=");
        buf_append_slice(out, r->orcpt);
    }
    buf_append_str(out, "\r\n");
}

static bool may_say(const struct smtp_client_transaction *t)
{
    return t->conn->caps.pipelining || (t->said == t->answered && t->chunks_said == t->chunks_answered);
}

static bool envelope_said(const struct smtp_client_transaction *t)
{
    return t->said == 1 + t->count;
}

static bool envelope_answered(const struct smtp_client_transaction *t)
{
    return t->answered == 1 + t->count;
}

static bool nobody_left(const struct smtp_client_transaction *t)
{
    return t->mail_failed || (envelope_answered(t) && t->accepted == 0);
}

static void say_envelope(struct smtp_client_transaction *t)
{
    while (!envelope_said(t) && may_say(t) && !t->mail_failed && t->conn->out.len < SMTP_CLIENT_RECORD) {
        if (t->said == 0)
            say_mail(t);
        else
            say_rcpt(t, &t->recipients[t->said - 1]);
        t->said++;
    }
}

/* Puts a run of content out: copied behind what is there when that makes one record, else in place. False when it has
 * to be tried again after `out` is sent: the run is then kept as direct. */
static bool put_run(struct smtp_client_connection *conn, struct slice run)
{
    bool small = conn->out.len + run.len <= SMTP_CLIENT_RECORD;
    if (small && (run.len < DIRECT_MIN || conn->out.len > 0))
        return buf_append_slice(&conn->out, run);
    conn->direct = run;
    return false;
}

static void unfit(struct smtp_client_transaction *t)
{
    smtp_client_connection_end(t->conn, SMTP_FAULT_LOCAL);
}

static void say_data_content(struct smtp_client_transaction *t)
{
    bool more = true;
    while (more && !t->end_said) {
        struct slice run = SLICE_EMPTY;
        enum smtp_content_status status = smtp_client_content_data(&t->content, &run);
        if (status == SMTP_CONTENT_BAD) {
            unfit(t);
            return;
        }
        if (status != SMTP_CONTENT_RUN)
            return;
        t->end_said = t->content.ended;
        more = put_run(t->conn, run);
    }
}

static void say_data(struct smtp_client_transaction *t)
{
    if (!t->data_said && may_say(t)) {
        buf_append_str(&t->conn->out, "DATA\r\n");
        t->data_said = true;
        t->state = SMTP_TRANSACTION_CONTENT;
    }
    if (t->data_go && envelope_answered(t))
        say_data_content(t);
}

static bool may_chunk(const struct smtp_client_transaction *t)
{
    if (t->chunk_failed || t->end_said || t->conn->direct.len > 0 || t->conn->out.len >= SMTP_CLIENT_RECORD)
        return false;
    if (envelope_answered(t))
        return may_say(t);
    return t->conn->caps.pipelining && t->message.size <= EAGER_MAX;
}

static void say_chunks(struct smtp_client_transaction *t)
{
    while (may_chunk(t)) {
        struct slice chunk = SLICE_EMPTY;
        bool last = false;
        enum smtp_content_status status = smtp_client_content_chunk(&t->content, &chunk, &last);
        if (status == SMTP_CONTENT_BAD) {
            unfit(t);
            return;
        }
        if (status != SMTP_CONTENT_RUN)
            return;
        t->state = SMTP_TRANSACTION_CONTENT;
        t->chunks_said++;
        t->end_said = last;
        buf_printf(&t->conn->out, "BDAT %zu%s\r\n", chunk.len, last ? " LAST" : "");
        put_run(t->conn, chunk);
    }
}

void smtp_client_transaction_pump(struct smtp_client_transaction *t)
{
    say_envelope(t);
    if (!envelope_said(t) || nobody_left(t))
        return;
    if (t->chunking)
        say_chunks(t);
    else
        say_data(t);
}

/* ---- what is answered ---- */

static void outcome_set(struct smtp_client_outcome *o, enum smtp_client_stage stage, const struct smtp_reply *reply)
{
    struct buf text;
    buf_init(&text, SMTP_REPLY_TEXT_MAX);
    smtp_reply_escape(reply, &text);
    mem_free(o->text);
    o->text = mem_strndup(text.data, text.len);
    buf_free(&text);
    o->stage = stage;
    o->code = reply->code;
    o->enhanced = smtp_reply_enhanced(reply->code, reply->enhanced);
    o->fault = smtp_reply_kind(reply->code) == SMTP_REPLY_POSITIVE ? SMTP_FAULT_NONE : SMTP_FAULT_REPLY;
}

/* True for a recipient whose fate the answer to the content decides. */
static bool outcome_open(const struct smtp_client_outcome *o)
{
    return o->fault == SMTP_FAULT_NONE && o->stage != SMTP_STAGE_FINAL;
}

static void outcome_open_all(struct smtp_client_transaction *t, enum smtp_client_stage stage,
                             const struct smtp_reply *reply)
{
    for (size_t i = 0; i < t->count; i++) {
        if (outcome_open(&t->outcomes[i]))
            outcome_set(&t->outcomes[i], stage, reply);
    }
}

static void finish(struct smtp_client_transaction *t, bool reset)
{
    t->state = SMTP_TRANSACTION_DONE;
    smtp_client_connection_release(t->conn, reset);
}

static bool all_answered(const struct smtp_client_transaction *t)
{
    return t->said == t->answered && t->chunks_said == t->chunks_answered && !t->data_said;
}

static void answer_mail(struct smtp_client_transaction *t, const struct smtp_reply *reply)
{
    if (smtp_reply_kind(reply->code) == SMTP_REPLY_POSITIVE)
        return;
    t->mail_failed = true;
    outcome_open_all(t, SMTP_STAGE_MAIL, reply);
}

static void answer_rcpt(struct smtp_client_transaction *t, size_t i, const struct smtp_reply *reply)
{
    if (t->mail_failed)
        return;
    outcome_set(&t->outcomes[i], SMTP_STAGE_RCPT, reply);
    if (t->outcomes[i].fault == SMTP_FAULT_NONE)
        t->accepted++;
}

/* The answer to DATA, and the one to the content, which nobody can have taken before its end was handed over. A 354 when nobody was accepted must not be followed by a dot, which
 * would be an empty message: only closing is safe. */
static void answer_data(struct smtp_client_transaction *t, const struct smtp_reply *reply)
{
    if (t->data_go) {
        if (t->state != SMTP_TRANSACTION_AFTER_END) {
            outcome_open_all(t, SMTP_STAGE_CONTENT, reply);
            smtp_client_connection_end(t->conn, SMTP_FAULT_MALFORMED);
            return;
        }
        t->data_said = false;
        outcome_open_all(t, SMTP_STAGE_FINAL, reply);
        return;
    }
    if (reply->code == 354) {
        t->data_go = true;
        if (nobody_left(t))
            smtp_client_connection_end(t->conn, SMTP_FAULT_NONE);
        return;
    }
    t->data_said = false;
    t->mail_failed = true;
    outcome_open_all(t, SMTP_STAGE_DATA, reply);
}

static void answer_chunk(struct smtp_client_transaction *t, const struct smtp_reply *reply)
{
    t->chunks_answered++;
    bool last = t->end_said && t->chunks_answered == t->chunks_said;
    bool good = smtp_reply_kind(reply->code) == SMTP_REPLY_POSITIVE;
    if (good && !last)
        return;
    if (good && t->state != SMTP_TRANSACTION_AFTER_END) {
        smtp_client_connection_end(t->conn, SMTP_FAULT_MALFORMED);
        return;
    }
    if (!t->chunk_failed && !nobody_left(t))
        outcome_open_all(t, last ? SMTP_STAGE_FINAL : SMTP_STAGE_CONTENT, reply);
    t->chunk_failed = t->chunk_failed || !good;
}

/* A code that cannot answer the command that is due: 3xx anywhere but behind DATA, 2xx in place of 354. */
static bool answer_odd(const struct smtp_client_transaction *t, uint16_t code)
{
    bool data_due = envelope_answered(t) && t->data_said && !t->data_go;
    if (smtp_reply_kind(code) == SMTP_REPLY_INTERMEDIATE)
        return !(data_due && code == 354);
    return data_due && smtp_reply_kind(code) == SMTP_REPLY_POSITIVE;
}

static void stage_next(struct smtp_client_transaction *t)
{
    enum smtp_client_stage stage = SMTP_STAGE_MAIL;
    if (t->answered >= 1)
        stage = SMTP_STAGE_RCPT;
    if (envelope_answered(t))
        stage = t->chunking || t->data_go ? SMTP_STAGE_CONTENT : SMTP_STAGE_DATA;
    if (envelope_answered(t) && t->state == SMTP_TRANSACTION_AFTER_END)
        stage = SMTP_STAGE_FINAL;
    smtp_client_connection_go(t->conn, t->conn->state, stage);
}

void smtp_client_transaction_drained(struct smtp_client_transaction *t)
{
    if (t->end_said && t->state == SMTP_TRANSACTION_CONTENT)
        t->state = SMTP_TRANSACTION_AFTER_END;
    stage_next(t);
}

static void answer(struct smtp_client_transaction *t, const struct smtp_reply *reply)
{
    if (t->answered < t->said) {
        if (t->answered == 0)
            answer_mail(t, reply);
        else
            answer_rcpt(t, t->answered - 1, reply);
        t->answered++;
    } else if (t->chunking) {
        answer_chunk(t, reply);
    } else {
        answer_data(t, reply);
    }
}

/* DONE once every command was answered and none is left to say. A failed chunk leaves the two sides in doubt about
 * what follows; that connection is not used again. */
static void settle(struct smtp_client_transaction *t)
{
    if (t->conn->state == SMTP_CLIENT_ENDED || !all_answered(t))
        return;
    if (t->chunk_failed && !t->end_said) {
        smtp_client_connection_end(t->conn, SMTP_FAULT_NONE);
        return;
    }
    bool content_over = t->end_said && (t->chunking || t->data_go);
    if (nobody_left(t) || content_over)
        finish(t, nobody_left(t) || t->chunk_failed);
}

void smtp_client_transaction_reply(struct smtp_client_transaction *t, const struct smtp_reply *reply)
{
    bool nothing_due = t->answered == t->said && t->chunks_answered == t->chunks_said && !t->data_said;
    if (nothing_due || answer_odd(t, reply->code)) {
        smtp_client_connection_end(t->conn, nothing_due ? SMTP_FAULT_INJECTED : SMTP_FAULT_MALFORMED);
        return;
    }
    answer(t, reply);
    if (reply->code == 421 && t->conn->state != SMTP_CLIENT_ENDED) {
        smtp_client_connection_refuse(t->conn);
        return;
    }
    if (t->conn->state != SMTP_CLIENT_ENDED)
        stage_next(t);
    settle(t);
}

/* The stage in which an unanswered recipient was lost. Only the end handed over completely puts it in doubt. */
static enum smtp_client_stage lost_stage(const struct smtp_client_transaction *t)
{
    return t->state == SMTP_TRANSACTION_AFTER_END ? SMTP_STAGE_FINAL : t->conn->stage;
}

void smtp_client_transaction_broken(struct smtp_client_transaction *t)
{
    enum smtp_client_stage stage = lost_stage(t);
    enum smtp_client_fault fault = t->conn->fault;
    for (size_t i = 0; i < t->count && t->state != SMTP_TRANSACTION_DONE; i++) {
        struct smtp_client_outcome *o = &t->outcomes[i];
        if (!outcome_open(o))
            continue;
        if (fault == SMTP_FAULT_REPLY) {
            outcome_set(o, stage, &t->conn->refusal);
        } else {
            mem_free(o->text);
            *o = (struct smtp_client_outcome){stage, fault == SMTP_FAULT_NONE ? SMTP_FAULT_CLOSED : fault, 0, {0}, NULL};
        }
    }
    t->state = SMTP_TRANSACTION_DONE;
    t->conn->transaction = NULL;
}

enum smtp_transaction_state smtp_client_transaction_state(const struct smtp_client_transaction *transaction)
{
    return transaction->state;
}

const struct smtp_client_outcome *smtp_client_transaction_outcome(const struct smtp_client_transaction *transaction,
                                                                  size_t i)
{
    return &transaction->outcomes[i];
}

bool smtp_client_transaction_heard(const struct smtp_client_transaction *transaction)
{
    return transaction->answered > 0;
}
