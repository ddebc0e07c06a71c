/* SPDX-License-Identifier: Apache-2.0 */
/* One event, one line, one write: lines of several processes on the same stderr do not mix. */
#include "os/log.h"

#include "base/clock.h"
#include "base/codec.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LOG_LINE_MAX 2000

static const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error", "alarm"};
    return level <= LOG_LEVEL_ALARM ? names[level] : "?";
}

void log_line(const struct log *log, enum log_level level, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    char when[CLOCK_DATE_MAX];
    struct buf line;
    if (log == NULL || level < log->least)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    clock_rfc3339(clock_utc_us(), when);
    buf_init(&line, LOG_LINE_MAX - 1);
    buf_printf(&line, "%s %s %s ", when, log->name, log_level_name(level));
    codec_escape(&line, slice_str(text)); /* what does not fit is cut */
    line.over = false;
    line.max = LOG_LINE_MAX;
    buf_append_byte(&line, '\n');
    ssize_t n = write(STDERR_FILENO, line.data, line.len);
    (void)n; /* nowhere left to complain */
    buf_free(&line);
}
