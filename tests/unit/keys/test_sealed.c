/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed-message format: what is written is read back, slice by slice of any size, and every change to header,
 * frames or order is noticed before a byte of the changed frame is released (row 30). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keys/sealed_field.h"
#include "keys/sealed_maker.h"
#include "keys/sealed_opener.h"
#include "keys/sealed_reader.h"
#include "keys/sealed_writer.h"

#define OUT_MAX (1u << 20)
#define NAME SLICE_LIT("work.default.20000")
#define TENANT SLICE_LIT("default")

struct sample {
    struct key wrapping;
    struct escrow *escrow;
    struct sealed_maker *maker;
    struct sealed_opener *opener;
    struct id id;
    struct buf header;
    struct key content;
    struct key field;
    struct buf plain;
    struct buf sealed;
    struct tag tail;
};

static struct escrow *new_escrow(void)
{
    struct buf private, public;
    struct err err;
    buf_init_secret(&private, 8192);
    buf_init(&public, 8192);
    assert_true(escrow_generate(&private, &public, &err));
    struct escrow *escrow = escrow_create();
    assert_true(escrow_add_pem(escrow, buf_slice(&public), "escrow.pem", &err));
    buf_free(&private);
    buf_free(&public);
    return escrow;
}

static void make_header(struct sample *s)
{
    struct err err;
    buf_reset(&s->header);
    assert_true(sealed_maker_make(s->maker, TENANT, &s->id, clock_wait_us(), &s->header, &s->content, &s->field, &err));
}

static void seal(struct sample *s, size_t len, size_t slice)
{
    struct err err;
    struct sealed_writer *writer = sealed_writer_create();
    buf_reset(&s->plain);
    buf_reset(&s->sealed);
    for (size_t i = 0; i < len; i++)
        buf_append_byte(&s->plain, (uint8_t)(i * 7 + i / 251));
    make_header(s);
    assert_true(sealed_writer_start(writer, buf_slice(&s->header), &s->content, &err));
    for (size_t at = 0; at < len; at += slice)
        assert_true(sealed_writer_update(writer, slice_sub(buf_slice(&s->plain), at, slice), &s->sealed));
    assert_true(sealed_writer_finish(writer, &s->sealed, &s->tail));
    assert_int_equal(s->sealed.len, sealed_writer_length(len));
    assert_memory_equal(s->tail.b, s->sealed.data + s->sealed.len - TAG_SIZE, TAG_SIZE);
    sealed_writer_free(&writer);
}

/* Reads `sealed` and gives how many bytes came out; *ret_ok tells whether it ended well. Whatever came out must be a
 * prefix of the plaintext. */
static size_t try_open(struct sample *s, struct slice header, struct slice sealed, size_t slice, bool *ret_ok)
{
    struct err err;
    struct buf out;
    buf_init_secret(&out, OUT_MAX);
    struct sealed_reader *reader = sealed_reader_create();
    bool ok = sealed_reader_start(reader, header, &s->content, &err);
    for (size_t at = 0; ok && at < sealed.len; at += slice)
        ok = sealed_reader_update(reader, slice_sub(sealed, at, slice), &out, &err);
    ok = sealed_reader_finish(reader, &err) && ok;
    sealed_reader_free(&reader);
    size_t len = out.len;
    assert_true(len <= s->plain.len);
    if (len > 0)
        assert_memory_equal(out.data, s->plain.data, len);
    *ret_ok = ok && len == s->plain.len;
    buf_free(&out);
    return len;
}

