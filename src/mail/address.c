/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes of RFC 5321 and RFC 6531. */
#include "mail/address.h"

#include "mail/utf8.h"

/* The local part while it is read: where the reader stands in the text, and the meaning gathered so far. */
struct local_reader {
    struct slice s;
    unsigned flags;
    size_t at;
    size_t len;
    struct mail_address *address;
};

static bool is_atext(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c != '\0' && c < 0x80 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

/* Takes the next n bytes of the text as they stand. */
static bool take(struct local_reader *r, size_t n, struct err *err)
{
    if (r->len + n > MAIL_LOCAL_MAX)
        return err_set(err, "the local part is longer than %d octets", MAIL_LOCAL_MAX);
    memcpy(r->address->local + r->len, r->s.data + r->at, n);
    r->len += n;
    r->at += n;
    return true;
}

/* One character outside ASCII. C1 controls (U+0080 to U+009F) are valid UTF-8 and good for nothing but forging. */
static bool take_utf8(struct local_reader *r, struct err *err)
{
    if ((r->flags & MAIL_SMTPUTF8) == 0)
        return err_set(err, "the local part holds characters that need SMTPUTF8");
    struct slice rest = slice_sub(r->s, r->at, r->s.len);
    size_t n = mail_utf8_next(rest);
    if (n == 0)
        return err_set(err, "the local part is not valid UTF-8");
    if (n == 2 && rest.data[0] == 0xC2 && rest.data[1] < 0xA0)
        return err_set(err, "the local part holds a control character");
    r->address->utf8_local = true;
    return take(r, n, err);
}

static bool read_quoted_char(struct local_reader *r, struct err *err)
{
    if (r->s.data[r->at] >= 0x80)
        return take_utf8(r, err);
    if (r->s.data[r->at] == '\\') {
        r->at++;
        if (r->at == r->s.len)
            return err_set(err, "the local part ends in a backslash");
    }
    uint8_t c = r->s.data[r->at];
    if (c < 32 || c > 126)
        return err_set(err, "the quoted local part holds a character that may not stand there");
    return take(r, 1, err);
}

/* Quoted-string of RFC 5321: no line ends, no tab, backslash before printable ASCII only. */
static bool read_quoted(struct local_reader *r, struct err *err)
{
    r->at++;
    while (r->at < r->s.len && r->s.data[r->at] != '"') {
        if (!read_quoted_char(r, err))
            return false;
    }
    if (r->at == r->s.len)
        return err_set(err, "the quoted local part is not closed");
    r->at++;
    return true;
}

static bool read_dot_string(struct local_reader *r, struct err *err)
{
    bool after_dot = true;
    while (r->at < r->s.len && r->s.data[r->at] != '@') {
        uint8_t c = r->s.data[r->at];
        bool dot = c == '.';
        if (dot && after_dot)
            return err_set(err, "the local part has a dot where an atom must be");
        if (!dot && c < 0x80 && !is_atext(c))
            return err_set(err, "the local part holds a character that must be quoted");
        if (c < 0x80 ? !take(r, 1, err) : !take_utf8(r, err))
            return false;
        after_dot = dot;
    }
    return !after_dot || err_set(err, "the local part is missing or ends in a dot");
}

static bool read_address(struct local_reader *r, struct err *err)
{
    if (r->s.len == 0)
        return err_set(err, "the address is missing");
    if (r->s.len > MAIL_ADDRESS_MAX)
        return err_set(err, "the address is longer than %d octets", MAIL_ADDRESS_MAX);
    if (r->s.data[0] == '"' ? !read_quoted(r, err) : !read_dot_string(r, err))
        return false;
    if (r->at > MAIL_LOCAL_MAX)
        return err_set(err, "the local part is longer than %d octets", MAIL_LOCAL_MAX);
    if (r->at == r->s.len || r->s.data[r->at] != '@')
        return err_set(err, "the local part is not followed by an at sign");
    struct slice domain = slice_sub(r->s, r->at + 1, r->s.len);
    return mail_domain_parse(domain, r->flags, &r->address->domain, err);
}

bool mail_address_parse(struct slice s, unsigned flags, struct mail_address *ret_address, struct err *err)
{
    memset(ret_address, 0, sizeof(*ret_address));
    struct local_reader r = {.s = s, .flags = flags, .address = ret_address};
    if (read_address(&r, err))
        return true;
    memset(ret_address, 0, sizeof(*ret_address));
    return false;
}

static bool is_dot_string(struct slice local)
{
    bool after_dot = true;
    for (size_t i = 0; i < local.len; i++) {
        bool dot = local.data[i] == '.';
        if (dot ? after_dot : local.data[i] < 0x80 && !is_atext(local.data[i]))
            return false;
        after_dot = dot;
    }
    return !after_dot;
}

static void put_local(struct buf *out, struct slice local)
{
    if (is_dot_string(local)) {
        buf_append_slice(out, local);
        return;
    }
    buf_append_byte(out, '"');
    for (size_t i = 0; i < local.len; i++) {
        if (local.data[i] == '"' || local.data[i] == '\\')
            buf_append_byte(out, '\\');
        buf_append_byte(out, local.data[i]);
    }
    buf_append_byte(out, '"');
}

bool mail_address_canonical(struct buf *out, const struct mail_address *address)
{
    put_local(out, slice_str(address->local));
    buf_append_byte(out, '@');
    buf_append_str(out, address->domain.ascii);
    return buf_ok(out);
}

bool mail_address_text(struct buf *out, const struct mail_address *address)
{
    put_local(out, slice_str(address->local));
    buf_append_byte(out, '@');
    buf_append_str(out, address->domain.text);
    return buf_ok(out);
}

bool mail_address_eq(const struct mail_address *a, const struct mail_address *b)
{
    return strcmp(a->local, b->local) == 0 && mail_domain_eq(&a->domain, &b->domain);
}
