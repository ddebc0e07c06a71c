/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed envelopes of this version and of the first one, which messages accepted before an upgrade still have. */
#include "unit.h"

#include "mail/envelope.h"

static void test_both_versions_are_read(void **state)
{
    const struct mail_envelope in = {.version = MAIL_ENVELOPE_VERSION, .reverse_path = SLICE_LIT("a@b.example"), .ret = 2,
                                     .eight_bit = true, .minimum = 4, .require_tls = true};
    struct mail_envelope out;
    struct buf plain;
    (void)state;

    buf_init(&plain, 4096);
    layout_write(&mail_envelope_layout, &plain, &in);
    assert_true(mail_envelope_read(buf_slice(&plain), &out));
    assert_int_equal(out.minimum, 4);
    assert_true(out.require_tls);
    for (size_t len = 0; len < plain.len; len++) {
        assert_false(mail_envelope_read(slice_sub(buf_slice(&plain), 0, len), &out));
        assert_int_equal(out.reverse_path.len, 0);
    }
    plain.data[0] = 3;
    assert_false(mail_envelope_read(buf_slice(&plain), &out));
    plain.data[0] = 1; /* the first version has neither field */
    assert_false(mail_envelope_read(buf_slice(&plain), &out));
    assert_true(mail_envelope_read(slice_sub(buf_slice(&plain), 0, plain.len - 2), &out));
    assert_true(slice_eq(out.reverse_path, in.reverse_path));
    assert_true(out.eight_bit);
    assert_int_equal(out.minimum, 0);
    assert_false(out.require_tls);
    buf_free(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_versions_are_read)};
    return cmocka_run_group_tests_name("mail/envelope", tests, NULL, NULL);
}
