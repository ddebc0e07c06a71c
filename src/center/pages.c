/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the pages. */
#include "center/pages.h"

#include "base/clock.h"
#include "center/html.h"

static void page_begin(struct buf *out, const struct page_site *site, struct slice title)
{
    html_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"robots\" content=\"noindex\">\n"
                  "<link rel=\"stylesheet\" href=\"/style.css\">\n<link rel=\"icon\" href=\"/icon.svg\">\n<title>");
    html_text(out, title);
    html_put(out, " \xc2\xb7 ");
    html_text(out, site->operator_name);
    html_put(out, "</title>\n</head>\n<body>\n<header>");
    html_text(out, site->operator_name);
    html_put(out, "</header>\n<main>\n<div class=\"card\">\n");
}

static void page_end(struct buf *out, const struct page_site *site)
{
    html_put(out, "</div>\n</main>\n<footer>");
    if (site->postmaster.len > 0) {
        html_put(out, "<p>Questions? Write to ");
        html_text(out, site->postmaster);
        html_put(out, ". Do not put private matters into that mail.</p>");
    }
    html_put(out, "</footer>\n</body>\n</html>\n");
}

/* The opening tag of a form that posts to /l/TOKEN and what follows. */
static void link_form(struct buf *out, struct slice token, const char *rest)
{
    struct buf action;
    buf_init_secret(&action, 256);
    buf_append_str(&action, "/l/");
    buf_append_slice(&action, token);
    buf_append_str(&action, rest);
    html_put(out, "<form method=\"post\"");
    html_attribute(out, "action", buf_slice(&action));
    html_put(out, ">\n");
    buf_free(&action);
}

void page_link(struct buf *out, const struct page_site *site, struct slice token)
{
    page_begin(out, site, SLICE_LIT("A protected message for you"));
    html_put(out, "<h1>A protected message for you</h1>\n<p>A message for you is kept here by ");
    html_text(out, site->operator_name);
    html_put(out, ", because it could not be handed to your mailbox with enough protection on the way.</p>\n"
                  "<p>To show that the mailbox is yours, you get a code of eight digits by mail. You type it on the next "
                  "page, then you can read the message. You need no account and no password.</p>\n");
    link_form(out, token, "");
    html_put(out, "<button type=\"submit\">Send me the code</button>\n</form>\n");
    page_end(out, site);
}

static void code_note(struct buf *out, enum page_code_note note)
{
    switch (note) {
    case PAGE_CODE_SENT:
        html_put(out, "<p>If this link is good, a mail with a code of eight digits is on its way to the mailbox it was sent "
                      "to. It may take a minute. Keep this page open.</p>\n");
        return;
    case PAGE_CODE_SENT_AGAIN:
        html_put(out, "<p role=\"status\">If this link is good, another code is on its way. Only the newest code "
                      "counts.</p>\n");
        return;
    case PAGE_CODE_WRONG:
        html_put(out, "<p class=\"note\" role=\"alert\" id=\"note\">This code does not open a message here. It may be "
                      "mistyped, too old, or tried too often.</p>\n"
                      "<p>Type it once more, or ask for another code or a new link below.</p>\n");
        return;
    case PAGE_CODE_NOT_DIGITS:
        html_put(out, "<p class=\"note\" role=\"alert\" id=\"note\">The code has eight digits, as they stand in the "
                      "mail.</p>\n");
        return;
    }
}