static int setup(void **state)
{
    struct sample *s = mem_new(sizeof(*s));
    mem_random(&s->wrapping, sizeof(s->wrapping));
    s->escrow = new_escrow();
    s->maker = sealed_maker_create(NAME, &s->wrapping, s->escrow);
    s->opener = sealed_opener_create();
    s->id = id_make(clock_utc_us());
    buf_init(&s->header, SEALED_HEADER_MAX);
    buf_init(&s->plain, OUT_MAX);
    buf_init(&s->sealed, OUT_MAX);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct sample *s = *state;
    sealed_maker_free(&s->maker);
    sealed_opener_free(&s->opener);
    escrow_free(&s->escrow);
    buf_free(&s->header);
    buf_free(&s->plain);
    buf_free(&s->sealed);
    mem_free(s);
    return 0;
}

static void test_round_trip_at_every_edge(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 16383, 16384, 16385, 32767, 32768, 32769, 50000};
    static const size_t slices[] = {1, 4, 23, 16384, 16500, 1000000};
    struct sample *s = *state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        for (size_t j = 0; j < sizeof(slices) / sizeof(*slices); j++) {
            bool ok = false;
            seal(s, sizes[i], slices[j]);
            for (size_t k = 0; k < sizeof(slices) / sizeof(*slices); k++) {
                try_open(s, buf_slice(&s->header), buf_slice(&s->sealed), slices[k], &ok);
                assert_true(ok);
            }
        }
}

static void test_opener_gives_the_same_keys(void **state)
{
    struct sample *s = *state;
    struct err err;
    struct sealed_header header;
    struct key content, field;
    make_header(s);
    assert_true(sealed_header_parse(buf_slice(&s->header), &header, &err));
    assert_true(id_eq(&header.id, &s->id));
    assert_true(slice_eq(header.tenant, TENANT));
    assert_int_equal(header.wrapped_count, 2);
    assert_true(slice_eq(sealed_opener_key_name(&header), NAME));
    assert_true(sealed_opener_open(s->opener, &header, &s->wrapping, &content, &field, &err));
    assert_memory_equal(&content, &s->content, KEY_SIZE);
    assert_memory_equal(&field, &s->field, KEY_SIZE);
    assert_memory_not_equal(&field, &content, KEY_SIZE);
    struct key other = s->wrapping;
    other.b[31] ^= 1;
    assert_false(sealed_opener_open(s->opener, &header, &other, &content, &field, &err));
    assert_memory_equal(&content, (&(struct key){{0}}), KEY_SIZE);
}

/* Every single bit of a header, changed, is refused by keyd or by the reader; nothing opens. */
static void test_every_bit_of_the_header_counts(void **state)
{
    struct sample *s = *state;
    struct err err;
    seal(s, 40, 40);
    for (size_t bit = 0; bit < s->header.len * 8; bit++) {
        struct sealed_header header;
        struct key content, field;
        bool ok = false;
        s->header.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(try_open(s, buf_slice(&s->header), buf_slice(&s->sealed), 4096, &ok), 0);
        assert_false(ok);
        ok = sealed_header_parse(buf_slice(&s->header), &header, &err) &&
             sealed_opener_open(s->opener, &header, &s->wrapping, &content, &field, &err);
        assert_false(ok);
        s->header.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t len = 0; len < s->header.len; len++) {
        struct sealed_header header;
        assert_false(sealed_header_parse(slice_sub(buf_slice(&s->header), 0, len), &header, &err));
    }
}

/* Every byte of the frames, changed: what comes out stops before the changed frame. */
static void test_every_byte_of_the_frames_counts(void **state)
{
    struct sample *s = *state;
    seal(s, 2 * 16384 + 300, 5000);
    size_t frame = 16384 + 32;
    for (size_t at = 0; at < s->sealed.len; at += at % frame > 64 && at % frame < frame - 64 ? 509 : 1) {
        bool ok = false;
        s->sealed.data[at] ^= 0x10;
        size_t got = try_open(s, buf_slice(&s->header), buf_slice(&s->sealed), 6000, &ok);
        s->sealed.data[at] ^= 0x10;
        assert_false(ok);
        assert_true(got <= at / frame * 16384);
    }
}

