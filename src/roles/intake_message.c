/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way in. Memory does not grow with the message: the filter passes slices on, the sealer holds one
 * frame, and what is sealed goes to the store's file when it is large. */
#include "roles/intake_message.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/envelope.h"
#include "os/msg.h"

#define COMMIT_REST 4096u /* bytes of a commit beside its content, mostly */
#define DATE_MAX 100u /* bytes of a Date field worth keeping for delivery reports */

static void free_text(char **text)
{
    if (*text != NULL)
        mem_free_secret(*text, strlen(*text));
    *text = NULL;
}

static void free_recipients(struct intake_message *m)
{
    for (size_t i = 0; i < m->recipient_count; i++) {
        free_text(&m->recipients[i].address);
        free_text(&m->recipients[i].canonical);
        free_text(&m->recipients[i].domain);
        free_text(&m->recipients[i].orcpt);
    }
    mem_free(m->recipients);
}

/* Gives up what reading content needs. */
static void stop_reading(struct intake_message *m)
{
    if (m->filtering)
        mail_submission_free(&m->filter);
    m->filtering = false;
    intake_writer_back(m->intake, &m->writer);
    if (m->fd >= 0)
        close(m->fd);
    m->fd = -1;
}

static void message_free(struct intake_message *m)
{
    stop_reading(m);
    intake_keys_forget(&m->waiter);
    if (m->keyed)
        intake_key_wipe(&m->key);
    free_recipients(m);
    free_text(&m->message_id);
    free_text(&m->from);
    free_text(&m->date);
    buf_free(&m->sealed);
    mem_free_secret(m, sizeof(*m));
}

/* The store need not keep the file. */
static void drop_file(struct intake_message *m)
{
    struct msg_open drop = {m->key.id, 0};
    struct buf payload;
    if (m->place == INTAKE_MEMORY || m->intake->store == NULL)
        return;
    buf_init(&payload, 64);
    layout_write(&msg_open_layout, &payload, &drop);
    chan_send(m->intake->store, MSG_DROP, buf_slice(&payload), -1);
    buf_free(&payload);
}

void intake_message_forget(void *session)
{
    struct intake_session *s = session;
    struct intake_message *m = s->message;
    s->message = NULL;
    s->waits_file = false;
    s->content_us = 0;
    if (m == NULL)
        return;
    m->session = NULL;
    if (m->asked) { /* the answer frees it: a commit under way is not taken back */
        m->intake->orphans++;
        return;
    }
    drop_file(m);
    message_free(m);
}

/* The answer came for a message whose session is gone. */
static void orphan_free(struct intake_message *m)
{
    struct intake *intake = m->intake;
    message_free(m);
    intake->orphans--;
    intake_check_drained(intake);
}

void intake_message_mail(void *session, const struct smtp_mail *mail)
{
    struct intake_session *s = session;
    if (mail->null_path) {
        smtp_server_session_answer(s->smtp, 550, "5.7.1", "an empty sender cannot be told about failures; use your address");
    } else if (!intake_senders_allow(&s->senders, &mail->from)) {
        smtp_server_session_answer(s->smtp, 550, "5.7.1", "you may not send from this address");
    } else {
        struct intake_message *m = s->message = mem_new(sizeof(*m));
        m->intake = s->intake;
        m->session = s;
        m->mail = *mail;
        m->fd = -1;
        buf_init(&m->sealed, INTAKE_SEALED_MAX);
        smtp_server_session_answer(s->smtp, 250, "2.1.0", "sender taken");
    }
}

static char *address_text(bool (*append)(struct buf *, const struct mail_address *), const struct mail_address *address)
{
    struct buf text;
    buf_init_secret(&text, MAIL_ADDRESS_TEXT_MAX + 1);
    append(&text, address);
    char *copy = mem_strndup(text.data, text.len);
    buf_free(&text);
    return copy;
}

static bool is_known(const struct intake_message *m, const char *canonical)
{
    for (size_t i = 0; i < m->recipient_count; i++) {
        if (strcmp(m->recipients[i].canonical, canonical) == 0)
            return true;
    }
    return false;
}

