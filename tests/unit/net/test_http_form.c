/* SPDX-License-Identifier: Apache-2.0 */
/* Forms and answers of the HTTP server. */
#include "net/http_form.h"
#include "net/http_response.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_form_good(void **state)
{
    (void)state;
    struct http_form form;
    struct slice value;
    assert_true(http_form_parse(SLICE_LIT("code=12+34&x=%C3%a4&empty=&bare&&"), &form));
    assert_int_equal(form.count, 4);
    assert_true(http_form_get(&form, SLICE_LIT("code"), &value));
    assert_true(slice_eq(value, SLICE_LIT("12 34")));
    assert_true(http_form_get(&form, SLICE_LIT("x"), &value));
    assert_true(slice_eq(value, SLICE_LIT("\xc3\xa4")));
    assert_true(http_form_get(&form, SLICE_LIT("bare"), &value));
    assert_int_equal(value.len, 0);
    assert_false(http_form_get(&form, SLICE_LIT("none"), &value));
    http_form_free(&form);
    assert_true(http_form_parse(SLICE_EMPTY, &form));
    http_form_free(&form);
}

static void test_form_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "a=%00", "a=%0a", "a=%0D", "a=%7f", "%=a", "a=b\r\n",
                                      "1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17"};
    struct http_form form;
    struct slice value;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(http_form_parse(slice_str(bad[i]), &form));
    assert_true(http_form_parse(SLICE_LIT("code=1&code=2"), &form));
    assert_false(http_form_get(&form, SLICE_LIT("code"), &value));
    http_form_free(&form);
    assert_true(http_form_type(SLICE_LIT("Application/X-www-form-urlencoded ; charset=UTF-8")));
    assert_false(http_form_type(SLICE_LIT("text/plain")));
}

static void expect_in(struct buf *out, const char *text)
{
    const char *all = buf_cstr(out);
    assert_non_null(all);
    if (strstr(all, text) == NULL)
        print_error("missing: %s\nin:\n%s\n", text, all);
    assert_non_null(strstr(all, text));
}

static void test_response_page(void **state)
{
    (void)state;
    struct buf out, cookie;
    buf_init(&out, HTTP_RESPONSE_HEAD_MAX);
    buf_init(&cookie, 256);
    assert_true(http_cookie_set(&cookie, SLICE_LIT("__Host-c"), SLICE_LIT("abc"), 60));
    struct http_response page = {.status = 200, .kind = HTTP_BODY_HTML, .length = 7, .cookie = buf_slice(&cookie)};
    assert_true(http_response_head(&page, INT64_C(784111777000000), &out));
    static const char *const wanted[] = {
        "HTTP/1.1 200 OK\r\n", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "Content-Length: 7\r\n",
        "Cache-Control: no-store\r\n", "Content-Security-Policy: default-src 'none'; style-src 'self'; ",
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n", "Referrer-Policy: no-referrer\r\n",
        "X-Content-Type-Options: nosniff\r\n", "Strict-Transport-Security: max-age=", "Permissions-Policy: ",
        "Cross-Origin-Opener-Policy: same-origin\r\n", "Cross-Origin-Resource-Policy: same-origin\r\n",
        "Set-Cookie: __Host-c=abc; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict\r\n"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        expect_in(&out, wanted[i]);
    buf_free(&out);
    buf_free(&cookie);
}

static void test_response_download(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, HTTP_RESPONSE_HEAD_MAX);
    struct http_response file = {.status = 200, .kind = HTTP_BODY_DOWNLOAD, .file_name = SLICE_LIT("B\xc3\xa4r;\" %1.html")};
    assert_true(http_response_head(&file, 0, &out));
    expect_in(&out, "Content-Type: application/octet-stream\r\n");
    expect_in(&out, "Content-Disposition: attachment; filename*=UTF-8''B%C3%A4r%3B%22%20%251.html\r\n");
    expect_in(&out, "sandbox\r\n");
    buf_reset(&out);
    file.file_name = SLICE_LIT("a b-1.pdf");
    assert_true(http_response_head(&file, 0, &out));
    expect_in(&out, "Content-Disposition: attachment; filename=\"a b-1.pdf\"\r\n");
    buf_free(&out);
}

static void test_response_split(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, HTTP_RESPONSE_HEAD_MAX);
    struct http_response bad = {.status = 303, .location = SLICE_LIT("/m\r\nSet-Cookie: a=b")};
    assert_false(http_response_head(&bad, 0, &out));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_good),         cmocka_unit_test(test_form_bad),
        cmocka_unit_test(test_response_page),     cmocka_unit_test(test_response_download),
        cmocka_unit_test(test_response_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
