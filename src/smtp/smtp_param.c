/* SPDX-License-Identifier: Apache-2.0 */
/* MAIL and RCPT arguments. Strict: a parameter given twice, empty, unknown or malformed refuses the command, because
 * whatever is let through here would be repeated to the next host and in delivery reports. */
#include "smtp/smtp_param.h"

#include "mail/utf8.h"
#include "smtp/smtp_syntax.h"

struct reader {
    struct slice rest;
    struct smtp_refusal *refusal;
    unsigned seen; /* bits of parameters already read */
    bool smtputf8;
};

struct param {
    struct slice key;
    bool needs_value;
    bool (*read)(struct reader *r, struct slice value, void *object);
};

#define PARAM(text, needs_value, read) {{(const uint8_t *)(text), sizeof(text) - 1}, needs_value, read}

static bool refuse(struct reader *r, unsigned code, const char *status, const char *text)
{
    r->refusal->code = code;
    r->refusal->status = status;
    return err_set(&r->refusal->text, "%s", text);
}

static bool bad_value(struct reader *r, const char *text)
{
    return refuse(r, 501, "5.5.4", text);
}

static bool read_size(struct reader *r, struct slice value, void *object)
{
    struct smtp_mail *mail = object;
    mail->has_size = true;
    return (value.len <= 20 && slice_u64(value, UINT64_MAX, &mail->size)) || bad_value(r, "SIZE is no number");
}

static bool read_body(struct reader *r, struct slice value, void *object)
{
    struct smtp_mail *mail = object;
    mail->body_8bit = slice_ieq(value, SLICE_LIT("8BITMIME"));
    return mail->body_8bit || slice_ieq(value, SLICE_LIT("7BIT")) || bad_value(r, "BODY is neither 7BIT nor 8BITMIME");
}

static bool read_smtputf8(struct reader *r, struct slice value, void *object)
{
    struct smtp_mail *mail = object;
    (void)value;
    mail->smtputf8 = r->smtputf8 = true;
    return true;
}

/* The server lets nothing come to MAIL outside of TLS, so there is nothing to check here. */
static bool read_require_tls(struct reader *r, struct slice value, void *object)
{
    struct smtp_mail *mail = object;
    (void)r;
    (void)value;
    mail->require_tls = true;
    return true;
}

static bool read_ret(struct reader *r, struct slice value, void *object)
{
    struct smtp_mail *mail = object;
    if (slice_ieq(value, SLICE_LIT("FULL")))
        mail->ret = SMTP_RET_FULL;
    else if (slice_ieq(value, SLICE_LIT("HDRS")))
        mail->ret = SMTP_RET_HDRS;
    return mail->ret != SMTP_RET_NONE || bad_value(r, "RET is neither FULL nor HDRS");
}

/* Decodes xtext into a fixed array and its length. */
static bool decode(struct slice value, bool utf8, size_t max, char *out, size_t *ret_len)
{
    struct buf text;
    buf_init_secret(&text, max);
    bool ok = smtp_syntax_xtext(value, utf8, max, &text);
    if (ok && text.len > 0)
        memcpy(out, text.data, text.len);
    out[ok ? text.len : 0] = '\0';
    *ret_len = ok ? text.len : 0;
    buf_free(&text);
    return ok && *ret_len > 0;
}

static bool read_envid(struct reader *r, struct slice value, void *object)
{
    struct smtp_mail *mail = object;
    return decode(value, false, SMTP_PARAM_ENVID_MAX, mail->envid, &mail->envid_len) ||
           bad_value(r, "ENVID is not printable xtext of at most 100 characters");
}

/* RFC 2852 section 4: by-time is a signed number of at most nine digits, then ";" and the mode, "T" may follow. */
static bool read_by(struct reader *r, struct slice value, void *object)
{
    struct smtp_mail *mail = object;
    size_t semicolon = slice_find(value, 0, ';');
    struct slice time = slice_sub(value, 0, semicolon);
    struct slice mode = slice_sub(value, semicolon + 1, value.len);
    bool negative = slice_starts(time, SLICE_LIT("-"));
    if (negative || slice_starts(time, SLICE_LIT("+")))
        time = slice_sub(time, 1, time.len - 1);
    uint64_t seconds = 0;
    if (time.len > 9 || !slice_u64(time, SMTP_PARAM_BY_MAX, &seconds))
        return bad_value(r, "BY has no time of at most nine digits");
    if (slice_ieq(mode, SLICE_LIT("N")) || slice_ieq(mode, SLICE_LIT("NT")))
        return bad_value(r, "BY: only return mode is offered, because every message ends in a report or a letter");
    if (!slice_ieq(mode, SLICE_LIT("R")) && !slice_ieq(mode, SLICE_LIT("RT")))
        return bad_value(r, "BY has no mode");
    if (negative || seconds == 0)
        return bad_value(r, "BY: a time that is already past cannot be met");
    mail->by_s = (int64_t)seconds;
    return true;
}

static bool read_auth(struct reader *r, struct slice value, void *object)
{
    char ignored[SMTP_PARAM_ORCPT_MAX + 1];
    size_t len = 0;
    (void)object;
    return slice_eq(value, SLICE_LIT("<>")) || decode(value, true, SMTP_PARAM_ORCPT_MAX, ignored, &len) ||
           bad_value(r, "AUTH is neither <> nor printable xtext");
}

static unsigned notify_bit(struct slice word)
{
    if (slice_ieq(word, SLICE_LIT("NEVER")))
        return SMTP_NOTIFY_NEVER;
    if (slice_ieq(word, SLICE_LIT("SUCCESS")))
        return SMTP_NOTIFY_SUCCESS;
    if (slice_ieq(word, SLICE_LIT("FAILURE")))
        return SMTP_NOTIFY_FAILURE;
    return slice_ieq(word, SLICE_LIT("DELAY")) ? SMTP_NOTIFY_DELAY : 0;
}