void page_code(struct buf *out, const struct page_site *site, struct slice token, const struct center_secret *session,
               enum page_code_note note)
{
    char rest[64] = "/code?f=";
    bool wrong = note == PAGE_CODE_WRONG || note == PAGE_CODE_NOT_DIGITS;
    center_form_token(session, rest + strlen(rest));
    page_begin(out, site, wrong ? SLICE_LIT("Please check the code") : SLICE_LIT("Type the code"));
    html_put(out, "<h1>Type the code from your mail</h1>\n");
    code_note(out, note);
    link_form(out, token, rest);
    html_put(out, "<label for=\"code\">Code (eight digits)</label>\n<input id=\"code\" name=\"code\" type=\"text\" "
                  "inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"16\" required autofocus");
    if (wrong)
        html_put(out, " aria-invalid=\"true\" aria-describedby=\"note\"");
    html_put(out, ">\n<div><button type=\"submit\">Open the message</button></div>\n</form>\n"
                  "<p class=\"soft\">Whoever can read your mailbox can read the code. If somebody else can, ask the sender "
                  "for another way.</p>\n<div class=\"others\">\n");
    link_form(out, token, "");
    html_put(out, "<button class=\"second\" type=\"submit\">Send another code</button>\n</form>\n");
    link_form(out, token, "/new");
    html_put(out, "<button class=\"second\" type=\"submit\">Send me a new link</button>\n</form>\n</div>\n");
    page_end(out, site);
}

static void put_field(struct buf *out, const char *label, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    html_put(out, "<dt>");
    html_text(out, slice_str(label));
    html_put(out, "</dt><dd");
    html_attribute(out, "data-field", slice_str(name));
    html_put(out, " dir=\"auto\">");
    html_text(out, value);
    html_put(out, "</dd>\n");
}

static void put_size(struct buf *out, uint64_t bytes)
{
    if (bytes < 1000) {
        html_number(out, bytes);
            html_put(out, " bytes");
        return;
    }
    bool big = bytes >= 1000 * 1000;
    uint64_t tenths = bytes / (big ? 100000 : 100);
    html_number(out, tenths / 10);
    if (tenths < 1000) {
        html_put(out, ".");
        html_number(out, tenths % 10);
    }
    html_put_literal(out, big ? SLICE_LIT(" MB") : SLICE_LIT(" kB"));
}

/* "Wed, 25 Nov 2026 15:47 UTC". */
static void put_time(struct buf *out, int64_t utc_us)
{
    char date[CLOCK_DATE_MAX];
    clock_rfc5322(utc_us, date);
    size_t colon = slice_find(slice_str(date), 0, ':');
    html_text(out, slice_sub(slice_str(date), 0, colon + 3));
    html_put(out, " UTC");
}

/* href of attachment `number` of the letter. */
static void put_href(struct buf *out, const struct id *letter, unsigned number)
{
    char text[ID_TEXT_SIZE];
    id_text(letter, text);
    html_put(out, " href=\"/m/");
    html_text(out, slice_str(text));
    html_put(out, "/a/");
    html_number(out, number);
    html_put(out, "\"");
}

static void put_attachments(struct buf *out, const struct page_letter *letter)
{
    struct wire_reader r = wire_reader_of(letter->view->parts);
    struct view_part part;
    unsigned number = 0;
    while (layout_next(&view_part_layout, &r, &part)) {
        if (number++ == 0)
            html_put(out, "<h2>Attachments</h2>\n<ul class=\"files\">\n");
        html_put(out, "<li><a class=\"attachment\"");
        put_href(out, &letter->letter, number);
        html_attribute(out, "download", part.name);
        html_put(out, " dir=\"auto\">");
        html_text(out, part.name);
        html_put(out, "</a> <span class=\"soft\">");
        put_size(out, part.size);
        html_put(out, "</span></li>\n");
    }
    if (number > 0)
        html_put(out, "</ul>\n<p class=\"soft\">Attachments are saved, not shown here. Open one only if you expected "
                      "it.</p>\n");
}

static void put_view(struct buf *out, const struct page_letter *letter)
{
    const struct view_answer *view = letter->view;
    html_put(out, "<h1 data-field=\"subject\" dir=\"auto\">");
    html_text(out, view->subject);
    if (view->subject.len == 0)
        html_put(out, "(no subject)");
    html_put(out, "</h1>\n<dl>\n");
    put_field(out, "From", "from", view->from);
    put_field(out, "To", "to", view->to);
    put_field(out, "Cc", "cc", view->cc);
    put_field(out, "Date", "date", view->date);
    html_put(out, "</dl>\n<pre id=\"text\" dir=\"auto\">");
    if (view->text.len > 0 && view->text.data[0] == '\n')
        html_put(out, "\n"); /* a parser drops the first one */
    html_text(out, view->text);
    html_put(out, "</pre>\n");
    if (view->text.len == 0)
        html_put(out, "<p class=\"soft\">This message has no text.</p>\n");
    if (view->from_html)
        html_put(out, "<p class=\"soft\">This message was designed as a web page. Its text is shown; pictures and "
                      "anything that would load from elsewhere are left out.</p>\n");
    if (view->cut)
        html_put(out, "<p class=\"note\">Not everything is shown here. The whole message can be saved below.</p>\n");
    put_attachments(out, letter);
}

