/* SPDX-License-Identifier: Apache-2.0 */
/* HTML mail as text: what a reader sees, nothing that acts. */
#include "base/clock.h"
#include "base/mem.h"
#include "center/html_plain.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *in;
    const char *out;
} table[] = {
    {"", ""},
    {"<p>Hello <b>World</b></p><p>Two</p>", "Hello World\n\nTwo\n"},
    {"a<br>b<br/>c", "a\nb\nc\n"},
    {"  a \n\t b ", "a b\n"},
    {"<ul><li>one<li>two</ul>end", "- one\n- two\n\nend\n"},
    {"<script>alert(1)</script>x<style>p{}</style>y", "xy\n"},
    {"<SCRIPT>a</p>b</script >x", "x\n"},
    {"<script>never closed", ""},
    {"<scripty>shown", "shown\n"},
    {"a<!-- <p>hidden --> b<!---->c", "a bc\n"},
    {"a<!-- never closed", "a\n"},
    {"<!DOCTYPE html><title>T</title>x", "x\n"},
    {"&lt;b&gt; &amp;amp; &euro;&#8364;&#x20ac; &nosuch; &#0; &#xd800; &copy", "<b> &amp; \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac &nosuch; \xef\xbf\xbd \xef\xbf\xbd \xc2\xa9\n"},
    {"1 < 2 <3 a<", "1 < 2 <3 a<\n"},
    {"<a href=\"https://a.example/x?a=1&amp;b=2\">here</a>.", "here <https://a.example/x?a=1&b=2>.\n"},
    {"<a href='https://a.example/'>https://a.example/</a>", "https://a.example/\n"},
    {"<a href=mailto:x@y.example>x@y.example</a>", "x@y.example\n"},
    {"<a href=\"javascript:alert(1)\">x</a><a href=\"data:text/html,x\">y</a>", "xy\n"},
    {"<img src=https://t.example/p.gif alt=\"A cat\"><img src=x alt=\"\">", "[A cat]\n"},
    {"<img alt='>' src=x>a", "[>]a\n"},
    {"<table><tr><td>a<td>b</tr><tr><td>c</table>", "a\tb\nc\n"},
    {"a<blockquote>b<br>c</blockquote>d", "a\n\n> b\n> c\n\nd\n"},
    {"<pre>a\n  b</pre>", "a\n  b\n"},
    {"a<hr>b", "a\n----------\nb\n"},
    {"a\xc2\xa0" "b&nbsp;c&zwnj;&shy;d", "a b c\xe2\x80\x8c" "d\n"},
    {"<svg><script>x</script><text>t</text></svg>y", "y\n"},
    {"</p></div></blockquote></pre></a>x", "x\n"},
};

static void test_table(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        buf_reset(&out);
        assert_true(html_plain(slice_str(table[i].in), &out));
        const char *got = out.len == 0 ? "" : buf_cstr(&out);
        if (strcmp(got, table[i].out) != 0)
            print_error("case %zu: %s\n", i, table[i].in);
        assert_string_equal(got, table[i].out);
    }
    buf_free(&out);
}

/* Things that cost lenient parsers quadratic time stay linear: 4 MB each within seconds, sanitizers on. */
static void test_linear(void **state)
{
    (void)state;
    static const char *const units[] = {"<div>", "<", "<!--", "<script", "</", "&", "<a href='", "<blockquote><p>x", "<b x='>'"};
    struct buf in, out;
    buf_init(&in, 4u << 20);
    buf_init(&out, 64u << 20);
    int64_t start = clock_wait_us();
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        buf_reset(&in);
        buf_reset(&out);
        while (in.len + 64 < in.max)
            buf_append_str(&in, units[i]);
        html_plain(buf_slice(&in), &out);
    }
    assert_true(clock_wait_us() - start < 60 * CLOCK_US_PER_S);
    buf_free(&in);
    buf_free(&out);
}

static void test_bounded(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 10);
    assert_false(html_plain(SLICE_LIT("<p>much more than ten bytes</p>"), &out));
    assert_true(out.len <= 10);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
