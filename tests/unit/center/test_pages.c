/* SPDX-License-Identifier: Apache-2.0 */
/* The pages: the marks that outside readers rely on, no way for data to become markup, nothing from elsewhere. */
#include "center/pages.h"
#include "center/style.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TOKEN SLICE_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
#define EVIL SLICE_LIT("\"'><script src=//evil.example/x></script>&")

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

/* What every page keeps to. */
static void check_page(const char *html)
{
    assert_int_equal(count_of(html, "<!DOCTYPE html>"), 1);
    assert_int_equal(count_of(html, "<html lang=\"en\">"), 1);
    assert_int_equal(count_of(html, "<main>"), 1);
    assert_int_equal(count_of(html, "<h1"), 1);
    assert_int_equal(count_of(html, "<title>"), 1);
    assert_int_equal(count_of(html, "<script"), 0);
    assert_int_equal(count_of(html, "style="), 0);
    assert_int_equal(count_of(html, "evil.example/x>"), 0);
    assert_int_equal(count_of(html, "http://"), 0);
    assert_int_equal(count_of(html, "https://"), 0);
    assert_int_equal(count_of(html, "<form"), count_of(html, "</form>"));
    assert_int_equal(count_of(html, "<form"), count_of(html, "<button"));
    assert_int_equal(count_of(html, "<form"), count_of(html, "method=\"post\""));
    assert_int_equal(count_of(html, "<input"), count_of(html, "<label"));
}

static const struct page_site site = {{(const uint8_t *)"Clinic <North>", 14}, {(const uint8_t *)"help@clinic.example", 19}};

static void test_link(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, PAGE_MAX);
    page_link(&out, &site, TOKEN);
    const char *html = buf_cstr(&out);
    check_page(html);
    assert_int_equal(count_of(html, "<form"), 1);
    assert_int_equal(count_of(html, "<input"), 0);
    assert_int_equal(count_of(html, "Clinic &lt;North&gt;"), 3);
    assert_non_null(strstr(html, "action=\"/l/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""));
    buf_free(&out);
}

static void test_code(void **state)
{
    (void)state;
    struct buf out;
    struct center_secret session;
    char token[CENTER_FORM_TEXT];
    center_secret_make(&session);
    center_form_token(&session, token);
    buf_init(&out, PAGE_MAX);
    for (int note = PAGE_CODE_SENT; note <= PAGE_CODE_NOT_DIGITS; note++) {
        buf_reset(&out);
        page_code(&out, &site, TOKEN, &session, (enum page_code_note)note);
        const char *html = buf_cstr(&out);
        check_page(html);
        assert_int_equal(count_of(html, "<input"), 1);
        assert_int_equal(count_of(html, " name=\"code\""), 1);
        assert_non_null(strstr(html, token));
        assert_null(strstr(html, session.text));
        assert_int_equal(count_of(html, "role=\"alert\""), note >= PAGE_CODE_WRONG);
    }
    buf_free(&out);
}

static void fill_parts(struct buf *parts)
{
    const struct view_part a = {SLICE_LIT("r\xc3\xa9sum\xc3\xa9.pdf"), SLICE_LIT("application/pdf"), 1234567};
    const struct view_part b = {EVIL, EVIL, 1};
    layout_write(&view_part_layout, parts, &a);
    layout_write(&view_part_layout, parts, &b);
}

static void test_letter(void **state)
{
    (void)state;
    struct buf out, parts;
    struct center_secret session;
    center_secret_make(&session);
    buf_init(&out, PAGE_MAX);
    buf_init(&parts, VIEW_LIST_MAX);
    fill_parts(&parts);
    struct view_answer view = {.from = EVIL, .to = EVIL, .cc = EVIL, .subject = EVIL, .date = EVIL, .text = EVIL,
                               .cut = true, .from_html = true, .parts = buf_slice(&parts)};
    struct page_letter letter = {.view = &view, .size = 2000, .expires_us = 1, .session = &session};
    page_letter(&out, &site, &letter);
    const char *html = buf_cstr(&out);
    check_page(html);
    static const char *const fields[] = {"data-field=\"from\"", "data-field=\"to\"", "data-field=\"cc\"",
                                         "data-field=\"subject\"", "data-field=\"date\"", "<pre id=\"text\""};
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        assert_int_equal(count_of(html, fields[i]), 1);
    assert_int_equal(count_of(html, "<a class=\"attachment\" href=\"/m/00000000-0000-0000-0000-000000000000/a/"), 2);
    assert_non_null(strstr(html, ">1.2 MB<"));
    assert_null(strstr(html, session.text));
    buf_reset(&out);
    letter.view = NULL;
    page_letter(&out, &site, &letter);
    check_page(buf_cstr(&out));
    assert_int_equal(count_of(buf_cstr(&out), "class=\"whole\""), 1);
    buf_free(&out);
    buf_free(&parts);
}

/* The largest answer scrub may give, with every byte escaped, still fits a page. */
static void test_largest(void **state)
{
    (void)state;
    struct buf out, text;
    struct center_secret session;
    center_secret_make(&session);
    buf_init(&text, VIEW_TEXT_MAX);
    memset(buf_reserve(&text, VIEW_TEXT_MAX), '"', VIEW_TEXT_MAX);
    buf_added(&text, VIEW_TEXT_MAX);
    buf_init(&out, PAGE_MAX);
    struct slice line = slice_sub(buf_slice(&text), 0, VIEW_FIELD_MAX);
    struct view_answer view = {.from = line, .to = line, .cc = line, .subject = line, .date = line, .text = buf_slice(&text)};
    struct page_letter letter = {.view = &view, .session = &session};
    page_letter(&out, &site, &letter);
    assert_true(buf_ok(&out));
    buf_free(&out);
    buf_free(&text);
}

static void test_plain(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, PAGE_MAX);
    for (int what = PAGE_FRONT; what <= PAGE_BAD_REQUEST; what++) {
        buf_reset(&out);
        page_plain(&out, &site, (enum page_plain)what);
        check_page(buf_cstr(&out));
        assert_in_range(page_plain_status((enum page_plain)what), 200, 503);
    }
    buf_free(&out);
    assert_int_equal(style_sheet().data[style_sheet().len - 1], '\n');
    assert_null(strstr((const char *)style_sheet().data, "url("));
    assert_null(strstr((const char *)style_sheet().data, "@import"));
    assert_true(slice_starts(style_icon(), SLICE_LIT("<svg ")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link),    cmocka_unit_test(test_code),  cmocka_unit_test(test_letter),
        cmocka_unit_test(test_largest), cmocka_unit_test(test_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
