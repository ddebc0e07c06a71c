/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as they are read: what is text, what is an attachment, and that bombs end. */
#include "center/charset.h"
#include "center/mime_view.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct view_part part_at(const struct mime_view *view, unsigned number)
{
    struct wire_reader r = wire_reader_of(view->answer.parts);
    struct view_part part = {.size = UINT64_MAX};
    for (unsigned i = 0; i < number; i++)
        if (!layout_next(&view_part_layout, &r, &part))
            return (struct view_part){.size = UINT64_MAX};
    return part;
}

static void expect(struct slice got, const char *wanted)
{
    if (!slice_eq(got, slice_str(wanted)))
        print_error("got \"%.*s\", not \"%s\"\n", (int)got.len, got.data == NULL ? "" : (const char *)got.data, wanted);
    assert_true(slice_eq(got, slice_str(wanted)));
}

#define MIXED                                                                                                          \
    "From: =?utf-8?Q?D=C3=B6rte?= <d@clinic.example>\r\nTo: A <a@x.example>, b@y.example\r\nCc: c@z.example\r\n"       \
    "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\n and more\r\nDate: Tue, 24 Nov 2026 05:30:00 +0000\r\n"                    \
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"                                    \
    "Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"   \
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nH=E4llo\r\n--i\r\nContent-Type: text/html\r\n\r\n<b>no</b>\r\n" \
    "--i--\r\n--o\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''..%2Fa%C3%A4.pdf\r\n" \
    "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n" \
    "--o--\r\n"

static void test_mixed(void **state)
{
    (void)state;
    struct mime_view view;
    mime_view_read(SLICE_LIT(MIXED), 0, &view);
    assert_int_equal(view.answer.status, VIEW_OK);
    expect(view.answer.from, "D\xc3\xb6rte <d@clinic.example>");
    expect(view.answer.to, "A <a@x.example>, b@y.example");
    expect(view.answer.cc, "c@z.example");
    expect(view.answer.subject, "Gr\xc3\xbc\xc3\x9f" "e and more");
    expect(view.answer.date, "Tue, 24 Nov 2026 05:30:00 +0000");
    expect(view.answer.text, "H\xc3\xa4llo");
    assert_false(view.answer.from_html);
    expect(part_at(&view, 1).name, "a\xc3\xa4.pdf");
    expect(part_at(&view, 1).type, "application/pdf");
    assert_int_equal(part_at(&view, 1).size, 3);
    expect(part_at(&view, 2).name, "part-2.eml");
    assert_int_equal(part_at(&view, 3).size, UINT64_MAX);
    mime_view_free(&view);
    mime_view_read(SLICE_LIT(MIXED), 1, &view);
    expect(view.answer.name, "a\xc3\xa4.pdf");
    assert_int_equal(view.answer.content_length, 3);
    assert_memory_equal(view.content.data, "\0\1\2", 3);
    mime_view_free(&view);
    mime_view_read(SLICE_LIT(MIXED), 3, &view);
    assert_int_equal(view.answer.status, VIEW_NO_PART);
    mime_view_free(&view);
}

static void test_html_only(void **state)
{
    (void)state;
    struct mime_view view;
    mime_view_read(SLICE_LIT("Subject: s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hi</p><script>x</script>"), 0, &view);
    expect(view.answer.text, "Hi\n");
    assert_true(view.answer.from_html);
    mime_view_free(&view);
}

static void test_odd(void **state)
{
    (void)state;
    static const char *const odd[] = {"", "\r\n", "\r\n\r\n", "x", ":", "Content-Type: multipart/mixed\r\n\r\nx",
                                      "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n----\r\n",
                                      "Content-Type: text/plain; charset=\"../../x\"\r\n\r\n\xff\xfe",
                                      "Content-Type: message/rfc822\r\n\r\n", "From: (((((((\r\n\r\n"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        struct mime_view view;
        mime_view_read(slice_str(odd[i]), 0, &view);
        assert_int_equal(view.answer.status, VIEW_OK);
        mime_view_free(&view);
    }
}

/* Row 19: thousands of parts and nesting far beyond real mail end with a bounded answer. */
static void test_bombs(void **state)
{
    (void)state;
    struct buf bomb;
    struct mime_view view;
    buf_init(&bomb, 8u << 20);
    buf_append_str(&bomb, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (int i = 0; i < 5000; i++)
        buf_append_str(&bomb, "--b\r\nContent-Type: image/png\r\n\r\nx\r\n");
    mime_view_read(buf_slice(&bomb), 0, &view);
    assert_true(view.answer.cut);
    assert_true(part_at(&view, VIEW_PARTS_MAX).size == 1);
    mime_view_free(&view);
    buf_reset(&bomb);
    for (int i = 0; i < 500; i++)
        buf_printf(&bomb, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
    mime_view_read(buf_slice(&bomb), 0, &view);
    assert_int_equal(view.answer.status, VIEW_OK);
    mime_view_free(&view);
    buf_reset(&bomb);
    buf_append_str(&bomb, "Subject: ");
    while (bomb.len < 1u << 20)
        buf_append_str(&bomb, "0123456789abcdef");
    buf_append_str(&bomb, "\r\n\r\n");
    while (bomb.len < 4u << 20)
        buf_append_str(&bomb, "0123456789abcdef0123456789abcdef\r\n");
    mime_view_read(buf_slice(&bomb), 0, &view);
    assert_true(view.answer.cut);
    assert_true(view.answer.subject.len <= VIEW_FIELD_MAX && view.answer.text.len <= VIEW_TEXT_MAX);
    mime_view_free(&view);
    buf_free(&bomb);
}

static void read_vector(const char *dir, const char *name)
{
    char path[4096];
    struct buf bytes;
    struct mime_view view;
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    buf_init(&bytes, 16u << 20);
    for (size_t n = 1; n > 0;) {
        n = fread(buf_reserve(&bytes, 65536), 1, 65536, file);
        buf_added(&bytes, n);
    }
    assert_int_equal(fclose(file), 0);
    mime_view_read(buf_slice(&bytes), 0, &view);
    if (view.answer.status != VIEW_OK)
        print_error("%s\n", path);
    assert_int_equal(view.answer.status, VIEW_OK);
    mime_view_free(&view);
    buf_free(&bytes);
}

/* Every real and malformed message of the vectors can be looked at. */
static void test_vectors(void **state)
{
    (void)state;
    static const char *const parts[] = {"eml/rfc", "eml/malformed"};
    const char *root = getenv("SEALPOST_VECTORS");
    unsigned count = 0;
    for (size_t i = 0; root != NULL && i < sizeof(parts) / sizeof(*parts); i++) {
        char dir[2048];
        (void)snprintf(dir, sizeof(dir), "%s/%s", root, parts[i]);
        DIR *d = opendir(dir);
        for (struct dirent *entry = d == NULL ? NULL : readdir(d); entry != NULL; entry = readdir(d))
            if (strstr(entry->d_name, ".eml") != NULL) {
                read_vector(dir, entry->d_name);
                count++;
            }
        if (d != NULL)
            assert_int_equal(closedir(d), 0);
    }
    if (count == 0) {
        print_message("SKIPPED: SEALPOST_VECTORS is not set or holds no mail\n");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixed), cmocka_unit_test(test_html_only), cmocka_unit_test(test_odd),
        cmocka_unit_test(test_bombs), cmocka_unit_test(test_vectors),
    };
    struct charset_set *charsets = charset_load();
    mime_view_setup();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    charset_unload(&charsets);
    return failed;
}
