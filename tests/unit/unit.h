/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka with the headers it wants in front. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

/* Fails unless the slice holds exactly the text. */
#define assert_slice(s, text)                                                                                            \
    do {                                                                                                                 \
        struct slice assert_slice_got = (s);                                                                             \
        assert_int_equal(assert_slice_got.len, strlen(text));                                                            \
        if (assert_slice_got.len > 0)                                                                                    \
            assert_memory_equal(assert_slice_got.data, (text), assert_slice_got.len);                                    \
    } while (0)

#endif