static void test_cut_and_lengthened(void **state)
{
    struct sample *s = *state;
    bool ok = false;
    seal(s, 16384 + 300, 5000);
    for (size_t len = 0; len < s->sealed.len; len += len < 16300 ? 401 : 1) {
        try_open(s, buf_slice(&s->header), slice_sub(buf_slice(&s->sealed), 0, len), 7000, &ok);
        assert_false(ok);
    }
    buf_append_byte(&s->sealed, 0);
    try_open(s, buf_slice(&s->header), buf_slice(&s->sealed), 7000, &ok);
    assert_false(ok);
}

static void test_frames_swapped_repeated_left_out(void **state)
{
    static const int orders[][4] = {{1, 0, 2, 3}, {0, 0, 1, 3}, {0, 2, 3, -1}, {0, 1, 3, 2}, {1, 2, 3, -1}, {3, -1, -1, -1}};
    struct sample *s = *state;
    size_t frame = 16384 + 32;
    seal(s, 3 * 16384 + 10, 16384);
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        struct buf mixed;
        bool ok = false;
        buf_init(&mixed, OUT_MAX);
        for (size_t j = 0; j < 4 && orders[i][j] >= 0; j++)
            buf_append_slice(&mixed, slice_sub(buf_slice(&s->sealed), (size_t)orders[i][j] * frame, frame));
        size_t got = try_open(s, buf_slice(&s->header), buf_slice(&mixed), 100000, &ok);
        assert_false(ok);
        assert_true(got <= 2 * 16384);
        buf_free(&mixed);
    }
}

/* Two messages of one data key: keys, headers and frames of one do not open the other; equal plaintexts differ. */
static void test_siblings_are_strangers(void **state)
{
    struct sample *s = *state;
    struct buf first_header, first_sealed;
    bool ok = true;
    seal(s, 100, 100);
    buf_init(&first_header, OUT_MAX);
    buf_init(&first_sealed, OUT_MAX);
    buf_append_slice(&first_header, buf_slice(&s->header));
    buf_append_slice(&first_sealed, buf_slice(&s->sealed));
    struct key first = s->content;
    s->id = id_make(clock_utc_us());
    seal(s, 100, 100);
    assert_memory_not_equal(first_sealed.data + 24, s->sealed.data + 24, 100);
    assert_memory_not_equal(&first, &s->content, KEY_SIZE);
    assert_int_equal(try_open(s, buf_slice(&first_header), buf_slice(&s->sealed), 4096, &ok), 0);
    assert_false(ok);
    assert_int_equal(try_open(s, buf_slice(&s->header), buf_slice(&first_sealed), 4096, &ok), 0);
    assert_false(ok);
    buf_free(&first_header);
    buf_free(&first_sealed);
}

static void test_fields_are_bound(void **state)
{
    struct sample *s = *state;
    struct err err;
    struct buf sealed, out;
    struct sealed_field *field = sealed_field_create();
    struct slice text = SLICE_LIT("someone@clinic.example");
    buf_init(&sealed, 4096);
    buf_init_secret(&out, 4096);
    make_header(s);
    assert_true(sealed_field_seal(field, &s->field, &s->id, 2, 7, text, &sealed));
    assert_int_equal(sealed.len, text.len + SEALED_FIELD_OVERHEAD);
    assert_true(sealed_field_open(field, &s->field, &s->id, 2, 7, buf_slice(&sealed), &out, &err));
    assert_true(slice_eq(buf_slice(&out), text));
    buf_reset(&out);
    struct id other = id_make(clock_utc_us());
    assert_false(sealed_field_open(field, &s->field, &other, 2, 7, buf_slice(&sealed), &out, &err));
    assert_false(sealed_field_open(field, &s->field, &s->id, 1, 7, buf_slice(&sealed), &out, &err));
    assert_false(sealed_field_open(field, &s->field, &s->id, 2, 8, buf_slice(&sealed), &out, &err));
    assert_false(sealed_field_open(field, &s->content, &s->id, 2, 7, buf_slice(&sealed), &out, &err));
    for (size_t at = 0; at < sealed.len; at++) {
        sealed.data[at] ^= 1;
        assert_false(sealed_field_open(field, &s->field, &s->id, 2, 7, buf_slice(&sealed), &out, &err));
        sealed.data[at] ^= 1;
        assert_false(sealed_field_open(field, &s->field, &s->id, 2, 7, slice_sub(buf_slice(&sealed), 0, at), &out, &err));
    }
    assert_int_equal(out.len, 0);
    sealed_field_free(&field);
    buf_free(&sealed);
    buf_free(&out);
}

