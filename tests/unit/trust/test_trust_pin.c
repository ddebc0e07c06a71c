/* SPDX-License-Identifier: Apache-2.0 */
/* Pins: how they are written, and which key each kind is compared with. */
#include "unit.h"

#include "trust/trust_pin.h"

#define ZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ONES "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static void test_texts(void **state)
{
    static const char *const good[] = {"sha256:" ZERO, "ca-sha256:" ZERO, "sha256:" ONES};
    static const char *const bad[] = {"", "sha256", "sha256:", ZERO, "SHA256:" ZERO, "sha512:" ZERO, "sha256: " ZERO,
                                      "sha256:" ZERO " ", "sha256:AAAA", "sha256:" ZERO "AAAA", "ca-sha256:x", "ca-" ZERO,
                                      "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="};
    struct trust_pin_set set = {0};
    struct err err = {""};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(trust_pin_add(&set, slice_str(good[i]), &err));
    assert_int_equal(set.count, 3);
    assert_true(trust_pin_add(&set, slice_str(good[0]), &err));
    assert_int_equal(set.count, 3);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        err.text[0] = '\0';
        assert_false(trust_pin_add(&set, slice_str(bad[i]), &err));
        assert_true(err.text[0] != '\0');
    }
    assert_int_equal(set.count, 3);
}

static void test_no_more_than_fit(void **state)
{
    struct trust_pin_set set = {.count = TRUST_PINS_MAX};
    struct err err;
    (void)state;
    memset(set.pins, 7, sizeof(set.pins));
    for (size_t i = 0; i < TRUST_PINS_MAX; i++)
        set.pins[i].ca = false;
    assert_false(trust_pin_add(&set, SLICE_LIT("sha256:" ZERO), &err));
}

static void test_leaf_and_issuers(void **state)
{
    struct trust_pin_set none = {0}, leaf = {0}, ca = {0}, both = {0};
    const struct digest path[3] = {{{0}}, {{9}}, {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                               1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}};
    (void)state;
    trust_pin_add(&leaf, SLICE_LIT("sha256:" ZERO), NULL);
    trust_pin_add(&ca, SLICE_LIT("ca-sha256:" ONES), NULL);
    trust_pin_add(&both, SLICE_LIT("sha256:" ONES), NULL);
    trust_pin_add(&both, SLICE_LIT("ca-sha256:" ZERO), NULL);
    assert_int_equal(trust_pin_check(&none, path, 3), TRUST_PIN_NONE);
    assert_int_equal(trust_pin_check(&none, NULL, 0), TRUST_PIN_NONE);
    assert_int_equal(trust_pin_check(&leaf, path, 3), TRUST_PIN_MATCH);
    assert_int_equal(trust_pin_check(&leaf, path, 1), TRUST_PIN_MATCH);
    assert_int_equal(trust_pin_check(&leaf, path + 1, 2), TRUST_PIN_MISMATCH);
    assert_int_equal(trust_pin_check(&leaf, NULL, 0), TRUST_PIN_MISMATCH);
    assert_int_equal(trust_pin_check(&ca, path, 3), TRUST_PIN_MATCH);
    assert_int_equal(trust_pin_check(&ca, path, 2), TRUST_PIN_MISMATCH);
    assert_int_equal(trust_pin_check(&ca, path + 2, 1), TRUST_PIN_MISMATCH); /* as a server it is no issuer */
    assert_int_equal(trust_pin_check(&both, path, 3), TRUST_PIN_MISMATCH);   /* each key in the other's place */
    const struct digest first_issuer[][2] = {{path[1], path[0]}, {path[1], path[2]}};
    assert_int_equal(trust_pin_check(&leaf, first_issuer[0], 2), TRUST_PIN_MISMATCH); /* the first issuer is no server */
    assert_int_equal(trust_pin_check(&ca, first_issuer[1], 2), TRUST_PIN_MATCH);
}

/* Where records decide, their path counts, even if the other one would match. */
static void test_session(void **state)
{
    struct trust_pin_set set = {0};
    struct trust_session session = {.cert = {.path_count = 1}, .dane = {.path_count = 1, .spki = {{{5}}}}};
    (void)state;
    trust_pin_add(&set, SLICE_LIT("sha256:" ZERO), NULL);
    assert_int_equal(trust_pin_session(&set, &session), TRUST_PIN_MATCH);
    session.dane.tlsa = TRUST_TLSA_UNUSABLE;
    assert_int_equal(trust_pin_session(&set, &session), TRUST_PIN_MATCH);
    session.dane.tlsa = TRUST_TLSA_USABLE;
    assert_int_equal(trust_pin_session(&set, &session), TRUST_PIN_MISMATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_no_more_than_fit),
        cmocka_unit_test(test_leaf_and_issuers),
        cmocka_unit_test(test_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
