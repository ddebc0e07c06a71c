/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP request reader: what it takes, what it refuses, and that neither depends on how bytes arrive. */
#include "net/http_request.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GOOD "POST /l/abc?x=1&y HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nCookie: a=1; __Host-s=xyz\r\n\r\nhello"

static void check_good(const struct http_request *r)
{
    struct slice value;
    assert_int_equal(r->state, HTTP_REQUEST_DONE);
    assert_int_equal(r->method, METHOD_POST);
    assert_true(slice_eq(r->path, SLICE_LIT("/l/abc")));
    assert_true(slice_eq(r->query, SLICE_LIT("x=1&y")));
    assert_true(slice_eq(buf_slice(&r->body), SLICE_LIT("hello")));
    assert_true(r->keep_alive);
    assert_true(http_request_cookie(r, SLICE_LIT("__Host-s"), &value));
    assert_true(slice_eq(value, SLICE_LIT("xyz")));
}

static void test_every_split(void **state)
{
    (void)state;
    struct http_request *r = http_request_create(HTTP_FORM_BODY_MAX);
    struct slice all = SLICE_LIT(GOOD);
    for (size_t cut = 0; cut <= all.len; cut++) {
        assert_int_equal(http_request_feed(r, slice_sub(all, 0, cut)), cut);
        assert_int_equal(http_request_feed(r, slice_sub(all, cut, all.len)), all.len - cut);
        check_good(r);
        http_request_reset(r);
    }
    for (size_t i = 0; i < all.len; i++)
        assert_int_equal(http_request_feed(r, slice_sub(all, i, 1)), 1);
    check_good(r);
    http_request_free(&r);
    assert_null(r);
}

static void test_pipelined(void **state)
{
    (void)state;
    struct http_request *r = http_request_create(16);
    struct slice all = SLICE_LIT(GOOD "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(http_request_feed(r, all), sizeof(GOOD) - 1);
    check_good(r);
    http_request_reset(r);
    assert_false(http_request_begun(r));
    assert_int_equal(http_request_feed(r, slice_sub(all, sizeof(GOOD) - 1, all.len)), all.len - sizeof(GOOD) + 1);
    assert_int_equal(r->state, HTTP_REQUEST_DONE);
    assert_int_equal(r->method, METHOD_GET);
    http_request_free(&r);
}

struct refusal {
    const char *text;
    unsigned status;
};

static const struct refusal refusals[] = {
    {"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
    {"GET /\r\n\r\n", 505},
    {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"EHLO me\r\nMAIL FROM:<a@b>\r\n\r\n", 400},
    {"GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\n\r\n", 411},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: tea\r\n\r\n", 417},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct http_request *r = http_request_create(HTTP_FORM_BODY_MAX);
        http_request_feed(r, slice_str(refusals[i].text));
        if (r->state != HTTP_REQUEST_BAD || r->status != refusals[i].status)
            print_error("case %zu: state %d status %u, not %u\n", i, (int)r->state, r->status, refusals[i].status);
        assert_int_equal(r->state, HTTP_REQUEST_BAD);
        assert_int_equal(r->status, refusals[i].status);
        assert_int_equal(http_request_feed(r, SLICE_LIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), 0);
        http_request_free(&r);
    }
}

static void test_nul(void **state)
{
    (void)state;
    struct http_request *r = http_request_create(0);
    http_request_feed(r, SLICE_LIT("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"));
    assert_int_equal(r->status, 400);
    http_request_free(&r);
}

static void feed_times(struct http_request *r, const char *text, unsigned times)
{
    for (unsigned i = 0; i < times && r->state != HTTP_REQUEST_BAD; i++)
        http_request_feed(r, slice_str(text));
}

static void test_bounds(void **state)
{
    (void)state;
    struct http_request *r = http_request_create(0);
    feed_times(r, "AAAAAAAAAAAAAAAA", 2000);
    assert_int_equal(r->status, 431);
    assert_true(r->head.len <= HTTP_HEAD_MAX);
    http_request_reset(r);
    http_request_feed(r, SLICE_LIT("GET / HTTP/1.1\r\nHost: a\r\n"));
    feed_times(r, "A: b\r\n", HTTP_FIELDS_MAX);
    http_request_feed(r, SLICE_LIT("\r\n"));
    assert_int_equal(r->status, 431);
    http_request_reset(r);
    http_request_feed(r, SLICE_LIT("GET /"));
    feed_times(r, "0123456789abcdef", HTTP_TARGET_MAX / 16);
    http_request_feed(r, SLICE_LIT(" HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(r->status, 414);
    http_request_free(&r);
}

static void test_details(void **state)
{
    (void)state;
    struct slice value;
    struct http_request *r = http_request_create(16);
    http_request_feed(r, SLICE_LIT("POST https://evil.example/m/1?q HTTP/1.1\r\nHost: other\r\nContent-Length: 2\r\n"
                                   "Expect: 100-Continue\r\nConnection: close\r\nCookie: s=1; s=2\r\nEmpty:\r\n"
                                   "Tab:\tx \r\n\r\n"));
    assert_int_equal(r->state, HTTP_REQUEST_BODY);
    assert_true(r->expects_continue);
    assert_false(r->keep_alive);
    assert_true(slice_eq(r->path, SLICE_LIT("/m/1")));
    assert_false(http_request_cookie(r, SLICE_LIT("s"), &value));
    assert_true(http_request_field(r, SLICE_LIT("EMPTY"), &value));
    assert_int_equal(value.len, 0);
    assert_true(http_request_field(r, SLICE_LIT("tab"), &value));
    assert_true(slice_eq(value, SLICE_LIT("x")));
    assert_false(http_request_field(r, SLICE_LIT("none"), &value));
    http_request_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split), cmocka_unit_test(test_pipelined), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_nul),         cmocka_unit_test(test_bounds),    cmocka_unit_test(test_details),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