static void put_logout(struct buf *out, const struct page_letter *letter)
{
    char id[ID_TEXT_SIZE], action[128] = "/m/";
    id_text(&letter->letter, id);
    memcpy(action + strlen(action), id, sizeof(id));
    static const char rest[] = "/logout?f=";
    memcpy(action + strlen(action), rest, sizeof(rest));
    center_form_token(letter->session, action + strlen(action));
    html_put(out, "<form method=\"post\"");
    html_attribute(out, "action", slice_str(action));
    html_put(out, ">\n<button class=\"second\" type=\"submit\">Close this message</button>\n</form>\n");
}

void page_letter(struct buf *out, const struct page_site *site, const struct page_letter *letter)
{
    page_begin(out, site, SLICE_LIT("Your message"));
    if (letter->view != NULL)
        put_view(out, letter);
    else
        html_put(out, "<h1>Your message</h1>\n<p class=\"note\">This message could not be taken apart to be shown here. "
                      "You can save the whole of it and open it with a mail program.</p>\n");
    html_put(out, "<h2>Keep it</h2>\n<p>You can read this message here until ");
    put_time(out, letter->expires_us);
    html_put(out, ".</p>\n<p><a class=\"whole\" download");
    put_href(out, &letter->letter, 0);
    html_put(out, ">Save the whole message</a> <span class=\"soft\">(");
    put_size(out, letter->size);
    html_put(out, ", .eml)</span></p>\n");
    put_logout(out, letter);
    page_end(out, site);
}

struct plain_text {
    unsigned status;
    const char *title;
    const char *text;
};

static const struct plain_text plain_texts[] = {
    [PAGE_FRONT] = {200, "Message Center", "Protected messages are kept here. To read yours, open the link in the mail you got."},
    [PAGE_NEW_LINK] = {200, "Look into your mailbox",
                       "If the message can still be read, a mail with a new link is on its way to the mailbox it belongs "
                       "to. The old link will not work any more."},
    [PAGE_LOGGED_OUT] = {200, "Message closed",
                         "The message is closed in this browser. To read it again, open the link in your mail."},
    [PAGE_NO_SESSION] = {401, "Please open the link again",
                         "The message is not open in this browser, or it was closed after a while without use. Open the "
                         "link in your mail to get a new code."},
    [PAGE_FORBIDDEN] = {403, "That did not work", "The request did not come from this page. Open the link in your mail again."},
    [PAGE_NOT_FOUND] = {404, "Nothing here", "There is no such page. Check that the link from your mail is complete."},
    [PAGE_METHOD] = {405, "That did not work", "This page does not take such requests."},
    [PAGE_UNREADABLE] = {500, "This attachment could not be taken out",
                         "Go back and save the whole message instead; a mail program may be able to open it."},
    [PAGE_BUSY] = {503, "Please try again", "The Message Center is busy or restarting. Nothing is lost. Try again in a minute."},
    [PAGE_BAD_REQUEST] = {400, "That did not work", "The request could not be understood."},
};

unsigned page_plain_status(enum page_plain what)
{
    return plain_texts[what].status;
}

void page_plain(struct buf *out, const struct page_site *site, enum page_plain what)
{
    const struct plain_text *text = &plain_texts[what];
    page_begin(out, site, slice_str(text->title));
    html_put(out, "<h1>");
    html_text(out, slice_str(text->title));
    html_put(out, "</h1>\n<p>");
    html_text(out, slice_str(text->text));
    html_put(out, "</p>\n");
    page_end(out, site);
}
