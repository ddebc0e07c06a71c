/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs: vectors of RFC 4648, and everything that is not canonical is refused. */
#include "base/codec.h"

#include "base/mem.h"
#include "unit.h"

typedef bool (*codec)(struct buf *, struct slice);

static void assert_codec(codec f, const char *in, const char *out)
{
    struct buf b;
    buf_init(&b, 100);
    assert_true(f(&b, slice_str(in)));
    assert_slice(buf_slice(&b), out);
    buf_free(&b);
}

static void assert_refused(codec f, const char *in)
{
    struct buf b;
    buf_init(&b, 100);
    buf_append_str(&b, "kept");
    assert_false(f(&b, slice_str(in)));
    assert_slice(buf_slice(&b), "kept");
    buf_free(&b);
}

static void base64(void **state)
{
    (void)state;
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar", "\xfb\xff\xfe"};
    static const char *const coded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy", "+//+"};
    static const char *const url[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy", "-__-"};
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        assert_codec(codec_base64, plain[i], coded[i]);
        assert_codec(codec_unbase64, coded[i], plain[i]);
        assert_codec(codec_base64url, plain[i], url[i]);
        assert_codec(codec_unbase64url, url[i], plain[i]);
    }
}

static void base64_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9v", "Zm9v\n",
                                      "Zm9-", "Zm9_", "=Zm9", "Zm=9", "Zm9v=", "Z\xffo="};
    static const char *const bad_url[] = {"Z", "Zh", "Zm9", "Zg==", "Zm9+", "Zm9/", "Zm 9"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_refused(codec_unbase64, bad[i]);
    for (size_t i = 0; i < sizeof(bad_url) / sizeof(*bad_url); i++)
        assert_refused(codec_unbase64url, bad_url[i]);
}

static void hex(void **state)
{
    (void)state;
    assert_codec(codec_hex, "\x01\xab\xff", "01abff");
    assert_codec(codec_unhex, "01aBFf", "\x01\xab\xff");
    assert_refused(codec_unhex, "0");
    assert_refused(codec_unhex, "0g");
    assert_refused(codec_unhex, " 0");
}

static void random_round_trips(void **state)
{
    (void)state;
    uint8_t in[200];
    struct buf text;
    struct buf back;
    buf_init(&text, 1000);
    buf_init(&back, 1000);
    for (size_t len = 0; len < sizeof(in); len++) {
        mem_random(in, len);
        buf_reset(&text);
        buf_reset(&back);
        assert_true(codec_base64(&text, slice_of(in, len)) && codec_unbase64(&back, buf_slice(&text)));
        assert_true(slice_eq(buf_slice(&back), slice_of(in, len)));
        buf_reset(&text);
        buf_reset(&back);
        assert_true(codec_base64url(&text, slice_of(in, len)) && codec_unbase64url(&back, buf_slice(&text)));
        assert_true(slice_eq(buf_slice(&back), slice_of(in, len)));
    }
    buf_free(&text);
    buf_free(&back);
}

static void escape_keeps_one_line(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_true(codec_escape(&b, SLICE_LIT("a\\\r\n\0\x7f\xe9 ~")));
    assert_slice(buf_slice(&b), "a\\x5c\\x0d\\x0a\\x00\\x7f\\xe9 ~");
    buf_free(&b);
    buf_init(&b, 5);
    assert_false(codec_escape(&b, SLICE_LIT("\r\n")));
    assert_slice(buf_slice(&b), "\\x0d");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(base64), cmocka_unit_test(base64_refuses), cmocka_unit_test(hex),
                                       cmocka_unit_test(random_round_trips), cmocka_unit_test(escape_keeps_one_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
