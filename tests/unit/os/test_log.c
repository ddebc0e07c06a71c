/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one event is one line whatever its text holds; levels; the length of a line (row 15). */
#include "os/log.h"

#include "fake_clock.h"
#include "unit.h"

#include <unistd.h>

/* Runs one log_line() with stderr turned to a pipe; the text in out, NUL-terminated. */
static void capture(enum log_level least, enum log_level level, const char *text, char *out, size_t size)
{
    const struct log log = {"store.0", least};
    int ends[2];
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    log_line(&log, level, "%s", text);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = read(ends[0], out, size - 1);
    close(ends[0]);
    out[n < 0 ? 0 : n] = '\0';
}

static void one_event_one_line(void **state)
{
    (void)state;
    char out[4096];
    capture(LOG_LEVEL_INFO, LOG_LEVEL_WARN, "x\r\n2026 store.0 alarm forged", out, sizeof(out));
    assert_string_equal(out, "2026-11-24T05:30:00.000Z store.0 warn x\\x0d\\x0a2026 store.0 alarm forged\n");
    capture(LOG_LEVEL_WARN, LOG_LEVEL_INFO, "quiet", out, sizeof(out));
    assert_string_equal(out, "");
    capture(LOG_LEVEL_ALARM, LOG_LEVEL_ALARM, "loud", out, sizeof(out));
    assert_non_null(strstr(out, " alarm loud\n"));
    log_line(NULL, LOG_LEVEL_ALARM, "nothing");
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    char text[5000];
    char out[6000];
    memset(text, '\x01', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    capture(LOG_LEVEL_INFO, LOG_LEVEL_INFO, text, out, sizeof(out));
    assert_true(strlen(out) <= 2000);
    assert_int_equal(out[strlen(out) - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_event_one_line), cmocka_unit_test(long_lines_are_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