/* A header must stay below 10 us of CPU on the reference machine; sanitizer builds only print. */
static void test_cost_of_a_header(void **state)
{
    enum { ROUNDS = 4096 };
    struct sample *s = *state;
    struct sealed_header header;
    struct key content, field;
    struct err err;
    int64_t start = clock_wait_us();
    for (int i = 0; i < ROUNDS; i++)
        make_header(s);
    int64_t made = clock_wait_us();
    for (int i = 0; i < ROUNDS; i++) {
        assert_true(sealed_header_parse(buf_slice(&s->header), &header, &err));
        assert_true(sealed_opener_open(s->opener, &header, &s->wrapping, &content, &field, &err));
    }
    int64_t opened = clock_wait_us();
    print_message("header: %.2f us made, %.2f us opened, %zu bytes\n", (double)(made - start) / ROUNDS,
                  (double)(opened - made) / ROUNDS, s->header.len);
}

/* What intake and courier pay for 10 KB of content, contexts reused. */
static void test_cost_of_content(void **state)
{
    enum { ROUNDS = 2000, SIZE = 10240 };
    struct sample *s = *state;
    struct err err;
    struct buf out;
    buf_init_secret(&out, OUT_MAX);
    struct sealed_writer *writer = sealed_writer_create();
    struct sealed_reader *reader = sealed_reader_create();
    seal(s, SIZE, SIZE);
    int64_t start = clock_wait_us();
    for (int i = 0; i < ROUNDS; i++) {
        buf_reset(&s->sealed);
        assert_true(sealed_writer_start(writer, buf_slice(&s->header), &s->content, &err));
        for (size_t at = 0; at < SIZE; at += 4096)
            assert_true(sealed_writer_update(writer, slice_sub(buf_slice(&s->plain), at, 4096), &s->sealed));
        assert_true(sealed_writer_finish(writer, &s->sealed, &s->tail));
    }
    int64_t sealed = clock_wait_us();
    for (int i = 0; i < ROUNDS; i++) {
        buf_reset(&out);
        assert_true(sealed_reader_start(reader, buf_slice(&s->header), &s->content, &err));
        assert_true(sealed_reader_update(reader, buf_slice(&s->sealed), &out, &err));
        assert_true(sealed_reader_finish(reader, &err));
    }
    int64_t opened = clock_wait_us();
    print_message("10 KB: %.2f us sealed, %.2f us opened\n", (double)(sealed - start) / ROUNDS,
                  (double)(opened - sealed) / ROUNDS);
    sealed_writer_free(&writer);
    sealed_reader_free(&reader);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_at_every_edge),
        cmocka_unit_test(test_opener_gives_the_same_keys),
        cmocka_unit_test(test_every_bit_of_the_header_counts),
        cmocka_unit_test(test_every_byte_of_the_frames_counts),
        cmocka_unit_test(test_cut_and_lengthened),
        cmocka_unit_test(test_frames_swapped_repeated_left_out),
        cmocka_unit_test(test_siblings_are_strangers),
        cmocka_unit_test(test_fields_are_bound),
        cmocka_unit_test(test_cost_of_a_header),
        cmocka_unit_test(test_cost_of_content),
    };
    return cmocka_run_group_tests_name("keys/sealed", tests, setup, teardown);
}
