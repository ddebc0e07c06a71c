/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's texts for notices and codes, with a closed list of variables: {link} {expires} {operator} {code}.
 * There is no variable for anything a message says, so a notice cannot carry private text (design section 7). "{{" stands
 * for one brace. */
#ifndef MAIL_TEMPLATE_H
#define MAIL_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"

enum mail_template_variable {
    MAIL_TEMPLATE_LINK,
    MAIL_TEMPLATE_EXPIRES,
    MAIL_TEMPLATE_OPERATOR,
    MAIL_TEMPLATE_CODE,
    MAIL_TEMPLATE_COUNT
};

/* What to fill in; a value with data NULL does not exist for this text, and a text that uses it is refused. */
struct mail_template_values {
    struct slice value[MAIL_TEMPLATE_COUNT];
};

/* Appends text with its variables filled in. False with a reason in err: an unknown variable, one without a value, an
 * open brace, text that is not UTF-8 or holds control characters other than tab and line ends, a value with any
 * control character (so that no value starts a line), a value above MAIL_VALUE_MAX, a result above out's maximum.
 * Values are never searched for variables. */
bool mail_template_fill(struct buf *out, struct slice text, const struct mail_template_values *values,
                        struct err *err);

#endif
