/* SPDX-License-Identifier: Apache-2.0 */
/* Walking through a mail to its report. */
#include "trust/tlsrpt_mail.h"

#include "base/codec.h"

#define VALUE_MAX ((size_t)4096)
#define BOUNDARY_MAX 200u

struct walk {
    struct buf *out;
    struct err *err;
    size_t parts;
};

static struct slice line_of(struct slice s, size_t from)
{
    size_t end = slice_find(s, from, '\n');
    return slice_sub(s, from, (end < s.len ? end + 1 : s.len) - from);
}

static struct slice chomp(struct slice line)
{
    while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    return line;
}

/* Where the body begins. */
static size_t header_end(struct slice entity)
{
    size_t at = 0;
    while (at < entity.len) {
        struct slice line = line_of(entity, at);
        at += line.len;
        if (chomp(line).len == 0)
            break;
    }
    return at;
}

/* Appends the field's value, unfolded; nothing when there is no such field. */
static void field(struct slice header, struct slice name, struct buf *out)
{
    bool in = false;
    for (size_t at = 0; at < header.len;) {
        struct slice whole = line_of(header, at);
        struct slice line = chomp(whole);
        bool folded = line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
        at += whole.len;
        if (folded && in)
            buf_append_slice(out, line);
        if (folded)
            continue;
        if (in)
            return;
        in = line.len > name.len && slice_istarts(line, name) && line.data[name.len] == ':';
        if (in)
            buf_append_slice(out, slice_trim(slice_sub(line, name.len + 1, line.len)));
    }
}

/* A parameter's value, without its quotes; empty when there is none. */
static struct slice parameter(struct slice value, struct slice name)
{
    size_t at = slice_find(value, 0, ';');
    while (at < value.len) {
        struct slice rest = slice_trim(slice_sub(value, at + 1, value.len));
        if (slice_istarts(rest, name) && rest.len > name.len && rest.data[name.len] == '=') {
            rest = slice_trim(slice_sub(rest, name.len + 1, rest.len));
            if (rest.len > 0 && rest.data[0] == '"')
                return slice_sub(rest, 1, slice_find(rest, 1, '"') - 1);
            return slice_trim(slice_sub(rest, 0, slice_find(rest, 0, ';')));
        }
        at = slice_find(value, at + 1, ';');
    }
    return SLICE_EMPTY;
}

static bool ends(struct slice s, struct slice end)
{
    return s.len >= end.len && slice_ieq(slice_sub(s, s.len - end.len, end.len), end);
}

/* By its type, or by the name of its file: not all writers say the type. */
static bool is_report(struct slice type, struct slice disposition)
{
    struct slice kind = slice_trim(slice_sub(type, 0, slice_find(type, 0, ';')));
    struct slice name = parameter(disposition, SLICE_LIT("filename"));
    if (name.len == 0)
        name = parameter(type, SLICE_LIT("name"));
    return slice_ieq(kind, SLICE_LIT("application/tlsrpt+gzip")) || slice_ieq(kind, SLICE_LIT("application/tlsrpt+json")) ||
           ends(name, SLICE_LIT(".json.gz")) || ends(name, SLICE_LIT(".json"));
}

static bool decode(struct walk *walk, struct slice body, struct slice encoding)
{
    struct buf text;
    buf_init(&text, TLSRPT_MAIL_MAX);
    if (!slice_ieq(encoding, SLICE_LIT("base64"))) {
        bool plain = encoding.len == 0 || slice_ieq(encoding, SLICE_LIT("7bit")) || slice_ieq(encoding, SLICE_LIT("8bit")) ||
                     slice_ieq(encoding, SLICE_LIT("binary"));
        return (plain || err_set(walk->err, "the report is in an encoding that reports do not use")) &&
               buf_append_slice(walk->out, body);
    }
    for (size_t i = 0; i < body.len; i++) {
        if (body.data[i] > ' ')
            buf_append_byte(&text, body.data[i]);
    }
    bool ok = buf_ok(&text) && codec_unbase64(walk->out, buf_slice(&text));
    buf_free(&text);
    return ok || err_set(walk->err, "the report's base64 is damaged, or too long");
}

static bool walk_entity(struct walk *walk, struct slice entity, unsigned depth);

/* Parts between the boundaries, the first report counts. */
static bool walk_parts(struct walk *walk, struct slice body, struct slice boundary, unsigned depth)
{
    size_t start = SIZE_MAX;
    for (size_t at = 0; at < body.len && walk->parts < TLSRPT_MAIL_PARTS;) {
        struct slice whole = line_of(body, at);
        struct slice line = slice_trim(chomp(whole));
        bool marks = slice_starts(line, SLICE_LIT("--")) && slice_starts(slice_sub(line, 2, line.len), boundary);
        struct slice tail = marks ? slice_sub(line, 2 + boundary.len, line.len) : SLICE_EMPTY;
        bool last = slice_eq(tail, SLICE_LIT("--"));
        at += whole.len;
        if (!marks || (tail.len > 0 && !last))
            continue;
        if (start != SIZE_MAX && walk_entity(walk, slice_sub(body, start, at - whole.len - start), depth))
            return true;
        start = at;
        if (last)
            return false;
    }
    return start != SIZE_MAX && start < body.len && walk_entity(walk, slice_sub(body, start, body.len), depth);
}

static bool walk_entity(struct walk *walk, struct slice entity, unsigned depth)
{
    size_t end = header_end(entity);
    struct slice header = slice_sub(entity, 0, end);
    struct slice body = slice_sub(entity, end, entity.len);
    struct buf type, encoding, disposition;
    bool found = false;
    walk->parts++;
    buf_init(&type, VALUE_MAX);
    buf_init(&encoding, VALUE_MAX);
    buf_init(&disposition, VALUE_MAX);
    field(header, SLICE_LIT("Content-Type"), &type);
    field(header, SLICE_LIT("Content-Transfer-Encoding"), &encoding);
    field(header, SLICE_LIT("Content-Disposition"), &disposition);
    struct slice boundary = parameter(buf_slice(&type), SLICE_LIT("boundary"));
    if (slice_istarts(buf_slice(&type), SLICE_LIT("multipart/")) && boundary.len > 0 && boundary.len <= BOUNDARY_MAX &&
        depth < TLSRPT_MAIL_DEPTH)
        found = walk_parts(walk, body, boundary, depth + 1);
    else if (is_report(buf_slice(&type), buf_slice(&disposition)))
        found = decode(walk, body, slice_trim(buf_slice(&encoding)));
    buf_free(&type);
    buf_free(&encoding);
    buf_free(&disposition);
    return found;
}

bool tlsrpt_mail_report(struct slice input, struct buf *out, struct err *err)
{
    struct walk walk = {.out = out, .err = err};
    struct slice text = slice_trim(input);
    bool gzip = input.len > 2 && input.data[0] == 0x1f && input.data[1] == 0x8b;
    bool bom = input.len > 3 && input.data[0] == 0xef && input.data[1] == 0xbb && input.data[2] == 0xbf;
    err->text[0] = '\0';
    if (bom)
        input = slice_sub(input, 3, input.len); /* some writers put a byte order mark in front */
    if (gzip || bom || (text.len > 0 && text.data[0] == '{'))
        return buf_append_slice(out, input) || err_set(err, "the report is too long");
    return walk_entity(&walk, input, 0) || (err->text[0] != '\0' ? false : err_set(err, "there is no report about TLS in it"));
}
