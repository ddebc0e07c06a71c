/* SPDX-License-Identifier: Apache-2.0 */
/* Real and malformed mail through the submission filter: with CRLF lines all of it passes and stays exact; as it lies on disk,
 * what has bare LF is refused. */
#include "unit.h"

#include "submission_run.h"
#include "vectors.h"

/* LF without CR in front becomes CRLF. */
static void with_crlf(struct slice in, struct buf *out, bool *ret_changed)
{
    *ret_changed = false;
    for (size_t i = 0; i < in.len; i++) {
        if (in.data[i] == '\n' && (i == 0 || in.data[i - 1] != '\r')) {
            buf_append_byte(out, '\r');
            *ret_changed = true;
        }
        buf_append_byte(out, in.data[i]);
    }
}

static void check_exact(struct slice message, size_t first, size_t piece)
{
    struct mail_submission s;
    struct buf out;
    buf_init(&out, 1u << 20);
    assert_true(run_submission(&s, &RUN_TRACE, message, first, piece, &out));
    struct slice got = buf_slice(&out);
    assert_true(slice_starts(got, SLICE_LIT(RUN_RECEIVED)));
    struct slice tail = slice_sub(got, got.len - message.len, message.len);
    assert_true(slice_eq(tail, message));
    struct slice top = slice_of(got.data + strlen(RUN_RECEIVED), got.len - message.len - strlen(RUN_RECEIVED));
    assert_true(top.len == 0 || slice_eq(top, SLICE_LIT(RUN_DATE)) || slice_eq(top, SLICE_LIT(RUN_ID)) ||
                slice_eq(top, SLICE_LIT(RUN_DATE RUN_ID)));
    mail_submission_free(&s);
    buf_free(&out);
}

static void check_raw(struct slice message)
{
    struct mail_submission s;
    struct buf out;
    buf_init(&out, 1u << 20);
    assert_false(run_submission(&s, &RUN_TRACE, message, 0, 1000, &out));
    assert_int_equal(s.refusal, MAIL_REFUSAL_BARE_LF);
    mail_submission_free(&s);
    buf_free(&out);
}

static bool check_file(const char *folder, unsigned number)
{
    char name[64];
    struct buf file;
    struct buf message;
    bool changed;
    snprintf(name, sizeof(name), "eml/%s/%03u.eml", folder, number);
    bool there = vectors_read(name, &file);
    buf_init(&message, 1u << 20);
    with_crlf(buf_slice(&file), &message, &changed);
    if (there && changed)
        check_raw(buf_slice(&file));
    for (size_t first = 0; there && first <= message.len; first++)
        check_exact(buf_slice(&message), first, first == 0 ? 1 : message.len);
    buf_free(&message);
    buf_free(&file);
    return there;
}

static void test_eml(void **state)
{
    (void)state;
    unsigned count = 0;
    for (unsigned i = 0; i < 23; i++)
        count += check_file("malformed", i) ? 1 : 0;
    for (unsigned i = 0; i < 10; i++)
        count += check_file("rfc", i) ? 1 : 0;
    if (count == 0) {
        print_message("SKIPPED: no vectors/eml\n");
        skip();
    }
    assert_int_equal(count, 33);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_eml)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
