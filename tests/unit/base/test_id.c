/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: RFC 9562 version 7, and the one door from text to an id lets nothing else through. */
#include "base/id.h"
#include "unit.h"

static void makes_version_7(void **state)
{
    (void)state;
    struct id id = id_make(INT64_C(0x017F22E279B0) * 1000); /* the time of RFC 9562 appendix A.6 */
    char text[ID_TEXT_SIZE];
    id_text(&id, text);
    assert_memory_equal(text, "017f22e2-79b0-7", 15);
    assert_true(strchr("89ab", text[19]) != NULL);
    struct id other = id_make(INT64_C(0x017F22E279B0) * 1000);
    assert_false(id_eq(&id, &other));
    assert_false(id_is_zero(&id));
    struct id zero = {{0}};
    assert_true(id_is_zero(&zero));
}

static void text_round_trip(void **state)
{
    (void)state;
    struct id id = id_make(1795498200000000);
    struct id back;
    char text[ID_TEXT_SIZE];
    id_text(&id, text);
    assert_true(id_parse(slice_str(text), &back) && id_eq(&id, &back));
    for (char *p = text; *p != '\0'; p++)
        if (*p >= 'a')
            *p = (char)(*p - 32);
    assert_true(id_parse(slice_str(text), &back) && id_eq(&id, &back));
}

static void refuses_everything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "017f22e279b0-7cc3-98c4-dc0c0c07398f-", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "../../../../etc/passwd/aaaaaaaaaaaaa", "017f22e2/79b0/7cc3/98c4/dc0c0c07398f",
        " 017f22e2-79b0-7cc3-98c4-dc0c0c07398", "-17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    };
    struct id id;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(id_parse(slice_str(bad[i]), &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(makes_version_7), cmocka_unit_test(text_round_trip),
                                       cmocka_unit_test(refuses_everything_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
