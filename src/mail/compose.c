/* SPDX-License-Identifier: Apache-2.0 */
/* Composing. */
#include "mail/compose.h"

#include "base/clock.h"
#include "mail/encode.h"
#include "mail/trace.h"
#include "mail/utf8.h"

/* True for words that may stand in a header line once encoded: UTF-8, bounded, no control characters. */
static bool words_ok(struct slice words)
{
    if (words.len > MAIL_WORDS_MAX || !mail_utf8_valid(words))
        return false;
    for (size_t i = 0; i < words.len; i++) {
        if (words.data[i] < 32 || words.data[i] == 127)
            return false;
    }
    return true;
}

/* Text with "=?" in it is encoded too: a reader would otherwise decode it into something else. */
static bool needs_words(struct slice words)
{
    bool looks_encoded = words.len > 1 && memmem(words.data, words.len, "=?", 2) != NULL;
    return looks_encoded || !mail_utf8_ascii(words);
}

static void put_quoted(struct buf *out, struct slice words)
{
    buf_append_byte(out, '"');
    for (size_t i = 0; i < words.len; i++) {
        if (words.data[i] == '"' || words.data[i] == '\\')
            buf_append_byte(out, '\\');
        buf_append_byte(out, words.data[i]);
    }
    buf_append_byte(out, '"');
}

static void put_mailbox(struct buf *out, const char *field, struct slice name, const struct mail_address *address)
{
    buf_printf(out, "%s: ", field);
    if (name.len > 0 && needs_words(name))
        mail_encode_words(out, name);
    else if (name.len > 0)
        put_quoted(out, name);
    buf_append_str(out, name.len > 0 ? "\r\n <" : "<");
    mail_address_canonical(out, address);
    buf_append_str(out, ">\r\n");
}

static void put_subject(struct buf *out, struct slice subject)
{
    buf_append_str(out, "Subject: ");
    if (needs_words(subject))
        mail_encode_words(out, subject);
    else
        buf_append_slice(out, subject);
    buf_append_str(out, "\r\n");
}

static void put_origin(struct buf *out, const struct mail_compose_head *head)
{
    char date[CLOCK_DATE_MAX];
    char id[ID_TEXT_SIZE];
    clock_rfc5322(head->utc_us, date);
    id_text(&head->id, id);
    buf_printf(out, "Date: %s\r\nMessage-ID: <%s@", date, id);
    mail_trace_put_fact(out, head->host);
    buf_append_str(out, ">\r\nAuto-Submitted: ");
    buf_append_str(out, head->automatic == MAIL_COMPOSE_REPLIED ? "auto-replied" : "auto-generated");
    buf_append_str(out, "\r\nMIME-Version: 1.0\r\n");
}

bool mail_compose_head(struct buf *out, const struct mail_compose_head *head, bool *ret_utf8, struct err *err)
{
    if (!words_ok(head->from_name))
        return err_set(err, "the sender's name is too long, not UTF-8 or holds control characters");
    if (!words_ok(head->subject))
        return err_set(err, "the subject is too long, not UTF-8 or holds control characters");
    *ret_utf8 = head->from->utf8_local || head->to->utf8_local;
    put_mailbox(out, "From", head->from_name, head->from);
    put_mailbox(out, "To", SLICE_EMPTY, head->to);
    put_subject(out, head->subject);
    put_origin(out, head);
    return buf_ok(out) || err_set(err, "the message is too long");
}

bool mail_compose_text_part(struct buf *out, struct slice text, struct err *err)
{
    if (text.len > MAIL_TEXT_MAX)
        return err_set(err, "the text is longer than %u octets", MAIL_TEXT_MAX);
    if (!mail_utf8_valid(text))
        return err_set(err, "the text is not UTF-8");
    bool plain = mail_encode_plain_fits(text);
    buf_append_str(out, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ");
    buf_append_str(out, plain ? "7bit\r\n\r\n" : "quoted-printable\r\n\r\n");
    if (plain)
        mail_encode_plain(out, text);
    else
        mail_encode_quoted_printable(out, text);
    return buf_ok(out) || err_set(err, "the message is too long");
}

bool mail_compose_text(struct buf *out, const struct mail_compose_head *head, struct slice text, bool *ret_utf8,
                       struct err *err)
{
    return mail_compose_head(out, head, ret_utf8, err) && mail_compose_text_part(out, text, err);
}