static char *orcpt_text(const struct smtp_rcpt *rcpt)
{
    struct buf text;
    if (rcpt->orcpt_type[0] == '\0')
        return NULL;
    buf_init_secret(&text, SMTP_PARAM_TYPE_MAX + 1 + SMTP_PARAM_ORCPT_MAX);
    buf_append_str(&text, rcpt->orcpt_type);
    buf_append_byte(&text, ';');
    buf_append(&text, rcpt->orcpt, rcpt->orcpt_len);
    char *copy = mem_strndup(text.data, text.len);
    buf_free(&text);
    return copy;
}

void intake_message_rcpt(void *session, const struct smtp_rcpt *rcpt)
{
    struct intake_session *s = session;
    struct intake_message *m = s->message;
    char *canonical = address_text(mail_address_canonical, &rcpt->to);
    if (is_known(m, canonical)) { /* one mailbox, one delivery */
        free_text(&canonical);
    } else {
        m->recipients = mem_resize_array(m->recipients, m->recipient_count + 1, sizeof(*m->recipients));
        m->recipients[m->recipient_count++] = (struct intake_recipient){
            address_text(mail_address_text, &rcpt->to), canonical, mem_strdup(rcpt->to.domain.ascii), orcpt_text(rcpt),
            (uint8_t)rcpt->notify, /* same bits as enum mail_notify */
        };
    }
    smtp_server_session_answer(s->smtp, 250, "2.1.5", "recipient taken");
}

/* Starts filter and sealing with a key at hand. */
static void start_content(struct intake_message *m)
{
    struct intake_session *s = m->session;
    struct tls_facts facts;
    struct err err = {""};
    char id[ID_TEXT_SIZE];
    tls_conn_facts(s->conn, &facts);
    id_text(&m->key.id, id);
    m->accepted_us = clock_utc_us();
    struct mail_trace trace = {
        .helo = slice_str(smtp_server_session_helo(s->smtp)),
        .client_ip = slice_str(s->address_text),
        .host = slice_str(s->settings->hostname),
        .id = slice_str(id),
        .tls_version = slice_str(facts.protocol),
        .tls_cipher = slice_str(facts.suite),
        .tls_bits = (unsigned)facts.bits,
        .smtputf8 = m->mail.smtputf8,
        .utc_us = m->accepted_us,
    };
    m->writer = intake_writer(m->intake);
    if (!sealed_writer_start(m->writer, slice_of(m->key.header, m->key.header_len), &m->key.content_key, &err)) {
        log_error(role_log(m->intake->role), "a header of keyd cannot be used: %s", err.text);
        smtp_server_session_answer(s->smtp, 451, "4.3.0", "the message cannot be sealed; try again");
        return;
    }
    mail_submission_init(&m->filter, &trace);
    m->filtering = true;
    s->content_us = clock_wait_us();
    smtp_server_session_go_ahead(s->smtp);
}

static void on_key(void *ctx, bool ok)
{
    struct intake_message *m = ctx;
    struct intake_session *s = m->session;
    m->keyed = ok && intake_keys_take(m->intake->keys, slice_str(s->tenant), &m->key);
    if (m->keyed)
        start_content(m);
    else
        smtp_server_session_answer(s->smtp, 451, "4.3.0", "no key for the message at the moment; try again");
    intake_session_pump(s);
}

void intake_message_begin(void *session)
{
    struct intake_session *s = session;
    struct intake_message *m = s->message;
    m->waiter.ready = on_key;
    m->waiter.ctx = m;
    if (m->intake->store == NULL) {
        smtp_server_session_answer(s->smtp, 451, "4.3.0", "the store is not there at the moment; try again");
        return;
    }
    m->keyed = intake_keys_take(m->intake->keys, slice_str(s->tenant), &m->key);
    if (m->keyed)
        start_content(m);
    else
        intake_keys_wait(m->intake->keys, slice_str(s->tenant), &m->waiter);
}

/* The message is refused: at its end when it is still being read, now when all of it has come; m may then be gone.
 * Returns false. */
static bool refuse(struct intake_message *m, unsigned code, const char *status, const char *text)
{
    struct intake_session *s = m->session;
    stop_reading(m);
    m->refused = true;
    if (!m->complete) {
        smtp_server_session_fail(s->smtp, code, status, "%s", text);
        return false;
    }
    intake_message_forget(s);
    smtp_server_session_answer(s->smtp, code, status, "%s", text);
    return false;
}

