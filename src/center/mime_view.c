/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a GMime tree and picks what is shown. */
#include "center/mime_view.h"

#include <gmime/gmime.h>

#include "center/charset.h"
#include "center/file_name.h"
#include "center/html_plain.h"
#include "center/text_clean.h"

/* One walk over the tree. Attachments are counted in the order of the message, from 1. */
struct walk {
    struct mime_view *view;
    unsigned wanted;  /* attachment whose bytes are asked for; 0: none */
    unsigned count;   /* attachments seen */
    bool text_wanted; /* false below the alternatives that were not chosen */
};

static void walk_object(struct walk *w, GMimeObject *object, unsigned depth);

void mime_view_setup(void)
{
    g_mime_init();
}

/* Appends a header line, marking the answer cut when it does not fit. */
static void put_line(struct mime_view *view, struct buf *out, const char *text)
{
    if (text != NULL && !text_clean_line(out, slice_str(text)))
        view->answer.cut = true;
}

static void put_addresses(struct mime_view *view, struct buf *out, InternetAddressList *list)
{
    if (list == NULL)
        return;
    char *text = internet_address_list_to_string(list, NULL, FALSE);
    put_line(view, out, text);
    g_free(text);
}

static void read_headers(struct mime_view *view, GMimeMessage *message)
{
    put_addresses(view, &view->from, g_mime_message_get_from(message));
    put_addresses(view, &view->to, g_mime_message_get_to(message));
    put_addresses(view, &view->cc, g_mime_message_get_cc(message));
    put_line(view, &view->subject, g_mime_message_get_subject(message));
    put_line(view, &view->date, g_mime_object_get_header(GMIME_OBJECT(message), "Date"));
}

/* Appends the decoded bytes of a part (or, for an attached message, the message) to out. */
static void decode(GMimeObject *object, struct buf *out)
{
    GMimeStream *stream = g_mime_stream_mem_new();
    if (GMIME_IS_PART(object)) {
        GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(object));
        if (content != NULL)
            g_mime_data_wrapper_write_to_stream(content, stream);
    } else if (GMIME_IS_MESSAGE_PART(object) && g_mime_message_part_get_message(GMIME_MESSAGE_PART(object)) != NULL) {
        GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
        g_mime_object_write_to_stream(GMIME_OBJECT(inner), NULL, stream);
    } else {
        g_mime_object_write_to_stream(object, NULL, stream);
    }
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    buf_append(out, bytes->data, bytes->len);
    g_object_unref(stream);
}

static const char *extension_for(GMimeObject *object, GMimeContentType *type)
{
    static const struct {
        const char *type, *subtype, *extension;
    } table[] = {
        {"text", "plain", ".txt"},       {"text", "html", ".html"},     {"text", "calendar", ".ics"},
        {"text", "csv", ".csv"},         {"image", "jpeg", ".jpg"},     {"image", "png", ".png"},
        {"image", "gif", ".gif"},        {"application", "pdf", ".pdf"}, {"application", "pkcs7-mime", ".p7m"},
        {"application", "pkcs7-signature", ".p7s"}, {"application", "pgp-signature", ".asc"},
    };
    if (!GMIME_IS_PART(object))
        return ".eml";
    for (size_t i = 0; type != NULL && i < sizeof(table) / sizeof(*table); i++)
        if (g_mime_content_type_is_type(type, table[i].type, table[i].subtype))
            return table[i].extension;
    return "";
}

static void put_name(struct walk *w, GMimeObject *object, struct buf *out)
{
    const char *given = GMIME_IS_PART(object) ? g_mime_part_get_filename(GMIME_PART(object)) : NULL;
    if (given != NULL && *given != '\0') {
        file_name_clean(out, slice_str(given));
        return;
    }
    const char *extension = extension_for(object, g_mime_object_get_content_type(object));
    buf_printf(out, "part-%u%s", w->count, extension);
}

