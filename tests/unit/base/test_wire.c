/* SPDX-License-Identifier: Apache-2.0 */
/* The reader stays inside its slice and stays bad; writers are big-endian. */
#include "base/wire.h"
#include "unit.h"

static void round_trip(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    wire_put_u8(&b, 0x01);
    wire_put_u16(&b, 0x0203);
    wire_put_u32(&b, 0x04050607);
    wire_put_u64(&b, 0x08090a0b0c0d0e0f);
    for (uint8_t i = 0; i < 15; i++)
        assert_int_equal(b.data[i], i + 1);
    wire_put_blob16(&b, SLICE_LIT("ab"));
    wire_put_blob32(&b, SLICE_LIT("cde"));
    wire_patch_u32(&b, 3, 0xfffefdfc);
    struct wire_reader r = wire_reader_of(buf_slice(&b));
    assert_int_equal(wire_u8(&r), 1);
    assert_int_equal(wire_u16(&r), 0x0203);
    assert_int_equal(wire_u32(&r), 0xfffefdfc);
    assert_int_equal(wire_u64(&r), 0x08090a0b0c0d0e0f);
    assert_slice(wire_blob16(&r, 2), "ab");
    assert_false(wire_done(&r));
    assert_int_equal(wire_left(&r), 7);
    assert_slice(wire_blob32(&r, 3), "cde");
    assert_true(wire_done(&r));
    buf_free(&b);
}

static void every_cut_is_bad_and_stays_bad(void **state)
{
    (void)state;
    static const uint8_t bytes[15] = {1, 2, 3};
    for (size_t cut = 0; cut < sizeof(bytes); cut++) {
        struct wire_reader r = wire_reader_of(slice_of(bytes, cut));
        wire_u64(&r);
        wire_u32(&r);
        wire_u16(&r);
        wire_u8(&r);
        assert_true(r.bad);
        assert_int_equal(wire_left(&r), 0);
        assert_int_equal(wire_u8(&r), 0);
        uint32_t out = 5;
        wire_copy(&r, &out, sizeof(out));
        assert_int_equal(out, 0);
        assert_false(wire_done(&r));
    }
}

static void blobs_over_the_limit_or_the_input(void **state)
{
    (void)state;
    struct wire_reader r = wire_reader_of(SLICE_LIT("\0\3abc"));
    assert_slice(wire_blob16(&r, 2), "");
    assert_true(r.bad);
    r = wire_reader_of(SLICE_LIT("\xff\xff\xff\xff" "abc"));
    assert_slice(wire_blob32(&r, SIZE_MAX), "");
    assert_true(r.bad);
    r = wire_reader_of(SLICE_EMPTY);
    assert_true(wire_done(&r));
    assert_slice(wire_bytes(&r, 0), "");
    assert_false(r.bad);
    wire_bytes(&r, SIZE_MAX);
    assert_true(r.bad);
}

static void long_blob_marks_the_buffer(void **state)
{
    (void)state;
    struct buf b;
    uint8_t *big = calloc(1, 65536);
    buf_init(&b, 100000);
    wire_put_blob16(&b, slice_of(big, 65535));
    assert_true(buf_ok(&b));
    wire_put_blob16(&b, slice_of(big, 65536));
    assert_false(buf_ok(&b));
    buf_free(&b);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(every_cut_is_bad_and_stays_bad),
                                       cmocka_unit_test(blobs_over_the_limit_or_the_input),
                                       cmocka_unit_test(long_blob_marks_the_buffer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
