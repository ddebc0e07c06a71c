/* SPDX-License-Identifier: Apache-2.0 */
/* Error text for people: what happened, where, what to do. Libraries never log; they fill an err and return a
 * status, the caller decides. Text that would not fit ends in "..." . */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

struct err {
    char text[512];
};

/* Sets the text (err may be NULL) and returns false, so that `return err_set(e, ...)` reads well in functions
 * that return true for success. Control bytes in the result are shown as \xNN. */
bool err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As err_set(), with ": " and strerror(errnum) behind the text. */
bool err_errno(struct err *err, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts formatted text in front of what is already there. Returns false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
