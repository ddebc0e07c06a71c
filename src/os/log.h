/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines for the operator: one event, one line on standard error: time, role, level, text. Never addresses, domains,
 * subjects, tokens or content (P4): ids, counts, codes and the operator's own settings only. Only roles and the cli
 * log; libraries return errors. */
#ifndef OS_LOG_H
#define OS_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_ALARM };

/* A log for one role, e.g. "courier.1"; name must outlive it. */
struct log {
    const char *name;
    enum log_level least;
};

/* Writes one line, escaped, cut at 2,000 bytes. log may be NULL (nothing is written). */
void log_line(const struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(log, ...) log_line((log), LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(log, ...) log_line((log), LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(log, ...) log_line((log), LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(log, ...) log_line((log), LOG_LEVEL_ERROR, __VA_ARGS__)
/* Somebody must act: also shown by `sealpost status` when the store reports it. */
#define log_alarm(log, ...) log_line((log), LOG_LEVEL_ALARM, __VA_ARGS__)

#endif
