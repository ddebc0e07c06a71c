/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the web role that are tried best alone: a letter's file with every kind of damage, and whose requests count
 * as coming from our own pages. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keys/sealed_maker.h"
#include "keys/sealed_writer.h"
#include "roles/web_route.h"
#include "roles/web_source.h"

struct letter {
    struct buf header;
    struct buf frames;
    struct key content;
};

static void seal(struct letter *letter, size_t size)
{
    struct key wrapping = {{1}}, field;
    struct id id = id_make(1);
    struct tag tail;
    struct err err;
    buf_init(&letter->header, 4096);
    buf_init(&letter->frames, 1u << 20);
    struct sealed_maker *maker = sealed_maker_create(SLICE_LIT("test"), &wrapping, NULL);
    struct sealed_writer *writer = sealed_writer_create();
    assert_true(sealed_maker_make(maker, SLICE_LIT("default"), &id, 0, &letter->header, &letter->content, &field, &err));
    assert_true(sealed_writer_start(writer, buf_slice(&letter->header), &letter->content, &err));
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(i % 251);
        assert_true(sealed_writer_update(writer, slice_of(&byte, 1), &letter->frames));
    }
    assert_true(sealed_writer_finish(writer, &letter->frames, &tail));
    sealed_writer_free(&writer);
    sealed_maker_free(&maker);
}

static void letter_free(struct letter *letter)
{
    buf_free(&letter->header);
    buf_free(&letter->frames);
}

/* Opens and reads everything; the bytes read before the end or the damage, *ret_good: the end was reached. */
static size_t read_all(const struct letter *letter, struct slice frames, uint64_t length, bool *ret_good)
{
    struct err err = {""};
    struct slice bytes;
    size_t count = 0;
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, frames.data, frames.len), (ssize_t)frames.len);
    struct web_source *source = web_source_create(fd, length, buf_slice(&letter->header), &letter->content, &err);
    *ret_good = source != NULL;
    while (source != NULL && (*ret_good = web_source_peek(source, &bytes, &err)) && bytes.len > 0) {
        size_t step = bytes.len > 1000 ? 1000 : bytes.len;
        for (size_t i = 0; i < step; i++)
            assert_int_equal(bytes.data[i], (count + i) % 251);
        web_source_used(source, step);
        count += step;
    }
    assert_true(*ret_good || err.text[0] != '\0');
    if (*ret_good)
        assert_int_equal(count, web_source_length(source));
    web_source_free(&source);
    return count;
}

static void test_source_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 32768, 65536, 100000, 16384 * 9};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct letter letter;
        bool good;
        seal(&letter, sizes[i]);
        assert_int_equal(read_all(&letter, buf_slice(&letter.frames), letter.frames.len, &good), sizes[i]);
        assert_true(good);
        letter_free(&letter);
    }
}

static void test_source_damage(void **state)
{
    (void)state;
    struct letter letter;
    bool good;
    seal(&letter, 40000);
    struct slice all = buf_slice(&letter.frames);
    for (size_t at = 0; at < all.len; at += 977) { /* one bit anywhere */
        letter.frames.data[at] ^= 1;
        assert_true(read_all(&letter, all, all.len, &good) < 40000);
        assert_false(good);
        letter.frames.data[at] ^= 1;
    }
    for (size_t cut = 1; cut < all.len; cut += 1999) { /* a file shorter than its record says, and a record that agrees */
        read_all(&letter, slice_sub(all, 0, all.len - cut), all.len, &good);
        assert_false(good);
        read_all(&letter, slice_sub(all, 0, all.len - cut), all.len - cut, &good);
        assert_false(good);
    }
    letter.content.b[0] ^= 1; /* another letter's key */
    assert_int_equal(read_all(&letter, all, all.len, &good), 0);
    assert_false(good);
    letter_free(&letter);
}

static bool own(const char *headers)
{
    struct http_request *r = http_request_create(0);
    http_request_feed(r, SLICE_LIT("GET / HTTP/1.1\r\nHost: a\r\n"));
    http_request_feed(r, slice_str(headers));
    http_request_feed(r, SLICE_LIT("\r\n"));
    assert_int_equal(r->state, HTTP_REQUEST_DONE);
    bool result = web_route_own_page(r, SLICE_LIT("https://mail.example:8443"));
    http_request_free(&r);
    return result;
}

static void test_own_page(void **state)
{
    (void)state;
    assert_true(own(""));
    assert_true(own("Origin: https://mail.example:8443\r\n"));
    assert_true(own("Origin: null\r\nSec-Fetch-Site: same-origin\r\n"));
    assert_true(own("Sec-Fetch-Site: none\r\n"));
    assert_false(own("Origin: https://mail.example\r\n"));
    assert_false(own("Origin: http://mail.example:8443\r\n"));
    assert_false(own("Origin: https://mail.example:8443.evil.example\r\n"));
    assert_false(own("Sec-Fetch-Site: cross-site\r\n"));
    assert_false(own("Sec-Fetch-Site: same-site\r\nOrigin: https://mail.example:8443\r\n"));
    assert_false(own("Origin: https://mail.example:8443\r\nOrigin: https://evil.example\r\n"));
    assert_false(own("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source_sizes),
        cmocka_unit_test(test_source_damage),
        cmocka_unit_test(test_own_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