/* "type/subtype" in printable ASCII, or a safe constant. */
static void put_type(GMimeObject *object, struct buf *out)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);
    char *text = type == NULL ? NULL : g_mime_content_type_get_mime_type(type);
    bool plain = text != NULL && strlen(text) <= VIEW_NAME_MAX;
    for (const char *c = text; plain && *c != '\0'; c++)
        plain = *c > ' ' && *c < 0x7f;
    buf_append_str(out, plain ? text : "application/octet-stream");
    g_free(text);
}

static void list_part(struct walk *w, GMimeObject *object)
{
    struct buf name, type, bytes;
    buf_init(&name, VIEW_NAME_MAX);
    buf_init(&type, VIEW_NAME_MAX);
    buf_init_secret(&bytes, VIEW_MESSAGE_MAX);
    put_name(w, object, &name);
    put_type(object, &type);
    decode(object, &bytes);
    const struct view_part part = {.name = buf_slice(&name), .type = buf_slice(&type), .size = bytes.len};
    layout_write(&view_part_layout, &w->view->parts, &part);
    buf_free(&name);
    buf_free(&type);
    buf_free(&bytes);
}

static void take_attachment(struct walk *w, GMimeObject *object)
{
    if (w->count == VIEW_PARTS_MAX) {
        w->view->answer.cut = true;
        return;
    }
    w->count++;
    if (w->wanted == 0) {
        list_part(w, object);
    } else if (w->wanted == w->count) {
        put_name(w, object, &w->view->name);
        decode(object, &w->view->content);
    }
}

static void take_text(struct walk *w, GMimeObject *part, bool html)
{
    struct mime_view *view = w->view;
    struct buf raw, utf8, plain;
    if (w->wanted != 0)
        return;
    buf_init_secret(&raw, VIEW_MESSAGE_MAX);
    buf_init_secret(&utf8, VIEW_MESSAGE_MAX);
    buf_init_secret(&plain, VIEW_MESSAGE_MAX);
    decode(part, &raw);
    charset_to_utf8(buf_slice(&raw), g_mime_object_get_content_type_parameter(part, "charset"), &utf8);
    if (html)
        html_plain(buf_slice(&utf8), &plain);
    if (view->text.len > 0)
        buf_append_str(&view->text, "\n\n");
    if (!text_clean_block(&view->text, buf_slice(html ? &plain : &utf8)))
        view->answer.cut = true;
    view->answer.from_html |= html;
    buf_free(&raw);
    buf_free(&utf8);
    buf_free(&plain);
}

static bool is_type(GMimeObject *object, const char *type, const char *subtype)
{
    GMimeContentType *content_type = g_mime_object_get_content_type(object);
    return content_type != NULL && g_mime_content_type_is_type(content_type, type, subtype);
}

/* True for a part that belongs to the body: text without a file name that is not marked as an attachment. */
static bool is_body(GMimeObject *object)
{
    if (!GMIME_IS_PART(object) || !(is_type(object, "text", "plain") || is_type(object, "text", "html")))
        return false;
    GMimeContentDisposition *disposition = g_mime_object_get_content_disposition(object);
    const char *how = disposition == NULL ? NULL : g_mime_content_disposition_get_disposition(disposition);
    return (how == NULL || g_ascii_strcasecmp(how, "attachment") != 0) &&
           g_mime_part_get_filename(GMIME_PART(object)) == NULL;
}

/* Which child of a multipart/alternative is read: plain text, else the first that is text or a multipart. */
static int choose(GMimeMultipart *multipart)
{
    int count = g_mime_multipart_get_count(multipart), second = 0;
    for (int i = count - 1; i >= 0; i--) {
        GMimeObject *child = g_mime_multipart_get_part(multipart, i);
        if (is_body(child) && is_type(child, "text", "plain"))
            return i;
        if (is_body(child) || GMIME_IS_MULTIPART(child))
            second = i;
    }
    return second;
}

static void walk_multipart(struct walk *w, GMimeMultipart *multipart, unsigned depth)
{
    bool alternative = is_type(GMIME_OBJECT(multipart), "multipart", "alternative");
    bool outer = w->text_wanted;
    int chosen = alternative ? choose(multipart) : -1;
    for (int i = 0; i < g_mime_multipart_get_count(multipart); i++) {
        w->text_wanted = outer && (!alternative || i == chosen);
        walk_object(w, g_mime_multipart_get_part(multipart, i), depth + 1);
    }
    w->text_wanted = outer;
}

