/* SPDX-License-Identifier: Apache-2.0 */
/* What intake hands to the store: the envelope sealed, tags instead of addresses, the content or its length. */
#include "base/clock.h"
#include "base/mem.h"
#include "keys/lookup_tag.h"
#include "mail/envelope.h"
#include "mail/utf8.h"
#include "os/msg.h"
#include "roles/intake_message.h"

static bool seal_field(struct intake_message *m, uint8_t kind, uint32_t index, struct buf *plain, struct buf *out)
{
    return buf_ok(plain) && sealed_field_seal(m->intake->field, &m->key.field_key, &m->key.id, kind, index,
                                              buf_slice(plain), out);
}

static uint8_t ret_value(enum smtp_ret ret)
{
    return ret == SMTP_RET_FULL ? 1 : ret == SMTP_RET_HDRS ? 2 : 0;
}

/* True when the message as it is can only travel with SMTPUTF8. A client may ask for it without needing it; then hosts
 * without it can be reached all the same. */
static bool needs_utf8(const struct intake_message *m, struct slice reverse_path)
{
    bool ascii = !m->header_8bit && mail_utf8_ascii(reverse_path);
    for (size_t i = 0; i < m->recipient_count; i++)
        ascii = ascii && mail_utf8_ascii(slice_str(m->recipients[i].address));
    return m->mail.smtputf8 && !ascii;
}

static bool put_envelope(struct intake_message *m, struct slice reverse_path, bool utf8, struct buf *out)
{
    struct buf message_id;
    struct buf plain;
    buf_init_secret(&message_id, MAIL_MESSAGE_ID_MAX);
    buf_init_secret(&plain, MSG_ENVELOPE_MAX);
    buf_printf(&message_id, "<%s>", m->message_id);
    struct mail_envelope envelope = {
        .version = MAIL_ENVELOPE_VERSION,
        .reverse_path = reverse_path,
        .envid = slice_of(m->mail.envid, m->mail.envid_len),
        .message_id = buf_slice(&message_id), /* empty when it is absurdly long */
        .date = slice_str(m->date),
        .credential = slice_str(m->session->name),
        .mail_from = slice_str(m->from),
        .ret = ret_value(m->mail.ret),
        .smtputf8 = utf8,
        .eight_bit = m->eight_bit,
        .minimum = m->minimum > m->session->minimum ? m->minimum : m->session->minimum,
        .require_tls = m->mail.require_tls,
    };
    layout_write(&mail_envelope_layout, &plain, &envelope);
    bool ok = seal_field(m, MAIL_FIELD_ENVELOPE, 0, &plain, out);
    buf_free(&message_id);
    buf_free(&plain);
    return ok;
}

static bool put_recipient(struct intake_message *m, uint16_t index, struct buf *out)
{
    const struct intake_recipient *r = &m->recipients[index];
    struct hmac *sha256 = m->intake->sha256;
    struct mail_recipient recipient = {
        .version = MAIL_RECIPIENT_VERSION,
        .address = slice_str(r->address),
        .canonical = slice_str(r->canonical),
        .orcpt = slice_str(r->orcpt),
    };
    struct msg_recipient msg = {.index = index, .notify = r->notify};
    struct buf plain;
    struct buf sealed;
    mem_random(&recipient.salt, sizeof(recipient.salt));
    mail_recipient_name(&recipient, &msg.name);
    lookup_tag(sha256, &m->key.recipient_key, recipient.canonical, &msg.recipient);
    lookup_tag(sha256, &m->key.destination_key, slice_str(r->domain), &msg.destination);
    buf_init_secret(&plain, MSG_RECIPIENT_MAX);
    buf_init(&sealed, MSG_RECIPIENT_MAX);
    layout_write(&mail_recipient_layout, &plain, &recipient);
    bool ok = seal_field(m, MAIL_FIELD_RECIPIENT, index, &plain, &sealed);
    msg.sealed = buf_slice(&sealed);
    layout_write(&msg_recipient_layout, out, &msg);
    mem_wipe(&recipient, sizeof(recipient));
    buf_free(&plain);
    buf_free(&sealed);
    return ok && buf_ok(out);
}

static void put_message(struct intake_message *m, struct slice envelope, struct slice recipients, bool utf8,
                        struct buf *out)
{
    bool file = m->place == INTAKE_FILE;
    struct msg_message message = {
        .id = m->key.id,
        .kind = MSG_KIND_MAIL,
        .flags = (m->eight_bit ? MSG_FLAG_8BIT : 0u) | (utf8 ? MSG_FLAG_UTF8 : 0u),
        .tenant = slice_str(m->session->tenant),
        .credential = m->session->credential,
        .accepted_us = m->accepted_us,
        .by_us = m->mail.by_s > 0 ? m->accepted_us + m->mail.by_s * CLOCK_US_PER_S : 0,
        .size = m->size,
        .header = slice_of(m->key.header, m->key.header_len),
        .envelope = envelope,
        .recipients = recipients,
        .content = file ? SLICE_EMPTY : buf_slice(&m->sealed),
        .content_length = file ? m->file_length : 0,
        .content_tail = m->tail,
    };
    lookup_tag(m->intake->sha256, &m->key.message_id_key, slice_str(m->message_id), &message.message_id);
    layout_write(&msg_message_layout, out, &message);
}

bool intake_commit_payload(struct intake_message *message, struct buf *out)
{
    struct buf reverse_path;
    struct buf envelope;
    struct buf recipients;
    buf_init_secret(&reverse_path, MAIL_ADDRESS_TEXT_MAX);
    buf_init(&envelope, MSG_ENVELOPE_MAX);
    buf_init(&recipients, MSG_LIST_MAX);
    bool ok = mail_address_text(&reverse_path, &message->mail.from);
    bool utf8 = needs_utf8(message, buf_slice(&reverse_path));
    ok = ok && put_envelope(message, buf_slice(&reverse_path), utf8, &envelope);
    for (size_t i = 0; ok && i < message->recipient_count; i++)
        ok = put_recipient(message, (uint16_t)i, &recipients);
    if (ok)
        put_message(message, buf_slice(&envelope), buf_slice(&recipients), utf8, out);
    buf_free(&reverse_path);
    buf_free(&envelope);
    buf_free(&recipients);
    return ok && buf_ok(out);
}
