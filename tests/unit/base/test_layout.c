/* SPDX-License-Identifier: Apache-2.0 */
/* One table reads what it wrote, and refuses every cut, tail and value out of range. */
#include "base/layout.h"
#include "unit.h"

struct sample {
    uint8_t u8;
    bool yes;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    struct id id;
    struct tag tag;
    struct digest digest;
    struct key key;
    struct slice name;
    struct slice body;
};

static const struct layout_field sample_fields[] = {
    LAYOUT_F(U8, struct sample, u8),         LAYOUT_F(BOOL, struct sample, yes),
    LAYOUT_F(U16, struct sample, u16),       LAYOUT_F(U32, struct sample, u32),
    LAYOUT_F(U64, struct sample, u64),       LAYOUT_F(I64, struct sample, i64),
    LAYOUT_F(ID, struct sample, id),         LAYOUT_F(TAG, struct sample, tag),
    LAYOUT_F(DIGEST, struct sample, digest), LAYOUT_F(KEY, struct sample, key),
    LAYOUT_B(struct sample, name, 8),        LAYOUT_B(struct sample, body, 16),
};
static LAYOUT_DEFINE(sample_layout, struct sample, sample_fields);

static struct sample sample_make(void)
{
    struct sample s = {.u8 = 200, .yes = true, .u16 = 0x1234, .u32 = 0xdeadbeef, .u64 = UINT64_MAX - 1, .i64 = INT64_MIN,
                       .name = SLICE_LIT("name"), .body = SLICE_LIT("0123456789abcdef")};
    memset(&s.id, 1, sizeof(s.id));
    memset(&s.tag, 2, sizeof(s.tag));
    memset(&s.digest, 3, sizeof(s.digest));
    memset(&s.key, 4, sizeof(s.key));
    return s;
}

static void assert_same(const struct sample *a, const struct sample *b)
{
    assert_int_equal(a->u8, b->u8);
    assert_int_equal(a->yes, b->yes);
    assert_int_equal(a->u16, b->u16);
    assert_int_equal(a->u32, b->u32);
    assert_true(a->u64 == b->u64 && a->i64 == b->i64);
    assert_memory_equal(&a->id, &b->id, sizeof(a->id));
    assert_memory_equal(&a->tag, &b->tag, sizeof(a->tag));
    assert_memory_equal(&a->digest, &b->digest, sizeof(a->digest));
    assert_memory_equal(&a->key, &b->key, sizeof(a->key));
    assert_true(slice_eq(a->name, b->name) && slice_eq(a->body, b->body));
}

static void round_trip(void **state)
{
    (void)state;
    struct buf b;
    struct sample in = sample_make();
    struct sample out;
    buf_init(&b, 1000);
    layout_write(&sample_layout, &b, &in);
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, 1 + 1 + 2 + 4 + 8 + 8 + 16 + 16 + 32 + 32 + 4 + 4 + 4 + 16);
    assert_true(layout_read(&sample_layout, buf_slice(&b), &out));
    assert_same(&in, &out);
    buf_free(&b);
}

static void cuts_and_tails_are_refused(void **state)
{
    (void)state;
    struct buf b;
    struct sample in = sample_make();
    struct sample out;
    static const struct sample zero;
    buf_init(&b, 1000);
    layout_write(&sample_layout, &b, &in);
    for (size_t cut = 0; cut < b.len; cut++) {
        assert_false(layout_read(&sample_layout, slice_of(b.data, cut), &out));
        assert_memory_equal(&out, &zero, sizeof(out));
    }
    buf_append_byte(&b, 0);
    assert_false(layout_read(&sample_layout, buf_slice(&b), &out));
    assert_memory_equal(&out, &zero, sizeof(out));
    b.len--;
    b.data[1] = 2; /* neither true nor false */
    assert_false(layout_read(&sample_layout, buf_slice(&b), &out));
    buf_free(&b);
}

static void blob_over_its_limit(void **state)
{
    (void)state;
    struct buf b;
    struct sample in = sample_make();
    struct sample out;
    buf_init(&b, 1000);
    layout_write(&sample_layout, &b, &in);
    const size_t name_at = 1 + 1 + 2 + 4 + 8 + 8 + 16 + 16 + 32 + 32;
    wire_patch_u32(&b, name_at, 9);
    assert_false(layout_read(&sample_layout, buf_slice(&b), &out));
    wire_patch_u32(&b, name_at, UINT32_MAX);
    assert_false(layout_read(&sample_layout, buf_slice(&b), &out));
    buf_reset(&b);
    in.name = SLICE_LIT("too long!");
    layout_write(&sample_layout, &b, &in);
    assert_false(buf_ok(&b));
    assert_int_equal(b.len, 0);
    buf_free(&b);
}

static void lists(void **state)
{
    (void)state;
    struct buf b;
    struct sample in = sample_make();
    struct sample out;
    buf_init(&b, 1000);
    for (int i = 0; i < 3; i++)
        layout_write(&sample_layout, &b, &in);
    struct wire_reader r = wire_reader_of(buf_slice(&b));
    size_t count = 0;
    while (layout_next(&sample_layout, &r, &out)) {
        assert_same(&in, &out);
        count++;
    }
    assert_int_equal(count, 3);
    assert_false(r.bad);
    r = wire_reader_of(slice_of(b.data, b.len - 1));
    count = 0;
    while (layout_next(&sample_layout, &r, &out))
        count++;
    assert_int_equal(count, 2);
    assert_true(r.bad);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(cuts_and_tails_are_refused),
                                       cmocka_unit_test(blob_over_its_limit), cmocka_unit_test(lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