static void walk_object(struct walk *w, GMimeObject *object, unsigned depth)
{
    if (object == NULL)
        return;
    if (GMIME_IS_MULTIPART(object) && depth < MIME_VIEW_DEPTH_MAX)
        walk_multipart(w, GMIME_MULTIPART(object), depth);
    else if (!is_body(object))
        take_attachment(w, object);
    else if (w->text_wanted)
        take_text(w, object, is_type(object, "text", "html"));
}

/* End of the header field that begins at `from`: behind the line that no continuation follows. */
static size_t field_end(struct slice s, size_t from)
{
    size_t at = from;
    do
        at = slice_find(s, at, '\n') + 1;
    while (at < s.len && (s.data[at] == ' ' || s.data[at] == '\t'));
    return at < s.len ? at : s.len;
}

/* A copy of the message for GMime without header fields of absurd length: it parses addresses by recursion. */
static GMimeStream *stream_of(struct mime_view *view, struct slice message)
{
    GByteArray *bytes = g_byte_array_sized_new((guint)message.len);
    size_t at = 0;
    while (at < message.len && message.data[at] != '\r' && message.data[at] != '\n') {
        size_t end = field_end(message, at);
        if (end - at <= MIME_VIEW_FIELD_MAX)
            g_byte_array_append(bytes, message.data + at, (guint)(end - at));
        else
            view->answer.cut = true;
        at = end;
    }
    if (at < message.len)
        g_byte_array_append(bytes, message.data + at, (guint)(message.len - at));
    return g_mime_stream_mem_new_with_byte_array(bytes);
}

/* What GMime does not take for a message is shown as it is. */
static void show_raw(struct mime_view *view, struct slice message)
{
    if (!text_clean_block(&view->text, message))
        view->answer.cut = true;
}

static void view_init(struct mime_view *view)
{
    struct buf *const fields[] = {&view->from, &view->to, &view->cc, &view->subject, &view->date};
    *view = (struct mime_view){.answer = {.status = VIEW_OK}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        buf_init_secret(fields[i], VIEW_FIELD_MAX);
    buf_init_secret(&view->text, VIEW_TEXT_MAX);
    buf_init_secret(&view->parts, VIEW_LIST_MAX);
    buf_init_secret(&view->name, VIEW_NAME_MAX);
    buf_init_secret(&view->content, VIEW_MESSAGE_MAX);
}

static void view_finish(struct mime_view *view)
{
    struct view_answer *a = &view->answer;
    a->from = buf_slice(&view->from);
    a->to = buf_slice(&view->to);
    a->cc = buf_slice(&view->cc);
    a->subject = buf_slice(&view->subject);
    a->date = buf_slice(&view->date);
    a->text = buf_slice(&view->text);
    a->parts = buf_slice(&view->parts);
    a->name = buf_slice(&view->name);
    a->content_length = view->content.len;
}

void mime_view_read(struct slice message, unsigned part, struct mime_view *ret_view)
{
    struct walk walk = {.view = ret_view, .wanted = part, .text_wanted = true};
    view_init(ret_view);
    GMimeStream *stream = stream_of(ret_view, message);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *tree = g_mime_parser_construct_message(parser, NULL);
    if (tree == NULL) {
        show_raw(ret_view, message);
    } else {
        read_headers(ret_view, tree);
        walk_object(&walk, g_mime_message_get_mime_part(tree), 0);
        g_object_unref(tree);
    }
    if (part > walk.count)
        ret_view->answer.status = VIEW_NO_PART;
    g_object_unref(parser);
    g_object_unref(stream);
    view_finish(ret_view);
}

void mime_view_free(struct mime_view *view)
{
    if (view == NULL)
        return;
    struct buf *const all[] = {&view->from,  &view->to,   &view->cc,   &view->subject, &view->date,
                               &view->text, &view->parts, &view->name, &view->content};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        buf_free(all[i]);
    view->answer = (struct view_answer){.status = VIEW_NO_PART};
}