static bool read_notify(struct reader *r, struct slice value, void *object)
{
    struct smtp_rcpt *rcpt = object;
    for (size_t at = 0; at <= value.len;) {
        size_t comma = slice_find(value, at, ',');
        unsigned bit = notify_bit(slice_sub(value, at, comma - at));
        if (bit == 0)
            return bad_value(r, "NOTIFY is neither NEVER nor a list of SUCCESS, FAILURE, DELAY");
        rcpt->notify |= bit;
        at = comma + 1;
    }
    return (rcpt->notify & SMTP_NOTIFY_NEVER) == 0 || rcpt->notify == SMTP_NOTIFY_NEVER ||
           bad_value(r, "NOTIFY=NEVER stands alone");
}

static bool read_orcpt(struct reader *r, struct slice value, void *object)
{
    struct smtp_rcpt *rcpt = object;
    size_t semicolon = slice_find(value, 0, ';');
    struct slice type = slice_sub(value, 0, semicolon);
    if (semicolon == value.len || type.len > SMTP_PARAM_TYPE_MAX || !smtp_syntax_is_keyword(type))
        return bad_value(r, "ORCPT has no address type");
    struct slice text = slice_sub(value, semicolon + 1, value.len - semicolon - 1);
    if (!decode(text, r->smtputf8, SMTP_PARAM_ORCPT_MAX, rcpt->orcpt, &rcpt->orcpt_len))
        return bad_value(r, "ORCPT is not printable xtext of at most 500 characters");
    memcpy(rcpt->orcpt_type, type.data, type.len);
    rcpt->orcpt_type[type.len] = '\0';
    return true;
}

static const struct param mail_params[] = {
    PARAM("SIZE", true, read_size), PARAM("BODY", true, read_body),   PARAM("SMTPUTF8", false, read_smtputf8),
    PARAM("RET", true, read_ret),   PARAM("ENVID", true, read_envid), PARAM("BY", true, read_by),
    PARAM("AUTH", true, read_auth), PARAM("REQUIRETLS", false, read_require_tls),
};

static const struct param rcpt_params[] = {
    PARAM("NOTIFY", true, read_notify),
    PARAM("ORCPT", true, read_orcpt),
};

static bool read_param(struct reader *r, struct slice word, const struct param *params, size_t count, void *object)
{
    struct slice key;
    struct slice value;
    bool has_value;
    if (!smtp_syntax_param(word, &key, &value, &has_value))
        return bad_value(r, "a parameter is malformed");
    for (size_t i = 0; i < count; i++) {
        if (!slice_ieq(key, params[i].key))
            continue;
        if (has_value != params[i].needs_value)
            return bad_value(r, has_value ? "a parameter has a value it cannot have" : "a parameter has no value");
        if ((r->seen & (1u << i)) != 0)
            return bad_value(r, "a parameter is given twice");
        r->seen |= 1u << i;
        return params[i].read(r, value, object);
    }
    return refuse(r, 555, "5.5.4", "a parameter is not known here");
}

/* Takes prefix, path and all parameters; gives what stood between the brackets. */
static bool read_all(struct reader *r, struct slice prefix, const struct param *params, size_t count, void *object,
                     struct slice *ret_inside)
{
    if (!slice_istarts(r->rest, prefix))
        return refuse(r, 501, "5.5.4", "the command is malformed");
    /* A space behind the colon is wrong (RFC 5321 3.3) but common, and cannot be misread. */
    r->rest = slice_trim(slice_sub(r->rest, prefix.len, r->rest.len - prefix.len));
    if (!smtp_syntax_path(&r->rest, ret_inside))
        return refuse(r, 501, "5.1.3", "the address has no balanced brackets and quotes");
    struct slice word;
    while (smtp_syntax_word(&r->rest, &word)) {
        if (!read_param(r, word, params, count, object))
            return false;
    }
    return true;
}

static bool read_address(struct reader *r, struct slice inside, struct mail_address *ret_address)
{
    if (!r->smtputf8 && !mail_utf8_ascii(inside))
        return refuse(r, 501, "5.6.7", "the address needs SMTPUTF8, which MAIL did not ask for");
    struct err why;
    if (mail_address_parse(inside, r->smtputf8 ? MAIL_SMTPUTF8 : 0, ret_address, &why))
        return true;
    return refuse(r, 501, "5.1.3", why.text);
}

bool smtp_param_mail(struct slice argument, struct smtp_mail *ret_mail, struct smtp_refusal *ret_refusal)
{
    struct reader r = {argument, ret_refusal, 0, false};
    struct slice inside;
    memset(ret_mail, 0, sizeof(*ret_mail));
    if (!read_all(&r, SLICE_LIT("FROM:"), mail_params, sizeof(mail_params) / sizeof(*mail_params), ret_mail, &inside))
        return false;
    ret_mail->null_path = inside.len == 0;
    return ret_mail->null_path || read_address(&r, inside, &ret_mail->from);
}

bool smtp_param_rcpt(struct slice argument, bool smtputf8, struct smtp_rcpt *ret_rcpt,
                     struct smtp_refusal *ret_refusal)
{
    struct reader r = {argument, ret_refusal, 0, smtputf8};
    struct slice inside;
    memset(ret_rcpt, 0, sizeof(*ret_rcpt));
    return read_all(&r, SLICE_LIT("TO:"), rcpt_params, sizeof(rcpt_params) / sizeof(*rcpt_params), ret_rcpt,
                    &inside) &&
           read_address(&r, inside, &ret_rcpt->to);
}
