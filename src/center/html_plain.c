/* SPDX-License-Identifier: Apache-2.0 */
/* HTML to text in one pass over the bytes. */
#include "center/html_plain.h"

#include "center/html_entity.h"
#include "center/text_clean.h"

#define HREF_MAX 2000      /* longer link targets are left out */
#define QUOTE_DEPTH_MAX 10 /* deeper quotes are shown at this depth */
#define TAG_NAME_MAX 16

/* What a tag does to the text around it. */
enum effect {
    EFFECT_NONE,
    EFFECT_LINE,  /* begins and ends a line */
    EFFECT_BLOCK, /* with an empty line around it */
    EFFECT_BREAK,
    EFFECT_ITEM,
    EFFECT_CELL,
    EFFECT_RULE,
    EFFECT_QUOTE,
    EFFECT_PRE,
    EFFECT_LINK,
    EFFECT_IMAGE,
    EFFECT_SKIP, /* its content is not text */
};

static const struct {
    char name[TAG_NAME_MAX];
    enum effect effect;
} elements[] = {
    {"a", EFFECT_LINK},         {"address", EFFECT_LINE},  {"article", EFFECT_LINE}, {"aside", EFFECT_LINE},
    {"audio", EFFECT_SKIP},     {"blockquote", EFFECT_QUOTE}, {"br", EFFECT_BREAK},  {"body", EFFECT_LINE},
    {"canvas", EFFECT_SKIP},    {"center", EFFECT_LINE},   {"dd", EFFECT_LINE},      {"div", EFFECT_LINE},
    {"dl", EFFECT_BLOCK},       {"dt", EFFECT_LINE},       {"figure", EFFECT_LINE},  {"footer", EFFECT_LINE},
    {"form", EFFECT_LINE},      {"h1", EFFECT_BLOCK},      {"h2", EFFECT_BLOCK},     {"h3", EFFECT_BLOCK},
    {"h4", EFFECT_BLOCK},       {"h5", EFFECT_BLOCK},      {"h6", EFFECT_BLOCK},     {"header", EFFECT_LINE},
    {"hr", EFFECT_RULE},        {"iframe", EFFECT_SKIP},   {"img", EFFECT_IMAGE},    {"li", EFFECT_ITEM},
    {"main", EFFECT_LINE},      {"math", EFFECT_SKIP},     {"nav", EFFECT_LINE},     {"noembed", EFFECT_SKIP},
    {"noframes", EFFECT_SKIP},  {"object", EFFECT_SKIP},   {"ol", EFFECT_BLOCK},     {"p", EFFECT_BLOCK},
    {"pre", EFFECT_PRE},        {"script", EFFECT_SKIP},   {"section", EFFECT_LINE}, {"style", EFFECT_SKIP},
    {"svg", EFFECT_SKIP},       {"table", EFFECT_BLOCK},   {"td", EFFECT_CELL},      {"template", EFFECT_SKIP},
    {"th", EFFECT_CELL},        {"title", EFFECT_SKIP},    {"tr", EFFECT_LINE},      {"ul", EFFECT_BLOCK},
    {"video", EFFECT_SKIP},     {"xml", EFFECT_SKIP},
};

struct plain {
    struct slice in;
    size_t at;
    struct buf *out;
    unsigned newlines; /* owed before the next character */
    bool space;        /* owed before the next character */
    bool line_empty;
    bool begun; /* something was written */
    unsigned quotes;
    unsigned pre;
    size_t link_start; /* where the text of the open link begins in out */
    struct buf href;   /* of the open link; empty: none */
};

struct tag {
    struct slice name;
    struct slice attributes; /* raw, up to the closing '>' */
    bool closing;
};

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static void owe_lines(struct plain *p, unsigned lines)
{
    if (lines > p->newlines)
        p->newlines = lines;
    p->space = false;
}

/* Pays what is owed before a visible character. */
static void settle(struct plain *p)
{
    if (p->newlines > 0 && p->begun) {
        for (unsigned i = 0; i < p->newlines; i++)
            buf_append_byte(p->out, '\n');
        p->line_empty = true;
    }
    p->newlines = 0;
    if (p->line_empty) {
        unsigned depth = p->quotes > QUOTE_DEPTH_MAX ? QUOTE_DEPTH_MAX : p->quotes;
        for (unsigned i = 0; i < depth; i++)
            buf_append_str(p->out, "> ");
    } else if (p->space) {
        buf_append_byte(p->out, ' ');
    }
    p->space = p->line_empty = false;
    p->begun = true;
}

