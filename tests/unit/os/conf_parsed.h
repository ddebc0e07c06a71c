/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the configuration ask of a text: that it is taken, or refused with these words. */
#ifndef TESTS_UNIT_OS_CONF_PARSED_H
#define TESTS_UNIT_OS_CONF_PARSED_H

#include "os/conf.h"
#include "unit.h"

/* The configuration of a text that must be taken; freed with conf_free(). */
static inline struct conf *good(const char *text)
{
    struct conf *conf = NULL;
    struct err err = {{0}};

    if (!conf_parse(text, "s.conf", "/base", &conf, &err)) {
        fail_msg("%s", err.text);
    }
    return conf;
}

/* The text must be refused, and the reason must hold these words. */
static inline void bad(const char *text, const char *expected)
{
    struct conf *conf = NULL;
    struct err err = {{0}};

    assert_false(conf_parse(text, "s.conf", "/base", &conf, &err));
    assert_null(conf);
    if (strstr(err.text, expected) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", expected, err.text);
    }
}

#endif
