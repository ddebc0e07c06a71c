/* SPDX-License-Identifier: Apache-2.0 */
/* Record framing: every cut and every changed byte is noticed, and a record belongs to its place. */
#include "unit.h"

#include "store/crc32c.h"
#include "store/record.h"

static void record_sample(struct buf *b)
{
    struct record record = {.position = 0x500001000, .type = RECORD_MESSAGE, .version = 1};
    memset(record.id.b, 7, ID_SIZE);
    record.head = SLICE_LIT("the head");
    record.content = SLICE_LIT("the content, a little longer");
    buf_init(b, RECORD_MAX);
    assert_true(record_write(b, &record));
    assert_int_equal(b->len, record_size(&record));
    assert_int_equal(b->len % RECORD_ALIGN, 0);
}

static void checksum_is_castagnoli(void **state)
{
    (void)state;
    uint8_t bytes[300];
    assert_int_equal(crc32c(0, SLICE_LIT("123456789")), 0xe3069283);
    assert_int_equal(crc32c_plain(0, SLICE_LIT("123456789")), 0xe3069283);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37);
        struct slice s = slice_of(bytes, i);
        assert_int_equal(crc32c(5, s), crc32c_plain(5, s));
        assert_int_equal(crc32c(crc32c(0, slice_sub(s, 0, i / 2)), slice_sub(s, i / 2, i)), crc32c(0, s));
    }
}

static void reads_back(void **state)
{
    (void)state;
    struct buf b;
    struct record record;
    record_sample(&b);
    assert_int_equal(record_read(buf_slice(&b), 0x500001000, true, &record), RECORD_OK);
    assert_int_equal(record.type, RECORD_MESSAGE);
    assert_int_equal(record.version, 1);
    assert_int_equal(record.size, b.len);
    assert_true(slice_eq(record.head, SLICE_LIT("the head")));
    assert_true(slice_eq(record.content, SLICE_LIT("the content, a little longer")));
    assert_int_equal(record.id.b[3], 7);
    buf_free(&b);
}

static void belongs_to_its_place(void **state)
{
    (void)state;
    struct buf b;
    struct record record;
    record_sample(&b);
    assert_int_equal(record_read(buf_slice(&b), 0x500001008, true, &record), RECORD_NONE);
    assert_int_equal(record_read(buf_slice(&b), 0x600001000, true, &record), RECORD_NONE);
    buf_free(&b);
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    struct buf b;
    struct record record;
    record_sample(&b);
    for (size_t n = 0; n < b.len; n++) {
        assert_int_not_equal(record_read(slice_of(b.data, n), 0x500001000, true, &record), RECORD_OK);
        assert_int_not_equal(record_read(slice_of(b.data, n), 0x500001000, true, &record), RECORD_CONTENT_DAMAGED);
    }
    buf_free(&b);
}

static void every_changed_byte_is_noticed(void **state)
{
    (void)state;
    struct buf b;
    struct record record;
    record_sample(&b);
    for (size_t at = 0; at < b.len; at++) {
        b.data[at] ^= 0x20;
        enum record_result result = record_read(buf_slice(&b), 0x500001000, true, &record);
        b.data[at] ^= 0x20;
        assert_int_not_equal(result, RECORD_OK);
        bool in_content = at >= RECORD_HEADER + 8;
        assert_int_equal(result == RECORD_CONTENT_DAMAGED, in_content);
        if (in_content) {
            assert_true(slice_eq(record.head, SLICE_LIT("the head")));
            assert_int_equal(record.content.len, 0);
        }
    }
    buf_free(&b);
}

static void limits_are_held(void **state)
{
    (void)state;
    static const uint8_t big[RECORD_CONTENT_MAX + 1];
    struct buf b;
    struct record record = {.position = 8, .type = RECORD_MESSAGE, .version = 1};
    buf_init(&b, RECORD_MAX * 2);
    record.content = slice_of(big, sizeof big);
    assert_false(record_write(&b, &record));
    record.content = slice_of(big, RECORD_CONTENT_MAX);
    assert_true(record_write(&b, &record));
    record.content = SLICE_EMPTY;
    record.head = slice_of(big, sizeof big);
    assert_true(sizeof big <= RECORD_HEAD_MAX || !record_write(&b, &record));
    buf_free(&b);
}

static void unknown_names_the_way_out(void **state)
{
    (void)state;
    struct err err;
    struct record record = {.position = 0x100001000, .type = RECORD_MESSAGE, .version = 1};
    assert_true(record_known(&record, &err));
    record.version = 2;
    assert_false(record_known(&record, &err));
    assert_non_null(strstr(err.text, "message"));
    assert_non_null(strstr(err.text, "newer Sealpost"));
    record.version = 1;
    record.type = (enum record_type)200;
    assert_false(record_known(&record, &err));
    assert_non_null(strstr(err.text, "200"));
    record.type = RECORD_LOCK;
    record.version = 0;
    assert_false(record_known(&record, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_castagnoli),
        cmocka_unit_test(reads_back),
        cmocka_unit_test(belongs_to_its_place),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(limits_are_held),
        cmocka_unit_test(unknown_names_the_way_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
