/* SPDX-License-Identifier: Apache-2.0 */
/* The is_email test set against mail_address_parse(): VALID, RFC5321 and DNSWARN are accepted, ERR, RFC5322, CFWS and
 * DEPREC refused. There is no exception: a case that needs one gets it here, with its reason. */
#include "unit.h"

#include "mail/address.h"
#include "vectors.h"

/* The text between <tag> and </tag> at or behind *at; moves *at behind it. */
static bool element(struct slice xml, const char *tag, size_t *at, size_t limit, struct slice *ret_text)
{
    char open[32];
    char close[32];
    snprintf(open, sizeof(open), "<%s>", tag);
    snprintf(close, sizeof(close), "</%s>", tag);
    const uint8_t *start = memmem(xml.data + *at, limit - *at, open, strlen(open));
    *ret_text = SLICE_EMPTY;
    if (start == NULL)
        return false;
    start += strlen(open);
    const uint8_t *end = memmem(start, (size_t)(xml.data + limit - start), close, strlen(close));
    assert_non_null(end);
    *ret_text = slice_of(start, (size_t)(end - start));
    *at = (size_t)(end - xml.data);
    return true;
}

static void append_code_point(struct buf *out, uint32_t c)
{
    if (c >= 0x2400 && c < 0x2420)
        c -= 0x2400; /* the set writes control characters as their symbols */
    if (c < 0x80) {
        buf_append_byte(out, (uint8_t)c);
    } else if (c < 0x800) {
        buf_append_byte(out, (uint8_t)(0xC0 | c >> 6));
        buf_append_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
    } else {
        buf_append_byte(out, (uint8_t)(0xE0 | c >> 12));
        buf_append_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
        buf_append_byte(out, (uint8_t)(0x80 | (c & 0x3F)));
    }
}

static uint32_t entity(struct slice name)
{
    if (slice_eq(name, SLICE_LIT("amp")))
        return '&';
    if (slice_eq(name, SLICE_LIT("lt")))
        return '<';
    if (slice_eq(name, SLICE_LIT("gt")))
        return '>';
    if (slice_eq(name, SLICE_LIT("quot")))
        return '"';
    assert_true(name.len > 1 && name.len < 9 && name.data[0] == '#');
    char digits[9] = {0};
    memcpy(digits, name.data + 1, name.len - 1);
    return (uint32_t)(digits[0] == 'x' ? strtoul(digits + 1, NULL, 16) : strtoul(digits, NULL, 10));
}

static void unescape(struct slice text, struct buf *out)
{
    size_t at = 0;
    while (at < text.len) {
        if (text.data[at] == '&') {
            size_t end = slice_find(text, at, ';');
            append_code_point(out, entity(slice_sub(text, at + 1, end - at - 1)));
            at = end + 1;
        } else {
            buf_append_byte(out, text.data[at++]);
        }
    }
}

static bool expected(struct slice category)
{
    return slice_eq(category, SLICE_LIT("ISEMAIL_VALID_CATEGORY")) || slice_eq(category, SLICE_LIT("ISEMAIL_RFC5321")) ||
           slice_eq(category, SLICE_LIT("ISEMAIL_DNSWARN"));
}

/* One <test>; true when the parser agrees. */
static bool check(struct slice xml, size_t at, size_t limit)
{
    uint64_t id = 0;
    size_t quote = slice_find(xml, at, '"');
    assert_true(slice_u64(slice_sub(xml, quote + 1, slice_find(xml, quote + 1, '"') - quote - 1), 9999, &id));
    struct slice address;
    struct slice category;
    struct buf text;
    struct mail_address parsed;
    size_t from = at;
    buf_init(&text, 4096);
    if (element(xml, "address", &from, limit, &address))
        unescape(address, &text);
    from = at;
    assert_true(element(xml, "category", &from, limit, &category));
    bool accepted = mail_address_parse(buf_slice(&text), 0, &parsed, NULL);
    bool agrees = accepted == expected(category);
    if (!agrees)
        print_message("test %u (%.*s): %s\n", (unsigned)id, (int)category.len, (const char *)category.data,
                      accepted ? "accepted" : "refused");
    buf_free(&text);
    return agrees;
}

static void test_isemail(void **state)
{
    (void)state;
    struct buf file;
    if (!vectors_read("isemail/test/tests.xml", &file)) {
        print_message("SKIPPED: no vectors/isemail/test/tests.xml\n");
        buf_free(&file);
        skip();
    }
    struct slice xml = buf_slice(&file);
    const char mark[] = "<test id=";
    unsigned count = 0;
    unsigned wrong = 0;
    const uint8_t *next = memmem(xml.data, xml.len, mark, strlen(mark));
    while (next != NULL) {
        size_t at = (size_t)(next - xml.data);
        next = memmem(xml.data + at + 1, xml.len - at - 1, mark, strlen(mark));
        wrong += check(xml, at, next == NULL ? xml.len : (size_t)(next - xml.data)) ? 0 : 1;
        count++;
    }
    assert_int_equal(wrong, 0);
    assert_true(count >= 160);
    buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_isemail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
