/* SPDX-License-Identifier: Apache-2.0 */
/* Every local message: filled with a pattern it comes back the same; every cut, tail and blob over its limit is
 * refused; no gap between the fields of a table is large enough to hide a member it forgot. */
#include "msg_layouts.h"
#include "os/chan.h"
#include "unit.h"

#define OBJECT_MAX 1024

/* Bytes of a member in memory. */
static size_t member_size(enum layout_kind kind)
{
    static const size_t sizes[] = {[LAYOUT_U8] = 1, [LAYOUT_BOOL] = 1, [LAYOUT_U16] = 2, [LAYOUT_U32] = 4, [LAYOUT_U64] = 8,
                                   [LAYOUT_I64] = 8, [LAYOUT_ID] = ID_SIZE, [LAYOUT_TAG] = TAG_SIZE,
                                   [LAYOUT_DIGEST] = DIGEST_SIZE, [LAYOUT_KEY] = KEY_SIZE,
                                   [LAYOUT_BLOB] = sizeof(struct slice)};
    return sizes[kind];
}

/* Fills the object; blobs take `len` bytes of pattern, clipped to their limit. */
static void fill(const struct layout *layout, uint8_t *object, const uint8_t *pattern, size_t len)
{
    memset(object, 0, layout->size);
    for (size_t i = 0; i < layout->count; i++) {
        const struct layout_field *f = &layout->fields[i];
        if (f->kind == LAYOUT_BLOB) {
            struct slice s = slice_of(pattern + i, len < f->max ? len : f->max);
            memcpy(object + f->offset, &s, sizeof(s));
        } else if (f->kind == LAYOUT_BOOL) {
            object[f->offset] = 1;
        } else {
            memcpy(object + f->offset, pattern + i, member_size(f->kind));
        }
    }
}

static void assert_same(const struct layout *layout, const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 0; i < layout->count; i++) {
        const struct layout_field *f = &layout->fields[i];
        if (f->kind != LAYOUT_BLOB) {
            assert_memory_equal(a + f->offset, b + f->offset, member_size(f->kind));
            continue;
        }
        struct slice x;
        struct slice y;
        memcpy(&x, a + f->offset, sizeof(x));
        memcpy(&y, b + f->offset, sizeof(y));
        assert_true(slice_eq(x, y));
    }
}

static uint8_t *pattern_make(size_t size)
{
    uint8_t *pattern = malloc(size);
    assert_non_null(pattern);
    for (size_t i = 0; i < size; i++)
        pattern[i] = (uint8_t)(i * 31 + 7);
    return pattern;
}

static void round_trips(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 100, SIZE_MAX};
    uint8_t *pattern = pattern_make(MSG_LIST_MAX + 100);
    uint8_t in[OBJECT_MAX] __attribute__((aligned(16)));
    uint8_t out[OBJECT_MAX] __attribute__((aligned(16)));
    for (size_t i = 0; i < MSG_LAYOUTS * 4; i++) {
        const struct layout *layout = msg_layouts[i / 4];
        struct buf b;
        assert_true(layout->size <= sizeof(in));
        buf_init(&b, 8 * MSG_LIST_MAX);
        fill(layout, in, pattern, lens[i % 4]);
        layout_write(layout, &b, in);
        assert_true(buf_ok(&b));
        assert_true(layout_read(layout, buf_slice(&b), out));
        assert_same(layout, in, out);
        buf_append_byte(&b, 0);
        assert_false(layout_read(layout, buf_slice(&b), out));
        buf_free(&b);
    }
    free(pattern);
}

static void cuts_are_refused(void **state)
{
    (void)state;
    uint8_t *pattern = pattern_make(1000);
    uint8_t object[OBJECT_MAX] __attribute__((aligned(16)));
    for (size_t i = 0; i < MSG_LAYOUTS; i++) {
        struct buf b;
        buf_init(&b, MSG_LIST_MAX);
        fill(msg_layouts[i], object, pattern, 20);
        layout_write(msg_layouts[i], &b, object);
        for (size_t cut = 0; cut < b.len; cut++)
            assert_false(layout_read(msg_layouts[i], slice_of(b.data, cut), object));
        buf_free(&b);
    }
    free(pattern);
}

static void limits_of_blobs(void **state)
{
    (void)state;
    uint8_t *pattern = pattern_make(MSG_LIST_MAX + 1000);
    uint8_t object[OBJECT_MAX] __attribute__((aligned(16)));
    for (size_t i = 0; i < MSG_LAYOUTS; i++) {
        for (size_t k = 0; k < msg_layouts[i]->count; k++) {
            const struct layout_field *f = &msg_layouts[i]->fields[k];
            struct buf b;
            if (f->kind != LAYOUT_BLOB)
                continue;
            assert_true(f->max > 0 && f->max <= CHAN_PAYLOAD_MAX);
            fill(msg_layouts[i], object, pattern, 0);
            struct slice s = slice_of(pattern, f->max + 1);
            memcpy(object + f->offset, &s, sizeof(s));
            buf_init(&b, 8 * MSG_LIST_MAX);
            layout_write(msg_layouts[i], &b, object);
            assert_false(buf_ok(&b));
            buf_free(&b);
        }
    }
    free(pattern);
}

/* A gap is padding: shorter than the alignment of what follows. */
static void tables_leave_no_gap(void **state)
{
    (void)state;
    for (size_t i = 0; i < MSG_LAYOUTS; i++) {
        size_t at = 0;
        for (size_t k = 0; k < msg_layouts[i]->count; k++) {
            const struct layout_field *f = &msg_layouts[i]->fields[k];
            assert_true(f->offset >= at && f->offset - at < 8);
            at = f->offset + member_size(f->kind);
        }
        assert_true(msg_layouts[i]->size - at < 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trips), cmocka_unit_test(cuts_are_refused),
                                       cmocka_unit_test(limits_of_blobs), cmocka_unit_test(tables_leave_no_gap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
