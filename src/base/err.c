/* SPDX-License-Identifier: Apache-2.0 */
/* Composing error text: formatted aside first, because arguments may point into the err itself. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERR_RAW_MAX 1024 /* twice the text: whatever is cut here would not have fitted either */

/* Copies text behind out->text[*len], control bytes as \xNN; marks the cut with "..." and stops there. */
static void err_add(struct err *out, size_t *len, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool control = c < 0x20 || c == 0x7f;
        size_t width = control ? 4 : 1;
        if (*len + width + sizeof("...") > sizeof(out->text)) {
            memcpy(out->text + *len, "...", sizeof("..."));
            *len = sizeof(out->text);
            return;
        }
        if (control) {
            const char shown[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
            memcpy(out->text + *len, shown, sizeof(shown));
        } else {
            out->text[*len] = (char)c;
        }
        *len += width;
    }
    out->text[*len] = '\0';
}

/* As err_add(), unless an earlier part was cut already. */
static void err_add_more(struct err *out, size_t *len, const char *text)
{
    if (*len < sizeof(out->text))
        err_add(out, len, text);
}

bool err_set(struct err *err, const char *format, ...)
{
    char raw[ERR_RAW_MAX];
    size_t len = 0;
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    err_add(err, &len, raw);
    return false;
}

bool err_errno(struct err *err, int errnum, const char *format, ...)
{
    char raw[ERR_RAW_MAX];
    char reason[128];
    size_t len = 0;
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    err_add(err, &len, raw);
    err_add_more(err, &len, ": ");
    err_add_more(err, &len, strerror_r(errnum, reason, sizeof(reason)));
    return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
    char raw[ERR_RAW_MAX];
    struct err old;
    size_t len = 0;
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    old = *err;
    err_add(err, &len, raw);
    err_add_more(err, &len, old.text);
    return false;
}
