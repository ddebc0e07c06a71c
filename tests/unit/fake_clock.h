/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that stands still until a test moves it. Linked in place of src/base/clock.c. */
#ifndef TESTS_FAKE_CLOCK_H
#define TESTS_FAKE_CLOCK_H

#include <stdint.h>

/* Sets the utc clock (microseconds); the wait clock stays. May go back, as a real one may. */
void fake_clock_set(int64_t utc_us);

/* Moves both clocks on by us microseconds (>= 0). */
void fake_clock_advance(int64_t us);

#endif