/* Writes what is sealed to the file, and has the kernel begin to write it back. False when the message is refused; m may
 * then be gone. */
static bool write_file(struct intake_message *m)
{
    for (size_t at = 0; at < m->sealed.len;) {
        ssize_t n = write(m->fd, m->sealed.data + at, m->sealed.len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return refuse(m, 452, "4.3.1", "there is no room for the message at the moment");
        at += (size_t)n;
    }
    m->file_length += m->sealed.len;
    buf_reset(&m->sealed);
    if (m->file_length - m->file_started >= INTAKE_WRITE_BACK) {
        (void)sync_file_range(m->fd, (off_t)m->file_started, (off_t)(m->file_length - m->file_started),
                              SYNC_FILE_RANGE_WRITE);
        m->file_started = m->file_length;
    }
    return true;
}

static void commit(struct intake_message *m);

static void on_file(void *ctx, const struct chan_frame *answer)
{
    struct intake_message *m = ctx;
    struct intake_session *s = m->session;
    struct msg_status status = {.code = MSG_UNAVAILABLE};
    m->asked = false;
    if (answer != NULL && layout_read(&msg_status_layout, answer->payload, &status))
        m->fd = answer->fd;
    else if (answer != NULL && answer->fd >= 0)
        close(answer->fd);
    if (s == NULL) {
        drop_file(m);
        orphan_free(m);
        return;
    }
    s->waits_file = false;
    if (m->fd >= 0)
        m->place = INTAKE_FILE;
    if (m->refused) {
        stop_reading(m);
    } else if (status.code == MSG_OK && m->fd >= 0) {
        if (write_file(m) && m->complete)
            commit(m);
    } else if (status.code == MSG_FULL || status.code == MSG_BUSY) {
        refuse(m, 452, "4.3.1", "there is no room for the message at the moment");
    } else {
        refuse(m, 451, "4.3.0", "the store cannot take the message at the moment; try again");
    }
    intake_session_pump(s);
}

static bool ask_file(struct intake_message *m)
{
    struct msg_open open = {m->key.id, sealed_writer_length(m->session->settings->smtp.message_max + MAIL_HEADER_MAX)};
    struct buf payload;
    if (m->intake->store == NULL)
        return refuse(m, 451, "4.3.0", "the store is not there at the moment; try again");
    buf_init(&payload, 64);
    layout_write(&msg_open_layout, &payload, &open);
    m->place = INTAKE_ASKED;
    m->asked = true;
    m->session->waits_file = true;
    (void)chan_call(m->intake->store, MSG_OPEN, buf_slice(&payload), -1, 0, on_file, m);
    buf_free(&payload);
    return true;
}

/* Seals a part; sends it on its way when enough has gathered. False when the message is refused; m may then be gone. */
static bool seal(struct intake_message *m, struct slice part)
{
    if (part.len == 0)
        return true;
    m->size += part.len;
    if (!sealed_writer_update(m->writer, part, &m->sealed))
        return refuse(m, 452, "4.3.1", "the message is larger than can be held at the moment");
    if (m->sealed.len <= INTAKE_INLINE_BYTES || m->place == INTAKE_ASKED)
        return true;
    return m->place == INTAKE_FILE ? write_file(m) : ask_file(m);
}

static void keep_date(struct intake_message *m, struct slice head)
{
    struct mail_header header;
    if (head.len >= 4 && memcmp(head.data + head.len - 4, "\r\n\r\n", 4) == 0)
        head.len -= 2;
    if (!mail_header_scan(head, &header, NULL))
        return;
    size_t i = mail_header_find(&header, SLICE_LIT("Date"), 0);
    struct slice value = i < header.count ? slice_trim(header.fields[i].value) : SLICE_EMPTY;
    if (value.len > 0 && value.len <= DATE_MAX && slice_find(value, 0, '\n') == value.len)
        m->date = mem_strndup(value.data, value.len);
    mail_header_free(&header);
}

/* The header is whole: may this client send in that name? Keeps what the envelope tells of the header. */
static bool judge(struct intake_message *m, struct slice head)
{
    const struct mail_submission *f = &m->filter;
    if (m->judged || f->state != MAIL_SUBMISSION_BODY)
        return true;
    m->judged = true;
    if (!intake_senders_allow_all(&m->session->senders, &f->from) ||
        !intake_senders_allow_all(&m->session->senders, &f->sender) ||
        !intake_senders_allow_all(&m->session->senders, &f->resent))
        return refuse(m, 550, "5.7.1", "you may not send in the name that From, Sender or Resent shows");
    m->minimum = f->minimum;
    m->message_id = mem_strndup(f->message_id.data, f->message_id.len);
    if (f->from.count > 0)
        m->from = address_text(mail_address_text, &f->from.addresses[0]);
    keep_date(m, head);
    return true;
}

static bool pass_on(struct intake_message *m, bool taken, const struct mail_submission_output *out)
{
    if (!taken) {
        const struct mail_refusal_reply *reply = mail_refusal_reply(m->filter.refusal);
        return refuse(m, reply->code, reply->enhanced, reply->text);
    }
    return judge(m, out->head) && seal(m, out->head) && seal(m, out->body);
}

void intake_message_content(void *session, struct slice content)
{
    struct intake_session *s = session;
    struct intake_message *m = s->message;
    struct mail_submission_output out;
    if (m->filtering)
        pass_on(m, mail_submission_feed(&m->filter, content, &out), &out);
}

static void on_commit(void *ctx, const struct chan_frame *answer)
{
    struct intake_message *m = ctx;
    struct intake_session *s = m->session;
    struct msg_status status = {.code = MSG_UNAVAILABLE};
    char id[ID_TEXT_SIZE];
    size_t bytes = m->commit_bytes;
    m->asked = false;
    if (answer != NULL && !layout_read(&msg_status_layout, answer->payload, &status))
        status.code = MSG_UNAVAILABLE;
    id_text(&m->key.id, id);
    if (s == NULL) {
        struct intake *intake = m->intake;
        orphan_free(m);
        intake_commit_ended(intake, bytes);
        return;
    }
    m->place = INTAKE_MEMORY; /* the file, if any, is the store's affair now, whatever it said */
    intake_message_forget(s);
    if (status.code == MSG_OK)
        smtp_server_session_answer(s->smtp, 250, "2.0.0", "%s", id);
    else if (status.code == MSG_FULL || status.code == MSG_BUSY)
        smtp_server_session_answer(s->smtp, 452, "4.3.1", "there is no room for the message at the moment");
    else
        smtp_server_session_answer(s->smtp, 451, "4.3.0", "the message could not be stored; try again");
    intake_session_pump(s);
    intake_commit_ended(s->intake, bytes);
}

static void commit(struct intake_message *m)
{
    struct intake_session *s = m->session;
    struct buf payload;
    m->eight_bit = m->filter.header_8bit || m->filter.body_8bit;
    m->header_8bit = m->filter.header_8bit;
    stop_reading(m);
    if (m->intake->store == NULL) {
        refuse(m, 451, "4.3.0", "the store is not there at the moment; try again");
        return;
    }
    buf_init(&payload, CHAN_PAYLOAD_MAX);
    buf_reserve(&payload, m->sealed.len + COMMIT_REST); /* grown once, not by doubling */
    if (!intake_commit_payload(m, &payload)) {
        buf_free(&payload);
        refuse(m, 552, "5.3.4", "envelope and header fields are larger than can be held");
        return;
    }
    buf_free(&m->sealed);
    m->asked = true;
    m->commit_bytes = payload.len;
    intake_commit_started(s->intake, payload.len);
    (void)chan_call(m->intake->store, MSG_COMMIT, buf_slice(&payload), -1, 0, on_commit, m);
    buf_free(&payload);
}

void intake_message_end(void *session)
{
    struct intake_session *s = session;
    struct intake_message *m = s->message;
    struct mail_submission_output out;
    s->content_us = 0;
    m->complete = true;
    bool taken = mail_submission_finish(&m->filter, &out);
    if (!pass_on(m, taken, &out))
        return;
    if (!sealed_writer_finish(m->writer, &m->sealed, &m->tail)) {
        refuse(m, 452, "4.3.1", "the message is larger than can be held at the moment");
        return;
    }
    if (m->place == INTAKE_MEMORY || (m->place == INTAKE_FILE && write_file(m)))
        commit(m);
}
