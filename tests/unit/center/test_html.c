/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping, cleaning and file names: data stays data. */
#include "center/charset.h"
#include "center/file_name.h"
#include "center/html.h"
#include "center/html_entity.h"
#include "center/text_clean.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct pair {
    const char *in;
    const char *out;
};

static void check(struct buf *out, const char *wanted)
{
    assert_string_equal(buf_cstr(out), wanted);
    buf_reset(out);
}

static void test_escape(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    html_text(&out, SLICE_LIT("<script>alert('1')</script> & \"x\"\n\t\r\x01\x7f"));
    check(&out, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;\n\t\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    html_attribute(&out, "value", SLICE_LIT("\" onload=\"x"));
    check(&out, " value=\"&quot; onload=&quot;x\"");
    html_text(&out, SLICE_LIT("\xc0\xbcscript\xed\xa0\x80\xff"));
    assert_null(strchr(buf_cstr(&out), '<'));
    assert_non_null(strstr(buf_cstr(&out), "script"));
    buf_free(&out);
}

/* Every byte alone and every pair of bytes: no markup character comes through unescaped. */
static void test_escape_all_pairs(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 64);
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            uint8_t both[] = {(uint8_t)a, (uint8_t)b};
            buf_reset(&out);
            html_text(&out, slice_of(both, 2));
            for (size_t i = 0; i < out.len; i++)
                assert_true(strchr("<>\"'", out.data[i]) == NULL || out.data[i] == 0);
        }
    buf_free(&out);
}

static void test_clean(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 64);
    assert_true(text_clean_line(&out, SLICE_LIT("a\r\nb\xe2\x80\xae" "c\x1b[1m\xf0\x9f\x98\x80")));
    check(&out, "a  bc [1m\xf0\x9f\x98\x80");
    assert_true(text_clean_block(&out, SLICE_LIT("a\r\nb\rc\nd\te\x07\xff")));
    check(&out, "a\nb\nc\nd\te\xef\xbf\xbd");
    buf_free(&out);
    buf_init(&out, 4);
    assert_false(text_clean_line(&out, SLICE_LIT("abc\xc3\xa4")));
    assert_int_equal(out.len, 3); /* cut between characters */
    buf_free(&out);
}

static void test_file_names(void **state)
{
    (void)state;
    static const struct pair names[] = {
        {"report.pdf", "report.pdf"},
        {"../../etc/passwd", "passwd"},
        {"C:\\Windows\\system.ini", "system.ini"},
        {"/", "attachment"},
        {"", "attachment"},
        {"...", "attachment"},
        {".bashrc", "bashrc"},
        {"con", "_con"},
        {"LPT1.txt", "_LPT1.txt"},
        {"a\r\nSet-Cookie: x", "a__Set-Cookie_ x"},
        {"fdp\xe2\x80\xae.exe", "fdp.exe"},
        {"<img src=x>.html", "_img src=x_.html"},
        {"\xc3\x84rzte \xe6\x97\xa5.txt", "\xc3\x84rzte \xe6\x97\xa5.txt"},
        {"${HOME}`id`;.sh", "_{HOME}_id__.sh"},
    };
    struct buf out;
    buf_init(&out, 255);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        file_name_clean(&out, slice_str(names[i].in));
        check(&out, names[i].out);
    }
    char longer[700];
    memset(longer, 'a', sizeof(longer));
    memcpy(longer + 690, ".docx", 6);
    file_name_clean(&out, slice_str(longer));
    assert_int_equal(out.len, 200);
    assert_string_equal(buf_cstr(&out) + 195, ".docx");
    buf_free(&out);
}

static void test_charsets(void **state)
{
    (void)state;
    static const struct {
        const char *set, *in, *out;
    } table[] = {
        {"iso-8859-1", "Gr\xfc\xdf" "e", "Gr\xc3\xbc\xc3\x9f" "e"},
        {"windows-1251", "\xcf\xf0\xe8", "\xd0\x9f\xd1\x80\xd0\xb8"},
        {"ISO-2022-JP", "\x1b$B$\"\x1b(B", "\xe3\x81\x82"},
        {"utf-8", "\xc3\xa4", "\xc3\xa4"},
        {NULL, "\xe4", "\xc3\xa4"},
        {"no-such-set", "\xe4", "\xc3\xa4"},
        {"../../tmp/evil", "x", "x"},
        {"us-ascii", "\xe2\x82\xac", "\xe2\x82\xac"},
        {"euc-jp", "\xa4", "\xef\xbf\xbd"},
    };
    struct buf out;
    buf_init(&out, 256);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        charset_to_utf8(slice_str(table[i].in), table[i].set, &out);
        check(&out, table[i].out);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),     cmocka_unit_test(test_escape_all_pairs), cmocka_unit_test(test_clean),
        cmocka_unit_test(test_file_names), cmocka_unit_test(test_charsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
