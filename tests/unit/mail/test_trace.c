/* SPDX-License-Identifier: Apache-2.0 */
/* The Received field. */
#include "unit.h"

#include "submission_run.h"

static void test_facts_cannot_break_out(void **state)
{
    (void)state;
    struct mail_trace trace = RUN_TRACE;
    struct buf out;
    buf_init(&out, 4096);
    trace.helo = SLICE_LIT("x) by evil\r\nBcc: a(\\\0");
    trace.client_ip = SLICE_LIT("2001:db8::1");
    trace.tls_cipher = SLICE_EMPTY;
    assert_true(mail_trace_append(&out, &trace));
    const char *text = buf_cstr(&out);
    const char *start = "Received: from x??by?evil??Bcc:?a??? ([IPv6:2001:db8::1])\r\n\tby ";
    assert_true(strncmp(text, start, strlen(start)) == 0);
    assert_non_null(strstr(text, "cipher=unknown bits"));
    trace.client_ip = SLICE_EMPTY;
    buf_reset(&out);
    assert_true(mail_trace_append(&out, &trace));
    assert_null(strstr(buf_cstr(&out), "(["));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_facts_cannot_break_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
