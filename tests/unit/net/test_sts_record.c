/* SPDX-License-Identifier: Apache-2.0 */
/* MTA-STS TXT records: the RFC's example, its grammar, and everything just outside of it. */
#include "unit.h"

#include "net/sts_record.h"

#define ID32 "abcdefghijklmnopqrstuvwxyz012345"

static void expect(const char *text, enum sts_record_kind kind, const char *id)
{
    struct slice got;
    struct err err = {""};
    enum sts_record_kind found = sts_record_parse(slice_str(text), &got, &err);
    if (found != kind)
        print_error("%s\n", text);
    assert_int_equal(found, kind);
    assert_slice(got, id);
    assert_true((err.text[0] != '\0') == (kind == STS_RECORD_INVALID));
}

static void test_valid(void **state)
{
    (void)state;
    expect("v=STSv1; id=20160831085700Z;", STS_RECORD_VALID, "20160831085700Z"); /* RFC 8461 3.1 */
    expect("v=STSv1;id=1", STS_RECORD_VALID, "1");
    expect("v=STSv1;\tid=1 ; ", STS_RECORD_VALID, "1");
    expect("v=STSv1; id=" ID32, STS_RECORD_VALID, ID32);
    expect("v=STSv1; a=b; x-y.z_1=<'\"!~>; id=7;", STS_RECORD_VALID, "7");
    expect("v=STSv1; id=7; id=8", STS_RECORD_VALID, "7");
    expect("v=STSv1; id=7; id=!", STS_RECORD_VALID, "7"); /* only the first counts */
    expect("v=STSv1; ID=9; id=7", STS_RECORD_VALID, "7");
}

static void test_other(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "v=spf1 -all", "v=STSv1", "v=STSv1 ;id=1", "v=STSv2; id=1", "V=STSv1; id=1", "v=stsv1; id=1",
                                        " v=STSv1; id=1", "id=1; v=STSv1;", "v=STSv11; id=1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        expect(texts[i], STS_RECORD_OTHER, "");
}

static void test_invalid(void **state)
{
    (void)state;
    static const char *const texts[] = {"v=STSv1;", "v=STSv1; ", "v=STSv1; id=", "v=STSv1; id", "v=STSv1; id=a-b", "v=STSv1; id=1 2",
                                        "v=STSv1; id=" ID32 "6", "v=STSv1; id=1 ", "v=STSv1; id=1;;", "v=STSv1;; id=1", "v=STSv1; id =1",
                                        "v=STSv1; id= 1", "v=STSv1; a=b", "v=STSv1; _a=b; id=1", "v=STSv1; a=b=c; id=1", "v=STSv1; =1; id=1",
                                        "v=STSv1; id=\xc3\xa4", "v=STSv1; id=1\n", "v=STSv1; a=\x7f; id=1",
                                        "v=STSv1; abcdefghijklmnopqrstuvwxyz0123456=1; id=1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        expect(texts[i], STS_RECORD_INVALID, "");
    struct slice got;
    assert_int_equal(sts_record_parse(SLICE_LIT("v=STSv1; id=1\0"), &got, NULL), STS_RECORD_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_valid), cmocka_unit_test(test_other), cmocka_unit_test(test_invalid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