static void put(struct plain *p, uint32_t c)
{
    bool unseen = c == 0xad || c == 0x200b || c == 0xfeff || c == 0 || (c < 0x20 && !is_space(c)) || (c >= 0x7f && c < 0xa0);
    if (unseen)
        return;
    if (is_space(c) && p->pre == 0) {
        p->space = true;
    } else if (c == '\n') {
        p->newlines += p->newlines < 2;
    } else if (c != '\r') {
        settle(p);
        text_put(p->out, c == 0xa0 ? ' ' : c);
    }
}

static void put_str(struct plain *p, const char *s)
{
    for (; *s != '\0'; s++) {
        settle(p);
        buf_append_byte(p->out, (uint8_t)*s);
    }
}

static uint32_t next_char(struct slice s, size_t *at)
{
    return s.data[*at] == '&' ? html_entity_next(s, at) : text_next(s, at);
}

/* Finds attribute `name` of a tag and appends its value, references resolved, controls and spaces dropped. */
static void read_attribute(struct slice raw, const char *name, bool keep_spaces, struct buf *out)
{
    for (size_t at = 0; at < raw.len;) {
        while (at < raw.len && (is_space(raw.data[at]) || raw.data[at] == '/'))
            at++;
        size_t start = at;
        while (at < raw.len && !is_space(raw.data[at]) && raw.data[at] != '=')
            at++;
        struct slice key = slice_sub(raw, start, at - start);
        while (at < raw.len && is_space(raw.data[at]))
            at++;
        if (at >= raw.len || raw.data[at] != '=')
            continue;
        at++;
        while (at < raw.len && is_space(raw.data[at]))
            at++;
        uint8_t quote = at < raw.len && (raw.data[at] == '"' || raw.data[at] == '\'') ? raw.data[at++] : 0;
        start = at;
        while (at < raw.len && (quote != 0 ? raw.data[at] != quote : !is_space(raw.data[at])))
            at++;
        struct slice value = slice_sub(raw, start, at - start);
        at += quote != 0;
        if (!slice_ieq(key, slice_str(name)))
            continue;
        for (size_t i = 0; i < value.len;) {
            uint32_t c = next_char(value, &i);
            if (c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !text_is_trick(c) && (keep_spaces || c != ' '))
                text_put(out, c);
        }
        return;
    }
}

static bool shown_scheme(struct slice href)
{
    return slice_istarts(href, SLICE_LIT("https://")) || slice_istarts(href, SLICE_LIT("http://")) ||
           slice_istarts(href, SLICE_LIT("mailto:")) || slice_istarts(href, SLICE_LIT("tel:"));
}

static void open_link(struct plain *p, const struct tag *tag)
{
    buf_reset(&p->href);
    read_attribute(tag->attributes, "href", false, &p->href);
    if (!buf_ok(&p->href) || !shown_scheme(buf_slice(&p->href)))
        buf_reset(&p->href);
    p->link_start = p->out->len;
}

/* Says where a link leads, unless its text says so already. */
static void close_link(struct plain *p)
{
    if (p->href.len == 0)
        return;
    struct slice href = buf_slice(&p->href);
    struct slice bare = href;
    if (slice_istarts(bare, SLICE_LIT("mailto:")))
        bare = slice_sub(bare, 7, bare.len);
    struct slice text = slice_sub(buf_slice(p->out), p->link_start, p->out->len);
    while (text.len > 0 && is_space(text.data[0]))
        text = slice_sub(text, 1, text.len);
    if (!slice_eq(text, bare) && !slice_eq(text, href)) {
        p->space = true;
        put_str(p, "<");
        buf_append_slice(p->out, href);
        buf_append_byte(p->out, '>');
    }
    buf_reset(&p->href);
}

static void show_image(struct plain *p, const struct tag *tag)
{
    struct buf alt;
    buf_init(&alt, HREF_MAX);
    read_attribute(tag->attributes, "alt", true, &alt);
    if (alt.len > 0) {
        put_str(p, "[");
        buf_append_slice(p->out, buf_slice(&alt));
        buf_append_byte(p->out, ']');
    }
    buf_free(&alt);
}

/* Moves behind the end tag of an element whose content is not shown; to the end of the document without one. */
static void skip_content(struct plain *p, struct slice name)
{
    for (; p->at < p->in.len; p->at++) {
        p->at = slice_find(p->in, p->at, '<');
        struct slice rest = slice_sub(p->in, p->at + 2, p->in.len);
        bool end = p->at + 1 < p->in.len && p->in.data[p->at + 1] == '/' && slice_istarts(rest, name) &&
                   (rest.len == name.len || !is_letter(rest.data[name.len]));
        if (end) {
            p->at = slice_find(p->in, p->at, '>');
            p->at += p->at < p->in.len;
            return;
        }
    }
}

