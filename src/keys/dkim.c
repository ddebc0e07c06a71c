/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical forms, hashed as they are made. */
#include "keys/dkim.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "keys/crypto.h"
#include "mail/header.h"

#define CANONICAL_MAX ((size_t)1048576) /* bytes of the canonical header */
#define FOLD 64u                        /* characters of the signature in a line */

static const char *const signed_fields[] = {"from",         "from",         "to",           "subject",           "date",
                                            "message-id",   "mime-version", "content-type", "tls-report-domain", "tls-report-submitter"};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Appends a value with its folds gone and every run of blanks made one space, none at either end. */
static void relax(struct slice value, struct buf *out)
{
    bool gap = false, any = false;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (is_blank(c) || c == '\r' || c == '\n') {
            gap = true;
            continue;
        }
        if (gap && any)
            buf_append_byte(out, ' ');
        buf_append_byte(out, c);
        any = true;
        gap = false;
    }
}

static void relax_field(struct slice name, struct slice value, struct buf *out)
{
    for (size_t i = 0; i < name.len; i++)
        buf_append_byte(out, name.data[i] >= 'A' && name.data[i] <= 'Z' ? (uint8_t)(name.data[i] | 0x20) : name.data[i]);
    buf_append_byte(out, ':');
    relax(value, out);
}

static void digest_of(struct slice bytes, struct digest *ret_digest)
{
    unsigned len = DIGEST_SIZE;
    crypto_must(EVP_Digest(bytes.data, bytes.len, ret_digest->b, &len, EVP_sha256(), NULL) == 1, "SHA-256");
}

/* One line of the body without its end; runs of blanks become one space, those at the end go. */
static void relax_line(struct slice line, struct buf *out)
{
    bool gap = false;
    for (size_t i = 0; i < line.len; i++) {
        if (is_blank(line.data[i])) {
            gap = true;
            continue;
        }
        if (gap)
            buf_append_byte(out, ' ');
        buf_append_byte(out, line.data[i]);
        gap = false;
    }
}

/* RFC 6376 3.4.4: empty lines at the end do not count. */
static void relax_body(struct slice body, struct buf *out)
{
    size_t empty = 0;
    for (size_t at = 0, end; at < body.len; at = end + 1) {
        size_t before;
        end = slice_find(body, at, '\n');
        struct slice line = slice_sub(body, at, end - at);
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        before = out->len + 2 * empty;
        for (size_t i = 0; i < empty; i++)
            buf_append_str(out, "\r\n");
        relax_line(line, out);
        if (out->len == before) { /* nothing in this line: take the ends back until something comes */
            out->len = before - 2 * empty;
            empty++;
            continue;
        }
        buf_append_str(out, "\r\n");
        empty = 0;
    }
}

static size_t header_end(struct slice mail)
{
    for (size_t i = 0; i + 4 <= mail.len; i++) {
        if (memcmp(mail.data + i, "\r\n\r\n", 4) == 0)
            return i + 2;
    }
    return mail.len;
}

/* The fields in canonical form, the last of a name first (RFC 6376 5.4.2); names[] those that are listed in h=. */
static void relax_header(const struct mail_header *header, struct buf *canonical, struct buf *names)
{
    for (size_t i = 0; i < sizeof(signed_fields) / sizeof(*signed_fields); i++) {
        struct slice name = slice_str(signed_fields[i]);
        bool again = i > 0 && strcmp(signed_fields[i], signed_fields[i - 1]) == 0;
        size_t at = mail_header_find(header, name, 0);
        if (at == header->count && !again)
            continue;
        if (names->len > 0)
            buf_append_byte(names, ':');
        buf_append_slice(names, name);
        if (again)
            continue; /* signed as absent */
        relax_field(header->fields[at].name, header->fields[at].value, canonical);
        buf_append_str(canonical, "\r\n");
    }
}

static void begin_field(const struct dkim_identity *identity, int64_t now_us, const struct digest *body, struct slice names,
                        struct buf *field)
{
    buf_printf(field, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=%.*s;\r\n s=%.*s; t=%lld;\r\n h=%.*s;\r\n bh=",
               (int)identity->domain.len, (const char *)identity->domain.data, (int)identity->selector.len,
               (const char *)identity->selector.data, (long long)(now_us / CLOCK_US_PER_S), (int)names.len,
               (const char *)names.data);
    codec_base64(field, slice_of(body->b, DIGEST_SIZE));
    buf_append_str(field, ";\r\n b=");
}

static bool prepare(struct slice mail, size_t end, const struct mail_header *header, const struct dkim_identity *identity,
                    int64_t now_us, struct buf *field, struct digest *ret_digest)
{
    struct buf canonical, names;
    struct digest body;
    size_t start = field->len;
    buf_init(&canonical, CANONICAL_MAX + mail.len);
    buf_init(&names, 512);
    relax_body(slice_sub(mail, end + 2, mail.len), &canonical);
    digest_of(buf_slice(&canonical), &body);
    buf_reset(&canonical);
    relax_header(header, &canonical, &names);
    begin_field(identity, now_us, &body, buf_slice(&names), field);
    struct slice own = slice_sub(buf_slice(field), start, field->len);
    size_t colon = slice_find(own, 0, ':');
    relax_field(slice_sub(own, 0, colon), slice_sub(own, colon + 1, own.len), &canonical);
    digest_of(buf_slice(&canonical), ret_digest);
    bool ok = buf_ok(&canonical) && buf_ok(&names) && buf_ok(field);
    buf_free(&canonical);
    buf_free(&names);
    return ok;
}

bool dkim_prepare(struct slice mail, const struct dkim_identity *identity, int64_t now_us, struct buf *field,
                  struct digest *ret_digest, struct err *err)
{
    size_t end = header_end(mail);
    struct mail_header header;
    if (!mail_header_scan(slice_sub(mail, 0, end), &header, err))
        return false;
    bool ok = mail_header_count(&header, slice_str("from")) == 1 || err_set(err, "a mail to be signed has one From field");
    if (ok)
        ok = prepare(mail, end, &header, identity, now_us, field, ret_digest) || err_set(err, "the header is too long to be signed");
    mail_header_free(&header);
    return ok;
}

void dkim_finish(struct buf *field, struct slice signature)
{
    struct buf text;
    buf_init(&text, DKIM_FIELD_MAX);
    codec_base64(&text, signature);
    for (size_t at = 0; at < text.len; at += FOLD) {
        if (at > 0)
            buf_append_str(field, "\r\n  ");
        buf_append_slice(field, slice_sub(buf_slice(&text), at, FOLD));
    }
    buf_append_str(field, "\r\n");
    buf_free(&text);
}
