/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a page's form (application/x-www-form-urlencoded, WHATWG URL section 5.1), strict and bounded: a broken
 * percent sign, a NUL, CR or LF in a value refuses the whole form (row 18: a field never becomes a header). */
#ifndef NET_HTTP_FORM_H
#define NET_HTTP_FORM_H

#include "base/buf.h"

/* Our forms have one or two fields. */
#define HTTP_FORM_FIELDS_MAX 16

struct http_form_field {
    struct slice name;
    struct slice value;
};

/* The fields point into bytes. */
struct http_form {
    struct http_form_field fields[HTTP_FORM_FIELDS_MAX];
    size_t count;
    struct buf bytes;
};

/* Reads a whole body (or query). On false the form is empty. Pair with http_form_free() either way. */
bool http_form_parse(struct slice body, struct http_form *ret_form);

/* Wipes and frees what the form holds. NULL is accepted. */
void http_form_free(struct http_form *form);

/* The value of the only field of that name. False when there is none or more than one. */
bool http_form_get(const struct http_form *form, struct slice name, struct slice *ret_value);

/* True when a Content-Type names the form coding, parameters (charset) aside. */
bool http_form_type(struct slice content_type);

#endif