static enum effect effect_of(struct slice name)
{
    for (size_t i = 0; i < sizeof(elements) / sizeof(*elements); i++)
        if (slice_ieq(name, slice_str(elements[i].name)))
            return elements[i].effect;
    return EFFECT_NONE;
}

static void change_depth(unsigned *depth, bool closing)
{
    if (!closing)
        ++*depth;
    else if (*depth > 0)
        --*depth;
}

/* Effects of tags that stand for something to be seen. */
static void apply_mark(struct plain *p, const struct tag *tag, enum effect effect)
{
    if (effect == EFFECT_LINK) {
        close_link(p);
        if (!tag->closing)
            open_link(p, tag);
    }
    if (tag->closing)
        return;
    if (effect == EFFECT_IMAGE)
        show_image(p, tag);
    if (effect == EFFECT_RULE) {
        owe_lines(p, 1);
        put_str(p, "----------");
        owe_lines(p, 1);
    }
    if (effect == EFFECT_ITEM)
        put_str(p, "- ");
    if (effect == EFFECT_CELL && !p->line_empty && p->newlines == 0)
        put_str(p, "\t");
    if (effect == EFFECT_SKIP)
        skip_content(p, tag->name);
}

static void apply(struct plain *p, const struct tag *tag)
{
    enum effect effect = effect_of(tag->name);
    if (effect == EFFECT_LINE || effect == EFFECT_ITEM)
        owe_lines(p, 1);
    if (effect == EFFECT_BLOCK || effect == EFFECT_QUOTE || effect == EFFECT_PRE)
        owe_lines(p, 2);
    if (effect == EFFECT_BREAK) {
        p->newlines += p->newlines < 2;
        p->space = false;
    }
    if (effect == EFFECT_QUOTE)
        change_depth(&p->quotes, tag->closing);
    if (effect == EFFECT_PRE)
        change_depth(&p->pre, tag->closing);
    apply_mark(p, tag, effect);
}

/* Moves behind a comment, a doctype or a processing instruction at p->at. */
static void skip_declaration(struct plain *p)
{
    struct slice rest = slice_sub(p->in, p->at, p->in.len);
    if (!slice_starts(rest, SLICE_LIT("<!--"))) {
        p->at = slice_find(p->in, p->at, '>');
        p->at += p->at < p->in.len;
        return;
    }
    for (p->at += 4; p->at < p->in.len; p->at++) {
        p->at = slice_find(p->in, p->at, '>');
        if (p->at < p->in.len && p->in.data[p->at - 1] == '-' && p->in.data[p->at - 2] == '-') {
            p->at++;
            return;
        }
    }
}

/* Reads the tag at p->at ('<' and a letter, or "</" and a letter) and moves behind its '>'; quotes hide a '>'. */
static struct tag read_tag(struct plain *p)
{
    struct tag tag = {.closing = p->in.data[p->at + 1] == '/'};
    size_t at = p->at + 1 + tag.closing, start = at;
    while (at < p->in.len && !is_space(p->in.data[at]) && p->in.data[at] != '>' && p->in.data[at] != '/')
        at++;
    tag.name = slice_sub(p->in, start, at - start);
    start = at;
    uint8_t quote = 0, before = 0;
    for (; at < p->in.len; at++) {
        uint8_t c = p->in.data[at];
        if (quote == 0 && c == '>')
            break;
        if (quote != 0 && c == quote)
            quote = 0;
        else if (quote == 0 && (c == '"' || c == '\'') && before == '=')
            quote = c;
        before = is_space(c) ? before : c;
    }
    tag.attributes = slice_sub(p->in, start, at - start);
    p->at = at + (at < p->in.len);
    return tag;
}

static void step(struct plain *p)
{
    uint8_t c = p->in.data[p->at];
    uint8_t next = p->at + 1 < p->in.len ? p->in.data[p->at + 1] : 0;
    uint8_t third = p->at + 2 < p->in.len ? p->in.data[p->at + 2] : 0;
    if (c != '<' || !(is_letter(next) || next == '!' || next == '?' || (next == '/' && is_letter(third)))) {
        put(p, next_char(p->in, &p->at));
    } else if (next == '!' || next == '?') {
        skip_declaration(p);
    } else {
        struct tag tag = read_tag(p);
        apply(p, &tag);
    }
}

bool html_plain(struct slice html, struct buf *out)
{
    struct plain p = {.in = html, .out = out, .line_empty = true};
    buf_init(&p.href, HREF_MAX);
    while (p.at < html.len && buf_ok(out))
        step(&p);
    close_link(&p);
    if (p.begun)
        buf_append_byte(out, '\n');
    buf_free(&p.href);
    return buf_ok(out);
}
