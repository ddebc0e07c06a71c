/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: a closed list of variables, and values that stay values. */
#include "unit.h"

#include "mail/limits.h"
#include "mail/template.h"

static const struct mail_template_values VALUES = {{
    [MAIL_TEMPLATE_LINK] = {(const uint8_t *)"https://c.example/l/T{code}", 27},
    [MAIL_TEMPLATE_EXPIRES] = {(const uint8_t *)"", 0},
    [MAIL_TEMPLATE_OPERATOR] = {(const uint8_t *)"Clinic", 6},
}};

static void test_fill(void **state)
{
    (void)state;
    struct buf out;
    struct err err = {0};
    buf_init(&out, 100);
    assert_true(mail_template_fill(&out, SLICE_LIT("A {{x}\n{link}{operator}{expires}\n"), &VALUES, &err));
    assert_slice(buf_slice(&out), "A {x}\nhttps://c.example/l/T{code}Clinic\n");
    const char *const bad[] = {"{code}", "{subject}", "{", "{link", "{}", "{LINK}", "{link }", "a\001b", "\303", "a\177",
        "{link}{link}{link}{link}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        buf_reset(&out);
        err.text[0] = '\0';
        assert_false(mail_template_fill(&out, slice_str(bad[i]), &VALUES, &err));
        assert_true(err.text[0] != '\0');
    }
    buf_free(&out);
}

static void test_values_make_no_lines(void **state)
{
    (void)state;
    const struct slice bad[] = {SLICE_LIT("a\nb"), SLICE_LIT("a\rb"), SLICE_LIT("a\0b"), SLICE_LIT("\377")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct mail_template_values values = VALUES;
        struct buf out;
        values.value[MAIL_TEMPLATE_OPERATOR] = bad[i];
        buf_init(&out, 100);
        assert_false(mail_template_fill(&out, SLICE_LIT("{operator}"), &values, NULL));
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fill), cmocka_unit_test(test_values_make_no_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
